//! What a transaction asks for, what the log records of it, and the octets between the two.

use bytes::Bytes;

use crate::content::{ContentId, Digest, Holder};
use crate::key::KeyRange;

/// Where a content's octets stand: known to the store alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) segment: u64,
    pub(super) offset: u64,
    pub(super) len: u64,
    pub(super) sha256: Digest,
}

/// Octets of a place row.
pub(super) const PLACE_LEN: usize = 56;

impl Place {
    pub(super) fn encode(&self) -> [u8; PLACE_LEN] {
        let mut out = [0u8; PLACE_LEN];
        let parts = [self.segment, self.offset, self.len].map(u64::to_be_bytes);
        let octets = parts.iter().flatten().chain(self.sha256.iter());
        for (to, from) in out.iter_mut().zip(octets) {
            *to = *from;
        }
        out
    }

    pub(super) fn decode(octets: &[u8]) -> Option<Self> {
        let mut reader = Reader(octets);
        let place = Self {
            segment: reader.u64()?,
            offset: reader.u64()?,
            len: reader.u64()?,
            sha256: reader.array()?,
        };
        reader.0.is_empty().then_some(place)
    }
}

/// What a transaction asks for, in order.
#[derive(Debug, Clone)]
pub(super) enum Write {
    Set {
        key: Bytes,
        value: Bytes,
    },
    Clear {
        key: Bytes,
    },
    ClearRange {
        range: KeyRange,
    },
    Add {
        key: Bytes,
        by: i64,
    },
    Stamped {
        prefix: Bytes,
        suffix: Bytes,
        value: Bytes,
    },
    Adopt {
        id: ContentId,
        octets: Bytes,
        sha256: Digest,
    },
    Hold {
        id: ContentId,
        holder: Holder,
    },
    LetGo {
        id: ContentId,
        holder: Holder,
    },
    Drop {
        id: ContentId,
    },
    Move {
        id: ContentId,
        from: Place,
        octets: Bytes,
    },
}

/// What the log records and the index applies: versions and places are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Change {
    Set {
        key: Bytes,
        value: Bytes,
    },
    Clear {
        key: Bytes,
    },
    ClearRange {
        range: KeyRange,
    },
    Add {
        key: Bytes,
        by: i64,
    },
    Place {
        id: ContentId,
        place: Place,
    },
    Hold {
        id: ContentId,
        holder: Holder,
    },
    LetGo {
        id: ContentId,
        holder: Holder,
    },
    Drop {
        id: ContentId,
    },
    /// Takes effect only where the place row still names the place that the octets were copied from.
    Move {
        id: ContentId,
        from: (u64, u64),
        place: Place,
    },
}

const SET: u8 = 1;
const CLEAR: u8 = 2;
const CLEAR_RANGE: u8 = 3;
const ADD: u8 = 4;
const PLACE: u8 = 5;
const HOLD: u8 = 6;
const LET_GO: u8 = 7;
const DROP: u8 = 8;
const MOVE: u8 = 9;

/// Upper bound of the octets that one write takes in the log beside its keys, values and content.
pub(super) const WRITE_OVERHEAD: usize = 96;

impl Change {
    /// Orders changes of different keys; those of one key (or one content) are equal.
    pub(super) fn sort_key(&self) -> (u8, &[u8]) {
        match self {
            Self::Set { key, .. } | Self::Clear { key } | Self::Add { key, .. } => (0, key),
            Self::ClearRange { range } => (0, &range.start),
            Self::Place { id, .. }
            | Self::Hold { id, .. }
            | Self::LetGo { id, .. }
            | Self::Drop { id }
            | Self::Move { id, .. } => (1, &id.0),
        }
    }

    /// Appends the change; places are written relative to `base`, where the frame's content begins.
    pub(super) fn encode(&self, base: u64, out: &mut Vec<u8>) {
        match self {
            Self::Set { key, value } => {
                out.push(SET);
                put(out, key);
                put(out, value);
            }
            Self::Clear { key } => {
                out.push(CLEAR);
                put(out, key);
            }
            Self::ClearRange { range } => {
                out.push(CLEAR_RANGE);
                put(out, &range.start);
                put(out, &range.end);
            }
            Self::Add { key, by } => {
                out.push(ADD);
                put(out, key);
                out.extend_from_slice(&by.to_be_bytes());
            }
            Self::Place { id, place } => {
                out.push(PLACE);
                out.extend_from_slice(&id.0);
                put_place(out, place, base);
            }
            Self::Hold { id, holder } | Self::LetGo { id, holder } => {
                out.push(if matches!(self, Self::Hold { .. }) {
                    HOLD
                } else {
                    LET_GO
                });
                out.extend_from_slice(&id.0);
                put(out, &holder.0);
            }
            Self::Drop { id } => {
                out.push(DROP);
                out.extend_from_slice(&id.0);
            }
            Self::Move { id, from, place } => {
                out.push(MOVE);
                out.extend_from_slice(&id.0);
                out.extend_from_slice(&from.0.to_be_bytes());
                out.extend_from_slice(&from.1.to_be_bytes());
                put_place(out, place, base);
            }
        }
    }

    /// Reads one change back. `None` means that it was not written by [`Change::encode`].
    pub(super) fn decode(reader: &mut Reader<'_>, segment: u64, base: u64) -> Option<Self> {
        Some(match reader.u8()? {
            SET => Self::Set {
                key: reader.bytes()?,
                value: reader.bytes()?,
            },
            CLEAR => Self::Clear { key: reader.bytes()? },
            CLEAR_RANGE => Self::ClearRange {
                range: KeyRange::new(reader.bytes()?, reader.bytes()?),
            },
            ADD => Self::Add {
                key: reader.bytes()?,
                by: i64::from_be_bytes(reader.array()?),
            },
            PLACE => Self::Place {
                id: ContentId(reader.array()?),
                place: reader.place(segment, base)?,
            },
            HOLD => Self::Hold {
                id: ContentId(reader.array()?),
                holder: Holder(reader.bytes()?),
            },
            LET_GO => Self::LetGo {
                id: ContentId(reader.array()?),
                holder: Holder(reader.bytes()?),
            },
            DROP => Self::Drop {
                id: ContentId(reader.array()?),
            },
            MOVE => Self::Move {
                id: ContentId(reader.array()?),
                from: (reader.u64()?, reader.u64()?),
                place: reader.place(segment, base)?,
            },
            _ => return None,
        })
    }
}

fn put(out: &mut Vec<u8>, octets: &[u8]) {
    // Keys and values are limited long before 4 GiB.
    let len = u32::try_from(octets.len()).unwrap_or(u32::MAX);
    out.extend_from_slice(&len.to_be_bytes());
    out.extend_from_slice(octets);
}

fn put_place(out: &mut Vec<u8>, place: &Place, base: u64) {
    out.extend_from_slice(&place.offset.saturating_sub(base).to_be_bytes());
    out.extend_from_slice(&place.len.to_be_bytes());
    out.extend_from_slice(&place.sha256);
}

/// Takes octets off the front.
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.0.split_at_checked(len)?;
        self.0 = tail;
        Some(head)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        self.array().map(u8::from_be_bytes)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    fn bytes(&mut self) -> Option<Bytes> {
        let len = usize::try_from(self.u32()?).ok()?;
        self.take(len).map(Bytes::copy_from_slice)
    }

    fn place(&mut self, segment: u64, base: u64) -> Option<Place> {
        Some(Place {
            segment,
            offset: self.u64()?.checked_add(base)?,
            len: self.u64()?,
            sha256: self.array()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_change_comes_back_as_it_was_written() {
        let id = ContentId([7; 16]);
        let holder = Holder(Bytes::from_static(b"mm"));
        let place = Place {
            segment: 3,
            offset: 9000,
            len: 12,
            sha256: [5; 32],
        };
        let (key, value) = (Bytes::from_static(b"k"), Bytes::from_static(b""));
        let changes = vec![
            Change::Set {
                key: key.clone(),
                value,
            },
            Change::Clear { key: key.clone() },
            Change::ClearRange {
                range: KeyRange::prefix(b"k"),
            },
            Change::Add { key, by: -2 },
            Change::Place { id, place },
            Change::Hold {
                id,
                holder: holder.clone(),
            },
            Change::LetGo { id, holder },
            Change::Drop { id },
            Change::Move {
                id,
                from: (1, 4096),
                place,
            },
        ];
        let mut octets = Vec::new();
        for change in &changes {
            change.encode(8192, &mut octets);
        }
        let mut reader = Reader(&octets);
        for change in &changes {
            assert_eq!(Change::decode(&mut reader, 3, 8192).as_ref(), Some(change));
        }
        assert!(reader.0.is_empty());
        for end in 0..octets.len() {
            let mut reader = Reader(&octets[..end]);
            let whole = std::iter::from_fn(|| Change::decode(&mut reader, 3, 8192)).count();
            assert!(whole < changes.len());
        }
        assert_eq!(Place::decode(&place.encode()), Some(place));
        assert_eq!(Place::decode(&place.encode()[1..]), None);
    }
}
