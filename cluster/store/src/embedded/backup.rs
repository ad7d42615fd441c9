//! Online backup to a directory, and restore.
//!
//! # What is copied
//!
//! A backup is the state of one version: the index as of a checkpoint that is made after the backup was asked for, so that
//! everything acknowledged before is in it. A reader of that checkpoint costs nothing that grows with the store: tables
//! in memory and conflict checks go on as if nobody read. Only until the rows are copied does the index keep the pages of
//! that checkpoint; content, which is most of it, is then copied by the place rows of the copy.
//!
//! All segments of that moment are pinned: content that is dropped or moved meanwhile stays readable, and a segment is
//! let go once nothing more is needed of it. So a backup takes at most the room of the segments that were there.
//!
//! # What is written
//!
//! A whole store with a log secret of its own, in frames as the log writes them, and a file BACKUP beside it that says how
//! many rows and contents there are and what their digest is. It grows in `DIRECTORY.unfinished`; the file STORE, without
//! which nothing is opened, is written when everything else is durable, and after it the directory gets its name.
//!
//! A backup that is opened is a store from then on, no backup: its BACKUP file goes, because it would soon be wrong.

mod copy;
mod draft;
mod log;
mod manifest;
mod restore;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use mmsc_ports::disk::{Disk, FileUse};

use super::engine::{Driver, EmbeddedEngine};
use super::index::{Base, INDEX_FILE, Index};
use super::meta::{self, Secret};
use super::options::OpenError;
use super::pipeline::Pending;
use super::segments::Segment;
use super::txn::Request;
use crate::content::ContentId;
use crate::engine::CommitFailure;
use crate::error::StoreError;
use copy::{Copier, Meter};
use draft::Draft;
use manifest::{BACKUP_FILE, Manifest};

pub use restore::restore;

/// Memory for the pages of the copy's index.
const CACHE_BYTES: usize = 32 * 1024 * 1024;

/// How a backup takes its time.
pub struct Pace<'a> {
    /// Octets of rows and content in a second, on average; 0: as fast as it goes.
    pub bytes_per_second: u64,
    /// Blocks for so long. Called after each portion, also where there is nothing to wait for.
    pub pause: &'a dyn Fn(Duration),
}

/// What a backup holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackupReport {
    /// The version whose state it is.
    pub version: u64,
    /// When it was begun, in milliseconds since 1970.
    pub made_millis: u64,
    /// Rows.
    pub rows: u64,
    /// Octets of their keys and values.
    pub row_bytes: u64,
    /// Contents.
    pub contents: u64,
    /// Their octets.
    pub content_bytes: u64,
}

/// Why there is no backup, or no restored store. What was written until then is removed again.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// It has to go into an empty directory, or a new one.
    #[error("{} is not empty", .0.display())]
    NotEmpty(PathBuf),
    /// Another process writes there.
    #[error("{} is in use by another process", .0.display())]
    InUse(PathBuf),
    /// The path names no directory that could be made.
    #[error("{} cannot be the name of a directory", .0.display())]
    NoName(PathBuf),
    /// The store closed, or refuses.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The store's disk is below its reserve: the room is needed for messages.
    #[error("the store's disk is below its reserve; the backup gives way")]
    LowRoom,
    /// A content of the store does not match its digest.
    #[error("content {0} of the store does not match its digest")]
    Corrupt(ContentId),
    /// The disk of the copy refused.
    #[error("{what}: {source}")]
    Io {
        /// What was being done.
        what: &'static str,
        /// What the disk said.
        source: io::Error,
    },
    /// What is to be restored is no finished backup.
    #[error("{} is not a finished backup: {why}", .path.display())]
    NotABackup {
        /// Where it was looked for.
        path: PathBuf,
        /// What is missing.
        why: &'static str,
    },
    /// Written by a version that this one does not know.
    #[error("the backup has format {found}; this version reads up to {supported}")]
    Format {
        /// Format found.
        found: u32,
        /// Newest known format.
        supported: u32,
    },
    /// The backup is not what was written.
    #[error("the backup is damaged: {0}")]
    Damaged(String),
    /// The copy's index failed.
    #[error("the index of the copy: {0}")]
    Copy(String),
}

impl BackupError {
    /// For `map_err`: what was being done when the disk refused.
    fn io(what: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { what, source }
    }

    fn copy(error: impl ToString) -> Self {
        Self::Copy(error.to_string())
    }

    fn damaged(error: impl ToString) -> Self {
        Self::Damaged(error.to_string())
    }
}

/// The store is about to be opened: if it was a backup, it is none any more.
pub(super) fn comes_alive(disk: &dyn Disk, directory: &Path) -> Result<(), OpenError> {
    let manifest = directory.join(BACKUP_FILE);
    let opening = || OpenError::io("opening a backup as a store");
    if disk.exists(&manifest).map_err(opening())? {
        disk.remove(&manifest)
            .and_then(|()| disk.sync_dir(directory))
            .map_err(opening())?;
    }
    Ok(())
}

/// What is read for a backup.
struct Source {
    base: Arc<Base>,
    pins: BTreeMap<u64, Arc<Segment>>,
}

impl EmbeddedEngine {
    /// Writes the store's state of now into `directory`, which has to be empty or new, while it goes on serving. Blocks
    /// until that is done: it belongs on a worker.
    ///
    /// # Errors
    /// [`BackupError`]; the store itself is well unless it says so.
    pub fn backup(&self, directory: &Path, pace: &Pace<'_>) -> Result<BackupReport, BackupError> {
        let (clock, metrics) = (&self.shared.clock, &self.shared.metrics);
        let began = clock.monotonic();
        let made = self.backup_into(directory, pace);
        metrics.backup_running_bytes.set(0);
        match &made {
            Ok(report) => {
                let took = clock.monotonic().saturating_sub(began);
                metrics.backups.increment();
                metrics.backup_last_success.set(gauge(report.made_millis / 1000));
                metrics.backup_duration.set(gauge(took.as_secs()));
                metrics
                    .backup_bytes
                    .set(gauge(report.row_bytes.saturating_add(report.content_bytes)));
            }
            Err(_) => metrics.backup_failures.increment(),
        }
        made
    }

    fn backup_into(&self, directory: &Path, pace: &Pace<'_>) -> Result<BackupReport, BackupError> {
        let draft = Draft::begin(Arc::clone(&self.disk), directory)?;
        let made = self.fill(&draft, pace);
        draft.end(made)
    }

    fn fill(&self, draft: &Draft, pace: &Pace<'_>) -> Result<BackupReport, BackupError> {
        let (disk, directory) = (&self.disk, draft.path());
        let made_millis = self.shared.clock.now().0;
        let secret = Secret::new(self.shared.random.as_ref());
        let index = Index::open(disk.as_ref(), directory, CACHE_BYTES).map_err(BackupError::copy)?;
        let Source { base, pins } = self.settle()?;
        let version = base.position.version;
        let log = log::Writer::new(
            Arc::clone(disk),
            directory,
            &secret,
            self.shared.options.segment_bytes,
            version,
        );
        let meter = Meter::new(&self.shared, pace);
        let mut copier = Copier::new(&self.shared, index, log, meter, pins);
        copier.rows(&base)?;
        // From here on the index of the store may use those pages again.
        drop(base);
        copier.content()?;
        let tally = copier.finish()?;
        disk.open(&directory.join(INDEX_FILE), FileUse::EXISTING)
            .and_then(|file| file.sync())
            .map_err(BackupError::io("making the backup's index durable"))?;
        let manifest = Manifest::new(made_millis, version, tally);
        manifest
            .write(disk.as_ref(), directory)
            .and_then(|()| meta::write(disk.as_ref(), directory, &secret))
            .map_err(BackupError::io("finishing the backup"))?;
        Ok(manifest.report())
    }

    /// Waits for a checkpoint of everything that is committed now, and pins what it refers to.
    ///
    /// While the hold stands no segment is freed, and the checkpoint is made within it: so what it refers to is all
    /// there. One from before could name content that was dropped since, in a segment that is free already.
    fn settle(&self) -> Result<Source, BackupError> {
        let hold = self.shared.segments.hold();
        let version = self.commit_nothing()?;
        let base = self.checkpoint_of(version)?;
        let pins = self.shared.segments.pin_all();
        drop(hold);
        Ok(Source { base, pins })
    }

    /// An empty transaction: a version later than all that was acknowledged, and a reason for a checkpoint.
    fn commit_nothing(&self) -> Result<u64, BackupError> {
        let unknown = || StoreError::Closed("it closed while a backup began".to_owned());
        let request = Request::default();
        let in_flight = self.shared.admit_always(request.frame_bytes());
        let (pending, mut outcome) = Pending::new(request, self.shared.newest()?, in_flight, 0);
        let outcome = match self.driver.as_ref() {
            Driver::Inline(inline) => {
                inline.run(&self.shared, pending);
                outcome.try_recv().map_err(|_| unknown())?
            }
            Driver::Workers(_) => {
                self.shared.submit(pending)?;
                outcome.blocking_recv().map_err(|_| unknown())?
            }
        };
        match outcome {
            Ok(version) => Ok(version.0),
            Err(CommitFailure::Store(error)) => Err(error.into()),
            // It read nothing, so it met no conflict.
            Err(CommitFailure::Unknown | CommitFailure::Conflict) => Err(unknown().into()),
        }
    }

    fn checkpoint_of(&self, version: u64) -> Result<Arc<Base>, BackupError> {
        if let Driver::Inline(inline) = self.driver.as_ref() {
            inline.checkpoint();
        }
        let mut seen = 0;
        loop {
            self.shared.check_open()?;
            let layers = self.shared.layers().ok_or_else(|| self.shared.closed_error())?;
            if layers.base.position.version >= version {
                return Ok(layers.base);
            }
            self.shared
                .wait_checkpoint(&mut seen)
                .ok_or_else(|| self.shared.closed_error())?;
        }
    }
}

fn gauge(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

#[cfg(all(test, feature = "sim"))]
#[allow(clippy::unwrap_used, reason = "a test")]
mod tests {
    use mmsc_ports::Ports;

    use super::*;
    use crate::embedded::{EmbeddedOptions, Pipeline};
    use crate::engine::{Engine as _, OperationId, Store};
    use crate::sim::SimDisk;

    /// Writes so much that the log goes on in other segments, with checkpoints behind it.
    async fn go_on(store: &Store) {
        for _ in 0..30 {
            let committed = store.transact(OperationId([1; 16]), |txn| async move {
                txn.set("key", vec![1; 20_000]);
                Ok::<_, StoreError>(())
            });
            drop(committed.await.unwrap());
        }
    }

    #[tokio::test]
    async fn no_segment_is_freed_while_a_backup_is_about_to_pin_it() {
        let options = EmbeddedOptions {
            segment_bytes: 128 * 1024,
            checkpoint_bytes: 64 * 1024,
            pipeline: Pipeline::Inline,
            reserve_bytes: 0,
            ..EmbeddedOptions::new("/store")
        };
        let engine = EmbeddedEngine::open(options, Arc::new(SimDisk::new()), &Ports::real()).unwrap();
        let engine = Arc::new(engine);
        let store = Store::new(Arc::clone(&engine) as Arc<dyn crate::Engine>);
        let segments = &engine.shared.segments;
        let first = *segments.pin_all().keys().next().unwrap();
        let hold = segments.hold();
        go_on(&store).await;
        assert!(segments.pin(first).is_some());
        drop(hold);
        go_on(&store).await;
        assert!(segments.pin(first).is_none());
        engine.close().await;
    }
}
