//! How a crate declares what it measures. Each crate has one `metrics.rs` with a struct of these types and a
//! `describe()` that yields a [`Family`] for each; `ops/admin` turns families into the Prometheus exposition.
//! Nothing here knows Prometheus, and reading or adding is one atomic operation.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

/// A count that only rises.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// One more.
    pub fn increment(&self) {
        self.add(1);
    }

    /// `n` more.
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    /// The count so far.
    pub fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A value that rises and falls.
#[derive(Debug, Default)]
pub struct Gauge(AtomicI64);

impl Gauge {
    /// Sets it.
    pub fn set(&self, value: i64) {
        self.0.store(value, Ordering::Relaxed);
    }

    /// Moves it by `n`.
    pub fn add(&self, n: i64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    /// The value now.
    pub fn value(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Upper bounds in seconds of [`Histogram`]'s buckets (the last bucket is +Inf).
pub const BUCKET_SECONDS: [f64; 14] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0,
];

/// A distribution of durations over fixed buckets.
#[derive(Debug, Default)]
pub struct Histogram {
    buckets: [AtomicU64; BUCKET_SECONDS.len() + 1],
    sum_micros: AtomicU64,
}

impl Histogram {
    /// Adds one observation.
    pub fn observe(&self, d: Duration) {
        let seconds = d.as_secs_f64();
        let bucket = BUCKET_SECONDS
            .iter()
            .position(|bound| seconds <= *bound)
            .unwrap_or(BUCKET_SECONDS.len());
        if let Some(count) = self.buckets.get(bucket) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.sum_micros
            .fetch_add(u64::try_from(d.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Counts per bucket (not cumulated), and the sum in seconds.
    pub fn snapshot(&self) -> (Vec<u64>, f64) {
        let counts = self.buckets.iter().map(|count| count.load(Ordering::Relaxed)).collect();
        #[allow(clippy::cast_precision_loss, reason = "a sum of seconds is approximate by nature")]
        let sum = self.sum_micros.load(Ordering::Relaxed) as f64 / 1e6;
        (counts, sum)
    }
}

/// A value that is read when asked for, for instance the length of a queue.
pub type Probe = Arc<dyn Fn() -> f64 + Send + Sync>;

/// Where a sample's value comes from.
#[derive(Clone)]
pub enum Source {
    /// A counter (its name ends in `_total`).
    Counter(Arc<Counter>),
    /// A gauge.
    Gauge(Arc<Gauge>),
    /// A gauge that is computed when scraped.
    Probe(Probe),
    /// A histogram of seconds (its name ends in `_seconds`).
    Histogram(Arc<Histogram>),
}

/// One time series: label values from closed sets, and its source.
#[derive(Clone)]
pub struct Sample {
    /// Label names and values; never a subscriber's number.
    pub labels: Vec<(&'static str, String)>,
    /// Where the value comes from.
    pub source: Source,
}

/// One metric: name, the operator's explanation, and its series.
#[derive(Clone)]
pub struct Family {
    /// `mmsc_…`, base units.
    pub name: &'static str,
    /// What an operator reads in it, in one sentence.
    pub help: &'static str,
    /// Its series.
    pub samples: Vec<Sample>,
}

impl Family {
    /// A family of one unlabelled series.
    #[must_use]
    pub fn single(name: &'static str, help: &'static str, source: Source) -> Self {
        Self {
            name,
            help,
            samples: vec![Sample {
                labels: Vec::new(),
                source,
            }],
        }
    }

    /// A family with one label.
    #[must_use]
    pub fn labelled(
        name: &'static str,
        help: &'static str,
        label: &'static str,
        series: impl IntoIterator<Item = (String, Source)>,
    ) -> Self {
        let samples = series
            .into_iter()
            .map(|(value, source)| Sample {
                labels: vec![(label, value)],
                source,
            })
            .collect();
        Self { name, help, samples }
    }
}
