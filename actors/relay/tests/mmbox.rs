//! What an owner asks of its network store, over the real store: every command, repeats, and the quota and its edge.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod common;

use std::time::Duration;

use bytes::Bytes;
use common::mmbox::*;
use common::*;
use mmsc_domain::Token;
use mmsc_domain::command::{Gone, HandsetAnswer};
use mmsc_domain::mmbox::{FlagChange, MmBoxPolicy, MmBoxState, NotStored, StoreWish, Stored, View};
use mmsc_domain::profile::SubscriberProfile;
use mmsc_domain::why::Refusal;
use mmsc_relay::{FetchAnswer, HandsetReply, MmBoxAnswer, SubmitAnswer, Viewed};

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_is_its_owners_alone() {
    let world = world();
    let node = world.start().await;
    accept(&node, submit_to(vec![to(phone(2))], "t1")).await;
    let copy = notified(&node, 1).await;
    let not_found = Err(NotStored::NotFound);
    assert_eq!(store(&node, phone(3), copy, StoreWish::default()).await, not_found);
    assert_eq!(
        store(&node, phone(2), Token([9; 16]), StoreWish::default()).await,
        not_found
    );
    let entry = store(&node, phone(2), copy, StoreWish::default()).await.unwrap();

    assert_eq!(
        store(&node, phone(3), entry, flag("x")).await,
        Err(NotStored::NotAllowed)
    );
    assert_eq!(delete(&node, phone(3), entry).await, Err(NotStored::NotAllowed));
    assert_eq!(delete(&node, phone(2), Token([9; 16])).await, Err(NotStored::NotFound));
    assert_eq!(gone(&node, Some(phone(3)), entry).await, Gone::Unknown);
    assert_eq!(gone(&node, None, entry).await, Gone::Unknown, "nobody is not its owner");
    let SubmitAnswer::Refused(refusal) = node.relay.forward(forward(entry, phone(3), "f1")).await else {
        panic!()
    };
    assert_eq!(refusal, Refusal::UnknownMessage);
    assert!(view(&node, everything(phone(3))).await.entries.is_empty());
    // An entry waits for no word of a handset.
    for answer in [RETRIEVED, HandsetAnswer::Deleted] {
        let reply = node.relay.handset_answer(entry, Some(phone(2)), answer).await;
        assert_eq!(reply, HandsetReply::NotThere);
    }
    assert_eq!(state(&node, phone(2)).await, MmBoxState::New);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_left_whole_is_retrieved_and_stays() {
    let world = world();
    let node = world.start().await;
    accept(&node, submit_to(vec![to(phone(2))], "t1")).await;
    let copy = notified(&node, 1).await;
    let entry = store(&node, phone(2), copy, StoreWish::default()).await.unwrap();
    node.relay.served(entry, false).await;
    assert_eq!(state(&node, phone(2)).await, MmBoxState::New, "it broke off");
    node.relay.served(entry, true).await;
    assert_eq!(state(&node, phone(2)).await, MmBoxState::Retrieved);
    assert_eq!(stored_content(&node, phone(2), entry).await, CONTENT);
}

#[tokio::test(flavor = "multi_thread")]
async fn states_and_keywords_change_as_the_owner_may() {
    let world = world();
    let node = world.start().await;
    accept(&node, submit_to(vec![to(phone(2))], "t1")).await;
    let copy = notified(&node, 1).await;
    assert_eq!(
        store(&node, phone(2), copy, wish(MmBoxState::Sent)).await,
        Err(NotStored::BadState)
    );
    let entry = store(&node, phone(2), copy, flag("a")).await.unwrap();
    let change = StoreWish {
        state: Some(MmBoxState::Retrieved),
        flags: vec![FlagChange::Remove("a".to_owned()), FlagChange::Add("b".to_owned())],
    };
    assert_eq!(store(&node, phone(2), entry, change).await, Ok(entry));
    let viewed = view(&node, everything(phone(2))).await;
    assert_eq!(viewed.entries[0].entry.state, MmBoxState::Retrieved);
    assert_eq!(viewed.entries[0].entry.flags, ["b"]);
    let bad = store(&node, phone(2), entry, wish(MmBoxState::Draft)).await;
    assert_eq!(bad, Err(NotStored::BadState));
    let bad = store(&node, phone(2), entry, flag(&"x".repeat(41))).await;
    assert_eq!(bad, Err(NotStored::BadFlags));
    assert_eq!(view(&node, everything(phone(2))).await.entries, viewed.entries);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_is_stored_once_and_can_be_sent() {
    let world = world();
    let node = world.start().await;
    let entry = upload(&node, phone(1), "u1", CONTENT).await.unwrap();
    assert_eq!(upload(&node, phone(1), "u1", CONTENT).await, Ok(entry), "a repeat");
    assert_ne!(
        upload(&node, phone(2), "u1", CONTENT).await,
        Ok(entry),
        "somebody else's"
    );
    let other = upload(&node, phone(1), "u1", b"other").await.unwrap();
    assert_ne!(other, entry);
    assert_eq!(totals(&node, phone(1)).await, (2, LEN + 5));
    assert_eq!(delete(&node, phone(1), other).await, Ok(()));
    assert_eq!(state(&node, phone(1)).await, MmBoxState::Draft);
    assert_eq!(stored_content(&node, phone(1), entry).await, CONTENT);

    let SubmitAnswer::Accepted(first) = node.relay.forward(forward(entry, phone(1), "f1")).await else {
        panic!()
    };
    let SubmitAnswer::Accepted(again) = node.relay.forward(forward(entry, phone(1), "f1")).await else {
        panic!()
    };
    assert_eq!(first.value().id, again.value().id, "a repeat gets the first answer");
    assert_eq!(state(&node, phone(1)).await, MmBoxState::Sent);
    let token = notified(&node, 1).await;
    let FetchAnswer::Content(retrieval) = node.relay.fetch(token, Some(phone(4))).await else {
        panic!()
    };
    assert_eq!(retrieval.head.originator.address, phone(1));
    assert!(retrieval.head.previously_sent.is_empty(), "a draft was not sent before");
    assert_eq!(node.relay.content(&retrieval).await.unwrap(), CONTENT);
    assert_eq!(
        upload(&node, phone(1), "u2", &[]).await.map(|_| ()),
        Ok(()),
        "without content"
    );
}

/// However many store at once, the quota holds and the totals are right.
#[tokio::test(flavor = "multi_thread")]
async fn two_at_the_edge_of_the_quota() {
    let mut world = world();
    world.policy.mmbox = Some(MmBoxPolicy {
        max_messages: 5,
        max_octets: 3 * LEN,
        ..MmBoxPolicy::default()
    });
    let node = world.start().await;
    let names: Vec<String> = (0..8).map(|n| format!("u{n}")).collect();
    let all = futures_util::future::join_all(names.iter().map(|name| upload(&node, phone(1), name, CONTENT))).await;
    let stored: Vec<_> = all.iter().filter_map(|one| one.as_ref().ok()).collect();
    assert_eq!(stored.len(), 3);
    assert!(all.iter().all(|one| one.is_ok() || *one == Err(NotStored::Full)));
    assert_eq!(totals(&node, phone(1)).await, (3, 3 * LEN));
    // Two that delete the same: one of them finds nothing, and the totals go down once.
    let (one, two) = tokio::join!(delete(&node, phone(1), *stored[0]), delete(&node, phone(1), *stored[0]));
    assert_eq!([one, two].iter().filter(|it| it.is_ok()).count(), 1);
    assert_eq!(totals(&node, phone(1)).await, (2, 2 * LEN));
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_filters_and_names() {
    let mut world = world();
    world.policy.mmbox = Some(MmBoxPolicy {
        max_view: 200,
        ..MmBoxPolicy::default()
    });
    let node = world.start().await;
    let mut tokens = Vec::new();
    // More than are read at a time.
    for n in 0..130u32 {
        tokens.push(
            upload(&node, phone(1), &format!("u{n}"), &n.to_be_bytes())
                .await
                .unwrap(),
        );
        node.clock.move_on(Duration::from_millis(2));
    }
    store(&node, phone(1), tokens[7], flag("x")).await.unwrap();
    store(&node, phone(1), tokens[9], flag("y")).await.unwrap();
    store(&node, phone(1), tokens[9], wish(MmBoxState::Sent)).await.unwrap();
    let listed = |viewed: &Viewed| viewed.entries.iter().map(|it| it.entry.token).collect::<Vec<_>>();
    let newest: Vec<_> = tokens.iter().rev().copied().collect();

    let all = view(&node, everything(phone(1))).await;
    assert_eq!((all.matching, listed(&all)), (130, newest.clone()));
    let mut page = everything(phone(1));
    (page.start, page.limit) = (100, Some(20));
    let page = view(&node, page).await;
    assert_eq!((page.matching, listed(&page)), (130, newest[100..120].to_vec()));
    let mut none = everything(phone(1));
    none.limit = Some(0);
    let none = view(&node, none).await;
    assert_eq!((none.matching, none.entries.len(), none.totals.messages), (130, 0, 130));
    let mut sent = everything(phone(1));
    sent.filter.states = vec![MmBoxState::Sent];
    assert_eq!(listed(&view(&node, sent).await), [tokens[9]]);
    let mut flagged = everything(phone(1));
    flagged.filter.keywords = vec!["x".to_owned(), "y".to_owned()];
    assert_eq!(listed(&view(&node, flagged).await), [tokens[9], tokens[7]]);

    let mut named = everything(phone(1));
    named.named = Some(vec![Some(tokens[3]), None, Some(Token([9; 16]))]);
    named.filter.states = vec![MmBoxState::Sent];
    named.content = true;
    let found = view(&node, named.clone()).await;
    assert_eq!((found.matching, listed(&found)), (1, vec![tokens[3]]));
    assert_eq!(found.entries[0].content.as_deref(), Some(3u32.to_be_bytes().as_slice()));
    named.named = Some(vec![None]);
    let none = node.relay.mmbox_view(named).await;
    assert!(matches!(none, MmBoxAnswer::Not(NotStored::NotFound)), "{none:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn content_in_a_view_is_bounded() {
    let mut world = world();
    world.policy.mmbox = Some(MmBoxPolicy {
        max_view_octets: 10_000,
        ..MmBoxPolicy::default()
    });
    let node = world.start().await;
    for n in 0..4u8 {
        let octets = vec![n; if n == 0 { 20_000 } else { 4000 }];
        upload(&node, phone(1), &format!("u{n}"), &octets).await.unwrap();
        node.clock.move_on(Duration::from_millis(2));
    }
    let page = async |start| {
        let page = View {
            start,
            content: true,
            ..everything(phone(1))
        };
        let viewed = view(&node, page).await;
        assert_eq!(viewed.matching, 4);
        let lens = viewed.entries.iter().map(|it| it.content.as_ref().map(Bytes::len));
        lens.collect::<Vec<_>>()
    };
    assert_eq!(page(0).await, [Some(4000), Some(4000)]);
    assert_eq!(page(2).await, [Some(4000)]);
    assert_eq!(page(3).await, [None], "described only: it is fetched by its address");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_offered_or_not_allowed() {
    let not_offered = World::new();
    let node = not_offered.start().await;
    accept(&node, submit_to(vec![to(phone(2))], "t1")).await;
    let copy = notified(&node, 1).await;
    let not = Err(NotStored::NotOffered);
    assert_eq!(store(&node, phone(2), copy, StoreWish::default()).await, not);
    assert_eq!(upload(&node, phone(2), "u1", CONTENT).await, not);
    assert_eq!(delete(&node, phone(2), copy).await, Err(NotStored::NotOffered));
    let viewed = node.relay.mmbox_view(everything(phone(2))).await;
    assert!(matches!(viewed, MmBoxAnswer::Not(NotStored::NotOffered)));
    let mut submit = submit_to(vec![to(phone(2))], "t2");
    submit.store = Some(StoreWish::default());
    let stored = sent(&node, submit).await.stored;
    assert_eq!(stored, Some(Stored::Not(NotStored::NotOffered)));

    let mut strict = world();
    strict.policy.unknown_subscribers = mmsc_domain::policy::UnknownSubscribers::Refuse;
    provision(
        &strict,
        &phone(1),
        SubscriberProfile {
            barred_sending: true,
            ..SubscriberProfile::default()
        },
    )
    .await;
    let node = strict.start().await;
    assert_eq!(upload(&node, phone(1), "u1", CONTENT).await, Err(NotStored::NotAllowed));
    assert_eq!(upload(&node, phone(2), "u1", CONTENT).await, Err(NotStored::NotAllowed));
    assert!(view(&node, everything(phone(1))).await.entries.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_count_as_submissions_do() {
    let mut world = world();
    world.policy.submit_rate = Some(mmsc_domain::rate::Rate {
        per_minute: 1,
        burst: 2,
    });
    let node = world.start().await;
    let first = upload(&node, phone(1), "u1", CONTENT).await;
    assert!(first.is_ok());
    accept(&node, submit_to(vec![to(phone(2))], "t1")).await;
    assert_eq!(upload(&node, phone(1), "u2", CONTENT).await, Err(NotStored::TooOften));
    assert_eq!(
        upload(&node, phone(1), "u1", CONTENT).await,
        first,
        "a repeat costs nothing"
    );
    assert!(upload(&node, phone(2), "u2", CONTENT).await.is_ok());
    node.clock.move_on(Duration::from_secs(61));
    assert!(upload(&node, phone(1), "u2", CONTENT).await.is_ok());
}
