//! Content that is not let through, however it comes: submitted, passed on, uploaded.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod common;

use bytes::Bytes;
use common::mmbox::{upload, world};
use common::{Node, accept, content, eventually, labelled, phone, submit_to, to};
use mmsc_domain::command::{Forward, Submit};
use mmsc_domain::content::{Installable, RefusedContent};
use mmsc_domain::fan_out::{FanOutAction, FanOutLimits, FanOutPolicy};
use mmsc_domain::mmbox::NotStored;
use mmsc_domain::record::Interface;
use mmsc_domain::why::Refusal;
use mmsc_domain::{Address, Token};
use mmsc_relay::SubmitAnswer;

/// As long as the content of the other tests.
const PROGRAM: &[u8] = b"\x7fELF, and thirty-five octets of program.";
const ELF: RefusedContent = RefusedContent::Installable(Installable::Elf);

fn program(transaction: &str) -> Submit {
    let mut submit = submit_to(vec![to(phone(2))], transaction);
    submit.parts[0].len = PROGRAM.len() as u64;
    submit
}

fn forward(token: Token, forwarder: Address, recipients: std::ops::Range<u64>) -> Forward {
    Forward {
        token,
        forwarder,
        interface: Interface::Mm1,
        recipients: recipients.map(|number| to(phone(number))).collect(),
        expiry: None,
        delivery_time: None,
        delivery_report: false,
        read_report: false,
        report_allowed: true,
        date: None,
        mms_version: 0x92,
        duplicate: None,
        store: None,
    }
}

fn counted(node: &Node, reason: &str) -> i64 {
    labelled(&node.relay.metrics(), "mmsc_relay_content_refused_total", reason)
}

async fn refusal(node: &Node, submit: Submit, octets: &'static [u8]) -> Refusal {
    match node.relay.submit(submit, Bytes::from_static(octets)).await {
        SubmitAnswer::Refused(refusal) => refusal,
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_submitted_or_uploaded_is_looked_at_and_counted_by_reason() {
    let world = world();
    let node = world.start().await;
    assert_eq!(
        refusal(&node, program("t1"), PROGRAM).await,
        Refusal::ContentNotAccepted(ELF)
    );
    let mut declared = submit_to(vec![to(phone(2))], "t2");
    "application/vnd.symbian.install".clone_into(&mut declared.parts[0].media_type.essence);
    let why = RefusedContent::MediaType("application/vnd.symbian.install".to_owned());
    assert_eq!(
        refusal(&node, declared, common::CONTENT).await,
        Refusal::ContentNotAccepted(why)
    );
    assert_eq!(
        upload(&node, phone(1), "u1", PROGRAM).await,
        Err(NotStored::NotAccepted)
    );
    assert_eq!((counted(&node, "elf"), counted(&node, "media_type")), (2, 1));
    accept(&node, submit_to(vec![to(phone(2))], "t1")).await;
    assert_eq!(counted(&node, "elf"), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_that_is_new_holds_for_what_is_passed_on_but_not_for_repeats() {
    let mut world = world();
    world.policy.content.check_magic = false;
    let careless = world.start().await;
    let first = match careless.relay.submit(program("t1"), Bytes::from_static(PROGRAM)).await {
        SubmitAnswer::Accepted(committed) => committed.into_value().id,
        other => panic!("not accepted: {other:?}"),
    };
    eventually("the notification", || !careless.bearer.notifications().is_empty()).await;
    let (_, token, _) = careless.bearer.notifications()[0].clone();
    world.policy.content.check_magic = true;
    let node = world.start().await;
    let answer = node.relay.forward(forward(token, phone(2), 3..4)).await;
    assert!(
        matches!(&answer, SubmitAnswer::Refused(Refusal::ContentNotAccepted(why)) if *why == ELF),
        "{answer:?}"
    );
    assert_eq!(counted(&node, "elf"), 1);
    let repeat = node.relay.submit(program("t1"), Bytes::from_static(PROGRAM)).await;
    match repeat {
        SubmitAnswer::Accepted(committed) => assert_eq!(committed.into_value().id, first),
        other => panic!("not the first answer: {other:?}"),
    }
    let harmless = node.relay.submit(submit_to(vec![to(phone(2))], "t2"), content()).await;
    assert!(matches!(harmless, SubmitAnswer::Accepted(_)), "{harmless:?}");
}

fn from(sender: u64, recipients: std::ops::Range<u64>, transaction: &str) -> Submit {
    let mut submit = submit_to(recipients.map(|number| to(phone(number))).collect(), transaction);
    submit.originator = phone(sender);
    submit
}

fn fanned_out(node: &Node, threshold: &str) -> i64 {
    labelled(&node.relay.metrics(), "mmsc_relay_fan_out_total", threshold)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_content_to_many_is_refused_whoever_sends_it_and_repeats_are_not_counted() {
    let limit = |recipients| FanOutLimits {
        submissions: None,
        recipients: Some(recipients),
    };
    let mut world = world();
    world.policy.fan_out = Some(FanOutPolicy {
        action: FanOutAction::Refuse,
        sender: limit(4),
        everybody: limit(6),
        everybody_min_bytes: 0,
        ..FanOutPolicy::default()
    });
    let node = world.start().await;
    for _repeat in 0..3 {
        accept(&node, from(1, 100..104, "t1")).await;
    }
    let refused = refusal(&node, from(1, 104..105, "t2"), common::CONTENT).await;
    assert_eq!(refused, Refusal::FannedOut);
    // What is passed on is the same content still.
    eventually("the notifications", || node.bearer.notifications().len() == 4).await;
    let told = node.bearer.notifications();
    let (forwarder, token, _) = told.first().cloned().unwrap();
    let answer = node.relay.forward(forward(token, forwarder, 200..203)).await;
    assert!(
        matches!(answer, SubmitAnswer::Refused(Refusal::FannedOut)),
        "{answer:?}"
    );
    accept(&node, from(2, 105..107, "t3")).await;
    let refused = refusal(&node, from(3, 107..108, "t4"), common::CONTENT).await;
    assert_eq!(refused, Refusal::FannedOut);
    assert_eq!(
        (
            fanned_out(&node, "sender_recipients"),
            fanned_out(&node, "all_recipients")
        ),
        (1, 2)
    );
    // Another content, and the same one after the window.
    let mut other = from(3, 107..108, "t5");
    other.parts[0].len -= 1;
    let octets = Bytes::from_static(&common::CONTENT[1..]);
    assert!(matches!(
        node.relay.submit(other, octets).await,
        SubmitAnswer::Accepted(_)
    ));
    node.clock.move_on(FanOutPolicy::default().window);
    accept(&node, from(3, 107..108, "t6")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn by_default_fan_out_is_only_counted() {
    let world = world();
    let node = world.start().await;
    for number in 0..11 {
        accept(&node, from(1, 1000..1100, &format!("t{number}"))).await;
    }
    assert_eq!(
        (
            fanned_out(&node, "sender_recipients"),
            fanned_out(&node, "all_recipients")
        ),
        (1, 0)
    );
}
