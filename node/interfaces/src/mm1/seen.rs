//! Which handsets showed themselves lately, so that a busy one does not poke its actor with every request.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use mmsc_domain::Address;

/// Slots of a table. Two addresses in one slot only cost a poke more.
const SLOTS: usize = 8192;
/// Slots where it is asked over a long time, so that many addresses come along: 2 MiB.
const MANY_SLOTS: usize = 262_144;

/// A table of fixed size that forgets: a hash and the second of its last sighting in each slot.
pub(super) struct Seen {
    slots: Box<[AtomicU64]>,
    interval: Duration,
}

impl Seen {
    pub(super) fn new(interval: Duration) -> Self {
        Self::with_slots(interval, SLOTS)
    }

    /// For an interval in which many addresses show themselves.
    pub(super) fn long(interval: Duration) -> Self {
        Self::with_slots(interval, MANY_SLOTS)
    }

    fn with_slots(interval: Duration, slots: usize) -> Self {
        Self {
            slots: (0..slots).map(|_| AtomicU64::new(0)).collect(),
            interval,
        }
    }

    /// Whether `address` was not seen within the interval before `now`. Notes the sighting.
    pub(super) fn is_news(&self, address: &Address, now: Duration) -> bool {
        let mut hasher = DefaultHasher::new();
        address.hash(&mut hasher);
        let hash = hasher.finish();
        let slot = usize::try_from(hash % self.slots.len().max(1) as u64).unwrap_or(0);
        let Some(slot) = self.slots.get(slot) else { return true };
        // Upper half: part of the hash, never 0. Lower half: seconds of the monotonic clock.
        let tag = (hash >> 32) | 1;
        let seconds = now.as_secs() & 0xFFFF_FFFF;
        let before = slot.load(Ordering::Relaxed);
        let recent = before >> 32 == tag && seconds.saturating_sub(before & 0xFFFF_FFFF) < self.interval.as_secs();
        if !recent {
            slot.store(tag << 32 | seconds, Ordering::Relaxed);
        }
        !recent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handset_is_news_once_per_interval() {
        let seen = Seen::new(Duration::from_secs(30));
        let one = Address::Phone("15550100001".to_owned());
        let other = Address::Phone("15550100002".to_owned());
        let at = Duration::from_secs;
        assert!(seen.is_news(&one, at(100)));
        assert!(!seen.is_news(&one, at(129)));
        assert!(seen.is_news(&other, at(101)));
        assert!(seen.is_news(&one, at(130)));
        assert!(!seen.is_news(&one, at(131)));
        let always = Seen::new(Duration::ZERO);
        assert!(always.is_news(&one, at(1)) && always.is_news(&one, at(1)));
    }
}
