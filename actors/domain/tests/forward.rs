//! What may be passed on, by whom, and as what.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod common;

use common::{DAY, NOW, phone, policy, submit, to};
use mmsc_domain::accept::{SubscriberProfile, admit};
use mmsc_domain::command::Forward;
use mmsc_domain::forward::{Original, forward, forward_stored};
use mmsc_domain::lifecycle::{CopyState, Final, Undeliverable};
use mmsc_domain::mmbox::{MmBoxEntry, MmBoxState, NewEntry};
use mmsc_domain::record::{ContentRef, CopyRecord, Interface, MmHead, RecipientKind};
use mmsc_domain::why::Refusal;
use mmsc_domain::{CopyIndex, MmId, ShardId, Token, Why};

fn head() -> MmHead {
    let submit = submit();
    let admission = admit(&submit, 30, NOW, &policy(), &SubscriberProfile::default()).unwrap();
    let content = ContentRef {
        id: [1; 16],
        len: 30,
        sha256: [2; 32],
        media_type: submit.media_type.clone(),
        parts: submit.parts.clone(),
    };
    admission.head(&submit, MmId::mint(ShardId(1), NOW, [3; 8]), content, NOW)
}

fn copy(state: CopyState) -> CopyRecord {
    CopyRecord {
        index: CopyIndex(0),
        recipient: to(RecipientKind::To, phone("15550100002")),
        token: Token([4; 16]),
        state,
        why: Why::Accepted,
        since: NOW,
        due_at: None,
        told_due_at: None,
        report_refused: false,
        read_reported: false,
        stored: false,
        taken_back: false,
    }
}

fn wish() -> Forward {
    Forward {
        token: Token([4; 16]),
        forwarder: phone("15550100002"),
        interface: Interface::Mm1,
        recipients: vec![to(RecipientKind::To, phone("15550100003"))],
        expiry: None,
        delivery_time: None,
        delivery_report: false,
        read_report: true,
        report_allowed: true,
        date: None,
        mms_version: 0x92,
        duplicate: None,
        store: None,
    }
}

fn passed_on(head: &MmHead, state: CopyState, wish: &Forward) -> Result<mmsc_domain::command::Submit, Refusal> {
    let copy = copy(state);
    let original = Original {
        head,
        copy: &copy,
        has_content: true,
    };
    forward(wish, original, NOW, &policy())
}

#[test]
fn content_and_subject_stay_and_the_sender_changes() {
    let head = head();
    let submit = passed_on(&head, CopyState::Telling, &wish()).unwrap();
    assert_eq!(submit.originator, phone("15550100002"));
    assert_eq!((&submit.subject, &submit.parts), (&head.subject, &head.content.parts));
    assert_eq!(submit.recipients, wish().recipients);
    assert!(submit.read_report && !submit.delivery_report);
    let [before] = submit.previously_sent.as_slice() else {
        panic!("{:?}", submit.previously_sent)
    };
    assert_eq!(
        (before.by.clone(), before.at),
        (Some(head.originator.address.clone()), head.date)
    );
}

#[test]
fn a_hidden_sender_stays_hidden() {
    let mut head = head();
    head.originator.hidden = true;
    let submit = passed_on(&head, CopyState::Telling, &wish()).unwrap();
    assert_eq!(submit.previously_sent[0].by, None);
}

#[test]
fn only_what_the_forwarder_may_have_is_passed_on() {
    let head = head();
    let has = [
        CopyState::Telling,
        CopyState::Deferred,
        CopyState::Served,
        CopyState::Adapting,
        CopyState::Final(Final::Retrieved),
        CopyState::Final(Final::Forwarded),
    ];
    for state in has {
        assert!(passed_on(&head, state.clone(), &wish()).is_ok(), "{state:?}");
    }
    let has_not = [
        CopyState::Screening,
        CopyState::Scheduled,
        CopyState::Forwarding,
        CopyState::Final(Final::Rejected),
        CopyState::Final(Final::Expired),
        CopyState::Final(Final::Deleted),
        CopyState::Final(Final::Cancelled),
        CopyState::Final(Final::Undeliverable(Undeliverable::Unreachable)),
        CopyState::Final(Final::Converted),
    ];
    for state in has_not {
        assert_eq!(
            passed_on(&head, state.clone(), &wish()),
            Err(Refusal::UnknownMessage),
            "{state:?}"
        );
    }
    let stranger = Forward {
        forwarder: phone("15550100009"),
        ..wish()
    };
    assert_eq!(
        passed_on(&head, CopyState::Telling, &stranger),
        Err(Refusal::UnknownMessage)
    );
    let gone = Original {
        head: &head,
        copy: &copy(CopyState::Final(Final::Retrieved)),
        has_content: false,
    };
    assert_eq!(forward(&wish(), gone, NOW, &policy()), Err(Refusal::UnknownMessage));
    let expired = Original {
        head: &head,
        copy: &copy(CopyState::Deferred),
        has_content: true,
    };
    let late = head.expires_at.plus(DAY);
    assert_eq!(forward(&wish(), expired, late, &policy()), Err(Refusal::UnknownMessage));
}

#[test]
fn locked_content_and_long_chains_stop_here() {
    let mut locked = head();
    locked.content.parts[0].media_type.essence = "application/vnd.oma.drm.message".to_owned();
    assert_eq!(
        passed_on(&locked, CopyState::Telling, &wish()),
        Err(Refusal::MayNotBeForwarded)
    );
    let mut drm = head();
    drm.carried.drm_content = Some(true);
    assert_eq!(
        passed_on(&drm, CopyState::Telling, &wish()),
        Err(Refusal::MayNotBeForwarded)
    );
    let mut long = head();
    let max = policy().max_forwards;
    for _ in 0..max {
        let submit = passed_on(&long, CopyState::Telling, &wish()).unwrap();
        long.previously_sent = submit.previously_sent;
    }
    assert_eq!(long.previously_sent.len(), max);
    assert_eq!(
        passed_on(&long, CopyState::Telling, &wish()),
        Err(Refusal::MayNotBeForwarded)
    );
}

fn stored(state: MmBoxState, own: bool) -> MmBoxEntry {
    let new = NewEntry {
        token: Token([6; 16]),
        stored_at: NOW,
        state,
        own,
        flags: Vec::new(),
    };
    MmBoxEntry::of_message(&head(), Vec::new(), new)
}

#[test]
fn a_stored_message_is_passed_on_by_its_owner_alone() {
    let (policy, owner) = (policy(), phone("15550100002"));
    let entry = stored(MmBoxState::Retrieved, false);
    let submit = forward_stored(&wish(), &owner, &entry, &policy).unwrap();
    assert_eq!(submit.originator, owner);
    assert_eq!(submit.previously_sent.len(), 1);
    assert_eq!(submit.previously_sent[0].by, Some(phone("15550100001")));
    assert_eq!(
        forward_stored(&wish(), &phone("15550100009"), &entry, &policy),
        Err(Refusal::UnknownMessage)
    );
    let locked = MmBoxEntry {
        carried: mmsc_domain::record::CarriedFields {
            drm_content: Some(true),
            ..entry.carried.clone()
        },
        ..entry
    };
    assert_eq!(
        forward_stored(&wish(), &owner, &locked, &policy),
        Err(Refusal::MayNotBeForwarded)
    );
}

#[test]
fn a_draft_has_no_past_and_an_uploaded_one_none_that_counts() {
    let (policy, owner) = (policy(), phone("15550100002"));
    let past = |entry: &MmBoxEntry| forward_stored(&wish(), &owner, entry, &policy).unwrap().previously_sent;
    assert_eq!(past(&stored(MmBoxState::Draft, true)), []);
    let uploaded = MmBoxEntry {
        mm: None,
        ..stored(MmBoxState::Retrieved, false)
    };
    assert_eq!(past(&uploaded), []);
    let hidden = MmBoxEntry {
        hidden: true,
        ..stored(MmBoxState::New, false)
    };
    assert_eq!(past(&hidden)[0].by, None);
}
