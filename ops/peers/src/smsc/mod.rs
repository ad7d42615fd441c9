//! A small SMSC: takes binds, puts segmented pushes together, decodes them, hands them out in order of arrival, and
//! sends receipts. It can be told to behave as badly as real ones do.

mod assemble;
mod behaviour;
mod receipt;
mod session;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mmsc_ports::{Ports, Task};
use mmsc_wire::smpp::{Body, ShortMessage};
use tokio::sync::{mpsc, watch};

pub use behaviour::{Behaviour, Form, Receipts, Timing};

use assemble::Assembler;
use behaviour::Plan;

use crate::error::PeerError;
use crate::handset::Told;

/// Whom the SMSC lets in and what it sends back.
#[derive(Clone, Debug)]
pub struct SmscSettings {
    /// Accepted `system_id`.
    pub system_id: String,
    /// Accepted password.
    pub password: String,
    /// Receipts for messages that asked for one.
    pub receipts: Receipts,
    /// Pushes that may wait to be taken; when full, the SMSC answers nothing until one was.
    pub queue: usize,
}

impl Default for SmscSettings {
    /// The account of the shipped single-node configuration, receipts "delivered".
    fn default() -> Self {
        Self {
            system_id: "mmsc".into(),
            password: "secret".into(),
            receipts: Receipts::delivered(),
            queue: 1024,
        }
    }
}

/// A push that arrived whole.
#[derive(Clone, Debug)]
pub struct Push {
    /// Position in the order of arrival, from 1.
    pub arrival: u64,
    /// Monotonic time of arrival.
    pub at: Duration,
    /// Destination address, digits.
    pub to: String,
    /// Source address.
    pub from: String,
    /// The id that the SMSC gave to its last segment.
    pub message_id: String,
    /// How many short messages carried it.
    pub segments: u8,
    /// The WSP PDU.
    pub wsp: Vec<u8>,
    /// What it tells, or why it cannot be read.
    pub told: Result<Told, String>,
}

/// Counts since the start.
#[derive(Debug, Default)]
pub struct SmscCounts {
    /// Successful binds.
    pub binds: AtomicU64,
    /// Refused binds.
    pub refused_binds: AtomicU64,
    /// `submit_sm` taken over.
    pub accepted: AtomicU64,
    /// `submit_sm` not taken, for whatever reason.
    pub not_accepted: AtomicU64,
    /// Pushes handed out.
    pub pushes: AtomicU64,
    /// User data that is no WAP push.
    pub odd: AtomicU64,
    /// Receipts sent.
    pub receipts: AtomicU64,
    /// `deliver_sm_resp` with status 0.
    pub receipts_taken: AtomicU64,
    /// `deliver_sm_resp` with another status.
    pub receipts_refused: AtomicU64,
}

/// A running SMSC; dropping it closes the listener and all sessions.
pub struct Smsc {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: Task,
}

/// What all sessions share.
struct Shared {
    ports: Ports,
    settings: SmscSettings,
    plan: Mutex<Plan>,
    assembler: Mutex<Assembler>,
    counts: SmscCounts,
    message_ids: AtomicU64,
    pushes: mpsc::Sender<Push>,
    /// Sessions that receive, by their number, each with its way in.
    receivers: Mutex<Vec<(u64, mpsc::Sender<Body>)>>,
    bound: watch::Sender<usize>,
    closing: watch::Sender<bool>,
}

impl Shared {
    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn receivers(&self) -> MutexGuard<'_, Vec<(u64, mpsc::Sender<Body>)>> {
        self.receivers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next_message_id(&self) -> u64 {
        self.message_ids.fetch_add(1, Ordering::Relaxed) + 1
    }
}

impl Smsc {
    /// Listens on `address` (port 0 takes any) and hands pushes out through the receiver, in order of arrival.
    pub async fn start(
        ports: &Ports,
        address: SocketAddr,
        settings: SmscSettings,
    ) -> Result<(Self, mpsc::Receiver<Push>), PeerError> {
        let listener = ports.net.listen(address).await;
        let listener = listener.map_err(|error| PeerError::io(format!("SMSC on {address}"), error))?;
        let address = listener.local_addr().map_err(|error| PeerError::io("SMSC", error))?;
        let (pushes, receiver) = mpsc::channel(settings.queue.max(1));
        let shared = Arc::new(Shared {
            ports: ports.clone(),
            settings,
            plan: Mutex::default(),
            assembler: Mutex::default(),
            counts: SmscCounts::default(),
            message_ids: AtomicU64::new(0),
            pushes,
            receivers: Mutex::default(),
            bound: watch::Sender::new(0),
            closing: watch::Sender::new(false),
        });
        let accept = session::accept(Arc::clone(&shared), listener);
        let accepting = ports.spawn.task("smsc", Box::pin(accept));
        let smsc = Self {
            address,
            shared,
            accepting,
        };
        Ok((smsc, receiver))
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Counts so far.
    #[must_use]
    pub fn counts(&self) -> &SmscCounts {
        &self.shared.counts
    }

    /// Treats every further `submit_sm` like this, unless something more special is set.
    pub fn behave(&self, behaviour: Behaviour) {
        self.shared.plan().otherwise = Some(behaviour);
    }

    /// Treats every further `submit_sm` to `destination` (digits) like this; none ends that.
    pub fn behave_towards(&self, destination: &str, behaviour: Option<Behaviour>) {
        let destinations = &mut self.shared.plan().destinations;
        match behaviour {
            Some(behaviour) => destinations.insert(destination.to_owned(), behaviour),
            None => destinations.remove(destination),
        };
    }

    /// Treats the next ones, one after the other, like these.
    pub fn behave_next(&self, behaviours: impl IntoIterator<Item = Behaviour>) {
        self.shared.plan().next.extend(behaviours);
    }

    /// Sends a `deliver_sm` on a session that receives; false if there is none with room.
    pub fn deliver(&self, message: ShortMessage) -> bool {
        let body = Body::DeliverSm(message);
        self.shared
            .receivers()
            .iter()
            .any(|(_, inward)| inward.try_send(body.clone()).is_ok())
    }

    /// How many sessions are bound now.
    #[must_use]
    pub fn bound(&self) -> usize {
        *self.shared.bound.borrow()
    }

    /// Waits until `count` sessions or more are bound; false if `within` passes first.
    pub async fn wait_bound(&self, count: usize, within: Duration) -> bool {
        let mut bound = self.shared.bound.subscribe();
        tokio::select! {
            reached = bound.wait_for(|now| *now >= count) => reached.is_ok(),
            () = self.shared.ports.clock.sleep(within) => false,
        }
    }

    /// Closes every session; the listener goes on.
    pub fn close_sessions(&self) {
        // Two values: sessions that are opened later see only the second.
        self.shared.closing.send_replace(true);
        self.shared.closing.send_replace(false);
    }
}

impl Drop for Smsc {
    fn drop(&mut self) {
        self.accepting.abort();
        self.shared.closing.send_replace(true);
    }
}
