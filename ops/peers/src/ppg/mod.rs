//! A small push proxy gateway: takes pushes by PAP, decodes them, hands them out in order of arrival, and reports what
//! became of them. It can be told to refuse, stall or break off.

mod behaviour;
mod report;
mod session;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use mmsc_ports::{Ports, Task};
use mmsc_wire::pap::MessageState;
use tokio::sync::{mpsc, watch};

pub use behaviour::Treatment;
pub use report::{Reported, report};

use behaviour::Plan;

use crate::error::PeerError;
use crate::handset::Told;

/// What the gateway does about the pushes that it takes.
#[derive(Clone, Copy, Debug)]
pub struct PpgSettings {
    /// Reported for each push that asked for a report; none reports nothing by itself.
    pub result: Option<MessageState>,
    /// Pushes that may wait to be taken; when full, the gateway answers nothing until one was.
    pub queue: usize,
}

impl Default for PpgSettings {
    /// Reports "delivered".
    fn default() -> Self {
        Self {
            result: Some(MessageState::Delivered),
            queue: 1024,
        }
    }
}

/// A push that arrived.
#[derive(Clone, Debug)]
pub struct PpgPush {
    /// Monotonic time of arrival.
    pub at: Duration,
    /// Its push-id.
    pub push_id: String,
    /// The number of its address, digits.
    pub to: String,
    /// Its address as written.
    pub address: String,
    /// Where a report is wanted.
    pub notify_to: Option<String>,
    /// source-reference.
    pub source_reference: Option<String>,
    /// The MMS PDU.
    pub pdu: Vec<u8>,
    /// What it tells, or why it cannot be read.
    pub told: Result<Told, String>,
}

/// Counts since the start.
#[derive(Debug, Default)]
pub struct PpgCounts {
    /// Connections taken.
    pub connections: AtomicU64,
    /// Pushes taken over.
    pub accepted: AtomicU64,
    /// Pushes not taken, for whatever reason.
    pub not_accepted: AtomicU64,
    /// Requests that are no push.
    pub odd: AtomicU64,
    /// Reports answered with 1000.
    pub results_taken: AtomicU64,
    /// Reports answered otherwise, or not at all.
    pub results_refused: AtomicU64,
}

/// A running gateway; dropping it closes the listener and all connections.
pub struct Ppg {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: Task,
}

/// What all connections share.
struct Shared {
    ports: Ports,
    settings: PpgSettings,
    plan: Mutex<Plan>,
    /// Push-ids taken over: a second push of one is a duplicate.
    known: Mutex<BTreeSet<String>>,
    counts: PpgCounts,
    pushes: mpsc::Sender<PpgPush>,
    closing: watch::Sender<bool>,
}

impl Ppg {
    /// Listens on `address` (port 0 takes any) and hands pushes out through the receiver, in order of arrival.
    pub async fn start(
        ports: &Ports,
        address: SocketAddr,
        settings: PpgSettings,
    ) -> Result<(Self, mpsc::Receiver<PpgPush>), PeerError> {
        let listener = ports.net.listen(address).await;
        let listener = listener.map_err(|error| PeerError::io(format!("PPG on {address}"), error))?;
        let address = listener.local_addr().map_err(|error| PeerError::io("PPG", error))?;
        let (pushes, receiver) = mpsc::channel(settings.queue.max(1));
        let shared = Arc::new(Shared {
            ports: ports.clone(),
            settings,
            plan: Mutex::default(),
            known: Mutex::default(),
            counts: PpgCounts::default(),
            pushes,
            closing: watch::Sender::new(false),
        });
        let accept = session::accept(Arc::clone(&shared), listener);
        let accepting = ports.spawn.task("ppg", Box::pin(accept));
        let ppg = Self {
            address,
            shared,
            accepting,
        };
        Ok((ppg, receiver))
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where pushes are posted.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/wappush", self.address)
    }

    /// Counts so far.
    #[must_use]
    pub fn counts(&self) -> &PpgCounts {
        &self.shared.counts
    }

    /// Treats the next pushes, one after the other, like these.
    pub fn treat_next(&self, treatments: impl IntoIterator<Item = Treatment>) {
        self.plan(|plan| plan.next.extend(treatments));
    }

    /// Treats every further push to `number` (digits) like this; none ends that.
    pub fn treat_number(&self, number: &str, treatment: Option<Treatment>) {
        self.plan(|plan| match treatment {
            Some(treatment) => plan.numbers.insert(number.to_owned(), treatment),
            None => plan.numbers.remove(number),
        });
    }

    fn plan<T>(&self, change: impl FnOnce(&mut Plan) -> T) {
        change(&mut self.shared.plan.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Reports on a push that was taken.
    pub async fn report(&self, push: &PpgPush, state: MessageState) -> Result<Reported, PeerError> {
        report(&self.shared.ports, push, state).await
    }
}

impl Drop for Ppg {
    fn drop(&mut self) {
        self.accepting.abort();
        self.shared.closing.send_replace(true);
    }
}
