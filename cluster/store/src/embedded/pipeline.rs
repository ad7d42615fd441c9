//! From waiting transactions to durable groups: [`LogStage`] resolves conflicts, appends one frame and syncs it. What
//! happens then is in [`super::apply`].

use std::sync::Arc;

use mmsc_ports::disk::AlignedBuf;
use tokio::sync::oneshot;

use super::change::{Change, Write};
use super::frame::{FrameBuilder, stamped_key};
use super::index::Position;
use super::meta::Secret;
use super::resolver::{Footprint, Resolver, Verdict};
use super::rows::Space;
use super::segments::{NoRoom, Segment};
use super::shared::{InFlight, Shared};
use super::state::Snapshot;
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
    pub(super) position: Position,
    pub(super) changes: Vec<Change>,
    pub(super) bytes: u64,
}

/// What the first stage hands to the second.
pub(super) struct Group {
    pub(super) synced: Option<Synced>,
    commits: Vec<Reply>,
}

impl Group {
    pub(super) fn commits(&self) -> usize {
        self.commits.len()
    }

    /// It is durable and visible.
    pub(super) fn acknowledge(self, version: u64) {
        for reply in self.commits {
            reply.send(Ok(CommitVersion(version)));
        }
    }

    /// The store failed in the middle of it.
    pub(super) fn unknown(self) {
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
        if frame_len > self.shared.options.segment_bytes.max(self.segment.len) {
            return Err(NoRoom);
        }
        while self.offset.saturating_add(frame_len) > self.segment.len {
            // One that was prepared under other options may be too short: it is passed over.
            self.segment = self.shared.segments.take_ready()?;
            self.offset = 0;
        }
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
