//! A frame: what one append and one sync make durable. The module [`super`] describes its place in the log.

use std::io;

use bytes::Bytes;
use mmsc_ports::disk::{AlignedBuf, BLOCK, DiskFile};

use super::change::{Change, Place, Reader, Write};
use super::meta::Secret;

/// Octets of a frame's header.
pub(super) const HEADER: usize = 80;
const CRC_AT: usize = 16;
const CRC_END: usize = 20;
const FORMAT: u16 = 1;

/// A frame's header. The checksum covers everything after itself up to the padding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) segment: u64,
    pub(super) offset: u64,
    pub(super) version: u64,
    /// Header, rows, content and padding.
    pub(super) frame_len: u64,
    pub(super) rows_len: u64,
    pub(super) content_len: u64,
    pub(super) commits: u32,
}

impl Header {
    fn encode(&self, secret: &Secret) -> [u8; HEADER] {
        let mut octets = Vec::with_capacity(HEADER);
        octets.extend_from_slice(secret.magic());
        octets.extend_from_slice(&[0; 4]);
        octets.extend_from_slice(&FORMAT.to_be_bytes());
        octets.extend_from_slice(&[0; 2]);
        for part in [
            self.segment,
            self.offset,
            self.version,
            self.frame_len,
            self.rows_len,
            self.content_len,
        ] {
            octets.extend_from_slice(&part.to_be_bytes());
        }
        octets.extend_from_slice(&self.commits.to_be_bytes());
        let mut out = [0; HEADER];
        out.iter_mut().zip(octets).for_each(|(to, from)| *to = from);
        out
    }

    /// The header and its checksum, if these octets begin one of this store's frames.
    fn decode(octets: &[u8], secret: &Secret) -> Option<(Self, u32)> {
        let mut reader = Reader(octets);
        let magic: [u8; 16] = reader.array()?;
        let crc = reader.u32()?;
        let format = u16::from_be_bytes(reader.array()?);
        reader.take(2)?;
        let header = Self {
            segment: reader.u64()?,
            offset: reader.u64()?,
            version: reader.u64()?,
            frame_len: reader.u64()?,
            rows_len: reader.u64()?,
            content_len: reader.u64()?,
            commits: reader.u32()?,
        };
        (&magic == secret.magic() && format == FORMAT).then_some((header, crc))
    }

    fn payload_len(&self) -> Option<u64> {
        self.rows_len.checked_add(self.content_len)?.checked_add(HEADER as u64)
    }

    /// Whether this header can stand at `offset` of `segment`, which has `segment_len` octets.
    fn fits(&self, segment: u64, offset: u64, segment_len: u64) -> bool {
        let padded = self
            .payload_len()
            .and_then(|len| len.checked_next_multiple_of(BLOCK as u64));
        let end = offset.checked_add(self.frame_len);
        self.segment == segment
            && self.offset == offset
            && padded == Some(self.frame_len)
            && end.is_some_and(|end| end <= segment_len)
    }
}

fn checksum(secret: &Secret, after_crc: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(secret.seed());
    hasher.update(after_crc);
    hasher.finalize()
}

/// Gathers the transactions of one frame.
#[derive(Debug)]
pub(super) struct FrameBuilder {
    version: u64,
    commits: u32,
    /// Changes of all transactions in order; places count from the start of the frame's content.
    changes: Vec<Change>,
    contents: Vec<Bytes>,
    content_len: u64,
    rows: Vec<u8>,
}

impl FrameBuilder {
    pub(super) fn new(version: u64) -> Self {
        Self {
            version,
            commits: 0,
            changes: Vec::new(),
            contents: Vec::new(),
            content_len: 0,
            rows: Vec::new(),
        }
    }

    /// The ten octets that stand for the next transaction's version in a stamped key.
    pub(super) fn stamp(&self) -> [u8; 10] {
        let mut stamp = [0; 10];
        let index = u16::try_from(self.commits).unwrap_or(u16::MAX);
        let octets = self.version.to_be_bytes().into_iter().chain(index.to_be_bytes());
        stamp.iter_mut().zip(octets).for_each(|(to, from)| *to = from);
        stamp
    }

    /// Adds one transaction.
    pub(super) fn add(&mut self, writes: Vec<Write>) {
        let stamp = self.stamp();
        for write in writes {
            let change = self.change(write, &stamp);
            change.encode(0, &mut self.rows);
            self.changes.push(change);
        }
        self.commits += 1;
    }

    fn change(&mut self, write: Write, stamp: &[u8; 10]) -> Change {
        match write {
            Write::Set { key, value } => Change::Set { key, value },
            Write::Clear { key } => Change::Clear { key },
            Write::ClearRange { range } => Change::ClearRange { range },
            Write::Add { key, by } => Change::Add { key, by },
            Write::Stamped { prefix, suffix, value } => Change::Set {
                key: stamped_key(&prefix, stamp, &suffix),
                value,
            },
            Write::Hold { id, holder } => Change::Hold { id, holder },
            Write::LetGo { id, holder } => Change::LetGo { id, holder },
            Write::Drop { id } => Change::Drop { id },
            Write::Adopt { id, octets, sha256 } => Change::Place {
                id,
                place: self.place(octets, sha256),
            },
            Write::Move { id, from, octets } => Change::Move {
                id,
                from: (from.segment, from.offset),
                place: self.place(octets, from.sha256),
            },
        }
    }

    fn place(&mut self, octets: Bytes, sha256: [u8; 32]) -> Place {
        let place = Place {
            segment: 0,
            offset: self.content_len,
            len: octets.len() as u64,
            sha256,
        };
        self.content_len += octets.len() as u64;
        self.contents.push(octets);
        place
    }

    /// Octets that the frame takes in its segment.
    pub(super) fn frame_len(&self) -> u64 {
        (HEADER as u64 + self.rows.len() as u64 + self.content_len).next_multiple_of(BLOCK as u64)
    }

    /// Writes the frame for `offset` of `segment` into `out` and gives its changes with their final places.
    pub(super) fn finish(mut self, segment: u64, offset: u64, secret: &Secret, out: &mut AlignedBuf) -> Vec<Change> {
        let header = Header {
            segment,
            offset,
            version: self.version,
            frame_len: self.frame_len(),
            rows_len: self.rows.len() as u64,
            content_len: self.content_len,
            commits: self.commits,
        };
        out.clear();
        out.extend_from_slice(&header.encode(secret));
        out.extend_from_slice(&self.rows);
        for octets in &self.contents {
            out.extend_from_slice(octets);
        }
        let crc = checksum(secret, out.as_slice().get(CRC_END..).unwrap_or_default());
        if let Some(field) = out.as_mut_slice().get_mut(CRC_AT..CRC_END) {
            field.copy_from_slice(&crc.to_be_bytes());
        }
        out.resize(usize::try_from(header.frame_len).unwrap_or(usize::MAX));
        let base = offset + HEADER as u64 + header.rows_len;
        for change in &mut self.changes {
            if let Change::Place { place, .. } | Change::Move { place, .. } = change {
                place.segment = segment;
                place.offset += base;
            }
        }
        self.changes
    }
}

pub(super) fn stamped_key(prefix: &[u8], stamp: &[u8; 10], suffix: &[u8]) -> Bytes {
    Bytes::from([prefix, stamp, suffix].concat())
}

/// A frame that was read back whole.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) header: Header,
    pub(super) changes: Vec<Change>,
    content: Bytes,
}

impl Frame {
    /// First octet after the frame.
    pub(super) fn end(&self) -> u64 {
        self.header.offset + self.header.frame_len
    }

    /// Octets of a content that stands in this frame.
    pub(super) fn content(&self, place: &Place) -> Option<Bytes> {
        let base = self.header.offset + HEADER as u64 + self.header.rows_len;
        let start = usize::try_from(place.offset.checked_sub(base)?).ok()?;
        let end = start.checked_add(usize::try_from(place.len).ok()?)?;
        (end <= self.content.len()).then(|| self.content.slice(start..end))
    }
}

/// The frame at `offset` of `segment`, or `None` where none stands that is whole. `buffer` is scratch space.
pub(super) fn read_frame(
    file: &dyn DiskFile,
    segment: u64,
    offset: u64,
    segment_len: u64,
    secret: &Secret,
    buffer: &mut AlignedBuf,
) -> io::Result<Option<Frame>> {
    let Some((header, crc)) = read_header(file, segment, offset, segment_len, secret)? else {
        return Ok(None);
    };
    let payload = header
        .payload_len()
        .and_then(|len| usize::try_from(len).ok())
        .unwrap_or(0);
    buffer.clear();
    buffer.resize(payload);
    file.read_at(offset, buffer.as_mut_slice())?;
    let octets = buffer.as_slice();
    if checksum(secret, octets.get(CRC_END..).unwrap_or_default()) != crc {
        return Ok(None);
    }
    let rows_end = HEADER.saturating_add(usize::try_from(header.rows_len).unwrap_or(usize::MAX));
    let mut reader = Reader(octets.get(HEADER..rows_end).unwrap_or_default());
    let base = offset + HEADER as u64 + header.rows_len;
    let mut changes = Vec::new();
    while !reader.0.is_empty() {
        match Change::decode(&mut reader, segment, base) {
            Some(change) => changes.push(change),
            None => return Ok(None),
        }
    }
    let content = octets.get(rows_end..).unwrap_or_default();
    Ok(Some(Frame {
        header,
        changes,
        content: Bytes::copy_from_slice(content),
    }))
}

/// A header that fits at `offset`, and the checksum that its frame must have.
pub(super) fn read_header(
    file: &dyn DiskFile,
    segment: u64,
    offset: u64,
    segment_len: u64,
    secret: &Secret,
) -> io::Result<Option<(Header, u32)>> {
    if offset.checked_add(BLOCK as u64).is_none_or(|end| end > segment_len) {
        return Ok(None);
    }
    let mut octets = [0u8; HEADER];
    file.read_at(offset, &mut octets)?;
    Ok(Header::decode(&octets, secret).filter(|(header, _)| header.fits(segment, offset, segment_len)))
}
