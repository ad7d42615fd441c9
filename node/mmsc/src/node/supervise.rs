//! The root of the tree (design §5): a supervisor for each group of parts, and below it one actor for each part,
//! which restarts alone.
//!
//! ```text
//! NodeSupervisor
//! ├─ group interfaces   smpp
//! ├─ group mm1          mm1, drained before the relay's tree, where smpp is drained after it
//! └─ group ops          ops
//! ```
//!
//! The relay's tree stands beside this one and is not linked below it: `Relay::start` spawns its supervisor before there
//! is a root, because parts are made of the relay. A link would let the root hear of its end, and there is nothing that
//! the root could do: the tree's supervisor starts failed shards again itself and ends only when one can no longer be
//! started, and whoever holds a `Relay` holds the ended tree. So both ends lead to the same place, outside of either
//! tree: [`Node::ended`](super::Node::ended) completes when the root or the relay's tree has ended, `mmsc run` then ends
//! the process with an error, health is failed until it has (`relay.is_standing()`), and the next process takes
//! everything up from the store. The ring of one member has nothing that runs.

mod group;
mod part;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use mmsc_ports::metrics::Counter;
use mmsc_ports::{BoxFuture, Ports};
use ractor::{Actor, ActorProcessingErr, ActorRef, SupervisionEvent};
use tokio::sync::oneshot;

use group::{Group, GroupArguments, GroupMessage};

/// A running part: an adapter with its listener or links.
pub trait Part: Send + 'static {
    /// Completes, with the reason, if the part ends by itself.
    fn ended(&self) -> BoxFuture<'static, String>;
    /// Finishes what runs, for at most `limit`; true if nothing was cut off.
    fn drain(self: Box<Self>, limit: Duration) -> BoxFuture<'static, bool>;
}

/// How a part is started, each time anew; the error is for the operator.
pub type StartPart = Arc<dyn Fn() -> BoxFuture<'static, Result<Box<dyn Part>, String>> + Send + Sync>;

/// A part that a group runs.
#[derive(Clone)]
pub struct PartSpec {
    /// Its name: `mm1`, `smpp`, `ops`.
    pub name: &'static str,
    /// Starts it.
    pub start: StartPart,
}

/// How a part stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PartState {
    /// It runs.
    Running,
    /// It ended by itself, or could not be started again; it is tried again.
    Restarting(String),
    /// It was drained.
    Drained,
}

/// How all parts stand: written by supervisors, read by health checks.
#[derive(Default)]
pub struct PartBoard {
    states: Mutex<BTreeMap<&'static str, PartState>>,
    restarts: Mutex<BTreeMap<&'static str, Arc<Counter>>>,
}

impl PartBoard {
    /// How a part stands; none: there is no such part.
    #[must_use]
    pub fn state(&self, name: &str) -> Option<PartState> {
        let states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        states.get(name).cloned()
    }

    /// Counts the restarts of a part.
    #[must_use]
    pub fn restarts(&self, name: &'static str) -> Arc<Counter> {
        let mut restarts = self.restarts.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(restarts.entry(name).or_default())
    }

    fn set(&self, name: &'static str, state: PartState) {
        let mut states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        states.insert(name, state);
    }
}

/// What the root is asked.
pub enum NodeMessage {
    /// Drain the parts of a group; true if nothing was cut off.
    Drain {
        /// Which group.
        group: &'static str,
        /// For how long at most.
        limit: Duration,
        /// The answer.
        reply: oneshot::Sender<bool>,
    },
}

/// A group of parts under one supervisor.
#[derive(Clone)]
pub struct GroupSpec {
    /// `interfaces`, `ops`.
    pub name: &'static str,
    /// Its parts, in the order of their start.
    pub parts: Vec<PartSpec>,
}

/// What the root is made of.
pub struct NodeArguments {
    /// Its groups, in the order of their start.
    pub groups: Vec<GroupSpec>,
    /// Where the state of parts is written.
    pub board: Arc<PartBoard>,
    /// The outside.
    pub ports: Ports,
}

/// The root.
pub struct NodeSupervisor;

/// Its state: the groups' supervisors.
pub struct NodeState {
    arguments: NodeArguments,
    groups: BTreeMap<&'static str, ActorRef<GroupMessage>>,
}

impl Actor for NodeSupervisor {
    type Msg = NodeMessage;
    type State = NodeState;
    type Arguments = NodeArguments;

    async fn pre_start(
        &self,
        me: ActorRef<NodeMessage>,
        arguments: NodeArguments,
    ) -> Result<NodeState, ActorProcessingErr> {
        let specs = arguments.groups.clone();
        let mut state = NodeState {
            arguments,
            groups: BTreeMap::new(),
        };
        for spec in specs {
            state.start(&me, spec).await?;
        }
        Ok(state)
    }

    async fn handle(
        &self,
        _me: ActorRef<NodeMessage>,
        message: NodeMessage,
        state: &mut NodeState,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            NodeMessage::Drain { group, limit, reply } => {
                if let Some(actor) = state.groups.get(group) {
                    // A group that is gone drops the reply, which its asker takes for "cut off".
                    let _gone = actor.cast(GroupMessage::Drain { limit, reply });
                }
            }
        }
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        me: ActorRef<NodeMessage>,
        event: SupervisionEvent,
        state: &mut NodeState,
    ) -> Result<(), ActorProcessingErr> {
        match event {
            SupervisionEvent::ActorFailed(cell, error) => {
                tracing::error!(%error, "a supervisor failed and is started again");
                let failed = state
                    .groups
                    .iter()
                    .find(|(_, actor)| actor.get_id() == cell.get_id())
                    .map(|(name, _)| *name);
                let spec = state.arguments.groups.iter().find(|spec| Some(spec.name) == failed);
                if let Some(spec) = spec.cloned() {
                    state.start(&me, spec).await?;
                }
            }
            SupervisionEvent::ActorTerminated(..)
            | SupervisionEvent::ActorStarted(_)
            | SupervisionEvent::ProcessGroupChanged(_) => {}
        }
        Ok(())
    }
}

impl NodeState {
    async fn start(&mut self, me: &ActorRef<NodeMessage>, spec: GroupSpec) -> Result<(), ActorProcessingErr> {
        let name = spec.name;
        let arguments = GroupArguments {
            parts: spec.parts,
            board: Arc::clone(&self.arguments.board),
            ports: self.arguments.ports.clone(),
        };
        let (actor, _) = Actor::spawn_linked(None, Group, arguments, me.get_cell()).await?;
        self.groups.insert(name, actor);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
