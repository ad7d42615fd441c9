//! Reads of a subscriber's rows, in pages.

use mmsc_domain::Address;
use mmsc_domain::inbox::{AttemptState, InboxRow};
use mmsc_store::RangeOptions;

use crate::context::{Context, Stop};
use crate::keys::{self, Entity, ItemKey};
use crate::records::{decode, read};
use crate::subscriber::held::is_push;
use crate::terminals;

type Failed = mmsc_store::TransactError<Stop>;

/// Rows read at once.
pub const PAGE: usize = 100;

/// Named rows, those that are gone as `None`.
pub async fn named(
    ctx: &Context,
    shard: u16,
    address: &Address,
    items: &[ItemKey],
) -> Result<Vec<(ItemKey, Option<InboxRow>)>, Failed> {
    let entity = &Entity::Subscriber(address.clone());
    ctx.store
        .read(|txn| async move {
            let mut rows = Vec::with_capacity(items.len());
            for item in items {
                rows.push((*item, read(&txn, keys::inbox(shard, entity, item)).await?));
            }
            Ok(rows)
        })
        .await
}

/// One page of the inbox in the order of birth, after `last`.
pub async fn page(
    ctx: &Context,
    shard: u16,
    address: &Address,
    last: Option<ItemKey>,
) -> Result<Vec<(ItemKey, InboxRow)>, Failed> {
    let entity = &Entity::Subscriber(address.clone());
    let range = keys::inbox_after(shard, entity, last.as_ref());
    let options = RangeOptions {
        limit: PAGE,
        snapshot: true,
        ..RangeOptions::default()
    };
    ctx.store
        .read(|txn| async move {
            let mut rows = Vec::new();
            for (key, octets) in txn.range(&range, options).await? {
                let row: InboxRow = decode(&octets, key.clone())?;
                if let Some(item) = keys::parse_inbox(shard, entity, &key) {
                    rows.push((item, row));
                }
            }
            Ok(rows)
        })
        .await
}

/// The row whose push a receipt is about, looked for through the whole inbox.
pub async fn pushed_as(
    ctx: &Context,
    shard: u16,
    address: &Address,
    destination: &str,
    message_id: &str,
) -> Result<Option<(ItemKey, InboxRow)>, Failed> {
    let mut last = None;
    loop {
        let rows = page(ctx, shard, address, last).await?;
        let full = rows.len() == PAGE;
        last = rows.last().map(|(item, _)| *item);
        let found = rows.into_iter().find(|(_, row)| match &row.last {
            AttemptState::Sent(sent) => is_push(sent, destination, message_id),
            AttemptState::Made
            | AttemptState::Failed
            | AttemptState::Waiting(_)
            | AttemptState::Reached
            | AttemptState::Shelved => false,
        });
        if found.is_some() || !full {
            return Ok(found);
        }
    }
}

/// The MMS version to speak to a handset: what is known of it, else 1.2 with fields of 1.0 and 1.1 only (MM1 digest 18).
pub async fn mms_version(ctx: &Context, address: &Address) -> Result<u8, Failed> {
    let known = ctx
        .store
        .read(|txn| async move { terminals::mms_version(ctx, &txn, address).await })
        .await?;
    Ok(known.unwrap_or(0x92))
}
