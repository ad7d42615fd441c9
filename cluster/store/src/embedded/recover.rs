//! Recovery: from the index's position through the frames that follow it, to a store that can go on.

use std::sync::Arc;

use mmsc_ports::disk::{AlignedBuf, BLOCK};

use super::change::{Change, Place, Write};
use super::frame::{Frame, FrameBuilder, read_frame, read_header};
use super::index::{Index, LiveDeltas, Position};
use super::meta::Secret;
use super::options::OpenError;
use super::segments::{Segment, Segments};

/// Changes are applied in portions of about so many octets of log.
const PORTION: u64 = 8 * 1024 * 1024;
const SCAN_CHUNK: usize = 1024 * 1024;

/// Where a recovered store goes on.
pub(super) struct Recovered {
    /// The log's end; the index is durable up to it.
    pub(super) position: Position,
    /// The fresh segment that takes the next frames.
    pub(super) segment: Arc<Segment>,
    /// Frames that were replayed.
    pub(super) replayed: u64,
}

/// Replays the log's tail and prepares a fresh segment for what comes next.
pub(super) fn recover(index: &Index, segments: &Segments, secret: &Secret) -> Result<Recovered, OpenError> {
    let known = index.position()?;
    let mut found = segments.load(known)?;
    if segments.is_full() {
        // The index needs room for what is replayed: segments in which nothing lives are given up for it.
        segments.retire_dead(known.segment, &index.count_live()?);
        found.retain(|segment| segments.pin(segment.number).is_some());
        let _room = segments.has_index_room(usize::MAX);
    }
    let mut tail = Tail::new(&found, known, secret);
    let last = replay(index, &mut tail)?;
    tail.refuse_later_frames()?;
    let replayed = tail.at.version - known.version;
    let position = tail.at;

    let last_used = tail.segments.get(tail.current).map_or(0, |segment| segment.number);
    drop(tail);
    drop(found);
    segments.unused_after(last_used);
    let anew = last.map(|last| tail_anew(index, position, &last)).transpose()?;
    let len = anew.as_ref().map_or(BLOCK as u64, FrameBuilder::frame_len);
    let segment = fresh_segment(index, segments, known, len)?;
    let position = write_tail_anew(index, secret, &segment, position, anew)?;
    index.apply([], position, true)?;
    let live = index.count_live()?;
    check_places(segments, &live)?;
    segments.account(&live);
    Ok(Recovered {
        position,
        segment,
        replayed,
    })
}

/// The segment after the last used one, or a later one if that is too short. It keeps its name: if this recovery is cut
/// off after the tail was written anew and before the index says so, the next one finds that frame where the log goes on.
/// On a full disk one is used again that nothing needs any more, or a short one is made.
fn fresh_segment(index: &Index, segments: &Segments, known: Position, len: u64) -> Result<Arc<Segment>, OpenError> {
    loop {
        if !segments.has_ready() {
            if segments.is_full() {
                segments.retire_dead(known.segment, &index.count_live()?);
            }
            segments
                .prepare_first(len)
                .map_err(OpenError::io("preparing a log segment"))?;
        }
        let segment = segments
            .take_ready()
            .map_err(|_| OpenError::io("preparing a log segment")(std::io::ErrorKind::StorageFull.into()))?;
        if segment.len >= len {
            return Ok(segment);
        }
    }
}

fn check_places(segments: &Segments, live: &LiveDeltas) -> Result<(), OpenError> {
    match live.keys().find(|number| segments.pin(**number).is_none()) {
        Some(number) => Err(OpenError::Damaged(format!(
            "log segment {number:016x} is missing, and content lives in it"
        ))),
        None => Ok(()),
    }
}

/// Applies every frame that follows, and gives the last one.
fn replay(index: &Index, tail: &mut Tail<'_>) -> Result<Option<Frame>, OpenError> {
    let mut last: Option<Frame> = None;
    let mut portion: Vec<Change> = Vec::new();
    let mut bytes = 0;
    let mut position = tail.at;
    loop {
        let next = tail.next().map_err(OpenError::io("reading the log"))?;
        let done = next.is_none();
        bytes += next.as_ref().map_or(0, |frame| frame.header.frame_len);
        if let Some(frame) = next {
            portion.extend(frame.changes.iter().cloned());
            position = tail.at;
            last = Some(frame);
        }
        if (done && bytes > 0) || bytes >= PORTION {
            index.apply(&portion, position, false)?;
            portion.clear();
            bytes = 0;
        }
        if done {
            return Ok(last);
        }
    }
}

/// Only the last frame may have been on its way when the store ended: the one before was synced before it was begun.
/// What lives in it is copied into the fresh segment, so that nothing rests on a sync whose outcome nobody saw.
fn tail_anew(index: &Index, position: Position, last: &Frame) -> Result<FrameBuilder, OpenError> {
    let mut builder = FrameBuilder::new(position.version + 1);
    let mut writes = Vec::new();
    let base = index.base()?;
    for change in &last.changes {
        if let Change::Place { id, place } | Change::Move { id, place, .. } = change
            && base.place(*id)? == Some(*place)
        {
            let octets = last
                .content(place)
                .ok_or_else(|| OpenError::Damaged("a frame's content".to_owned()))?;
            writes.push(Write::Move {
                id: *id,
                from: *place,
                octets,
            });
        }
    }
    builder.add(writes);
    Ok(builder)
}

/// Writes that frame, and gives the log's new end.
fn write_tail_anew(
    index: &Index,
    secret: &Secret,
    segment: &Segment,
    position: Position,
    anew: Option<FrameBuilder>,
) -> Result<Position, OpenError> {
    let Some(builder) = anew else {
        return Ok(Position {
            segment: segment.number,
            offset: 0,
            ..position
        });
    };
    let mut buffer = AlignedBuf::new();
    let changes = builder.finish(segment.number, 0, secret, &mut buffer);
    segment
        .file
        .write_at(0, buffer.as_slice())
        .and_then(|()| segment.file.sync())
        .map_err(OpenError::io("writing the log's tail anew"))?;
    let position = Position {
        version: position.version + 1,
        segment: segment.number,
        offset: buffer.len() as u64,
    };
    index.apply(&changes, position, false)?;
    Ok(position)
}

/// The frames after a position.
struct Tail<'a> {
    segments: &'a [Arc<Segment>],
    secret: &'a Secret,
    current: usize,
    at: Position,
    buffer: AlignedBuf,
}

impl<'a> Tail<'a> {
    fn new(segments: &'a [Arc<Segment>], from: Position, secret: &'a Secret) -> Self {
        let current = segments.partition_point(|segment| segment.number < from.segment);
        let mut at = from;
        if segments
            .get(current)
            .is_none_or(|segment| segment.number != from.segment)
        {
            // A new store: the log begins in its first segment.
            at.segment = segments.get(current).map_or(from.segment, |segment| segment.number);
            at.offset = 0;
        }
        Self {
            segments,
            secret,
            current,
            at,
            buffer: AlignedBuf::new(),
        }
    }

    /// The next frame, here or at the start of a later segment: the log passes over segments that are too short for a
    /// frame. That nothing is missing between is what the frame's version says.
    fn next(&mut self) -> std::io::Result<Option<Frame>> {
        if let Some(frame) = self.frame_at(self.current, self.at.offset)? {
            return Ok(Some(frame));
        }
        for later in self.current + 1..self.segments.len() {
            if let Some(frame) = self.frame_at(later, 0)? {
                return Ok(Some(frame));
            }
        }
        Ok(None)
    }

    fn frame_at(&mut self, index: usize, offset: u64) -> std::io::Result<Option<Frame>> {
        let Some(segment) = self.segments.get(index) else {
            return Ok(None);
        };
        let file = segment.file.as_ref();
        let frame = read_frame(file, segment.number, offset, segment.len, self.secret, &mut self.buffer)?;
        let Some(frame) = frame.filter(|frame| frame.header.version == self.at.version + 1) else {
            return Ok(None);
        };
        self.current = index;
        self.at = Position {
            version: frame.header.version,
            segment: segment.number,
            offset: frame.end(),
        };
        Ok(Some(frame))
    }

    /// The log ended at a misfit. That is a torn last frame only if nothing newer stands anywhere behind it.
    fn refuse_later_frames(&mut self) -> Result<(), OpenError> {
        let mut from = self.at.offset;
        for segment in self.segments.get(self.current..).unwrap_or_default() {
            self.scan(segment, from)?;
            from = 0;
        }
        Ok(())
    }

    fn scan(&mut self, segment: &Segment, from: u64) -> Result<(), OpenError> {
        let reading = || OpenError::io("reading the log");
        let mut chunk = vec![0u8; SCAN_CHUNK];
        let mut offset = from;
        while offset < segment.len {
            let len = usize::try_from(segment.len - offset)
                .unwrap_or(SCAN_CHUNK)
                .min(SCAN_CHUNK);
            let octets = chunk.get_mut(..len).unwrap_or_default();
            segment.file.read_at(offset, octets).map_err(reading())?;
            for (block, octets) in octets.chunks(BLOCK).enumerate() {
                let at = offset + (block * BLOCK) as u64;
                if octets.starts_with(self.secret.magic()) && self.is_newer(segment, at).map_err(reading())? {
                    return Err(OpenError::Damaged(format!(
                        "the log breaks off after version {} (segment {:016x}, offset {}), yet a newer frame stands in segment {:016x} at {at}",
                        self.at.version, self.at.segment, self.at.offset, segment.number
                    )));
                }
            }
            offset += len as u64;
        }
        Ok(())
    }

    fn is_newer(&mut self, segment: &Segment, offset: u64) -> std::io::Result<bool> {
        let file = segment.file.as_ref();
        let header = read_header(file, segment.number, offset, segment.len, self.secret)?;
        if header.is_none_or(|(header, _)| header.version <= self.at.version) {
            return Ok(false);
        }
        let frame = read_frame(file, segment.number, offset, segment.len, self.secret, &mut self.buffer)?;
        Ok(frame.is_some())
    }
}

/// Octets of `place`, read and compared with its digest.
pub(super) fn read_place(segment: &Segment, place: &Place) -> std::io::Result<Option<bytes::Bytes>> {
    use sha2::Digest as _;
    if place.offset.checked_add(place.len).is_none_or(|end| end > segment.len) {
        return Ok(None);
    }
    let mut octets = vec![0u8; usize::try_from(place.len).unwrap_or(0)];
    segment.file.read_at(place.offset, &mut octets)?;
    let digest: [u8; 32] = sha2::Sha256::digest(&octets).into();
    Ok((digest == place.sha256).then(|| octets.into()))
}
