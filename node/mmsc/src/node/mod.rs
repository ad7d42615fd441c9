//! One node: its parts wired together, started in order, drained in reverse.
//!
//! ports → store → ring → relay → bearers (SMPP, PAP) and MM1 → operators' port. `mmsc run` and `mmsc demo` start the same thing.

pub(crate) mod backup;
mod bearers;
mod bound;
mod checks;
mod metrics;
mod parts;
pub mod supervise;
mod tls;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use mmsc_ports::Ports;
use mmsc_ports::disk::RealDisk;
use mmsc_relay::{Relay, RelayConfig};
use mmsc_ring::{Ring, RingConfig};
use mmsc_store::{EmbeddedEngine, EmbeddedOptions, OpenError, Store};
use ractor::{Actor, ActorRef};
use tokio::sync::oneshot;

use crate::config::Config;
use backup::Backups;
use parts::Wiring;
use supervise::{GroupSpec, NodeArguments, NodeMessage, NodeSupervisor, PartBoard};

pub use metrics::reference_page;

/// Why a node does not start, or does not go on; each is for the operator to mend.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// The store cannot be opened.
    #[error("store.path = \"{}\": {source}", path.display())]
    Store {
        /// Its directory, as configured.
        path: PathBuf,
        /// Why not.
        source: OpenError,
    },
    /// The node cannot take part.
    #[error("ring: {0}")]
    Ring(#[from] mmsc_ring::RingError),
    /// The actor tree does not start.
    #[error("relay: {0}")]
    Relay(#[from] mmsc_relay::StartError),
    /// It started, and then something ended that keeps it running.
    #[error(transparent)]
    Ended(#[from] Ended),
    /// A part does not start: an address is taken, a certificate cannot be read.
    #[error("{0}")]
    Part(String),
    /// What is measured breaks the catalogue's rules: a bug.
    #[error("metrics: {0}")]
    Metrics(#[from] mmsc_admin::ExpositionError),
}

/// Where a node listens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Addresses {
    /// MM1; none: off.
    pub mm1: Option<SocketAddr>,
    /// Result notifications of push proxy gateways; none: off.
    pub pap: Option<SocketAddr>,
    /// Operators' port; none: off.
    pub ops: Option<SocketAddr>,
}

/// What of a node ended by itself; only a new process helps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Ended {
    /// The supervisor of the interfaces and of the operators' port.
    #[error("the root supervisor ended; start the node again")]
    Root,
    /// The actors of messages and subscribers.
    #[error("the relay's tree of actors ended; start the node again")]
    Relay,
}

/// A running node.
pub struct Node {
    name: String,
    addresses: Addresses,
    store: Store,
    relay: Relay,
    root: Root,
    draining: Arc<AtomicBool>,
    backups: Option<Backups>,
    ports: Ports,
}

/// The root supervisor and its end.
struct Root {
    actor: ActorRef<NodeMessage>,
    ended: tokio::task::JoinHandle<()>,
}

/// The group of interfaces.
const INTERFACES: &str = "interfaces";
/// The group of what operators look at.
const OPS: &str = "ops";
/// Of what is left for a drain, the share that open MM1 requests may take before the tree is drained.
const REQUESTS_SHARE: u32 = 2;
/// What stays for the steps behind a step that used up the limit.
const LEAST: Duration = Duration::from_secs(1);
/// Closing makes the index durable, which is worth waiting for.
const CLOSE_GRACE: Duration = Duration::from_secs(5);

impl Node {
    /// Starts everything; returns once it takes work.
    ///
    /// # Errors
    /// [`NodeError`]; what was started until then is closed again.
    pub async fn start(config: &Config, ports: &Ports) -> Result<Self, NodeError> {
        for name in &config.unserved {
            tracing::warn!("{name} is configured and IS NOT SERVED by this release");
        }
        let engine = Arc::new(open_store(config.store.clone(), ports).await?);
        let store = Store::new(Arc::clone(&engine) as Arc<dyn mmsc_store::Engine>);
        match Self::start_over(config, ports, &engine, &store).await {
            Ok(node) => Ok(node),
            Err(error) => {
                store.close().await;
                Err(error)
            }
        }
    }

    async fn start_over(
        config: &Config,
        ports: &Ports,
        engine: &Arc<EmbeddedEngine>,
        store: &Store,
    ) -> Result<Self, NodeError> {
        let ring = RingConfig {
            node: config.node.name.clone(),
            shards: config.relay.shards,
        };
        let ring = Ring::start(ring, store, ports).await?;
        let relay = RelayConfig {
            policy: config.policy.clone(),
            admission: config.relay.limits,
            max_live: config.relay.live_entities,
            scan_period: config.relay.scan_period,
            ..RelayConfig::default()
        };
        let relay = Relay::start(relay, store.clone(), ring, ports.clone()).await?;
        let draining = Arc::new(AtomicBool::new(false));
        let board = Arc::new(PartBoard::default());
        let wiring = Wiring {
            config: config.clone(),
            ports: ports.clone(),
            relay: relay.clone(),
            store: store.clone(),
            store_metrics: engine.metrics(),
            board: Arc::clone(&board),
            draining: Arc::clone(&draining),
        };
        match start_parts(wiring, board, ports).await {
            Ok((root, addresses)) => Ok(Self {
                name: config.node.name.clone(),
                addresses,
                store: store.clone(),
                relay,
                root,
                draining,
                backups: config
                    .backup
                    .clone()
                    .map(|settings| Backups::start(settings, Arc::clone(engine), ports)),
                ports: ports.clone(),
            }),
            Err(error) => {
                relay.drain(Duration::ZERO).await;
                Err(error)
            }
        }
    }

    /// Where it listens, with the real ports.
    #[must_use]
    pub fn addresses(&self) -> Addresses {
        self.addresses
    }

    /// What `mmsc run` prints once: every bound address, as one line of JSON.
    #[must_use]
    pub fn ready_line(&self) -> String {
        let mut line = serde_json::json!({"ready": true, "node": self.name, "version": env!("CARGO_PKG_VERSION")});
        if let Some(object) = line.as_object_mut() {
            for (name, address) in [
                ("mm1", self.addresses.mm1),
                ("pap", self.addresses.pap),
                ("ops", self.addresses.ops),
            ] {
                if let Some(address) = address {
                    object.insert(name.to_owned(), address.to_string().into());
                }
            }
        }
        line.to_string()
    }

    /// Completes if the root supervisor or the tree of actors ends by itself: nothing keeps the parts running any
    /// more, so the process should end and be started again.
    pub async fn ended(&mut self) -> Ended {
        tokio::select! {
            _ended = &mut self.root.ended => Ended::Root,
            () = self.relay.ended() => Ended::Relay,
        }
    }

    /// Asks for a backup of the store into `store.backup_dir`; the log says what became of it.
    pub fn ask_backup(&self) {
        match &self.backups {
            Some(backups) => backups.ask(),
            None => tracing::warn!("a backup was asked for, and store.backup_dir is not set: none is made"),
        }
    }

    /// Ends well within about `limit`: no more connections and submissions, what runs is finished, what was written
    /// lazily is written, binds are unbound, the store is closed. True if nothing was cut off; nothing that was
    /// accepted is lost either way.
    pub async fn drain(self, limit: Duration) -> bool {
        self.draining.store(true, Ordering::Release);
        let started = self.ports.clock.monotonic();
        let clock = Arc::clone(&self.ports.clock);
        let left = || {
            limit
                .saturating_sub(clock.monotonic().saturating_sub(started))
                .max(LEAST)
        };
        tracing::info!(?limit, "draining");
        let mut whole = self.drain_group(parts::MM1_GROUP, left() / REQUESTS_SHARE).await;
        whole &= self.relay.drain(left()).await;
        whole &= self.drain_group(INTERFACES, left()).await;
        tokio::select! {
            () = self.store.close() => {}
            // A disk that no longer answers: the log has what was acknowledged.
            () = clock.sleep(left().saturating_add(CLOSE_GRACE)) => whole = false,
        }
        whole &= self.drain_group(OPS, LEAST).await;
        self.root.actor.stop(Some("drained".to_owned()));
        if whole {
            tracing::info!("drained");
        } else {
            tracing::warn!(
                "the drain reached its limit; what was cut off is repeated by its senders or after a restart"
            );
        }
        whole
    }

    async fn drain_group(&self, group: &'static str, limit: Duration) -> bool {
        let (reply, answer) = oneshot::channel();
        let asked = self.root.actor.cast(NodeMessage::Drain { group, limit, reply });
        tokio::select! {
            whole = answer, if asked.is_ok() => whole.unwrap_or(false),
            () = self.ports.clock.sleep(limit.saturating_add(LEAST)) => false,
        }
    }
}

/// Opening blocks while it recovers, so a worker does it.
async fn open_store(options: EmbeddedOptions, ports: &Ports) -> Result<EmbeddedEngine, NodeError> {
    let (reply, opened) = oneshot::channel();
    let inner = ports.clone();
    let path = options.path.clone();
    let work = move || {
        // Nobody may be waiting any more: then the engine is dropped, which closes it.
        let _gone = reply.send(EmbeddedEngine::open(options, Arc::new(RealDisk), &inner));
    };
    let _runs_on = ports.spawn.worker("store-open", Box::new(work));
    match opened.await {
        Ok(opened) => opened.map_err(|source| NodeError::Store { path, source }),
        Err(_) => Err(NodeError::Part("store: opening it failed unexpectedly".to_owned())),
    }
}

async fn start_parts(wiring: Wiring, board: Arc<PartBoard>, ports: &Ports) -> Result<(Root, Addresses), NodeError> {
    let built = parts::build(wiring).await?;
    let groups = vec![
        GroupSpec {
            name: INTERFACES,
            parts: built.bearers,
        },
        GroupSpec {
            name: parts::MM1_GROUP,
            parts: built.mm1.into_iter().collect(),
        },
        GroupSpec {
            name: OPS,
            parts: built.ops.into_iter().collect(),
        },
    ];
    let arguments = NodeArguments {
        groups,
        board,
        ports: ports.clone(),
    };
    let (actor, ended) = Actor::spawn(None, NodeSupervisor, arguments)
        .await
        .map_err(|error| NodeError::Part(error.to_string()))?;
    Ok((Root { actor, ended }, built.addresses))
}
