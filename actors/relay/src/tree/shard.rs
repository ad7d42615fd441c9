//! A shard: it activates entities, routes to them, lets them go when they have nothing to do, and counts their
//! failures.

use std::sync::Arc;

use mmsc_domain::{Address, MmId};
use mmsc_ring::Fence;
use ractor::{Actor, ActorProcessingErr, ActorRef, SupervisionEvent};

use crate::keys::{DueEntry, Entity, ItemKey};
use crate::mm::{MmMessage, Reply, Work};
use crate::subscriber::SubscriberMessage;
use crate::tree::entities::Entities;
use crate::tree::{Shared, log_name, shelf};

/// What a shard is told.
pub enum ShardMessage {
    /// For an MM.
    Mm(MmId, MmMessage),
    /// For a subscriber.
    Subscriber(Address, SubscriberMessage),
    /// A row left a subscriber's inbox: of interest only to a live actor.
    Cleared(Address, ItemKey),
    /// Entries that are due.
    Due(Vec<DueEntry>),
    /// They have rows that waited for a destination which is up now.
    DestinationUp(Vec<Entity>),
    /// This actor of the entity has nothing to do and has handled so many messages.
    Idle(Entity, ractor::ActorId, u64),
    /// Everybody writes what waits to be written.
    Flush,
}

/// What a shard's actor is made of.
pub struct ShardArguments {
    pub ctx: Shared,
    pub fence: Fence,
}

/// State of a shard's actor.
pub struct ShardState {
    ctx: Shared,
    entities: Entities,
}

/// The actor.
pub struct Shard;

impl Actor for Shard {
    type Msg = ShardMessage;
    type State = ShardState;
    type Arguments = ShardArguments;

    async fn pre_start(
        &self,
        me: ActorRef<ShardMessage>,
        args: ShardArguments,
    ) -> Result<ShardState, ActorProcessingErr> {
        let entities = Entities::new(Arc::clone(&args.ctx), args.fence, me);
        Ok(ShardState {
            ctx: args.ctx,
            entities,
        })
    }

    async fn handle(
        &self,
        _me: ActorRef<ShardMessage>,
        message: ShardMessage,
        state: &mut ShardState,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            ShardMessage::Mm(id, message) => {
                if !state.is_parked(&Entity::Mm(id)) {
                    state.entities.mm(id, message).await;
                }
            }
            ShardMessage::Subscriber(address, message) => {
                if !state.is_parked(&Entity::Subscriber(address.clone())) {
                    state.entities.subscriber(address, message).await;
                }
            }
            ShardMessage::Cleared(address, item) => {
                state
                    .entities
                    .subscriber_if_live(&address, SubscriberMessage::Cleared(item));
            }
            ShardMessage::Due(entries) => state.due(entries).await,
            ShardMessage::DestinationUp(waiting) => state.destination_up(waiting).await,
            ShardMessage::Idle(entity, actor, handled) => state.entities.idle(&entity, actor, handled),
            ShardMessage::Flush => state.entities.flush(),
        }
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        _me: ActorRef<ShardMessage>,
        event: SupervisionEvent,
        state: &mut ShardState,
    ) -> Result<(), ActorProcessingErr> {
        match event {
            SupervisionEvent::ActorFailed(cell, error) => state.failed(cell.get_id(), &error.to_string()).await,
            SupervisionEvent::ActorTerminated(cell, _, _) => state.entities.forget(cell.get_id()),
            SupervisionEvent::ActorStarted(_) | SupervisionEvent::ProcessGroupChanged(_) => {}
        }
        Ok(())
    }
}

impl ShardState {
    fn is_parked(&self, entity: &Entity) -> bool {
        self.ctx.parked.contains(entity)
    }

    /// Hands due entries out, all of one entity together.
    async fn due(&mut self, entries: Vec<DueEntry>) {
        let mut by_entity = std::collections::BTreeMap::<Entity, Vec<DueEntry>>::new();
        for entry in entries {
            by_entity.entry(entry.entity.clone()).or_default().push(entry);
        }
        for (entity, entries) in by_entity {
            if self.is_parked(&entity) {
                self.ctx.at_due_work.end(&entity);
                continue;
            }
            self.ctx
                .metrics
                .due_entries
                .add(u64::try_from(entries.len()).unwrap_or(0));
            match entity {
                Entity::Mm(id) => {
                    self.entities
                        .mm(id, MmMessage::Work(Work::Due(entries), Reply::None, None))
                        .await
                }
                Entity::Subscriber(address) => {
                    self.entities.subscriber(address, SubscriberMessage::Due(entries)).await;
                }
            }
        }
    }

    async fn destination_up(&mut self, waiting: Vec<Entity>) {
        for entity in waiting {
            if self.is_parked(&entity) {
                continue;
            }
            match entity {
                Entity::Subscriber(address) => {
                    self.entities
                        .subscriber(address, SubscriberMessage::DestinationUp)
                        .await;
                }
                // No MM waits for a destination in this release: peers are not served.
                Entity::Mm(id) => tracing::debug!(mm = %id, "a message waits for a destination that is not served"),
            }
        }
    }

    /// The entity is dropped; what it was told and did not commit is found again by due work. One that fails five
    /// times in ten seconds is parked.
    async fn failed(&mut self, actor: ractor::ActorId, error: &str) {
        self.ctx.metrics.faults.increment();
        let Some(entity) = self.entities.entity_of(actor) else {
            return;
        };
        tracing::error!(entity = log_name(&entity), error, "an entity failed and was dropped");
        self.entities.forget(actor);
        let now = self.ctx.ports.clock.monotonic();
        if self.entities.fault(&entity, now) {
            self.ctx.parked.insert(entity.clone());
            shelf::park_entity(&self.ctx, entity, "failed five times in ten seconds").await;
        }
    }
}
