//! Handsets, SMSC and ledger against a relay that is right, and against relays that are wrong in one way each.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod support;

use std::sync::Arc;
use std::time::Duration;

use mmsc_peers::Msisdn;
use mmsc_peers::crowd::{Crowd, Seen};
use mmsc_peers::handset::Client;
use mmsc_peers::ledger::{Expect, Ledger, Outcome, Verdict};
use mmsc_peers::message::{Mix, Order, Sizes};
use mmsc_peers::sender::{Persistence, submit_until_answered};
use mmsc_peers::smsc::{Smsc, SmscSettings};
use mmsc_ports::Ports;
use support::Fault;
use tokio::sync::mpsc;
use tokio::time::timeout;

const MESSAGES: u64 = 8;

/// Sends some messages through a relay with `fault` and waits for `ends` things that end a message's life.
async fn run(fault: Fault, ends: usize) -> (Verdict, Vec<Outcome>) {
    let ports = Ports::real();
    let settings = SmscSettings::default();
    let (smsc, pushes) = Smsc::start(&ports, "127.0.0.1:0".parse().unwrap(), settings)
        .await
        .unwrap();
    let mm1 = support::start(fault, smsc.address()).await.to_string();
    let ledger = Arc::new(Ledger::in_memory());
    let (seen, mut ended) = mpsc::channel(1000);
    let crowd = Crowd {
        deferred_every: Some(4),
        observer: Some(Arc::new(move |what| {
            if matches!(what, Seen::Reported { .. }) {
                seen.try_send(()).unwrap();
            }
        })),
        ..Crowd::new(&ports, mm1.clone(), Arc::clone(&ledger))
    };
    let workers = crowd.start(pushes, 4);
    let mix = Mix::new(1, Sizes::Small);
    let mut client = Client::new(ports.clone(), mm1, Duration::from_secs(10));
    let persistence = Persistence {
        attempts: 2,
        pause: Duration::from_millis(1),
    };
    let mut outcomes = Vec::new();
    for number in 0..MESSAGES {
        let order = Order::to_one(number, Msisdn::of_pool(15_550_200_000, number));
        let letter = mix.letter(&order).unwrap();
        let from = Msisdn::of_pool(15_550_100_000, number);
        for _ in 0..=u8::from(fault == Fault::AcceptsTwice) {
            let pair = (&order, &letter);
            let outcome = submit_until_answered(&ports, &mut client, &ledger, from, pair, persistence).await;
            outcomes.push(outcome.unwrap());
        }
    }
    for _ in 0..ends {
        timeout(Duration::from_secs(20), ended.recv()).await.expect("in time");
    }
    drop(smsc);
    for worker in workers {
        worker.join().await;
    }
    (ledger.audit(Expect::Delivered), outcomes)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_relay_holds() {
    let (verdict, outcomes) = run(Fault::Nothing, MESSAGES as usize).await;
    assert!(verdict.holds(), "{verdict}");
    let figures = [
        verdict.accepted,
        verdict.notifications,
        verdict.retrieved,
        verdict.acknowledged,
        verdict.reports,
    ];
    assert_eq!(figures, [MESSAGES; 5]);
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Outcome::Accepted(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_octet_is_seen() {
    let (verdict, _) = run(Fault::Corrupts, MESSAGES as usize).await;
    assert_eq!((verdict.corrupted, verdict.lost), (MESSAGES, MESSAGES), "{verdict}");
    assert!(!verdict.holds());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forgotten_message_is_seen() {
    let (verdict, _) = run(Fault::Loses, 0).await;
    assert_eq!(verdict.lost, MESSAGES, "{verdict}");
    assert!(!verdict.holds());
}

#[tokio::test(flavor = "multi_thread")]
async fn telling_twice_is_counted_and_under_two_ids_forbidden() {
    let (twice, _) = run(Fault::TellsTwice, 2 * MESSAGES as usize).await;
    assert_eq!(
        (twice.repeated_same_ids, twice.repeated_other_ids),
        (MESSAGES, 0),
        "{twice}"
    );
    assert!(twice.holds());
    let (other, _) = run(Fault::TellsUnderTwoIds, 2 * MESSAGES as usize).await;
    assert_eq!(other.repeated_other_ids, MESSAGES, "{other}");
    assert!(!other.holds());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_messages_of_one_submission_are_seen() {
    let (verdict, _) = run(Fault::AcceptsTwice, 2 * MESSAGES as usize).await;
    assert_eq!(verdict.accepted_twice, MESSAGES, "{verdict}");
    assert!(!verdict.holds());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_relay_is_asked_again_and_loses_nothing() {
    let (verdict, outcomes) = run(Fault::Busy, 0).await;
    assert!(verdict.holds() && verdict.accepted == 0, "{verdict}");
    assert_eq!(verdict.refused, MESSAGES);
    assert!(outcomes.iter().all(|outcome| *outcome == Outcome::Refused(0xC0)));
}
