//! The directories of backups: their names say when each was begun, in UTC.

use std::path::{Path, PathBuf};

use mmsc_ports::UnixMillis;

const PREFIX: &str = "backup-";
/// What the store puts behind the name of one that is not finished.
const UNFINISHED: &str = ".unfinished";
const DAY: u64 = 86_400;
/// Days from 0000-03-01 to 1970-01-01.
const EPOCH: u64 = 719_468;
const DAYS_OF_400_YEARS: u64 = 146_097;

/// `backup-20261124T214312Z`.
pub(super) fn name_of(at: UnixMillis) -> String {
    format!("{PREFIX}{}", utc(at))
}

/// `20261124T214312Z`.
pub(crate) fn utc(at: UnixMillis) -> String {
    let (year, month, day) = date(at.seconds() / DAY);
    let second = at.seconds() % DAY;
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
}

/// The day of a number of days since 1970-01-01 (after Howard Hinnant's `civil_from_days`).
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + EPOCH;
    let (era, day) = (days / DAYS_OF_400_YEARS, days % DAYS_OF_400_YEARS);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year + next, month, day)
}

fn days(year: u64, month: u64, day: u64) -> u64 {
    let year = if month <= 2 { year.saturating_sub(1) } else { year };
    let (era, year) = (year / 400, year % 400);
    let month = (month + 9) % 12;
    let of_year = (153 * month + 2) / 5 + day.saturating_sub(1);
    let of_era = year * 365 + year / 4 - year / 100 + of_year;
    (era * DAYS_OF_400_YEARS + of_era).saturating_sub(EPOCH)
}

/// When a backup of this name was begun; `None` for any other name.
fn time_of(name: &str) -> Option<UnixMillis> {
    let digits = name.strip_prefix(PREFIX)?;
    let number = |from: usize, to: usize| digits.get(from..to)?.parse::<u64>().ok();
    let days = days(number(0, 4)?, number(4, 6)?, number(6, 8)?);
    let second = number(9, 11)? * 3600 + number(11, 13)? * 60 + number(13, 15)?;
    let at = UnixMillis((days * DAY + second) * 1000);
    // Only names that we give.
    (name_of(at) == name).then_some(at)
}

/// Directories that `is_ours` knows.
fn directories<T>(directory: &Path, is_ours: impl Fn(&str) -> Option<T>) -> Vec<(T, PathBuf)> {
    // Before the first backup there is none.
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .filter_map(|entry| Some((is_ours(entry.file_name().to_str()?)?, entry.path())))
        .collect()
}

/// Finished backups.
pub(super) fn finished(directory: &Path) -> Vec<(UnixMillis, PathBuf)> {
    directories(directory, time_of)
}

/// Removes what earlier backups left when they were cut off.
pub(super) fn tidy(directory: &Path) {
    let left = |name: &str| name.strip_suffix(UNFINISHED).and_then(time_of);
    for (_, path) in directories(directory, left) {
        remove(&path);
    }
}

/// Removes all but so many of the newest.
pub(super) fn keep(directory: &Path, keep: usize) {
    let mut all = finished(directory);
    all.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    for (_, path) in all.into_iter().skip(keep) {
        // Half removed it must not look like a backup.
        let mut doomed = path.clone().into_os_string();
        doomed.push(UNFINISHED);
        let doomed = PathBuf::from(doomed);
        match std::fs::rename(&path, &doomed) {
            Ok(()) => remove(&doomed),
            Err(error) => tracing::warn!(%error, directory = %path.display(), "an old backup stays"),
        }
    }
}

fn remove(path: &Path) {
    match std::fs::remove_dir_all(path) {
        Ok(()) => tracing::info!(directory = %path.display(), "removed"),
        Err(error) => tracing::warn!(%error, directory = %path.display(), "cannot be removed"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_time_in_utc_and_is_read_back() {
        for (seconds, name) in [
            (0, "backup-19700101T000000Z"),
            (951_782_399, "backup-20000228T235959Z"),
            (951_782_400, "backup-20000229T000000Z"),
            (1_709_251_200, "backup-20240301T000000Z"),
            (1_798_761_599, "backup-20261231T235959Z"),
            (4_107_542_400, "backup-21000301T000000Z"),
        ] {
            let at = UnixMillis(seconds * 1000);
            assert_eq!(name_of(at), name);
            assert_eq!(time_of(name), Some(at));
        }
        for day in (0..60_000).step_by(7) {
            let at = UnixMillis((day * DAY + 4711) * 1000);
            assert_eq!(time_of(&name_of(at)), Some(at));
        }
        for other in [
            "backup-",
            "backup-20261331T000000Z",
            "backup-20261231T235960Z",
            "backup-20261231T235959Z.unfinished",
            "backup-20261231T235959Z-mine",
            "mine",
        ] {
            assert_eq!(time_of(other), None, "{other}");
        }
    }

    #[test]
    fn only_backups_are_counted_and_removed() {
        let directory = tempfile::tempdir().unwrap();
        for name in [
            "backup-20261101T000000Z",
            "backup-20261102T000000Z",
            "backup-20261103T000000Z",
            "backup-20261104T000000Z.unfinished",
            "mine",
        ] {
            let path = directory.path().join(name);
            std::fs::create_dir(&path).unwrap();
            std::fs::write(path.join("file"), "x").unwrap();
        }
        tidy(directory.path());
        keep(directory.path(), 2);
        let mut left: Vec<String> = directories(directory.path(), |name| Some(name.to_owned()))
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        left.sort();
        assert_eq!(left, ["backup-20261102T000000Z", "backup-20261103T000000Z", "mine"]);
    }
}
