//! What a crash left behind: attempts that are recorded without an outcome (consistency rule 9). They are repeated at
//! once when a process or a shard starts, not only when their due entries fire.
//!
//! That is done once in a row: what has been repeated without an outcome before waits for its due entry, so that a process
//! that dies again and again within seconds does not put on the shelf what only the crashes kept from being written.
//!
//! They are found without a look at every inbox: an attempt recorded at `t` has its due entry at `t + born_due` (or at
//! the row's expiry, if that is sooner), an outcome moves it. So whatever has no outcome at the start has its entry
//! within `born_due` after the start, together with nothing but the ordinary work of that time; what lies before is due
//! and found by the scan.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use mmsc_domain::inbox::{AttemptState, InboxRow};
use mmsc_domain::{Address, UnixMillis};
use mmsc_store::layers::due::Due;
use mmsc_store::{TransactError, Txn};

use crate::context::{Context, Stop};
use crate::keys::{self, DueItem, Entity, ItemKey};
use crate::records::decode;
use crate::subscriber::SubscriberMessage;
use crate::tree::{Shared, live_is_full};

/// Entries looked at in one read.
const PAGE: usize = 256;

/// At most a thousand subscribers are woken in a second.
const PER_SUBSCRIBER: Duration = Duration::from_millis(1);

/// Between two looks for room.
const PAUSE: Duration = Duration::from_millis(500);

/// Looks through `shards` for attempts that were recorded before `before`, in a task of its own.
pub fn start_found(ctx: &Shared, shards: Vec<u16>, before: UnixMillis) {
    let (ctx, spawn) = (Arc::clone(ctx), Arc::clone(&ctx.ports.spawn));
    let task = async move {
        for shard in shards {
            if let Err(error) = find(&ctx, shard, before).await {
                tracing::warn!(%error, shard, "attempts without an outcome could not be looked for; their due entries bring them");
            }
        }
    };
    spawn.task("found-without-outcome", Box::pin(task));
}

async fn find(ctx: &Context, shard: u16, before: UnixMillis) -> Result<(), TransactError<Stop>> {
    // The last entry that is due already.
    let mut last = Some(Due::new(mmsc_ports::UnixMillis(before.0), Bytes::new()));
    let mut woken = BTreeSet::new();
    while let Some(from) = last.take() {
        let page = ctx
            .store
            .read(|txn| {
                let from = &from;
                async move { read_page(ctx, &txn, shard, from, before).await }
            })
            .await?;
        for address in page.addresses {
            if !woken.insert(address.clone()) {
                continue;
            }
            while live_is_full(ctx) {
                ctx.ports.clock.sleep(PAUSE).await;
            }
            let _unserved = ctx.router.subscriber(shard, address, SubscriberMessage::Found(before));
            ctx.ports.clock.sleep(PER_SUBSCRIBER).await;
        }
        last = page.last;
    }
    Ok(())
}

struct Page {
    addresses: Vec<Address>,
    last: Option<Due>,
}

async fn read_page(ctx: &Context, txn: &Txn, shard: u16, from: &Due, before: UnixMillis) -> Result<Page, Stop> {
    // What stands at the end of this time was recorded at its beginning or later, that is, not before.
    let until = before.plus(ctx.policy.telling.born_due);
    let until = UnixMillis(until.0.saturating_sub(1));
    let page = keys::due_page(txn, shard, until, Some(from), PAGE).await?;
    let mut addresses = Vec::new();
    for entry in page.entries {
        if let (Entity::Subscriber(address), DueItem::Item(item)) = (entry.entity, entry.item)
            && has_no_outcome(txn, shard, &address, &item, before).await?
        {
            addresses.push(address);
        }
    }
    Ok(Page {
        addresses,
        last: page.last,
    })
}

/// Not what this process itself attempted, nor what was repeated without an outcome already.
pub fn may_be_repeated_at_once(row: &InboxRow, before: UnixMillis) -> bool {
    row.born_at < before && row.without_outcome == 0
}

async fn has_no_outcome(
    txn: &Txn,
    shard: u16,
    address: &Address,
    item: &ItemKey,
    before: UnixMillis,
) -> Result<bool, Stop> {
    let key = keys::inbox(shard, &Entity::Subscriber(address.clone()), item);
    let Some(octets) = txn.get_snapshot(&key).await? else {
        return Ok(false);
    };
    // One that cannot be read is set aside by its subscriber, when it is due.
    let row: Result<InboxRow, Stop> = decode(&octets, key);
    Ok(row.is_ok_and(|row| row.last == AttemptState::Made && may_be_repeated_at_once(&row, before)))
}
