//! HTTP/1.1 towards one gateway: connections that are kept, and the difference between a request that never left and one
//! whose answer is lost.

use std::io::{Error, ErrorKind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use data_encoding::BASE64;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue, RETRY_AFTER};
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use mmsc_ports::net::BoxStream;
use mmsc_ports::{Ports, Task};
use mmsc_relay::port::Gate;
use rustls::pki_types::ServerName;
use tokio_rustls::TlsConnector;

use super::config::{Credentials, PpgConfig};
use super::translate::Body;

/// Octets of an answer's head, and of its body.
const MAX_HEAD: usize = 16 * 1024;
const MAX_ANSWER: usize = 64 * 1024;

/// Connections to one gateway; at most as many as there are requests at a time.
pub(super) struct Client {
    config: PpgConfig,
    authorization: Option<HeaderValue>,
    ports: Ports,
    idle: Mutex<Vec<Idle>>,
}

struct Connection {
    sender: SendRequest<Full<Bytes>>,
    task: Task,
}

impl Drop for Connection {
    /// With a request given up in its midst nothing else may be sent.
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Idle {
    connection: Connection,
    since: Duration,
}

/// An answer.
pub(super) struct Answer {
    pub(super) status: u16,
    /// Retry-After, where it gives seconds.
    pub(super) retry_after: Option<Duration>,
    pub(super) body: Bytes,
}

/// How a request ended.
pub(super) enum Exchanged {
    /// It was answered.
    Answer(Answer),
    /// No octet left: there is no connection.
    NotSent(Error),
    /// No octet left: the gate was closed.
    GateClosed,
    /// Octets may have left, and no answer came.
    Lost(&'static str),
}

/// How it went on one connection.
enum Sent {
    Ended(Exchanged),
    /// The connection was closed before the request left.
    Stale,
}

impl Client {
    pub(super) fn new(config: &PpgConfig, ports: &Ports) -> Self {
        Self {
            authorization: config.credentials.as_ref().and_then(authorization),
            config: config.clone(),
            ports: ports.clone(),
            idle: Mutex::default(),
        }
    }

    /// Connects, and keeps the connection for the next request.
    pub(super) async fn probe(&self) -> Result<(), Error> {
        let connection = self.connect(self.config.timers.connect).await?;
        self.keep(connection);
        Ok(())
    }

    /// Posts, with everything done by `deadline`.
    pub(super) async fn post(&self, body: &Body, gate: &Gate, deadline: Duration) -> Exchanged {
        let left = || deadline.saturating_sub(self.ports.clock.monotonic());
        if let Some(kept) = self.kept() {
            match self.send(kept, body, gate, left()).await {
                Sent::Ended(exchanged) => return exchanged,
                // Gateways close connections that were idle; that says nothing about the gateway.
                Sent::Stale => {}
            }
        }
        let fresh = match self.connect(self.config.timers.connect.min(left())).await {
            Ok(fresh) => fresh,
            Err(error) => return Exchanged::NotSent(error),
        };
        match self.send(fresh, body, gate, left()).await {
            Sent::Ended(exchanged) => exchanged,
            Sent::Stale => Exchanged::NotSent(Error::new(ErrorKind::ConnectionAborted, "closed at once")),
        }
    }

    async fn send(&self, mut connection: Connection, body: &Body, gate: &Gate, left: Duration) -> Sent {
        let limit = self.config.timers.answer.min(left);
        if connection.sender.ready().await.is_err() {
            return Sent::Stale;
        }
        let request = match self.request(body) {
            Ok(request) => request,
            Err(error) => return Sent::Ended(Exchanged::NotSent(Error::new(ErrorKind::InvalidInput, error))),
        };
        if !gate.is_open() {
            self.keep(connection);
            return Sent::Ended(Exchanged::GateClosed);
        }
        let lost = |why| Sent::Ended(Exchanged::Lost(why));
        let answer = async {
            match connection.sender.try_send_request(request).await {
                Ok(response) => read(response).await.map_err(|_| lost("the answer broke off")),
                Err(mut error) => match error.take_message() {
                    // Handed back whole: nothing of it left.
                    Some(_) => Err(Sent::Stale),
                    None => Err(lost("the connection broke")),
                },
            }
        };
        let answer = tokio::select! {
            biased;
            answer = answer => answer,
            () = self.ports.clock.sleep(limit) => Err(lost("no answer in time")),
        };
        match answer {
            Ok(answer) => {
                self.keep(connection);
                Sent::Ended(Exchanged::Answer(answer))
            }
            Err(sent) => sent,
        }
    }

    fn request(&self, body: &Body) -> Result<Request<Full<Bytes>>, hyper::http::Error> {
        let endpoint = &self.config.endpoint;
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(endpoint.path.as_str())
            .header(HOST, endpoint.host_header())
            .header(CONTENT_TYPE, body.content_type.as_str());
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        request.body(Full::new(body.octets.clone()))
    }

    /// A kept connection that may still be open.
    fn kept(&self) -> Option<Connection> {
        let now = self.ports.clock.monotonic();
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|idle| {
            let age = now.saturating_sub(idle.since);
            !idle.connection.sender.is_closed() && age < self.config.timers.idle
        });
        idle.pop().map(|idle| idle.connection)
    }

    fn keep(&self, connection: Connection) {
        let since = self.ports.clock.monotonic();
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < self.config.window {
            idle.push(Idle { connection, since });
        }
    }

    async fn connect(&self, limit: Duration) -> Result<Connection, Error> {
        tokio::select! {
            biased;
            connection = self.open() => connection,
            () = self.ports.clock.sleep(limit) => {
                Err(Error::new(ErrorKind::TimedOut, "connecting took too long"))
            }
        }
    }

    async fn open(&self) -> Result<Connection, Error> {
        let stream = self.ports.net.connect(&self.config.endpoint.target()).await?;
        let stream = self.secure(stream).await?;
        let handshake = http1::Builder::new()
            .max_buf_size(MAX_HEAD)
            .handshake(TokioIo::new(stream))
            .await;
        let (sender, connection) = handshake.map_err(|error| Error::new(ErrorKind::InvalidData, error))?;
        let drive = async move {
            // Its end shows at the next request.
            let _ended = connection.await;
        };
        let task = self.ports.spawn.task("ppg connection", Box::pin(drive));
        Ok(Connection { sender, task })
    }

    async fn secure(&self, stream: BoxStream) -> Result<BoxStream, Error> {
        let Some(tls) = &self.config.tls else { return Ok(stream) };
        let name = ServerName::try_from(tls.server_name.clone())
            .map_err(|_| Error::new(ErrorKind::InvalidInput, "the TLS server name is none"))?;
        let connector = TlsConnector::from(Arc::clone(&tls.client));
        Ok(Box::new(connector.connect(name, stream).await?))
    }
}

fn authorization(credentials: &Credentials) -> Option<HeaderValue> {
    let pair = format!("{}:{}", credentials.user, credentials.password.reveal());
    let mut value = HeaderValue::try_from(format!("Basic {}", BASE64.encode(pair.as_bytes()))).ok()?;
    value.set_sensitive(true);
    Some(value)
}

async fn read(response: Response<Incoming>) -> Result<Answer, Box<dyn std::error::Error + Send + Sync>> {
    let (parts, body) = response.into_parts();
    let retry_after = parts.headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    let retry_after = retry_after
        .and_then(|text| text.trim().parse().ok())
        .map(Duration::from_secs);
    let body = Limited::new(body, MAX_ANSWER).collect().await?.to_bytes();
    Ok(Answer {
        status: parts.status.as_u16(),
        retry_after,
        body,
    })
}
