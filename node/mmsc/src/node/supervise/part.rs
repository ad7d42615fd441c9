//! One part: holds it while it runs, fails when it ends by itself, drains it when asked.

use std::time::Duration;

use mmsc_ports::{Ports, Task};
use ractor::{Actor, ActorProcessingErr, ActorRef};
use tokio::sync::oneshot;

use super::{Part, PartSpec};

/// What the actor of a part is told.
pub enum PartMessage {
    /// The part ended by itself, for this reason.
    Ended(String),
    /// Finish and stop; true if nothing was cut off.
    Drain(Duration, oneshot::Sender<bool>),
}

pub struct PartArguments {
    pub spec: PartSpec,
    pub ports: Ports,
}

pub struct PartState {
    part: Option<Box<dyn Part>>,
    watcher: Task,
    ports: Ports,
}

/// The actor of a part.
pub struct PartActor;

impl Actor for PartActor {
    type Msg = PartMessage;
    type State = PartState;
    type Arguments = PartArguments;

    async fn pre_start(
        &self,
        me: ActorRef<PartMessage>,
        arguments: PartArguments,
    ) -> Result<PartState, ActorProcessingErr> {
        let PartArguments { spec, ports } = arguments;
        let part = (spec.start)().await?;
        let ended = part.ended();
        let watch = async move {
            let reason = ended.await;
            // The actor may be gone: then its end is known.
            let _gone = me.cast(PartMessage::Ended(reason));
        };
        Ok(PartState {
            part: Some(part),
            watcher: ports.spawn.task("part-watcher", Box::pin(watch)),
            ports,
        })
    }

    async fn handle(
        &self,
        me: ActorRef<PartMessage>,
        message: PartMessage,
        state: &mut PartState,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            // While it drains, that it ends is what is wanted.
            PartMessage::Ended(_) if state.part.is_none() => Ok(()),
            PartMessage::Ended(reason) => Err(reason.into()),
            PartMessage::Drain(limit, reply) => {
                state.drain(me, limit, reply);
                Ok(())
            }
        }
    }

    async fn post_stop(&self, _me: ActorRef<PartMessage>, state: &mut PartState) -> Result<(), ActorProcessingErr> {
        state.watcher.abort();
        Ok(())
    }
}

impl PartState {
    fn drain(&mut self, me: ActorRef<PartMessage>, limit: Duration, reply: oneshot::Sender<bool>) {
        let Some(part) = self.part.take() else {
            let _asked_twice = reply.send(true);
            return;
        };
        let drain = async move {
            let whole = part.drain(limit).await;
            // Nobody may be waiting any more.
            let _gone = reply.send(whole);
            me.stop(Some("drained".to_owned()));
        };
        let _runs_on = self.ports.spawn.task("part-drain", Box::pin(drain));
    }
}
