//! Who owns what: shards, members, owner rows with epochs, and the fence that every writing transaction reads.
//!
//! A row `shard → (owner, incarnation, epoch)` decides who may write for a shard. A node that was replaced cannot
//! commit, whatever it believes, because its transactions read that row. With one member — a node on the embedded
//! store — the same rows, epochs and fences are used; there is no second code path.
#![forbid(unsafe_code)]

mod meta;
mod owner;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mmsc_ports::Ports;
use mmsc_store::{OperationId, Store, StoreError, TransactError, Txn};

pub use meta::Meta;
pub use owner::{FenceLost, Owner};

/// How this node takes part.
#[derive(Clone, Debug)]
pub struct RingConfig {
    /// Its name, unique in the cluster.
    pub node: String,
    /// How many shards a new store gets; an existing store keeps its number.
    pub shards: u16,
}

impl Default for RingConfig {
    fn default() -> Self {
        Self {
            node: "node-1".to_owned(),
            shards: DEFAULT_SHARDS,
        }
    }
}

/// Shards of a new store.
pub const DEFAULT_SHARDS: u16 = 1024;

/// Why a node cannot take part.
#[derive(Debug, thiserror::Error)]
pub enum RingError {
    /// The store cannot be read or written.
    #[error("the store: {0}")]
    Store(#[from] TransactError<StoreError>),
    /// The store was written by a newer release.
    #[error("the store is at feature level {found}; this release knows levels up to {known}")]
    TooNew {
        /// Level in the store.
        found: u32,
        /// Highest level known here.
        known: u32,
    },
    /// A row of the ring cannot be decoded.
    #[error("a row of the ring cannot be read: {0}")]
    Unreadable(String),
}

/// The right to write for one shard, as of one epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fence {
    /// The shard.
    pub shard: u16,
    /// The epoch under which it was taken.
    pub epoch: u64,
}

impl Fence {
    /// Reads the owner row inside `txn`, with conflict: if the shard has changed hands, the transaction must end.
    pub async fn check(&self, txn: &Txn) -> Result<(), FenceLost> {
        let row = txn.get(owner::key(self.shard)).await.map_err(FenceLost::Store)?;
        let owner = row
            .as_deref()
            .map(Owner::decode)
            .transpose()
            .map_err(|_unreadable| FenceLost::Replaced)?;
        match owner {
            Some(owner) if owner.epoch == self.epoch => Ok(()),
            Some(_) | None => Err(FenceLost::Replaced),
        }
    }
}

/// This node's part in the cluster; cheap to clone.
#[derive(Clone)]
pub struct Ring {
    inner: Arc<Inner>,
}

struct Inner {
    node: String,
    incarnation: u64,
    shard_count: u16,
    fences: BTreeMap<u16, Fence>,
    owned: Vec<u16>,
    open: AtomicBool,
}

impl Ring {
    /// Joins: creates `(meta)` in a new store, draws an incarnation, and takes every shard with the next epoch.
    pub async fn start(config: RingConfig, store: &Store, ports: &Ports) -> Result<Self, RingError> {
        let mut drawn = [0u8; 24];
        ports.random.fill(&mut drawn);
        let (operation, rest) = drawn.split_at(16);
        let operation = OperationId(operation.try_into().unwrap_or([0; 16]));
        let incarnation = u64::from_be_bytes(rest.try_into().unwrap_or([0; 8]));
        let wanted = Meta {
            shards: config.shards,
            ..Meta::new(ports)
        };
        let meta = store
            .transact(operation, |txn| {
                let wanted = wanted.clone();
                async move { meta::read_or_create(&txn, wanted).await }
            })
            .await?
            .into_value()
            .map_err(RingError::Unreadable)?;
        if meta.feature_level > meta::FEATURE_LEVEL {
            return Err(RingError::TooNew {
                found: meta.feature_level,
                known: meta::FEATURE_LEVEL,
            });
        }
        let node = config.node;
        let fences = owner::take_all(store, ports, &node, incarnation, meta.shards).await?;
        let owned = fences.keys().copied().collect();
        let open = AtomicBool::new(true);
        Ok(Self {
            inner: Arc::new(Inner {
                node,
                incarnation,
                shard_count: meta.shards,
                fences,
                owned,
                open,
            }),
        })
    }

    /// This node's name.
    #[must_use]
    pub fn node(&self) -> &str {
        &self.inner.node
    }

    /// Drawn at this start of the process; a later start has another.
    #[must_use]
    pub fn incarnation(&self) -> u64 {
        self.inner.incarnation
    }

    /// How many shards the store has.
    #[must_use]
    pub fn shard_count(&self) -> u16 {
        self.inner.shard_count
    }

    /// The fence of a shard that this node owns.
    #[must_use]
    pub fn fence(&self, shard: u16) -> Option<Fence> {
        self.inner.fences.get(&shard).copied()
    }

    /// The shards that this node owns, in order.
    #[must_use]
    pub fn owned(&self) -> &[u16] {
        &self.inner.owned
    }

    /// Whether attempts towards the outside may start now (`false` once the node has to assume that it was replaced).
    #[must_use]
    pub fn gate_is_open(&self) -> bool {
        self.inner.open.load(Ordering::Acquire)
    }

    /// Closes the gate: a fence was found lost, so no further attempt leaves this node.
    pub fn close_gate(&self) {
        self.inner.open.store(false, Ordering::Release);
    }
}
