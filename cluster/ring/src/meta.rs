//! The `(meta)` row: what was chosen once for a store.

use bytes::Bytes;
use minicbor::{Decode, Encode};
use mmsc_ports::Ports;
use mmsc_store::{Key, StoreError, Txn};

/// The newest set of records and rows that this release writes.
pub const FEATURE_LEVEL: u32 = 1;

/// Version of address canonicalisation and of the shard hash.
pub const HASH_VERSION: u32 = 1;

const SPACE_META: u8 = 0x10;

/// What was chosen once.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Meta {
    /// Names the cluster.
    #[n(0)]
    #[cbor(with = "minicbor::bytes")]
    pub cluster_id: [u8; 16],
    /// Number of logical shards.
    #[n(1)]
    pub shards: u16,
    /// Level up to which records may use new fields.
    #[n(2)]
    pub feature_level: u32,
    /// Version of the address hash.
    #[n(3)]
    pub hash_version: u32,
}

impl Meta {
    /// For a new store.
    #[must_use]
    pub fn new(ports: &Ports) -> Self {
        let mut cluster_id = [0u8; 16];
        ports.random.fill(&mut cluster_id);
        Self {
            cluster_id,
            shards: crate::DEFAULT_SHARDS,
            feature_level: FEATURE_LEVEL,
            hash_version: HASH_VERSION,
        }
    }
}

/// The store's `(meta)`, or `wanted` written as such. The inner error is a row that cannot be decoded.
pub async fn read_or_create(txn: &Txn, wanted: Meta) -> Result<Result<Meta, String>, StoreError> {
    let key = Key::new(SPACE_META, 0);
    if let Some(row) = txn.get(&key).await? {
        return Ok(minicbor::decode(&row).map_err(|error| error.to_string()));
    }
    match minicbor::to_vec(&wanted) {
        Ok(row) => {
            txn.set(key, Bytes::from(row));
            Ok(Ok(wanted))
        }
        Err(error) => Ok(Err(error.to_string())),
    }
}
