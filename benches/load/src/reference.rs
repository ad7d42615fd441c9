//! The reference append: what this machine's disk gives to anybody who syncs, measured in a process of its own before
//! and after a run, so that every rate can be read beside it.
//!
//! 64 closed-loop tasks append 30 KiB each to one growing file, with one `fdatasync` for each group of waiters.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, bail};
use mmsc_ports::{Clock as _, RealClock};
use serde::{Deserialize, Serialize};

/// Closed-loop appenders.
const APPENDERS: usize = 64;
/// Octets that each appends at a time.
const RECORD: usize = 30 * 1024;

/// What one reference run gave.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Reference {
    /// Appends made durable, per second.
    pub appends_per_second: f64,
    /// How long it ran, in seconds.
    pub seconds: f64,
}

/// The reference before and after something that was measured.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Around {
    /// Runs before and after, in order.
    pub runs: Vec<Reference>,
}

impl Around {
    /// The median of the runs, appends per second; zero when there was none.
    #[must_use]
    pub fn median(&self) -> f64 {
        let mut rates: Vec<f64> = self.runs.iter().map(|run| run.appends_per_second).collect();
        rates.sort_by(f64::total_cmp);
        let (low, high) = (rates.len().saturating_sub(1) / 2, rates.len() / 2);
        match (rates.get(low), rates.get(high)) {
            (Some(low), Some(high)) => f64::midpoint(*low, *high),
            _ => 0.0,
        }
    }
}

/// Runs the reference in a process of its own (this program, called as `reference`), on the file system of `dir`.
pub fn in_own_process(dir: &Path, duration: Duration) -> anyhow::Result<Reference> {
    let program = std::env::current_exe().context("where this program is")?;
    let output = Command::new(program)
        .arg("reference")
        .arg("--json-only")
        .arg("--dir")
        .arg(dir)
        .arg("--seconds")
        .arg(duration.as_secs_f64().to_string())
        .output()
        .context("the reference append could not be started")?;
    if !output.status.success() {
        bail!(
            "the reference append failed: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    serde_json::from_slice(&output.stdout).context("the reference append printed no result")
}

/// Appends for `duration` to a new file in `dir`, and removes it.
pub fn run(dir: &Path, duration: Duration) -> anyhow::Result<Reference> {
    std::fs::create_dir_all(dir)?;
    let path = dir.join(format!("reference-append-{}", std::process::id()));
    let file = File::create_new(&path).with_context(|| path.display().to_string())?;
    let result = append(file, duration);
    std::fs::remove_file(&path)?;
    result
}

/// What the appenders share: the octets that wait for the next group, and how far the file is durable.
struct Group {
    state: Mutex<State>,
    wake_writer: Condvar,
    wake_appenders: Condvar,
}

#[derive(Default)]
struct State {
    waiting: Vec<u8>,
    submitted: u64,
    durable: u64,
    ended: bool,
}

impl Group {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn append(mut file: File, duration: Duration) -> anyhow::Result<Reference> {
    let clock = RealClock::start();
    let group = Arc::new(Group {
        state: Mutex::new(State::default()),
        wake_writer: Condvar::new(),
        wake_appenders: Condvar::new(),
    });
    let started = clock.monotonic();
    let (written, elapsed) = std::thread::scope(|scope| {
        for seed in 0..APPENDERS {
            let group = Arc::clone(&group);
            scope.spawn(move || appender(&group, seed));
        }
        let written = writer(&group, &mut file, || {
            clock.monotonic().saturating_sub(started) < duration
        });
        let elapsed = clock.monotonic().saturating_sub(started);
        group.lock().ended = true;
        group.wake_appenders.notify_all();
        (written, elapsed)
    });
    let seconds = elapsed.as_secs_f64();
    #[allow(clippy::cast_precision_loss, reason = "a rate")]
    let appends_per_second = written? as f64 / seconds;
    Ok(Reference {
        appends_per_second,
        seconds,
    })
}

fn appender(group: &Group, seed: usize) {
    let record = vec![u8::try_from(seed % 251).unwrap_or_default(); RECORD];
    let mut state = group.lock();
    while !state.ended {
        state.waiting.extend_from_slice(&record);
        state.submitted += 1;
        let mine = state.submitted;
        group.wake_writer.notify_one();
        while state.durable < mine && !state.ended {
            state = group.wake_appenders.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// Writes and syncs group after group; gives the number of durable appends.
fn writer(group: &Group, file: &mut File, go_on: impl Fn() -> bool) -> std::io::Result<u64> {
    let mut octets = Vec::new();
    let mut durable = 0;
    while go_on() {
        let mut state = group.lock();
        while state.waiting.is_empty() {
            state = group.wake_writer.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        std::mem::swap(&mut octets, &mut state.waiting);
        let upto = state.submitted;
        drop(state);
        file.write_all(&octets)?;
        file.sync_data()?;
        octets.clear();
        durable = upto;
        group.lock().durable = upto;
        group.wake_appenders.notify_all();
    }
    Ok(durable)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn around(rates: &[f64]) -> Around {
        let run = |rate: &f64| Reference {
            appends_per_second: *rate,
            seconds: 1.0,
        };
        Around {
            runs: rates.iter().map(run).collect(),
        }
    }

    #[test]
    fn the_median_lies_between_before_and_after() {
        assert!((around(&[10.0, 30.0]).median() - 20.0).abs() < 1e-9);
        assert!((around(&[10.0, 70.0, 30.0]).median() - 30.0).abs() < 1e-9);
        assert!(around(&[]).median().abs() < 1e-9);
    }

    #[test]
    fn appends_are_counted_and_the_file_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        let result = run(dir.path(), Duration::from_millis(50)).unwrap();
        assert!(result.appends_per_second > 0.0);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
