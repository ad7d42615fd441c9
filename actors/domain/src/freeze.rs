//! Long recipient lists: frozen in one transaction, expanded in many (design §3.6, consistency rule 12).

use minicbor::{Decode, Encode};

use crate::id::CopyIndex;
use crate::record::Recipient;

/// The largest chunk in octets; below the store's limit for one value.
pub const MAX_CHUNK_BYTES: usize = 64 * 1024;

/// Room for a chunk's frame: map, keys, index and the array's length.
const FRAME_BYTES: usize = 32;

/// A piece of a frozen list, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrozenChunk {
    /// The copy of its first recipient: names the chunk within its list.
    pub first: CopyIndex,
    /// Recipients in it.
    pub count: u32,
    /// Its CBOR, at most [`MAX_CHUNK_BYTES`].
    pub octets: Vec<u8>,
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct Chunk {
    #[n(0)]
    first: CopyIndex,
    #[n(1)]
    recipients: Vec<Recipient>,
}

/// A chunk that cannot be read: the store gave us something that we did not write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum FrozenError {
    /// Not the CBOR of a chunk.
    #[error("a frozen recipient chunk cannot be decoded")]
    Undecodable,
    /// The cursor does not stand in this chunk.
    #[error("the cursor does not stand in this chunk")]
    WrongChunk,
}

/// Cuts a list, already unique and in its final order, into chunks. One recipient never exceeds a chunk, because an
/// address is limited ([`crate::address::MAX_ADDRESS_BYTES`]).
#[must_use]
pub fn freeze(recipients: &[Recipient]) -> Vec<FrozenChunk> {
    let mut chunks = Vec::new();
    let (mut first, mut size, mut waiting) = (0_u32, FRAME_BYTES, Vec::new());
    for recipient in recipients {
        let len = encoded(recipient).len();
        if size + len > MAX_CHUNK_BYTES && !waiting.is_empty() {
            let chunk = chunk(first, std::mem::take(&mut waiting));
            first += chunk.count;
            size = FRAME_BYTES;
            chunks.push(chunk);
        }
        size += len;
        waiting.push(recipient.clone());
    }
    if !waiting.is_empty() {
        chunks.push(chunk(first, waiting));
    }
    chunks
}

/// Up to `limit` recipients of a chunk from copy `cursor` on, with their copies. Fewer than `limit` means that the
/// chunk ends there; the next one begins at the following copy.
///
/// # Errors
/// The octets are no chunk, or the cursor stands elsewhere.
pub fn thaw(octets: &[u8], cursor: CopyIndex, limit: usize) -> Result<Vec<(CopyIndex, Recipient)>, FrozenError> {
    let chunk: Chunk = minicbor::decode(octets).map_err(|_| FrozenError::Undecodable)?;
    let skip = cursor.0.checked_sub(chunk.first.0).ok_or(FrozenError::WrongChunk)?;
    let skip = usize::try_from(skip).map_err(|_| FrozenError::WrongChunk)?;
    if skip >= chunk.recipients.len() {
        return Err(FrozenError::WrongChunk);
    }
    Ok((cursor.0..)
        .map(CopyIndex)
        .zip(chunk.recipients.into_iter().skip(skip).take(limit))
        .collect())
}

fn chunk(first: u32, recipients: Vec<Recipient>) -> FrozenChunk {
    let count = u32::try_from(recipients.len()).unwrap_or(u32::MAX);
    let first = CopyIndex(first);
    FrozenChunk {
        first,
        count,
        octets: encoded(&Chunk { first, recipients }),
    }
}

fn encoded(value: &impl Encode<()>) -> Vec<u8> {
    let mut octets = Vec::new();
    // Writing into a Vec cannot fail.
    let _ = minicbor::encode(value, &mut octets);
    octets
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::Address;
    use crate::record::RecipientKind;

    fn list(count: u32, padding: usize) -> Vec<Recipient> {
        (0..count)
            .map(|n| Recipient {
                kind: RecipientKind::To,
                address: Address::Email(format!("{}{n}@x.example", "a".repeat(padding))),
            })
            .collect()
    }

    fn thaw_all(chunks: &[FrozenChunk], limit: usize) -> Vec<Recipient> {
        let mut found = Vec::new();
        for chunk in chunks {
            let end = chunk.first.0 + chunk.count;
            let mut cursor = chunk.first;
            while cursor.0 < end {
                let page = thaw(&chunk.octets, cursor, limit).unwrap();
                assert_eq!(page.first().unwrap().0, cursor);
                cursor = CopyIndex(page.last().unwrap().0.0 + 1);
                found.extend(page.into_iter().map(|(_, recipient)| recipient));
            }
        }
        found
    }

    #[test]
    fn what_was_frozen_is_thawed_page_by_page() {
        for (count, padding, limit) in [(1, 1, 100), (5000, 1, 100), (10_000, 250, 97), (101, 10, 1000)] {
            let list = list(count, padding);
            let chunks = freeze(&list);
            assert!(chunks.iter().all(|chunk| chunk.octets.len() <= MAX_CHUNK_BYTES));
            assert_eq!(thaw_all(&chunks, limit), list);
        }
        assert!(freeze(&[]).is_empty());
    }

    #[test]
    fn chunks_are_filled() {
        let chunks = freeze(&list(10_000, 250));
        assert!(
            chunks
                .iter()
                .rev()
                .skip(1)
                .all(|chunk| chunk.octets.len() > MAX_CHUNK_BYTES - 400)
        );
    }

    #[test]
    fn a_cursor_that_stands_elsewhere_is_an_error() {
        let chunks = freeze(&list(5000, 100));
        let second = chunks.get(1).unwrap();
        assert_eq!(thaw(&second.octets, CopyIndex(0), 10), Err(FrozenError::WrongChunk));
        let end = CopyIndex(second.first.0 + second.count);
        assert_eq!(thaw(&second.octets, end, 10), Err(FrozenError::WrongChunk));
        assert_eq!(thaw(&[0xFF, 0x00], CopyIndex(0), 10), Err(FrozenError::Undecodable));
    }
}
