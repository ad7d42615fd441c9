//! Time. Wall time is read once at start and then carried by the monotonic clock, slewed at most 0.1 % towards the
//! system's wall clock, so that a stepped system clock neither expires a message early nor keeps one late.

use std::sync::Mutex;
use std::time::Duration;

use crate::spawn::BoxFuture;

/// Milliseconds since 1970-01-01 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct UnixMillis(pub u64);

impl UnixMillis {
    /// This time plus `d`, saturating.
    #[must_use]
    pub fn plus(self, d: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(d.as_millis()).unwrap_or(u64::MAX)))
    }

    /// How long from `earlier` to this time; zero if `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// Whole seconds since the epoch.
    #[must_use]
    pub fn seconds(self) -> u64 {
        self.0 / 1000
    }
}

/// The clock of a node.
pub trait Clock: Send + Sync + 'static {
    /// Wall time as this node sees it: monotonic, slewed, never stepped.
    fn now(&self) -> UnixMillis;
    /// Time since an arbitrary fixed point of this process; never goes back.
    fn monotonic(&self) -> Duration;
    /// Completes after `d`.
    fn sleep(&self, d: Duration) -> BoxFuture<'static, ()>;
    /// How far the system's wall clock has stepped away from [`Clock::now`] (signed milliseconds); past
    /// [`STEP_ALARM`] operators are told, and only a restart follows the step.
    fn wall_offset_millis(&self) -> i64;
}

/// A wall clock further than this from the carried time is a step, not drift.
pub const STEP_ALARM: Duration = Duration::from_secs(2);

/// One part in a thousand: the most by which carried time is stretched or shortened.
const SLEW_DIVISOR: u64 = 1000;

/// The pure part of the real clock: carried time as a function of monotonic and system readings.
#[derive(Debug, Clone, Copy)]
pub struct Carried {
    now_millis: u64,
    at: Duration,
    slewed: Duration,
    offset_millis: i64,
}

impl Carried {
    /// Starts at the system's wall time `wall` when the monotonic clock shows `at`.
    #[must_use]
    pub fn start(wall: UnixMillis, at: Duration) -> Self {
        Self {
            now_millis: wall.0,
            at,
            slewed: at,
            offset_millis: 0,
        }
    }

    /// Moves on to monotonic `at`, with the system's wall clock showing `wall`.
    pub fn advance(&mut self, at: Duration, wall: UnixMillis) -> UnixMillis {
        let elapsed = at.saturating_sub(self.at);
        let whole = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
        self.now_millis = self.now_millis.saturating_add(whole);
        // Only the whole milliseconds are taken: the rest counts at the next reading.
        self.at += Duration::from_millis(whole);
        self.slew(at, wall);
        UnixMillis(self.now_millis)
    }

    fn slew(&mut self, at: Duration, wall: UnixMillis) {
        let signed = |v: u64| i64::try_from(v).unwrap_or(i64::MAX);
        self.offset_millis = signed(wall.0).saturating_sub(signed(self.now_millis));
        if self.offset_millis.unsigned_abs() > u64::try_from(STEP_ALARM.as_millis()).unwrap_or(2000) {
            // A step is not followed; nor may the time spent apart be made up at once later.
            self.slewed = at;
            return;
        }
        let room = u64::try_from(at.saturating_sub(self.slewed).as_millis()).unwrap_or(0) / SLEW_DIVISOR;
        if room == 0 {
            return;
        }
        self.slewed = at;
        let by = room.min(self.offset_millis.unsigned_abs());
        // Backwards only as far as time has moved on since the last slew, so readings never go back by more than
        // one part in a thousand of what passed; `RealClock` also keeps the highest value that it gave out.
        self.now_millis = if self.offset_millis >= 0 {
            self.now_millis.saturating_add(by)
        } else {
            self.now_millis.saturating_sub(by)
        };
    }

    /// System wall clock minus carried time, in milliseconds.
    #[must_use]
    pub fn offset_millis(&self) -> i64 {
        self.offset_millis
    }
}

/// The operating system's clocks.
pub struct RealClock {
    origin: std::time::Instant,
    state: Mutex<(Carried, u64)>,
}

impl RealClock {
    /// Reads the wall clock once; from here on the monotonic clock carries it.
    #[must_use]
    #[allow(clippy::disallowed_methods, reason = "this is the port that the ban points to")]
    pub fn start() -> Self {
        let origin = std::time::Instant::now();
        Self {
            origin,
            state: Mutex::new((Carried::start(system_wall(), Duration::ZERO), 0)),
        }
    }
}

#[allow(clippy::disallowed_methods, reason = "this is the port that the ban points to")]
fn system_wall() -> UnixMillis {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    UnixMillis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

impl Clock for RealClock {
    fn now(&self) -> UnixMillis {
        let at = self.origin.elapsed();
        let wall = system_wall();
        let mut state = self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let now = state.0.advance(at, wall).0.max(state.1);
        state.1 = now;
        UnixMillis(now)
    }

    fn monotonic(&self) -> Duration {
        self.origin.elapsed()
    }

    fn sleep(&self, d: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(d))
    }

    fn wall_offset_millis(&self) -> i64 {
        self.now();
        self.state
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .0
            .offset_millis()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 3_600_000;

    #[test]
    fn a_step_of_an_hour_is_not_followed() {
        let mut carried = Carried::start(UnixMillis(1_000_000), Duration::ZERO);
        let now = carried.advance(Duration::from_secs(10), UnixMillis(1_010_000 + HOUR));
        assert_eq!(now, UnixMillis(1_010_000));
        assert_eq!(carried.offset_millis(), i64::try_from(HOUR).unwrap());
        let back = carried.advance(Duration::from_secs(20), UnixMillis(1_020_000 - 500_000));
        assert_eq!(back, UnixMillis(1_020_000));
    }

    #[test]
    fn drift_is_followed_at_one_part_in_a_thousand() {
        let mut carried = Carried::start(UnixMillis(0), Duration::ZERO);
        let mut last = UnixMillis(0);
        for second in 1..=1_000u64 {
            // The system's clock runs 0.05 % fast: well within what may be followed.
            last = carried.advance(Duration::from_secs(second), UnixMillis(second * 1000 + second / 2));
        }
        assert!(last.0.abs_diff(1_000_500) <= 2, "{last:?}");
    }

    #[test]
    fn fractions_of_a_millisecond_are_not_lost() {
        let mut carried = Carried::start(UnixMillis(0), Duration::ZERO);
        for tick in 1..=10_000u64 {
            carried.advance(Duration::from_micros(tick * 100), UnixMillis(tick / 10));
        }
        assert_eq!(
            carried.advance(Duration::from_secs(1), UnixMillis(1000)),
            UnixMillis(1000)
        );
    }
}
