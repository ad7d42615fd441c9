//! What carries pushes: the links to short-message centres and push proxy gateways as they are now, and who of them
//! carries which.

use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use mmsc_admin::OpsPages;
use mmsc_interfaces::bearer::{Chooser, ChooserMetrics, Push, PushBearer};
use mmsc_interfaces::pap::{GatewayTls, ListenerConfig, Pap, PapConfig, PpgConfig};
use mmsc_interfaces::smpp::{Smpp, SmscConfig, SmscTls};
use mmsc_ports::metrics::Family;
use mmsc_ports::{BoxFuture, Clock, Ports};
use mmsc_relay::port::TellOutcome;

use super::parts::Wiring;
use super::supervise::{Part, PartSpec, StartPart};
use super::{NodeError, metrics, tls};
use crate::config::{Config, PpgSettings, SmscSettings};

/// A bearer as it is now; a restart puts a new one in.
pub(super) struct Slot<T>(RwLock<Option<T>>);

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self(RwLock::new(None))
    }
}

impl<T: Clone> Slot<T> {
    fn put(&self, bearer: T) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some(bearer);
    }

    fn take(&self) -> Option<T> {
        self.0.write().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn now(&self) -> Option<T> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl<T: PushBearer + Clone> PushBearer for Slot<T> {
    fn push(&self, push: Push) -> BoxFuture<'static, TellOutcome> {
        match self.now() {
            Some(bearer) => bearer.push(push),
            None => Box::pin(std::future::ready(TellOutcome::Failed { retry_after: None })),
        }
    }
}

/// All bearers.
#[derive(Clone)]
pub(super) struct Bearers {
    smpp: Arc<Slot<Smpp>>,
    pap: Arc<Slot<Pap>>,
    choice: Arc<ChooserMetrics>,
}

impl Bearers {
    /// Bearers that are not started yet, and the one that chooses among them.
    pub(super) fn new(wiring: &Wiring) -> (Self, Arc<dyn PushBearer>) {
        let (smpp, pap) = (Arc::<Slot<Smpp>>::default(), Arc::<Slot<Pap>>::default());
        let settings = &wiring.config.bearer;
        let chooser = Chooser::new(
            (Arc::clone(&smpp) as _, Arc::clone(&pap) as _),
            settings.rules.clone(),
            settings.pace,
            Arc::new(wiring.relay.clone()),
            &wiring.ports,
        );
        let bearers = Self {
            smpp,
            pap,
            choice: chooser.metrics(),
        };
        (bearers, Arc::new(chooser))
    }

    /// Whether the SMSC of this name has accepted our bind.
    pub(super) fn is_bound(&self, smsc: &str) -> bool {
        self.smpp.now().is_some_and(|smpp| smpp.is_bound(smsc))
    }

    /// Whether the gateway of this name could be reached when it was last tried.
    pub(super) fn is_up(&self, ppg: &str) -> bool {
        self.pap.now().is_some_and(|pap| pap.is_up(ppg))
    }

    /// What they measure as they are now.
    pub(super) fn families(&self) -> Vec<Family> {
        let mut families = self.choice.families();
        families.extend(self.smpp.now().iter().flat_map(Smpp::families));
        families.extend(self.pap.now().iter().flat_map(Pap::families));
        families
    }
}

/// The SMSCs with their TLS.
pub(super) fn smscs(config: &Config) -> Result<Vec<SmscConfig>, NodeError> {
    if config.smscs.is_empty() && config.ppgs.is_empty() {
        tracing::warn!("no [smsc.NAME] and no [ppg.NAME] is configured: handsets are not told about their messages");
    }
    let with_tls = |settings: &SmscSettings| {
        let mut link = settings.link.clone();
        let Some(files) = &settings.tls else { return Ok(link) };
        let failed = |error| NodeError::Part(format!("smsc.{}: {error}", link.name));
        let client = tls::client(files).map_err(failed)?;
        link.tls = Some(SmscTls {
            server_name: files.server_name.clone(),
            client,
        });
        Ok(link)
    };
    config.smscs.iter().map(with_tls).collect()
}

/// Gateways and listener; `bound` is where results are taken.
pub(super) fn pap_config(config: &Config, bound: Option<SocketAddr>) -> Result<PapConfig, NodeError> {
    let listener = bound.map(|address| ListenerConfig {
        path: config.pap.path.clone(),
        tls: config.pap.tls.clone(),
        max_connections: config.pap.connections,
        ..ListenerConfig::new(address)
    });
    let gateways = config.ppgs.iter().map(|settings| gateway(config, settings, bound));
    Ok(PapConfig {
        gateways: gateways.collect::<Result<_, _>>()?,
        listener,
        domain: config.policy.domain.clone(),
    })
}

fn gateway(config: &Config, settings: &PpgSettings, bound: Option<SocketAddr>) -> Result<PpgConfig, NodeError> {
    let mut gateway = settings.gateway.clone();
    if let Some(files) = &settings.tls {
        let failed = |error| NodeError::Part(format!("ppg.{}: {error}", gateway.name));
        let client = tls::client(files).map_err(failed)?;
        gateway.tls = Some(GatewayTls {
            server_name: files.server_name.clone(),
            client,
        });
    }
    if let (None, Some(address), false) = (&gateway.notify_url, bound, gateway.allow.is_empty()) {
        gateway.notify_url = Some(notify_url(config, address));
    }
    Ok(gateway)
}

/// Without a configured one, the bound address; one that listens everywhere is at least found from this machine.
fn notify_url(config: &Config, bound: SocketAddr) -> String {
    let scheme = if config.pap.tls.is_some() { "https" } else { "http" };
    let path = &config.pap.path;
    if !bound.ip().is_unspecified() {
        return format!("{scheme}://{bound}{path}");
    }
    tracing::warn!("ppg.NAME.notify_url is not set: gateways are told 127.0.0.1, which others cannot reach");
    format!("{scheme}://127.0.0.1:{}{path}", bound.port())
}

struct SmppPart {
    smpp: Smpp,
    clock: Arc<dyn Clock>,
}

impl Part for SmppPart {
    fn ended(&self) -> BoxFuture<'static, String> {
        let ended = self.smpp.ended();
        Box::pin(async move { ended.await.to_string() })
    }

    /// Responses that are outstanding are awaited; then it unbinds.
    fn drain(self: Box<Self>, limit: Duration) -> BoxFuture<'static, bool> {
        Box::pin(async move {
            tokio::select! {
                () = self.smpp.shutdown() => true,
                () = self.clock.sleep(limit) => false,
            }
        })
    }
}

pub(super) fn smpp(
    wiring: &Wiring,
    smscs: Vec<SmscConfig>,
    bearers: Bearers,
    sources: metrics::Sources,
    pages: Arc<OpsPages>,
) -> PartSpec {
    let (relay, ports) = (wiring.relay.clone(), wiring.ports.clone());
    let start: StartPart = Arc::new(move || {
        let smpp = Smpp::start(smscs.clone(), Arc::new(relay.clone()), &ports);
        bearers.smpp.put(smpp.clone());
        let replaced = pages.exposition.replace(sources.families(bearers.families()));
        let part: Result<Box<dyn Part>, String> = match replaced {
            Ok(()) => Ok(Box::new(SmppPart {
                smpp,
                clock: Arc::clone(&ports.clock),
            })),
            Err(error) => Err(error.to_string()),
        };
        Box::pin(std::future::ready(part))
    });
    PartSpec { name: "smpp", start }
}

struct PapPart(Pap);

impl Part for PapPart {
    fn ended(&self) -> BoxFuture<'static, String> {
        let ended = self.0.ended();
        Box::pin(async move { ended.await.to_string() })
    }

    fn drain(self: Box<Self>, limit: Duration) -> BoxFuture<'static, bool> {
        Box::pin(async move { self.0.shutdown(limit).await })
    }
}

pub(super) fn pap(
    wiring: &Wiring,
    ports: Ports,
    config: PapConfig,
    bearers: Bearers,
    sources: metrics::Sources,
    pages: Arc<OpsPages>,
) -> PartSpec {
    let relay = wiring.relay.clone();
    let start: StartPart = Arc::new(move || {
        let (config, relay, ports) = (config.clone(), Arc::new(relay.clone()), ports.clone());
        let (bearers, sources, pages) = (bearers.clone(), sources.clone(), Arc::clone(&pages));
        // A listener of the one before would keep the address.
        if let Some(before) = bearers.pap.take() {
            before.close();
        }
        Box::pin(async move {
            let pap = Pap::start(config, relay, &ports).await;
            let pap = pap.map_err(|error| format!("pap: {error}"))?;
            bearers.pap.put(pap.clone());
            let replaced = pages.exposition.replace(sources.families(bearers.families()));
            replaced.map_err(|error| error.to_string())?;
            Ok(Box::new(PapPart(pap)) as Box<dyn Part>)
        })
    });
    PartSpec { name: "pap", start }
}
