//! The scan: finds due entries at the head of each shard's index and hands them to the shards. What a lost poke, a
//! crash or a shard move left behind is found here.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use mmsc_domain::UnixMillis;
use mmsc_ports::metrics::Gauge;
use mmsc_ports::{BoxFuture, Task};
use mmsc_store::{RangeOptions, Row, Store, Txn};
use tokio::sync::Notify;

use crate::context::{Context, Stop};
use crate::keys::{self, DueEntry, Entity};
use crate::tree::shelf::{check_fence, set_aside_key};
use crate::tree::{ShardMessage, Shared, live_is_full};

/// Due entries handed to one shard at once.
const ENTRIES: usize = 64;

/// Entries read at once behind the first [`ENTRIES`], and such reads in one look at all shards: behind some 16,000
/// entries of entities that are busy, others have to wait for them, and no backlog makes a look cost more.
const PAGE: usize = 512;
const PAGES: usize = 32;

/// Waiting rows handed to one shard at once.
const WAITING_PAGE: usize = 100;

/// Shards read in one snapshot: a look gives way to others in between.
const SHARDS: usize = 16;

/// Messages that are at due work at once. When very many are due at one moment (all that expire in one minute, a due
/// backlog after a stop), the rest wait in the index and not as tasks that everybody else would have to wait behind.
const MMS_AT_ONCE: usize = 1024;

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
            let mut looked = Looked::default();
            loop {
                looked = scan_until(&ctx, looked, ctx.ports.clock.sleep(period)).await;
                looked = scan(&ctx, looked.first, Look::Whole).await;
                if round.is_multiple_of(SWEEP_EVERY) {
                    sweep_duplicates(&ctx).await;
                }
                round = round.wrapping_add(1);
            }
        }),
    )
}

/// Until `period` ends: further looks, one as soon as there is room, while a look leaves messages that are due.
async fn scan_until(ctx: &Context, mut looked: Looked, mut period: BoxFuture<'_, ()>) -> Looked {
    loop {
        tokio::select! {
            () = &mut period => return looked,
            () = ctx.at_due_work.has_room(), if looked.full => {}
        }
        looked = scan(ctx, looked.first, Look::UntilFull).await;
    }
}

/// Entities that were handed due work and have not come to rest since: their entries are passed over, so that one
/// busy subscriber does not hold up its shard.
pub struct AtDueWork {
    mms: Arc<Gauge>,
    state: Mutex<Working>,
    /// Fewer than half of the messages that may be at due work are.
    room: Notify,
}

#[derive(Default)]
struct Working {
    entities: BTreeSet<Entity>,
    mms: usize,
}

impl AtDueWork {
    /// Nobody yet; how many messages there are is told to `mms`.
    pub fn new(mms: Arc<Gauge>) -> Self {
        Self {
            mms,
            state: Mutex::default(),
            room: Notify::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Working> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Handed due work; false if it is still at earlier one.
    pub fn begin(&self, entity: &Entity) -> bool {
        let mut state = self.lock();
        let begins = state.entities.insert(entity.clone());
        if begins && is_mm(entity) {
            state.mms += 1;
            self.mms.add(1);
        }
        begins
    }

    /// At rest, or gone.
    pub fn end(&self, entity: &Entity) {
        let mut state = self.lock();
        if state.entities.remove(entity) && is_mm(entity) {
            state.mms -= 1;
            self.mms.add(-1);
            if state.mms < MMS_AT_ONCE / 2 {
                self.room.notify_one();
            }
        }
    }

    /// Its shard ended: also those that it was yet to be told of.
    pub fn end_all(&self, of_shard: impl Fn(&Entity) -> bool) {
        let all: Vec<Entity> = self
            .lock()
            .entities
            .iter()
            .filter(|entity| of_shard(entity))
            .cloned()
            .collect();
        all.iter().for_each(|entity| self.end(entity));
    }

    fn contains(&self, entity: &Entity) -> bool {
        self.lock().entities.contains(entity)
    }

    fn mms(&self) -> usize {
        self.lock().mms
    }

    /// Waits until fewer than half of the messages that may be at due work are.
    async fn has_room(&self) {
        while self.mms() >= MMS_AT_ONCE / 2 {
            self.room.notified().await;
        }
    }
}

fn is_mm(entity: &Entity) -> bool {
    match entity {
        Entity::Mm(_) => true,
        Entity::Subscriber(_) => false,
    }
}

/// How far a look goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Look {
    /// Through all shards.
    Whole,
    /// Until as many messages as may be are at due work.
    UntilFull,
}

/// What a look leaves to the next.
#[derive(Default)]
struct Looked {
    /// Where that is to begin.
    first: usize,
    /// Messages that are due were left because as many as may be are at due work, or at once in one shard.
    full: bool,
}

/// What is left to a look.
#[derive(Clone, Copy)]
struct Budget {
    /// Reads behind the first page, and which shard got the last of them.
    pages: usize,
    spent_on: Option<u16>,
    /// Messages that may be handed out, and the first shard in which any were left.
    mms: usize,
    left_in: Option<u16>,
}

/// One look at the shards. It is bounded, so it begins where the one before ran short (`first` is a place in the list of
/// shards).
async fn scan(ctx: &Context, first: usize, look: Look) -> Looked {
    let now = ctx.now();
    let mut oldest = now;
    let mut budget = Budget {
        pages: PAGES,
        spent_on: None,
        mms: MMS_AT_ONCE.saturating_sub(ctx.at_due_work.mms()),
        left_in: None,
    };
    let mut order = ctx.ring.owned().to_vec();
    let rotation = first.checked_rem(order.len()).unwrap_or(0);
    order.rotate_left(rotation);
    for shards in order.chunks(SHARDS) {
        if live_is_full(ctx) {
            return Looked { first, full: false };
        }
        match ctx
            .store
            .read(|txn| async move { read_due(ctx, &txn, shards, now, budget).await })
            .await
        {
            Ok((found, left)) => {
                budget = left;
                for due in found {
                    oldest = oldest.min(due.oldest.unwrap_or(now));
                    hand_out(ctx, due, now).await;
                }
            }
            Err(error) => tracing::warn!(%error, "the due index could not be read"),
        }
        if look == Look::UntilFull && budget.mms == 0 {
            break;
        }
        // The reads are from memory for the most part: without this they would hold a thread for the whole look.
        tokio::task::yield_now().await;
    }
    if look == Look::Whole {
        let late = now.since(oldest).as_secs();
        ctx.metrics
            .oldest_due_seconds
            .set(i64::try_from(late).unwrap_or(i64::MAX));
    }
    let place = |shard: u16| ctx.ring.owned().iter().position(|owned| *owned == shard);
    let behind = budget.spent_on.filter(|_| budget.pages == 0).and_then(place);
    let first = match budget.left_in.and_then(place) {
        Some(at) => at,
        None => behind.map_or(first, |at| at.saturating_add(1)),
    };
    Looked {
        first,
        full: budget.left_in.is_some(),
    }
}

impl Budget {
    fn takes(&mut self, entry: &DueEntry, shard: u16) -> bool {
        if !is_mm(&entry.entity) {
            return true;
        }
        if self.mms == 0 {
            self.left_in.get_or_insert(shard);
            return false;
        }
        self.mms -= 1;
        true
    }
}

/// What one look at a shard's index found.
struct Found {
    shard: u16,
    entries: Vec<DueEntry>,
    unreadable: Vec<Bytes>,
    /// The earliest entry of an entity that is not parked.
    oldest: Option<UnixMillis>,
}

async fn read_due(
    ctx: &Context,
    txn: &Txn,
    shards: &[u16],
    now: UnixMillis,
    mut budget: Budget,
) -> Result<(Vec<Found>, Budget), Stop> {
    let mut found = Vec::new();
    for &shard in shards {
        let due = read_shard(ctx, txn, shard, now, &mut budget).await?;
        if !due.entries.is_empty() || !due.unreadable.is_empty() || due.oldest.is_some() {
            found.push(due);
        }
    }
    Ok((found, budget))
}

/// From the head of the index on, past entries of entities that cannot take them now, until there is enough to do.
async fn read_shard(ctx: &Context, txn: &Txn, shard: u16, now: UnixMillis, budget: &mut Budget) -> Result<Found, Stop> {
    let mut found = Found {
        shard,
        entries: Vec::new(),
        unreadable: Vec::new(),
        oldest: None,
    };
    let mut last = None;
    let mut limit = ENTRIES;
    loop {
        let page = keys::due_page(txn, shard, now, last.as_ref(), limit).await?;
        let read = page.entries.len().saturating_add(page.unreadable.len());
        ctx.metrics.due_read.add(u64::try_from(read).unwrap_or(0));
        found.unreadable.extend(page.unreadable);
        for entry in page.entries {
            if ctx.parked.contains(&entry.entity) {
                continue;
            }
            found.oldest.get_or_insert(entry.at);
            if found.entries.len() < ENTRIES && !ctx.at_due_work.contains(&entry.entity) && budget.takes(&entry, shard)
            {
                found.entries.push(entry);
            }
        }
        last = page.last;
        let enough = found.entries.len() >= ENTRIES;
        if enough && last.is_some() && found.entries.iter().any(|entry| is_mm(&entry.entity)) {
            budget.left_in.get_or_insert(shard);
        }
        if last.is_none() || enough || budget.pages == 0 {
            return Ok(found);
        }
        limit = PAGE;
        budget.pages -= 1;
        budget.spent_on = Some(shard);
    }
}

async fn hand_out(ctx: &Context, due: Found, now: UnixMillis) {
    let mut begun = BTreeSet::new();
    let mut entries = due.entries;
    entries.retain(|entry| {
        // All that was found of an entity goes to it together.
        begun.contains(&entry.entity) || (ctx.at_due_work.begin(&entry.entity) && begun.insert(entry.entity.clone()))
    });
    for entry in &entries {
        ctx.metrics.lateness.observe(now.since(entry.at));
    }
    if !entries.is_empty() && !ctx.router.send(due.shard, ShardMessage::Due(entries)) {
        begun.iter().for_each(|entity| ctx.at_due_work.end(entity));
    }
    for key in due.unreadable {
        set_aside_key(ctx, due.shard, key).await;
    }
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
        let rows = match read_waiting(&ctx.store, shard, destination, last.as_deref()).await {
            Ok(rows) => rows,
            Err(error) => {
                tracing::warn!(%error, shard, "rows that wait for a destination could not be read; their own due entries bring them");
                return;
            }
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

/// Duplicate rows are looked for in today's and yesterday's range; older ranges go as a whole, one shard at a time, so
/// that no single transaction holds up the others for long.
async fn sweep_duplicates(ctx: &Context) {
    let Some(before) = keys::day(ctx.now()).checked_sub(1) else {
        return;
    };
    for &shard in ctx.ring.owned() {
        let swept = ctx
            .store
            .transact(ctx.operation(), |txn| async move {
                check_fence(ctx, &txn, shard).await?;
                let range = keys::duplicates_before(shard, before);
                let options = RangeOptions {
                    limit: 1,
                    snapshot: true,
                    ..RangeOptions::default()
                };
                if !txn.range(&range, options).await?.is_empty() {
                    txn.clear_range(range);
                }
                Ok::<_, Stop>(())
            })
            .await;
        if let Err(error) = swept {
            tracing::warn!(%error, shard, "old duplicate rows could not be swept");
        }
    }
}
