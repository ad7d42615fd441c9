//! What handsets say about themselves is kept, and decides how they are spoken to.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod common;

use std::time::Duration;

use common::mmbox::provision;
use common::{Node, World, accept, eventually, metric, phone, submit_to, to};
use mmsc_domain::profile::SubscriberProfile;
use mmsc_domain::terminal::{CHANGE_INTERVAL, Sighting};
use mmsc_relay::FetchAnswer;

fn says(user_agent: &str, mms_version: Option<u8>) -> Sighting {
    Sighting {
        user_agent: Some(user_agent.to_owned()),
        profile_urls: vec!["http://uaprof.example.test/x.xml".to_owned()],
        profile_diff: None,
        mms_version,
    }
}

fn written(node: &Node) -> i64 {
    metric(&node.relay.metrics(), "mmsc_relay_terminals_written_total")
}

async fn sighted(node: &Node, sighting: Sighting, count: i64) {
    node.relay.terminal_seen(phone(2), sighting);
    eventually("the row", || written(node) == count).await;
}

/// The versions that the only notification of a new message, and its retrieval, are made with.
async fn spoken(node: &Node, transaction: &str) -> (u8, Option<u8>) {
    let before = node.bearer.count();
    accept(node, submit_to(vec![to(phone(2))], transaction)).await;
    eventually("the notification", || node.bearer.count() > before).await;
    let told = node.bearer.told.lock().unwrap()[before].mms_version;
    let (_, token, _) = node.bearer.notifications()[before].clone();
    match node.relay.fetch(token, None).await {
        FetchAnswer::Content(retrieval) => (told, retrieval.mms_version),
        other => panic!("not there: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handset_is_told_and_served_in_the_version_that_it_spoke() {
    let world = World::new();
    let node = world.start().await;
    assert_eq!(spoken(&node, "t1").await, (0x92, None));
    sighted(&node, says("x/1", None), 1).await;
    sighted(&node, says("x/1", Some(0x90)), 2).await;
    assert_eq!(spoken(&node, "t2").await, (0x90, Some(0x90)));
    // It is known after a restart, and the subscriber's own record counts more.
    let node = world.start().await;
    assert_eq!(spoken(&node, "t3").await, (0x90, Some(0x90)));
    let own = SubscriberProfile {
        mms_version: Some(0x91),
        ..SubscriberProfile::default()
    };
    provision(&world, &phone(2), own).await;
    assert_eq!(spoken(&node, "t4").await, (0x91, Some(0x91)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_known_is_not_written_again_and_changes_at_most_once_in_an_hour() {
    let world = World::new();
    let node = world.start().await;
    sighted(&node, says("x/1", Some(0x92)), 1).await;
    node.relay.terminal_seen(phone(2), says("x/1", Some(0x92)));
    node.relay.terminal_seen(phone(2), says("x/2", Some(0x90)));
    assert!(
        node.relay.drain(Duration::from_secs(30)).await,
        "both have been looked at"
    );
    assert_eq!(written(&node), 1);
    let node = world.start().await;
    world.clock.move_on(CHANGE_INTERVAL + Duration::from_secs(1));
    sighted(&node, says("x/2", Some(0x90)), 1).await;
    let known = node.relay.terminal(&phone(2)).await.unwrap().unwrap();
    assert_eq!(
        (known.user_agent.as_deref(), known.mms_version),
        (Some("x/2"), Some(0x90))
    );
    assert_eq!(node.relay.terminal(&phone(3)).await, Ok(None));
}
