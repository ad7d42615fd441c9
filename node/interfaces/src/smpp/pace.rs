//! How fast one bind may submit: a token bucket at the contract rate, which halves when the SMSC throttles and comes
//! back when it has been quiet for a while. Pure: time is an argument.

use std::time::Duration;

const PAUSE_FIRST: Duration = Duration::from_secs(1);
const PAUSE_LIMIT: Duration = Duration::from_secs(30);
/// Without a throttle for this long, the rate rises again.
const CLEAN: Duration = Duration::from_secs(10);
/// Rise per second, as part of the contract rate.
const RISE: f64 = 0.1;
/// So many full seconds tell what was really sent; in the pauses between throttles hardly anything is.
const SECONDS: usize = 8;
/// congestion_state above which we slow down (SMPP 5.0: 0 idle to 99 overloaded).
const CONGESTED: u8 = 80;

/// The pace of one bind.
#[derive(Debug)]
pub(super) struct Pace {
    contract: f64,
    rate: f64,
    tokens: f64,
    filled_at: Duration,
    /// Nothing is sent before.
    resume_at: Duration,
    pause: Duration,
    /// A submit was accepted since the last pause began.
    accepted_since: bool,
    slowed_at: Option<Duration>,
    /// Submits accepted in this second, and in the full ones before, the last one first.
    second: u64,
    this_second: u32,
    full_seconds: [u32; SECONDS],
}

impl Pace {
    pub(super) fn new(contract_per_second: u32, now: Duration) -> Self {
        let contract = f64::from(contract_per_second.max(1));
        Self {
            contract,
            rate: contract,
            tokens: contract,
            filled_at: now,
            resume_at: now,
            pause: PAUSE_FIRST,
            accepted_since: true,
            slowed_at: None,
            second: now.as_secs(),
            this_second: 0,
            full_seconds: [0; SECONDS],
        }
    }

    /// Submits per second at the moment.
    pub(super) fn rate(&self) -> f64 {
        self.rate
    }

    /// When `segments` may be sent: now (`None`), or at the time returned. Zero segments (their tokens were taken
    /// before) wait for a pause alone.
    pub(super) fn not_before(&mut self, now: Duration, segments: usize) -> Option<Duration> {
        self.fill(now);
        if now < self.resume_at {
            return Some(self.resume_at);
        }
        if segments == 0 {
            return None;
        }
        // A push larger than the bucket goes when the bucket is full, and leaves a debt.
        let missing = count(segments).min(self.burst()) - self.tokens;
        (missing > 0.0).then(|| now + Duration::from_secs_f64(missing / self.rate).max(Duration::from_millis(1)))
    }

    /// Takes the tokens of `segments` together.
    pub(super) fn take(&mut self, now: Duration, segments: usize) {
        self.fill(now);
        self.tokens -= count(segments);
    }

    /// A submit was accepted.
    pub(super) fn accepted(&mut self, now: Duration) {
        self.turn_second(now);
        self.this_second = self.this_second.saturating_add(1);
        if now >= self.resume_at {
            self.accepted_since = true;
        }
    }

    /// The SMSC told its congestion_state with a response: above 80 the rate is halved, at most once a second; true if
    /// it was.
    pub(super) fn congested(&mut self, now: Duration, state: u8) -> bool {
        let lately = |at: Duration| now.saturating_sub(at) < Duration::from_secs(1);
        if state <= CONGESTED || self.slowed_at.is_some_and(lately) {
            return false;
        }
        self.turn_second(now);
        self.slow(now);
        true
    }

    /// The SMSC throttles. A window full of such answers counts once; true if it counted.
    pub(super) fn throttled(&mut self, now: Duration) -> bool {
        if now < self.resume_at {
            return false;
        }
        self.turn_second(now);
        self.pause = if self.accepted_since {
            PAUSE_FIRST
        } else {
            (self.pause * 2).min(PAUSE_LIMIT)
        };
        self.accepted_since = false;
        self.slow(now);
        self.resume_at = now + self.pause;
        true
    }

    fn slow(&mut self, now: Duration) {
        self.fill(now);
        // Where the contract says more than was ever sent, halving the contract would change nothing.
        let most = self.full_seconds.iter().copied().max().unwrap_or(0);
        let real = f64::from(most.max(self.this_second));
        let from = if real > 0.0 {
            // A throttle in the first moments says little: one step takes away at most 15/16.
            self.rate.min(real.max(self.rate / 8.0))
        } else {
            self.rate
        };
        self.rate = (from / 2.0).max(1.0);
        self.tokens = self.tokens.min(self.burst());
        self.slowed_at = Some(now);
    }

    fn burst(&self) -> f64 {
        self.rate.max(1.0)
    }

    fn fill(&mut self, now: Duration) {
        self.rise(now);
        let passed = now.saturating_sub(self.filled_at).as_secs_f64();
        self.tokens = (self.tokens + passed * self.rate).min(self.burst());
        self.filled_at = now;
    }

    fn rise(&mut self, now: Duration) {
        let Some(slowed) = self.slowed_at else { return };
        let from = (slowed.max(self.resume_at) + CLEAN).max(self.filled_at);
        let passed = now.saturating_sub(from).as_secs_f64();
        self.rate = (self.rate + passed * RISE * self.contract).min(self.contract);
        if self.rate >= self.contract {
            self.slowed_at = None;
        }
    }

    fn turn_second(&mut self, now: Duration) {
        let second = now.as_secs();
        let passed = usize::try_from(second.saturating_sub(self.second)).unwrap_or(SECONDS);
        for _ in 0..passed.min(SECONDS) {
            self.full_seconds.rotate_right(1);
            if let Some(last) = self.full_seconds.first_mut() {
                *last = std::mem::take(&mut self.this_second);
            }
        }
        self.second = second;
    }
}

fn count(segments: usize) -> f64 {
    f64::from(u32::try_from(segments).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    /// Sends as fast as allowed from `from` for a second and counts.
    fn second_of(pace: &mut Pace, from: u64) -> u32 {
        let mut sent = 0;
        for millis in from..from + 1000 {
            while pace.not_before(at(millis), 1).is_none() {
                pace.take(at(millis), 1);
                sent += 1;
                assert!(sent < 100_000);
            }
        }
        sent
    }

    #[test]
    fn the_contract_rate_holds_after_the_first_burst() {
        let mut pace = Pace::new(100, at(0));
        assert_eq!(second_of(&mut pace, 0), 199);
        assert!(second_of(&mut pace, 1000).abs_diff(100) <= 1);
    }

    #[test]
    fn a_storm_of_throttles_halves_once_per_pause_and_doubles_the_pause() {
        let mut pace = Pace::new(64, at(0));
        for _ in 0..10 {
            pace.throttled(at(0));
        }
        assert!((pace.rate() - 32.0).abs() < 0.1);
        assert_eq!(pace.not_before(at(0), 1), Some(at(1000)));
        pace.throttled(at(1000));
        assert_eq!(pace.not_before(at(1000), 1), Some(at(3000)));
        let mut now = 3000;
        for _ in 0..10 {
            pace.throttled(at(now));
            now += 30_000;
        }
        assert!(pace.rate() >= 1.0);
        assert_eq!(pace.resume_at, at(now - 30_000) + PAUSE_LIMIT);
    }

    #[test]
    fn ten_clean_seconds_then_a_tenth_of_the_contract_each_second() {
        let mut pace = Pace::new(100, at(0));
        pace.throttled(at(0));
        assert!(pace.not_before(at(11_000), 1).is_none());
        assert!((pace.rate() - 50.0).abs() < 0.1);
        pace.not_before(at(13_000), 1);
        assert!((pace.rate() - 70.0).abs() < 0.1, "{}", pace.rate());
        pace.not_before(at(60_000), 1);
        assert!((pace.rate() - 100.0).abs() < 0.1);
    }

    #[test]
    fn halving_starts_from_what_was_really_sent() {
        let mut pace = Pace::new(10_000, at(0));
        for _ in 0..4000 {
            pace.accepted(at(1500));
        }
        pace.throttled(at(2000));
        assert!((pace.rate() - 2000.0).abs() < 0.1, "{}", pace.rate());
        // One step takes away at most 15/16.
        pace.accepted(at(60_000));
        pace.throttled(at(60_500));
        assert!((pace.rate() - 625.0).abs() < 0.1, "{}", pace.rate());
    }

    /// Nearly nothing is accepted in the pauses: that is not what the SMSC bears.
    #[test]
    fn a_throttle_after_a_pause_is_measured_by_the_seconds_before() {
        let mut pace = Pace::new(100, at(0));
        for _ in 0..80 {
            pace.accepted(at(1500));
        }
        pace.throttled(at(2000));
        assert!((pace.rate() - 40.0).abs() < 0.1, "{}", pace.rate());
        pace.accepted(at(3000));
        pace.throttled(at(3100));
        assert!((pace.rate() - 20.0).abs() < 0.1, "{}", pace.rate());
    }

    #[test]
    fn a_push_takes_its_tokens_together() {
        let mut pace = Pace::new(2, at(0));
        pace.take(at(0), 2);
        assert_eq!(pace.not_before(at(0), 2), Some(at(1000)));
        assert!(pace.not_before(at(1000), 5).is_none());
        pace.take(at(1000), 5);
        assert_eq!(pace.not_before(at(1000), 1), Some(at(3000)));
    }

    #[test]
    fn congestion_slows_without_a_pause_at_most_once_a_second() {
        let mut pace = Pace::new(100, at(0));
        assert!(!pace.congested(at(100), 80));
        assert!(pace.congested(at(100), 81));
        assert!(!pace.congested(at(200), 99));
        assert!((pace.rate() - 50.0).abs() < 0.1);
        assert!(pace.not_before(at(200), 1).is_none());
        assert!(pace.congested(at(1100), 99));
        assert!((pace.rate() - 25.0).abs() < 0.1);
    }
}
