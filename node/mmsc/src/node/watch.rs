//! Ports of one part of the node: a socket that was bound ahead, and tasks whose end is noticed.

use std::io;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::FutureExt as _;
use mmsc_ports::net::{BoxStream, Listener};
use mmsc_ports::spawn::Worker;
use mmsc_ports::{BoxFuture, Net, Spawn, Task};
use tokio::sync::watch;

/// Hands a listener that is bound already to the first who listens on its address. So the address is known before
/// the adapter starts, which needs it for the retrieval addresses that it gives out.
pub(super) struct BoundAhead {
    net: Arc<dyn Net>,
    listener: Mutex<Option<Box<dyn Listener>>>,
}

impl BoundAhead {
    pub(super) fn new(net: Arc<dyn Net>, listener: Box<dyn Listener>) -> Self {
        Self {
            net,
            listener: Mutex::new(Some(listener)),
        }
    }
}

impl Net for BoundAhead {
    fn connect(&self, target: &str) -> BoxFuture<'static, io::Result<BoxStream>> {
        self.net.connect(target)
    }

    fn listen(&self, address: SocketAddr) -> BoxFuture<'static, io::Result<Box<dyn Listener>>> {
        let ahead = self.listener.lock().unwrap_or_else(PoisonError::into_inner).take();
        match ahead {
            Some(listener) => Box::pin(std::future::ready(Ok(listener))),
            None => self.net.listen(address),
        }
    }
}

/// Notices the end of tasks that are meant to run for as long as their part does.
pub(super) struct WatchedSpawn {
    spawn: Arc<dyn Spawn>,
    name: &'static str,
    ended: watch::Sender<Option<String>>,
}

impl WatchedSpawn {
    /// Watches tasks called `name`; the receiver holds why the first of them ended.
    pub(super) fn new(spawn: Arc<dyn Spawn>, name: &'static str) -> (Arc<Self>, watch::Receiver<Option<String>>) {
        let (ended, receiver) = watch::channel(None);
        (Arc::new(Self { spawn, name, ended }), receiver)
    }
}

impl Spawn for WatchedSpawn {
    fn task(&self, name: &'static str, future: BoxFuture<'static, ()>) -> Task {
        if name != self.name {
            return self.spawn.task(name, future);
        }
        let ended = self.ended.clone();
        let watched = async move {
            let outcome = AssertUnwindSafe(future).catch_unwind().await;
            let why = match outcome {
                Ok(()) => format!("{name} ended"),
                Err(_panic) => format!("{name} failed"),
            };
            ended.send_if_modified(|reason| {
                let first = reason.is_none();
                if first {
                    *reason = Some(why);
                }
                first
            });
        };
        self.spawn.task(name, Box::pin(watched))
    }

    fn worker(&self, name: &'static str, work: Box<dyn FnOnce() + Send + 'static>) -> Worker {
        self.spawn.worker(name, work)
    }
}

/// Waits for the end of a watched task; for ever if it can no longer be told.
pub(super) async fn ended(mut receiver: watch::Receiver<Option<String>>) -> String {
    let reason = receiver.wait_for(Option::is_some).await.map(|reason| reason.clone());
    match reason {
        Ok(Some(reason)) => reason,
        Ok(None) | Err(_) => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use mmsc_ports::Ports;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(30);

    #[tokio::test]
    async fn the_end_of_a_watched_task_is_noticed_and_no_other() {
        let ports = Ports::real();
        let (spawn, receiver) = WatchedSpawn::new(ports.spawn, "link");
        spawn.task("other", Box::pin(std::future::ready(()))).join().await;
        assert_eq!(*receiver.borrow(), None);
        let failing = async { std::panic::resume_unwind(Box::new("on purpose")) };
        spawn.task("link", Box::pin(failing)).join().await;
        spawn.task("link", Box::pin(std::future::ready(()))).join().await;
        let reason = tokio::time::timeout(LIMIT, ended(receiver)).await.unwrap();
        assert_eq!(reason, "link failed", "the first end counts");
    }

    #[tokio::test]
    async fn the_socket_bound_ahead_is_handed_over_once() {
        let ports = Ports::real();
        let listener = ports.net.listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let address = listener.local_addr().unwrap();
        let net = BoundAhead::new(ports.net, listener);
        let first = net.listen(address).await.unwrap();
        assert_eq!(first.local_addr().unwrap(), address);
        assert!(net.listen(address).await.is_err(), "the second one binds anew");
        drop(first);
        assert_eq!(net.listen(address).await.unwrap().local_addr().unwrap(), address);
    }
}
