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

/// A content that is moved so often while it is looked for is left for another time.
const LOOKS: usize = 64;

/// What stands at a place.
enum Found {
    Octets(Bytes),
    /// Other octets than those of the digest.
    Misfit,
    /// The segment is in use for something else by now.
    Gone,
}

/// Reads one content. The place may change while it is read (compaction moves it, its last holder lets it go): a misfit
/// is corruption only if the place row still says the same afterwards, and a segment that is gone never is: whoever let
/// it go had changed the place row before.
pub(super) fn read(shared: &Shared, id: ContentId, range: Range<u64>) -> Result<Bytes, StoreError> {
    shared.metrics.content_reads.increment();
    let mut misfit: Option<Place> = None;
    for _ in 0..LOOKS {
        let snapshot = shared.newest()?;
        let place = snapshot.place(id).map_err(|error| shared.read_failed(&error))?;
        drop(snapshot);
        let Some(place) = place else {
            return Err(StoreError::NoContent(id));
        };
        match read_at(shared, &place)? {
            Found::Octets(octets) => return Ok(part(&octets, range)),
            Found::Gone => {}
            Found::Misfit if misfit == Some(place) => {
                shared.metrics.corrupt_reads.increment();
                tracing::error!(%id, segment = place.segment, offset = place.offset, "content does not match its digest");
                return Err(StoreError::Corrupt(format!("content {id} does not match its digest")));
            }
            Found::Misfit => misfit = Some(place),
        }
    }
    Err(shared.busy("content is being moved"))
}

fn read_at(shared: &Shared, place: &Place) -> Result<Found, StoreError> {
    let Some(segment) = shared.segments.pin(place.segment) else {
        return Ok(Found::Gone);
    };
    match read_place(&segment, place) {
        Ok(octets) => Ok(octets.map_or(Found::Misfit, Found::Octets)),
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

#[cfg(all(test, feature = "sim"))]
#[allow(clippy::unwrap_used, reason = "a test")]
mod tests {
    use std::path::Path;

    use mmsc_ports::Ports;

    use super::*;
    use crate::embedded::index::Index;
    use crate::embedded::mem::Mem;
    use crate::embedded::options::EmbeddedOptions;
    use crate::embedded::rows::{Space, place_key, place_value};
    use crate::embedded::segments::Segments;
    use crate::embedded::state::{Layers, Snapshot};
    use crate::sim::SimDisk;

    /// A store with one place row, of a segment that does not exist.
    fn with_place(id: ContentId, segment: u64) -> Shared {
        let disk = SimDisk::new();
        let (options, ports) = (EmbeddedOptions::new("/store"), Ports::real());
        let base = Index::open(&disk, Path::new("/store"), 0).unwrap().base().unwrap();
        let segments = Segments::new(
            Arc::new(disk),
            Arc::clone(&ports.clock),
            options.clone(),
            Default::default(),
        );
        let shared = Shared::new(ports.clock, ports.random, options, Default::default(), segments);
        let place = Place {
            segment,
            offset: 4096,
            len: 10,
            sha256: [0; 32],
        };
        let active = Arc::new(Mem::default());
        active.write([(Space::Content, place_key(id), Some(place_value(&place)))], 1, 0);
        let layers = Layers {
            active,
            frozen: None,
            base: Arc::new(base),
        };
        shared.publish(Snapshot { version: 1, layers });
        shared
    }

    #[tokio::test]
    async fn a_segment_that_is_gone_is_not_taken_for_corruption() {
        let id = ContentId([7; 16]);
        let shared = with_place(id, 5);
        assert!(matches!(read(&shared, id, 0..1), Err(StoreError::Busy(_))));
        assert_eq!(shared.metrics.corrupt_reads.value(), 0);
    }
}
