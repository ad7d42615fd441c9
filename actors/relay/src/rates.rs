//! How fast a subscriber may send: one token bucket per sender that sends, in memory.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use mmsc_domain::rate::{Bucket, Rate};
use mmsc_domain::{Address, UnixMillis};

/// Buckets kept at most.
const MAX_BUCKETS: usize = 100_000;

/// The buckets of this node, each with the rate that filled it.
#[derive(Default)]
pub struct Rates(Mutex<BTreeMap<Address, (Bucket, Rate)>>);

impl Rates {
    /// Takes one submission from the sender's bucket; false if it is empty.
    pub fn take(&self, sender: &Address, rate: Rate, now: UnixMillis) -> bool {
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MAX_BUCKETS {
            make_room(&mut buckets, now);
        }
        let bucket = buckets
            .get(sender)
            .map_or_else(|| Bucket::full(rate, now), |(bucket, _)| *bucket);
        match bucket.take(rate, now) {
            Ok(rest) => {
                buckets.insert(sender.clone(), (rest, rate));
                true
            }
            Err(_wait) => false,
        }
    }
}

/// A full bucket and none are the same, so those go. If that frees less than half, all go: for a moment everybody may
/// send as if for the first time, which is better than a walk at every submission or memory without end.
fn make_room(buckets: &mut BTreeMap<Address, (Bucket, Rate)>, now: UnixMillis) {
    buckets.retain(|_, (bucket, rate)| !bucket.is_full(*rate, now));
    if buckets.len() > MAX_BUCKETS / 2 {
        tracing::warn!(
            senders = buckets.len(),
            "more senders at once than rates are kept for; all begin anew"
        );
        buckets.clear();
    }
}
