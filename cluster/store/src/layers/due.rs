//! The due index: which entity has something to do, and when. Entries are set blindly, so that setters never conflict,
//! and cleared only by a transaction that read them.
//!
//! Key: `20 ‖ shard (2) ‖ at, milliseconds (8) ‖ entity ‖ item`, entity and item each ended so that none is a prefix of
//! another. Value: empty.

use bytes::Bytes;
use mmsc_ports::UnixMillis;

use crate::error::StoreError;
use crate::key::{Key, KeyRange, split_text};
use crate::txn::{RangeOptions, Txn};

/// The space of due entries.
pub const DUE_SPACE: u8 = 0x20;

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Due {
    /// When.
    pub at: UnixMillis,
    /// Who.
    pub entity: Bytes,
    /// What, where an entity has several entries; empty otherwise.
    pub item: Bytes,
}

impl Due {
    /// An entry for a whole entity.
    pub fn new(at: UnixMillis, entity: impl Into<Bytes>) -> Self {
        Self {
            at,
            entity: entity.into(),
            item: Bytes::new(),
        }
    }

    /// An entry for one thing that an entity has to do.
    #[must_use]
    pub fn with_item(self, item: impl Into<Bytes>) -> Self {
        Self {
            item: item.into(),
            ..self
        }
    }

    /// The key of this entry in `shard`.
    #[must_use]
    pub fn key(&self, shard: u16) -> Key {
        Key::new(DUE_SPACE, shard)
            .u64(self.at.0)
            .text(&self.entity)
            .text(&self.item)
    }

    /// The entry of a key, if it is one.
    #[must_use]
    pub fn from_key(key: &[u8]) -> Option<Self> {
        let (head, rest) = key.split_at_checked(11)?;
        let (space, at) = (head.first()?, head.get(3..)?.try_into().ok()?);
        let (entity, rest) = split_text(rest)?;
        let (item, rest) = split_text(rest)?;
        (*space == DUE_SPACE && rest.is_empty()).then(|| Self {
            at: UnixMillis(u64::from_be_bytes(at)),
            entity: entity.into(),
            item: item.into(),
        })
    }
}

/// Enters `due` blindly: setting it twice is setting it once.
pub fn set(txn: &Txn, shard: u16, due: &Due) {
    txn.set(due.key(shard), Bytes::new());
}

/// Removes `due`. For a transaction that read it, or that replaces it by another entry of the same entity.
pub fn clear(txn: &Txn, shard: u16, due: &Due) {
    txn.clear(due.key(shard));
}

/// Whether `due` still stands; read with conflict.
pub async fn stands(txn: &Txn, shard: u16, due: &Due) -> Result<bool, StoreError> {
    Ok(txn.get(due.key(shard)).await?.is_some())
}

/// Entries of `shard` that are due at `now`, earliest first, at most `limit`: always from the head of the index, never
/// from a remembered time. Without conflict: whoever acts on one reads it again.
pub async fn head(txn: &Txn, shard: u16, now: UnixMillis, limit: usize) -> Result<Vec<Due>, StoreError> {
    after(txn, shard, now, None, limit).await
}

/// Like [`head`], from behind `last` on: the next page of the same look at the index.
pub async fn after(
    txn: &Txn,
    shard: u16,
    now: UnixMillis,
    last: Option<&Due>,
    limit: usize,
) -> Result<Vec<Due>, StoreError> {
    let start = last.map_or(Key::new(DUE_SPACE, shard), |last| last.key(shard).u8(0));
    let end = Key::new(DUE_SPACE, shard).u64(now.0.saturating_add(1));
    let options = RangeOptions {
        limit,
        snapshot: true,
        ..RangeOptions::default()
    };
    let rows = txn.range(&KeyRange::new(start, end), options).await?;
    Ok(rows.iter().filter_map(|(key, _)| Due::from_key(key)).collect())
}

/// When the earliest entry of `shard` is due.
pub async fn earliest(txn: &Txn, shard: u16) -> Result<Option<UnixMillis>, StoreError> {
    let options = RangeOptions {
        limit: 1,
        snapshot: true,
        ..RangeOptions::default()
    };
    let rows = txn.range(&Key::new(DUE_SPACE, shard).prefix_range(), options).await?;
    Ok(rows.first().and_then(|(key, _)| Due::from_key(key)).map(|due| due.at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_comes_back_from_its_key_whatever_octets_name_the_entity() {
        for (entity, item) in [(&b"\0\xFF\0\0"[..], &b""[..]), (b"", b"\0"), (b"mm", b"copy 3")] {
            let due = Due::new(UnixMillis(77), entity.to_vec()).with_item(item.to_vec());
            assert_eq!(Due::from_key(due.key(9).as_slice()), Some(due));
        }
        assert_eq!(Due::from_key(b"\x20\0\0"), None);
    }

    #[test]
    fn entries_stand_in_the_order_of_their_time() {
        let early = Due::new(UnixMillis(255), "z").key(1);
        let late = Due::new(UnixMillis(256), "a").key(1);
        assert!(early < late);
    }
}
