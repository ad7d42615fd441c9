//! The mailbox of one subscriber.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use mmsc_domain::inbox::InboxRow;
use mmsc_domain::telling::TellEvent;
use mmsc_domain::{Address, UnixMillis};
use mmsc_ring::Fence;
use ractor::{Actor, ActorProcessingErr, ActorRef};
use tokio::sync::oneshot;

use crate::context::Context;
use crate::keys::{DueEntry, Entity, ItemKey};
use crate::port::{Receipt, TellOutcome};
use crate::subscriber::commit::Written;
use crate::subscriber::held::{MAX_HELD, Rows};
use crate::subscriber::reads::{Loaded, Sweep};
use crate::tree::ShardMessage;

/// The longest wait for a turn before the pace is asked again.
const LONGEST_TURN: Duration = Duration::from_secs(60);

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
    /// Its shard was taken over or restarted: attempts for rows born before this whose outcome nobody wrote are
    /// repeated.
    Found(UnixMillis),
    /// An operator wants a row told now, or off the shelf.
    Release(ItemKey),
    /// The bearer reports about a push; answered once it needs no repetition.
    Receipt(Receipt, oneshot::Sender<bool>),
    /// Write what waits.
    Flush,
    /// The pace may allow the next attempt.
    Turn,
    /// Rows were read.
    Loaded(Loaded),
    /// The attempt for a row ended.
    AttemptDone(ItemKey, TellOutcome),
    /// Its commit is done; none: it failed, and so did what it decided.
    Committed(Option<Written>),
    /// The task of its commit panicked.
    Panicked,
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
    pub(super) ctx: Arc<Context>,
    pub(super) address: Address,
    pub(super) fence: Fence,
    pub(super) shard: ActorRef<ShardMessage>,
    pub(super) handled: u64,
    pub(super) rows: Rows,
    pub(super) leftovers: Vec<DueEntry>,
    pub(super) committing: Option<Vec<ItemKey>>,
    pub(super) loading: usize,
    /// Places kept for the rows of a page that is being read.
    pub(super) reserved: usize,
    /// Rows counted in the gauge.
    pub(super) counted_rows: usize,
    /// The next page of the walk that is under way.
    pub(super) sweep: Option<Sweep>,
    /// A page of it is being read.
    pub(super) sweeping: bool,
    /// Walks that are to follow.
    pub(super) wanted: VecDeque<Option<TellEvent>>,
    /// Rows born before this may have an attempt whose outcome died with an earlier process or shard.
    pub(super) found_before: UnixMillis,
    pub(super) receipts: Vec<oneshot::Sender<bool>>,
    pub(super) committing_receipts: Vec<oneshot::Sender<bool>>,
    pub(super) flush_now: bool,
    pub(super) timer: bool,
    /// The pace has been asked and will say when the next attempt may be made.
    pub(super) turn_asked: bool,
    /// How often some destination had come up when the oldest attempt began whose outcome is not written yet.
    pub(super) ups_before: Option<u64>,
    /// The handset showed itself while the attempt was made that is under way.
    pub(super) seen_meanwhile: bool,
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
            reserved: 0,
            counted_rows: 0,
            sweep: None,
            sweeping: false,
            wanted: VecDeque::new(),
            found_before: UnixMillis(0),
            receipts: Vec::new(),
            committing_receipts: Vec::new(),
            flush_now: false,
            timer: false,
            turn_asked: false,
            ups_before: None,
            seen_meanwhile: false,
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
            SubscriberMessage::Found(before) => state.counted().found(before),
            SubscriberMessage::Seen => {
                state.seen_meanwhile = state.rows.is_attempting();
                state.counted().want(Some(TellEvent::SubscriberSeen));
            }
            SubscriberMessage::Release(item) => state.counted().load_released(&me, item),
            SubscriberMessage::Receipt(receipt, reply) => state.counted().receipt(&me, receipt, reply),
            SubscriberMessage::Flush => {
                // With nothing to write it says nothing about what comes later.
                state.flush_now = state.rows.is_dirty();
                state.timer = false;
            }
            SubscriberMessage::Turn => state.turn_asked = false,
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
        if self.rows.contains(&item) {
            return;
        }
        if self.room() > 0 {
            self.take_in(item, row, TellEvent::AttemptStarted);
        } else {
            // Its attempt is not made by this poke. A walk makes the next one, so that rows that are born later and
            // find room are not told long before it.
            self.found(UnixMillis(row.born_at.0.saturating_add(1)));
        }
    }

    /// Rows that may still be taken in.
    pub(super) fn room(&self) -> usize {
        MAX_HELD.saturating_sub(self.rows.len().saturating_add(self.reserved))
    }

    fn found(&mut self, before: UnixMillis) {
        self.found_before = self.found_before.max(before);
        self.want(Some(TellEvent::FoundWithoutOutcome));
    }

    pub(super) fn take_in(&mut self, item: ItemKey, row: InboxRow, event: TellEvent) {
        let (now, random) = (self.ctx.now(), self.ctx.random_u32());
        self.rows
            .take_in(item, row, event, now, random, &self.ctx.policy.telling);
    }

    pub(super) fn event(&mut self, item: &ItemKey, event: TellEvent) {
        let (now, random) = (self.ctx.now(), self.ctx.random_u32());
        self.rows.event(item, event, now, random, &self.ctx.policy.telling);
    }

    /// A walk through the inbox is wanted; one of its kind that has not begun yet does for both.
    pub(super) fn want(&mut self, event: Option<TellEvent>) {
        if !self.wanted.contains(&event) {
            self.wanted.push_back(event);
        }
    }

    /// Whatever can be done now is started; with nothing outstanding the shard may let the actor go.
    fn drive(&mut self, me: &ActorRef<SubscriberMessage>) {
        self.next_attempt(me);
        let must_write = self.rows.is_urgent() || !self.leftovers.is_empty();
        // What only saves work makes room for rows that wait.
        let crowded = self.room() <= MAX_HELD / 2;
        let may_write = (self.flush_now || crowded) && self.rows.is_dirty();
        if self.committing.is_none() && (must_write || may_write) {
            self.flush_now = false;
            self.commit(me);
        }
        self.walk(me);
        self.count_rows();
        let walking = self.sweeping || self.sweep.is_some() || !self.wanted.is_empty();
        let busy = self.loading > 0 || self.committing.is_some() || walking;
        if !busy && self.rows.is_empty() {
            let idle = ShardMessage::Idle(Entity::Subscriber(self.address.clone()), me.get_id(), self.handled);
            let _shard_gone = self.shard.cast(idle);
        } else if self.rows.is_dirty() {
            self.start_timer(me);
        }
    }

    /// One attempt at a time, oldest row first, and not faster than the pace of one handset.
    fn next_attempt(&mut self, me: &ActorRef<SubscriberMessage>) {
        if self.turn_asked || !self.rows.can_start() {
            return;
        }
        let pace = self.ctx.policy.telling.pace;
        match self.ctx.paces.take(&self.address, pace, self.ctx.now()) {
            Ok(()) => {
                if let Some((item, row)) = self.rows.start_next() {
                    self.attempt(me, item, &row);
                }
            }
            Err(wait) => {
                self.turn_asked = true;
                let (clock, me) = (Arc::clone(&self.ctx.ports.clock), me.clone());
                let task = async move {
                    clock.sleep(wait.min(LONGEST_TURN)).await;
                    let _actor_gone = me.cast(SubscriberMessage::Turn);
                };
                self.ctx.ports.spawn.task("subscriber-turn", Box::pin(task));
            }
        }
    }

    fn count_rows(&mut self) {
        let (before, now) = (self.counted_rows, self.rows.len());
        let moved = i64::try_from(now)
            .unwrap_or(0)
            .saturating_sub(i64::try_from(before).unwrap_or(0));
        self.ctx.metrics.held_rows.add(moved);
        self.counted_rows = now;
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
}

/// However the actor ends, its rows are held no more.
impl Drop for SubscriberState {
    fn drop(&mut self) {
        let counted = i64::try_from(self.counted_rows).unwrap_or(0);
        self.ctx.metrics.held_rows.add(-counted);
    }
}
