//! The plain, read-only listener for operators and scrapers: GET and HEAD of `/metrics`, `/livez`, `/readyz`.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use mmsc_ports::net::{BoxStream, Listener};
use mmsc_ports::{BoxFuture, Ports, Task};
use tokio::sync::{Semaphore, watch};

use crate::exposition::Exposition;
use crate::health::{Health, Report};

/// Connections at a time; more wait in the kernel's queue.
const MAX_CONNECTIONS: usize = 32;
/// A request line and its headers have to arrive within this time.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// No connection lives longer: a scraper opens a new one.
const CONNECTION_LIFETIME: Duration = Duration::from_secs(300);
/// Room for request line and headers, in octets.
const HEADER_BYTES: usize = 16 * 1024;
/// Pause after a failed accept (descriptors used up), so that it does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";
const JSON_LINES: &str = "application/x-ndjson";
const PLAIN: &str = "text/plain; charset=utf-8";

/// What is served.
pub struct OpsPages {
    /// `/metrics`.
    pub exposition: Exposition,
    /// `/livez` and `/readyz`.
    pub health: Health,
}

/// Why the listener could not start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address cannot be bound (in use, not ours, or reserved).
    #[error("cannot listen on {address}: {source}")]
    Bind {
        /// What was asked for.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
}

/// The running listener. Dropping it leaves it running; [`OpsListener::stop`] ends it.
pub struct OpsListener {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    /// Its other end is owned by the accepting task, and goes with it however that ends.
    accepting: watch::Receiver<()>,
    task: Task,
}

impl OpsListener {
    /// Binds `address` (port 0: any) and serves `pages`.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub async fn start(ports: &Ports, address: SocketAddr, pages: Arc<OpsPages>) -> Result<Self, ServeError> {
        let failed = |source| ServeError::Bind { address, source };
        let listener = ports.net.listen(address).await.map_err(failed)?;
        let bound = listener.local_addr().map_err(failed)?;
        let (stop, stopped) = watch::channel(false);
        let (lifeline, accepting) = watch::channel(());
        let serving = accept_all(listener, ports.clone(), pages, stopped);
        let serving = async move {
            serving.await;
            drop(lifeline);
        };
        let task = ports.spawn.task("ops-listener", Box::pin(serving));
        Ok(Self {
            address: bound,
            stop,
            accepting,
            task,
        })
    }

    /// The address that it is bound to.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether it is still accepting.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.accepting.has_changed().is_ok()
    }

    /// Completes when nothing accepts any more, in whatever way that came about.
    #[must_use]
    pub fn ended(&self) -> BoxFuture<'static, ()> {
        let mut accepting = self.accepting.clone();
        // Nothing is ever sent: only the sender's end completes this.
        Box::pin(async move { while accepting.changed().await.is_ok() {} })
    }

    /// Unbinds, asks open connections to end, and returns once nothing accepts any more.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        self.task.join().await;
    }
}

async fn accept_all(
    listener: Box<dyn Listener>,
    ports: Ports,
    pages: Arc<OpsPages>,
    mut stopped: watch::Receiver<bool>,
) {
    let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let next = async {
            let permit = Arc::clone(&room).acquire_owned().await;
            (listener.accept().await, permit)
        };
        let (accepted, permit) = tokio::select! {
            _ = stopped.wait_for(|stop| *stop) => return,
            next = next => next,
        };
        match accepted {
            Ok((stream, _peer)) => {
                let serving = serve(stream, ports.clone(), Arc::clone(&pages), stopped.clone());
                ports.spawn.task(
                    "ops-connection",
                    Box::pin(async move {
                        serving.await;
                        drop(permit);
                    }),
                );
            }
            Err(error) => {
                tracing::warn!(%error, "the ops listener could not accept");
                ports.clock.sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn serve(stream: BoxStream, ports: Ports, pages: Arc<OpsPages>, mut stopped: watch::Receiver<bool>) {
    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
        let response = answer(request.method(), request.uri().path(), &pages);
        async move { Ok::<_, Infallible>(response) }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(HEADER_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    tokio::select! {
        // A broken or slow client is its own affair: nothing to tell operators.
        _ = connection.as_mut() => return,
        _ = stopped.wait_for(|stop| *stop) => {}
        () = ports.clock.sleep(CONNECTION_LIFETIME) => {}
    }
    connection.as_mut().graceful_shutdown();
    tokio::select! {
        _ = connection => {}
        () = ports.clock.sleep(HEADER_TIMEOUT) => {}
    }
}

fn answer(method: &Method, path: &str, pages: &OpsPages) -> Response<Full<Bytes>> {
    if method != Method::GET && method != Method::HEAD {
        let mut response = page(StatusCode::METHOD_NOT_ALLOWED, PLAIN, "read-only: GET or HEAD\n");
        response
            .headers_mut()
            .insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    match path {
        "/metrics" => metrics(&pages.exposition),
        "/livez" => health(pages.health.live()),
        "/readyz" => health(pages.health.ready()),
        _ => page(StatusCode::NOT_FOUND, PLAIN, "try /metrics, /livez or /readyz\n"),
    }
}

fn metrics(exposition: &Exposition) -> Response<Full<Bytes>> {
    match exposition.text() {
        Ok(text) => page(StatusCode::OK, TEXT_FORMAT, text),
        Err(error) => {
            tracing::error!(%error, "the metrics cannot be written");
            page(StatusCode::INTERNAL_SERVER_ERROR, PLAIN, format!("{error}\n"))
        }
    }
}

fn health(report: Report) -> Response<Full<Bytes>> {
    let status = if report.ok {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    page(status, JSON_LINES, report.lines)
}

/// hyper leaves the body out of an answer to HEAD and keeps its length.
fn page(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
