//! Several SMSCs: choice, failover, announcements; and TLS.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod smpp_support;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use mmsc_interfaces::smpp::{SmscConfig, SmscTls};
use mmsc_ports::metrics::Source;
use mmsc_relay::port::TellOutcome;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use smpp_support::{Peer, World, config, message_ids, outcome, push_to, settle};

fn pair() -> Vec<SmscConfig> {
    let mut backup = config("backup");
    backup.priority = 1;
    vec![config("first"), backup]
}

fn unavailable(destination: &str) -> TellOutcome {
    TellOutcome::Unavailable {
        destination: destination.into(),
    }
}

async fn taken_by(world: &World, peer: &mut Peer, name: &str, number: &str) {
    let pushed = world.push_with(push_to(number, 10)).await;
    let (sequence, message) = peer.submit().await;
    assert_eq!(message.destination.addr, number);
    peer.take(sequence, "1").await;
    assert!(matches!(outcome(pushed).await, TellOutcome::Sent(sent) if sent.destination == name));
}

#[tokio::test(start_paused = true)]
async fn the_backup_carries_while_the_first_is_down() {
    let mut world = World::start(pair());
    world.net.switch_off("first:2775");
    let mut backup = world.accept("backup").await;
    taken_by(&world, &mut backup, "backup", "491700000001").await;
    world.smscs.insert(
        "first".into(),
        smpp_support::Smsc::new(world.net.switch_on("first:2775")),
    );
    let mut first = tokio::select! {
        first = world.accept("first") => first,
        () = backup.idle(Duration::from_secs(200)) => panic!("the first did not come back"),
    };
    taken_by(&world, &mut first, "first", "491700000001").await;
}

#[tokio::test(start_paused = true)]
async fn a_push_in_the_queue_of_a_lost_bind_fails_over() {
    let mut configs = pair();
    configs[0].window = 1;
    let mut world = World::start(configs);
    let mut first = world.accept("first").await;
    let mut backup = world.accept("backup").await;
    let out = world.push_with(push_to("491700000001", 10)).await;
    let queued = world.push_with(push_to("491700000002", 10)).await;
    first.submit().await;
    drop(first);
    assert_eq!(outcome(out).await, TellOutcome::Unknown, "it may have arrived");
    let (sequence, message) = backup.submit().await;
    assert_eq!(message.destination.addr, "491700000002");
    backup.take(sequence, "b").await;
    assert_eq!(message_ids(outcome(queued).await), ["b"]);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_for_now_is_tried_once_on_another_bind_a_final_one_is_not() {
    let mut third = config("third");
    third.priority = 2;
    let mut configs = pair();
    configs.push(third);
    let mut world = World::start(configs);
    let mut first = world.accept("first").await;
    let mut backup = world.accept("backup").await;
    let mut third = world.accept("third").await;
    for (status, taken) in [(0x08, true), (0x0a, true), (0x08, false)] {
        let pushed = world.push_with(push_to("491700000001", 10)).await;
        let (sequence, _) = first.submit().await;
        first.refuse(sequence, status).await;
        let (sequence, _) = backup.submit().await;
        if taken {
            backup.take(sequence, "1").await;
            assert!(matches!(outcome(pushed).await, TellOutcome::Sent(sent) if sent.destination == "backup"));
        } else {
            backup.refuse(sequence, status).await;
            assert!(matches!(outcome(pushed).await, TellOutcome::Failed { .. }));
        }
    }
    let pushed = world.push_with(push_to("491700000001", 10)).await;
    let (sequence, _) = first.submit().await;
    first.refuse(sequence, 0x0b).await;
    assert_eq!(outcome(pushed).await, TellOutcome::Refused);
    backup.silence(Duration::from_secs(1)).await;
    third.silence(Duration::from_secs(1)).await;
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_one_flows_when_another_can_carry_it() {
    let mut world = World::start(pair());
    let pushed = world.push_with(push_to("491700000001", 10)).await;
    assert_eq!(outcome(pushed).await, unavailable("first"));
    let _backup = world.accept("backup").await;
    assert_eq!(world.ups(), ["backup", "first"]);
    let _first = world.accept("first").await;
    assert_eq!(world.ups(), ["first"]);
}

/// The relay may hear "unavailable" after "up": it is told again.
#[tokio::test(start_paused = true)]
async fn nobody_waits_for_an_open_link() {
    let mut world = World::start(vec![config("first")]);
    let mut peer = world.connection("first").await;
    let pushed = world.push_with(push_to("491700000001", 10)).await;
    let sequence = peer.expect_bind().await.0;
    peer.accept_bind(sequence).await;
    assert_eq!(outcome(pushed).await, unavailable("first"));
    settle().await;
    let ups = world.ups();
    peer.idle(Duration::from_secs(3)).await;
    assert_eq!(
        ups.len() + world.ups().len(),
        1,
        "one announcement after the refusal is enough"
    );
}

#[tokio::test(start_paused = true)]
async fn prefixes_decide_and_a_number_keeps_its_smsc() {
    let (mut own, mut left, mut right) = (config("own"), config("left"), config("right"));
    own.prefixes = vec!["4917".into()];
    left.prefixes = vec!["49".into()];
    right.prefixes = vec!["49".into()];
    let mut world = World::start(vec![own, left, right]);
    let mut peers = [
        world.accept("own").await,
        world.accept("left").await,
        world.accept("right").await,
    ];
    taken_by(&world, &mut peers[0], "own", "491701111111").await;
    let mut used = BTreeSet::new();
    for n in 0..20 {
        let number = format!("4916000000{n:02}");
        let mut destinations = BTreeSet::new();
        for _ in 0..2 {
            let pushed = world.push_with(push_to(&number, 10)).await;
            let [own, left, right] = &mut peers;
            let (peer, (sequence, _)) = tokio::select! {
                _ = own.submit() => panic!("not its prefix"),
                submit = left.submit() => (left, submit),
                submit = right.submit() => (right, submit),
            };
            peer.take(sequence, "1").await;
            match outcome(pushed).await {
                TellOutcome::Sent(sent) => destinations.insert(sent.destination),
                other => panic!("{other:?}"),
            };
        }
        assert_eq!(destinations.len(), 1, "{number} moved");
        used.extend(destinations);
    }
    assert_eq!(used.len(), 2, "both share the numbers");
    let nobody = world.push_with(push_to("33612345678", 10)).await;
    assert_eq!(outcome(nobody).await, TellOutcome::Failed { retry_after: None });
}

#[tokio::test(start_paused = true)]
async fn metrics_name_every_smsc() {
    let mut world = World::start(pair());
    let _first = world.accept("first").await;
    let families = world.smpp.families();
    let bound = families.iter().find(|family| family.name == "mmsc_smpp_bound").unwrap();
    let values: Vec<_> = bound
        .samples
        .iter()
        .map(|sample| match &sample.source {
            Source::Gauge(gauge) => (sample.labels[0].1.as_str(), gauge.value()),
            _ => panic!("not a gauge"),
        })
        .collect();
    assert_eq!(values, [("first", 1), ("backup", 0)]);
    let mut names = BTreeSet::new();
    for family in &families {
        assert!(family.name.starts_with("mmsc_smpp_") && names.insert(family.name));
        assert!(family.samples.iter().all(|sample| sample.labels[0].0 == "smsc"));
        let total = family
            .samples
            .iter()
            .all(|sample| matches!(sample.source, Source::Counter(_)));
        assert_eq!(family.name.ends_with("_total"), total, "{}", family.name);
    }
}

#[test]
fn all_problems_of_a_configuration_at_once() {
    let mut bad = config("");
    assert_eq!(config("main").problems(), []);
    bad.address = "nowhere".into();
    bad.system_id = "x".repeat(16);
    bad.password = mmsc_interfaces::smpp::Secret::new("123456789");
    bad.window = 0;
    bad.prefixes = vec!["+49".into()];
    bad.first_sequence = 0;
    bad.source.ton = 5;
    bad.source.address = "Twelve chars".into();
    let keys: Vec<_> = bad.problems().into_iter().map(|problem| problem.key).collect();
    let expected = [
        "name",
        "address",
        "system_id",
        "password",
        "source",
        "window",
        "first_sequence",
        "prefixes",
    ];
    assert_eq!(keys, expected);
}

struct Authority {
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
}

fn certificate(name: &str) -> Authority {
    let made = rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap();
    Authority {
        certificate: made.cert.der().clone(),
        key: PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()).into(),
    }
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn tls(trusted: &Authority, server_name: &str) -> SmscTls {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(trusted.certificate.clone()).unwrap();
    let client = rustls::ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    SmscTls {
        server_name: server_name.to_owned(),
        client: Arc::new(client),
    }
}

async fn accept_tls(world: &mut World, server: Authority) -> std::io::Result<Peer> {
    let config = rustls::ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![server.certificate], server.key)
        .unwrap();
    let stream = world.connection("main").await.into_stream();
    let stream = tokio_rustls::TlsAcceptor::from(Arc::new(config)).accept(stream).await?;
    Ok(Peer::new(Box::new(stream)))
}

#[tokio::test(start_paused = true)]
async fn tls_from_the_first_octet() {
    let server = certificate("smsc.example");
    let mut config = config("main");
    config.tls = Some(tls(&server, "smsc.example"));
    let mut world = World::start(vec![config]);
    let mut peer = accept_tls(&mut world, server).await.unwrap();
    let (sequence, bind) = peer.expect_bind().await;
    assert_eq!(bind.system_id, "mmsc");
    peer.accept_bind(sequence).await;
    taken_by(&world, &mut peer, "main", "491700000001").await;
    peer.idle(Duration::from_secs(100)).await;
}

#[tokio::test(start_paused = true)]
async fn a_certificate_for_another_name_or_of_another_authority_gets_no_password() {
    for (presented, trusted_is_presented) in [("other.example", true), ("smsc.example", false)] {
        let server = certificate(presented);
        let stranger = certificate("smsc.example");
        let mut config = config("main");
        config.tls = Some(tls(
            if trusted_is_presented { &server } else { &stranger },
            "smsc.example",
        ));
        let mut world = World::start(vec![config]);
        // With TLS 1.3 the server may believe in the handshake until it reads the alert; it never reads a bind.
        if let Ok(mut peer) = accept_tls(&mut world, server).await {
            peer.expect_end().await;
        }
        assert!(!world.smpp.is_bound("main"));
        let pushed = world.push_with(push_to("491700000001", 10)).await;
        assert_eq!(outcome(pushed).await, unavailable("main"));
    }
}
