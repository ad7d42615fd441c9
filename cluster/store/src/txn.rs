//! A transaction: reads at one version, writes that become visible together or not at all.

use std::sync::Arc;

use bytes::Bytes;
use mmsc_ports::BoxFuture;

use crate::content::{ContentId, Holder, Staged};
use crate::error::StoreError;
use crate::key::KeyRange;

/// A key and its value.
pub type Row = (Bytes, Bytes);

/// How a range is read.
#[derive(Debug, Clone, Copy)]
pub struct RangeOptions {
    /// At most this many rows.
    pub limit: usize,
    /// From the end.
    pub reverse: bool,
    /// Without a read conflict: a newer write inside the range does not end the transaction.
    pub snapshot: bool,
}

impl Default for RangeOptions {
    fn default() -> Self {
        Self {
            limit: usize::MAX,
            reverse: false,
            snapshot: false,
        }
    }
}

/// What an engine gives for one transaction. Reads see the transaction's own writes.
pub trait TxnBackend: Send + Sync {
    /// One value; `snapshot` reads add no conflict.
    fn get<'a>(&'a self, key: &'a [u8], snapshot: bool) -> BoxFuture<'a, Result<Option<Bytes>, StoreError>>;
    /// Rows of a range in key order (or its reverse).
    fn range<'a>(&'a self, range: &'a KeyRange, options: RangeOptions) -> BoxFuture<'a, Result<Vec<Row>, StoreError>>;
    /// Writes a value. Blind: no conflict by itself.
    fn set(&self, key: Bytes, value: Bytes);
    /// Removes a key. Blind.
    fn clear(&self, key: Bytes);
    /// Removes a range. Blind.
    fn clear_range(&self, range: KeyRange);
    /// Adds to a little-endian signed 64-bit value (absent counts as 0). Blind: two adders do not conflict.
    fn atomic_add(&self, key: Bytes, by: i64);
    /// Makes the transaction conflict with newer writes in `range` although it did not read it.
    fn add_read_conflict(&self, range: KeyRange);
    /// Makes other transactions that read `range` conflict although nothing is written there.
    fn add_write_conflict(&self, range: KeyRange);
    /// Writes `value` at `prefix ‖ commit version (10 octets) ‖ suffix`: keys in commit order, without reading.
    fn set_stamped(&self, prefix: Bytes, suffix: Bytes, value: Bytes);
    /// Makes `holder` hold the staged content; its octets become durable with this transaction at the latest.
    fn adopt(&self, staged: Staged, holder: Holder);
    /// Adds a holder to content that exists (reads it with conflict, so it cannot vanish meanwhile).
    fn hold<'a>(&'a self, id: ContentId, holder: Holder) -> BoxFuture<'a, Result<(), StoreError>>;
    /// Takes a holder away; content without holders goes.
    fn release<'a>(&'a self, id: ContentId, holder: Holder) -> BoxFuture<'a, Result<(), StoreError>>;
}

/// A handle on a running transaction; cheap to clone, useless after the closure returned.
#[derive(Clone)]
pub struct Txn(pub(crate) Arc<dyn TxnBackend>);

impl Txn {
    /// Reads one value with conflict.
    pub async fn get(&self, key: impl AsRef<[u8]>) -> Result<Option<Bytes>, StoreError> {
        self.0.get(key.as_ref(), false).await
    }

    /// Reads one value without conflict.
    pub async fn get_snapshot(&self, key: impl AsRef<[u8]>) -> Result<Option<Bytes>, StoreError> {
        self.0.get(key.as_ref(), true).await
    }

    /// Reads rows of a range.
    pub async fn range(&self, range: &KeyRange, options: RangeOptions) -> Result<Vec<Row>, StoreError> {
        self.0.range(range, options).await
    }

    /// Writes a value.
    pub fn set(&self, key: impl Into<Bytes>, value: impl Into<Bytes>) {
        self.0.set(key.into(), value.into());
    }

    /// Removes a key.
    pub fn clear(&self, key: impl Into<Bytes>) {
        self.0.clear(key.into());
    }

    /// Removes a range.
    pub fn clear_range(&self, range: KeyRange) {
        self.0.clear_range(range);
    }

    /// Adds to a counter row.
    pub fn atomic_add(&self, key: impl Into<Bytes>, by: i64) {
        self.0.atomic_add(key.into(), by);
    }

    /// Conflicts with newer writes in `range`.
    pub fn add_read_conflict(&self, range: KeyRange) {
        self.0.add_read_conflict(range);
    }

    /// Makes readers of `range` conflict with this transaction.
    pub fn add_write_conflict(&self, range: KeyRange) {
        self.0.add_write_conflict(range);
    }

    /// Writes at a key in commit order.
    pub fn set_stamped(&self, prefix: impl Into<Bytes>, suffix: impl Into<Bytes>, value: impl Into<Bytes>) {
        self.0.set_stamped(prefix.into(), suffix.into(), value.into());
    }

    /// Takes staged content over.
    pub fn adopt(&self, staged: Staged, holder: Holder) {
        self.0.adopt(staged, holder);
    }

    /// Adds a holder to existing content.
    pub async fn hold(&self, id: ContentId, holder: Holder) -> Result<(), StoreError> {
        self.0.hold(id, holder).await
    }

    /// Takes a holder away.
    pub async fn release(&self, id: ContentId, holder: Holder) -> Result<(), StoreError> {
        self.0.release(id, holder).await
    }
}
