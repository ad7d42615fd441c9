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

/// How the copying of a segment ended.
enum Copied {
    /// All of it that can be read was copied.
    Through,
    /// The log had no room, or the store closes: another time.
    Refused,
}

/// The compactor's life: looks for a victim after each checkpoint.
pub(super) fn compact_until_stopped(shared: &Arc<Shared>, secret: &Secret) {
    let mut seen = 0;
    while let Some(checkpoint) = shared.wait_checkpoint(&mut seen) {
        while let Some(victim) = shared.segments.victim(checkpoint) {
            let mut compaction = Compaction::new(victim, secret.clone());
            match copy(shared, &mut compaction) {
                Ok(Copied::Through) => {}
                // After the next checkpoint there may be room.
                Ok(Copied::Refused) => break,
                Err(error) => tracing::error!(%error, "a log segment cannot be read for compaction"),
            }
            compaction.finish(shared);
        }
    }
}

fn copy(shared: &Arc<Shared>, compaction: &mut Compaction) -> io::Result<Copied> {
    while let Some(request) = compaction.next_portion(shared)? {
        if request.frame_bytes().saturating_add(BLOCK) as u64 > shared.options.segment_bytes {
            // Segments were larger once: it will not fit another time either.
            return Ok(Copied::Through);
        }
        let Ok(snapshot) = shared.newest() else {
            return Ok(Copied::Refused);
        };
        let in_flight = shared.admit_always(request.frame_bytes());
        let (pending, outcome) = Pending::new(request, snapshot, in_flight, 0);
        // One portion at a time: the log's other users come in between.
        if shared.submit(pending).is_err() || !matches!(outcome.blocking_recv(), Ok(Ok(_))) {
            return Ok(Copied::Refused);
        }
    }
    if shared.check_open().is_err() {
        return Ok(Copied::Refused);
    }
    Ok(Copied::Through)
}

#[cfg(all(test, feature = "sim"))]
#[allow(clippy::unwrap_used, reason = "a test")]
mod tests {
    use std::collections::HashMap;
    use std::path::Path;
    use std::time::Duration;

    use bytes::Bytes;
    use mmsc_ports::Ports;
    use mmsc_ports::disk::Disk as _;

    use super::*;
    use crate::content::ContentId;
    use crate::embedded::frame::FrameBuilder;
    use crate::embedded::index::{Index, Position};
    use crate::embedded::mem::Mem;
    use crate::embedded::meta;
    use crate::embedded::options::EmbeddedOptions;
    use crate::embedded::rows::{Space, place_key, place_value};
    use crate::embedded::segments::{SEGMENT_USE, Segments, name_of};
    use crate::embedded::state::Layers;
    use crate::error::StoreError;
    use crate::sim::SimDisk;

    const DIRECTORY: &str = "/store";

    /// A store of six segments, the first of which is to be compacted: one content lives in it.
    fn with_victim() -> (Arc<Shared>, Secret) {
        let (disk, ports) = (SimDisk::new(), Ports::real());
        let options = EmbeddedOptions {
            segment_bytes: 64 * 1024,
            ..EmbeddedOptions::new(DIRECTORY)
        };
        let secret = meta::open(&disk, Path::new(DIRECTORY), ports.random.as_ref()).unwrap();
        let base = Index::open(&disk, Path::new(DIRECTORY), 0).unwrap().base().unwrap();
        let id = ContentId([7; 16]);
        let mut builder = FrameBuilder::new(1);
        builder.add(vec![Write::Adopt {
            id,
            octets: Bytes::from_static(b"alive"),
            sha256: [0; 32],
        }]);
        let mut frame = AlignedBuf::new();
        let changes = builder.finish(1, 0, &secret, &mut frame);
        let active = Arc::new(Mem::default());
        for change in &changes {
            if let Change::Place { id, place } = change {
                active.write([(Space::Content, place_key(*id), Some(place_value(place)))], 1, 0);
            }
        }
        for number in 1..=6 {
            let path = Path::new(DIRECTORY).join(name_of(number));
            let file = disk.open(&path, SEGMENT_USE).unwrap();
            file.set_len(options.segment_bytes).unwrap();
            if number == 1 {
                file.write_at(0, frame.as_slice()).unwrap();
            }
        }
        let segments = Segments::new(
            Arc::new(disk),
            Arc::clone(&ports.clock),
            options.clone(),
            Default::default(),
        );
        drop(segments.load(Position::default()).unwrap());
        segments.account(&HashMap::from([
            (1, 5),
            (2, 500),
            (3, 500),
            (4, 500),
            (5, 500),
            (6, 500),
        ]));
        let shared = Arc::new(Shared::new(
            ports.clock,
            ports.random,
            options,
            Default::default(),
            segments,
        ));
        shared.publish(Snapshot {
            version: 1,
            layers: Layers {
                active,
                frozen: None,
                base: Arc::new(base),
            },
        });
        (shared, secret)
    }

    #[tokio::test]
    async fn a_segment_for_whose_copies_there_was_no_room_is_tried_again_after_the_next_checkpoint() {
        let (shared, secret) = with_victim();
        let spawn = Ports::real().spawn;
        let (told, asked) = tokio::sync::oneshot::channel();
        let of = Arc::clone(&shared);
        let log = move || {
            let mut refused = 0;
            while refused < 3 {
                of.checkpointed(7);
                let Some(waiting) = of.take_waiting() else { return };
                refused += waiting.len();
                for pending in waiting {
                    pending.refuse(StoreError::Busy("no room"));
                }
            }
            let _gone = told.send(refused);
        };
        drop(spawn.worker("log", Box::new(log)));
        let of = Arc::clone(&shared);
        drop(spawn.worker("compactor", Box::new(move || compact_until_stopped(&of, &secret))));
        let asked = tokio::time::timeout(Duration::from_secs(60), asked).await;
        // Whatever came of it, nothing waits any more.
        shared.shut_down();
        assert_eq!(asked.unwrap(), Ok(3));
        assert_eq!(shared.metrics.compacted_segments.value(), 0);
    }
}
