//! A rate limit as a value: a token bucket that is handed in and handed back.

use std::time::Duration;

use crate::time::UnixMillis;

/// How much may happen: `per_minute` on average, `burst` at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rate {
    /// Units in a minute; 0 lets nothing pass.
    pub per_minute: u32,
    /// Units at once after a pause; at least one is granted.
    pub burst: u32,
}

/// Whatever one unit costs: sixty thousand shares, so that a millisecond at one unit per minute is one share.
const UNIT: u64 = 60_000;

/// What is left of a rate at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Bucket {
    shares: u64,
    at: UnixMillis,
}

impl Bucket {
    /// A full bucket.
    #[must_use]
    pub fn full(rate: Rate, now: UnixMillis) -> Self {
        Self {
            shares: capacity(rate),
            at: now,
        }
    }

    /// Takes one unit: the bucket afterwards.
    ///
    /// # Errors
    /// Nothing is left: how long until there is. A clock that went back refills nothing.
    pub fn take(self, rate: Rate, now: UnixMillis) -> Result<Self, Duration> {
        let elapsed = u64::try_from(now.since(self.at).as_millis()).unwrap_or(u64::MAX);
        let shares = self
            .shares
            .saturating_add(elapsed.saturating_mul(u64::from(rate.per_minute)))
            .min(capacity(rate));
        match shares.checked_sub(UNIT) {
            Some(left) if rate.per_minute > 0 => Ok(Self {
                shares: left,
                at: now.max(self.at),
            }),
            Some(_) => Err(Duration::MAX),
            None => Err(wait(UNIT - shares, rate)),
        }
    }

    /// Nothing was taken for so long that the bucket is full again: it need not be remembered.
    #[must_use]
    pub fn is_full(self, rate: Rate, now: UnixMillis) -> bool {
        let elapsed = u64::try_from(now.since(self.at).as_millis()).unwrap_or(u64::MAX);
        self.shares
            .saturating_add(elapsed.saturating_mul(u64::from(rate.per_minute)))
            >= capacity(rate)
    }
}

fn capacity(rate: Rate) -> u64 {
    u64::from(rate.burst.max(1)) * UNIT
}

fn wait(missing: u64, rate: Rate) -> Duration {
    match u64::from(rate.per_minute) {
        0 => Duration::MAX,
        per_minute => Duration::from_millis(missing.div_ceil(per_minute)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_burst_passes_and_then_the_average() {
        let rate = Rate {
            per_minute: 60,
            burst: 3,
        };
        let start = UnixMillis(1_000_000);
        let mut bucket = Bucket::full(rate, start);
        for _ in 0..3 {
            bucket = bucket.take(rate, start).unwrap();
        }
        assert_eq!(bucket.take(rate, start), Err(Duration::from_secs(1)));
        assert_eq!(
            bucket.take(rate, UnixMillis(1_000_600)),
            Err(Duration::from_millis(400))
        );
        bucket = bucket.take(rate, UnixMillis(1_001_000)).unwrap();
        assert!(!bucket.is_full(rate, UnixMillis(1_003_000)));
        assert!(bucket.is_full(rate, UnixMillis(1_004_000)));
    }

    #[test]
    fn a_refusal_costs_nothing_and_a_clock_that_goes_back_refills_nothing() {
        let rate = Rate {
            per_minute: 1,
            burst: 1,
        };
        let bucket = Bucket::full(rate, UnixMillis(100_000))
            .take(rate, UnixMillis(100_000))
            .unwrap();
        assert_eq!(bucket.take(rate, UnixMillis(40_000)), Err(Duration::from_secs(60)));
        assert!(bucket.take(rate, UnixMillis(160_000)).is_ok());
        let none = Rate {
            per_minute: 0,
            burst: 1,
        };
        assert_eq!(
            Bucket::full(none, UnixMillis(0)).take(none, UnixMillis(0)),
            Err(Duration::MAX)
        );
    }

    proptest! {
        /// However the tries are spread and wherever the clock goes: never more than the burst and what time earned.
        #[test]
        fn never_more_than_burst_and_average(
            per_minute in 1_u32..1000,
            burst in 1_u32..20,
            tries in prop::collection::vec((0_u64..200_000, 0_u64..2), 1..200),
        ) {
            let rate = Rate { per_minute, burst };
            let start = 1_000_000;
            let (mut now, mut latest, mut taken) = (start, start, 0);
            let mut bucket = Bucket::full(rate, UnixMillis(now));
            for (pause, direction) in tries {
                now = if direction == 0 { now.saturating_sub(pause) } else { now + pause / 10 };
                latest = latest.max(now);
                if let Ok(left) = bucket.take(rate, UnixMillis(now)) {
                    bucket = left;
                    taken += 1;
                }
            }
            let earned = (latest - start) * u64::from(per_minute) / 60_000;
            prop_assert!(taken <= u64::from(burst) + earned);
        }
    }

    #[test]
    fn a_long_pause_earns_one_burst() {
        let rate = Rate {
            per_minute: 60,
            burst: 2,
        };
        let later = UnixMillis(10_000_000);
        let mut bucket = Bucket::full(rate, UnixMillis(0));
        for _ in 0..2 {
            bucket = bucket.take(rate, later).unwrap();
        }
        assert!(bucket.take(rate, later).is_err());
    }
}
