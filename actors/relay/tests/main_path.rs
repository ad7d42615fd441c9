//! Submit, notification, retrieval, acknowledgement, report: on the real store and the real tree.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod common;

use std::time::Duration;

use common::*;
use mmsc_domain::command::{Gone, HandsetAnswer, TimeWish};
use mmsc_domain::inbox::DeliveryStatus;
use mmsc_domain::lifecycle::{CopyState, Final};
use mmsc_domain::why::{Refusal, Why};
use mmsc_relay::{FetchAnswer, HandsetReply, SubmitAnswer};

const RETRIEVED: HandsetAnswer = HandsetAnswer::Retrieved { report_allowed: true };

#[tokio::test(flavor = "multi_thread")]
async fn a_message_goes_its_whole_way() {
    let world = World::new();
    let node = world.start().await;
    let id = accept(&node, submit_to(vec![to(phone(2))], "t1")).await;
    eventually("the notification", || node.bearer.notifications().len() == 1).await;
    let (told, token, number) = node.bearer.notifications()[0].clone();
    assert_eq!((told, number), (phone(2), 1));

    assert!(matches!(
        node.relay.fetch(token, Some(phone(3))).await,
        FetchAnswer::Gone(Gone::Unknown)
    ));
    let FetchAnswer::Content(retrieval) = node.relay.fetch(token, Some(phone(2))).await else {
        panic!()
    };
    assert_eq!(node.relay.content(&retrieval).await.unwrap(), CONTENT);
    node.relay.served(token, true).await;
    let stranger = node.relay.handset_answer(token, Some(phone(3)), RETRIEVED).await;
    assert_eq!(stranger, HandsetReply::NotYours);
    assert!(node.bearer.reports().is_empty(), "a stranger's word must not count");
    assert_eq!(
        node.relay.handset_answer(token, Some(phone(2)), RETRIEVED).await,
        HandsetReply::Done
    );
    assert_eq!(
        node.relay.handset_answer(token, Some(phone(2)), RETRIEVED).await,
        HandsetReply::Done
    );

    eventually("the report", || node.bearer.reports().len() == 1).await;
    let report = node.bearer.reports()[0].clone();
    assert_eq!(
        (report.mm, report.recipient, report.status),
        (id, phone(2), DeliveryStatus::Retrieved)
    );
    let trace = node.relay.trace(id).await.unwrap().unwrap();
    assert_eq!(trace.copies[0].state, CopyState::Final(Final::Retrieved));
    let whys: Vec<Why> = trace.chain.iter().map(|entry| entry.why).collect();
    assert_eq!(whys, [Why::Accepted, Why::ContentServed, Why::HandsetRetrieved]);

    // The same handset may fetch again until the content goes; afterwards there is nothing.
    assert!(matches!(node.relay.fetch(token, Some(phone(2))).await, FetchAnswer::Content(it) if it.repeated));
    node.clock.move_on(Duration::from_secs(3600));
    let mut gone = false;
    for _ in 0..300 {
        tokio::time::sleep(Duration::from_millis(10)).await;
        gone = matches!(
            node.relay.fetch(token, Some(phone(2))).await,
            FetchAnswer::Gone(Gone::Ended)
        );
        if gone {
            break;
        }
    }
    assert!(gone, "the content was not let go");
    assert!(node.relay.content(&retrieval).await.is_err());
    a_while().await;
    assert_eq!(node.bearer.count(), 2, "one notification and one report");

    // The record goes with its retention.
    node.clock.move_on(Duration::from_secs(30 * 24 * 3600));
    let mut purged = false;
    for _ in 0..300 {
        tokio::time::sleep(Duration::from_millis(10)).await;
        purged = node.relay.trace(id).await.unwrap().is_none();
        if purged {
            break;
        }
    }
    assert!(purged, "the record was not removed");
    assert!(node.relay.drain(Duration::from_secs(5)).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_nobody_fetches_expires_and_is_reported() {
    let world = World::new();
    let node = world.start().await;
    let id = accept(&node, submit_to(vec![to(phone(2)), to(phone(4))], "t1")).await;
    eventually("both notifications", || node.bearer.notifications().len() == 2).await;
    node.clock.move_on(Duration::from_secs(8 * 24 * 3600));
    eventually("both reports", || node.bearer.reports().len() == 2).await;
    assert!(
        node.bearer
            .reports()
            .iter()
            .all(|report| report.mm == id && report.status == DeliveryStatus::Expired)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deferred_message_is_told_at_its_time() {
    let world = World::new();
    let node = world.start().await;
    let mut submit = submit_to(vec![to(phone(2))], "t1");
    submit.delivery_time = Some(TimeWish::After(Duration::from_secs(3600)));
    accept(&node, submit).await;
    a_while().await;
    assert_eq!(node.bearer.count(), 0);
    node.clock.move_on(Duration::from_secs(3601));
    eventually("the notification", || node.bearer.notifications().len() == 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rejection_and_cancel_end_a_copy() {
    let world = World::new();
    let node = world.start().await;
    let id = accept(&node, submit_to(vec![to(phone(2)), to(phone(4))], "t1")).await;
    eventually("both notifications", || node.bearer.notifications().len() == 2).await;
    let (_, token, _) = node
        .bearer
        .notifications()
        .into_iter()
        .find(|told| told.0 == phone(2))
        .unwrap();
    let rejected = HandsetAnswer::Rejected { report_allowed: true };
    assert_eq!(
        node.relay.handset_answer(token, None, rejected).await,
        HandsetReply::Done
    );
    assert_eq!(node.relay.cancel(id).await, Ok(Some(1)));
    assert_eq!(node.relay.cancel(id).await, Ok(Some(0)));
    eventually("the report", || node.bearer.reports().len() == 1).await;
    assert_eq!(node.bearer.reports()[0].status, DeliveryStatus::Rejected);
    assert!(matches!(
        node.relay.fetch(token, None).await,
        FetchAnswer::Gone(Gone::Ended)
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recipient_that_cannot_be_told_is_undeliverable() {
    let world = World::new();
    let node = world.start_with(Behaviour::Refuse).await;
    let id = accept(&node, submit_to(vec![to(phone(2))], "t1")).await;
    let mut state = None;
    for _ in 0..300 {
        tokio::time::sleep(Duration::from_millis(10)).await;
        state = node
            .relay
            .trace(id)
            .await
            .unwrap()
            .map(|trace| trace.copies[0].state.clone());
        if state.as_ref().is_some_and(CopyState::is_final) {
            break;
        }
    }
    assert!(
        matches!(state, Some(CopyState::Final(Final::Undeliverable(_)))),
        "{state:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destination_that_is_down_costs_no_attempt() {
    let world = World::new();
    let node = world.start_with(Behaviour::Down).await;
    for number in 0..20 {
        accept(&node, submit_to(vec![to(phone(100 + number))], &format!("t{number}"))).await;
    }
    a_while().await;
    assert_eq!(node.bearer.count(), 0);
    node.bearer.behave(Behaviour::Accept);
    node.relay.destination_up("main");
    eventually("all notifications", || node.bearer.notifications().len() >= 20).await;
    a_while().await;
    assert_eq!(node.bearer.notifications().len(), 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_submissions_are_refused_with_their_reason() {
    let world = World::new();
    let node = world.start().await;
    let nobody = node.relay.submit(submit_to(Vec::new(), "t1"), content()).await;
    assert!(
        matches!(nobody, SubmitAnswer::Refused(Refusal::NoRecipients)),
        "{nobody:?}"
    );
    let large = vec![0u8; usize::try_from(world.policy.max_content_bytes).unwrap() + 1];
    let large = node
        .relay
        .submit(submit_to(vec![to(phone(2))], "t2"), large.into())
        .await;
    assert!(
        matches!(large, SubmitAnswer::Refused(Refusal::TooLarge { .. })),
        "{large:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_faster_than_its_rate_is_refused_and_its_repeats_are_not() {
    let mut world = World::new();
    world.policy.submit_rate = Some(mmsc_domain::rate::Rate {
        per_minute: 1,
        burst: 3,
    });
    let node = world.start().await;
    for number in 0..3 {
        accept(&node, submit_to(vec![to(phone(2))], &format!("t{number}"))).await;
    }
    let fourth = node.relay.submit(submit_to(vec![to(phone(2))], "t3"), content()).await;
    assert!(
        matches!(fourth, SubmitAnswer::Refused(Refusal::RateExceeded)),
        "{fourth:?}"
    );
    accept(&node, submit_to(vec![to(phone(2))], "t0")).await;
    let mut somebody_else = submit_to(vec![to(phone(2))], "t0");
    somebody_else.originator = phone(77);
    accept(&node, somebody_else).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destination_that_comes_up_while_a_row_begins_to_wait_wakes_it() {
    let world = World::new();
    let said = std::sync::Arc::new(tokio::sync::Notify::new());
    let node = world
        .start_with(Behaviour::SlowDown(std::sync::Arc::clone(&said)))
        .await;
    accept(&node, submit_to(vec![to(phone(2))], "t1")).await;
    a_while().await;
    // The attempt is under way; the destination comes up, and only then the attempt says that it was down.
    node.bearer.behave(Behaviour::Accept);
    node.relay.destination_up("main");
    a_while().await;
    assert_eq!(node.bearer.count(), 0);
    said.notify_one();
    eventually("the notification", || node.bearer.notifications().len() == 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn downloads_without_a_word_leave_credits_to_others() {
    let mut world = World::new();
    world.policy.telling.lazy = Duration::from_secs(30);
    world.credits = 20;
    let node = world.start().await;
    for number in 0..60 {
        accept(&node, submit_to(vec![to(phone(100 + number))], &format!("t{number}"))).await;
    }
    eventually("all told", || node.bearer.notifications().len() == 60).await;
    for (_, token, _) in node.bearer.notifications() {
        node.relay.served(token, true).await;
    }
    accept(&node, submit_to(vec![to(phone(2))], "after")).await;
    let (_, token, _) = node.bearer.notifications()[0].clone();
    assert_eq!(
        node.relay.handset_answer(token, None, RETRIEVED).await,
        HandsetReply::Done
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_a_long_list_survives_a_crash_in_mid_expansion() {
    const COUNT: u64 = 3_000;
    let world = World::new();
    let node = world.start().await;
    let everybody = (0..COUNT).map(|number| to(phone(1000 + number))).collect();
    let id = accept(&node, submit_to(everybody, "t1")).await;
    eventually("the first ones told", || node.bearer.count() >= 100).await;
    assert!(matches!(node.relay.cancel(id).await, Ok(Some(_))));
    // The process dies right after the answer; another goes on.
    let second = world.start().await;
    let mut open = u64::MAX;
    for _ in 0..600 {
        tokio::time::sleep(Duration::from_millis(10)).await;
        open = match second.relay.trace(id).await.unwrap().map(|trace| trace.progress) {
            Some(progress) if u64::from(progress.expanded) == COUNT => u64::from(progress.open),
            Some(_) | None => u64::MAX,
        };
        if open == 0 {
            break;
        }
    }
    assert_eq!(open, 0, "every copy has its end");
    // (The first node is fenced, not dead, so it may still make attempts that it had begun; the second may not.)
    let told = second.bearer.notifications().len();
    assert!(
        told < usize::try_from(COUNT).unwrap() / 2,
        "recipients were told after the cancellation: {told}"
    );
    a_while().await;
    assert_eq!(second.bearer.notifications().len(), told);
}

/// Screening that panics on one subject.
struct Poisoned;

impl mmsc_relay::port::Screening for Poisoned {
    fn screen(&self, submit: &mmsc_domain::command::Submit) -> mmsc_relay::port::Screened {
        assert!(
            submit.subject.as_deref() != Some("poison"),
            "a bug that one message finds"
        );
        mmsc_relay::port::Screened::Granted
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_over_one_message_is_answered_and_harms_no_other() {
    let mut world = World::new();
    world.screening = std::sync::Arc::new(Poisoned);
    let node = world.start().await;
    for number in 0..7 {
        let mut poison = submit_to(vec![to(phone(2))], &format!("p{number}"));
        poison.subject = Some("poison".to_owned());
        let answer = node.relay.submit(poison, content()).await;
        assert!(matches!(answer, SubmitAnswer::Busy(_)), "{answer:?}");
    }
    accept(&node, submit_to(vec![to(phone(2))], "t1")).await;
    eventually("the notification", || node.bearer.notifications().len() == 1).await;
    assert!(node.relay.is_standing());
    assert!(node.relay.drain(Duration::from_secs(5)).await, "nothing is left behind");
    node.relay.ended().await;
    assert!(!node.relay.is_standing());
}
