//! How many pushes one number gets: a flood towards one handset neither drains its battery nor fills the bearers
//! (invariant D5).

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use mmsc_domain::UnixMillis;
use mmsc_domain::rate::{Bucket, Rate};
use mmsc_ports::Ports;
use tokio::sync::Semaphore;

use super::{BearerEvents, ChooserMetrics};
use crate::bounded::Bounded;

/// The destination that pushes wait for whose number has had its share.
pub const PACED: &str = "(pace)";

/// A push is held for at most so long. The relay makes one attempt at a time for a subscriber, so holding one paces all
/// that follow it without a commit for any of them; the bearer has the rest of its minute.
const HOLD: Duration = Duration::from_secs(5);
/// Pushes held at a time; more are put back.
const HELD: usize = 10_000;
/// Numbers remembered; the one that was pushed to longest ago goes first.
const NUMBERS: usize = 65_536;
/// What was put back is announced at most this often, and at least after the other.
const WAKE_FIRST: Duration = Duration::from_secs(1);
const WAKE_LAST: Duration = Duration::from_secs(60);

/// Bounds for each number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PaceConfig {
    /// Pushes in a minute, and at once after a pause; none: any number.
    pub rate: Option<Rate>,
    /// Pushes without answer at a time.
    pub in_flight: u32,
}

impl Default for PaceConfig {
    /// 120 in a minute, two at a time.
    fn default() -> Self {
        Self {
            rate: Some(Rate {
                per_minute: 120,
                burst: 120,
            }),
            in_flight: 2,
        }
    }
}

#[derive(Clone, Copy)]
struct Entry {
    bucket: Option<Bucket>,
    in_flight: u32,
}

pub(super) struct Pace {
    config: PaceConfig,
    ports: Ports,
    events: Arc<dyn BearerEvents>,
    metrics: Arc<ChooserMetrics>,
    numbers: Arc<Mutex<Bounded<String, Entry>>>,
    holding: Semaphore,
    waking: Arc<AtomicBool>,
}

/// Leave for one push; its end gives the place free.
pub(super) struct Pass {
    number: String,
    numbers: Arc<Mutex<Bounded<String, Entry>>>,
}

impl Drop for Pass {
    fn drop(&mut self) {
        let mut numbers = self.numbers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = numbers.get_mut(&self.number) {
            entry.in_flight = entry.in_flight.saturating_sub(1);
        }
    }
}

impl Pace {
    pub(super) fn new(
        config: PaceConfig,
        events: Arc<dyn BearerEvents>,
        metrics: Arc<ChooserMetrics>,
        ports: &Ports,
    ) -> Self {
        Self {
            config,
            ports: ports.clone(),
            events,
            metrics,
            numbers: Arc::new(Mutex::new(Bounded::new(NUMBERS))),
            holding: Semaphore::new(HELD),
            waking: Arc::default(),
        }
    }

    /// Leave to push to `number` now; none: the push is not made, and [`PACED`] is announced when it may be.
    pub(super) async fn admit(&self, number: &str) -> Option<Pass> {
        let wait = match self.take(number) {
            Ok(pass) => return Some(pass),
            Err(wait) => wait,
        };
        let wait = match self.holding.try_acquire() {
            Ok(_place) if wait <= HOLD => {
                self.metrics.held.increment();
                self.ports.clock.sleep(wait).await;
                match self.take(number) {
                    Ok(pass) => return Some(pass),
                    Err(wait) => wait,
                }
            }
            Ok(_) | Err(_) => wait,
        };
        self.metrics.put_back.increment();
        self.wake_after(wait);
        None
    }

    /// Takes a place, or tells how long until there may be one.
    fn take(&self, number: &str) -> Result<Pass, Duration> {
        let now = UnixMillis(u64::try_from(self.ports.clock.monotonic().as_millis()).unwrap_or(u64::MAX));
        let mut numbers = self.numbers.lock().unwrap_or_else(PoisonError::into_inner);
        let mut entry = numbers.get(&number.to_owned()).copied().unwrap_or(Entry {
            bucket: None,
            in_flight: 0,
        });
        if entry.in_flight >= self.config.in_flight {
            return Err(HOLD);
        }
        if let Some(rate) = self.config.rate {
            let bucket = entry.bucket.unwrap_or_else(|| Bucket::full(rate, now));
            entry.bucket = Some(bucket.take(rate, now)?);
        }
        entry.in_flight += 1;
        numbers.insert(number.to_owned(), entry);
        self.metrics
            .numbers
            .set(i64::try_from(numbers.len()).unwrap_or(i64::MAX));
        Ok(Pass {
            number: number.to_owned(),
            numbers: Arc::clone(&self.numbers),
        })
    }

    /// One announcement is under way at a time: who finds no place then is put back and asks for the next.
    fn wake_after(&self, wait: Duration) {
        if self.waking.swap(true, Ordering::AcqRel) {
            return;
        }
        let (waking, events, clock) = (
            Arc::clone(&self.waking),
            Arc::clone(&self.events),
            Arc::clone(&self.ports.clock),
        );
        let wake = async move {
            clock.sleep(wait.clamp(WAKE_FIRST, WAKE_LAST)).await;
            // Before the announcement: who is put back from here on asks again.
            waking.store(false, Ordering::Release);
            events.destination_up(PACED);
        };
        self.ports.spawn.task("bearer pace", Box::pin(wake));
    }
}
