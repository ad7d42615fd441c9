//! A listener with limits, drain and supervision.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{Either, select};
use hyper::body::Incoming;
use hyper::{Request, Response};
use hyper_util::server::conn::auto;
use mmsc_ports::net::{BoxStream, Listener};
use mmsc_ports::{BoxFuture, Clock, Ports, Task};
use tokio::io::AsyncWriteExt as _;
use tokio::sync::{Semaphore, watch};

use super::body::Chunks;
use super::guard::{Departures, StreamLimits};
use super::runtime::{PortExecutor, PortTimer};
use super::{TlsError, TlsFiles, connection};
use crate::ended::{Ended, Lifelines};
use crate::metrics::HttpMetrics;

/// What a server listens on and what a client may cost.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Offer TLS instead of plain text.
    pub tls: Option<TlsFiles>,
    /// Connections at one time; more are answered 503.
    pub max_connections: usize,
    /// Octets of a request's head (at least 8192).
    pub max_head_octets: usize,
    /// From the start of a connection, or the end of the answer before, to the end of a request's head; and for the
    /// TLS handshake.
    pub head_timeout: Duration,
    /// A connection without a request in progress is closed after this.
    pub idle_timeout: Duration,
    /// An answer that the client does not take any octet of for so long is given up.
    pub write_timeout: Duration,
    /// Octets per second that a client has to take of an answer on the average once `write_timeout` has passed.
    pub write_rate: u32,
    /// Requests that one HTTP/2 connection may have in progress.
    pub max_streams: u32,
}

/// Whom a request comes from.
#[derive(Clone)]
pub struct Peer {
    /// The address that the connection comes from.
    pub address: SocketAddr,
    /// Tells when a response has left.
    pub departures: Arc<Departures>,
}

/// Answers requests.
pub trait Handler: Send + Sync + 'static {
    /// The answer to one request. A panic ends the connection only.
    fn handle(self: Arc<Self>, peer: Peer, request: Request<Incoming>) -> BoxFuture<'static, Response<Chunks>>;
}

/// Why a server did not start; each is for the operator to mend.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Which address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// TLS cannot be offered.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// What a server is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// Takes connections.
    Serving,
    /// Takes none; requests in progress are finished.
    Draining,
    /// Everything ends now.
    Closed,
}

/// Restarts of the accepting task in [`RESTART_WINDOW`] before it is given up.
const RESTARTS: usize = 5;
const RESTART_WINDOW: Duration = Duration::from_secs(10);
/// After an error of `accept` (for example: no file descriptor left) the next try waits so long.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Connections beyond the cap that are told so at one time; more are dropped.
const REFUSALS: usize = 64;
const REFUSAL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nConnection: close\r\n\
    Cache-Control: no-store\r\nContent-Length: 0\r\n\r\n";

/// A running server. Dropping it closes everything at once; [`Server::drain`] finishes first what runs.
pub struct Server {
    address: SocketAddr,
    phase: watch::Sender<Phase>,
    shared: Arc<Shared>,
    supervisor: Task,
    lifelines: Lifelines,
    max_connections: u32,
}

/// What the tasks of a server share.
pub(super) struct Shared {
    pub(super) config: ServerConfig,
    pub(super) ports: Ports,
    pub(super) handler: Arc<dyn Handler>,
    pub(super) metrics: Arc<HttpMetrics>,
    pub(super) phase: watch::Receiver<Phase>,
    pub(super) http: auto::Builder<PortExecutor>,
    pub(super) tls: Option<tokio_rustls::TlsAcceptor>,
    connections: Arc<Semaphore>,
    refusals: Arc<Semaphore>,
}

impl Server {
    /// Listens, and answers with `handler`.
    ///
    /// # Errors
    /// When the address cannot be listened on or the TLS files cannot be used.
    pub async fn start(
        config: ServerConfig,
        handler: Arc<dyn Handler>,
        metrics: Arc<HttpMetrics>,
        ports: &Ports,
    ) -> Result<Self, ServerError> {
        let tls = config.tls.as_ref().map(TlsFiles::load).transpose()?;
        let failed = |source| ServerError::Listen {
            address: config.listen,
            source,
        };
        let listener = ports.net.listen(config.listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let max_connections = u32::try_from(config.max_connections.min(Semaphore::MAX_PERMITS)).unwrap_or(u32::MAX);
        let (phase, watcher) = watch::channel(Phase::Serving);
        let shared = Arc::new(Shared {
            http: http_builder(&config, ports),
            tls: tls.map(tokio_rustls::TlsAcceptor::from),
            ports: ports.clone(),
            handler,
            metrics,
            phase: watcher,
            connections: Arc::new(Semaphore::new(max_connections as usize)),
            refusals: Arc::new(Semaphore::new(REFUSALS)),
            config,
        });
        let supervised = supervise(shared.clone(), Arc::from(listener));
        let lifelines = Lifelines::default();
        let supervised = lifelines.tie("accepting connections", supervised);
        let supervisor = ports.spawn.task("http-supervisor", supervised);
        Ok(Self {
            address,
            phase,
            shared,
            supervisor,
            lifelines,
            max_connections,
        })
    }

    /// Where it listens, with the real port.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Completes when connections are no longer accepted: accepting failed too often, or the server was drained.
    #[must_use]
    pub fn ended(&self) -> BoxFuture<'static, Ended> {
        self.lifelines.ended()
    }

    /// Stops taking connections and requests, and waits until those in progress are answered, but at most `limit`.
    /// True if all were.
    pub async fn drain(self, limit: Duration) -> bool {
        self.phase.send_replace(Phase::Draining);
        let all_idle = self.shared.connections.acquire_many(self.max_connections);
        let over = self.shared.ports.clock.sleep(limit);
        let drained = matches!(select(Box::pin(all_idle), over).await, Either::Left((Ok(_), _)));
        self.phase.send_replace(Phase::Closed);
        drained
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.phase.send_replace(Phase::Closed);
        self.supervisor.abort();
    }
}

impl Shared {
    pub(super) fn stream_limits(&self) -> StreamLimits {
        StreamLimits {
            opening: self.config.head_timeout,
            write_idle: self.config.write_timeout,
            write_rate: self.config.write_rate,
        }
    }

    fn serving(&self) -> bool {
        *self.phase.borrow() == Phase::Serving
    }
}

fn http_builder(config: &ServerConfig, ports: &Ports) -> auto::Builder<PortExecutor> {
    let timer = PortTimer::new(ports.clock.clone());
    let head = config.max_head_octets.max(8192);
    let mut http = auto::Builder::new(PortExecutor(ports.spawn.clone()));
    http.http1()
        .timer(timer.clone())
        .header_read_timeout(config.head_timeout)
        .max_buf_size(head)
        // A gateway may close its sending side after the request and still wait for the answer.
        .half_close(true);
    http.http2()
        .timer(timer)
        .max_concurrent_streams(config.max_streams)
        .max_header_list_size(u32::try_from(head).unwrap_or(u32::MAX))
        .keep_alive_interval(config.idle_timeout)
        .keep_alive_timeout(config.head_timeout);
    http
}

/// Keeps the accepting task running until the server ends.
async fn supervise(shared: Arc<Shared>, listener: Arc<dyn Listener>) {
    let mut restarts: Vec<Duration> = Vec::new();
    loop {
        let accepting = Box::pin(accept(shared.clone(), listener.clone()));
        shared.ports.spawn.task("http-accept", accepting).join().await;
        if !shared.serving() {
            return;
        }
        let now = shared.ports.clock.monotonic();
        restarts.retain(|at| now.saturating_sub(*at) < RESTART_WINDOW);
        if restarts.len() >= RESTARTS {
            tracing::error!(listen = %shared.config.listen, "accepting failed too often and was given up");
            return;
        }
        restarts.push(now);
        shared.metrics.restarts.increment();
        tracing::warn!(listen = %shared.config.listen, "accepting ended unexpectedly and is started again");
    }
}

async fn accept(shared: Arc<Shared>, listener: Arc<dyn Listener>) {
    let mut phase = shared.phase.clone();
    loop {
        let ended = phase.wait_for(|phase| *phase != Phase::Serving);
        let accepted = match select(Box::pin(ended), listener.accept()).await {
            Either::Left(_) => return,
            Either::Right((accepted, _)) => accepted,
        };
        match accepted {
            Ok((stream, peer)) => admit(&shared, stream, peer),
            Err(error) => {
                tracing::warn!(%error, "accept failed");
                shared.metrics.accept_errors.increment();
                shared.ports.clock.sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Serves a connection if there is room, else says so and closes it.
fn admit(shared: &Arc<Shared>, stream: BoxStream, peer: SocketAddr) {
    shared.metrics.connections.increment();
    if let Ok(permit) = shared.connections.clone().try_acquire_owned() {
        let served = connection::serve(shared.clone(), stream, peer, permit);
        let _runs_on = shared.ports.spawn.task("http-connection", Box::pin(served));
        return;
    }
    shared.metrics.connections_refused.increment();
    if shared.tls.is_some() {
        return;
    }
    if let Ok(permit) = shared.refusals.clone().try_acquire_owned() {
        let clock = shared.ports.clock.clone();
        let refused = async move {
            refuse(stream, &*clock).await;
            drop(permit);
        };
        let _runs_on = shared.ports.spawn.task("http-refusal", Box::pin(refused));
    }
}

async fn refuse(mut stream: BoxStream, clock: &dyn Clock) {
    let told = async {
        // The client may be gone already: nothing to be done about it.
        let _written = stream.write_all(REFUSAL).await;
        let _closed = stream.shutdown().await;
    };
    select(Box::pin(told), clock.sleep(Duration::from_secs(1))).await;
}
