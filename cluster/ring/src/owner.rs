//! Owner rows: `shard → (node, incarnation, epoch)`. They change only when a shard changes hands.

use std::collections::BTreeMap;

use bytes::Bytes;
use minicbor::{Decode, Encode};
use mmsc_ports::Ports;
use mmsc_store::{Key, OperationId, Store, StoreError, Txn};

use crate::{Fence, RingError};

const SPACE_OWNER: u8 = 0x11;

/// Shards taken in one transaction.
const TAKE_BATCH: usize = 256;

/// Who may write for a shard.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Owner {
    /// The node's name.
    #[n(0)]
    pub node: String,
    /// The start of its process.
    #[n(1)]
    pub incarnation: u64,
    /// Rises at every change of hands.
    #[n(2)]
    pub epoch: u64,
}

impl Owner {
    /// From its row.
    pub fn decode(row: &[u8]) -> Result<Self, minicbor::decode::Error> {
        minicbor::decode(row)
    }
}

/// Why a transaction may not commit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FenceLost {
    /// The shard has another owner or epoch now.
    #[error("the shard has changed hands")]
    Replaced,
    /// The owner row could not be read.
    #[error(transparent)]
    Store(StoreError),
}

/// The key of a shard's owner row.
pub fn key(shard: u16) -> Key {
    Key::new(SPACE_OWNER, shard)
}

/// Takes every shard with the next epoch.
pub async fn take_all(
    store: &Store,
    ports: &Ports,
    node: &str,
    incarnation: u64,
    shards: u16,
) -> Result<BTreeMap<u16, Fence>, RingError> {
    let mut fences = BTreeMap::new();
    let all: Vec<u16> = (0..shards).collect();
    for batch in all.chunks(TAKE_BATCH) {
        let mut operation = [0u8; 16];
        ports.random.fill(&mut operation);
        let taken = store
            .transact(OperationId(operation), |txn| async move {
                take(&txn, batch, node, incarnation).await
            })
            .await?
            .into_value()
            .map_err(RingError::Unreadable)?;
        fences.extend(taken.into_iter().map(|fence| (fence.shard, fence)));
    }
    Ok(fences)
}

async fn take(
    txn: &Txn,
    shards: &[u16],
    node: &str,
    incarnation: u64,
) -> Result<Result<Vec<Fence>, String>, StoreError> {
    let mut fences = Vec::with_capacity(shards.len());
    for &shard in shards {
        let row = txn.get(key(shard)).await?;
        let before = match row.as_deref().map(Owner::decode).transpose() {
            Ok(before) => before,
            Err(error) => return Ok(Err(error.to_string())),
        };
        let epoch = before.map_or(1, |owner| owner.epoch.saturating_add(1));
        let owner = Owner {
            node: node.to_owned(),
            incarnation,
            epoch,
        };
        match minicbor::to_vec(&owner) {
            Ok(octets) => txn.set(key(shard), Bytes::from(octets)),
            Err(error) => return Ok(Err(error.to_string())),
        }
        fences.push(Fence { shard, epoch });
    }
    Ok(Ok(fences))
}
