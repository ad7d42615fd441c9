//! Histories that must come out right, each named after its number.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use common::*;
use mmsc_domain::Address;
use mmsc_domain::command::HandsetAnswer;
use mmsc_domain::inbox::DeliveryStatus;
use mmsc_domain::lifecycle::{CopyState, Final};
use mmsc_ports::{BoxFuture, Clock, Ports, UnixMillis};
use mmsc_relay::port::{Receipt, ReceiptState};
use mmsc_relay::{FetchAnswer, HandsetReply, SubmitAnswer};

const RETRIEVED: HandsetAnswer = HandsetAnswer::Retrieved { report_allowed: true };

/// A submit commits, the node dies before the reply, the handset retries on another node: one MM, the first answer.
#[tokio::test(flavor = "multi_thread")]
async fn h01_a_retried_submit_gets_the_first_answer() {
    let world = World::new();
    let first = world.start().await;
    let id = accept(&first, submit_to(vec![to(phone(2)), to(phone(3))], "t1")).await;
    let second = world.start().await;
    let mut turned = submit_to(vec![to(phone(3)), to(phone(2))], "t1");
    turned.date = Some(mmsc_domain::UnixMillis(1));
    assert_eq!(
        accept(&second, turned).await,
        id,
        "order of recipients and dates do not count"
    );
    // What differs in more than that is another message, also under the same transaction id.
    let mut other = submit_to(vec![to(phone(2))], "t1");
    other.subject = Some("another".to_owned());
    assert_ne!(accept(&second, other).await, id);
    assert_ne!(
        accept(&second, submit_to(vec![to(phone(2)), to(phone(3))], "t2")).await,
        id
    );
    // Many repeats at once are all the same.
    let repeats = (0..50).map(|_| {
        let relay = second.relay.clone();
        tokio::spawn(async move { relay.submit(submit_to(vec![to(phone(9))], "t3"), content()).await })
    });
    let mut ids = BTreeSet::new();
    for repeat in repeats.collect::<Vec<_>>() {
        match repeat.await.unwrap() {
            SubmitAnswer::Accepted(accepted) => ids.insert(accepted.into_value().id),
            other => panic!("{other:?}"),
        };
    }
    assert_eq!(ids.len(), 1);
    // The window is a day.
    world.clock.move_on(Duration::from_secs(25 * 3600));
    assert_ne!(
        accept(&second, submit_to(vec![to(phone(2)), to(phone(3))], "t1")).await,
        id
    );
}

/// Accepted, the poke lost: told within the due time, as the attempt after the one that nobody made.
#[tokio::test(flavor = "multi_thread")]
async fn h02_a_lost_poke_costs_time_and_nothing_else() {
    let mut world = World::new();
    // The message itself fills the node, so its poke finds no room.
    world.max_live = 1;
    let node = world.start().await;
    accept(&node, submit_to(vec![to(phone(2))], "t1")).await;
    eventually("the notification", || node.bearer.notifications().len() == 1).await;
    let (_, _, number) = node.bearer.notifications()[0].clone();
    assert_eq!(
        number, 2,
        "found by its due entry, which may not use the poke's attempt"
    );
    a_while().await;
    assert_eq!(node.bearer.count(), 1);
}

/// Told, node dies before the outcome is recorded, five times: counted, shelved, still retrievable.
#[tokio::test(flavor = "multi_thread")]
async fn h03_five_attempts_without_an_outcome_are_shelved() {
    let world = World::new();
    let node = world.start_with(Behaviour::Hang).await;
    let id = accept(&node, submit_to(vec![to(phone(2))], "t1")).await;
    eventually("attempt 1", || node.bearer.count() == 1).await;
    let (_, token, _) = node.bearer.notifications()[0].clone();
    let mut numbers = vec![1];
    let mut last = node;
    for _ in 2..=5 {
        last = world.start_with(Behaviour::Hang).await;
        eventually("the repeated attempt", || last.bearer.count() == 1).await;
        let (_, again, number) = last.bearer.notifications()[0].clone();
        assert_eq!(again, token, "the same ids at each attempt");
        numbers.push(number);
    }
    assert_eq!(numbers, [1, 2, 3, 4, 5]);
    let node = world.start().await;
    let mut shelf = Vec::new();
    for _ in 0..300 {
        tokio::time::sleep(Duration::from_millis(10)).await;
        shelf = node.relay.shelf(10).await.unwrap();
        if !shelf.is_empty() {
            break;
        }
    }
    assert_eq!(shelf.len(), 1, "on the shelf");
    a_while().await;
    assert_eq!(node.bearer.count(), 0, "and told no more");
    let FetchAnswer::Content(retrieval) = node.relay.fetch(token, Some(phone(2))).await else {
        panic!()
    };
    assert_eq!(node.relay.content(&retrieval).await.unwrap(), CONTENT);
    // An operator releases it.
    node.relay.release(&shelf[0]).await.unwrap();
    eventually("the released notification", || node.bearer.notifications().len() == 1).await;
    assert_eq!(
        node.relay.handset_answer(token, None, RETRIEVED).await,
        HandsetReply::Done
    );
    assert!(node.relay.shelf(10).await.unwrap().is_empty());
    assert_eq!(
        node.relay.trace(id).await.unwrap().unwrap().copies[0].state,
        CopyState::Final(Final::Retrieved)
    );
    drop(last);
}

/// A clean restart of told messages tells nobody again.
#[tokio::test(flavor = "multi_thread")]
async fn h03_a_clean_restart_tells_nobody_again() {
    let world = World::new();
    let node = world.start().await;
    for number in 0..200 {
        accept(&node, submit_to(vec![to(phone(100 + number))], &format!("t{number}"))).await;
    }
    eventually("all notifications", || node.bearer.notifications().len() == 200).await;
    assert!(node.relay.drain(Duration::from_secs(10)).await);
    let again = world.start().await;
    a_while().await;
    assert_eq!(again.bearer.count(), 0);
}

/// M-NotifyResp while a retry is being sent: final wins, at most one extra push with the same ids.
#[tokio::test(flavor = "multi_thread")]
async fn h05_an_answer_during_a_retry_wins() {
    let world = World::new();
    let node = world.start().await;
    let id = accept(&node, submit_to(vec![to(phone(2))], "t1")).await;
    eventually("attempt 1", || node.bearer.count() == 1).await;
    let (_, token, _) = node.bearer.notifications()[0].clone();
    a_while().await;
    node.bearer.behave(Behaviour::Hang);
    // The renotification is under way when the handset answers the first one.
    node.clock.move_on(Duration::from_secs(200));
    eventually("attempt 2", || node.bearer.count() == 2).await;
    assert_eq!(
        node.relay.handset_answer(token, Some(phone(2)), RETRIEVED).await,
        HandsetReply::Done
    );
    node.bearer.behave(Behaviour::Accept);
    for _ in 0..3 {
        node.clock.move_on(Duration::from_secs(24 * 3600));
        a_while().await;
    }
    let told = node.bearer.notifications();
    assert_eq!(told.len(), 2, "one extra push at most");
    assert!(told.iter().all(|(_, same, _)| *same == token));
    assert_eq!(
        node.relay.trace(id).await.unwrap().unwrap().copies[0].state,
        CopyState::Final(Final::Retrieved)
    );
    assert_eq!(node.bearer.reports().len(), 1);
}

/// 5,000 recipients, crash in mid-expansion, one already retrieved: each told once, content there until the last.
#[tokio::test(flavor = "multi_thread")]
async fn h07_a_long_list_survives_a_crash_in_mid_expansion() {
    const COUNT: u64 = 5_000;
    let mut world = World::new();
    // Attempts of the first run that have no outcome when it dies are repeated soon enough.
    world.policy.telling.born_due = Duration::from_secs(2);
    // All reports go to one handset, whose pace is not what is tested here.
    world.policy.telling.pace.per_minute = 6_000_000;
    let node = world.start().await;
    let everybody = (0..COUNT)
        .map(|number| to(phone(1000 + number)))
        .chain([to(phone(1000))])
        .collect();
    let id = accept(&node, submit_to(everybody, "t1")).await;
    eventually("the first ones told", || node.bearer.count() >= 150).await;
    let (early, token, _) = node.bearer.notifications()[0].clone();
    assert_eq!(
        node.relay.handset_answer(token, Some(early), RETRIEVED).await,
        HandsetReply::Done
    );
    // The process dies; another goes on.
    let second = world.start().await;
    let before = node.bearer.count();
    assert!(
        before < usize::try_from(COUNT).unwrap(),
        "the crash was to come in mid-expansion"
    );
    let told = || {
        let all = node
            .bearer
            .notifications()
            .into_iter()
            .chain(second.bearer.notifications());
        all.fold(
            BTreeMap::<Address, BTreeSet<_>>::new(),
            |mut told, (address, token, _)| {
                told.entry(address).or_default().insert(token);
                told
            },
        )
    };
    eventually("everybody told", || told().len() == usize::try_from(COUNT).unwrap()).await;
    assert!(
        told().values().all(|tokens| tokens.len() == 1),
        "one copy each, always under the same token"
    );
    // A push that was made twice is the repetition of one whose outcome died with its process, and says so.
    let all = node
        .bearer
        .notifications()
        .into_iter()
        .chain(second.bearer.notifications());
    let firsts: Vec<_> = all
        .filter(|(_, _, number)| *number == 1)
        .map(|(address, _, _)| address)
        .collect();
    assert_eq!(
        firsts.iter().collect::<BTreeSet<_>>().len(),
        firsts.len(),
        "an attempt 1 was made twice"
    );

    // All but the last retrieve; the content stays for the last.
    let tokens: Vec<_> = told()
        .into_iter()
        .filter_map(|(who, tokens)| tokens.first().map(|token| (who, *token)))
        .collect();
    let (last, rest) = tokens.split_last().unwrap();
    for (address, token) in rest {
        assert_eq!(
            second
                .relay
                .handset_answer(*token, Some(address.clone()), RETRIEVED)
                .await,
            HandsetReply::Done
        );
    }
    second.clock.move_on(Duration::from_secs(3600));
    a_while().await;
    let FetchAnswer::Content(retrieval) = second.relay.fetch(last.1, Some(last.0.clone())).await else {
        panic!()
    };
    assert_eq!(second.relay.content(&retrieval).await.unwrap(), CONTENT);
    assert_eq!(
        second
            .relay
            .handset_answer(last.1, Some(last.0.clone()), RETRIEVED)
            .await,
        HandsetReply::Done
    );
    second.clock.move_on(Duration::from_secs(3600));
    let mut released = false;
    for _ in 0..300 {
        tokio::time::sleep(Duration::from_millis(10)).await;
        released = second.relay.content(&retrieval).await.is_err();
        if released {
            break;
        }
    }
    assert!(released, "the content goes after the last copy");
    assert_eq!(
        second.relay.trace(id).await.unwrap().unwrap().head.recipient_count,
        u32::try_from(COUNT).unwrap()
    );
    eventually("all reports", || {
        let reports = node.bearer.reports().into_iter().chain(second.bearer.reports());
        reports.map(|report| report.recipient).collect::<BTreeSet<_>>().len() == usize::try_from(COUNT).unwrap()
    })
    .await;
}

/// A clock whose system time steps while its carried time does not follow.
struct SteppedClock {
    inner: Arc<MovedClock>,
    carried: std::sync::Mutex<mmsc_ports::clock::Carried>,
    stepped: AtomicBool,
}

impl Clock for SteppedClock {
    fn now(&self) -> UnixMillis {
        let at = self.inner.monotonic();
        let step = if self.stepped.load(Ordering::SeqCst) {
            3_600_000
        } else {
            0
        };
        self.carried
            .lock()
            .unwrap()
            .advance(at, UnixMillis(self.inner.now().0 + step))
    }
    fn monotonic(&self) -> Duration {
        self.inner.monotonic()
    }
    fn sleep(&self, d: Duration) -> BoxFuture<'static, ()> {
        self.inner.sleep(d)
    }
    fn wall_offset_millis(&self) -> i64 {
        self.now();
        self.carried.lock().unwrap().offset_millis()
    }
}

/// One node's clock steps an hour: nothing expires early, nothing is late.
#[tokio::test(flavor = "multi_thread")]
async fn h15_a_stepped_clock_is_not_followed() {
    let mut world = World::new();
    world.policy.default_expiry = Duration::from_secs(1800);
    let inner = Arc::clone(&world.clock);
    let carried = mmsc_ports::clock::Carried::start(inner.now(), inner.monotonic());
    let clock = Arc::new(SteppedClock {
        inner,
        carried: carried.into(),
        stepped: AtomicBool::new(false),
    });
    world.ports = Ports {
        clock: Arc::clone(&clock) as Arc<dyn Clock>,
        ..world.ports.clone()
    };
    let node = world.start().await;
    let id = accept(&node, submit_to(vec![to(phone(2))], "t1")).await;
    let mut soon = submit_to(vec![to(phone(3))], "t2");
    soon.delivery_time = Some(mmsc_domain::command::TimeWish::After(Duration::from_secs(1)));
    accept(&node, soon).await;
    clock.stepped.store(true, Ordering::SeqCst);
    eventually("the deferred one, in its time", || {
        node.bearer.notifications().len() == 2
    })
    .await;
    a_while().await;
    let trace = node.relay.trace(id).await.unwrap().unwrap();
    assert!(!trace.copies[0].state.is_final(), "the step expired a message");
    assert!(
        clock.wall_offset_millis() > 3_000_000,
        "the alarm's figure shows the step"
    );
}

/// A receipt that says "not reached" leads to another attempt; one that says "reached" does not.
#[tokio::test(flavor = "multi_thread")]
async fn h18_a_receipt_is_matched_by_its_message_id() {
    let world = World::new();
    let node = world.start().await;
    accept(&node, submit_to(vec![to(phone(2))], "t1")).await;
    eventually("attempt 1", || node.bearer.count() == 1).await;
    a_while().await;
    let receipt = |message_id: &str, state| Receipt {
        address: phone(2),
        destination: "main".to_owned(),
        message_id: message_id.to_owned(),
        state,
    };
    assert!(node.relay.receipt(receipt("m0", ReceiptState::Reached)).await);
    assert!(node.relay.receipt(receipt("unknown", ReceiptState::NotReached)).await);
    assert_eq!(node.bearer.count(), 1);
    assert!(node.relay.receipt(receipt("m0", ReceiptState::NeverReachable)).await);
    eventually("the report", || node.bearer.reports().len() == 1).await;
    assert_eq!(node.bearer.reports()[0].status, DeliveryStatus::Unreachable);
}
