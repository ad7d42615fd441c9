//! What all modes share: numbers, messages, the ledger, latencies, and the loop of one connection.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mmsc_peers::crowd::{Crowd, Observer, Seen};
use mmsc_peers::handset::Client;
use mmsc_peers::ledger::{Ledger, Outcome};
use mmsc_peers::message::{Letter, Mix, Order};
use mmsc_peers::sender::{Persistence, submit_until_answered};
use mmsc_peers::{Msisdn, PeerError};
use mmsc_ports::Ports;
use tokio::sync::oneshot;

use crate::cli::Load;
use crate::histogram::Histogram;

/// For the answer to one request.
const DEADLINE: Duration = Duration::from_secs(30);
/// First recipient and first sender of the pools.
const RECIPIENTS: u64 = 15_560_000_000;
const SENDERS: u64 = 15_550_000_000;

/// Latencies of the measured part of a run.
#[derive(Default)]
pub struct Latencies {
    /// Request to `m-send-conf`, of accepted submissions.
    pub submit: Histogram,
    /// Request to the notification's arrival at the handset.
    pub notified: Histogram,
    /// GET to the last octet.
    pub retrieve: Histogram,
    /// Request to the delivery report's arrival.
    pub cycle: Histogram,
}

/// Counts of a run.
#[derive(Debug, Default)]
pub struct Counts {
    /// Submissions begun.
    pub offered: AtomicU64,
    /// Accepted.
    pub accepted: AtomicU64,
    /// Refused in MMS words (m-send-conf).
    pub refused: AtomicU64,
    /// Refused by HTTP 503 or 429.
    pub refused_http: AtomicU64,
    /// No answer, a broken one, or an HTTP status that is no refusal.
    pub failed: AtomicU64,
    /// Delivery reports of submissions, each submission once.
    pub cycles: AtomicU64,
}

/// What all messages of a run have in common.
#[derive(Clone, Copy, Debug, Default)]
pub struct Shape {
    /// Delivery is deferred so long.
    pub deliver_after: Option<Duration>,
    /// All expire at this moment of the monotonic clock, to the second; else in a day.
    pub expires_at: Option<Duration>,
}

struct Waiting {
    started: Duration,
    notified: bool,
    done: oneshot::Sender<()>,
}

/// A run's state, shared by all its tasks.
pub struct Traffic {
    /// The outside.
    pub ports: Ports,
    /// Everything that happened.
    pub ledger: Arc<Ledger>,
    /// Latencies of the measured part.
    pub latencies: Latencies,
    /// Counts of the whole run.
    pub counts: Counts,
    /// What the progress bar shows.
    pub done: Arc<AtomicU64>,
    /// Whether latencies are kept now.
    pub measuring: AtomicBool,
    mix: Mix,
    pool: u64,
    shape: Shape,
    next: AtomicU64,
    last: u64,
    stopped: AtomicBool,
    waiting: Mutex<HashMap<u64, Waiting>>,
}

impl Traffic {
    /// Traffic as `load` wants it; with `deliver_after` no handset is told during the run.
    #[must_use]
    pub fn new(ports: &Ports, load: &Load, ledger: Ledger, deliver_after: Option<Duration>) -> Arc<Self> {
        let shape = Shape {
            deliver_after,
            ..Shape::default()
        };
        let last = load.count.unwrap_or(u64::MAX);
        Self::shaped(ports, load, Arc::new(ledger), shape, 0..last)
    }

    /// Traffic of a shape, with these numbers.
    #[must_use]
    pub fn shaped(ports: &Ports, load: &Load, ledger: Arc<Ledger>, shape: Shape, numbers: Range<u64>) -> Arc<Self> {
        Arc::new(Self {
            ports: ports.clone(),
            ledger,
            latencies: Latencies::default(),
            counts: Counts::default(),
            done: Arc::default(),
            measuring: AtomicBool::new(false),
            mix: Mix::new(load.seed, load.sizes),
            pool: load.pool.max(1),
            shape,
            next: AtomicU64::new(numbers.start),
            last: numbers.end,
            stopped: AtomicBool::new(false),
            waiting: Mutex::default(),
        })
    }

    /// The next submission, unless the run is over.
    pub fn next(&self) -> Option<u64> {
        if self.stopped.load(Ordering::Relaxed) {
            return None;
        }
        Some(self.next.fetch_add(1, Ordering::Relaxed)).filter(|number| *number < self.last)
    }

    /// Begins nothing more.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// Begins again after a stop.
    pub fn go_on(&self) {
        self.stopped.store(false, Ordering::Relaxed);
    }

    /// No report of this submission will come.
    pub fn forget(&self, number: u64) {
        self.waiting().remove(&number);
    }

    /// The submission with this number: always the same octets.
    pub fn letter(&self, number: u64) -> Result<(Msisdn, Order, Letter), PeerError> {
        // Spread, so that neighbours in time are not neighbours in the pool.
        let index = number.wrapping_mul(0x9E37_79B9) % self.pool;
        let order = Order {
            deliver_after: self.shape.deliver_after,
            expiry: match self.shape.expires_at {
                Some(at) => at
                    .saturating_sub(self.ports.clock.monotonic())
                    .max(Duration::from_secs(1)),
                None => self.shape.deliver_after.unwrap_or_default() + Duration::from_secs(24 * 3600),
            },
            ..Order::to_one(number, Msisdn::of_pool(RECIPIENTS, index))
        };
        let letter = self.mix.letter(&order)?;
        Ok((Msisdn::of_pool(SENDERS, index), order, letter))
    }

    /// A connection to MM1.
    #[must_use]
    pub fn client(&self, mm1: &str) -> Client {
        Client::new(self.ports.clone(), mm1, DEADLINE)
    }

    /// Submits once and counts how it went.
    pub async fn submit(&self, client: &mut Client, number: u64) -> Result<Outcome, PeerError> {
        let (from, order, letter) = self.letter(number)?;
        self.counts.offered.fetch_add(1, Ordering::Relaxed);
        let started = self.ports.clock.monotonic();
        let pair = (&order, &letter);
        let outcome = submit_until_answered(&self.ports, client, &self.ledger, from, pair, Persistence::ONCE).await?;
        let took = self.ports.clock.monotonic().saturating_sub(started);
        let count = match &outcome {
            Outcome::Accepted(_) => &self.counts.accepted,
            Outcome::Refused(_) => &self.counts.refused,
            Outcome::Http(429 | 503) => &self.counts.refused_http,
            Outcome::Http(_) | Outcome::Unknown => &self.counts.failed,
        };
        count.fetch_add(1, Ordering::Relaxed);
        if matches!(outcome, Outcome::Accepted(_)) && self.measuring.load(Ordering::Relaxed) {
            self.latencies.submit.record(took);
        }
        Ok(outcome)
    }

    /// Submits and waits for the delivery report, at most `within`. Gives whether it came.
    pub async fn cycle(&self, client: &mut Client, number: u64, within: Duration) -> Result<bool, PeerError> {
        let done = self.expect(number);
        if !matches!(self.submit(client, number).await?, Outcome::Accepted(_)) {
            self.waiting().remove(&number);
            return Ok(false);
        }
        // The report may have overtaken the acceptance; then nobody knew whose it was until now.
        if self.is_reported(number) {
            self.reported(number);
        }
        tokio::select! {
            done = done => Ok(done.is_ok()),
            () = self.ports.clock.sleep(within) => {
                self.waiting().remove(&number);
                Ok(false)
            }
        }
    }

    /// Handsets that measure for this run.
    #[must_use]
    pub fn crowd(self: &Arc<Self>, mm1: &str) -> Crowd {
        let traffic = Arc::clone(self);
        let observer: Observer = Arc::new(move |seen| traffic.saw(seen));
        Crowd {
            deadline: DEADLINE,
            observer: Some(observer),
            ..Crowd::new(&self.ports, mm1, Arc::clone(&self.ledger))
        }
    }

    /// Awaits the report of a submission.
    pub fn expect(&self, number: u64) -> oneshot::Receiver<()> {
        let (send, done) = oneshot::channel();
        let waiting = Waiting {
            started: self.ports.clock.monotonic(),
            notified: false,
            done: send,
        };
        self.waiting().insert(number, waiting);
        done
    }

    /// Whether the ledger has a report of a submission.
    #[must_use]
    pub fn is_reported(&self, number: u64) -> bool {
        self.ledger.look(|book| {
            let copies = book
                .submissions()
                .get(&number)
                .map(|submission| submission.copies.as_slice());
            copies.is_some_and(|copies| copies.iter().any(|copy| !copy.reports.is_empty()))
        })
    }

    /// The report of a submission is known; counts the first one.
    pub fn reported(&self, number: u64) {
        let Some(waiting) = self.waiting().remove(&number) else {
            return;
        };
        self.counts.cycles.fetch_add(1, Ordering::Relaxed);
        self.done.fetch_add(1, Ordering::Relaxed);
        if self.measuring.load(Ordering::Relaxed) {
            let now = self.ports.clock.monotonic();
            self.latencies.cycle.record(now.saturating_sub(waiting.started));
        }
        // Nobody waits in the open loop.
        let _nobody = waiting.done.send(());
    }

    fn saw(&self, seen: Seen) {
        match seen {
            Seen::Notified { number } => self.notified(number),
            Seen::Retrieved { took, .. } if self.measuring.load(Ordering::Relaxed) => {
                self.latencies.retrieve.record(took);
            }
            Seen::Reported { number: Some(number) } => self.reported(number),
            Seen::Retrieved { .. } | Seen::Acknowledged { .. } | Seen::Reported { number: None } => {}
        }
    }

    fn notified(&self, number: u64) {
        let now = self.ports.clock.monotonic();
        let mut waiting = self.waiting();
        let Some(first) = waiting.get_mut(&number).filter(|waiting| !waiting.notified) else {
            return;
        };
        first.notified = true;
        if self.measuring.load(Ordering::Relaxed) {
            self.latencies.notified.record(now.saturating_sub(first.started));
        }
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<u64, Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
