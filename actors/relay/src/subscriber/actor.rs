//! The mailbox of one subscriber.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use mmsc_domain::Address;
use mmsc_domain::inbox::InboxRow;
use mmsc_domain::telling::{Fate, TellEvent};
use mmsc_ring::Fence;
use mmsc_store::TransactError;
use ractor::{Actor, ActorProcessingErr, ActorRef};
use tokio::sync::oneshot;

use crate::completion::Completion;
use crate::context::{Context, Stop};
use crate::keys::{DueEntry, DueItem, Entity, ItemKey};
use crate::port::{Receipt, ReceiptState, TellAttempt, TellOutcome};
use crate::subscriber::commit::{self, Written};
use crate::subscriber::held::{MAX_HELD, Rows};
use crate::subscriber::load;
use crate::tree::{self, ShardMessage};

/// Rows written in one transaction.
const BATCH: usize = 100;

/// The bearer answers within this, or its answer counts as lost.
const ATTEMPT_DEADLINE: Duration = Duration::from_secs(60);

/// What a subscriber's actor is told.
pub enum SubscriberMessage {
    /// A row was born; its attempt 1 may be used now.
    Told {
        /// Which.
        item: ItemKey,
        /// The row.
        row: Box<InboxRow>,
    },
    /// A row was taken out of the inbox by its MM.
    Cleared(ItemKey),
    /// Due entries fired.
    Due(Vec<DueEntry>),
    /// A destination that some row waits for is up.
    DestinationUp,
    /// The handset showed itself.
    Seen,
    /// An operator wants a row told now, or off the shelf.
    Release(ItemKey),
    /// The bearer reports about a push; answered once it needs no repetition.
    Receipt(Receipt, oneshot::Sender<bool>),
    /// Write what waits.
    Flush,
    /// Rows were read.
    Loaded(Loaded),
    /// The attempt for a row ended.
    AttemptDone(ItemKey, TellOutcome),
    /// Its commit is done; none: it failed, and so did what it decided.
    Committed(Option<Written>),
    /// The task of its commit panicked.
    Panicked,
}

/// What a read brought.
#[derive(Default)]
pub struct Loaded {
    rows: Vec<(ItemKey, InboxRow, TellEvent)>,
    leftovers: Vec<DueEntry>,
    swept: bool,
    sweep: Option<Sweep>,
    receipt: Option<oneshot::Sender<bool>>,
}

/// A walk through the inbox in the order of birth: whatever is due is done, and what is not due meets `event`.
#[derive(Clone)]
pub struct Sweep {
    after: Option<ItemKey>,
    event: Option<TellEvent>,
}

/// What it is made of.
pub struct SubscriberArguments {
    /// Surroundings.
    pub ctx: Arc<Context>,
    /// Whose.
    pub address: Address,
    /// Its shard's fence.
    pub fence: Fence,
    /// Its supervisor.
    pub shard: ActorRef<ShardMessage>,
}

/// State of the actor.
pub struct SubscriberState {
    ctx: Arc<Context>,
    address: Address,
    fence: Fence,
    shard: ActorRef<ShardMessage>,
    handled: u64,
    rows: Rows,
    leftovers: Vec<DueEntry>,
    committing: Option<Vec<ItemKey>>,
    loading: usize,
    /// The next page of the walk that is under way.
    sweep: Option<Sweep>,
    /// A page of it is being read.
    sweeping: bool,
    /// Walks that are to follow.
    wanted: VecDeque<Option<TellEvent>>,
    receipts: Vec<oneshot::Sender<bool>>,
    committing_receipts: Vec<oneshot::Sender<bool>>,
    flush_now: bool,
    timer: bool,
    /// How often some destination had come up when the oldest attempt began whose outcome is not written yet.
    ups_before: Option<u64>,
}

/// The actor.
pub struct SubscriberActor;

impl Actor for SubscriberActor {
    type Msg = SubscriberMessage;
    type State = SubscriberState;
    type Arguments = SubscriberArguments;

    async fn pre_start(
        &self,
        _me: ActorRef<SubscriberMessage>,
        args: SubscriberArguments,
    ) -> Result<SubscriberState, ActorProcessingErr> {
        Ok(SubscriberState {
            ctx: args.ctx,
            address: args.address,
            fence: args.fence,
            shard: args.shard,
            handled: 0,
            rows: Rows::default(),
            leftovers: Vec::new(),
            committing: None,
            loading: 0,
            sweep: None,
            sweeping: false,
            wanted: VecDeque::new(),
            receipts: Vec::new(),
            committing_receipts: Vec::new(),
            flush_now: false,
            timer: false,
            ups_before: None,
        })
    }

    async fn handle(
        &self,
        me: ActorRef<SubscriberMessage>,
        message: SubscriberMessage,
        state: &mut SubscriberState,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            SubscriberMessage::Told { item, row } => state.counted().told(item, *row),
            SubscriberMessage::Cleared(item) => state.counted().rows.clear(&item),
            SubscriberMessage::Due(entries) => state.counted().due(&me, entries),
            SubscriberMessage::DestinationUp => state.counted().want(Some(TellEvent::DestinationUp)),
            SubscriberMessage::Seen => state.counted().want(Some(TellEvent::SubscriberSeen)),
            SubscriberMessage::Release(item) => state.counted().load_released(&me, item),
            SubscriberMessage::Receipt(receipt, reply) => state.counted().receipt(&me, receipt, reply),
            SubscriberMessage::Flush => {
                state.flush_now = true;
                state.timer = false;
            }
            SubscriberMessage::Loaded(loaded) => state.loaded(loaded),
            SubscriberMessage::AttemptDone(item, outcome) => state.attempt_done(&item, outcome),
            SubscriberMessage::Committed(written) => state.committed(written),
            // The shard counts it as a fault; due work finds the rows.
            SubscriberMessage::Panicked => return Err("the task of a commit panicked".into()),
        }
        state.drive(&me);
        Ok(())
    }
}

impl SubscriberState {
    /// A message that the shard counted.
    fn counted(&mut self) -> &mut Self {
        self.handled += 1;
        self
    }

    fn told(&mut self, item: ItemKey, row: InboxRow) {
        // Full, or known already: the born due entry finds the row.
        if self.rows.len() < MAX_HELD && !self.rows.contains(&item) {
            self.take_in(item, row, TellEvent::AttemptStarted);
        }
    }

    fn take_in(&mut self, item: ItemKey, row: InboxRow, event: TellEvent) {
        let (now, random) = (self.ctx.now(), self.ctx.random_u32());
        self.rows
            .take_in(item, row, event, now, random, &self.ctx.policy.telling);
    }

    fn event(&mut self, item: &ItemKey, event: TellEvent) {
        let (now, random) = (self.ctx.now(), self.ctx.random_u32());
        self.rows.event(item, event, now, random, &self.ctx.policy.telling);
    }

    /// A walk through the inbox is wanted; one of its kind that has not begun yet does for both.
    fn want(&mut self, event: Option<TellEvent>) {
        if !self.wanted.contains(&event) {
            self.wanted.push_back(event);
        }
    }

    /// Due entries: whatever is due is done, oldest first; entries that stand for nothing any more are found out.
    fn due(&mut self, me: &ActorRef<SubscriberMessage>, entries: Vec<DueEntry>) {
        self.want(None);
        self.load(me, |ctx, shard, address| async move {
            let items: Vec<ItemKey> = entries.iter().filter_map(item_of).collect();
            let found: BTreeMap<_, _> = load::named(&ctx, shard, &address, &items).await?.into_iter().collect();
            let stands = |entry: &DueEntry| {
                let row = item_of(entry).and_then(|item| found.get(&item)?.as_ref());
                row.is_some_and(|row| row.next_at == entry.at)
            };
            Ok(Loaded {
                leftovers: entries.into_iter().filter(|entry| !stands(entry)).collect(),
                ..Loaded::default()
            })
        });
    }

    fn load_released(&mut self, me: &ActorRef<SubscriberMessage>, item: ItemKey) {
        self.load(me, move |ctx, shard, address| async move {
            let found = load::named(&ctx, shard, &address, &[item]).await?;
            let rows = found
                .into_iter()
                .filter_map(|(item, row)| row.map(|row| (item, row, TellEvent::Released)));
            Ok(Loaded {
                rows: rows.collect(),
                ..Loaded::default()
            })
        });
    }

    fn load_page(&mut self, me: &ActorRef<SubscriberMessage>, sweep: Sweep) {
        self.sweeping = true;
        self.load_with(me, true, move |ctx, shard, address| async move {
            let page = load::page(&ctx, shard, &address, sweep.after).await?;
            let after = page.last().map(|(item, _)| *item);
            let next = (page.len() == load::PAGE).then(|| Sweep {
                after,
                event: sweep.event.clone(),
            });
            let now = ctx.now();
            let rows = page.into_iter().filter_map(|(item, row)| {
                let event = if row.next_at <= now {
                    Some(TellEvent::Due)
                } else {
                    sweep.event.clone()
                };
                event.map(|event| (item, row, event))
            });
            Ok(Loaded {
                rows: rows.collect(),
                swept: true,
                sweep: next,
                ..Loaded::default()
            })
        });
    }

    fn receipt(&mut self, me: &ActorRef<SubscriberMessage>, receipt: Receipt, reply: oneshot::Sender<bool>) {
        let (event, saves_work_only) = match receipt.state {
            ReceiptState::Reached => (TellEvent::ReceiptReached, true),
            ReceiptState::NotReached => (TellEvent::ReceiptNotReached, false),
            ReceiptState::NeverReachable => (TellEvent::ReceiptNever, false),
        };
        if let Some(item) = self.rows.sent_as(&receipt.destination, &receipt.message_id) {
            self.event(&item, event);
            self.answer_receipt(reply, saves_work_only);
        } else if saves_work_only {
            let _bearer_gone = reply.send(true);
        } else {
            self.load(me, move |ctx, shard, address| async move {
                let found = load::pushed_as(&ctx, shard, &address, &receipt.destination, &receipt.message_id).await?;
                let rows = found
                    .into_iter()
                    .map(|(item, row)| (item, row, event.clone()))
                    .collect();
                Ok(Loaded {
                    rows,
                    receipt: Some(reply),
                    ..Loaded::default()
                })
            });
        }
    }

    /// What has to be written is answered after its commit (rule 11).
    fn answer_receipt(&mut self, reply: oneshot::Sender<bool>, saves_work_only: bool) {
        if saves_work_only || !self.rows.is_urgent() {
            let _bearer_gone = reply.send(true);
        } else {
            self.receipts.push(reply);
        }
    }

    fn load<F, Fut>(&mut self, me: &ActorRef<SubscriberMessage>, read: F)
    where
        F: FnOnce(Arc<Context>, u16, Address) -> Fut + Send + 'static,
        Fut: Future<Output = Result<Loaded, TransactError<Stop>>> + Send + 'static,
    {
        self.load_with(me, false, read);
    }

    fn load_with<F, Fut>(&mut self, me: &ActorRef<SubscriberMessage>, walk: bool, read: F)
    where
        F: FnOnce(Arc<Context>, u16, Address) -> Fut + Send + 'static,
        Fut: Future<Output = Result<Loaded, TransactError<Stop>>> + Send + 'static,
    {
        self.loading += 1;
        let (ctx, shard, address) = (Arc::clone(&self.ctx), self.fence.shard, self.address.clone());
        // A walk whose page cannot be read ends; the rows' due entries stay.
        let failed = Loaded {
            swept: walk,
            ..Loaded::default()
        };
        let completion = Completion::new(me.clone(), SubscriberMessage::Loaded(failed));
        let task = async move {
            match read(Arc::clone(&ctx), shard, address.clone()).await {
                Ok(loaded) => completion.finish(SubscriberMessage::Loaded(loaded)),
                Err(TransactError::Aborted(Stop::Unreadable(key))) => {
                    tree::set_aside(&ctx, Entity::Subscriber(address), key).await;
                }
                Err(error) => tracing::warn!(%error, "a subscriber's rows could not be read"),
            }
        };
        self.ctx.ports.spawn.task("subscriber-load", Box::pin(task));
    }

    fn loaded(&mut self, loaded: Loaded) {
        self.loading = self.loading.saturating_sub(1);
        self.leftovers.extend(loaded.leftovers);
        if loaded.swept {
            self.sweeping = false;
            self.sweep = loaded.sweep;
        }
        for (item, row, event) in loaded.rows {
            if self.rows.contains(&item) {
                continue;
            }
            self.take_in(item, row, event);
        }
        if let Some(reply) = loaded.receipt {
            self.answer_receipt(reply, false);
        }
    }

    fn attempt_done(&mut self, item: &ItemKey, outcome: TellOutcome) {
        self.count_outcome(&outcome);
        if !self.rows.attempt_ended(item) {
            return;
        }
        let event = match outcome {
            TellOutcome::Sent(sent) => TellEvent::Sent(sent),
            TellOutcome::Failed { retry_after } => TellEvent::Failed { retry_after },
            TellOutcome::Refused => TellEvent::Refused,
            TellOutcome::Unavailable { destination } => TellEvent::Unavailable { destination },
            TellOutcome::Unknown => TellEvent::Unknown,
        };
        self.event(item, event);
    }

    fn count_outcome(&self, outcome: &TellOutcome) {
        let metrics = &self.ctx.metrics;
        match outcome {
            TellOutcome::Sent(_) => metrics.tell_sent.increment(),
            TellOutcome::Failed { .. } | TellOutcome::Refused => {
                self.ctx.absent.note(&self.address, self.ctx.now());
                metrics.tell_failed.increment();
            }
            TellOutcome::Unavailable { .. } => metrics.tell_waiting.increment(),
            TellOutcome::Unknown => metrics.tell_unknown.increment(),
        }
    }

    /// Whatever can be done now is started; with nothing outstanding the shard may let the actor go.
    fn drive(&mut self, me: &ActorRef<SubscriberMessage>) {
        if let Some((item, row)) = self.rows.start_next() {
            self.attempt(me, item, &row);
        }
        let must_write = self.rows.is_urgent() || !self.leftovers.is_empty();
        let may_write = self.flush_now && self.rows.is_dirty();
        if self.committing.is_none() && (must_write || may_write) {
            self.flush_now = false;
            self.commit(me);
        }
        self.walk(me);
        let walking = self.sweeping || self.sweep.is_some() || !self.wanted.is_empty();
        let busy = self.loading > 0 || self.committing.is_some() || walking;
        if !busy && self.rows.is_empty() {
            let idle = ShardMessage::Idle(Entity::Subscriber(self.address.clone()), me.get_id(), self.handled);
            let _shard_gone = self.shard.cast(idle);
        } else if self.rows.is_dirty() {
            self.start_timer(me);
        }
    }

    /// A destination that came up while its rows were about to be written as waiting has not seen them: they are
    /// walked through once more, after a pause, because a destination may also be up and full.
    fn look_for_ups(&mut self, waiting: bool) {
        let now = self.ctx.ups.load(Ordering::Acquire);
        let before = self.ups_before.unwrap_or(now);
        if !self.rows.is_attempting() {
            self.ups_before = None;
        }
        if !waiting || now == before {
            return;
        }
        let (ctx, shard, address) = (Arc::clone(&self.ctx), self.fence.shard, self.address.clone());
        let task = async move {
            ctx.ports.clock.sleep(LOOK_AGAIN).await;
            // Lost if too much is live: the row's own due entry comes later.
            if !tree::live_is_full(&ctx) {
                let _unserved = ctx.router.subscriber(shard, address, SubscriberMessage::DestinationUp);
            }
        };
        self.ctx.ports.spawn.task("subscriber-look-again", Box::pin(task));
    }

    /// The next page of a walk, once there is room for its rows.
    fn walk(&mut self, me: &ActorRef<SubscriberMessage>) {
        if self.sweeping || self.rows.len() >= MAX_HELD / 2 {
            return;
        }
        let begin = |event| Sweep { after: None, event };
        if let Some(sweep) = self.sweep.take().or_else(|| self.wanted.pop_front().map(begin)) {
            self.load_page(me, sweep);
        }
    }

    fn start_timer(&mut self, me: &ActorRef<SubscriberMessage>) {
        if self.timer {
            return;
        }
        self.timer = true;
        let (clock, me, lazy) = (
            Arc::clone(&self.ctx.ports.clock),
            me.clone(),
            self.ctx.policy.telling.lazy,
        );
        let task = async move {
            clock.sleep(lazy).await;
            let _actor_gone = me.cast(SubscriberMessage::Flush);
        };
        self.ctx.ports.spawn.task("subscriber-flush", Box::pin(task));
    }

    fn attempt(&mut self, me: &ActorRef<SubscriberMessage>, item: ItemKey, row: &InboxRow) {
        self.ctx.metrics.attempts.increment();
        self.ups_before.get_or_insert(self.ctx.ups.load(Ordering::Acquire));
        if row.attempts > 1 {
            self.ctx.metrics.repeated_attempts.increment();
        }
        let completion = Completion::new(me.clone(), SubscriberMessage::AttemptDone(item, TellOutcome::Unknown));
        let (ctx, address, shard) = (Arc::clone(&self.ctx), self.address.clone(), self.fence.shard);
        let (telling, number, expires_at) = (row.telling.clone(), row.attempts, row.expires_at);
        let task = async move {
            let Some(bearer) = ctx.bearer.get() else {
                let outcome = TellOutcome::Unavailable {
                    destination: NO_BEARER.to_owned(),
                };
                return completion.finish(SubscriberMessage::AttemptDone(item, outcome));
            };
            let mms_version = load::mms_version(&ctx, shard, &address).await.unwrap_or(0x92);
            let gate = ctx.gate();
            let telling = TellAttempt {
                to: address,
                telling,
                number,
                expires_at,
                mms_version,
                gate,
            };
            let outcome = tokio::select! {
                outcome = bearer.tell(telling) => outcome,
                () = ctx.ports.clock.sleep(ATTEMPT_DEADLINE) => TellOutcome::Unknown,
            };
            completion.finish(SubscriberMessage::AttemptDone(item, outcome));
        };
        self.ctx.ports.spawn.task("subscriber-attempt", Box::pin(task));
    }

    fn commit(&mut self, me: &ActorRef<SubscriberMessage>) {
        let batch = self.rows.start_commit(BATCH);
        let leftovers = std::mem::take(&mut self.leftovers);
        self.committing = Some(batch.iter().map(|(item, _)| *item).collect());
        self.committing_receipts = std::mem::take(&mut self.receipts);
        let completion = Completion::new(me.clone(), SubscriberMessage::Panicked);
        let (ctx, fence, address) = (Arc::clone(&self.ctx), self.fence, self.address.clone());
        let task = async move {
            let written = write(&ctx, fence, &address, &batch, &leftovers).await;
            completion.finish(SubscriberMessage::Committed(written));
        };
        self.ctx.ports.spawn.task("subscriber-commit", Box::pin(task));
    }

    fn committed(&mut self, written: Option<Written>) {
        let batch = self.committing.take().unwrap_or_default();
        let receipts = std::mem::take(&mut self.committing_receipts);
        let ok = written.is_some();
        match written {
            Some(written) => {
                self.ctx.metrics.shelved.add(written.shelved);
                self.look_for_ups(written.waiting);
                self.rows.committed(&batch, &written.gone);
                for poke in written.pokes {
                    tree::send_poke(&self.ctx, poke);
                }
            }
            None => self.rows.forget(&batch),
        }
        for reply in receipts {
            let _bearer_gone = reply.send(ok);
        }
    }
}

/// Between finding that a destination came up meanwhile and trying it again.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// The destination that rows wait for while no bearer is configured.
pub const NO_BEARER: &str = "(no bearer)";

fn item_of(entry: &DueEntry) -> Option<ItemKey> {
    match entry.item {
        DueItem::Item(item) => Some(item),
        DueItem::Whole | DueItem::Copy(_) => None,
    }
}

async fn write(
    ctx: &Arc<Context>,
    fence: Fence,
    address: &Address,
    batch: &[(ItemKey, Fate)],
    leftovers: &[DueEntry],
) -> Option<Written> {
    let result = ctx
        .store
        .transact(ctx.operation(), |txn| async move {
            commit::run(ctx, &txn, fence, address, batch, leftovers).await
        })
        .await;
    match result {
        Ok(committed) => Some(committed.into_value()),
        Err(error) => {
            ctx.metrics.commit_failures.increment();
            tracing::warn!(%error, "a subscriber's rows could not be written");
            match error {
                TransactError::Aborted(Stop::FenceLost) => ctx.ring.close_gate(),
                TransactError::Aborted(Stop::Unreadable(key)) => {
                    tree::set_aside(ctx, Entity::Subscriber(address.clone()), key).await;
                }
                TransactError::Aborted(Stop::Store(_)) | TransactError::Store(_) | TransactError::Unknown => {}
            }
            None
        }
    }
}
