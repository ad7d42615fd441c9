//! Reading content: find its place, pin the segment, read, compare the digest.

use std::ops::Range;
use std::sync::{Arc, Mutex, mpsc};

use bytes::Bytes;
use tokio::sync::oneshot;

use super::change::Place;
use super::recover::read_place;
use super::shared::{Shared, lock};
use crate::content::ContentId;
use crate::error::StoreError;

/// One read on its way to a worker.
pub(super) struct ReadJob {
    id: ContentId,
    range: Range<u64>,
    reply: oneshot::Sender<Result<Bytes, StoreError>>,
}

impl ReadJob {
    pub(super) fn new(id: ContentId, range: Range<u64>) -> (Self, oneshot::Receiver<Result<Bytes, StoreError>>) {
        let (reply, receiver) = oneshot::channel();
        (Self { id, range, reply }, receiver)
    }
}

/// A worker's life: reads until the other end of the queue is gone.
pub(super) fn read_until_closed(shared: &Shared, jobs: &Mutex<mpsc::Receiver<ReadJob>>) {
    loop {
        let job = lock(jobs).recv();
        let Ok(job) = job else { return };
        if !job.reply.is_closed() {
            let _gone = job.reply.send(read(shared, job.id, job.range));
        }
    }
}

/// Reads one content. The place may change while it is read (compaction moves it, its last holder lets it go): a misfit
/// is corruption only if the place row still says the same afterwards.
pub(super) fn read(shared: &Shared, id: ContentId, range: Range<u64>) -> Result<Bytes, StoreError> {
    shared.metrics.content_reads.increment();
    let mut tried: Option<Place> = None;
    loop {
        let snapshot = shared.newest()?;
        let place = snapshot.place(id).map_err(|error| shared.read_failed(&error))?;
        drop(snapshot);
        let Some(place) = place else {
            return Err(StoreError::NoContent(id));
        };
        if tried == Some(place) {
            shared.metrics.corrupt_reads.increment();
            tracing::error!(%id, segment = place.segment, offset = place.offset, "content does not match its digest");
            return Err(StoreError::Corrupt(format!("content {id} does not match its digest")));
        }
        if let Some(octets) = read_at(shared, &place)? {
            return Ok(part(&octets, range));
        }
        tried = Some(place);
    }
}

fn read_at(shared: &Shared, place: &Place) -> Result<Option<Bytes>, StoreError> {
    let Some(segment) = shared.segments.pin(place.segment) else {
        return Ok(None);
    };
    match read_place(&segment, place) {
        Ok(octets) => Ok(octets),
        Err(error) => {
            tracing::error!(%error, segment = place.segment, offset = place.offset, "content cannot be read");
            Err(StoreError::Corrupt(format!("content cannot be read: {error}")))
        }
    }
}

fn part(octets: &Bytes, range: Range<u64>) -> Bytes {
    let clamp = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(octets.len());
    let (start, end) = (clamp(range.start), clamp(range.end));
    octets.slice(start..end.max(start))
}

/// The queue to the readers; dropping it ends them.
pub(super) type ReadQueue = mpsc::SyncSender<ReadJob>;

/// Readers share one queue.
pub(super) fn queue() -> (ReadQueue, Arc<Mutex<mpsc::Receiver<ReadJob>>>) {
    let (sender, receiver) = mpsc::sync_channel(4096);
    (sender, Arc::new(Mutex::new(receiver)))
}
