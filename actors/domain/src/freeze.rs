//! Long recipient lists: frozen in one transaction, expanded in many (design §3.6, consistency rule 12).

use minicbor::{Decode, Encode};

use crate::id::CopyIndex;
use crate::record::Recipient;

/// The largest chunk in octets; below the store's limit for one value.
pub const MAX_CHUNK_BYTES: usize = 64 * 1024;

/// Room for a chunk's frame: map, keys, index and the array's length.
const FRAME_BYTES: usize = 32;

#[derive(Encode, Decode)]
#[cbor(map)]
struct Chunk {
    /// The copy of its first recipient.
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
    /// The cursor stands before this chunk: one was left out.
    #[error("the cursor stands before this chunk")]
    ChunkLeftOut,
}

/// Cuts a list, already unique and in its final order, into chunks of at most [`MAX_CHUNK_BYTES`], to be stored under
/// their numbers. One recipient never exceeds a chunk, because an address is limited
/// ([`crate::address::MAX_ADDRESS_BYTES`]).
#[must_use]
pub fn freeze(recipients: &[Recipient]) -> Vec<Vec<u8>> {
    let mut chunks = Vec::new();
    let (mut first, mut size, mut waiting) = (0_u32, FRAME_BYTES, Vec::new());
    for (index, recipient) in (0_u32..).zip(recipients) {
        let len = encoded(recipient).len();
        if size + len > MAX_CHUNK_BYTES && !waiting.is_empty() {
            chunks.push(chunk(first, std::mem::take(&mut waiting)));
            (first, size) = (index, FRAME_BYTES);
        }
        size += len;
        waiting.push(recipient.clone());
    }
    if !waiting.is_empty() {
        chunks.push(chunk(first, waiting));
    }
    chunks
}

/// All recipients of a chunk.
///
/// # Errors
/// The octets are no chunk.
pub fn thaw(octets: &[u8]) -> Result<Vec<Recipient>, FrozenError> {
    decode(octets).map(|chunk| chunk.recipients)
}

/// Up to `limit` recipients of a chunk from copy `cursor` on, with their copies. Fewer than `limit` (none, if the
/// cursor is past the chunk): it goes on in the next chunk.
///
/// # Errors
/// The octets are no chunk, or the cursor stands before it.
pub fn thaw_from(octets: &[u8], cursor: CopyIndex, limit: usize) -> Result<Vec<(CopyIndex, Recipient)>, FrozenError> {
    let chunk = decode(octets)?;
    let skip = cursor
        .0
        .checked_sub(chunk.first.0)
        .and_then(|skip| usize::try_from(skip).ok())
        .ok_or(FrozenError::ChunkLeftOut)?;
    Ok((cursor.0..)
        .map(CopyIndex)
        .zip(chunk.recipients.into_iter().skip(skip).take(limit))
        .collect())
}

fn decode(octets: &[u8]) -> Result<Chunk, FrozenError> {
    minicbor::decode(octets).map_err(|_| FrozenError::Undecodable)
}

fn chunk(first: u32, recipients: Vec<Recipient>) -> Vec<u8> {
    let first = CopyIndex(first);
    encoded(&Chunk { first, recipients })
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

    fn thaw_all(chunks: &[Vec<u8>], limit: usize) -> Vec<Recipient> {
        let mut found: Vec<Recipient> = Vec::new();
        for chunk in chunks {
            loop {
                let cursor = CopyIndex(u32::try_from(found.len()).unwrap());
                let page = thaw_from(chunk, cursor, limit).unwrap();
                assert!(page.first().is_none_or(|(copy, _)| *copy == cursor));
                let short = page.len() < limit;
                found.extend(page.into_iter().map(|(_, recipient)| recipient));
                if short {
                    break;
                }
            }
        }
        found
    }

    #[test]
    fn what_was_frozen_is_thawed_page_by_page() {
        for (count, padding, limit) in [(1, 1, 100), (5000, 1, 100), (10_000, 250, 97), (101, 10, 1000)] {
            let list = list(count, padding);
            let chunks = freeze(&list);
            assert!(chunks.iter().all(|chunk| chunk.len() <= MAX_CHUNK_BYTES));
            assert_eq!(thaw_all(&chunks, limit), list);
            let whole: Vec<_> = chunks.iter().flat_map(|chunk| thaw(chunk).unwrap()).collect();
            assert_eq!(whole, list);
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
                .all(|chunk| chunk.len() > MAX_CHUNK_BYTES - 400)
        );
    }

    #[test]
    fn a_cursor_that_stands_elsewhere_is_noticed() {
        let chunks = freeze(&list(5000, 100));
        let (first, second) = (&chunks[0], &chunks[1]);
        assert_eq!(thaw_from(second, CopyIndex(0), 10), Err(FrozenError::ChunkLeftOut));
        assert_eq!(thaw_from(first, CopyIndex(4999), 10), Ok(Vec::new()));
        assert_eq!(thaw(&[0xFF, 0x00]), Err(FrozenError::Undecodable));
    }
}
