//! How fast a subscriber may send, and may be told: one token bucket per subscriber that does, in memory.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use mmsc_domain::rate::{Bucket, Rate};
use mmsc_domain::{Address, UnixMillis};

/// Buckets kept at most.
const MAX_BUCKETS: usize = 100_000;

/// The buckets of this node, each with the rate that filled it.
#[derive(Default)]
pub struct Rates(Mutex<BTreeMap<Address, (Bucket, Rate)>>);

impl Rates {
    /// Takes one from the subscriber's bucket; if it is empty, says how long until it is not.
    pub fn take(&self, who: &Address, rate: Rate, now: UnixMillis) -> Result<(), Duration> {
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MAX_BUCKETS {
            make_room(&mut buckets, now);
        }
        let bucket = buckets
            .get(who)
            .map_or_else(|| Bucket::full(rate, now), |(bucket, _)| *bucket);
        let rest = bucket.take(rate, now)?;
        buckets.insert(who.clone(), (rest, rate));
        Ok(())
    }
}

/// A full bucket and none are the same, so those go. If that frees less than half, all go: for a moment everybody
/// begins as if for the first time, which is better than a walk at every submission or memory without end.
fn make_room(buckets: &mut BTreeMap<Address, (Bucket, Rate)>, now: UnixMillis) {
    buckets.retain(|_, (bucket, rate)| !bucket.is_full(*rate, now));
    if buckets.len() > MAX_BUCKETS / 2 {
        tracing::warn!(
            subscribers = buckets.len(),
            "more subscribers at once than rates are kept for; all begin anew"
        );
        buckets.clear();
    }
}
