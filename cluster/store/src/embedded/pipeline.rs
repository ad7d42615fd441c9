//! From waiting transactions to acknowledgements, in two stages: [`LogStage`] resolves conflicts, appends one frame and
//! syncs it; [`ApplyStage`] applies what was synced to the index, publishes the new state, acknowledges, and makes
//! checkpoints. While the second works on one group the first works on the next.

use std::sync::Arc;
use std::time::Duration;

use mmsc_ports::disk::AlignedBuf;
use tokio::sync::oneshot;

use super::change::{Change, Write};
use super::frame::{FrameBuilder, stamped_key};
use super::index::{Index, IndexError, Position, Snapshot};
use super::meta::Secret;
use super::resolver::{Footprint, Resolver, Space, Verdict};
use super::segments::{NoRoom, Segment};
use super::shared::{InFlight, Shared};
use super::txn::Request;
use crate::engine::{CommitFailure, CommitVersion};
use crate::error::StoreError;

/// Where an outcome goes.
pub(super) struct Reply {
    sender: oneshot::Sender<Result<CommitVersion, CommitFailure>>,
    _in_flight: InFlight,
}

impl Reply {
    /// Something that it read has a newer write, which is visible by now.
    pub(super) fn conflict(self) {
        self.send(Err(CommitFailure::Conflict));
    }

    fn send(self, outcome: Result<CommitVersion, CommitFailure>) {
        // Whoever gave up waiting learns the outcome from its own rows.
        let _gone = self.sender.send(outcome);
    }
}

/// A transaction before the log.
pub(super) struct Pending {
    writes: Vec<Write>,
    reads: Footprint,
    written: Footprint,
    frame_bytes: usize,
    /// Conflicts that it has met so far.
    retry: u32,
    read_version: u64,
    /// Kept until the conflicts are resolved, so that the writes since then are remembered.
    _snapshot: Arc<Snapshot>,
    reply: Reply,
}

impl Pending {
    pub(super) fn new(
        request: Request,
        snapshot: Arc<Snapshot>,
        in_flight: InFlight,
        retry: u32,
    ) -> (Self, oneshot::Receiver<Result<CommitVersion, CommitFailure>>) {
        let (sender, receiver) = oneshot::channel();
        let pending = Self {
            frame_bytes: request.frame_bytes(),
            retry,
            writes: request.writes,
            reads: request.reads,
            written: request.written,
            read_version: snapshot.version,
            _snapshot: snapshot,
            reply: Reply {
                sender,
                _in_flight: in_flight,
            },
        };
        (pending, receiver)
    }

    pub(super) fn frame_bytes(&self) -> usize {
        self.frame_bytes
    }

    /// Ends it without anything having been written.
    pub(super) fn refuse(self, error: StoreError) {
        self.reply.send(Err(CommitFailure::Store(error)));
    }
}

/// One frame that is durable in the log.
pub(super) struct Synced {
    position: Position,
    changes: Vec<Change>,
    bytes: u64,
}

/// What the first stage hands to the second.
pub(super) struct Group {
    synced: Option<Synced>,
    commits: Vec<Reply>,
}

impl Group {
    /// The store failed in the middle of it.
    fn unknown(self) {
        for reply in self.commits {
            reply.send(Err(CommitFailure::Unknown));
        }
    }
}

/// A stage failed; the store is closed.
#[derive(Debug)]
pub(super) struct Failed;

/// Resolves, appends, syncs.
pub(super) struct LogStage {
    shared: Arc<Shared>,
    secret: Secret,
    resolver: Resolver,
    segment: Arc<Segment>,
    offset: u64,
    version: u64,
    buffer: AlignedBuf,
}

impl LogStage {
    /// Goes on after `position`.
    pub(super) fn new(shared: Arc<Shared>, secret: Secret, segment: Arc<Segment>, position: Position) -> Self {
        Self {
            shared,
            secret,
            resolver: Resolver::new(position.version),
            segment,
            offset: position.offset,
            version: position.version,
            buffer: AlignedBuf::new(),
        }
    }

    /// Makes one group durable.
    pub(super) fn run(&mut self, mut waiting: Vec<Pending>) -> Result<Group, Failed> {
        // On a hot key somebody always wins: who has lost most goes first, so that nobody loses for ever.
        waiting.sort_by_key(|pending| std::cmp::Reverse(pending.retry));
        let mut builder = FrameBuilder::new(self.version + 1);
        self.resolver.begin(self.version + 1, self.shared.oldest_readable());
        let mut group = Group {
            synced: None,
            commits: Vec::with_capacity(waiting.len()),
        };
        let mut conflicts = Vec::new();
        for mut pending in waiting {
            stamp_footprint(&pending.writes, &builder.stamp(), &mut pending.written);
            match self
                .resolver
                .resolve(pending.read_version, &pending.reads, pending.written)
            {
                Verdict::Commits => {
                    builder.add(pending.writes);
                    group.commits.push(pending.reply);
                }
                Verdict::Conflicts => conflicts.push(pending.reply),
                Verdict::TooOld => pending.reply.send(Err(CommitFailure::Store(StoreError::TooOld))),
            }
        }
        self.shared.metrics.conflicts.add(conflicts.len() as u64);
        // What they met is in this group if it has any, otherwise in an earlier one.
        let met = if builder.commits() == 0 {
            self.version
        } else {
            self.version + 1
        };
        self.shared.tell_when_visible(met, conflicts);
        if builder.commits() == 0 {
            return Ok(group);
        }
        if self.make_room(builder.frame_len()).is_err() {
            self.shared.tell_visible(met);
            for reply in group.commits.drain(..) {
                reply.send(Err(CommitFailure::Store(
                    self.shared.busy("the disk has no room for the log"),
                )));
            }
            return Ok(group);
        }
        match self.append(builder) {
            Ok(synced) => {
                self.resolver.end();
                group.synced = Some(synced);
                Ok(group)
            }
            Err(error) => {
                self.shared.fail(format!("the log could not be synced: {error}"));
                group.unknown();
                Err(Failed)
            }
        }
    }

    fn make_room(&mut self, frame_len: u64) -> Result<(), NoRoom> {
        if self.offset.saturating_add(frame_len) <= self.segment.len {
            return Ok(());
        }
        self.segment = self.shared.segments.take_ready()?;
        self.offset = 0;
        Ok(())
    }

    fn append(&mut self, builder: FrameBuilder) -> std::io::Result<Synced> {
        let metrics = &self.shared.metrics;
        let commits = builder.commits();
        let changes = builder.finish(self.segment.number, self.offset, &self.secret, &mut self.buffer);
        let began = self.shared.clock.monotonic();
        self.segment.file.write_at(self.offset, self.buffer.as_slice())?;
        self.segment.file.sync()?;
        metrics
            .sync_seconds
            .observe(self.shared.clock.monotonic().saturating_sub(began));
        metrics.groups.increment();
        metrics.group_size.set(i64::from(commits));
        let bytes = self.buffer.len() as u64;
        metrics.frame_bytes.add(bytes);
        self.offset += bytes;
        self.version += 1;
        let position = Position {
            version: self.version,
            segment: self.segment.number,
            offset: self.offset,
        };
        Ok(Synced {
            position,
            changes,
            bytes,
        })
    }
}

/// The keys of stamped writes, now that their version is known.
fn stamp_footprint(writes: &[Write], stamp: &[u8; 10], written: &mut Footprint) {
    for write in writes {
        if let Write::Stamped { prefix, suffix, .. } = write {
            written.keys.push((Space::Rows, stamped_key(prefix, stamp, suffix)));
        }
    }
}

/// Applies, publishes, acknowledges, makes checkpoints.
pub(super) struct ApplyStage {
    shared: Arc<Shared>,
    index: Index,
    position: Position,
    /// Log written since the last checkpoint.
    log_bytes: u64,
    checkpoint_at: Duration,
}

impl ApplyStage {
    pub(super) fn new(shared: Arc<Shared>, index: Index, position: Position) -> Self {
        let checkpoint_at = shared.clock.monotonic();
        Self {
            shared,
            index,
            position,
            log_bytes: 0,
            checkpoint_at,
        }
    }

    /// Makes one group visible and tells everybody in it.
    pub(super) fn run(&mut self, group: Group) -> Result<(), Failed> {
        if let Some(synced) = &group.synced
            && let Err(error) = self.apply(synced)
        {
            self.shared
                .fail(format!("a synced group could not be applied: {error}"));
            group.unknown();
            return Err(Failed);
        }
        self.shared.metrics.commits.add(group.commits.len() as u64);
        for reply in group.commits {
            reply.send(Ok(CommitVersion(self.position.version)));
        }
        Ok(())
    }

    fn apply(&mut self, synced: &Synced) -> Result<(), IndexError> {
        let began = self.shared.clock.monotonic();
        let deltas = self.index.apply(&synced.changes, synced.position, false)?;
        let snapshot = self.index.snapshot(synced.position.version)?;
        self.shared.segments.account(&deltas);
        self.position = synced.position;
        self.log_bytes += synced.bytes;
        self.shared.publish(snapshot);
        // Who has to run again is told first: it would lose again against the next of those that won.
        self.shared.tell_visible(synced.position.version);
        self.shared.wake_watchers(&synced.changes);
        let took = self.shared.clock.monotonic().saturating_sub(began);
        self.shared.metrics.apply_seconds.observe(took);
        Ok(())
    }

    /// The segment up to which the index is durable right after a checkpoint.
    pub(super) fn checkpoint_segment(&self) -> u64 {
        self.position.segment
    }

    /// How long until a checkpoint is due; `None` when nothing was applied since the last one.
    pub(super) fn due_in(&self) -> Option<Duration> {
        if self.log_bytes == 0 {
            return None;
        }
        if self.log_bytes >= self.shared.options.checkpoint_bytes {
            return Some(Duration::ZERO);
        }
        let since = self.shared.clock.monotonic().saturating_sub(self.checkpoint_at);
        Some(self.shared.options.checkpoint_interval.saturating_sub(since))
    }

    /// Makes the index durable if that is due. Whether it did.
    pub(super) fn checkpoint_if_due(&mut self) -> Result<bool, Failed> {
        if self.due_in() != Some(Duration::ZERO) {
            return Ok(false);
        }
        self.checkpoint()?;
        Ok(true)
    }

    /// Makes the index durable.
    pub(super) fn checkpoint(&mut self) -> Result<(), Failed> {
        let began = self.shared.clock.monotonic();
        if let Err(error) = self.index.apply([], self.position, true) {
            self.shared.fail(format!("a checkpoint failed: {error}"));
            return Err(Failed);
        }
        self.checkpoint_at = self.shared.clock.monotonic();
        self.log_bytes = 0;
        self.shared
            .metrics
            .checkpoint_seconds
            .observe(self.checkpoint_at.saturating_sub(began));
        self.shared.checkpointed(self.position.segment);
        Ok(())
    }

    /// Ends: durable if the store has not failed, and the file closed.
    pub(super) fn end(mut self) {
        if !self.shared.has_failed() && self.log_bytes > 0 {
            // A failure has been told by then.
            let _failed = self.checkpoint();
        }
        if let Err(error) = self.index.close()
            && !self.shared.has_failed()
        {
            self.shared.fail(format!("the index could not be closed: {error}"));
        }
    }
}
