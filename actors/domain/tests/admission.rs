//! Which submissions are taken, for whom, and until when.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod common;

use std::collections::BTreeMap;
use std::time::Duration;

use common::{DAY, NOW, phone, policy, profile, submit, to};
use mmsc_domain::accept::{
    Admission, ServicePolicy, SubscriberProfile, UnknownSubscribers, Unroutable, admit, notification,
};
use mmsc_domain::command::{Submit, TimeWish};
use mmsc_domain::content::{ContentPolicy, MediaPattern, RefusedContent};
use mmsc_domain::lifecycle::{Leads, shows_hidden_sender};
use mmsc_domain::rate::Rate;
use mmsc_domain::record::{ContentRef, MessageClass, MmHead, Recipient, RecipientKind};
use mmsc_domain::routing::{NoRoute, Outlet, PeerName};
use mmsc_domain::why::Refusal;
use mmsc_domain::{Address, MmId, Token, UnixMillis, Why};
use proptest::prelude::*;

const LEN: u64 = 30;

fn taken(submit: &Submit) -> Result<Admission, Refusal> {
    admit(submit, LEN, NOW, &policy(), &profile())
}

fn head(submit: &Submit) -> MmHead {
    let content = ContentRef {
        id: [1; 16],
        len: LEN,
        sha256: [2; 32],
        media_type: submit.media_type.clone(),
        parts: submit.parts.clone(),
    };
    taken(submit).unwrap().head(submit, MmId([3; 16]), content, NOW)
}

fn mail() -> Address {
    Address::Email("a@b.example".to_owned())
}

#[test]
fn an_ordinary_submission_is_taken() {
    let admission = taken(&submit()).unwrap();
    assert_eq!(admission.recipients.len(), 1);
    assert_eq!(admission.recipients[0].leads, Leads::Here);
    assert_eq!((admission.expires_at, admission.deliver_at), (NOW.plus(7 * DAY), None));
    let head = head(&submit());
    assert_eq!((head.accepted_at, head.date, head.recipient_count), (NOW, NOW, 1));
}

#[test]
fn one_copy_for_each_address_and_to_is_stronger_than_cc_than_bcc() {
    use RecipientKind::{Bcc, Cc, To};
    let mut submit = submit();
    submit.recipients = vec![
        to(Bcc, phone("1555010001")),
        to(Cc, phone("1555010002")),
        to(To, phone("1555010001")),
        to(To, phone("1555010003")),
        to(Bcc, phone("1555010002")),
        to(Bcc, phone("1555010004")),
    ];
    let admission = taken(&submit).unwrap();
    let found: Vec<_> = admission
        .recipients
        .iter()
        .map(|routed| (routed.recipient.kind, routed.recipient.address.to_string()))
        .collect();
    let expected = [
        (To, "+1555010001"),
        (Cc, "+1555010002"),
        (To, "+1555010003"),
        (Bcc, "+1555010004"),
    ];
    assert_eq!(found, expected.map(|(kind, text)| (kind, text.to_owned())));
    // Bcc is shown to nobody, but counts.
    let head = head(&submit);
    assert_eq!((head.visible_recipients.len(), head.recipient_count), (3, 4));
}

#[test]
fn limits_are_the_smaller_of_service_and_subscriber() {
    let mut submit = submit();
    submit.recipients = (0..101)
        .map(|n| to(RecipientKind::To, phone(&format!("1555010{n:04}"))))
        .collect();
    assert_eq!(
        taken(&submit),
        Err(Refusal::TooManyRecipients { found: 101, limit: 100 })
    );
    let wide = ServicePolicy {
        max_recipients: 10_000,
        ..policy()
    };
    assert_eq!(
        admit(&submit, LEN, NOW, &wide, &profile()).unwrap().recipients.len(),
        101
    );
    let narrow = SubscriberProfile {
        max_recipients: Some(20),
        ..profile()
    };
    assert_eq!(
        admit(&submit, LEN, NOW, &wide, &narrow),
        Err(Refusal::TooManyRecipients { found: 101, limit: 20 })
    );
    // Repeats do not count.
    submit.recipients = vec![to(RecipientKind::To, phone("1555010001")); 5000];
    assert_eq!(taken(&submit).unwrap().recipients.len(), 1);

    let small = SubscriberProfile {
        max_content_bytes: Some(LEN - 1),
        ..profile()
    };
    let found = admit(&submit, LEN, NOW, &policy(), &small);
    assert_eq!(
        found,
        Err(Refusal::TooLarge {
            found: LEN,
            limit: LEN - 1
        })
    );
    let generous = SubscriberProfile {
        max_content_bytes: Some(u64::MAX),
        ..profile()
    };
    let limit = policy().max_content_bytes;
    let found = admit(&submit, limit + 1, NOW, &policy(), &generous);
    assert_eq!(
        found,
        Err(Refusal::TooLarge {
            found: limit + 1,
            limit
        })
    );
}

#[test]
fn barred_and_unknown_subscribers() {
    let barred = SubscriberProfile {
        barred_sending: true,
        ..profile()
    };
    assert_eq!(
        admit(&submit(), LEN, NOW, &policy(), &barred),
        Err(Refusal::ServiceDenied)
    );
    let strict = ServicePolicy {
        unknown_subscribers: UnknownSubscribers::Refuse,
        ..policy()
    };
    assert_eq!(policy().sender(None), Ok(profile()));
    assert_eq!(strict.sender(None), Err(Refusal::ServiceDenied));
    assert_eq!(strict.sender(Some(profile())), Ok(profile()));
    let unwilling = SubscriberProfile {
        barred_receiving: true,
        ..profile()
    };
    for (policy, record, leads) in [
        (policy(), None, Leads::Here),
        (policy(), Some(&profile()), Leads::Here),
        (policy(), Some(&unwilling), Leads::Nowhere(Why::RecipientPolicy)),
        (strict.clone(), None, Leads::Nowhere(Why::UnknownSubscriber)),
        (strict.clone(), Some(&profile()), Leads::Here),
    ] {
        assert_eq!(policy.recipient_leads(Leads::Here, record), leads);
    }
    // Our records say nothing about other people's subscribers.
    assert_eq!(strict.recipient_leads(Leads::Peer, None), Leads::Peer);
}

#[test]
fn a_subscriber_may_have_a_rate_of_its_own() {
    let rate = |per_minute, burst| Some(Rate { per_minute, burst });
    let slow = ServicePolicy {
        submit_rate: rate(60, 10),
        ..policy()
    };
    let own = SubscriberProfile {
        submits_per_minute: Some(5),
        ..profile()
    };
    assert_eq!(policy().rate_of(&profile()), None);
    assert_eq!(policy().rate_of(&own), rate(5, 5));
    assert_eq!(slow.rate_of(&profile()), rate(60, 10));
    assert_eq!(slow.rate_of(&own), rate(5, 10));
}

#[test]
fn recipients_that_nothing_leads_to_are_left_out_or_reported() {
    let mut submit = submit();
    submit.recipients = vec![to(RecipientKind::To, mail())];
    assert_eq!(taken(&submit), Err(Refusal::BadRecipient("a@b.example".to_owned())));
    submit.recipients.push(to(RecipientKind::To, phone("15550100002")));
    let admission = taken(&submit).unwrap();
    assert_eq!(admission.recipients.len(), 1);
    assert_eq!(admission.refused, ["a@b.example"]);

    let reporting = ServicePolicy {
        unroutable: Unroutable::Report,
        ..policy()
    };
    let admission = admit(&submit, LEN, NOW, &reporting, &profile()).unwrap();
    assert_eq!(admission.recipients.len(), 2);
    assert_eq!(admission.recipients[0].leads, Leads::Nowhere(Why::NoRoute));
    assert!(matches!(
        admission.recipients[0].no_route,
        Some(NoRoute::NobodyConfigured { .. })
    ));
    assert!(admission.refused.is_empty());

    // A handset that has no word for "taken for some" gets all or nothing.
    submit.mms_version = 0x91;
    assert_eq!(taken(&submit), Err(Refusal::BadRecipient("a@b.example".to_owned())));

    submit.recipients.clear();
    assert_eq!(taken(&submit), Err(Refusal::NoRecipients));
}

#[test]
fn a_hidden_sender_is_hidden_or_the_message_refused() {
    let mut submit = submit();
    submit.hide_originator = true;
    let head = head(&submit);
    let told = notification(&head, Token([4; 16]));
    assert_eq!(told.from, None);
    assert!(!shows_hidden_sender(&head, &told));
    assert_eq!(head.originator.address, submit.originator);

    let peer = PeerName("other".to_owned());
    let mut open = policy();
    open.routing.add_range("+47", &peer).unwrap();
    open.routing.outlets.mm4 = Outlet::Open;
    submit.recipients.push(to(RecipientKind::To, phone("4790000001")));
    assert_eq!(
        admit(&submit, LEN, NOW, &open, &profile()),
        Err(Refusal::HidingNotPossible)
    );
    open.hiding_peers.insert(peer);
    assert_eq!(
        admit(&submit, LEN, NOW, &open, &profile()).unwrap().recipients[1].leads,
        Leads::Peer
    );
}

#[test]
fn times_are_cut_or_contradict_themselves() {
    let after = |d| Some(TimeWish::After(d));
    let at = |ms: u64| Some(TimeWish::At(UnixMillis(ms)));
    let hour = Duration::from_secs(3600);
    let cases = [
        (None, None, Ok((7 * DAY, None))),
        (after(DAY), None, Ok((DAY, None))),
        (after(100 * DAY), None, Ok((14 * DAY, None))),
        (after(Duration::from_secs(u64::MAX)), None, Ok((14 * DAY, None))),
        (after(Duration::ZERO), None, Err("Expiry")),
        (at(NOW.0 - 1), None, Err("Expiry")),
        (at(NOW.0 + 1), None, Ok((Duration::from_millis(1), None))),
        (None, after(hour), Ok((7 * DAY + hour, Some(hour)))),
        // A delivery time that has passed means at once.
        (None, at(NOW.0 - 1), Ok((7 * DAY, None))),
        (after(hour), after(hour), Err("Expiry")),
        (after(hour), after(DAY), Err("Expiry")),
        (after(30 * DAY), after(DAY), Ok((15 * DAY, Some(DAY)))),
        // Cutting it would deliver too early.
        (None, after(8 * DAY), Err("Delivery-Time")),
    ];
    for (expiry, delivery_time, expected) in cases {
        let found = taken(&Submit {
            expiry,
            delivery_time,
            ..submit()
        });
        let found = found.map(|found| (found.expires_at, found.deliver_at));
        let expected = expected
            .map(|(lives, waits): (Duration, Option<Duration>)| (NOW.plus(lives), waits.map(|waits| NOW.plus(waits))))
            .map_err(Refusal::BadField);
        assert_eq!(found, expected, "{expiry:?} {delivery_time:?}");
    }
}

#[test]
fn class_auto_is_never_reported_on() {
    let auto = Submit {
        class: MessageClass::Auto,
        read_report: true,
        ..submit()
    };
    let head = head(&auto);
    assert!(!head.delivery_report && !head.read_report);
}

#[test]
fn content_that_is_not_let_through() {
    let few = ServicePolicy {
        max_parts: 1,
        ..policy()
    };
    let found = admit(&submit(), LEN, NOW, &few, &profile());
    assert!(matches!(found, Err(Refusal::ContentNotAccepted(_))));
    let clean = ServicePolicy {
        content: ContentPolicy {
            refused_types: vec![MediaPattern::new("image/jpeg")],
            ..ContentPolicy::default()
        },
        ..policy()
    };
    let found = admit(&submit(), LEN, NOW, &clean, &profile());
    assert_eq!(
        found,
        Err(Refusal::ContentNotAccepted(RefusedContent::MediaType(
            "image/jpeg".to_owned()
        )))
    );
    assert_eq!(
        admit(&submit(), LEN - 1, NOW, &policy(), &profile()),
        Err(Refusal::BadField("parts"))
    );
    let mut huge = submit();
    huge.parts[1].offset = u64::MAX;
    assert_eq!(taken(&huge), Err(Refusal::BadField("parts")));
    let mut long = submit();
    long.parts[0].content_location = Some("x".repeat(policy().max_envelope_bytes));
    assert!(matches!(taken(&long), Err(Refusal::TooLarge { .. })));
}

#[test]
fn a_long_subject_is_cut_between_characters() {
    let long = Submit {
        subject: Some(format!("x{}", "ä".repeat(1000))),
        ..submit()
    };
    let subject = taken(&long).unwrap().subject.unwrap();
    assert_eq!(subject.len(), 1023);
    assert!(long.subject.unwrap().starts_with(&subject));
}

/// A list for value-added services.
#[test]
fn ten_thousand_recipients_are_one_admission() {
    let policy = ServicePolicy {
        max_recipients: 10_000,
        ..policy()
    };
    let recipients = (0..10_000)
        .map(|n| to(RecipientKind::Bcc, phone(&format!("155501{n:05}"))))
        .collect();
    let submit = Submit { recipients, ..submit() };
    let admission = admit(&submit, LEN, NOW, &policy, &profile()).unwrap();
    assert_eq!(admission.recipients.len(), 10_000);
    let order = admission.recipients.iter().map(|routed| &routed.recipient);
    assert!(order.eq(&submit.recipients));
}

#[test]
fn recipients_are_shown_a_hundred_of_the_others() {
    let recipients: Vec<_> = (0..100)
        .map(|n| to(RecipientKind::Cc, phone(&format!("155501{n:05}"))))
        .collect();
    let mut submit = submit();
    submit.recipients.clone_from(&recipients);
    assert_eq!(head(&submit).visible_recipients, recipients);
    let policy = ServicePolicy {
        max_recipients: 101,
        ..policy()
    };
    submit.recipients.push(to(RecipientKind::Cc, phone("1555020001")));
    let admission = admit(&submit, LEN, NOW, &policy, &profile()).unwrap();
    let content = head(&Submit {
        recipients,
        ..submit.clone()
    })
    .content;
    let head = admission.head(&submit, MmId([3; 16]), content, NOW);
    assert_eq!((head.visible_recipients.len(), head.recipient_count), (100, 101));
}

fn recipients() -> impl Strategy<Value = Vec<Recipient>> {
    let kind = prop_oneof![
        Just(RecipientKind::To),
        Just(RecipientKind::Cc),
        Just(RecipientKind::Bcc)
    ];
    let address = prop_oneof![
        5 => (0_u32..30).prop_map(|n| phone(&format!("15550100{n:03}"))),
        1 => (0_u32..3).prop_map(|n| Address::Email(format!("a{n}@b.example"))),
    ];
    prop::collection::vec((kind, address).prop_map(|(kind, address)| to(kind, address)), 0..60)
}

fn wish() -> impl Strategy<Value = Option<TimeWish>> {
    prop::option::of(prop_oneof![
        any::<u64>().prop_map(|ms| TimeWish::At(UnixMillis(ms))),
        (0..3 * NOW.0).prop_map(|ms| TimeWish::At(UnixMillis(ms))),
        (0_u64..4_000_000).prop_map(|seconds| TimeWish::After(Duration::from_secs(seconds))),
    ])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_taken_is_in_order(
        recipients in recipients(),
        expiry in wish(),
        delivery_time in wish(),
        hide_originator: bool,
        report: bool,
    ) {
        let policy = ServicePolicy {
            unroutable: if report { Unroutable::Report } else { Unroutable::Refuse },
            ..policy()
        };
        let submit = Submit { recipients, expiry, delivery_time, hide_originator, ..submit() };
        let Ok(admission) = admit(&submit, LEN, NOW, &policy, &profile()) else {
            return Ok(());
        };
        // Everybody who was named is taken once or named as left out.
        let mut strongest: BTreeMap<&Address, RecipientKind> = BTreeMap::new();
        for recipient in &submit.recipients {
            let kind = strongest.entry(&recipient.address).or_insert(recipient.kind);
            *kind = (*kind).min(recipient.kind);
        }
        let copies: BTreeMap<_, _> =
            admission.recipients.iter().map(|routed| (&routed.recipient.address, routed.recipient.kind)).collect();
        prop_assert_eq!(copies.len(), admission.recipients.len());
        prop_assert!(copies.iter().all(|(address, kind)| strongest.get(address) == Some(kind)));
        prop_assert_eq!(copies.len() + admission.refused.len(), strongest.len());
        prop_assert!(!copies.is_empty());
        // Live has due: it ends, after it began.
        let begins = admission.deliver_at.unwrap_or(NOW);
        prop_assert!(begins >= NOW && begins <= NOW.plus(policy.max_deferral));
        prop_assert!(admission.expires_at > begins);
        prop_assert!(admission.expires_at <= begins.plus(policy.max_expiry));
    }
}
