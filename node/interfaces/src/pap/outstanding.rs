//! Pushes whose answer is awaited: a result notification may overtake it, and the relay knows the push-id only from the
//! answer. As many as the gateways' windows and queues hold.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

/// The push-ids, each with a channel that closes at its end.
#[derive(Default)]
pub(super) struct Outstanding(Mutex<BTreeMap<String, watch::Sender<()>>>);

/// A push is outstanding while this lives.
pub(super) struct Guard {
    outstanding: Arc<Outstanding>,
    push_id: String,
}

impl Outstanding {
    pub(super) fn begin(self: &Arc<Self>, push_id: &str) -> Guard {
        let mut ids = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        ids.insert(push_id.to_owned(), watch::channel(()).0);
        Guard {
            outstanding: Arc::clone(self),
            push_id: push_id.to_owned(),
        }
    }

    /// Waits until the push is answered or given up; false if it was not outstanding.
    pub(super) async fn ended(&self, push_id: &str) -> bool {
        let watching = {
            let ids = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            ids.get(push_id).map(watch::Sender::subscribe)
        };
        match watching {
            Some(mut watching) => {
                // Nothing is ever sent: only the end ends it.
                while watching.changed().await.is_ok() {}
                true
            }
            None => false,
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let mut ids = self.outstanding.0.lock().unwrap_or_else(PoisonError::into_inner);
        ids.remove(&self.push_id);
    }
}
