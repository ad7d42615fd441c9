//! The supervised tree: one actor per owned shard, and below it the entities that have something to do now.

mod entities;
mod found;
mod scan;
mod shard;
mod shelf;
mod supervisor;

use std::sync::{Arc, OnceLock, RwLock};

use mmsc_domain::inbox::InboxRow;
use mmsc_domain::{Address, MmId};
use ractor::ActorRef;

use crate::context::Context;
use crate::keys::{Entity, ItemKey};
use crate::mm::{MmMessage, Work};
use crate::subscriber::SubscriberMessage;

pub use found::{may_be_repeated_at_once, start_found};
pub use scan::{AtDueWork, Waking, destination_up, start_scan};
pub use shard::ShardMessage;
pub use shelf::{Parked, ShelfEntry, list as list_shelf, release as release_from_shelf, set_aside};
pub use supervisor::{RelaySupervisor, RelaySupervisorMessage, SupervisorArguments};

/// A hint to another entity that the store has something for it. May be lost: due work finds the row.
#[derive(Debug)]
pub enum Poke {
    /// A row was put into a subscriber's inbox; attempt 1 is recorded and may be used by this poke alone.
    Told {
        /// Whose inbox.
        address: Address,
        /// Which row.
        item: ItemKey,
        /// The row.
        row: Box<InboxRow>,
    },
    /// A row was taken out of a subscriber's inbox.
    Cleared {
        /// Whose inbox.
        address: Address,
        /// Which row.
        item: ItemKey,
    },
    /// An MM has work that goes on.
    Mm {
        /// Which.
        id: MmId,
    },
    /// A row was put into an MM's inbox.
    MmInbox {
        /// Which row.
        item: ItemKey,
    },
}

/// Where the shards' mailboxes are.
#[derive(Default)]
pub struct Router {
    shards: RwLock<std::collections::BTreeMap<u16, ActorRef<ShardMessage>>>,
    supervisor: OnceLock<ActorRef<RelaySupervisorMessage>>,
}

impl Router {
    /// Registers a shard's actor, also after a restart.
    pub fn set(&self, shard: u16, actor: ActorRef<ShardMessage>) {
        self.shards
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .insert(shard, actor);
    }

    /// Sends to a shard; false if it is not served here now (the message is dropped).
    pub fn send(&self, shard: u16, message: ShardMessage) -> bool {
        let shards = self.shards.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        shards.get(&shard).is_some_and(|actor| actor.cast(message).is_ok())
    }

    /// Sends to an MM.
    pub fn mm(&self, id: MmId, message: MmMessage) -> bool {
        self.send(id.shard().0, ShardMessage::Mm(id, message))
    }

    /// Sends to a subscriber, whose shard is given.
    pub fn subscriber(&self, shard: u16, address: Address, message: SubscriberMessage) -> bool {
        self.send(shard, ShardMessage::Subscriber(address, message))
    }

    /// Remembers the supervisor, for draining.
    pub fn set_supervisor(&self, supervisor: ActorRef<RelaySupervisorMessage>) {
        let _set_once = self.supervisor.set(supervisor);
    }

    /// Tells every shard the same.
    pub fn broadcast(&self, make: impl Fn() -> ShardMessage) {
        let shards = self.shards.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        for actor in shards.values() {
            let _shard_gone = actor.cast(make());
        }
    }

    /// Ends the tree.
    pub fn stop(&self) {
        if let Some(supervisor) = self.supervisor.get() {
            supervisor.stop(Some("drained".to_owned()));
        }
    }
}

/// Does what a committed transaction wanted done.
pub fn carry_out(ctx: &Context, after: crate::mm::After) {
    for how in after.finals {
        ctx.metrics.count_final(how);
    }
    ctx.metrics.illegal.add(after.illegal);
    ctx.metrics.not_stored.add(after.not_stored);
    for poke in after.pokes {
        send_poke(ctx, poke);
    }
}

/// Sends a hint, unless too much is live already.
pub fn send_poke(ctx: &Context, poke: Poke) {
    if live_is_full(ctx) {
        ctx.metrics.pokes_dropped.increment();
        return;
    }
    let _unserved = match poke {
        Poke::Told { address, item, row } => {
            let message = SubscriberMessage::Told { item, row };
            ctx.router.subscriber(ctx.shard_of(&address), address, message)
        }
        Poke::Cleared { address, item } => ctx
            .router
            .send(ctx.shard_of(&address), ShardMessage::Cleared(address, item)),
        Poke::Mm { id } => {
            let work = Work::Continue(crate::mm::Scope::Expand);
            ctx.router.mm(id, MmMessage::Work(work, crate::mm::Reply::None, None))
        }
        Poke::MmInbox { item } => {
            let work = Work::Inbox { item };
            ctx.router
                .mm(item.id.mm, MmMessage::Work(work, crate::mm::Reply::None, None))
        }
    };
}

/// As many actors live as a node bears.
pub fn live_is_full(ctx: &Context) -> bool {
    usize::try_from(ctx.metrics.live.value()).unwrap_or(0) >= ctx.max_live
}

/// The entity's name in logs: message ids as they are, numbers masked.
pub fn log_name(entity: &Entity) -> String {
    match entity {
        Entity::Mm(id) => id.to_string(),
        Entity::Subscriber(address) => address.masked(),
    }
}

/// Shared by everything below the supervisor.
pub type Shared = Arc<Context>;
