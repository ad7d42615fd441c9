//! The transaction in which a subscriber writes what became of its rows.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use mmsc_domain::inbox::{AttemptState, InboxItemId, InboxKind, InboxRow};
use mmsc_domain::record::ChainEntry;
use mmsc_domain::telling::Fate;
use mmsc_domain::{Address, Why};
use mmsc_ring::Fence;
use mmsc_store::Txn;

use crate::context::{Context, Stop};
use crate::keys::{self, DueEntry, DueItem, Entity, ItemKey};
use crate::mm::{clear_inbox_row, tell_mm};
use crate::records::{ShelfNote, encode, read};
use crate::subscriber::held::Decision;
use crate::tree::Poke;

/// What a commit came to.
#[derive(Debug, Default)]
pub struct Written {
    /// Rows that were not there any more (gone stays gone), or that are not what was decided about.
    pub void: BTreeSet<ItemKey>,
    /// MMs that have to be told.
    pub pokes: Vec<Poke>,
    /// Some row waits for its destination now.
    pub waiting: bool,
    /// Rows put on the shelf.
    pub shelved: u64,
    /// Attempts found without an outcome.
    pub without_outcome: u64,
}

/// The transaction. `leftovers` are due entries that woke the subscriber and stand for nothing any more.
pub async fn run(
    ctx: &Context,
    txn: &Txn,
    fence: Fence,
    address: &Address,
    batch: &[Decision],
    leftovers: &[DueEntry],
) -> Result<Written, Stop> {
    fence.check(txn).await?;
    let entity = Entity::Subscriber(address.clone());
    let mut written = Written::default();
    for entry in leftovers {
        clear_leftover(txn, fence.shard, entry).await?;
    }
    for Decision { item, about, fate } in batch {
        let key = keys::inbox(fence.shard, &entity, item);
        let Some(stored) = read::<InboxRow>(txn, key.clone()).await? else {
            written.void.insert(*item);
            continue;
        };
        if stored != *about {
            written.void.insert(*item);
            continue;
        }
        if matches!(stored.last, AttemptState::Shelved) {
            txn.clear(keys::shelf_item(fence.shard, &entity, item));
        }
        clear_inbox_row(txn, fence.shard, &entity, *item).await?;
        match fate {
            Fate::Keep(row) => {
                if row.without_outcome > stored.without_outcome {
                    note_without_outcome(ctx, txn, item, row, &mut written);
                }
                keep(ctx, txn, fence.shard, &entity, item, row, &mut written);
            }
            Fate::Remove => {}
            Fate::GiveUp(_) => give_up(ctx, txn, item, stored, &mut written),
        }
    }
    Ok(written)
}

/// Clears a due entry unless its row is there and due at that very time.
async fn clear_leftover(txn: &Txn, shard: u16, entry: &DueEntry) -> Result<(), Stop> {
    if let DueItem::Item(item) = entry.item {
        let row = read::<InboxRow>(txn, keys::inbox(shard, &entry.entity, &item)).await?;
        if row.is_some_and(|row| row.next_at == entry.at) {
            return Ok(());
        }
    }
    txn.clear(keys::due(shard, entry));
    Ok(())
}

fn keep(ctx: &Context, txn: &Txn, shard: u16, entity: &Entity, item: &ItemKey, row: &InboxRow, written: &mut Written) {
    txn.set(keys::inbox(shard, entity, item), encode(row));
    let due = DueEntry {
        at: row.next_at,
        entity: entity.clone(),
        item: DueItem::Item(*item),
    };
    txn.set(keys::due(shard, &due), Bytes::new());
    match &row.last {
        AttemptState::Waiting(destination) => {
            written.waiting = true;
            txn.set(keys::waiting(shard, destination, entity, item), Bytes::new());
        }
        AttemptState::Shelved => {
            written.shelved += 1;
            let reason = format!("{} attempts in a row without an outcome", row.without_outcome);
            txn.set(
                keys::shelf_item(shard, entity, item),
                encode(&ShelfNote { at: ctx.now(), reason }),
            );
        }
        AttemptState::Made | AttemptState::Sent(_) | AttemptState::Failed | AttemptState::Reached => {}
    }
}

/// An attempt whose outcome nobody lived to write: counted, and noted in the chain of its MM. (A report may outlive
/// its MM by a moment, so it leaves no row there.)
fn note_without_outcome(ctx: &Context, txn: &Txn, item: &ItemKey, row: &InboxRow, written: &mut Written) {
    written.without_outcome += 1;
    if item.id.kind != InboxKind::Notification {
        return;
    }
    let why = if row.last == AttemptState::Shelved {
        Why::Shelved
    } else {
        Why::FoundWithoutOutcome
    };
    let now = ctx.now();
    let nonce = ctx.chain_rows.fetch_add(1, Ordering::Relaxed);
    let entry = ChainEntry {
        at: now,
        copy: Some(item.id.copy),
        why,
    };
    txn.set(keys::chain(item.id.mm, now, nonce), encode(&vec![entry]));
}

/// The handset can never be told. The MM learns of it by a row in its own inbox, which stands until it acts on it.
fn give_up(ctx: &Context, txn: &Txn, item: &ItemKey, row: InboxRow, written: &mut Written) {
    if item.id.kind != InboxKind::Notification {
        return;
    }
    let id = InboxItemId {
        kind: InboxKind::TellingFailed,
        ..item.id
    };
    written.pokes.push(tell_mm(ctx, txn, id, row));
}
