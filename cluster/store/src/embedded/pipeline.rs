//! From waiting transactions to durable groups: [`BuildStage`] resolves conflicts and builds one frame, [`SyncStage`]
//! appends it and syncs, while the next one is built. What happens then is in [`super::apply`].

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

/// What one frame brings once it is durable.
pub(super) struct Synced {
    pub(super) position: Position,
    pub(super) changes: Vec<Change>,
    pub(super) bytes: u64,
}

/// Transactions that share a frame, on their way to visible rows.
pub(super) struct Group {
    pub(super) synced: Synced,
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

    /// The store failed before anything of it was written.
    fn refuse(self, error: impl Fn() -> StoreError) {
        for reply in self.commits {
            reply.send(Err(CommitFailure::Store(error())));
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

/// A group whose frame is built and not yet written.
pub(super) struct Unsynced {
    segment: Arc<Segment>,
    offset: u64,
    octets: AlignedBuf,
    group: Group,
}

impl Unsynced {
    /// Ends it before anything of it was written.
    pub(super) fn refuse(self, shared: &Shared) {
        self.group.refuse(|| shared.closed_error());
    }
}

/// Resolves conflicts and builds frames.
pub(super) struct BuildStage {
    shared: Arc<Shared>,
    secret: Secret,
    resolver: Resolver,
    segment: Arc<Segment>,
    offset: u64,
    version: u64,
}

impl BuildStage {
    /// Goes on after `position`.
    pub(super) fn new(shared: Arc<Shared>, secret: Secret, segment: Arc<Segment>, position: Position) -> Self {
        Self {
            shared,
            secret,
            resolver: Resolver::new(position.version),
            segment,
            offset: position.offset,
            version: position.version,
        }
    }

    /// Builds the frame of one group in `buffer`, which comes back if there is nothing to write: everybody has been
    /// told why by then.
    pub(super) fn run(&mut self, mut waiting: Vec<Pending>, buffer: AlignedBuf) -> Result<Unsynced, AlignedBuf> {
        // On a hot key somebody always wins: who has lost most goes first.
        waiting.sort_by_key(|pending| std::cmp::Reverse(pending.retry));
        let mut builder = FrameBuilder::new(self.version + 1);
        self.resolver.begin(self.version + 1, self.shared.oldest_readable());
        let mut commits = Vec::with_capacity(waiting.len());
        let mut conflicts = Vec::new();
        for mut pending in waiting {
            stamp_footprint(&pending.writes, &builder.stamp(), &mut pending.written);
            match self
                .resolver
                .resolve(pending.read_version, &pending.reads, pending.written)
            {
                Verdict::Commits => {
                    builder.add(pending.writes);
                    commits.push(pending.reply);
                }
                Verdict::Conflicts => conflicts.push(pending.reply),
                Verdict::TooOld => pending.reply.send(Err(CommitFailure::Store(StoreError::TooOld))),
            }
        }
        self.shared.metrics.conflicts.add(conflicts.len() as u64);
        let has_room = commits.is_empty() || self.make_room(builder.frame_len()).is_ok();
        // What they met is in this group if it is written, otherwise in an earlier one, or was refused.
        let met = self.version + u64::from(has_room && !commits.is_empty());
        self.shared.tell_when_visible(met, conflicts);
        if !has_room {
            // The log may have waited for a segment while the store failed or was told to end.
            for reply in commits {
                let refused = self.shared.check_open().err();
                let refused = refused.unwrap_or_else(|| self.shared.busy("the disk has no room for the log"));
                reply.send(Err(CommitFailure::Store(refused)));
            }
            return Err(buffer);
        }
        if commits.is_empty() {
            return Err(buffer);
        }
        self.resolver.end();
        Ok(self.finish(builder, commits, buffer))
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

    fn finish(&mut self, builder: FrameBuilder, commits: Vec<Reply>, mut octets: AlignedBuf) -> Unsynced {
        let offset = self.offset;
        let changes = builder.finish(self.segment.number, offset, &self.secret, &mut octets);
        let bytes = octets.len() as u64;
        self.offset += bytes;
        self.version += 1;
        let position = Position {
            version: self.version,
            segment: self.segment.number,
            offset: self.offset,
        };
        let synced = Synced {
            position,
            changes,
            bytes,
        };
        Unsynced {
            segment: Arc::clone(&self.segment),
            offset,
            octets,
            group: Group { synced, commits },
        }
    }
}

/// Writes frames and syncs them, one after the other.
pub(super) struct SyncStage {
    shared: Arc<Shared>,
}

impl SyncStage {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Makes one group durable; gives its buffer back. After a failure nothing is written any more: what the device did
    /// with the frame before is not known, and one behind it could not be told from damage.
    pub(super) fn run(&self, unsynced: Unsynced) -> (Result<Group, Failed>, AlignedBuf) {
        let Unsynced {
            segment,
            offset,
            octets,
            group,
        } = unsynced;
        if self.shared.has_failed() {
            group.refuse(|| self.shared.closed_error());
            return (Err(Failed), octets);
        }
        let began = self.shared.clock.monotonic();
        let durable = segment
            .file
            .write_at(offset, octets.as_slice())
            .and_then(|()| segment.file.sync());
        if let Err(error) = durable {
            self.shared.fail(format!("the log could not be synced: {error}"));
            group.unknown();
            return (Err(Failed), octets);
        }
        let metrics = &self.shared.metrics;
        let took = self.shared.clock.monotonic().saturating_sub(began);
        metrics.sync_seconds.observe(took);
        metrics.groups.increment();
        metrics
            .group_size
            .set(i64::try_from(group.commits()).unwrap_or(i64::MAX));
        metrics.frame_bytes.add(group.synced.bytes);
        (Ok(group), octets)
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
