//! [`EmbeddedEngine`]: opening, and the engine's face.

use std::future::ready;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use mmsc_ports::disk::{Disk, DiskLock};
use mmsc_ports::{BoxFuture, Ports};
use sha2::Digest as _;

use super::apply::{ApplyStage, MergeStage};
use super::attempt::EmbeddedAttempt;
use super::index::Index;
use super::options::{EmbeddedOptions, OpenError, Pipeline};
use super::pipeline::{BuildStage, SyncStage};
use super::reader::{self, ReadJob, ReadQueue};
use super::segments::Segments;
use super::shared::Shared;
use super::txn::EmbeddedTxn;
use super::workers::{self, Inline, Stages};
use super::{backup, meta, recover};
use crate::content::{ContentId, Staged};
use crate::engine::{Attempt, Engine, OperationId};
use crate::error::StoreError;
use crate::limits::MAX_CONTENT;
use crate::metrics::StoreMetrics;

pub(super) const LOCK_FILE: &str = "LOCK";

/// The embedded engine: a directory of this process.
pub struct EmbeddedEngine {
    pub(super) shared: Arc<Shared>,
    pub(super) driver: Arc<Driver>,
    pub(super) disk: Arc<dyn Disk>,
}

/// Who moves the pipeline.
pub(super) enum Driver {
    Inline(Box<Inline>),
    Workers(ReadQueue),
}

impl EmbeddedEngine {
    /// Opens the store of `options.path`, or makes one there, recovers it, and starts its workers. Blocks while it
    /// recovers: up to seconds after a crash under load.
    pub fn open(options: EmbeddedOptions, disk: Arc<dyn Disk>, ports: &Ports) -> Result<Self, OpenError> {
        options.check()?;
        let directory = options.path.clone();
        disk.create_dirs(&directory)
            .map_err(OpenError::io("making the store's directory"))?;
        let disk_lock = take_lock(disk.as_ref(), &options)?;
        let secret = meta::open(disk.as_ref(), &directory, ports.random.as_ref())?;
        backup::comes_alive(disk.as_ref(), &directory)?;
        let index = Index::open(disk.as_ref(), &directory, options.cache_bytes)?;
        let metrics = StoreMetrics::default();
        let segments = Segments::new(
            Arc::clone(&disk),
            Arc::clone(&ports.clock),
            options.clone(),
            metrics.clone(),
        );
        let recovered = recover::recover(&index, &segments, &secret)?;
        let position = recovered.position;
        if recovered.replayed > 0 {
            tracing::info!(
                frames = recovered.replayed,
                version = position.version,
                "the log's tail was replayed"
            );
        }
        let shared = Arc::new(Shared::new(
            Arc::clone(&ports.clock),
            Arc::clone(&ports.random),
            options,
            metrics,
            segments,
        ));
        shared.checkpointed(position.segment);
        let stages = Stages {
            build: BuildStage::new(Arc::clone(&shared), secret.clone(), recovered.segment, position),
            sync: SyncStage::new(Arc::clone(&shared)),
            apply: ApplyStage::new(Arc::clone(&shared), &index, position)?,
            merge: MergeStage::new(Arc::clone(&shared), index),
        };
        let driver = match shared.options.pipeline {
            Pipeline::Inline => Driver::Inline(Box::new(Inline::new(stages, disk_lock, secret))),
            Pipeline::Workers => Driver::Workers(workers::start(&shared, ports, stages, disk_lock, secret)),
        };
        Ok(Self {
            shared,
            driver: Arc::new(driver),
            disk,
        })
    }

    /// What the store measures of itself.
    #[must_use]
    pub fn metrics(&self) -> StoreMetrics {
        self.shared.metrics.clone()
    }

    /// Millisecond (6) and random (10): contents that come together stand together in the index.
    fn new_id(&self) -> ContentId {
        let mut id = [0u8; 16];
        self.shared.random.fill(&mut id);
        let millis = self.shared.clock.now().0.to_be_bytes();
        id.iter_mut()
            .zip(millis.iter().skip(2))
            .for_each(|(to, from)| *to = *from);
        ContentId(id)
    }

    fn stage_now(&self, octets: Bytes) -> Result<Staged, StoreError> {
        self.shared.check_open()?;
        let limit = usize::try_from(self.shared.options.segment_bytes / 4)
            .unwrap_or(MAX_CONTENT)
            .min(MAX_CONTENT);
        if octets.len() > limit {
            return Err(StoreError::TooLarge {
                what: "content",
                size: octets.len(),
                limit,
            });
        }
        if self.shared.segments.is_low() {
            return Err(self.shared.busy("the disk is below its reserve"));
        }
        let room = self.shared.admit_staged(octets.len())?;
        Ok(Staged {
            id: self.new_id(),
            len: octets.len() as u64,
            sha256: sha2::Sha256::digest(&octets).into(),
            octets,
            _room: Some(Arc::new(room)),
        })
    }
}

fn take_lock(disk: &dyn Disk, options: &EmbeddedOptions) -> Result<Box<dyn DiskLock>, OpenError> {
    disk.lock(&options.path.join(LOCK_FILE))
        .map_err(|error| match error.kind() {
            std::io::ErrorKind::WouldBlock => OpenError::InUse(options.path.clone()),
            _ => OpenError::io("taking the store's lock")(error),
        })
}

impl Engine for EmbeddedEngine {
    fn begin(&self, _operation: OperationId, retry: u32) -> BoxFuture<'_, Result<Box<dyn Attempt>, StoreError>> {
        let attempt = self.shared.newest().map(|snapshot| {
            Box::new(EmbeddedAttempt {
                shared: Arc::clone(&self.shared),
                driver: Arc::clone(&self.driver),
                txn: Arc::new(EmbeddedTxn::new(Arc::clone(&self.shared), snapshot)),
                retry,
            }) as Box<dyn Attempt>
        });
        Box::pin(ready(attempt))
    }

    fn stage(&self, octets: Bytes) -> BoxFuture<'_, Result<Staged, StoreError>> {
        Box::pin(ready(self.stage_now(octets)))
    }

    fn content(&self, id: ContentId, range: Range<u64>) -> BoxFuture<'_, Result<Bytes, StoreError>> {
        let queue = match self.driver.as_ref() {
            Driver::Inline(_) => return Box::pin(ready(reader::read(&self.shared, id, range))),
            Driver::Workers(queue) => queue,
        };
        let (job, outcome) = ReadJob::new(id, range);
        if queue.try_send(job).is_err() {
            return Box::pin(ready(Err(self.shared.busy("too many reads of content wait"))));
        }
        Box::pin(async { outcome.await.unwrap_or_else(|_| Err(self.shared.closed_error())) })
    }

    fn watch(&self, key: Bytes, last_seen: Option<Bytes>) -> BoxFuture<'static, Result<(), StoreError>> {
        let shared = Arc::clone(&self.shared);
        Box::pin(async move {
            loop {
                // Registered before the look, so that no write falls between the two.
                let written = shared.watch(&key);
                let now = shared.newest()?.get(&key).map_err(|error| shared.read_failed(&error))?;
                if now != last_seen {
                    return Ok(());
                }
                if written.await.is_err() {
                    return Err(shared.closed_error());
                }
            }
        })
    }

    fn health(&self) -> Result<(), StoreError> {
        self.shared.check_open()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            self.shared.shut_down();
            if let Driver::Inline(inline) = self.driver.as_ref() {
                inline.end(&self.shared);
            }
            self.shared.wait_ended().await;
        })
    }
}

impl Drop for EmbeddedEngine {
    fn drop(&mut self) {
        self.shared.shut_down();
        if let Driver::Inline(inline) = self.driver.as_ref() {
            inline.end(&self.shared);
        }
    }
}
