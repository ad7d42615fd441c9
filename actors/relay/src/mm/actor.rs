//! The mailbox of one MM. What comes while a commit runs waits and is folded into the next transaction; what only
//! saves work waits a little for something that has to be written anyway.

use std::sync::Arc;
use std::time::Duration;

use mmsc_domain::MmId;
use mmsc_domain::command::Accepted;
use mmsc_domain::why::Refusal;
use mmsc_ring::Fence;
use mmsc_store::{Committed, TransactError};
use ractor::{Actor, ActorProcessingErr, ActorRef};
use tokio::sync::oneshot;
use tracing::Instrument as _;

use crate::admission::Permit;
use crate::api::{Busy, HandsetReply, SubmitAnswer};
use crate::completion::Completion;
use crate::context::{Context, Stop, busy};
use crate::keys::Entity;
use crate::mm::accept::{Verdict, accept};
use crate::mm::change::After;
use crate::mm::incoming::AcceptWork;
use crate::mm::work::{Batch, Outcome, Work, run};
use crate::tree::{self, ShardMessage};

/// Work folded into one transaction at most.
const BATCH: usize = 100;

/// Whoever waits for an answer.
pub enum Reply {
    /// Nobody.
    None,
    /// A handset's word.
    Handset(oneshot::Sender<HandsetReply>),
    /// A cancellation.
    Cancel(oneshot::Sender<Result<Option<u32>, Busy>>),
}

/// What an MM's actor is told.
pub enum MmMessage {
    /// Become this message.
    Accept(Box<AcceptWork>, oneshot::Sender<SubmitAnswer>, Permit),
    /// Something happened.
    Work(Work, Reply, Option<Permit>),
    /// Its own commit is done, and this goes on.
    Committed(Vec<Work>),
    /// The task of its commit panicked.
    Panicked,
    /// Write what waits.
    Flush,
}

/// What it is made of.
pub struct MmArguments {
    /// Surroundings.
    pub ctx: Arc<Context>,
    /// Its id.
    pub id: MmId,
    /// Its shard's fence.
    pub fence: Fence,
    /// Its supervisor.
    pub shard: ActorRef<ShardMessage>,
}

/// State of the actor.
pub struct MmState {
    args: MmArguments,
    handled: u64,
    committing: bool,
    flush_now: bool,
    timer: bool,
    pending: Vec<(Work, Reply, Option<Permit>)>,
}

/// The actor.
pub struct MmActor;

impl Actor for MmActor {
    type Msg = MmMessage;
    type State = MmState;
    type Arguments = MmArguments;

    async fn pre_start(&self, _me: ActorRef<MmMessage>, args: MmArguments) -> Result<MmState, ActorProcessingErr> {
        Ok(MmState {
            args,
            handled: 0,
            committing: false,
            flush_now: false,
            timer: false,
            pending: Vec::new(),
        })
    }

    async fn handle(
        &self,
        me: ActorRef<MmMessage>,
        message: MmMessage,
        state: &mut MmState,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            MmMessage::Accept(work, reply, permit) => {
                state.handled += 1;
                state.start_accept(&me, work, reply, permit);
            }
            MmMessage::Work(work, reply, permit) => {
                state.handled += 1;
                // Served again before it is written says nothing new.
                let known = work.is_lazy() && state.pending.iter().any(|(waiting, _, _)| *waiting == work);
                if !known {
                    state.pending.push((work, reply, permit));
                }
            }
            MmMessage::Committed(again) => {
                state.committing = false;
                state
                    .pending
                    .extend(again.into_iter().map(|work| (work, Reply::None, None)));
            }
            // The shard counts it as a fault; whoever waits here is told that the outcome is unknown.
            MmMessage::Panicked => return Err("the task of a commit panicked".into()),
            MmMessage::Flush => {
                // With nothing to write it says nothing about what comes later.
                state.flush_now = !state.pending.is_empty();
                state.timer = false;
            }
        }
        state.drive(&me);
        Ok(())
    }
}

impl MmState {
    /// The next thing to do, if nothing is being done.
    fn drive(&mut self, me: &ActorRef<MmMessage>) {
        if self.committing {
            return;
        }
        if self.pending.is_empty() {
            let idle = ShardMessage::Idle(Entity::Mm(self.args.id), me.get_id(), self.handled);
            let _shard_gone = self.args.shard.cast(idle);
            return;
        }
        if self.flush_now || self.pending.iter().any(|(work, _, _)| !work.is_lazy()) {
            self.flush_now = false;
            self.start_batch(me);
        } else if !self.timer {
            self.timer = true;
            let (clock, me, lazy) = (Arc::clone(&self.args.ctx.ports.clock), me.clone(), self.lazy());
            self.args.ctx.ports.spawn.task(
                "mm-flush",
                Box::pin(async move {
                    clock.sleep(lazy).await;
                    let _actor_gone = me.cast(MmMessage::Flush);
                }),
            );
        }
    }

    fn lazy(&self) -> Duration {
        self.args.ctx.policy.telling.lazy
    }

    fn start_accept(
        &mut self,
        me: &ActorRef<MmMessage>,
        work: Box<AcceptWork>,
        reply: oneshot::Sender<SubmitAnswer>,
        permit: Permit,
    ) {
        self.committing = true;
        let (ctx, id, fence) = (Arc::clone(&self.args.ctx), self.args.id, self.args.fence);
        let completion = Completion::new(me.clone(), MmMessage::Panicked);
        let task = async move {
            let result = ctx
                .store
                .transact(ctx.operation(), |txn| {
                    let (ctx, work) = (&ctx, &work);
                    async move { accept(ctx, &txn, fence, id, work).await }
                })
                .await;
            let _submitter_gone = reply.send(answer_submitter(&ctx, id, result).await);
            drop(permit);
            completion.finish(MmMessage::Committed(Vec::new()));
        };
        let span = tracing::debug_span!("accept", mm = %id);
        self.args
            .ctx
            .ports
            .spawn
            .task("mm-accept", Box::pin(task.instrument(span)));
    }

    fn start_batch(&mut self, me: &ActorRef<MmMessage>) {
        self.committing = true;
        let count = self.pending.len().min(BATCH);
        let mut work = Vec::with_capacity(count);
        let mut replies = Vec::with_capacity(count);
        for (one, reply, permit) in self.pending.drain(..count) {
            work.push(one);
            replies.push((reply, permit));
        }
        let (ctx, id, fence) = (Arc::clone(&self.args.ctx), self.args.id, self.args.fence);
        let completion = Completion::new(me.clone(), MmMessage::Panicked);
        let task = async move {
            let result = ctx
                .store
                .transact(ctx.operation(), |txn| {
                    let (ctx, work) = (&ctx, &work);
                    async move { run(ctx, &txn, fence, id, work).await }
                })
                .await;
            let again = answer_batch(&ctx, id, result, replies).await;
            completion.finish(MmMessage::Committed(again));
        };
        let span = tracing::debug_span!("change", mm = %id, pieces = count);
        self.args
            .ctx
            .ports
            .spawn
            .task("mm-commit", Box::pin(task.instrument(span)));
    }
}

async fn answer_submitter(
    ctx: &Context,
    id: MmId,
    result: Result<Committed<(Verdict, After)>, TransactError<Stop>>,
) -> SubmitAnswer {
    let committed = match result {
        Ok(committed) => committed,
        Err(error) => {
            ctx.metrics.commit_failures.increment();
            tracing::warn!(error = %error, "a submission could not be committed");
            note_fence(ctx, &error);
            let why = busy(&error);
            if let TransactError::Aborted(Stop::Unreadable(key)) = error {
                tree::set_aside(ctx, Entity::Mm(id), key).await;
            }
            return SubmitAnswer::Busy(why);
        }
    };
    match &committed.value().0 {
        Verdict::Accepted(accepted) => {
            let accepted: Accepted = accepted.clone();
            ctx.metrics.accepted.increment();
            let mut after = None;
            let proof = committed.map(|(_, pokes)| {
                after = Some(pokes);
                accepted
            });
            if let Some(after) = after {
                tree::carry_out(ctx, after);
            }
            SubmitAnswer::Accepted(proof)
        }
        Verdict::Duplicate(first) => {
            ctx.metrics.duplicates.increment();
            let first = first.clone();
            SubmitAnswer::Accepted(committed.map(|_| first))
        }
        Verdict::Refused(refusal) => {
            ctx.metrics.refused.increment();
            if let Refusal::ContentNotAccepted(why) = refusal {
                ctx.metrics.count_refused_content(why);
            }
            let refusal: Refusal = refusal.clone();
            SubmitAnswer::Refused(refusal)
        }
    }
}

async fn answer_batch(
    ctx: &Arc<Context>,
    id: MmId,
    result: Result<Committed<Batch>, TransactError<Stop>>,
    replies: Vec<(Reply, Option<Permit>)>,
) -> Vec<Work> {
    match result {
        Ok(committed) => {
            let batch = committed.into_value();
            for ((reply, permit), outcome) in replies.into_iter().zip(batch.outcomes) {
                answer(reply, &outcome);
                drop(permit);
            }
            tree::carry_out(ctx, batch.after);
            batch.again.into_iter().map(Work::Continue).collect()
        }
        Err(error) => {
            ctx.metrics.commit_failures.increment();
            tracing::warn!(mm = %id, error = %error, "a change of a message could not be committed");
            note_fence(ctx, &error);
            let why = busy(&error);
            for (reply, permit) in replies {
                refuse(reply, why);
                drop(permit);
            }
            if let TransactError::Aborted(Stop::Unreadable(key)) = error {
                tree::set_aside(ctx, Entity::Mm(id), key).await;
            }
            Vec::new()
        }
    }
}

fn note_fence(ctx: &Context, error: &TransactError<Stop>) {
    if *error == TransactError::Aborted(Stop::FenceLost) {
        ctx.ring.close_gate();
    }
}

fn answer(reply: Reply, outcome: &Outcome) {
    match (reply, outcome) {
        (Reply::Handset(to), outcome) => {
            let reply = match outcome {
                Outcome::Done | Outcome::Cancelled(_) => HandsetReply::Done,
                Outcome::NotThere => HandsetReply::NotThere,
                Outcome::NotYours => HandsetReply::NotYours,
                Outcome::TooLate => HandsetReply::TooLate,
            };
            let _handset_gone = to.send(reply);
        }
        (Reply::Cancel(to), Outcome::Cancelled(count)) => {
            let _canceller_gone = to.send(Ok(*count));
        }
        (Reply::Cancel(_) | Reply::None, _) => {}
    }
}

fn refuse(reply: Reply, why: Busy) {
    match reply {
        Reply::None => {}
        Reply::Handset(to) => {
            let _handset_gone = to.send(HandsetReply::Busy(why));
        }
        Reply::Cancel(to) => {
            let _canceller_gone = to.send(Err(why));
        }
    }
}
