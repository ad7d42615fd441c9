//! Times of PAP: UTC to the second, `2024-01-04T00:00:00Z`.

use std::fmt;
use std::str::FromStr;

/// Seconds since 1970-01-01T00:00:00Z, up to the year 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

/// 9999-12-31T23:59:59Z.
const LAST: u64 = 253_402_300_799;
const DAY: u64 = 86_400;

impl Timestamp {
    /// From seconds since 1970; what lies beyond the year 9999 is its end.
    #[must_use]
    pub fn from_seconds(seconds: u64) -> Self {
        Self(seconds.min(LAST))
    }

    /// Seconds since 1970.
    #[must_use]
    pub fn seconds(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = civil(self.0 / DAY);
        let of_day = self.0 % DAY;
        let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

/// A text that is no time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoTimestamp;

impl FromStr for Timestamp {
    type Err = NoTimestamp;

    fn from_str(text: &str) -> Result<Self, NoTimestamp> {
        read(text).ok_or(NoTimestamp)
    }
}

/// The form above; missing seconds or a missing Z are taken, other forms are not.
fn read(text: &str) -> Option<Timestamp> {
    let (date, time) = text.strip_suffix('Z').unwrap_or(text).split_once('T')?;
    let [year, month, day] = numbers(date, '-')?;
    let [hour, minute, second] = numbers(time, ':').or_else(|| {
        let [hour, minute] = numbers(time, ':')?;
        Some([hour, minute, 0])
    })?;
    let fits = (1970..=9999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hour < 24
        && minute < 60
        && second < 61;
    let days = fits.then(|| days(year, month, day))?;
    // A 31st of February is no day.
    (civil(days) == (year, month, day))
        .then(|| Timestamp::from_seconds(days * DAY + hour * 3600 + minute * 60 + second.min(59)))
}

fn numbers<const N: usize>(text: &str, between: char) -> Option<[u64; N]> {
    let mut found = [0; N];
    let mut words = text.split(between);
    for number in &mut found {
        let word = words.next()?;
        let digits = (1..=4).contains(&word.len()) && word.bytes().all(|octet| octet.is_ascii_digit());
        *number = word.parse().ok().filter(|_| digits)?;
    }
    words.next().is_none().then_some(found)
}

/// Days since 1970 of a date of the Gregorian calendar; years begin in March, so that a leap day ends one.
fn days(year: u64, month: u64, day: u64) -> u64 {
    let shifted = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (shifted / 400, shifted % 400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    (era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year) - 719_468
}

fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * march + 2) / 5 + 1;
    let month = if march < 10 { march + 3 } else { march - 9 };
    let year = year + era * 400 + u64::from(month <= 2);
    (year, month, day)
}
