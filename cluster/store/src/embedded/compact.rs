//! Compaction: what lives in a segment that is mostly dead is copied to the log's end, and its place rows are changed.
//! The emptied segment becomes free at the next checkpoint. A copy takes effect only where the place row still names the
//! place that was copied from, so it races with nothing.

use std::io;
use std::sync::Arc;

use mmsc_ports::disk::{AlignedBuf, BLOCK};

use super::change::{Change, Write};
use super::frame::{Frame, read_frame};
use super::meta::Secret;
use super::pipeline::Pending;
use super::segments::{Segment, Victim};
use super::shared::Shared;
use super::state::Snapshot;
use super::txn::Request;

/// About so much is copied in one transaction.
const PORTION: usize = 1024 * 1024;

/// The emptying of one segment.
pub(super) struct Compaction {
    segment: Arc<Segment>,
    secret: Secret,
    offset: u64,
    buffer: AlignedBuf,
}

impl Compaction {
    pub(super) fn new(victim: Victim, secret: Secret) -> Self {
        tracing::debug!(
            segment = victim.segment.number,
            live = victim.live,
            "a segment is compacted"
        );
        Self {
            segment: victim.segment,
            secret,
            offset: 0,
            buffer: AlignedBuf::new(),
        }
    }

    /// The next portion to copy; `None` at the segment's end.
    pub(super) fn next_portion(&mut self, shared: &Shared) -> io::Result<Option<Request>> {
        let mut request = Request::default();
        while request.content < PORTION {
            let Some(frame) = self.next_frame()? else { break };
            // A store that is closed copies nothing.
            let Ok(snapshot) = shared.newest() else { return Ok(None) };
            take_living(&frame, &snapshot, &mut request);
        }
        shared.metrics.compacted_bytes.add(request.content as u64);
        Ok((request.content > 0 || !request.writes.is_empty()).then_some(request))
    }

    /// The next whole frame. A damaged one is passed over: what it holds stays where it is.
    fn next_frame(&mut self) -> io::Result<Option<Frame>> {
        while self.offset < self.segment.len {
            let file = self.segment.file.as_ref();
            let (number, len) = (self.segment.number, self.segment.len);
            if let Some(frame) = read_frame(file, number, self.offset, len, &self.secret, &mut self.buffer)? {
                self.offset = frame.end();
                return Ok(Some(frame));
            }
            self.offset += BLOCK as u64;
        }
        Ok(None)
    }

    /// Tells whether the segment was emptied.
    pub(super) fn finish(self, shared: &Shared) {
        let number = self.segment.number;
        if shared.segments.finished(number) {
            shared.metrics.compacted_segments.increment();
        } else {
            tracing::error!(
                segment = number,
                "compaction could not empty a log segment: it stays as it is"
            );
        }
    }
}

fn take_living(frame: &Frame, snapshot: &Snapshot, request: &mut Request) {
    for change in &frame.changes {
        let (Change::Place { id, place } | Change::Move { id, place, .. }) = change else {
            continue;
        };
        let lives = snapshot.place(*id).is_ok_and(|now| now == Some(*place));
        if let (true, Some(octets)) = (lives, frame.content(place)) {
            request.content += octets.len();
            request.writes.push(Write::Move {
                id: *id,
                from: *place,
                octets,
            });
        }
    }
}

/// The compactor's life: looks for a victim after each checkpoint.
pub(super) fn compact_until_stopped(shared: &Arc<Shared>, secret: &Secret) {
    let mut seen = 0;
    while let Some(checkpoint) = shared.wait_checkpoint(&mut seen) {
        while let Some(victim) = shared.segments.victim(checkpoint) {
            let mut compaction = Compaction::new(victim, secret.clone());
            let copied = copy(shared, &mut compaction);
            if let Err(error) = &copied {
                tracing::error!(%error, "a log segment cannot be read for compaction");
            }
            if shared.check_open().is_err() {
                return;
            }
            compaction.finish(shared);
        }
    }
}

fn copy(shared: &Arc<Shared>, compaction: &mut Compaction) -> io::Result<()> {
    while let Some(request) = compaction.next_portion(shared)? {
        let Ok(snapshot) = shared.newest() else { return Ok(()) };
        let in_flight = shared.admit_always(request.frame_bytes());
        let (pending, outcome) = Pending::new(request, snapshot, in_flight, 0);
        // One portion at a time: the log's other users come in between. A refusal leaves the segment as it is.
        if shared.submit(pending).is_err() || !matches!(outcome.blocking_recv(), Ok(Ok(_))) {
            return Ok(());
        }
    }
    Ok(())
}
