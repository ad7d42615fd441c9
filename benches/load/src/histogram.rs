//! Latencies in buckets of at most 1.6 % width, of fixed size however long a run is.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::Serialize;

/// Buckets for each power of two.
const SUB: u64 = 64;
/// log2 of [`SUB`].
const SUB_BITS: u32 = SUB.trailing_zeros();
/// Powers of two above the first [`SUB`] microseconds: up to about an hour.
const POWERS: usize = 26;
const BUCKETS: usize = SUB as usize * (POWERS + 1);

/// A histogram of microseconds that many tasks add to.
pub struct Histogram {
    buckets: Vec<AtomicU64>,
    max: AtomicU64,
}

/// What is printed of a histogram, in milliseconds.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Percentiles {
    /// How many were measured.
    pub count: u64,
    /// Half took no longer.
    pub p50_ms: f64,
    /// Nine of ten took no longer.
    pub p90_ms: f64,
    /// 99 of 100 took no longer.
    pub p99_ms: f64,
    /// 999 of 1000 took no longer.
    pub p999_ms: f64,
    /// The longest.
    pub max_ms: f64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self {
            buckets: (0..BUCKETS).map(|_| AtomicU64::new(0)).collect(),
            max: AtomicU64::new(0),
        }
    }
}

impl Histogram {
    /// Adds one.
    pub fn record(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.max.fetch_max(micros, Ordering::Relaxed);
        let index = index_of(micros).min(BUCKETS - 1);
        if let Some(bucket) = self.buckets.get(index) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The figures so far.
    #[must_use]
    pub fn percentiles(&self) -> Percentiles {
        let counts: Vec<u64> = self
            .buckets
            .iter()
            .map(|bucket| bucket.load(Ordering::Relaxed))
            .collect();
        let count = counts.iter().sum();
        let max = self.max.load(Ordering::Relaxed);
        let at = |per_mille: u64| milliseconds(quantile(&counts, count, per_mille).min(max));
        Percentiles {
            count,
            p50_ms: at(500),
            p90_ms: at(900),
            p99_ms: at(990),
            p999_ms: at(999),
            max_ms: milliseconds(max),
        }
    }
}

fn milliseconds(micros: u64) -> f64 {
    Duration::from_micros(micros).as_secs_f64() * 1000.0
}

fn index_of(micros: u64) -> usize {
    // Below SUB each value has a bucket; above, the top SUB_BITS + 1 bits decide.
    let power = micros.checked_ilog2().unwrap_or(0).saturating_sub(SUB_BITS);
    let within = micros >> power;
    usize::try_from(u64::from(power) * SUB + within).unwrap_or(usize::MAX)
}

/// The highest value of a bucket.
fn top_of(index: usize) -> u64 {
    let index = index as u64;
    let power = (index / SUB).saturating_sub(1);
    ((index - power * SUB + 1) << power) - 1
}

fn quantile(counts: &[u64], total: u64, per_mille: u64) -> u64 {
    let rank = (total * per_mille).div_ceil(1000).max(1);
    let mut seen = 0;
    for (index, count) in counts.iter().enumerate() {
        seen += count;
        if seen >= rank {
            return top_of(index);
        }
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_contiguous_and_narrow() {
        let mut last = 0;
        for micros in 0..2_000_000_u64 {
            let index = index_of(micros);
            assert!(index == last || index == last + 1, "{micros}");
            assert!(
                top_of(index) >= micros && (top_of(index) - micros) * 60 <= micros + 60,
                "{micros}"
            );
            last = index;
        }
    }

    #[test]
    fn percentiles_of_a_known_row() {
        let histogram = Histogram::default();
        for micros in 1..=1000 {
            histogram.record(Duration::from_micros(micros * 100));
        }
        let figures = histogram.percentiles();
        assert_eq!(figures.count, 1000);
        assert!((figures.p50_ms - 50.0).abs() < 1.0, "{figures:?}");
        assert!((figures.p99_ms - 99.0).abs() < 2.0, "{figures:?}");
        assert!((figures.max_ms - 100.0).abs() < 1e-9, "{figures:?}");
        assert_eq!(Histogram::default().percentiles().count, 0);
    }
}
