//! The life of a bind: binding, keeping alive, framing, losing it and coming back.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod smpp_support;

use std::time::Duration;

use mmsc_relay::port::TellOutcome;
use mmsc_wire::smpp::{BindResp, Body, Pdu, Status};
use smpp_support::{Peer, World, config, octets, outcome, push_to, settle};
use tokio::time::Instant;

fn unavailable() -> TellOutcome {
    TellOutcome::Unavailable {
        destination: "main".into(),
    }
}

#[allow(clippy::disallowed_methods, reason = "paused time")]
fn now() -> Instant {
    Instant::now()
}

/// How long the link pauses between the end of `peer` and its next bind, which is then answered with `status`.
async fn pause_and_answer(world: &mut World, since: Instant, status: u32) -> (Duration, Peer) {
    let mut peer = world.connection("main").await;
    let pause = now() - since;
    let (sequence, _) = peer.expect_bind().await;
    peer.respond(sequence, status, Body::BindTransceiverResp(BindResp::default()))
        .await;
    (pause, peer)
}

#[tokio::test(start_paused = true)]
async fn binds_as_transceiver_of_version_3_4() {
    let mut world = World::start(vec![config("main")]);
    let mut peer = world.connection("main").await;
    let (sequence, bind) = peer.expect_bind().await;
    assert_eq!((sequence, bind.interface_version), (1, 0x34));
    assert_eq!((bind.system_id.as_str(), bind.password.as_str()), ("mmsc", "secret"));
    assert!(world.ups().is_empty() && !world.smpp.is_bound("main"));
    assert_eq!(outcome(world.push(10).await).await, unavailable());
    peer.accept_bind(sequence).await;
    settle().await;
    assert!(world.smpp.is_bound("main"));
    assert_eq!(world.ups(), ["main"]);
}

#[test]
fn the_password_is_not_shown() {
    let shown = format!("{:?}", config("main"));
    assert!(shown.contains("mmsc") && !shown.contains("secret"), "{shown}");
}

#[tokio::test(start_paused = true)]
async fn a_refused_account_is_left_alone_and_a_lingering_session_waited_for() {
    let mut world = World::start(vec![config("main")]);
    let (_, mut peer) = pause_and_answer(&mut world, now(), 0x0e).await;
    let mut since = now();
    peer.expect_end().await;
    let mut bound = None;
    for (status, at_least) in [(0x0f, 300), (0x05, 300), (0x08, 30), (0x00, 0)] {
        let (pause, mut peer) = pause_and_answer(&mut world, since, status).await;
        let least = Duration::from_secs(at_least);
        assert!(
            pause >= least && pause < least + Duration::from_secs(2),
            "{pause:?} before {status:#x}"
        );
        since = now();
        if status == 0 {
            bound = Some(peer);
        } else {
            peer.expect_end().await;
        }
    }
    settle().await;
    assert!(bound.is_some() && world.smpp.is_bound("main"));
    let metrics = world.smpp.metrics("main").unwrap();
    assert_eq!((metrics.bind_refusals.value(), metrics.faults.value()), (4, 2));
}

#[tokio::test(start_paused = true)]
async fn reconnects_with_doubling_spread_pauses_up_to_a_minute() {
    let mut world = World::start(vec![config("main")]);
    let mut since = now();
    let mut spread = 0;
    for round in 0..10u32 {
        let peer = world.connection("main").await;
        let pause = (now() - since).as_secs_f64();
        if round > 0 {
            let planned = f64::from((1u32 << (round - 1)).min(60));
            assert!(
                (planned * 0.79..=planned * 1.21).contains(&pause),
                "{pause} in round {round}"
            );
            spread += u32::from((pause / planned - 1.0).abs() > 0.02);
        }
        drop(peer);
        since = now();
    }
    assert!(spread > 3, "nodes would come back in step");
    // A bind that held for a minute starts anew.
    let mut peer = world.accept("main").await;
    for _ in 0..3 {
        let pdu = peer.expect().await;
        peer.respond(pdu.sequence, 0, Body::EnquireLinkResp).await;
    }
    drop(peer);
    let since = now();
    world.connection("main").await;
    assert!(now() - since < Duration::from_millis(1300));
}

#[tokio::test(start_paused = true)]
async fn enquires_from_both_sides_at_once() {
    let (world, mut peer) = World::bound(|_| {}).await;
    let since = now();
    let ours = peer.expect().await;
    assert_eq!(ours.body, Body::EnquireLink);
    assert!((now() - since).abs_diff(Duration::from_secs(30)) < Duration::from_millis(50));
    let theirs = peer.request(Body::EnquireLink).await;
    let answer = peer.expect().await;
    assert_eq!((answer.sequence, answer.body), (theirs, Body::EnquireLinkResp));
    peer.respond(ours.sequence, 0, Body::EnquireLinkResp).await;
    peer.silence(Duration::from_secs(29)).await;
    assert!(world.smpp.is_bound("main"));
}

#[tokio::test(start_paused = true)]
async fn a_silent_peer_is_left_and_the_bind_made_again() {
    let (mut world, mut peer) = World::bound(|_| {}).await;
    assert_eq!(peer.expect().await.body, Body::EnquireLink);
    let since = now();
    peer.expect_end().await;
    assert!((now() - since).abs_diff(Duration::from_secs(10)) < Duration::from_millis(50));
    world.ups();
    let _peer = world.accept("main").await;
    assert_eq!(world.ups(), ["main"]);
    assert_eq!(world.smpp.metrics("main").unwrap().reconnects.value(), 1);
}

#[tokio::test(start_paused = true)]
async fn unbind_while_submits_are_outstanding() {
    let (mut world, mut peer) = World::bound(|config| config.window = 2).await;
    let first = world.push(10).await;
    let second = world.push_with(push_to("491700000002", 10)).await;
    let queued = world.push_with(push_to("491700000003", 10)).await;
    let (sequence, _) = peer.submit().await;
    peer.submit().await;
    peer.take(sequence, "1").await;
    let third = peer.submit().await.0;
    let unbind = peer.request(Body::Unbind).await;
    let answer = peer.expect().await;
    assert_eq!((answer.sequence, answer.body), (unbind, Body::UnbindResp));
    let since = now();
    peer.expect_end().await;
    assert!(matches!(outcome(first).await, TellOutcome::Sent(_)));
    assert_eq!(outcome(second).await, TellOutcome::Unknown);
    assert_eq!(outcome(queued).await, TellOutcome::Unknown, "{third} was out");
    world.accept("main").await;
    assert!((now() - since).abs_diff(Duration::from_secs(5)) < Duration::from_millis(50));
}

#[tokio::test(start_paused = true)]
async fn close_in_mid_window_tells_what_left_from_what_did_not() {
    let (world, mut peer) = World::bound(|config| config.window = 2).await;
    let out = [world.push(10).await, world.push_with(push_to("491700000002", 10)).await];
    let inside = [
        world.push_with(push_to("491700000003", 10)).await,
        world.push_with(push_to("491700000004", 10)).await,
    ];
    peer.submit().await;
    peer.submit().await;
    drop(peer);
    for handle in out {
        assert_eq!(outcome(handle).await, TellOutcome::Unknown);
    }
    for handle in inside {
        assert_eq!(outcome(handle).await, unavailable());
    }
}

#[tokio::test(start_paused = true)]
async fn split_and_coalesced_reads() {
    let (world, mut peer) = World::bound(|_| {}).await;
    let first = world.push(10).await;
    let second = world.push_with(push_to("491700000002", 10)).await;
    let (one, two) = (peer.submit().await.0, peer.submit().await.0);
    let answer = |sequence, id: &str| {
        octets(&Pdu::response(
            sequence,
            Status::ROK,
            Body::SubmitSmResp(Some(id.into())),
        ))
    };
    let mut stream = answer(two, "b");
    stream.extend(answer(one, "a"));
    stream.extend(octets(&Pdu::request(7, Body::EnquireLink)));
    for octet in &stream[..20] {
        peer.send_raw(&[*octet]).await;
    }
    peer.send_raw(&stream[20..]).await;
    assert!(matches!(outcome(first).await, TellOutcome::Sent(sent) if sent.message_ids == ["a"]));
    assert!(matches!(outcome(second).await, TellOutcome::Sent(sent) if sent.message_ids == ["b"]));
    assert_eq!(
        peer.expect().await,
        Pdu::response(7, Status::ROK, Body::EnquireLinkResp)
    );
}

#[tokio::test(start_paused = true)]
async fn wrong_lengths_end_the_session() {
    for length in [0u32, 4, 15, 65_537, u32::MAX] {
        let (mut world, mut peer) = World::bound(|_| {}).await;
        let pushed = world.push(10).await;
        peer.submit().await;
        let mut octets = length.to_be_bytes().to_vec();
        octets.extend([0x80, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 2]);
        peer.send_raw(&octets).await;
        assert_eq!(peer.expect().await, Pdu::nack(0, Status::RINVCMDLEN), "{length}");
        peer.expect_end().await;
        assert_eq!(outcome(pushed).await, TellOutcome::Unknown);
        world.accept("main").await;
    }
}

#[tokio::test(start_paused = true)]
async fn generic_nack_of_nothing_known_changes_nothing() {
    let (world, mut peer) = World::bound(|_| {}).await;
    let pushed = world.push(10).await;
    let (sequence, _) = peer.submit().await;
    peer.send(&Pdu::nack(0, Status::RINVCMDLEN)).await;
    peer.send(&Pdu::nack(sequence + 1, Status::RINVCMDLEN)).await;
    assert!(world.smpp.is_bound("main"));
    peer.take(sequence, "1").await;
    assert!(matches!(outcome(pushed).await, TellOutcome::Sent(_)));
    assert_eq!(world.smpp.metrics("main").unwrap().protocol_errors.value(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_understood_is_said_so_and_the_bind_stays() {
    let (world, mut peer) = World::bound(|_| {}).await;
    let unknown = Body::Other {
        command: 0x0000_0199,
        body: vec![1, 2, 3],
    };
    peer.send(&Pdu::request(5, unknown)).await;
    assert_eq!(peer.expect().await, Pdu::nack(5, Status::RINVCMDID));
    // deliver_sm without a body.
    peer.send_raw(&[0, 0, 0, 16, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 6]).await;
    assert_eq!(peer.expect().await, Pdu::nack(6, Status::RINVCMDLEN));
    // Unknown responses are not answered.
    peer.send_raw(&[0, 0, 0, 16, 0x80, 0, 1, 0x99, 0, 0, 0, 0, 0, 0, 0, 7])
        .await;
    peer.silence(Duration::from_secs(5)).await;
    assert!(world.smpp.is_bound("main"));
    assert_eq!(world.smpp.metrics("main").unwrap().protocol_errors.value(), 3);
}

#[tokio::test(start_paused = true)]
async fn not_bound_in_the_middle_of_a_session_binds_again() {
    let (mut world, mut peer) = World::bound(|_| {}).await;
    let pushed = world.push(10).await;
    let (sequence, _) = peer.submit().await;
    peer.refuse(sequence, 0x04).await;
    assert_eq!(outcome(pushed).await, unavailable());
    peer.expect_end().await;
    world.ups();
    world.accept("main").await;
    assert_eq!(world.ups(), ["main"]);
}

#[tokio::test(start_paused = true)]
#[allow(clippy::disallowed_methods, reason = "a task of the test")]
async fn shutdown_waits_for_what_is_out_then_unbinds() {
    let (world, mut peer) = World::bound(|config| config.window = 2).await;
    let out = world.push(10).await;
    let other = world.push_with(push_to("491700000001", 10)).await;
    let queued = world.push_with(push_to("491700000002", 10)).await;
    let (sequence, later) = (peer.submit().await.0, peer.submit().await.0);
    let smpp = world.smpp.clone();
    let stopped = tokio::spawn(async move { smpp.shutdown().await });
    settle().await;
    assert_eq!(outcome(world.push(10).await).await, unavailable());
    peer.take(sequence, "1").await;
    assert!(matches!(outcome(out).await, TellOutcome::Sent(_)));
    peer.silence(Duration::from_secs(1)).await;
    peer.take(later, "2").await;
    assert!(matches!(outcome(other).await, TellOutcome::Sent(_)));
    let unbind = peer.expect().await;
    assert_eq!(unbind.body, Body::Unbind);
    peer.respond(unbind.sequence, 0, Body::UnbindResp).await;
    peer.expect_end().await;
    stopped.await.unwrap();
    assert_eq!(outcome(queued).await, unavailable());
}

#[tokio::test(start_paused = true)]
async fn shutdown_does_not_wait_forever() {
    let (world, mut peer) = World::bound(|_| {}).await;
    let out = world.push(10).await;
    peer.submit().await;
    let since = now();
    world.smpp.shutdown().await;
    let took = now() - since;
    assert!(took <= Duration::from_secs(18), "{took:?}");
    assert_eq!(outcome(out).await, TellOutcome::Unknown);
}

#[tokio::test(start_paused = true)]
async fn dropping_the_last_handle_unbinds() {
    let (world, mut peer) = World::bound(|_| {}).await;
    let World { smpp, .. } = world;
    drop(smpp);
    let unbind = peer.expect().await;
    assert_eq!(unbind.body, Body::Unbind);
    peer.respond(unbind.sequence, 0, Body::UnbindResp).await;
    peer.expect_end().await;
}
