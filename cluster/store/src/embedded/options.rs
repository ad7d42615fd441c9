//! How an embedded store is opened, and why that may fail.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use mmsc_ports::disk::BLOCK;

/// Where the pipeline runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pipeline {
    /// On workers of its own: one appends and syncs while the next applies what was synced before.
    #[default]
    Workers,
    /// Inside the call that commits, so that a run on a simulated clock is reproducible. Every commit is a group of its
    /// own, and checkpoints fall due only at commits.
    Inline,
}

/// How an embedded store is opened.
#[derive(Debug, Clone)]
pub struct EmbeddedOptions {
    /// Its directory; made as needed.
    pub path: PathBuf,
    /// Size of a log segment, 64 MiB. Larger segments mean fewer files and coarser compaction. A transaction has to
    /// fit into half of one.
    pub segment_bytes: u64,
    /// The index is made durable at least so often while there are commits, 1 s.
    pub checkpoint_interval: Duration,
    /// … and after so much log, 512 MiB. At twice as much commits wait for the checkpoint: the recovery budget.
    pub checkpoint_bytes: u64,
    /// … and after so many octets of rows in memory, 64 MiB. At twice as much commits wait for the checkpoint.
    pub memory_bytes: usize,
    /// At most so much goes into one frame, 8 MiB, unless a single transaction is larger.
    pub group_bytes: usize,
    /// More than this on its way into the log is refused as busy, 128 MiB.
    pub in_flight_bytes: usize,
    /// More than this handed over and not yet committed is refused as busy, 512 MiB.
    pub staged_bytes: usize,
    /// Below this much free room (spare segments count as free) content is refused and small commits go on, 1 GiB. At
    /// most half of it is kept for the index alone: no new segment is made from that. Zero keeps nothing.
    pub reserve_bytes: u64,
    /// Segments kept ready ahead of the log, 2.
    pub ready_segments: usize,
    /// Emptied segments kept for use instead of being removed, 16 (1 GiB).
    pub spare_segments: usize,
    /// Memory for the index's pages, 192 MiB.
    pub cache_bytes: usize,
    /// Workers that read content, 2.
    pub read_workers: usize,
    /// Where the pipeline runs.
    pub pipeline: Pipeline,
}

impl EmbeddedOptions {
    /// The defaults, in `path`.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        const MIB: usize = 1024 * 1024;
        Self {
            path: path.into(),
            segment_bytes: 64 * MIB as u64,
            checkpoint_interval: Duration::from_secs(1),
            checkpoint_bytes: 512 * MIB as u64,
            memory_bytes: 64 * MIB,
            group_bytes: 8 * MIB,
            in_flight_bytes: 128 * MIB,
            staged_bytes: 512 * MIB,
            reserve_bytes: 1024 * MIB as u64,
            ready_segments: 2,
            spare_segments: 16,
            cache_bytes: 192 * MIB,
            read_workers: 2,
            pipeline: Pipeline::Workers,
        }
    }
}

impl EmbeddedOptions {
    /// Room that the log leaves to the index: a checkpoint writes the pages of the rows that it brings anew, about four
    /// times their octets.
    pub(super) fn index_room(&self) -> u64 {
        (self.memory_bytes as u64).saturating_mul(4).min(self.reserve_bytes / 2)
    }

    pub(super) fn check(&self) -> Result<(), OpenError> {
        if self.segment_bytes < 64 * 1024 || !self.segment_bytes.is_multiple_of(BLOCK as u64) {
            return Err(OpenError::Options(
                "a segment has at least 64 KiB, in whole blocks of 4 KiB",
            ));
        }
        if self.ready_segments == 0 {
            return Err(OpenError::Options("at least one segment has to be kept ready"));
        }
        Ok(())
    }
}

/// Why a store could not be opened. Nothing was changed unless recovery had begun, and recovery can be repeated.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process (or another handle of this one) has it open.
    #[error("the store in {0} is in use by another process")]
    InUse(PathBuf),
    /// The disk refused.
    #[error("{what}: {source}")]
    Io {
        /// What was being done.
        what: String,
        /// What the disk said.
        source: io::Error,
    },
    /// Written by a version that this one does not know.
    #[error("the store has format {found}; this version reads up to {supported}")]
    Format {
        /// Format found.
        found: u32,
        /// Newest known format.
        supported: u32,
    },
    /// Something is missing or damaged in a way that recovery must not hide: acknowledged data would be lost.
    #[error("the store is damaged and was not opened: {0}")]
    Damaged(String),
    /// The options contradict each other.
    #[error("{0}")]
    Options(&'static str),
}

impl OpenError {
    /// For `map_err`: what was being done when the disk refused.
    pub(super) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}
