//! Starts the shards, and starts one again that fails.

use std::collections::HashMap;

use mmsc_domain::UnixMillis;
use mmsc_ring::Fence;
use ractor::{Actor, ActorId, ActorProcessingErr, ActorRef, SupervisionEvent};

use crate::tree::shard::{Shard, ShardArguments};
use crate::tree::{Shared, start_found};

/// The poke of a row younger than this may still be on its way to a shard that was started again.
const UNDER_WAY_MILLIS: u64 = 5000;

/// What the supervisor is told: nothing, it only watches.
pub enum RelaySupervisorMessage {}

/// What it is made of.
pub struct SupervisorArguments {
    /// Surroundings.
    pub ctx: Shared,
}

/// Its state: which actor serves which shard.
pub struct SupervisorState {
    ctx: Shared,
    shards: HashMap<ActorId, Fence>,
}

/// The actor.
pub struct RelaySupervisor;

impl Actor for RelaySupervisor {
    type Msg = RelaySupervisorMessage;
    type State = SupervisorState;
    type Arguments = SupervisorArguments;

    async fn pre_start(
        &self,
        me: ActorRef<RelaySupervisorMessage>,
        args: SupervisorArguments,
    ) -> Result<SupervisorState, ActorProcessingErr> {
        args.ctx.router.set_supervisor(me.clone());
        let mut state = SupervisorState {
            ctx: args.ctx,
            shards: HashMap::new(),
        };
        let fences: Vec<Fence> = state
            .ctx
            .ring
            .owned()
            .iter()
            .filter_map(|shard| state.ctx.ring.fence(*shard))
            .collect();
        for fence in fences {
            state.start(&me, fence).await?;
        }
        Ok(state)
    }

    async fn handle_supervisor_evt(
        &self,
        me: ActorRef<RelaySupervisorMessage>,
        event: SupervisionEvent,
        state: &mut SupervisorState,
    ) -> Result<(), ActorProcessingErr> {
        match event {
            SupervisionEvent::ActorFailed(cell, error) => {
                state.ctx.metrics.faults.increment();
                tracing::error!(%error, "a shard failed and is started again");
                if let Some(fence) = state.shards.remove(&cell.get_id()) {
                    state.start(&me, fence).await?;
                    let before = UnixMillis(state.ctx.now().0.saturating_sub(UNDER_WAY_MILLIS));
                    start_found(&state.ctx, vec![fence.shard], before);
                }
            }
            SupervisionEvent::ActorTerminated(cell, _, _) => {
                state.shards.remove(&cell.get_id());
            }
            SupervisionEvent::ActorStarted(_) | SupervisionEvent::ProcessGroupChanged(_) => {}
        }
        Ok(())
    }
}

impl SupervisorState {
    async fn start(&mut self, me: &ActorRef<RelaySupervisorMessage>, fence: Fence) -> Result<(), ActorProcessingErr> {
        let args = ShardArguments {
            ctx: self.ctx.clone(),
            fence,
        };
        let (actor, _) = Actor::spawn_linked(None, Shard, args, me.get_cell()).await?;
        self.shards.insert(actor.get_id(), fence);
        self.ctx.router.set(fence.shard, actor);
        Ok(())
    }
}
