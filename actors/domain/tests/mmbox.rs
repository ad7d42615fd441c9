//! Network stores: quota, states, keywords, filter, pages.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod common;

use common::{NOW, phone, policy, profile, submit, to};
use mmsc_domain::Token;
use mmsc_domain::lifecycle::{CopyState, Final};
use mmsc_domain::mmbox::{
    Filter, FlagChange, MAX_KEYWORD_CHARACTERS, MAX_KEYWORDS, MmBoxEntry, MmBoxPolicy, MmBoxState, MmBoxTotals,
    NewEntry, NotStored, Pager, Place, change_flags, check_upload, state_of_received, state_of_sent,
};
use mmsc_domain::record::{ContentRef, RecipientKind};
use proptest::prelude::*;

const SMALL: MmBoxPolicy = MmBoxPolicy {
    max_messages: 2,
    max_octets: 100,
    max_view: 3,
    max_view_octets: 100,
};

fn entry(state: MmBoxState, own: bool, flags: &[&str]) -> MmBoxEntry {
    let message = submit();
    let content = ContentRef {
        id: [1; 16],
        len: 30,
        sha256: [2; 32],
        media_type: message.media_type.clone(),
        parts: message.parts.clone(),
    };
    let new = NewEntry {
        token: Token([6; 16]),
        stored_at: NOW,
        state,
        own,
        flags: flags.iter().map(|flag| (*flag).to_owned()).collect(),
    };
    MmBoxEntry::uploaded(&message, content, new)
}

#[test]
fn a_quota_is_of_messages_and_of_octets() {
    let one = MmBoxTotals::default().with(60, &SMALL).unwrap();
    assert_eq!(one.with(41, &SMALL), Err(NotStored::Full));
    let two = one.with(40, &SMALL).unwrap();
    assert_eq!((two.messages, two.octets), (2, 100));
    assert_eq!(two.with(0, &SMALL), Err(NotStored::Full), "two messages are all");
    assert_eq!(two.without(40), one);
    assert_eq!(MmBoxTotals::default().without(5), MmBoxTotals::default());
    assert_eq!(one.with(u64::MAX, &SMALL), Err(NotStored::Full));
}

/// The whole table: from, to, whether the owner made it.
#[test]
fn which_state_may_be_asked_for() {
    use MmBoxState::{Draft, Forwarded, New, Retrieved, Sent};
    for from in MmBoxState::ALL {
        for to in MmBoxState::ALL {
            let own = matches!((from, to), (Draft, Draft) | (_, Sent | Forwarded));
            assert_eq!(from.may_become(to, true), own, "own {from:?} to {to:?}");
            let received = matches!(to, New | Retrieved | Forwarded);
            assert_eq!(from.may_become(to, false), received, "received {from:?} to {to:?}");
        }
    }
    assert_eq!(state_of_sent(None), Ok(Sent));
    assert_eq!(state_of_sent(Some(Draft)), Ok(Draft));
    assert_eq!(state_of_sent(Some(New)), Err(NotStored::BadState));
    assert_eq!(state_of_received(&CopyState::Telling, None), Ok(New));
    assert_eq!(
        state_of_received(&CopyState::Final(Final::Retrieved), None),
        Ok(Retrieved)
    );
    assert_eq!(
        state_of_received(&CopyState::Final(Final::Forwarded), None),
        Ok(Forwarded)
    );
    assert_eq!(state_of_received(&CopyState::Telling, Some(Retrieved)), Ok(Retrieved));
    assert_eq!(
        state_of_received(&CopyState::Telling, Some(Sent)),
        Err(NotStored::BadState)
    );
    assert_eq!(entry(Draft, true, &[]).state_when_passed_on(), Sent);
    assert_eq!(entry(New, false, &[]).state_when_passed_on(), Forwarded);
}

#[test]
fn keywords_are_added_and_removed_in_order() {
    let add = |word: &str| FlagChange::Add(word.to_owned());
    let remove = |word: &str| FlagChange::Remove(word.to_owned());
    let flags = change_flags(
        &["a".to_owned()],
        &[add("b"), add("a"), remove("b"), add("c"), remove("x")],
    )
    .unwrap();
    assert_eq!(flags, ["a", "c"]);
    let long = "ä".repeat(MAX_KEYWORD_CHARACTERS);
    assert_eq!(change_flags(&[], &[add(&long)]).unwrap().len(), 1);
    for bad in [String::new(), format!("{long}ä"), "a\nb".to_owned()] {
        assert_eq!(change_flags(&[], &[add(&bad)]), Err(NotStored::BadFlags), "{bad:?}");
    }
    let many: Vec<_> = (0..=MAX_KEYWORDS).map(|n| add(&n.to_string())).collect();
    assert_eq!(change_flags(&[], &many), Err(NotStored::BadFlags));
    assert_eq!(change_flags(&[], &many[1..]).unwrap().len(), MAX_KEYWORDS);
    let swapped: Vec<_> = many.iter().cloned().chain([remove("0")]).collect();
    assert!(change_flags(&[], &swapped).is_ok(), "what counts is what it comes to");
}

#[test]
fn states_or_keywords_or_and_both_groups_and() {
    use MmBoxState::{New, Retrieved, Sent};
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let matches = |states: &[MmBoxState], keywords: &[&str], entry: &MmBoxEntry| {
        let filter = Filter {
            states: states.to_vec(),
            keywords: words(keywords),
        };
        filter.matches(entry)
    };
    let work = entry(New, false, &["work", "x"]);
    assert!(matches(&[], &[], &work));
    assert!(matches(&[Sent, New], &[], &work));
    assert!(!matches(&[Sent, Retrieved], &[], &work));
    assert!(matches(&[], &["home", "work"], &work));
    assert!(!matches(&[], &["home"], &work));
    assert!(matches(&[New], &["x"], &work));
    assert!(!matches(&[Sent], &["x"], &work));
    assert!(!matches(&[New], &["y"], &work));
}

const HERE: Place = Place::Here { content: false };

#[test]
fn a_page_begins_at_start_and_ends_at_its_limits() {
    let places = |start, limit, count: u64| {
        let mut pager = Pager::new(start, limit, false, &SMALL);
        let places: Vec<_> = (0..count).map(|_| pager.place(10, 1000)).collect();
        assert_eq!(pager.matching(), count);
        places
    };
    let elsewhere = Place::Elsewhere;
    assert_eq!(places(0, None, 4), [HERE, HERE, HERE, elsewhere]);
    assert_eq!(places(1, Some(1), 4), [elsewhere, HERE, elsewhere, elsewhere]);
    assert_eq!(places(0, Some(0), 2), [elsewhere, elsewhere]);
    assert_eq!(places(9, None, 2), [elsewhere, elsewhere]);
}

#[test]
fn what_does_not_fit_ends_the_page_but_never_all_pages() {
    let mut pager = Pager::new(0, None, true, &SMALL);
    assert_eq!(pager.place(10, 50), Place::Here { content: true });
    assert_eq!(pager.place(10, 50), Place::Elsewhere);
    assert_eq!(pager.place(1, 1), Place::Elsewhere, "the page is over");
    let mut next = Pager::new(1, None, true, &SMALL);
    assert_eq!(next.place(10, 50), Place::Elsewhere);
    assert_eq!(next.place(10, 5000), HERE, "described, to be fetched by its address");
    assert_eq!(next.place(1, 1), Place::Elsewhere);
}

proptest! {
    /// Whoever asks for page after page sees everything once.
    #[test]
    fn pages_follow_each_other(
        sizes in prop::collection::vec((1u64..60, 0u64..200), 0..20),
        with_content in any::<bool>(),
        limit in prop::option::of(1u64..5),
    ) {
        let mut seen = Vec::new();
        for _ in 0..=sizes.len() {
            let start = seen.len() as u64;
            let mut pager = Pager::new(start, limit, with_content, &SMALL);
            for (index, (described, content)) in sizes.iter().enumerate() {
                if pager.place(*described, *content) != Place::Elsewhere {
                    seen.push(index);
                }
            }
            prop_assert_eq!(pager.matching(), sizes.len() as u64);
        }
        prop_assert_eq!(seen, (0..sizes.len()).collect::<Vec<_>>());
    }
}

#[test]
fn uploads_keep_to_the_limits_of_messages() {
    let (policy, owner) = (policy(), profile());
    let mut message = submit();
    assert_eq!(check_upload(&message, 30, &policy, &owner), Ok(()));
    assert_eq!(
        check_upload(&message, policy.max_content_bytes + 1, &policy, &owner),
        Err(NotStored::TooLarge)
    );
    assert_eq!(check_upload(&message, 5, &policy, &owner), Err(NotStored::NotAccepted));
    message.recipients = Vec::new();
    assert_eq!(
        check_upload(&message, 30, &policy, &owner),
        Ok(()),
        "a draft needs none"
    );
    message.recipients = (0..101)
        .map(|n| to(RecipientKind::To, phone(&format!("1555010{n:04}"))))
        .collect();
    assert_eq!(check_upload(&message, 30, &policy, &owner), Err(NotStored::TooLarge));
    let mut barred = profile();
    barred.barred_sending = true;
    assert_eq!(
        check_upload(&submit(), 30, &policy, &barred),
        Err(NotStored::NotAllowed)
    );
}

#[test]
fn a_hidden_sender_is_shown_to_itself_alone() {
    let mut entry = entry(MmBoxState::New, false, &[]);
    entry.hidden = true;
    assert_eq!(entry.shown_originator(), None);
    entry.own = true;
    assert_eq!(entry.shown_originator(), Some(&phone("15550100001")));
}
