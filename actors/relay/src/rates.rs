//! How fast a subscriber may send: one token bucket per sender that sends, in memory.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use mmsc_domain::rate::{Bucket, Rate};
use mmsc_domain::{Address, UnixMillis};

/// Buckets kept; when there are more, the full ones go (a full bucket and none are the same).
const MAX_BUCKETS: usize = 100_000;

/// The buckets of this node.
#[derive(Default)]
pub struct Rates(Mutex<BTreeMap<Address, Bucket>>);

impl Rates {
    /// Takes one submission from the sender's bucket; false if it is empty.
    pub fn take(&self, sender: &Address, rate: Rate, now: UnixMillis) -> bool {
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MAX_BUCKETS {
            buckets.retain(|_, bucket| !bucket.is_full(rate, now));
        }
        let bucket = buckets.get(sender).copied().unwrap_or_else(|| Bucket::full(rate, now));
        match bucket.take(rate, now) {
            Ok(rest) => {
                buckets.insert(sender.clone(), rest);
                true
            }
            Err(_wait) => false,
        }
    }
}
