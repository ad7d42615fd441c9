//! From durable groups to acknowledgements and on into the index.
//!
//! [`ApplyStage`] puts what was synced into the active table in memory, publishes the new state and acknowledges. When a
//! checkpoint is due it freezes that table and begins a new one; [`MergeStage`] brings the frozen one into the index in
//! one durable commit, while groups go on.

use std::sync::Arc;
use std::time::Duration;

use super::index::{Index, IndexError, Position};
use super::mem::Mem;
use super::pipeline::{Failed, Group, Synced};
use super::shared::Shared;
use super::state::{Applying, Layers, Snapshot};

/// A table that takes no more, and how far into the log it goes.
pub(super) struct Frozen {
    mem: Arc<Mem>,
    pub(super) position: Position,
}

impl Frozen {
    /// Octets of its rows.
    pub(super) fn bytes(&self) -> usize {
        self.mem.bytes()
    }
}

/// Applies, publishes, acknowledges, freezes.
pub(super) struct ApplyStage {
    shared: Arc<Shared>,
    layers: Layers,
    position: Position,
    /// Log written since the last freeze.
    log_bytes: u64,
    frozen_at: Duration,
}

impl ApplyStage {
    /// Goes on after `position`, up to which the index goes.
    pub(super) fn new(shared: Arc<Shared>, index: &Index, position: Position) -> Result<Self, IndexError> {
        let layers = Layers {
            active: Arc::default(),
            frozen: None,
            base: Arc::new(index.base()?),
        };
        shared.publish(Snapshot {
            version: position.version,
            layers: layers.clone(),
        });
        let frozen_at = shared.clock.monotonic();
        Ok(Self {
            shared,
            layers,
            position,
            log_bytes: 0,
            frozen_at,
        })
    }

    /// Makes one group visible and tells everybody in it.
    pub(super) fn run(&mut self, group: Group) -> Result<(), Failed> {
        if let Err(error) = self.apply(&group.synced) {
            self.shared
                .fail(format!("a synced group could not be applied: {error}"));
            group.unknown();
            return Err(Failed);
        }
        self.shared.metrics.commits.add(group.commits() as u64);
        group.acknowledge(self.position.version);
        Ok(())
    }

    fn apply(&mut self, synced: &Synced) -> Result<(), IndexError> {
        let began = self.shared.clock.monotonic();
        let version = synced.position.version;
        self.layers = self.shared.layers().ok_or_else(|| IndexError::new("it was closed"))?;
        let applying = Applying::new(self.layers.clone(), version, self.shared.oldest_readable());
        let deltas = applying.apply(&synced.changes)?;
        self.position = synced.position;
        self.log_bytes += synced.bytes;
        self.shared.advance(version);
        // After that: a segment whose last content was moved away may be used again as soon as this says so, and until
        // then the newest state sends readers to it.
        self.shared.segments.account(&deltas);
        // Who has to run again is told first: it would lose again against the next of those that won.
        self.shared.tell_visible(version);
        self.shared.wake_watchers(&synced.changes);
        let took = self.shared.clock.monotonic().saturating_sub(began);
        self.shared.metrics.apply_seconds.observe(took);
        Ok(())
    }

    /// How long until a checkpoint is due; `None` when nothing was applied since the last freeze.
    pub(super) fn due_in(&self) -> Option<Duration> {
        if self.log_bytes == 0 {
            return None;
        }
        if self.fullness() >= 1 {
            return Some(Duration::ZERO);
        }
        let since = self.shared.clock.monotonic().saturating_sub(self.frozen_at);
        Some(self.shared.options.checkpoint_interval.saturating_sub(since))
    }

    /// Whether nothing more may be applied before the table is frozen: the log since then would pass what recovery is
    /// allowed to take.
    pub(super) fn is_full(&self) -> bool {
        self.fullness() >= 2
    }

    /// How often the bounds of log and memory are filled.
    fn fullness(&self) -> u64 {
        let options = &self.shared.options;
        let by_log = self.log_bytes / options.checkpoint_bytes.max(1);
        let by_memory = self.layers.active.bytes() / options.memory_bytes.max(1);
        by_log.max(by_memory as u64)
    }

    /// Octets of the rows that wait for a checkpoint.
    pub(super) fn bytes(&self) -> usize {
        self.layers.active.bytes()
    }

    /// Ends the active table and begins a new one. Not before the one frozen earlier is in the index.
    pub(super) fn freeze(&mut self) -> Option<Frozen> {
        if self.log_bytes == 0 {
            return None;
        }
        let mem = self.shared.freeze()?;
        self.frozen_at = self.shared.clock.monotonic();
        self.log_bytes = 0;
        Some(Frozen {
            mem,
            position: self.position,
        })
    }
}

/// Brings frozen tables into the index.
pub(super) struct MergeStage {
    shared: Arc<Shared>,
    index: Index,
    /// Merged tables that some transaction may still read. They are let go here, because that takes its time.
    merged: Vec<Arc<Mem>>,
}

impl MergeStage {
    pub(super) fn new(shared: Arc<Shared>, index: Index) -> Self {
        Self {
            shared,
            index,
            merged: Vec::new(),
        }
    }

    /// Makes a checkpoint of one table.
    pub(super) fn run(&mut self, frozen: Frozen) -> Result<(), Failed> {
        let began = self.shared.clock.monotonic();
        let Frozen { mem, position } = frozen;
        let merged = self.index.merge(&mem, position).and_then(|()| self.index.base());
        match merged {
            Ok(base) => self.shared.rebase(Arc::new(base)),
            Err(error) => {
                self.shared.fail(format!("a checkpoint failed: {error}"));
                return Err(Failed);
            }
        }
        let took = self.shared.clock.monotonic().saturating_sub(began);
        self.shared.metrics.checkpoint_seconds.observe(took);
        self.shared.checkpointed(position.segment);
        self.merged.push(mem);
        self.let_go();
        Ok(())
    }

    /// Lets go of merged tables that nobody reads any more.
    pub(super) fn let_go(&mut self) {
        self.merged.retain(|mem| Arc::strong_count(mem) > 1);
    }

    /// Ends: everything that was merged is durable; the file is closed.
    pub(super) fn end(self) {
        if let Err(error) = self.index.close()
            && !self.shared.has_failed()
        {
            self.shared.fail(format!("the index could not be closed: {error}"));
        }
    }
}
