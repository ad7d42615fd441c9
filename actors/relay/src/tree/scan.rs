//! The scan: finds due entries at the head of each shard's index and hands them to the shards. What a lost poke, a
//! crash or a shard move left behind is found here.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use mmsc_domain::UnixMillis;
use mmsc_ports::Task;
use mmsc_store::{RangeOptions, Row, Store};

use crate::context::{Context, Stop};
use crate::keys::{self, DueEntry, Entity};
use crate::tree::{ShardMessage, Shared, live_is_full};

/// Due entries handed to one shard at once.
const ENTRIES: usize = 64;

/// Waiting rows handed to one shard at once.
const WAITING_PAGE: usize = 100;

/// Shards read in one snapshot.
const SHARDS: usize = 128;

/// Old duplicate rows are swept every so many scans.
const SWEEP_EVERY: u64 = 600;

/// Starts the scan; `period` lies between two looks at all shards.
pub fn start_scan(ctx: &Shared, period: Duration) -> Task {
    let ctx = Arc::clone(ctx);
    let spawn = Arc::clone(&ctx.ports.spawn);
    spawn.task(
        "due-scan",
        Box::pin(async move {
            let mut round: u64 = 0;
            loop {
                ctx.ports.clock.sleep(period).await;
                scan(&ctx).await;
                if round.is_multiple_of(SWEEP_EVERY) {
                    sweep_duplicates(&ctx).await;
                }
                round = round.wrapping_add(1);
            }
        }),
    )
}

async fn scan(ctx: &Context) {
    let now = ctx.now();
    let mut oldest = now;
    for shards in ctx.ring.owned().chunks(SHARDS) {
        if live_is_full(ctx) {
            return;
        }
        match read_due(&ctx.store, shards, now).await {
            Ok(found) => {
                for (shard, entries) in found {
                    oldest = oldest.min(hand_out(ctx, shard, entries, now));
                }
            }
            Err(error) => tracing::warn!(%error, "the due index could not be read"),
        }
    }
    ctx.metrics
        .oldest_due_seconds
        .set(i64::try_from(now.since(oldest).as_secs()).unwrap_or(i64::MAX));
}

async fn read_due(store: &Store, shards: &[u16], now: UnixMillis) -> Result<Vec<(u16, Vec<DueEntry>)>, String> {
    store
        .read(|txn| async move {
            let mut found = Vec::new();
            for &shard in shards {
                let entries = keys::due_until(&txn, shard, now, ENTRIES).await?;
                if !entries.is_empty() {
                    found.push((shard, entries));
                }
            }
            Ok::<_, Stop>(found)
        })
        .await
        .map_err(|error| error.to_string())
}

fn hand_out(ctx: &Context, shard: u16, entries: Vec<DueEntry>, now: UnixMillis) -> UnixMillis {
    let oldest = entries.first().map_or(now, |entry| entry.at);
    for entry in &entries {
        ctx.metrics.lateness.observe(now.since(entry.at));
    }
    let _unserved = ctx.router.send(shard, ShardMessage::Due(entries));
    oldest
}

/// Destinations whose waiting rows are being woken: one walk at a time for each.
#[derive(Default)]
pub struct Waking(Mutex<BTreeMap<String, bool>>);

impl Waking {
    /// Whether the caller is to walk; if a walk is under way already, it is followed by another.
    pub fn begin(&self, destination: &str) -> bool {
        let mut walks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let under_way = walks.contains_key(destination);
        walks.insert(destination.to_owned(), under_way);
        !under_way
    }

    /// A walk ended: whether another is to follow.
    fn end(&self, destination: &str) -> bool {
        let mut walks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match walks.get_mut(destination) {
            Some(again) if *again => {
                *again = false;
                true
            }
            Some(_) | None => {
                walks.remove(destination);
                false
            }
        }
    }
}

/// A destination is up: what waited for it, in every shard, is handed out page by page, and not faster than a
/// destination that has just come back can take it.
pub async fn destination_up(ctx: Shared, destination: Arc<str>) {
    loop {
        for &shard in ctx.ring.owned() {
            wake_shard(&ctx, shard, &destination).await;
        }
        if !ctx.waking.end(&destination) {
            return;
        }
        ctx.ports.clock.sleep(WAKE_PAUSE).await;
    }
}

async fn wake_shard(ctx: &Shared, shard: u16, destination: &str) {
    let mut last: Option<Vec<u8>> = None;
    loop {
        while live_is_full(ctx) {
            ctx.ports.clock.sleep(WAKE_PAUSE).await;
        }
        let Ok(rows) = read_waiting(&ctx.store, shard, destination, last.as_deref()).await else {
            return;
        };
        let full = rows.len() == WAITING_PAGE;
        last = rows.last().map(|(key, _)| key.to_vec());
        let mut waiting: Vec<Entity> = rows
            .iter()
            .filter_map(|(key, _)| keys::parse_waiting(key))
            .map(|(entity, _)| entity)
            .collect();
        waiting.dedup();
        if !waiting.is_empty() {
            let pause = WAKE_PER_ENTITY.saturating_mul(u32::try_from(waiting.len()).unwrap_or(u32::MAX));
            let _unserved = ctx.router.send(shard, ShardMessage::DestinationUp(waiting));
            ctx.ports.clock.sleep(pause).await;
        }
        if !full {
            return;
        }
    }
}

/// Between two walks for one destination, and between two looks for room.
const WAKE_PAUSE: Duration = Duration::from_millis(500);

/// At most a thousand subscribers are woken in a second.
const WAKE_PER_ENTITY: Duration = Duration::from_millis(1);

async fn read_waiting(
    store: &Store,
    shard: u16,
    destination: &str,
    last: Option<&[u8]>,
) -> Result<Vec<Row>, mmsc_store::TransactError<Stop>> {
    let options = RangeOptions {
        limit: WAITING_PAGE,
        snapshot: true,
        ..RangeOptions::default()
    };
    let range = keys::waiting_for(shard, destination, last);
    store
        .read(|txn| async move { Ok(txn.range(&range, options).await?) })
        .await
}

/// Duplicate rows are looked for in today's and yesterday's range; older ranges go as a whole.
async fn sweep_duplicates(ctx: &Context) {
    let Some(before) = keys::day(ctx.now()).checked_sub(1) else {
        return;
    };
    for shards in ctx.ring.owned().chunks(SHARDS) {
        let swept = ctx
            .store
            .transact(ctx.operation(), |txn| async move {
                for &shard in shards {
                    let range = keys::duplicates_before(shard, before);
                    let options = RangeOptions {
                        limit: 1,
                        snapshot: true,
                        ..RangeOptions::default()
                    };
                    if !txn.range(&range, options).await?.is_empty() {
                        txn.clear_range(range);
                    }
                }
                Ok::<_, Stop>(())
            })
            .await;
        if let Err(error) = swept {
            tracing::warn!(%error, "old duplicate rows could not be swept");
        }
    }
}
