//! Waiting times and limits of telling.

use std::time::Duration;

use crate::rate::Rate;

/// Waiting times and limits of telling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TellingPolicy {
    /// How long the attempt that a row is born with, and every later one, may stay without an outcome before its
    /// due entry fires.
    pub born_due: Duration,
    /// After an attempt that the bearer took over and no word of the handset: waits before telling again, by the
    /// number of attempts; the last one repeats (MM1 digest 14.9).
    pub renotify: Vec<Duration>,
    /// Attempts in a row without an outcome that put a row on the shelf.
    pub max_attempts_without_outcome: u32,
    /// After a failed attempt: waits by the number of attempts; `renotify` goes on after the last.
    pub failed_backoff: Vec<Duration>,
    /// Attempts in all; after them the row is quiet until it expires or an operator releases it.
    pub max_attempts: u32,
    /// Every wait is drawn from so many percent around its figure (at most 50).
    pub jitter_percent: u8,
    /// How long an outcome that only saves work may wait for the next commit.
    pub lazy: Duration,
    /// How fast one handset is told, however much waits for it; besides, one attempt is made at a time.
    pub pace: Rate,
    /// A row that waits for a destination looks again after this, in case the word that it is up was lost.
    pub waiting_recheck: Duration,
}

impl Default for TellingPolicy {
    fn default() -> Self {
        let seconds = |list: &[u64]| list.iter().copied().map(Duration::from_secs).collect();
        Self {
            born_due: Duration::from_secs(30),
            renotify: seconds(&[120, 600, 1800, 7200, 21_600]),
            max_attempts_without_outcome: 5,
            failed_backoff: seconds(&[5, 30, 120]),
            max_attempts: 100,
            jitter_percent: 10,
            lazy: Duration::from_secs(5),
            pace: Rate {
                per_minute: 6000,
                burst: 100,
            },
            waiting_recheck: Duration::from_secs(3600),
        }
    }
}
