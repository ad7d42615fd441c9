//! What a link remembers from one bind to the next.

use std::time::Duration;

use super::config::{OptionalParameters, SmscConfig};
use super::correlation::Correlation;
use super::metrics::LinkMetrics;
use super::pace::Pace;
use crate::bounded::Bounded;

/// A number whose queue in the SMSC is full is left alone this long.
const NUMBER_PAUSE: Duration = Duration::from_secs(60);
/// A second RSUBMITFAIL within this time is final.
const SUBMIT_FAILURES: Duration = Duration::from_secs(3600);
/// Numbers remembered.
const NUMBERS: usize = 10_000;

pub(super) struct Memory {
    pub(super) correlation: Correlation,
    pub(super) pace: Pace,
    /// Submits may carry optional parameters.
    pub(super) optional_parameters: bool,
    /// RMSGQFUL answers since the last accepted submit.
    pub(super) queues_full: u32,
    paused: Bounded<String, Duration>,
    failed: Bounded<String, Duration>,
}

/// The link around what happens on a bind: its configuration, measurements and memory, and the time.
pub(super) struct Around<'a> {
    pub(super) config: &'a SmscConfig,
    pub(super) metrics: &'a LinkMetrics,
    pub(super) memory: &'a mut Memory,
    /// Monotonic.
    pub(super) now: Duration,
}

impl Memory {
    pub(super) fn new(config: &SmscConfig, now: Duration) -> Self {
        Self {
            correlation: Correlation::new(config.remembered_ids, config.timers.early_receipt),
            pace: Pace::new(config.rate_per_second, now),
            optional_parameters: config.optional_parameters != OptionalParameters::Never,
            queues_full: 0,
            paused: Bounded::new(NUMBERS),
            failed: Bounded::new(NUMBERS),
        }
    }

    /// The SMSC told its version (or none) at the bind.
    pub(super) fn bound(&mut self, config: &SmscConfig, version: Option<u8>) {
        if config.optional_parameters == OptionalParameters::IfAnnounced {
            self.optional_parameters = version.is_some_and(|version| version >= 0x34);
        }
    }

    /// How long a number is still to be left alone.
    pub(super) fn number_pause(&mut self, now: Duration, number: &str) -> Option<Duration> {
        let until = *self.paused.get(&number.to_owned())?;
        if until > now {
            return Some(until.saturating_sub(now));
        }
        self.paused.remove(&number.to_owned());
        None
    }

    /// Leaves a number alone from now on; returns for how long.
    pub(super) fn pause_number(&mut self, now: Duration, number: &str) -> Duration {
        self.paused.insert(number.to_owned(), now + NUMBER_PAUSE);
        NUMBER_PAUSE
    }

    /// Notes a failed submit; true if there was one shortly before.
    pub(super) fn failed_before(&mut self, now: Duration, number: &str) -> bool {
        match self.failed.remove(&number.to_owned()) {
            Some(at) if now.saturating_sub(at) < SUBMIT_FAILURES => true,
            Some(_) | None => {
                self.failed.insert(number.to_owned(), now);
                false
            }
        }
    }
}
