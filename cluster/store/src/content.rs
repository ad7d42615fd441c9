//! Content: octets too large for a row, named by an id, kept as long as somebody holds them.

use std::fmt;

use bytes::Bytes;

/// The SHA-256 of a content's octets.
pub type Digest = [u8; 32];

/// Names one content everywhere outside the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentId(pub [u8; 16]);

impl fmt::Display for ContentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

/// Who keeps a content alive: an MM, a mailbox entry, a variant. Opaque here, at most 64 octets.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Holder(pub Bytes);

/// Content that was handed over but that no committed transaction holds yet. Without one it is swept after
/// an hour. On the embedded engine its octets ride in the frame of the transaction that adopts it.
#[derive(Clone)]
pub struct Staged {
    /// Its id from now on.
    pub id: ContentId,
    /// Length in octets.
    pub len: u64,
    /// SHA-256 of the octets.
    pub sha256: Digest,
    pub(crate) octets: Bytes,
    /// Counts the octets against the engine's bound until the last clone is dropped.
    pub(crate) _room: Option<std::sync::Arc<dyn Send + Sync>>,
}

impl fmt::Debug for Staged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Staged")
            .field("id", &self.id)
            .field("len", &self.len)
            .finish_non_exhaustive()
    }
}
