//! Tells an actor how its task ended, also if the task panics: an actor never waits for a task that is gone.

use ractor::{ActorRef, Message};

/// Sends its message to the actor when it is dropped.
pub struct Completion<M: Message> {
    to: ActorRef<M>,
    message: Option<M>,
}

impl<M: Message> Completion<M> {
    /// `failed` is what the actor gets unless [`Completion::finish`] is reached.
    pub fn new(to: ActorRef<M>, failed: M) -> Self {
        Self {
            to,
            message: Some(failed),
        }
    }

    /// The task came to its end with `message`.
    pub fn finish(mut self, message: M) {
        self.message = Some(message);
    }
}

impl<M: Message> Drop for Completion<M> {
    fn drop(&mut self) {
        if let Some(message) = self.message.take() {
            let _actor_gone = self.to.cast(message);
        }
    }
}
