//! What a crash, a restart or an orderly stop leaves behind, and entities that fail again and again.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod common;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use common::*;
use mmsc_domain::command::HandsetAnswer;
use mmsc_domain::why::Why;
use mmsc_ports::{Ports, Random};
use mmsc_relay::{HandsetReply, ShelfEntry};

const RETRIEVED: HandsetAnswer = HandsetAnswer::Retrieved { report_allowed: true };

async fn shelf_with(node: &Node, count: usize) -> Vec<ShelfEntry> {
    let mut shelf = Vec::new();
    for _ in 0..1000 {
        shelf = node.relay.shelf(10).await.unwrap();
        if shelf.len() == count {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(shelf.len(), count, "{shelf:?}");
    shelf
}

/// An attempt whose outcome died with its process is repeated at the next start, not when its due entry fires; but only
/// once in a row, so that a process that dies again and again does not shelve what it told.
#[tokio::test(flavor = "multi_thread")]
async fn h03_an_attempt_without_an_outcome_is_repeated_at_once_after_a_restart() {
    let mut world = World::new();
    world.policy.telling.born_due = Duration::from_secs(3600);
    let mut node = world.start_with(Behaviour::Hang).await;
    let id = accept(&node, submit_to(vec![to(phone(2))], "t1")).await;
    eventually("attempt 1", || node.bearer.count() == 1).await;
    let (_, token, _) = node.bearer.notifications()[0].clone();
    node = world.start_with(Behaviour::Hang).await;
    eventually("the repeated attempt", || node.bearer.count() == 1).await;
    assert_eq!(node.bearer.notifications()[0], (phone(2), token, 2));
    for number in 3..=5 {
        node = world.start_with(Behaviour::Hang).await;
        a_while().await;
        assert_eq!(node.bearer.count(), 0, "the next one waits for its due entry");
        node.clock.move_on(Duration::from_secs(3601));
        eventually("the repeated attempt", || node.bearer.count() == 1).await;
        assert_eq!(node.bearer.notifications()[0], (phone(2), token, number));
    }
    let node = world.start().await;
    node.clock.move_on(Duration::from_secs(3601));
    shelf_with(&node, 1).await;
    assert_eq!(
        metric(&node.relay.metrics(), "mmsc_relay_tell_without_outcome_total"),
        1
    );
    let chain = node.relay.trace(id).await.unwrap().unwrap().chain;
    let whys: Vec<Why> = chain.iter().map(|entry| entry.why).collect();
    let found = Why::FoundWithoutOutcome;
    assert_eq!(whys, [Why::Accepted, found, found, found, found, Why::Shelved]);
    a_while().await;
    assert_eq!(node.bearer.count(), 0, "and told no more");
}

/// The look for attempts without an outcome touches neither what was told nor what this process itself is about to tell.
#[tokio::test(flavor = "multi_thread")]
async fn h03_the_look_for_lost_outcomes_tells_nobody_twice() {
    let mut world = World::new();
    world.policy.telling.born_due = Duration::from_secs(3600);
    // So that what was told stands in the range that is looked through.
    world.policy.telling.renotify = vec![Duration::from_secs(1800)];
    let node = world.start().await;
    for number in 0..200 {
        accept(&node, submit_to(vec![to(phone(100 + number))], &format!("t{number}"))).await;
    }
    eventually("all notifications", || node.bearer.notifications().len() == 200).await;
    assert!(node.relay.drain(Duration::from_secs(10)).await);
    let again = world.start().await;
    for number in 0..200 {
        accept(&again, submit_to(vec![to(phone(100 + number))], &format!("u{number}"))).await;
    }
    eventually("the new ones", || again.bearer.count() >= 200).await;
    a_while().await;
    let numbers: BTreeSet<u32> = again.bearer.notifications().iter().map(|told| told.2).collect();
    assert_eq!((again.bearer.count(), numbers), (200, BTreeSet::from([1])));
    let metrics = again.relay.metrics();
    assert_eq!(metric(&metrics, "mmsc_relay_tell_without_outcome_total"), 0);
}

/// Outcomes that wait for a later commit are written by an orderly stop: nobody is told again, report or notification.
#[tokio::test(flavor = "multi_thread")]
async fn an_orderly_stop_right_after_telling_repeats_neither_notification_nor_report() {
    let mut world = World::new();
    // Nothing but the stop writes them.
    world.policy.telling.lazy = Duration::from_secs(3600);
    let node = world.start().await;
    accept(&node, submit_to(vec![to(phone(2))], "t1")).await;
    eventually("the notification", || node.bearer.notifications().len() == 1).await;
    let (_, token, _) = node.bearer.notifications()[0].clone();
    assert_eq!(
        node.relay.handset_answer(token, None, RETRIEVED).await,
        HandsetReply::Done
    );
    accept(&node, submit_to(vec![to(phone(3))], "t2")).await;
    eventually("another notification and the report", || {
        node.bearer.notifications().len() == 2 && node.bearer.reports().len() == 1
    })
    .await;
    assert!(node.relay.drain(Duration::from_secs(10)).await);
    let again = world.start().await;
    a_while().await;
    again.clock.move_on(Duration::from_secs(31));
    a_while().await;
    assert_eq!(again.bearer.count(), 0, "told again after an orderly stop");
}

/// Outcomes are written within the lazy time although nothing else happens.
#[tokio::test(flavor = "multi_thread")]
async fn lazy_outcomes_survive_a_crash_after_the_lazy_time() {
    let mut world = World::new();
    world.policy.telling.born_due = Duration::from_secs(3600);
    let node = world.start().await;
    accept(&node, submit_to(vec![to(phone(2))], "t1")).await;
    eventually("the notification", || node.bearer.notifications().len() == 1).await;
    let (_, token, _) = node.bearer.notifications()[0].clone();
    node.relay.handset_answer(token, None, RETRIEVED).await;
    accept(&node, submit_to(vec![to(phone(3))], "t2")).await;
    let metrics = node.relay.metrics();
    eventually("all told and written", || {
        node.bearer.count() == 3 && metric(&metrics, "mmsc_relay_live_entities") == 0
    })
    .await;
    // The first process is not drained: it ends as in a crash.
    let again = world.start().await;
    a_while().await;
    assert_eq!(again.bearer.count(), 0);
}

/// Randomness with a bug: while it is armed, whoever draws four octets (an actor of a subscriber) fails.
struct Poisoned {
    real: Arc<dyn Random>,
    armed: Arc<AtomicBool>,
}

impl Random for Poisoned {
    fn fill(&self, out: &mut [u8]) {
        assert!(
            out.len() != 4 || !self.armed.load(Ordering::SeqCst),
            "a bug that one entity meets"
        );
        self.real.fill(out);
    }
}

/// Makes every row of the shelf unreadable: that must not keep a node from starting.
async fn spoil_shelf(world: &World) {
    let shelf = mmsc_store::KeyRange::new(vec![0x26], vec![0x27]);
    let spoiled = world.store.transact(mmsc_store::OperationId([7; 16]), |txn| {
        let shelf = shelf.clone();
        async move {
            for (key, _) in txn.range(&shelf, mmsc_store::RangeOptions::default()).await? {
                txn.set(key, bytes::Bytes::from_static(b"\xff\xff"));
            }
            Ok::<(), mmsc_store::StoreError>(())
        }
    });
    let _durable = spoiled.await.unwrap();
}

/// Five faults in ten seconds park an entity: seen, released, and both survive a restart; its shard goes on.
#[tokio::test(flavor = "multi_thread")]
async fn an_entity_that_fails_five_times_is_parked_and_its_shard_goes_on() {
    let mut world = World::new();
    world.shards = 1;
    world.policy.telling.born_due = Duration::from_millis(400);
    let armed = Arc::new(AtomicBool::new(false));
    world.ports = Ports {
        random: Arc::new(Poisoned {
            real: Arc::clone(&world.ports.random),
            armed: Arc::clone(&armed),
        }),
        ..world.ports.clone()
    };
    let node = world.start().await;
    armed.store(true, Ordering::SeqCst);
    accept(&node, submit_to(vec![to(phone(2))], "t1")).await;
    let shelf = shelf_with(&node, 1).await;
    assert!(shelf[0].item.is_none());
    assert!(shelf[0].reason.contains("five times in ten seconds"), "{shelf:?}");
    assert_eq!(metric(&node.relay.metrics(), "mmsc_relay_faults_total"), 5);
    armed.store(false, Ordering::SeqCst);
    accept(&node, submit_to(vec![to(phone(3))], "t2")).await;
    eventually("a neighbour in the shard", || node.bearer.count() == 1).await;
    a_while().await;
    assert_eq!(node.bearer.notifications()[0].0, phone(3));
    assert_eq!(node.bearer.count(), 1, "the parked one is left alone");

    spoil_shelf(&world).await;
    let second = world.start().await;
    a_while().await;
    assert_eq!(second.bearer.count(), 0, "still parked after a restart");
    let shelf = shelf_with(&second, 1).await;
    assert!(shelf[0].reason.contains("cannot be read"), "{shelf:?}");
    second.relay.release(&shelf[0]).await.unwrap();
    eventually("the released one", || second.bearer.count() >= 1).await;
    assert_eq!(second.bearer.notifications()[0].0, phone(2));
    assert!(second.relay.drain(Duration::from_secs(10)).await);

    let third = world.start().await;
    shelf_with(&third, 0).await;
    accept(&third, submit_to(vec![to(phone(2))], "t3")).await;
    eventually("told like anybody", || third.bearer.count() >= 1).await;
}
