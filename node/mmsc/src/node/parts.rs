//! The parts of a node as their supervisors start them: bearers, MM1, the operators' port.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use mmsc_admin::{Exposition, OpsListener, OpsPages};
use mmsc_interfaces::metrics::Mm1Metrics;
use mmsc_interfaces::mm1::{Mm1, Mm1Config, Mm1Notifier};
use mmsc_ports::{BoxFuture, Ports};
use mmsc_relay::Relay;
use mmsc_store::Store;
use mmsc_store::metrics::StoreMetrics;

use super::bound::BoundAhead;
use super::supervise::{Part, PartBoard, PartSpec, StartPart};
use super::{Addresses, NodeError, bearers, checks, metrics};
use crate::config::Config;

/// MM1 stands in a group of its own, because it is drained before the tree and SMPP after it.
pub(super) const MM1_GROUP: &str = "mm1";

/// What parts are made of.
pub(super) struct Wiring {
    pub(super) config: Config,
    pub(super) ports: Ports,
    pub(super) relay: Relay,
    pub(super) store: Store,
    pub(super) store_metrics: StoreMetrics,
    pub(super) board: Arc<PartBoard>,
    pub(super) draining: Arc<AtomicBool>,
}

/// Parts that are ready to be started.
pub(super) struct Built {
    /// What carries pushes.
    pub(super) bearers: Vec<PartSpec>,
    pub(super) mm1: Option<PartSpec>,
    pub(super) ops: Option<PartSpec>,
    pub(super) addresses: Addresses,
}

/// Binds what listens, joins the parts, and gives them to whoever starts them.
pub(super) async fn build(wiring: Wiring) -> Result<Built, NodeError> {
    let config = &wiring.config;
    let smscs = bearers::smscs(config)?;
    let (links, chooser) = bearers::Bearers::new(&wiring);
    let bound_mm1 = bind(&wiring.ports, config.mm1.listen, "mm1").await?;
    let bound_pap = bind(&wiring.ports, config.pap.listen, "pap").await?;
    let bound_ops = bind(&wiring.ports, config.ops, "ops").await?;
    let addresses = Addresses {
        mm1: bound_mm1.as_ref().map(|(_, address)| *address),
        pap: bound_pap.as_ref().map(|(_, address)| *address),
        ops: bound_ops.as_ref().map(|(_, address)| *address),
    };
    let pap_config = bearers::pap_config(config, addresses.pap)?;
    let mm1_config = mm1_config(config, addresses.mm1);
    let mm1_metrics = Arc::new(Mm1Metrics::default());
    let bearer = Mm1Notifier::new(
        &mm1_config,
        chooser,
        Arc::clone(&wiring.ports.clock),
        Arc::clone(&mm1_metrics),
    );
    wiring.relay.set_bearer(Arc::new(bearer));
    let families = metrics::Sources {
        store: wiring.store_metrics.clone(),
        relay: wiring.relay.metrics(),
        mm1: Arc::clone(&mm1_metrics),
        board: Arc::clone(&wiring.board),
        clock: Arc::clone(&wiring.ports.clock),
    };
    // The links add theirs when they start, and anew after each restart.
    let exposition = Exposition::new(families.families(Vec::new()))?;
    let pages = Arc::new(OpsPages {
        exposition,
        health: checks::health(&wiring, &links),
    });
    let mut bearers = Vec::new();
    if !pap_config.gateways.is_empty() || bound_pap.is_some() {
        let ports = bound_pap.map_or_else(|| wiring.ports.clone(), |(ports, _)| ports);
        let (links, families, pages) = (links.clone(), families.clone(), Arc::clone(&pages));
        bearers.push(bearers::pap(&wiring, ports, pap_config, links, families, pages));
    }
    bearers.push(bearers::smpp(&wiring, smscs, links, families, Arc::clone(&pages)));
    Ok(Built {
        bearers,
        mm1: bound_mm1.map(|(ports, _)| mm1(&wiring, ports, mm1_config, mm1_metrics)),
        ops: bound_ops.map(|(ports, address)| ops(ports, address, pages)),
        addresses,
    })
}

/// Listens ahead of the part that will use it; the ports that come back hand the listener over.
async fn bind(
    ports: &Ports,
    address: Option<SocketAddr>,
    name: &str,
) -> Result<Option<(Ports, SocketAddr)>, NodeError> {
    let Some(address) = address else {
        return Ok(None);
    };
    let failed = |error| NodeError::Part(format!("{name}.listen: cannot listen on {address}: {error}"));
    let listener = ports.net.listen(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    let net = Arc::new(BoundAhead::new(Arc::clone(&ports.net), listener));
    Ok(Some((Ports { net, ..ports.clone() }, bound)))
}

fn mm1_config(config: &Config, bound: Option<SocketAddr>) -> Mm1Config {
    let settings = &config.mm1;
    let address = bound.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 0)));
    let public_url = settings
        .public_url
        .clone()
        .unwrap_or_else(|| public_url(config, address));
    let mut mm1 = Mm1Config::new(address, public_url, config.policy.domain.clone());
    mm1.identity = vec![settings.identity.clone()];
    mm1.unidentified = settings.unidentified;
    mm1.foreign_from = settings.foreign_from;
    mm1.home_prefix = config.policy.home_prefix.clone();
    mm1.limits = settings.limits.clone();
    mm1.tls = settings.tls.clone();
    mm1.retry_after = settings.retry_after;
    mm1.seen_interval = settings.seen_interval;
    mm1.notify = settings.notify;
    mm1
}

/// Without a configured one, the bound address; one that listens everywhere is at least found from this machine.
fn public_url(config: &Config, bound: SocketAddr) -> String {
    let scheme = if config.mm1.tls.is_some() { "https" } else { "http" };
    if !bound.ip().is_unspecified() {
        return format!("{scheme}://{bound}");
    }
    tracing::warn!("mm1.public_url is not set: notifications say 127.0.0.1, which handsets cannot reach");
    format!("{scheme}://127.0.0.1:{}", bound.port())
}

struct Mm1Part {
    mm1: Mm1,
}

impl Part for Mm1Part {
    fn ended(&self) -> BoxFuture<'static, String> {
        let ended = self.mm1.ended();
        Box::pin(async move { ended.await.to_string() })
    }

    fn drain(self: Box<Self>, limit: Duration) -> BoxFuture<'static, bool> {
        Box::pin(self.mm1.drain(limit))
    }
}

fn mm1(wiring: &Wiring, ports: Ports, config: Mm1Config, metrics: Arc<Mm1Metrics>) -> PartSpec {
    let relay = wiring.relay.clone();
    let start: StartPart = Arc::new(move || {
        let (config, relay, metrics, ports) = (config.clone(), relay.clone(), Arc::clone(&metrics), ports.clone());
        Box::pin(async move {
            let mm1 = Mm1::start(config, relay, metrics, &ports).await;
            let mm1 = mm1.map_err(|error| error.to_string())?;
            Ok(Box::new(Mm1Part { mm1 }) as Box<dyn Part>)
        })
    });
    PartSpec { name: "mm1", start }
}

struct OpsPart {
    listener: OpsListener,
}

impl Part for OpsPart {
    fn ended(&self) -> BoxFuture<'static, String> {
        let ended = self.listener.ended();
        Box::pin(async move {
            ended.await;
            "accepting connections ended".to_owned()
        })
    }

    fn drain(self: Box<Self>, _limit: Duration) -> BoxFuture<'static, bool> {
        Box::pin(async move {
            self.listener.stop().await;
            true
        })
    }
}

fn ops(ports: Ports, address: SocketAddr, pages: Arc<OpsPages>) -> PartSpec {
    let start: StartPart = Arc::new(move || {
        let (pages, ports) = (Arc::clone(&pages), ports.clone());
        Box::pin(async move {
            let listener = OpsListener::start(&ports, address, pages).await;
            let listener = listener.map_err(|error| format!("ops.listen: {error}"))?;
            Ok(Box::new(OpsPart { listener }) as Box<dyn Part>)
        })
    });
    PartSpec { name: "ops", start }
}
