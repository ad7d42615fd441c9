//! Backups of a running node: when asked for, and by schedule.

pub(crate) mod names;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use mmsc_ports::{Ports, Task, UnixMillis};
use mmsc_store::{BackupError, BackupReport, EmbeddedEngine, Pace};
use tokio::sync::{Notify, oneshot};

use crate::config::BackupSettings;

/// After a failure a scheduled backup is tried again this soon, unless it is due before anyway.
const RETRY: Duration = Duration::from_secs(300);

/// Makes backups, one at a time.
pub(super) struct Backups {
    asked: Arc<Notify>,
    task: Task,
}

impl Backups {
    /// Starts waiting.
    pub(super) fn start(settings: BackupSettings, engine: Arc<EmbeddedEngine>, ports: &Ports) -> Self {
        let asked = Arc::new(Notify::new());
        let maker = Maker {
            settings,
            engine,
            ports: ports.clone(),
            asked: Arc::clone(&asked),
        };
        let task = ports.spawn.task("backups", Box::pin(maker.run()));
        Self { asked, task }
    }

    /// Asks for one. While one is being made, another follows it, however often it was asked for.
    pub(super) fn ask(&self) {
        self.asked.notify_one();
    }
}

impl Drop for Backups {
    fn drop(&mut self) {
        // One that is being made ends when the store closes.
        self.task.abort();
    }
}

struct Maker {
    settings: BackupSettings,
    engine: Arc<EmbeddedEngine>,
    ports: Ports,
    asked: Arc<Notify>,
}

impl Maker {
    async fn run(self) {
        let clock = Arc::clone(&self.ports.clock);
        let every = self.settings.every;
        let newest = self
            .on_a_worker(|settings, _| newest(&settings.directory))
            .await
            .flatten();
        if let Some(at) = newest {
            let seconds = i64::try_from(at.seconds()).unwrap_or(i64::MAX);
            self.engine.metrics().backup_last_success.set(seconds);
        }
        let mut due = newest.map_or_else(|| clock.now(), |at| at.plus(every));
        loop {
            let scheduled = clock.sleep(due.since(clock.now()));
            tokio::select! {
                () = self.asked.notified() => {}
                () = scheduled, if !every.is_zero() => {}
            }
            let begun = clock.now();
            let made = self.on_a_worker(make).await.unwrap_or(false);
            due = if made {
                begun.plus(every)
            } else {
                clock.now().plus(every.min(RETRY))
            };
        }
    }

    /// Everything here blocks. `None` if the work ended without a word.
    async fn on_a_worker<T: Send + 'static>(
        &self,
        work: impl FnOnce(&BackupSettings, &Work) -> T + Send + 'static,
    ) -> Option<T> {
        let (reply, done) = oneshot::channel();
        let settings = self.settings.clone();
        let with = Work {
            engine: Arc::clone(&self.engine),
            now: self.ports.clock.now(),
        };
        let work = move || {
            // The node may be ending: then nobody asks.
            let _gone = reply.send(work(&settings, &with));
        };
        let _runs_on = self.ports.spawn.worker("store-backup", Box::new(work));
        done.await.ok()
    }
}

struct Work {
    engine: Arc<EmbeddedEngine>,
    now: UnixMillis,
}

/// When the newest finished backup was begun.
fn newest(directory: &Path) -> Option<UnixMillis> {
    names::finished(directory).into_iter().map(|(at, _)| at).max()
}

/// Makes one; whether that went well.
fn make(settings: &BackupSettings, work: &Work) -> bool {
    names::tidy(&settings.directory);
    let directory = settings.directory.join(names::name_of(work.now));
    tracing::info!(directory = %directory.display(), "a backup is begun");
    let pace = Pace {
        bytes_per_second: settings.bytes_per_second,
        pause: &pause,
    };
    let made = work.engine.backup(&directory, &pace);
    tell(&directory, &made);
    if made.is_ok() && settings.keep > 0 {
        names::keep(&settings.directory, settings.keep);
    }
    made.is_ok()
}

fn tell(directory: &Path, made: &Result<BackupReport, BackupError>) {
    let directory = directory.display();
    match made {
        Ok(report) => tracing::info!(
            %directory,
            version = report.version,
            rows = report.rows,
            row_bytes = report.row_bytes,
            contents = report.contents,
            content_bytes = report.content_bytes,
            "a backup was made"
        ),
        Err(error) => tracing::error!(%directory, %error, "no backup was made"),
    }
}

fn pause(for_so_long: Duration) {
    if !for_so_long.is_zero() {
        // It may come back early, which only makes this portion a little faster.
        std::thread::park_timeout(for_so_long);
    }
}
