//! The shelf: what failed again and again is put there with its reason, seen and released by operators, and everything
//! else goes on.

use std::collections::BTreeSet;
use std::sync::{PoisonError, RwLock};

use bytes::Bytes;

use crate::context::{Context, Stop};
use crate::keys::{self, Entity, ItemKey};
use crate::records::{ShelfNote, decode, encode};
use crate::tree::log_name;
use mmsc_domain::UnixMillis;
use mmsc_domain::inbox::InboxKind;
use mmsc_store::{RangeOptions, Txn};

/// Something on the shelf.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShelfEntry {
    /// Whose.
    pub entity: Entity,
    /// The parked inbox row; none: the entity as a whole.
    pub item: Option<ItemKey>,
    /// Since when, in milliseconds since the epoch.
    pub at: UnixMillis,
    /// Why.
    pub reason: String,
}

impl ShelfEntry {
    /// What it is about, for listings (numbers masked).
    #[must_use]
    pub fn describe(&self) -> String {
        let what = match self.item.map(|item| item.id.kind) {
            None => "entity",
            Some(InboxKind::Notification) => "notification",
            Some(InboxKind::DeliveryReport) => "delivery report",
            Some(InboxKind::ReadReport) => "read report",
            Some(InboxKind::Cancel) => "cancellation",
            Some(InboxKind::TellingFailed) => "failed telling",
            Some(InboxKind::Forwarded | InboxKind::ForwardedInSilence) => "forwarding",
        };
        format!("{what} of {}: {}", log_name(&self.entity), self.reason)
    }
}

/// The parked entities of this node: they get no messages.
#[derive(Default)]
pub struct Parked(RwLock<BTreeSet<Entity>>);

impl Parked {
    /// Whether it is parked.
    pub fn contains(&self, entity: &Entity) -> bool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).contains(entity)
    }

    /// Parks it.
    pub fn insert(&self, entity: Entity) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(entity);
    }

    /// Takes it off.
    pub fn remove(&self, entity: &Entity) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).remove(entity);
    }
}

/// What stands on the shelf of a shard is written by its owner alone, as everything else of it.
pub async fn check_fence(ctx: &Context, txn: &Txn, shard: u16) -> Result<(), Stop> {
    match ctx.ring.fence(shard) {
        Some(fence) => Ok(fence.check(txn).await?),
        None => Err(Stop::FenceLost),
    }
}

/// Parks an entity: it gets no messages any more until it is released.
pub async fn park_entity(ctx: &Context, entity: Entity, reason: &str) {
    ctx.metrics.shelved.increment();
    let shard = ctx.shard_of_entity(&entity);
    let note = encode(&ShelfNote {
        at: ctx.now(),
        reason: reason.to_owned(),
    });
    let written = ctx
        .store
        .transact(ctx.operation(), |txn| {
            let (entity, note) = (&entity, note.clone());
            async move {
                check_fence(ctx, &txn, shard).await?;
                txn.set(keys::shelf_entity(shard, entity), note);
                Ok::<_, Stop>(())
            }
        })
        .await;
    tracing::error!(
        entity = log_name(&entity),
        reason,
        written = written.is_ok(),
        "parked on the shelf"
    );
}

/// A record that cannot be decoded is moved aside, so that its entity goes on (or is seen to be gone).
pub async fn set_aside(ctx: &Context, entity: Entity, key: Bytes) {
    tracing::error!(entity = log_name(&entity), "a record cannot be read");
    set_aside_key(ctx, ctx.shard_of_entity(&entity), key).await;
}

/// The same for a row of which not even the entity is known.
pub async fn set_aside_key(ctx: &Context, shard: u16, key: Bytes) {
    ctx.metrics.unreadable.increment();
    let moved = ctx
        .store
        .transact(ctx.operation(), |txn| {
            let key = key.clone();
            async move {
                check_fence(ctx, &txn, shard).await?;
                if let Some(row) = txn.get(&key).await? {
                    txn.set(keys::unreadable(shard, &key), row);
                    txn.clear(key);
                }
                Ok::<_, Stop>(())
            }
        })
        .await;
    tracing::error!(shard, moved = moved.is_ok(), "an unreadable record was set aside");
}

/// The first entries of the shelf, over all shards of this node.
pub async fn list(ctx: &Context, limit: usize) -> Result<Vec<ShelfEntry>, mmsc_store::TransactError<Stop>> {
    let shards = ctx.ring.owned();
    ctx.store
        .read(|txn| async move {
            let mut found = Vec::new();
            for &shard in shards {
                let options = RangeOptions {
                    limit: limit.saturating_sub(found.len()),
                    snapshot: true,
                    ..RangeOptions::default()
                };
                for (key, row) in txn.range(&keys::shelf_of(shard), options).await? {
                    let Some((entity, item)) = keys::parse_shelf(&key) else {
                        continue;
                    };
                    // Parked is parked, even if the reason cannot be read any more.
                    let note = decode(&row, key.clone()).unwrap_or_else(|_| ShelfNote {
                        at: UnixMillis(0),
                        reason: "its reason cannot be read".to_owned(),
                    });
                    found.push(ShelfEntry {
                        entity,
                        item,
                        at: note.at,
                        reason: note.reason,
                    });
                }
                if found.len() >= limit {
                    break;
                }
            }
            Ok(found)
        })
        .await
}

/// Takes an entity or a row off the shelf. For a row, its subscriber is asked to tell it now.
pub async fn release(ctx: &Context, entry: &ShelfEntry) -> Result<(), mmsc_store::TransactError<Stop>> {
    let shard = ctx.shard_of_entity(&entry.entity);
    if let (Some(item), Entity::Subscriber(address)) = (entry.item, &entry.entity) {
        let message = crate::subscriber::SubscriberMessage::Release(item);
        let _unserved = ctx.router.subscriber(shard, address.clone(), message);
        return Ok(());
    }
    let entity = &entry.entity;
    let released = ctx.store.transact(ctx.operation(), |txn| async move {
        check_fence(ctx, &txn, shard).await?;
        txn.clear(keys::shelf_entity(shard, entity));
        Ok::<_, Stop>(())
    });
    let _durable = released.await?;
    ctx.parked.remove(entity);
    Ok(())
}
