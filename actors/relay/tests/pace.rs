//! History 17: a subscriber with many waiting messages. Told in order and at pace, memory bounded, and nobody else is
//! made late by it.
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
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::*;
use mmsc_domain::inbox::Telling;
use mmsc_ports::Clock;
use mmsc_relay::SubmitAnswer;

/// Submits `count` messages to one subscriber in a hundred waves, so that the order of birth is known between waves;
/// the subject of each is its wave.
async fn submit_waves(node: &Node, count: u64) {
    for wave in 0..100u64 {
        let submits = (0..count / 100).map(|number| {
            let relay = node.relay.clone();
            let mut submit = submit_to(vec![to(phone(2))], &format!("t{wave}-{number}"));
            submit.subject = Some(wave.to_string());
            tokio::spawn(async move { relay.submit(submit, content()).await })
        });
        for submit in submits.collect::<Vec<_>>() {
            assert!(matches!(submit.await.unwrap(), SubmitAnswer::Accepted(_)));
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// A subscriber with 10,000 waiting messages wakes: told in order and at pace, memory bounded.
#[tokio::test(flavor = "multi_thread")]
async fn h17_ten_thousand_waiting_messages_are_told_in_order_at_pace_and_in_bounded_memory() {
    const COUNT: u64 = 10_000;
    let mut world = World::at_speed(10);
    world.policy.telling.born_due = Duration::from_secs(3600);
    // Nobody fetches, and nobody is told again within the test.
    world.policy.telling.renotify = vec![Duration::from_secs(24 * 3600)];
    world.policy.telling.lazy = mmsc_domain::telling::TellingPolicy::default().lazy;
    world.policy.default_expiry = Duration::from_secs(30 * 24 * 3600);
    let pace = world.policy.telling.pace;
    world.policy.telling.pace.per_minute = 6_000_000;
    let asleep = world.start_with(Behaviour::Down).await;
    submit_waves(&asleep, COUNT).await;
    let metrics = asleep.relay.metrics();
    for _ in 0..6_000 {
        if metric(&metrics, "mmsc_relay_tell_waiting_total") >= 10_000 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(asleep.relay.drain(Duration::from_secs(600)).await);
    world.policy.telling.pace = pace;
    let node = world.start_with(Behaviour::Down).await;
    assert_eq!(asleep.bearer.count(), 0);
    let (stamps, most_rows) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicI64::new(0)));
    let observe = {
        let (stamps, most_rows, clock) = (Arc::clone(&stamps), Arc::clone(&most_rows), Arc::clone(&world.clock));
        let metrics = node.relay.metrics();
        move || {
            stamps.lock().unwrap().push(clock.now().0);
            most_rows.fetch_max(metric(&metrics, "mmsc_relay_held_inbox_rows"), Ordering::SeqCst);
        }
    };
    *node.bearer.observer.lock().unwrap() = Some(Box::new(observe));
    node.bearer.behave(Behaviour::Accept);
    node.relay.destination_up("main");
    // At this pace it takes ten seconds at least.
    for _ in 0..6_000 {
        if node.bearer.count() >= usize::try_from(COUNT).unwrap() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let told: Vec<_> = {
        let told = node.bearer.told.lock().unwrap();
        let notifications = told.iter().filter_map(|attempt| match &attempt.telling {
            Telling::Notification(it) => Some((it.token, it.subject.as_ref()?.parse::<u64>().ok()?)),
            Telling::DeliveryReport(_) | Telling::ReadReport(_) | Telling::Cancel(_) => None,
        });
        notifications.collect()
    };
    let distinct: BTreeSet<_> = told.iter().map(|(token, _)| *token).collect();
    assert_eq!((told.len(), distinct.len()), (10_000, 10_000), "each is told once");
    assert!(told.windows(2).all(|pair| pair[0].1 <= pair[1].1), "told out of order");

    assert_eq!(node.bearer.most_outstanding(), 1, "one attempt at a time");
    let stamps: Vec<u64> = stamps.lock().unwrap().clone();
    let window = Duration::from_secs(10);
    // The first of a window may have waited for its turn before the window began.
    let most = usize::try_from(pace.burst + pace.per_minute / 6 + 1).unwrap();
    let millis = u64::try_from(window.as_millis()).unwrap();
    for (at, begin) in stamps.iter().enumerate() {
        let within = stamps[at..].iter().take_while(|stamp| **stamp < begin + millis).count();
        assert!(within <= most, "{within} in ten seconds, {most} allowed");
    }
    let most_rows = most_rows.load(Ordering::SeqCst);
    assert!((1..=100).contains(&most_rows), "{most_rows} rows held at once");
}

/// A subscriber whose destination is down costs nothing while it waits: no scan reads its rows, no actor lives.
#[tokio::test(flavor = "multi_thread")]
async fn h17_rows_that_wait_for_a_destination_are_not_read_again_and_again() {
    const COUNT: i64 = 2_000;
    let mut world = World::new();
    world.policy.telling.pace.per_minute = 6_000_000;
    let node = world.start_with(Behaviour::Down).await;
    submit_waves(&node, u64::try_from(COUNT).unwrap()).await;
    let metrics = node.relay.metrics();
    eventually("all wait", || {
        metric(&metrics, "mmsc_relay_tell_waiting_total") >= COUNT && metric(&metrics, "mmsc_relay_live_entities") == 0
    })
    .await;
    let read = || metric(&metrics, "mmsc_relay_due_entries_read_total");
    let before = read();
    a_while().await;
    assert_eq!(read(), before, "the scan read entries of rows that wait");
    assert_eq!(metric(&metrics, "mmsc_relay_held_inbox_rows"), 0);
    node.bearer.behave(Behaviour::Accept);
    node.relay.destination_up("main");
    eventually("all told", || node.bearer.count() >= usize::try_from(COUNT).unwrap()).await;
}

/// A neighbour in the same shard is on time although another subscriber has hundreds of overdue rows and is busy.
#[tokio::test(flavor = "multi_thread")]
async fn h17_a_busy_subscriber_does_not_make_its_neighbour_late() {
    let mut world = World::new();
    world.shards = 1;
    let node = world.start_with(Behaviour::Hang).await;
    for number in 0..300 {
        accept(&node, submit_to(vec![to(phone(2))], &format!("t{number}"))).await;
    }
    let mut later = submit_to(vec![to(phone(3))], "later");
    later.delivery_time = Some(mmsc_domain::command::TimeWish::After(Duration::from_secs(1)));
    accept(&node, later).await;
    eventually("the neighbour's notification", || {
        node.bearer
            .notifications()
            .iter()
            .any(|(address, _, _)| *address == phone(3))
    })
    .await;
    let busy = node
        .bearer
        .notifications()
        .into_iter()
        .filter(|(address, _, _)| *address == phone(2));
    assert_eq!(busy.count(), 1, "one attempt at a time");
}

/// Very many messages that expire at one moment wait for their turn in the index, not as tasks; all of them end long
/// before the next look would have begun for the last.
#[tokio::test(flavor = "multi_thread")]
async fn messages_that_expire_at_one_moment_are_handed_out_a_bounded_number_at_a_time() {
    const COUNT: i64 = 4_000;
    let mut world = World::new();
    world.policy.default_expiry = Duration::from_secs(3600);
    world.policy.telling.born_due = Duration::from_secs(7 * 24 * 3600);
    world.scan_period = Duration::from_secs(5);
    let node = world.start_with(Behaviour::Down).await;
    submit_waves(&node, u64::try_from(COUNT).unwrap()).await;
    let metrics = node.relay.metrics();
    let most = Arc::new(AtomicI64::new(0));
    world.clock.move_on(Duration::from_secs(3601));
    eventually("all handed out", || {
        most.fetch_max(metric(&metrics, "mmsc_relay_mms_at_due_work"), Ordering::SeqCst);
        metric(&metrics, "mmsc_relay_due_entries_total") >= COUNT
    })
    .await;
    let most = most.load(Ordering::SeqCst);
    assert!((1..=1024).contains(&most), "{most} at once");
    eventually("all at rest", || metric(&metrics, "mmsc_relay_mms_at_due_work") == 0).await;
}

/// A handset shows itself while an attempt to reach it is under way, which then fails: what failed is told at once all
/// the same, and not when its next turn comes.
#[tokio::test(flavor = "multi_thread")]
async fn who_shows_itself_during_an_attempt_that_fails_is_told_at_once() {
    let mut world = World::new();
    world.policy.telling.born_due = Duration::from_secs(3600);
    world.policy.telling.failed_backoff = vec![Duration::from_secs(3600)];
    let node = world.start_with(Behaviour::Fail).await;
    let attempts = |token: &str| {
        let told = node.bearer.notifications();
        told.iter().filter(|(_, of, _)| format!("{of:?}") == *token).count()
    };
    accept(&node, submit_to(vec![to(phone(2))], "first")).await;
    eventually("an attempt", || node.bearer.count() == 1).await;
    let first = format!("{:?}", node.bearer.notifications()[0].1);
    let metrics = node.relay.metrics();
    eventually("it failed", || metric(&metrics, "mmsc_relay_tell_failed_total") == 1).await;
    let said = Arc::new(tokio::sync::Notify::new());
    node.bearer.behave(Behaviour::SlowFail(Arc::clone(&said)));
    accept(&node, submit_to(vec![to(phone(2))], "second")).await;
    eventually("a second attempt", || node.bearer.count() == 2).await;
    let second = format!("{:?}", node.bearer.notifications()[1].1);

    node.bearer.behave(Behaviour::Accept);
    node.relay.subscriber_seen(phone(2));
    // Its sighting has arrived once what failed before is at work.
    eventually("at work", || metric(&metrics, "mmsc_relay_held_inbox_rows") == 2).await;
    said.notify_one();
    eventually("both told", || attempts(&first) == 2 && attempts(&second) == 2).await;
}
