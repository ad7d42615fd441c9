//! On a clock that stands still.
#![allow(clippy::disallowed_methods, reason = "a test starts its own tasks")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use mmsc_domain::Address;
use mmsc_domain::rate::Rate;
use mmsc_relay::port::{Gate, Receipt};
use tokio::sync::{Notify, mpsc};

use super::*;
use crate::testing::memory_ports;

fn routes(ranges: &[&str], any: bool) -> Routes {
    Routes {
        ranges: ranges.iter().map(|range| Range::parse(range).unwrap()).collect(),
        any,
    }
}

#[test]
fn the_closest_range_wins_and_the_preference_decides_the_rest() {
    let mut rules = Rules {
        smsc: routes(&["49171", "44"], true),
        ppg: routes(&["49", "44", "15550100000-15550100099"], true),
        prefer: Kind::Smsc,
    };
    assert_eq!(rules.choose("49171555"), Kind::Smsc);
    assert_eq!(rules.choose("49172555"), Kind::Ppg);
    assert_eq!(rules.choose("15550100042"), Kind::Ppg);
    assert_eq!(rules.choose("15550100100"), Kind::Smsc, "in no range");
    assert_eq!(rules.choose("44123"), Kind::Smsc, "in ranges of both");
    rules.prefer = Kind::Ppg;
    assert_eq!(rules.choose("15550100100"), Kind::Ppg);
    assert_eq!(rules.choose("44123"), Kind::Ppg);
    rules.ppg.any = false;
    assert_eq!(rules.choose("15550100100"), Kind::Smsc, "no gateway serves it");
    rules.smsc.any = false;
    assert_eq!(
        rules.choose("15550100100"),
        Kind::Ppg,
        "nobody serves it: the preferred kind says so"
    );
}

/// A bearer that answers when it is let, and counts.
#[derive(Default)]
struct Slow {
    made: AtomicUsize,
    let_go: Option<Notify>,
}

impl PushBearer for Arc<Slow> {
    fn push(&self, _: Push) -> BoxFuture<'static, TellOutcome> {
        let slow = Arc::clone(self);
        Box::pin(async move {
            slow.made.fetch_add(1, Ordering::SeqCst);
            if let Some(let_go) = &slow.let_go {
                let_go.notified().await;
            }
            TellOutcome::Refused
        })
    }
}

struct Ups(mpsc::Sender<String>);

impl BearerEvents for Ups {
    fn receipt(&self, _: Receipt) -> BoxFuture<'static, bool> {
        Box::pin(std::future::ready(true))
    }

    fn destination_up(&self, destination: &str) {
        self.0.try_send(destination.to_owned()).unwrap();
    }
}

struct Bench {
    chooser: Chooser,
    smsc: Arc<Slow>,
    ppg: Arc<Slow>,
    ups: mpsc::Receiver<String>,
    ports: Ports,
}

fn bench(pace: PaceConfig, slow: bool) -> Bench {
    let (ports, _) = memory_ports();
    let bearer = || {
        Arc::new(Slow {
            made: AtomicUsize::new(0),
            let_go: slow.then(Notify::new),
        })
    };
    let (smsc, ppg) = (bearer(), bearer());
    let (sender, ups) = mpsc::channel(100);
    let rules = Rules {
        smsc: routes(&[], true),
        ppg: routes(&["4670"], false),
        prefer: Kind::Smsc,
    };
    let both = (Arc::new(Arc::clone(&smsc)) as _, Arc::new(Arc::clone(&ppg)) as _);
    let chooser = Chooser::new(both, rules, pace, Arc::new(Ups(sender)), &ports);
    Bench {
        chooser,
        smsc,
        ppg,
        ups,
        ports,
    }
}

fn push(number: &str) -> Push {
    Push {
        to: Address::Phone(number.into()),
        octets: Bytes::new(),
        validity: Duration::from_secs(60),
        gate: Gate::open(),
        number: 1,
    }
}

fn paced() -> TellOutcome {
    TellOutcome::Unavailable {
        destination: PACED.into(),
    }
}

#[tokio::test(start_paused = true)]
async fn each_push_goes_to_one_kind() {
    let bench = bench(PaceConfig::default(), false);
    assert_eq!(bench.chooser.push(push("46701")).await, TellOutcome::Refused);
    assert_eq!(bench.ppg.made.load(Ordering::SeqCst), 1);
    assert_eq!(bench.chooser.push(push("49171")).await, TellOutcome::Refused);
    assert_eq!(bench.smsc.made.load(Ordering::SeqCst), 1);
    let mail = Push {
        to: Address::Email("a@b.example".into()),
        ..push("1")
    };
    assert_eq!(bench.chooser.push(mail).await, TellOutcome::Refused);
    let metrics = bench.chooser.metrics();
    assert_eq!((metrics.smsc.value(), metrics.ppg.value()), (1, 1));
}

/// A hundred at once to one number: its burst goes at once, the rest at the rate, and another number does not notice.
#[tokio::test(start_paused = true)]
async fn a_flood_to_one_number_is_paced() {
    let rate = Rate {
        per_minute: 30,
        burst: 10,
    };
    let bench = bench(
        PaceConfig {
            rate: Some(rate),
            in_flight: 2,
        },
        false,
    );
    let started = bench.ports.clock.monotonic();
    for _ in 0..10 {
        assert_eq!(bench.chooser.push(push("46701")).await, TellOutcome::Refused);
    }
    assert_eq!(bench.ports.clock.monotonic(), started, "the burst waits for nothing");
    for _ in 0..30 {
        assert_eq!(bench.chooser.push(push("46701")).await, TellOutcome::Refused);
    }
    let took = (bench.ports.clock.monotonic() - started).as_secs();
    assert!((59..=61).contains(&took), "{took} s for 30 at 30 a minute");
    let before = bench.ports.clock.monotonic();
    assert_eq!(bench.chooser.push(push("46702")).await, TellOutcome::Refused);
    assert_eq!(bench.ports.clock.monotonic(), before);
}

#[tokio::test(start_paused = true)]
async fn what_would_be_held_too_long_is_not_made_and_announced_later() {
    let rate = Rate {
        per_minute: 2,
        burst: 1,
    };
    let mut bench = bench(
        PaceConfig {
            rate: Some(rate),
            in_flight: 2,
        },
        false,
    );
    assert_eq!(bench.chooser.push(push("46701")).await, TellOutcome::Refused);
    let before = bench.ports.clock.monotonic();
    for _ in 0..5 {
        assert_eq!(bench.chooser.push(push("46701")).await, paced());
    }
    assert_eq!(bench.ports.clock.monotonic(), before);
    assert_eq!(bench.ppg.made.load(Ordering::SeqCst), 1, "no octet left");
    assert_eq!(bench.ups.recv().await.as_deref(), Some(PACED));
    assert_eq!((bench.ports.clock.monotonic() - before).as_secs(), 30);
    assert_eq!(bench.chooser.push(push("46701")).await, TellOutcome::Refused);
    assert!(bench.ups.try_recv().is_err(), "announced once for all");
}

#[tokio::test(start_paused = true)]
async fn only_so_many_are_in_flight_for_a_number() {
    let bench = bench(
        PaceConfig {
            rate: None,
            in_flight: 2,
        },
        true,
    );
    let go = |number: &'static str| tokio::spawn(bench.chooser.push(push(number)));
    let running = [go("46701"), go("46701")];
    tokio::task::yield_now().await;
    assert_eq!(bench.chooser.push(push("46701")).await, paced());
    assert_eq!(bench.ppg.made.load(Ordering::SeqCst), 2);
    // Given up counts as ended.
    let [first, second] = running;
    first.abort();
    assert!(first.await.is_err());
    bench.ppg.let_go.as_ref().unwrap().notify_waiters();
    assert_eq!(second.await.unwrap(), TellOutcome::Refused);
    let again = [go("46701"), go("46701")];
    tokio::task::yield_now().await;
    assert_eq!(bench.ppg.made.load(Ordering::SeqCst), 4);
    bench.ppg.let_go.as_ref().unwrap().notify_waiters();
    for task in again {
        assert_eq!(task.await.unwrap(), TellOutcome::Refused);
    }
}
