//! One connection: TLS if configured, then HTTP/1.1 or HTTP/2, until the client ends it, is idle, or the server drains.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};

use futures_util::future::{Either, select};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use mmsc_ports::net::BoxStream;
use tokio::sync::OwnedSemaphorePermit;

use super::body::{Chunk, Chunks};
use super::guard::{Departures, Guarded};
use super::server::{Peer, Phase, Shared};
use crate::metrics::HttpMetrics;

/// What goes on on a connection.
#[derive(Default)]
struct Activity {
    in_progress: AtomicUsize,
    begun: AtomicU64,
}

/// Counts a request in progress for as long as it lives: until the last octet of its answer was taken up.
struct InProgress(Arc<Activity>);

impl InProgress {
    fn begin(activity: &Arc<Activity>) -> Self {
        activity.in_progress.fetch_add(1, Ordering::Relaxed);
        activity.begun.fetch_add(1, Ordering::Relaxed);
        Self(activity.clone())
    }
}

impl Drop for InProgress {
    fn drop(&mut self) {
        self.0.in_progress.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Counts an open connection for as long as it lives.
struct Open(Arc<HttpMetrics>);

impl Open {
    fn begin(metrics: &Arc<HttpMetrics>) -> Self {
        metrics.open_connections.add(1);
        Self(metrics.clone())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open_connections.add(-1);
    }
}

pub(super) async fn serve(shared: Arc<Shared>, stream: BoxStream, address: SocketAddr, permit: OwnedSemaphorePermit) {
    let open = Open::begin(&shared.metrics);
    if let Some(stream) = secure(&shared, stream).await {
        speak(&shared, stream, address).await;
    }
    drop((open, permit));
}

/// The TLS handshake, within the time that a request's head has.
async fn secure(shared: &Shared, stream: BoxStream) -> Option<BoxStream> {
    let Some(acceptor) = &shared.tls else {
        return Some(stream);
    };
    let limit = shared.ports.clock.sleep(shared.config.head_timeout);
    match select(acceptor.accept(stream), limit).await {
        Either::Left((Ok(stream), _)) => Some(Box::new(stream)),
        Either::Left((Err(error), _)) => {
            tracing::debug!(%error, "TLS handshake failed");
            shared.metrics.handshake_failures.increment();
            None
        }
        Either::Right(_) => {
            shared.metrics.handshake_failures.increment();
            None
        }
    }
}

async fn speak(shared: &Arc<Shared>, stream: BoxStream, address: SocketAddr) {
    let departures = Arc::new(Departures::default());
    let guarded = Guarded::new(
        stream,
        shared.ports.clock.clone(),
        shared.stream_limits(),
        departures.clone(),
        shared.metrics.clone(),
    );
    let activity = Arc::new(Activity::default());
    let peer = Peer {
        address,
        departures: departures.clone(),
    };
    let service = service_fn(|request| answer(shared.clone(), activity.clone(), peer.clone(), request));
    let connection = shared.http.serve_connection(TokioIo::new(guarded), service);
    let mut connection = std::pin::pin!(connection);
    let mut phase = shared.phase.clone();
    let mut seen = *phase.borrow_and_update();
    if seen != Phase::Serving {
        connection.as_mut().graceful_shutdown();
    }
    let mut moved = 0;
    let mut closing = false;
    while seen != Phase::Closed {
        tokio::select! {
            // How it ended is the client's affair; what it did is counted where it is answered.
            _ended = connection.as_mut() => return,
            changed = phase.changed() => {
                seen = if changed.is_ok() { *phase.borrow_and_update() } else { Phase::Closed };
                connection.as_mut().graceful_shutdown();
            }
            () = shared.ports.clock.sleep(shared.config.idle_timeout) => {
                let now = activity.begun.load(Ordering::Relaxed);
                // Octets alone prove nothing: the pings of HTTP/2 and their answers are octets, too.
                let busy = activity.in_progress.load(Ordering::Relaxed) > 0 || departures.is_writing();
                let idle = now == moved && !busy;
                if idle && closing {
                    return;
                }
                if idle {
                    connection.as_mut().graceful_shutdown();
                }
                closing = idle;
                moved = now;
            }
        }
    }
}

async fn answer(
    shared: Arc<Shared>,
    activity: Arc<Activity>,
    peer: Peer,
    request: Request<Incoming>,
) -> Result<Response<Answer>, Infallible> {
    let in_progress = InProgress::begin(&activity);
    let response = shared.handler.clone().handle(peer, request).await;
    Ok(response.map(|chunks| Answer {
        chunks,
        _in_progress: in_progress,
    }))
}

/// The body of an answer: its request is in progress until hyper has all of it.
struct Answer {
    chunks: Chunks,
    _in_progress: InProgress,
}

impl Body for Answer {
    type Data = Chunk;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Chunk>, Infallible>>> {
        Pin::new(&mut self.chunks).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.chunks.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.chunks.size_hint()
    }
}
