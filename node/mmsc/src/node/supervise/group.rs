//! A group's supervisor: starts its parts, and starts one again that failed, with growing pauses.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use mmsc_ports::Ports;
use ractor::{Actor, ActorId, ActorProcessingErr, ActorRef, SupervisionEvent};
use tokio::sync::oneshot;

use super::part::{PartActor, PartArguments, PartMessage};
use super::{PartBoard, PartSpec, PartState};

/// So many restarts of one part within [`WINDOW`] are quick; after them it rests.
const QUICK_RESTARTS: usize = 5;
const WINDOW: Duration = Duration::from_secs(10);
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// A part that keeps failing is tried again at this pace for as long as the node lives.
const REST: Duration = Duration::from_secs(10);

/// What a group's supervisor is told.
pub enum GroupMessage {
    /// Start a part again.
    Restart(&'static str),
    /// Drain all parts; true if nothing was cut off.
    Drain {
        /// For how long at most.
        limit: Duration,
        /// The answer.
        reply: oneshot::Sender<bool>,
    },
}

pub struct GroupArguments {
    pub parts: Vec<PartSpec>,
    pub board: Arc<PartBoard>,
    pub ports: Ports,
}

pub struct GroupState {
    parts: Vec<PartSpec>,
    board: Arc<PartBoard>,
    ports: Ports,
    running: BTreeMap<&'static str, ActorRef<PartMessage>>,
    names: HashMap<ActorId, &'static str>,
    failures: BTreeMap<&'static str, Vec<Duration>>,
    draining: bool,
}

/// The supervisor of a group.
pub struct Group;

impl Actor for Group {
    type Msg = GroupMessage;
    type State = GroupState;
    type Arguments = GroupArguments;

    /// At the first start a part that cannot start is told to the operator: the node does not come up half.
    async fn pre_start(
        &self,
        me: ActorRef<GroupMessage>,
        arguments: GroupArguments,
    ) -> Result<GroupState, ActorProcessingErr> {
        let mut state = GroupState {
            parts: arguments.parts.clone(),
            board: arguments.board,
            ports: arguments.ports,
            running: BTreeMap::new(),
            names: HashMap::new(),
            failures: BTreeMap::new(),
            draining: false,
        };
        for spec in &arguments.parts {
            state.start(&me, spec).await?;
        }
        Ok(state)
    }

    async fn handle(
        &self,
        me: ActorRef<GroupMessage>,
        message: GroupMessage,
        state: &mut GroupState,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            GroupMessage::Restart(name) => {
                if !state.draining {
                    state.restart(&me, name).await;
                }
            }
            GroupMessage::Drain { limit, reply } => state.drain(limit, reply),
        }
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        me: ActorRef<GroupMessage>,
        event: SupervisionEvent,
        state: &mut GroupState,
    ) -> Result<(), ActorProcessingErr> {
        match event {
            SupervisionEvent::ActorFailed(cell, error) => {
                if let Some(name) = state.names.remove(&cell.get_id()) {
                    state.failed(&me, name, &error.to_string());
                }
            }
            SupervisionEvent::ActorTerminated(cell, _, _) => {
                if let Some(name) = state.names.remove(&cell.get_id()) {
                    state.running.remove(name);
                    state.board.set(name, PartState::Drained);
                }
            }
            SupervisionEvent::ActorStarted(_) | SupervisionEvent::ProcessGroupChanged(_) => {}
        }
        Ok(())
    }
}

impl GroupState {
    async fn start(&mut self, me: &ActorRef<GroupMessage>, spec: &PartSpec) -> Result<(), ActorProcessingErr> {
        let arguments = PartArguments {
            spec: spec.clone(),
            ports: self.ports.clone(),
        };
        let (actor, _) = Actor::spawn_linked(None, PartActor, arguments, me.get_cell()).await?;
        self.names.insert(actor.get_id(), spec.name);
        self.running.insert(spec.name, actor);
        self.board.set(spec.name, PartState::Running);
        Ok(())
    }

    async fn restart(&mut self, me: &ActorRef<GroupMessage>, name: &'static str) {
        let Some(spec) = self.parts.iter().find(|spec| spec.name == name).cloned() else {
            return;
        };
        self.board.restarts(name).increment();
        match self.start(me, &spec).await {
            Ok(()) => tracing::info!(part = name, "started again"),
            Err(error) => self.failed(me, name, &error.to_string()),
        }
    }

    /// Takes note and has it started again after a pause.
    fn failed(&mut self, me: &ActorRef<GroupMessage>, name: &'static str, reason: &str) {
        self.running.remove(name);
        self.board.set(name, PartState::Restarting(reason.to_owned()));
        if self.draining {
            return;
        }
        let now = self.ports.clock.monotonic();
        let failures = self.failures.entry(name).or_default();
        failures.retain(|at| now.saturating_sub(*at) < WINDOW);
        failures.push(now);
        let pause = pause_after(failures.len());
        tracing::error!(
            part = name,
            reason,
            ?pause,
            "failed and is started again after the pause"
        );
        let (clock, me) = (Arc::clone(&self.ports.clock), me.clone());
        let wait = async move {
            clock.sleep(pause).await;
            // A supervisor that is gone restarts nothing.
            let _gone = me.cast(GroupMessage::Restart(name));
        };
        let _runs_on = self.ports.spawn.task("part-restart", Box::pin(wait));
    }

    fn drain(&mut self, limit: Duration, reply: oneshot::Sender<bool>) {
        self.draining = true;
        let answers: Vec<oneshot::Receiver<bool>> = self
            .running
            .values()
            .filter_map(|actor| {
                let (answer, receiver) = oneshot::channel();
                actor.cast(PartMessage::Drain(limit, answer)).ok().map(|()| receiver)
            })
            .collect();
        let collect = async move {
            let mut whole = true;
            for answer in answers {
                whole &= answer.await.unwrap_or(false);
            }
            // Nobody may be waiting any more.
            let _gone = reply.send(whole);
        };
        let _runs_on = self.ports.spawn.task("group-drain", Box::pin(collect));
    }
}

/// 50 ms, doubling, for the quick ones; then the rest.
fn pause_after(failures: usize) -> Duration {
    if failures > QUICK_RESTARTS {
        return REST;
    }
    let doublings = u32::try_from(failures.saturating_sub(1)).unwrap_or(0);
    FIRST_PAUSE.saturating_mul(2u32.saturating_pow(doublings))
}
