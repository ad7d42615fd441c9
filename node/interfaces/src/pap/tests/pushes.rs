use mmsc_domain::inbox::Sent;

use super::*;
use crate::smpp::Secret;

fn unavailable(destination: &str) -> TellOutcome {
    TellOutcome::Unavailable {
        destination: destination.into(),
    }
}

fn sent(destination: &str, push_id: &str) -> TellOutcome {
    TellOutcome::Sent(Sent {
        destination: destination.into(),
        message_ids: vec![push_id.into()],
    })
}

fn failed(seconds: u64) -> TellOutcome {
    TellOutcome::Failed {
        retry_after: Some(Duration::from_secs(seconds)),
    }
}

#[tokio::test(start_paused = true)]
async fn a_push_is_one_request_and_its_push_id_the_message_id() {
    let (world, _streams, mut peer) = one(|config| {
        config.credentials = Some(Credentials {
            user: "mmsc".into(),
            password: Secret::new("secret"),
        });
    })
    .await;
    let pushed = world.push();
    let asked = peer.asked().await;
    assert!(asked.head.starts_with("POST /wappush HTTP/1.1\r\n"), "{}", asked.head);
    let head = asked.head.to_ascii_lowercase();
    assert!(head.contains("host: main.example:8080\r\n"), "{head}");
    assert!(asked.head.contains("Basic bW1zYzpzZWNyZXQ="), "{}", asked.head);
    assert_eq!(asked.content, PDU, "the gateway makes the WSP envelope itself");
    let push = &asked.push;
    assert_eq!(push.address, format!("WAPPUSH=+{HANDSET}/TYPE=PLMN@main.example"));
    assert_eq!(push.notify_to.as_deref(), Some("http://mmsc.example/pap"));
    assert_eq!(push.source_reference.as_deref(), Some("mmsc"));
    assert_eq!(push.deliver_before.unwrap().to_string(), "2024-01-01T00:30:00Z");
    peer.answer(&push.push_id, 1001).await;
    assert_eq!(outcome(pushed).await, sent("main", &push.push_id));
    // The same connection carries the next one, under another id.
    let pushed = world.push();
    let next = peer.take().await;
    assert_ne!(next, push.push_id);
    assert_eq!(outcome(pushed).await, sent("main", &next));
    let metrics = world.pap.metrics("main").unwrap();
    assert_eq!(metrics.answers[0].value(), 2);
    assert_eq!(metrics.in_flight.value(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_gateways_want_otherwise() {
    let (world, _streams, mut peer) = one(|config| {
        config.address_form = AddressForm::Bare;
        config.dialect = Dialect::V1_0;
        config.notify_url = None;
        config.bearer = Some("SMS".into());
        config.network = Some("GSM".into());
    })
    .await;
    let pushed = world.push();
    let asked = peer.asked().await;
    assert_eq!(asked.push.address, format!("WAPPUSH={HANDSET}"));
    assert_eq!(asked.push.notify_to, None);
    assert_eq!(asked.push.quality.unwrap().bearer.as_deref(), Some("SMS"));
    peer.answer(&asked.push.push_id, 1000).await;
    assert!(matches!(outcome(pushed).await, TellOutcome::Sent(_)));
}

#[tokio::test(start_paused = true)]
async fn what_answers_mean_to_the_relay() {
    let (world, _streams, mut peer) = one(|_| {}).await;
    for (code, expected) in [
        (2002, TellOutcome::Refused),
        (2003, TellOutcome::Refused),
        (2000, TellOutcome::Failed { retry_after: None }),
        (3000, failed(5)),
        (4001, failed(5)),
        (5028, TellOutcome::Failed { retry_after: None }),
    ] {
        let pushed = world.push();
        let asked = peer.asked().await;
        peer.answer(&asked.push.push_id, code).await;
        assert_eq!(outcome(pushed).await, expected, "{code}");
    }
    let pushed = world.push();
    let asked = peer.asked().await;
    peer.answer(&asked.push.push_id, 2007).await;
    assert_eq!(
        outcome(pushed).await,
        sent("main", &asked.push.push_id),
        "it has it from us"
    );
    for (status, fields, expected) in [
        ("503 Service Unavailable", "Retry-After: 60\r\n", failed(60)),
        ("404 Not Found", "", TellOutcome::Failed { retry_after: None }),
        ("200 OK", "", TellOutcome::Unknown),
    ] {
        let pushed = world.push();
        peer.asked().await;
        peer.answer_with(status, fields, b"<html/>").await;
        assert_eq!(outcome(pushed).await, expected, "{status}");
    }
    assert_eq!(world.pap.metrics("main").unwrap().faults.value(), 2);
    let mail = Push {
        to: Address::Email("a@b.example".into()),
        ..a_push("1")
    };
    assert_eq!(world.pap.push(mail).await, TellOutcome::Refused);
}

/// Down costs nothing, is probed at growing pauses, and is announced when it is back.
#[tokio::test(start_paused = true)]
async fn a_gateway_that_is_down_costs_no_attempt() {
    let (world, streams, peer) = one(|_| {}).await;
    assert_eq!(world.ups(), ["main"]);
    world.net.switch_off(&target("main"));
    drop((streams, peer));
    settle().await;
    assert_eq!(outcome(world.push()).await, unavailable("main"));
    assert!(!world.pap.is_up("main"));
    let before = world.ports.clock.monotonic();
    assert_eq!(outcome(world.push()).await, unavailable("main"));
    assert_eq!(world.ports.clock.monotonic(), before, "known to be down: asked nowhere");
    let probes = &world.pap.metrics("main").unwrap().probes;
    tokio::time::sleep(Duration::from_secs(300)).await;
    assert!(
        (5..15).contains(&probes.value()),
        "{} probes in five minutes",
        probes.value()
    );
    assert!(world.ups().is_empty());
    let mut streams = world.net.switch_on(&target("main"));
    let mut peer = Peer::accept(&mut streams).await;
    world.is_up("main").await;
    assert_eq!(world.ups(), ["main"]);
    let pushed = world.push();
    peer.take().await;
    assert!(matches!(outcome(pushed).await, TellOutcome::Sent(_)));
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_was_closed_while_idle_is_no_failure() {
    let (world, mut streams, peer) = one(|_| {}).await;
    drop(peer);
    let pushed = world.push();
    let mut peer = Peer::accept(&mut streams).await;
    peer.take().await;
    assert!(matches!(outcome(pushed).await, TellOutcome::Sent(_)));
    // Idle for longer than gateways keep connections: not used again.
    tokio::time::sleep(Duration::from_secs(11)).await;
    let pushed = world.push();
    let mut fresh = Peer::accept(&mut streams).await;
    fresh.take().await;
    assert!(matches!(outcome(pushed).await, TellOutcome::Sent(_)));
}

/// Octets left: never again at once, and one that stays silent is left alone.
#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_unknown_and_silence_closes_the_gateway() {
    let (world, mut streams, mut peer) = one(|_| {}).await;
    let pushed = world.push();
    peer.asked().await;
    drop(peer);
    assert_eq!(outcome(pushed).await, TellOutcome::Unknown);
    for _ in 0..2 {
        let before = world.ports.clock.monotonic();
        let pushed = world.push();
        let mut peer = Peer::accept(&mut streams).await;
        peer.asked().await;
        assert_eq!(outcome(pushed).await, TellOutcome::Unknown);
        assert_eq!((world.ports.clock.monotonic() - before).as_secs(), 15);
        assert!(
            peer.read().await.is_err(),
            "a request that was given up takes its connection along"
        );
    }
    assert!(!world.pap.is_up("main"));
    assert_eq!(outcome(world.push()).await, unavailable("main"));
    // It is tried again after a pause; an answer makes it a good one.
    let mut peer = Peer::accept(&mut streams).await;
    world.is_up("main").await;
    let pushed = world.push();
    peer.take().await;
    assert!(matches!(outcome(pushed).await, TellOutcome::Sent(_)));
    assert_eq!(world.pap.metrics("main").unwrap().unanswered.value(), 3);
}

#[tokio::test(start_paused = true)]
async fn window_and_queue_are_bounded() {
    let (world, _streams, mut peer) = one(|config| {
        config.window = 1;
        config.queue = 1;
    })
    .await;
    let first = world.push();
    let asked = peer.asked().await;
    let second = world.push();
    settle().await;
    assert_eq!(outcome(world.push()).await, unavailable("main"), "no place");
    assert_eq!(world.pap.metrics("main").unwrap().queued.value(), 1);
    world.ups();
    peer.answer(&asked.push.push_id, 1001).await;
    assert!(matches!(outcome(first).await, TellOutcome::Sent(_)));
    peer.take().await;
    assert!(matches!(outcome(second).await, TellOutcome::Sent(_)));
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(world.ups(), ["main"], "there is a place again");
}

#[tokio::test(start_paused = true)]
async fn what_stays_in_the_queue_too_long_was_not_made() {
    let (world, _streams, _peer) = one(|config| {
        config.window = 1;
        config.timers.answer = Duration::from_secs(55);
    })
    .await;
    let _first = world.push();
    settle().await;
    let before = world.ports.clock.monotonic();
    assert_eq!(outcome(world.push()).await, unavailable("main"));
    assert_eq!((world.ports.clock.monotonic() - before).as_secs(), 50);
}

#[tokio::test(start_paused = true)]
async fn a_closed_gate_lets_nothing_out() {
    let (world, _streams, mut peer) = one(|_| {}).await;
    let closed = Push {
        gate: Gate(Arc::new(|| false)),
        ..a_push(HANDSET)
    };
    assert_eq!(world.pap.push(closed).await, unavailable("main"));
    let pushed = world.push();
    peer.take().await;
    assert!(
        matches!(outcome(pushed).await, TellOutcome::Sent(_)),
        "nothing was left half sent"
    );
}

#[tokio::test(start_paused = true)]
async fn another_gateway_takes_what_the_first_cannot() {
    let backup = PpgConfig {
        priority: 1,
        ..gateway("backup")
    };
    let (world, mut streams) = world(vec![gateway("main"), backup]).await;
    let mut main = Peer::accept(&mut streams[0]).await;
    let mut second = Peer::accept(&mut streams[1]).await;
    world.is_up("main").await;
    world.is_up("backup").await;
    // Refused for now, or for a reason that only a person mends: asked once elsewhere, under an id of that gateway's.
    for code in [3000, 2001] {
        let pushed = world.push();
        let asked = main.asked().await;
        main.answer(&asked.push.push_id, code).await;
        let id = second.take().await;
        assert!(id.contains(".backup@") && asked.push.push_id.contains(".main@"));
        assert_eq!(outcome(pushed).await, sent("backup", &id));
    }
    // For good, or perhaps taken over: asked nowhere else.
    let pushed = world.push();
    let asked = main.asked().await;
    main.answer(&asked.push.push_id, 2003).await;
    assert_eq!(outcome(pushed).await, TellOutcome::Refused);
    // Down.
    world.net.switch_off(&target("main"));
    drop((main, streams.remove(0)));
    let pushed = world.push();
    let id = second.take().await;
    assert_eq!(outcome(pushed).await, sent("backup", &id));
}

#[tokio::test(start_paused = true)]
async fn a_number_in_no_range_of_any_gateway_fails() {
    let (world, _streams, _peer) = one(|config| {
        config.ranges = vec![crate::bearer::Range::Prefix("4670".into())];
    })
    .await;
    assert_eq!(outcome(world.push()).await, TellOutcome::Failed { retry_after: None });
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_waits_for_answers_and_takes_nothing_more() {
    let (world, _streams, mut peer) = one(|_| {}).await;
    let pushed = world.push();
    let asked = peer.asked().await;
    let pap = world.pap.clone();
    let stopping = tokio::spawn(async move { pap.shutdown(Duration::from_secs(10)).await });
    settle().await;
    assert_eq!(outcome(world.push()).await, unavailable("main"));
    peer.answer(&asked.push.push_id, 1001).await;
    assert!(matches!(outcome(pushed).await, TellOutcome::Sent(_)));
    assert!(stopping.await.unwrap());
}
