//! What every actor of the tree shares.

use std::sync::atomic::{AtomicU32, AtomicU64};
use std::sync::{Arc, OnceLock};

use mmsc_domain::policy::ServicePolicy;
use mmsc_domain::{Address, MmId, ShardId, UnixMillis};
use mmsc_ports::Ports;
use mmsc_ring::{Fence, FenceLost, Ring};
use mmsc_store::{OperationId, Store, StoreError};

use crate::absent::Absent;
use crate::admission::Admission;
use crate::api::Busy;
use crate::fan_outs::FanOuts;
use crate::keys::Entity;
use crate::metrics::Metrics;
use crate::port::{Bearer, Gate, Screening};
use crate::rates::Rates;
use crate::tree::{AtDueWork, Parked, Router, Waking};

/// The surroundings of the tree.
pub struct Context {
    pub policy: ServicePolicy,
    pub store: Store,
    pub ring: Ring,
    pub ports: Ports,
    pub metrics: Arc<Metrics>,
    pub admission: Arc<Admission>,
    pub screening: Arc<dyn Screening>,
    pub bearer: OnceLock<Arc<dyn Bearer>>,
    pub router: Router,
    pub absent: Absent,
    /// How fast subscribers may send.
    pub rates: Rates,
    /// How often the same content was submitted.
    pub fan_outs: FanOuts,
    /// How fast they may be told.
    pub paces: Rates,
    pub parked: Parked,
    pub at_due_work: AtDueWork,
    /// Times that some destination came up. A row that begins to wait looks whether one did meanwhile.
    pub ups: AtomicU64,
    pub waking: Waking,
    /// Orders event chain rows that are written within one millisecond.
    pub chain_rows: AtomicU32,
    pub max_live: usize,
}

impl Context {
    /// Wall time as the domain counts it.
    pub fn now(&self) -> UnixMillis {
        UnixMillis(self.ports.clock.now().0)
    }

    /// A fresh operation id.
    pub fn operation(&self) -> OperationId {
        OperationId(self.random())
    }

    /// Random octets.
    pub fn random<const N: usize>(&self) -> [u8; N] {
        let mut octets = [0u8; N];
        self.ports.random.fill(&mut octets);
        octets
    }

    /// A random number.
    pub fn random_u32(&self) -> u32 {
        u32::from_be_bytes(self.random())
    }

    /// The shard of a subscriber.
    pub fn shard_of(&self, address: &Address) -> u16 {
        address.shard(self.ring.shard_count()).0
    }

    /// The shard of an entity.
    pub fn shard_of_entity(&self, entity: &Entity) -> u16 {
        match entity {
            Entity::Mm(id) => id.shard().0,
            Entity::Subscriber(address) => self.shard_of(address),
        }
    }

    /// A new id in a shard of this node, with its fence; none if the node owns no shard.
    pub fn mint(&self) -> Option<(MmId, Fence)> {
        let owned = self.ring.owned();
        let at = self.ports.random.below(u32::try_from(owned.len()).ok()?);
        let shard = *owned.get(usize::try_from(at).ok()?)?;
        let fence = self.ring.fence(shard)?;
        Some((MmId::mint(ShardId(shard), self.now(), self.random()), fence))
    }

    /// Asked before octets of an attempt leave.
    pub fn gate(&self) -> Gate {
        let ring = self.ring.clone();
        Gate(Arc::new(move || ring.gate_is_open()))
    }
}

/// Why a transaction of the tree ended without a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// The shard has changed hands.
    FenceLost,
    /// A record cannot be decoded; its key.
    Unreadable(bytes::Bytes),
    /// The store.
    Store(StoreError),
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<FenceLost> for Stop {
    fn from(lost: FenceLost) -> Self {
        match lost {
            FenceLost::Replaced => Self::FenceLost,
            FenceLost::Store(error) => Self::Store(error),
        }
    }
}

impl std::fmt::Display for Stop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::FenceLost => f.write_str("the shard has changed hands"),
            Self::Unreadable(_) => f.write_str("a record cannot be read"),
            Self::Store(error) => error.fmt(f),
        }
    }
}

/// What a failed transaction means to whoever asked.
pub fn busy(error: &mmsc_store::TransactError<Stop>) -> Busy {
    match error {
        mmsc_store::TransactError::Unknown => Busy::Unknown,
        mmsc_store::TransactError::Store(_) | mmsc_store::TransactError::Aborted(_) => Busy::Store,
    }
}
