//! What a recipient does with a message beside fetching it: passing it on, deleting it, reading it.
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
use mmsc_domain::command::{DuplicateKey, Forward, HandsetAnswer};
use mmsc_domain::inbox::{DeliveryStatus, ReadStatus};
use mmsc_domain::lifecycle::{CopyState, Final};
use mmsc_domain::record::Interface;
use mmsc_domain::why::{Refusal, Why};
use mmsc_domain::{Address, MmId, Token, UnixMillis};
use mmsc_relay::{FetchAnswer, HandsetReply, SubmitAnswer};

const RETRIEVED: HandsetAnswer = HandsetAnswer::Retrieved { report_allowed: true };

fn forward(token: Token, forwarder: Address, recipient: Address, transaction: &str) -> Forward {
    Forward {
        token,
        interface: Interface::Mm1,
        recipients: vec![to(recipient)],
        expiry: None,
        delivery_time: None,
        delivery_report: true,
        read_report: false,
        report_allowed: true,
        date: None,
        mms_version: 0x92,
        duplicate: Some(DuplicateKey {
            interface: Interface::Mm1,
            scope: forwarder.to_string(),
            transaction_id: transaction.as_bytes().to_vec(),
        }),
        forwarder,
        store: None,
    }
}

async fn passed_on(node: &Node, wish: Forward) -> MmId {
    match node.relay.forward(wish).await {
        SubmitAnswer::Accepted(committed) => committed.into_value().id,
        other => panic!("not passed on: {other:?}"),
    }
}

async fn refused(node: &Node, wish: Forward) -> Refusal {
    match node.relay.forward(wish).await {
        SubmitAnswer::Refused(refusal) => refusal,
        other => panic!("not refused: {other:?}"),
    }
}

async fn state(node: &Node, id: MmId) -> CopyState {
    node.relay.trace(id).await.unwrap().unwrap().copies[0].state.clone()
}

async fn first_token(node: &Node) -> Token {
    eventually("the notification", || !node.bearer.notifications().is_empty()).await;
    node.bearer.notifications()[0].1
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_passed_on_without_having_been_fetched() {
    let world = World::new();
    let node = world.start().await;
    let original = accept(&node, submit_to(vec![to(phone(2))], "t1")).await;
    let token = first_token(&node).await;

    let new = passed_on(&node, forward(token, phone(2), phone(3), "f1")).await;
    assert_ne!(new, original);
    assert_eq!(
        passed_on(&node, forward(token, phone(2), phone(3), "f1")).await,
        new,
        "a repeat gets the first answer"
    );
    eventually("the second notification", || node.bearer.notifications().len() == 2).await;
    let (told, new_token, _) = node.bearer.notifications()[1].clone();
    assert_eq!(told, phone(3));
    eventually("the report to the first sender", || node.bearer.reports().len() == 1).await;
    let report = node.bearer.reports()[0].clone();
    assert_eq!(
        (report.mm, report.recipient, report.status),
        (original, phone(2), DeliveryStatus::Forwarded)
    );
    assert_eq!(state(&node, original).await, CopyState::Final(Final::Forwarded));

    // The original goes with its retention; the forwarded message still has the content.
    node.clock.move_on(Duration::from_secs(3600));
    a_while().await;
    let FetchAnswer::Content(retrieval) = node.relay.fetch(new_token, Some(phone(3))).await else {
        panic!()
    };
    assert_eq!(node.relay.content(&retrieval).await.unwrap(), CONTENT);
    assert_eq!(retrieval.head.originator.address, phone(2));
    let before: Vec<_> = retrieval.head.previously_sent.iter().map(|it| it.by.clone()).collect();
    assert_eq!(before, [Some(phone(1))]);
    // And its own forwarder learns what became of it.
    node.relay.handset_answer(new_token, Some(phone(3)), RETRIEVED).await;
    eventually("the second report", || node.bearer.reports().len() == 2).await;
    assert_eq!(node.bearer.reports()[1].mm, new);
    // The content of the original has gone by now: nothing to pass on any more.
    let late = refused(&node, forward(token, phone(2), phone(4), "f2")).await;
    assert_eq!(late, Refusal::UnknownMessage);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_recipient_passes_on_and_may_do_so_in_silence() {
    let world = World::new();
    let node = world.start().await;
    let original = accept(&node, submit_to(vec![to(phone(2))], "t1")).await;
    let token = first_token(&node).await;
    let stranger = refused(&node, forward(token, phone(3), phone(4), "f1")).await;
    assert_eq!(stranger, Refusal::UnknownMessage);
    let unknown = refused(&node, forward(Token([9; 16]), phone(2), phone(4), "f2")).await;
    assert_eq!(unknown, Refusal::UnknownMessage);
    let silent = Forward {
        report_allowed: false,
        ..forward(token, phone(2), phone(4), "f3")
    };
    passed_on(&node, silent).await;
    eventually("the second notification", || node.bearer.notifications().len() == 2).await;
    let mut ended = false;
    for _ in 0..500 {
        ended = state(&node, original).await == CopyState::Final(Final::Forwarded);
        if ended {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(ended);
    a_while().await;
    assert!(node.bearer.reports().is_empty(), "{:?}", node.bearer.reports());
}

/// The poke that ends the original may be lost: the row in its inbox is found by the due scan.
#[tokio::test(flavor = "multi_thread")]
async fn the_original_ends_although_the_node_dies_at_once() {
    let mut world = World::new();
    world.policy.telling.born_due = Duration::from_millis(500);
    let node = world.start().await;
    let original = accept(&node, submit_to(vec![to(phone(2))], "t1")).await;
    let token = first_token(&node).await;
    let new = passed_on(&node, forward(token, phone(2), phone(3), "f1")).await;
    let second = world.start().await;
    assert_eq!(
        passed_on(&second, forward(token, phone(2), phone(3), "f1")).await,
        new,
        "the repeat after a crash"
    );
    let mut ended = false;
    for _ in 0..1000 {
        ended = state(&second, original).await == CopyState::Final(Final::Forwarded);
        if ended {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(ended);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_passed_on_only_so_often_and_never_when_locked() {
    let mut world = World::new();
    world.policy.max_forwards = 2;
    let node = world.start().await;
    let _original = accept(&node, submit_to(vec![to(phone(2))], "t1")).await;
    for hop in 2..4u64 {
        let count = usize::try_from(hop - 1).unwrap();
        eventually("the notification", || node.bearer.notifications().len() == count).await;
        let token = node.bearer.notifications()[count - 1].1;
        passed_on(&node, forward(token, phone(hop), phone(hop + 1), "f")).await;
    }
    eventually("the last notification", || node.bearer.notifications().len() == 3).await;
    let token = node.bearer.notifications()[2].1;
    assert_eq!(
        refused(&node, forward(token, phone(4), phone(5), "f")).await,
        Refusal::MayNotBeForwarded
    );
    let mut locked = submit_to(vec![to(phone(7))], "t2");
    locked.parts[0].media_type.essence = "application/vnd.oma.drm.message".to_owned();
    accept(&node, locked).await;
    eventually("its notification", || node.bearer.notifications().len() == 4).await;
    let token = node.bearer.notifications()[3].1;
    assert_eq!(
        refused(&node, forward(token, phone(7), phone(5), "f")).await,
        Refusal::MayNotBeForwarded
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_deleted_unfetched_by_its_recipient_alone() {
    let world = World::new();
    let node = world.start().await;
    let id = accept(&node, submit_to(vec![to(phone(2))], "t1")).await;
    let token = first_token(&node).await;
    let say = |who, what| node.relay.handset_answer(token, Some(phone(who)), what);
    assert_eq!(say(3, HandsetAnswer::Deleted).await, HandsetReply::NotYours);
    assert_eq!(say(2, HandsetAnswer::Deleted).await, HandsetReply::Done);
    assert_eq!(state(&node, id).await, CopyState::Final(Final::Deleted));
    assert_eq!(say(2, HandsetAnswer::Deleted).await, HandsetReply::Done, "a repeat");
    assert!(matches!(
        node.relay.fetch(token, Some(phone(2))).await,
        FetchAnswer::Gone(_)
    ));
    let unknown = node
        .relay
        .handset_answer(Token([7; 16]), Some(phone(2)), HandsetAnswer::Deleted)
        .await;
    assert_eq!(unknown, HandsetReply::NotThere);
    // What was retrieved is the handset's own to delete.
    accept(&node, submit_to(vec![to(phone(5))], "t2")).await;
    eventually("its notification", || node.bearer.notifications().len() == 2).await;
    let token = node.bearer.notifications()[1].1;
    node.relay.handset_answer(token, Some(phone(5)), RETRIEVED).await;
    let late = node
        .relay
        .handset_answer(token, Some(phone(5)), HandsetAnswer::Deleted)
        .await;
    assert_eq!(late, HandsetReply::TooLate);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_report_reaches_the_originator_once() {
    let world = World::new();
    let node = world.start().await;
    let mut submit = submit_to(vec![to(phone(2)), to(phone(3))], "t1");
    submit.read_report = true;
    submit.delivery_report = false;
    let id = accept(&node, submit).await;
    eventually("the notifications", || node.bearer.notifications().len() == 2).await;
    let read = |who| {
        let at = Some(UnixMillis(1));
        node.relay.read_report(id, phone(who), ReadStatus::Read, at)
    };
    // Not before it was retrieved, not by strangers, not about what does not exist.
    assert_eq!(read(2).await, HandsetReply::Done);
    assert_eq!(read(9).await, HandsetReply::NotThere);
    let nothing = MmId([0; 16]);
    let about_nothing = node.relay.read_report(nothing, phone(2), ReadStatus::Read, None).await;
    assert_eq!(about_nothing, HandsetReply::NotThere);
    a_while().await;
    assert!(node.bearer.read_reports().is_empty());

    let tokens = node.bearer.notifications();
    let token = tokens.iter().find(|it| it.0 == phone(3)).unwrap().1;
    node.relay.handset_answer(token, Some(phone(3)), RETRIEVED).await;
    assert_eq!(read(3).await, HandsetReply::Done);
    assert_eq!(read(3).await, HandsetReply::Done);
    eventually("the read report", || !node.bearer.read_reports().is_empty()).await;
    a_while().await;
    let reports = node.bearer.read_reports();
    assert_eq!(reports.len(), 1, "{reports:?}");
    assert_eq!(
        (reports[0].mm, reports[0].recipient.clone(), reports[0].status),
        (id, phone(3), ReadStatus::Read)
    );
    let trace = node.relay.trace(id).await.unwrap().unwrap();
    assert!(
        reports[0].at >= trace.head.accepted_at,
        "a wrong clock is not passed on"
    );
    assert_eq!(trace.chain.iter().filter(|entry| entry.why == Why::Read).count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_passed_a_message_on_may_fetch_and_read_it_too() {
    let world = World::new();
    let node = world.start().await;
    let mut submit = submit_to(vec![to(phone(2))], "t1");
    submit.read_report = true;
    let id = accept(&node, submit).await;
    let token = first_token(&node).await;
    passed_on(&node, forward(token, phone(2), phone(3), "f1")).await;
    eventually("the report", || node.bearer.reports().len() == 1).await;
    assert!(matches!(
        node.relay.fetch(token, Some(phone(2))).await,
        FetchAnswer::Content(_)
    ));
    node.relay.read_report(id, phone(2), ReadStatus::Read, None).await;
    eventually("the read report", || node.bearer.read_reports().len() == 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_learns_what_it_did_not_ask_for() {
    let world = World::new();
    let node = world.start().await;
    let id = accept(&node, submit_to(vec![to(phone(2))], "t1")).await;
    let token = first_token(&node).await;
    node.relay.handset_answer(token, Some(phone(2)), RETRIEVED).await;
    let reply = node.relay.read_report(id, phone(2), ReadStatus::Read, None).await;
    assert_eq!(reply, HandsetReply::Done);
    a_while().await;
    assert!(node.bearer.read_reports().is_empty());
}

fn paid_reply(from: u64, original: MmId, transaction: &str) -> mmsc_domain::command::Submit {
    let mut reply = submit_to(vec![to(phone(1))], transaction);
    reply.originator = phone(from);
    reply.duplicate.as_mut().unwrap().scope = phone(from).to_string();
    reply.charging.reply_to = Some(original);
    reply
}

async fn answer(node: &Node, submit: mmsc_domain::command::Submit) -> SubmitAnswer {
    node.relay.submit(submit, content()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_reply_of_each_recipient_is_paid_for() {
    let mut world = World::new();
    world.policy.reply_charging = true;
    let node = world.start().await;
    let mut offer = submit_to(vec![to(phone(2)), to(phone(3))], "t1");
    offer.charging.offer = Some(mmsc_domain::reply_charging::OfferWish {
        text_only: false,
        deadline: None,
        size: None,
    });
    let original = accept(&node, offer).await;
    let first = accept(&node, paid_reply(2, original, "r1")).await;
    let claim = node
        .relay
        .trace(first)
        .await
        .unwrap()
        .unwrap()
        .head
        .reply_claim
        .unwrap();
    assert_eq!((claim.original, claim.charged_to), (original, phone(1)));
    // The same reply again is answered as before; another one is not paid for, nor is that of a stranger.
    assert_eq!(accept(&node, paid_reply(2, original, "r1")).await, first);
    for (from, transaction) in [(2, "r2"), (9, "r3")] {
        let refused = answer(&node, paid_reply(from, original, transaction)).await;
        assert!(
            matches!(refused, SubmitAnswer::Refused(Refusal::ReplyLimitsNotMet)),
            "{refused:?}"
        );
    }
    // Two at once: one of them.
    let (a, b) = tokio::join!(
        answer(&node, paid_reply(3, original, "r4")),
        answer(&node, paid_reply(3, original, "r5"))
    );
    let paid = [&a, &b]
        .iter()
        .filter(|it| matches!(it, SubmitAnswer::Accepted(_)))
        .count();
    assert_eq!(paid, 1, "{a:?} {b:?}");
    // Nor may it be passed on: strangers would be paid for.
    let token = node
        .bearer
        .notifications()
        .iter()
        .find(|it| it.0 == phone(2))
        .unwrap()
        .1;
    let refusal = refused(&node, forward(token, phone(2), phone(4), "f")).await;
    assert_eq!(refusal, Refusal::ReplyChargedMayNotBeForwarded);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_it_is_not_offered_a_reply_is_a_message_like_any_other() {
    let world = World::new();
    let node = world.start().await;
    let original = accept(&node, submit_to(vec![to(phone(2))], "t1")).await;
    let reply = accept(&node, paid_reply(2, original, "r1")).await;
    assert_eq!(node.relay.trace(reply).await.unwrap().unwrap().head.reply_claim, None);
}
