//! PAP 2.0: the relay as push initiator on push proxy gateways, which carry our pushes to handsets (MM1 digest 20.4).
//!
//! A push is one HTTP request to a gateway chosen by range, priority and availability; what became of it comes later as a
//! request of the gateway to our listener. The push-id is the message id of the relay: it names gateway and handset and
//! holds 128 random bits, so that a report finds its subscriber on any node and a made-up one finds nothing.
//!
//! | file | what it decides |
//! |---|---|
//! | `choose.rs` | which gateways may carry a push |
//! | `link.rs` | whether a gateway takes pushes, how many at a time, when it is tried again |
//! | `client.rs` | connections, and what of a request left |
//! | `listener.rs` | which result notifications count, and when they are answered |
//! | `outstanding.rs` | which pushes have no answer yet |
//! | `replies.rs` | what an answer means |
//! | `translate.rs` | push-message and resultnotification-message |

mod choose;
mod client;
mod config;
mod link;
mod listener;
mod metrics;
mod outstanding;
mod replies;
mod translate;

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use mmsc_ports::metrics::Family;
use mmsc_ports::{BoxFuture, Ports, Task};
use mmsc_relay::port::TellOutcome;
use tokio::sync::watch;

pub use config::{
    ConfigError, Credentials, Endpoint, EndpointError, GatewayTls, ListenerConfig, PapConfig, PpgConfig, Timers,
};
pub use metrics::{ListenerMetrics, PpgMetrics};
pub use mmsc_wire::pap::{AddressForm, Dialect};
pub use replies::{Class, class};

use self::link::{Board, Link};
use self::listener::Service;
use self::outstanding::Outstanding;
use self::replies::Verdict;
use crate::bearer::{BearerEvents, Failover, Push, PushBearer, number};
use crate::ended::{Ended, Lifelines};
use crate::http::{Server, ServerError};

/// What a gateway of this name would measure: for the catalogue of metrics, where none is started.
#[must_use]
pub fn reference_families(name: &str) -> Vec<Family> {
    metrics::families(&[(name.to_owned(), Arc::default())], &ListenerMetrics::default())
}

/// The push proxy gateways of this node; cheap to clone.
#[derive(Clone)]
pub struct Pap(Arc<Inner>);

struct Inner {
    board: Arc<Board>,
    ports: Ports,
    domain: String,
    outstanding: Arc<Outstanding>,
    listener: Mutex<Option<Server>>,
    listening: Option<SocketAddr>,
    listener_metrics: Arc<ListenerMetrics>,
    stop: watch::Sender<bool>,
    tasks: Mutex<Vec<Task>>,
    lifelines: Lifelines,
}

impl Pap {
    /// Listens for result notifications where configured, and starts to reach the gateways. Configurations must have no
    /// [`PpgConfig::problems`].
    ///
    /// # Errors
    /// When the address cannot be listened on or its TLS files cannot be used.
    pub async fn start(config: PapConfig, events: Arc<dyn BearerEvents>, ports: &Ports) -> Result<Self, ServerError> {
        let (stop, stopped) = watch::channel(false);
        let links = config.gateways.into_iter().map(|gateway| Link::new(gateway, ports));
        let board = Arc::new(Board {
            links: links.collect(),
            events,
        });
        let outstanding = Arc::new(Outstanding::default());
        let listener_metrics = Arc::new(ListenerMetrics::default());
        let mut listener = None;
        if let Some(settings) = config.listener {
            let server = settings.server();
            let service = Service::new(
                settings,
                Arc::clone(&board),
                Arc::clone(&outstanding),
                Arc::clone(&listener_metrics),
                ports,
            );
            let http = Arc::clone(&listener_metrics.http);
            listener = Some(Server::start(server, Arc::new(service), http, ports).await?);
        }
        let lifelines = Lifelines::default();
        let start = |link: &Arc<Link>| {
            let run = link::run(Arc::clone(link), Arc::clone(&board), ports.clone(), stopped.clone());
            ports.spawn.task(
                "ppg link",
                lifelines.tie(format!("the link to {}", link.config.name), run),
            )
        };
        let tasks = board.links.iter().map(start).collect();
        Ok(Self(Arc::new(Inner {
            board,
            ports: ports.clone(),
            domain: config.domain,
            outstanding,
            listening: listener.as_ref().map(Server::address),
            listener: Mutex::new(listener),
            listener_metrics,
            stop,
            tasks: Mutex::new(tasks),
            lifelines,
        })))
    }

    /// Where result notifications are taken, with the real port.
    #[must_use]
    pub fn listening(&self) -> Option<SocketAddr> {
        self.0.listening
    }

    /// Completes when the listener no longer takes connections or a link is gone, although nobody called
    /// [`Pap::shutdown`]: all of it has to be started anew.
    #[must_use]
    pub fn ended(&self) -> BoxFuture<'static, Ended> {
        let link = self.0.lifelines.ended();
        let listener = self.0.listener.lock().unwrap_or_else(PoisonError::into_inner);
        match listener.as_ref().map(Server::ended) {
            None => link,
            Some(listener) => Box::pin(async move {
                tokio::select! {
                    ended = link => ended,
                    ended = listener => ended,
                }
            }),
        }
    }

    /// Takes no more pushes, waits for outstanding answers and open requests for at most `limit`. True if nothing was
    /// cut off.
    pub async fn shutdown(&self, limit: Duration) -> bool {
        self.0.stop.send_replace(true);
        let mut whole = true;
        let started = self.0.ports.clock.monotonic();
        let left = || limit.saturating_sub(self.0.ports.clock.monotonic().saturating_sub(started));
        for link in &self.0.board.links {
            link.set_open(false);
            tokio::select! {
                () = link.idle() => {}
                () = self.0.ports.clock.sleep(left()) => whole = false,
            }
        }
        let listener = self.0.listener.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(listener) = listener {
            whole &= listener.drain(left()).await;
        }
        let tasks = std::mem::take(&mut *self.0.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        for task in tasks {
            task.join().await;
        }
        whole
    }

    /// Ends at once what listens and what keeps trying to reach gateways, so that another one may take its place, also
    /// while pushes of this one are in flight.
    pub fn close(&self) {
        self.0.stop.send_replace(true);
        for link in &self.0.board.links {
            link.set_open(false);
        }
        drop(self.0.listener.lock().unwrap_or_else(PoisonError::into_inner).take());
    }

    /// Whether the gateway of this name could be reached when it was last tried.
    #[must_use]
    pub fn is_up(&self, name: &str) -> bool {
        self.0.board.link(name).is_some_and(|link| link.is_open())
    }

    /// What is measured; label `ppg` where it is about a gateway.
    #[must_use]
    pub fn families(&self) -> Vec<Family> {
        let links: Vec<_> = self
            .0
            .board
            .links
            .iter()
            .map(|link| (link.config.name.clone(), Arc::clone(&link.metrics)))
            .collect();
        metrics::families(&links, &self.0.listener_metrics)
    }

    /// The measurements of one gateway.
    #[must_use]
    pub fn metrics(&self, name: &str) -> Option<Arc<PpgMetrics>> {
        self.0.board.link(name).map(|link| Arc::clone(&link.metrics))
    }

    /// The measurements of the listener.
    #[must_use]
    pub fn listener_metrics(&self) -> Arc<ListenerMetrics> {
        Arc::clone(&self.0.listener_metrics)
    }
}

impl PushBearer for Pap {
    fn push(&self, push: Push) -> BoxFuture<'static, TellOutcome> {
        let inner = Arc::clone(&self.0);
        Box::pin(async move { inner.push(push).await })
    }
}

impl Inner {
    /// Asks the gateways in order, as [`Failover`] says.
    async fn push(&self, push: Push) -> TellOutcome {
        let Some(digits) = number(&push.to) else {
            return TellOutcome::Refused;
        };
        let order = choose::order(self.board.links.iter().map(|link| &link.config), digits);
        let started = self.ports.clock.monotonic();
        let mut failover = Failover::new();
        for link in order.into_iter().filter_map(|index| self.board.links.get(index)) {
            let verdict = self.ask(link, &push, started).await;
            if failover.note(link.as_ref(), verdict) {
                break;
            }
        }
        match failover.ended() {
            Some((link, verdict)) => {
                let outcome = verdict.outcome(&link.config.name, push.number);
                if matches!(outcome, TellOutcome::Unavailable { .. }) {
                    self.board.waits_for(link);
                }
                outcome
            }
            // No gateway serves this number: a configuration that nothing but a person changes.
            None => TellOutcome::Failed { retry_after: None },
        }
    }

    /// `started`: when the first gateway was asked; the time limit holds for all of them together.
    async fn ask(&self, link: &Link, push: &Push, started: Duration) -> Verdict {
        let deadline = started + link.config.timers.push_limit;
        let mut random = [0; 16];
        self.ports.random.fill(&mut random);
        let Some(push_id) = translate::push_id(random, &push.to, &link.config.name, &self.domain) else {
            return Verdict::Permanent;
        };
        let request = match translate::request(&link.config, push, &push_id, self.ports.clock.now()) {
            Ok(request) => request,
            Err(error) => {
                tracing::error!(ppg = %link.config.name, to = ?push.to, %error, "a push cannot be written");
                return Verdict::Permanent;
            }
        };
        // A report that overtakes the answer waits for this to end.
        let _outstanding = self.outstanding.begin(&push_id);
        link.push(&push_id, request, &push.gate, deadline).await
    }
}
