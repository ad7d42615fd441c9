//! An attempt, and the commit of what came of it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use mmsc_domain::Address;
use mmsc_domain::inbox::InboxRow;
use mmsc_domain::telling::TellEvent;
use mmsc_ring::Fence;
use mmsc_store::TransactError;
use ractor::ActorRef;
use tracing::Instrument as _;

use crate::completion::Completion;
use crate::context::{Context, Stop};
use crate::keys::{DueEntry, Entity, ItemKey};
use crate::port::{TellAttempt, TellOutcome};
use crate::subscriber::actor::{SubscriberMessage, SubscriberState};
use crate::subscriber::commit::{self, Written};
use crate::subscriber::held::{Decision, MAX_HELD};
use crate::subscriber::load;
use crate::tree;

/// The bearer answers within this, or its answer counts as lost.
const ATTEMPT_DEADLINE: Duration = Duration::from_secs(60);

/// Between finding that a destination came up meanwhile and trying it again.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// The destination that rows wait for while no bearer is configured.
pub const NO_BEARER: &str = "(no bearer)";

impl SubscriberState {
    pub(super) fn attempt(&mut self, me: &ActorRef<SubscriberMessage>, item: ItemKey, row: &InboxRow) {
        self.ctx.metrics.attempts.increment();
        self.ups_before.get_or_insert(self.ctx.ups.load(Ordering::Acquire));
        if row.attempts > 1 {
            self.ctx.metrics.repeated_attempts.increment();
        }
        let completion = Completion::new(me.clone(), SubscriberMessage::AttemptDone(item, TellOutcome::Unknown));
        let (ctx, address) = (Arc::clone(&self.ctx), self.address.clone());
        let (telling, number, expires_at) = (row.telling.clone(), row.attempts, row.expires_at);
        let task = async move {
            let Some(bearer) = ctx.bearer.get() else {
                let outcome = TellOutcome::Unavailable {
                    destination: NO_BEARER.to_owned(),
                };
                return completion.finish(SubscriberMessage::AttemptDone(item, outcome));
            };
            let mms_version = load::mms_version(&ctx, &address).await.unwrap_or(0x92);
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
        let span = tracing::debug_span!("tell", mm = %item.id.mm, copy = item.id.copy.0, kind = ?item.id.kind, number);
        self.ctx
            .ports
            .spawn
            .task("subscriber-attempt", Box::pin(task.instrument(span)));
    }

    pub(super) fn attempt_done(&mut self, item: &ItemKey, outcome: TellOutcome) {
        self.count_outcome(&outcome);
        let seen = std::mem::take(&mut self.seen_meanwhile);
        if !self.rows.attempt_ended(item) {
            return;
        }
        // It is there after all: what just failed does not wait for its next turn. Of any other outcome this is nothing.
        let seen = seen.then_some(TellEvent::SubscriberSeen);
        let event = match outcome {
            TellOutcome::Sent(sent) => TellEvent::Sent(sent),
            TellOutcome::Failed { retry_after } => TellEvent::Failed { retry_after },
            TellOutcome::Refused => TellEvent::Refused,
            TellOutcome::Unavailable { destination } => TellEvent::Unavailable { destination },
            TellOutcome::Unknown => TellEvent::Unknown,
        };
        self.event(item, event);
        if let Some(seen) = seen {
            self.event(item, seen);
        }
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

    pub(super) fn commit(&mut self, me: &ActorRef<SubscriberMessage>) {
        let batch = self.rows.start_commit(MAX_HELD);
        let batch_len = batch.len();
        let leftovers = std::mem::take(&mut self.leftovers);
        self.committing = Some(batch.iter().map(|decision| decision.item).collect());
        self.committing_receipts = std::mem::take(&mut self.receipts);
        let completion = Completion::new(me.clone(), SubscriberMessage::Panicked);
        let (ctx, fence, address) = (Arc::clone(&self.ctx), self.fence, self.address.clone());
        let task = async move {
            let written = write(&ctx, fence, &address, &batch, &leftovers).await;
            completion.finish(SubscriberMessage::Committed(written));
        };
        let span = tracing::debug_span!("outcomes", to = %self.address.masked(), rows = batch_len);
        self.ctx
            .ports
            .spawn
            .task("subscriber-commit", Box::pin(task.instrument(span)));
    }

    pub(super) fn committed(&mut self, written: Option<Written>) {
        let batch = self.committing.take().unwrap_or_default();
        let receipts = std::mem::take(&mut self.committing_receipts);
        let ok = written.is_some();
        match written {
            Some(written) => {
                self.ctx.metrics.shelved.add(written.shelved);
                self.ctx.metrics.without_outcome.add(written.without_outcome);
                self.look_for_ups(written.waiting);
                self.rows.committed(&batch, &written.void);
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
}

async fn write(
    ctx: &Arc<Context>,
    fence: Fence,
    address: &Address,
    batch: &[Decision],
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
