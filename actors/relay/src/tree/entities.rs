//! The live entities of a shard. An entity is let go only when it has handled all that was sent to it: the shard
//! counts what it sends, the entity what it handled, so no message is lost between "idle" and "gone".

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Duration;

use mmsc_domain::{Address, MmId};
use mmsc_ring::Fence;
use ractor::{Actor, ActorId, ActorRef};

use crate::keys::Entity;
use crate::mm::{MmActor, MmArguments, MmMessage};
use crate::subscriber::{SubscriberActor, SubscriberArguments, SubscriberMessage};
use crate::tree::{ShardMessage, Shared};

/// Failures within [`FAULT_WINDOW`] that park an entity.
const MAX_FAULTS: usize = 5;
const FAULT_WINDOW: Duration = Duration::from_secs(10);

enum Live {
    Mm(ActorRef<MmMessage>),
    Subscriber(ActorRef<SubscriberMessage>),
}

impl Live {
    fn id(&self) -> ActorId {
        match self {
            Self::Mm(actor) => actor.get_id(),
            Self::Subscriber(actor) => actor.get_id(),
        }
    }
}

struct Entry {
    live: Live,
    sent: u64,
}

/// The map of live entities.
pub struct Entities {
    ctx: Shared,
    fence: Fence,
    shard: ActorRef<ShardMessage>,
    live: BTreeMap<Entity, Entry>,
    by_actor: HashMap<ActorId, Entity>,
    faults: BTreeMap<Entity, VecDeque<Duration>>,
}

impl Entities {
    /// Nobody yet.
    pub fn new(ctx: Shared, fence: Fence, shard: ActorRef<ShardMessage>) -> Self {
        Self {
            ctx,
            fence,
            shard,
            live: BTreeMap::new(),
            by_actor: HashMap::new(),
            faults: BTreeMap::new(),
        }
    }

    /// Sends to an MM, activating it if need be.
    pub async fn mm(&mut self, id: MmId, message: MmMessage) {
        let entity = Entity::Mm(id);
        if !self.live.contains_key(&entity) && !self.activate_mm(id).await {
            self.ctx.at_due_work.end(&entity);
            return;
        }
        if let Some(Entry {
            live: Live::Mm(actor),
            sent,
            ..
        }) = self.live.get_mut(&entity)
            && actor.cast(message).is_ok()
        {
            *sent += 1;
        }
    }

    /// Sends to a subscriber, activating it if need be.
    pub async fn subscriber(&mut self, address: Address, message: SubscriberMessage) {
        let entity = Entity::Subscriber(address.clone());
        if !self.live.contains_key(&entity) && !self.activate_subscriber(address).await {
            self.ctx.at_due_work.end(&entity);
            return;
        }
        self.send_subscriber(&entity, message);
    }

    /// Sends to a subscriber only if its actor lives.
    pub fn subscriber_if_live(&mut self, address: &Address, message: SubscriberMessage) {
        self.send_subscriber(&Entity::Subscriber(address.clone()), message);
    }

    fn send_subscriber(&mut self, entity: &Entity, message: SubscriberMessage) {
        if let Some(Entry {
            live: Live::Subscriber(actor),
            sent,
            ..
        }) = self.live.get_mut(entity)
            && actor.cast(message).is_ok()
        {
            *sent += 1;
        }
    }

    /// The entity says that it has nothing to do; it is let go only if it has seen all that was sent to it. A late
    /// word of an actor that was let go before says nothing about its successor.
    pub fn idle(&mut self, entity: &Entity, actor: ActorId, handled: u64) {
        let Some(entry) = self.live.get_mut(entity).filter(|entry| entry.live.id() == actor) else {
            return;
        };
        self.ctx.at_due_work.end(entity);
        if entry.sent != handled {
            return;
        }
        let Some(entry) = self.live.remove(entity) else { return };
        self.by_actor.remove(&entry.live.id());
        self.ctx.metrics.live.add(-1);
        let _gone_already = match entry.live {
            Live::Mm(actor) => actor.drain(),
            Live::Subscriber(actor) => actor.drain(),
        };
    }

    /// Everybody writes what waits to be written.
    pub fn flush(&mut self) {
        for entry in self.live.values() {
            let _gone = match &entry.live {
                Live::Mm(actor) => actor.cast(MmMessage::Flush).is_ok(),
                Live::Subscriber(actor) => actor.cast(SubscriberMessage::Flush).is_ok(),
            };
        }
    }

    /// Whose actor that was.
    pub fn entity_of(&self, actor: ActorId) -> Option<Entity> {
        self.by_actor.get(&actor).cloned()
    }

    /// An actor ended by itself.
    pub fn forget(&mut self, actor: ActorId) {
        if let Some(entity) = self.by_actor.remove(&actor)
            && self.live.remove(&entity).is_some()
        {
            self.ctx.at_due_work.end(&entity);
            self.ctx.metrics.live.add(-1);
        }
    }

    /// Counts a failure; true if there were too many of late.
    pub fn fault(&mut self, entity: &Entity, now: Duration) -> bool {
        let recent = self.faults.entry(entity.clone()).or_default();
        recent.push_back(now);
        while recent.front().is_some_and(|at| now.saturating_sub(*at) > FAULT_WINDOW) {
            recent.pop_front();
        }
        let too_many = recent.len() >= MAX_FAULTS;
        self.faults
            .retain(|_, recent| recent.back().is_some_and(|at| now.saturating_sub(*at) <= FAULT_WINDOW));
        if too_many {
            self.faults.remove(entity);
        }
        too_many
    }

    async fn activate_mm(&mut self, id: MmId) -> bool {
        let args = MmArguments {
            ctx: self.ctx.clone(),
            id,
            fence: self.fence,
            shard: self.shard.clone(),
        };
        match Actor::spawn_linked(None, MmActor, args, self.shard.get_cell()).await {
            Ok((actor, _)) => {
                self.insert(Entity::Mm(id), Live::Mm(actor));
                true
            }
            Err(error) => {
                tracing::error!(%error, "a message's actor could not be started");
                false
            }
        }
    }

    async fn activate_subscriber(&mut self, address: Address) -> bool {
        let args = SubscriberArguments {
            ctx: self.ctx.clone(),
            address: address.clone(),
            fence: self.fence,
            shard: self.shard.clone(),
        };
        match Actor::spawn_linked(None, SubscriberActor, args, self.shard.get_cell()).await {
            Ok((actor, _)) => {
                self.insert(Entity::Subscriber(address), Live::Subscriber(actor));
                true
            }
            Err(error) => {
                tracing::error!(%error, "a subscriber's actor could not be started");
                false
            }
        }
    }

    fn insert(&mut self, entity: Entity, live: Live) {
        self.by_actor.insert(live.id(), entity.clone());
        self.live.insert(entity, Entry { live, sent: 0 });
        self.ctx.metrics.live.add(1);
    }
}

/// A shard that ends takes its entities with it.
impl Drop for Entities {
    fn drop(&mut self) {
        let shard = self.fence.shard;
        self.ctx
            .at_due_work
            .end_all(|entity| self.ctx.shard_of_entity(entity) == shard);
        self.ctx.metrics.live.add(-i64::try_from(self.live.len()).unwrap_or(0));
    }
}
