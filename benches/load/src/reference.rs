//! The reference append: what this machine's disk gives to anybody who syncs, measured in a process of its own before
//! and after a run, so that every rate can be read beside it.
//!
//! 64 closed-loop tasks append 30 KiB each to one growing file, with one `fdatasync` for each group of waiters.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, bail};
use mmsc_ports::{Ports, Task};
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

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

/// Appends for `duration` to a new file in `dir`, and removes it. Runs a runtime of its own.
pub fn run(dir: &Path, duration: Duration) -> anyhow::Result<Reference> {
    std::fs::create_dir_all(dir)?;
    let path = dir.join(format!("reference-append-{}", std::process::id()));
    let file = File::create_new(&path).with_context(|| path.display().to_string())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let result = runtime.block_on(append(file, duration));
    std::fs::remove_file(&path)?;
    result
}

/// A record on its way, and whom to tell that it is durable.
type Waiter = (Arc<[u8]>, oneshot::Sender<()>);

async fn append(file: File, duration: Duration) -> anyhow::Result<Reference> {
    let ports = Ports::real();
    // Each appender has at most one record on its way, so there is always room.
    let (sender, receiver) = sync_channel(APPENDERS);
    let written = Arc::new(Mutex::new(Ok(0)));
    let result = Arc::clone(&written);
    let write = move || {
        let appended = writer(file, &receiver);
        *result.lock().unwrap_or_else(PoisonError::into_inner) = appended;
    };
    let worker = ports.spawn.worker("reference-writer", Box::new(write));
    let started = ports.clock.monotonic();
    let stopped = Arc::new(AtomicBool::new(false));
    let start = |seed| {
        let run = appender(seed, sender.clone(), Arc::clone(&stopped));
        ports.spawn.task("appender", Box::pin(run))
    };
    let appenders: Vec<Task> = (0..APPENDERS).map(start).collect();
    drop(sender);
    ports.clock.sleep(duration).await;
    stopped.store(true, Ordering::Relaxed);
    for appender in appenders {
        appender.join().await;
    }
    worker.join();
    let seconds = ports.clock.monotonic().saturating_sub(started).as_secs_f64();
    let written = std::mem::replace(&mut *written.lock().unwrap_or_else(PoisonError::into_inner), Ok(0));
    #[allow(clippy::cast_precision_loss, reason = "a rate")]
    let appends_per_second = written? as f64 / seconds;
    Ok(Reference {
        appends_per_second,
        seconds,
    })
}

async fn appender(seed: usize, writer: SyncSender<Waiter>, stopped: Arc<AtomicBool>) {
    let record: Arc<[u8]> = vec![u8::try_from(seed % 251).unwrap_or_default(); RECORD].into();
    while !stopped.load(Ordering::Relaxed) {
        let (done, durable) = oneshot::channel();
        if writer.try_send((Arc::clone(&record), done)).is_err() || durable.await.is_err() {
            return;
        }
    }
}

/// Writes and syncs group after group until nobody appends any more; gives the number of durable records.
fn writer(mut file: File, waiting: &Receiver<Waiter>) -> std::io::Result<u64> {
    let mut octets = Vec::with_capacity(APPENDERS * RECORD);
    let mut durable = 0;
    while let Ok(first) = waiting.recv() {
        let group: Vec<Waiter> = std::iter::once(first).chain(waiting.try_iter()).collect();
        octets.clear();
        group.iter().for_each(|(record, _)| octets.extend_from_slice(record));
        file.write_all(&octets)?;
        file.sync_data()?;
        durable += group.len() as u64;
        for (_, done) in group {
            // An appender that was told to stop still waits for its last record.
            let _gone = done.send(());
        }
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
