//! One keep-alive HTTP/1.1 connection to MM1, as an operator's gateway holds it for its handsets.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST, RETRY_AFTER};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use mmsc_ports::Ports;

use crate::error::PeerError;
use crate::msisdn::Msisdn;

/// More than any message here; an answer beyond it breaks the protocol.
const MAX_ANSWER: usize = 8 * 1024 * 1024;

/// The media type of every MMS PDU.
pub const MMS_MESSAGE: &str = "application/vnd.wap.mms-message";

/// The answer to a request.
#[derive(Clone, Debug)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// The body.
    pub body: Bytes,
    /// `Retry-After`, where it gives seconds.
    pub retry_after: Option<Duration>,
}

/// A connection; it is opened with the first request and again after a failure.
pub struct Client {
    ports: Ports,
    target: String,
    deadline: Duration,
    link: Option<SendRequest<Full<Bytes>>>,
}

impl Client {
    /// Talks to `target` (`host:port`), giving each request `deadline` for its whole answer.
    #[must_use]
    pub fn new(ports: Ports, target: impl Into<String>, deadline: Duration) -> Self {
        Self {
            ports,
            target: target.into(),
            deadline,
            link: None,
        }
    }

    /// Posts a PDU on behalf of a subscriber.
    pub async fn post(&mut self, who: Msisdn, pdu: Bytes) -> Result<Reply, PeerError> {
        self.request(Method::POST, "/", Some(who), pdu).await
    }

    /// Gets `location` on behalf of a subscriber: the path of a Content-Location, or the whole of it. Its host is not
    /// looked up, this connection is used.
    pub async fn get(&mut self, who: Msisdn, location: &str) -> Result<Reply, PeerError> {
        self.request(Method::GET, path_of(location), Some(who), Bytes::new())
            .await
    }

    /// Gets a page that belongs to no subscriber.
    pub async fn get_anonymous(&mut self, path: &str) -> Result<Reply, PeerError> {
        self.request(Method::GET, path, None, Bytes::new()).await
    }

    /// Sends one request and waits for its whole answer. After an error the connection is not used again.
    async fn request(
        &mut self,
        method: Method,
        path: &str,
        who: Option<Msisdn>,
        body: Bytes,
    ) -> Result<Reply, PeerError> {
        let clock = self.ports.clock.clone();
        let deadline = self.deadline;
        let answer = tokio::select! {
            answer = self.exchange(method, path, who, body) => answer,
            () = clock.sleep(deadline) => Err(PeerError::NoAnswer(deadline)),
        };
        if answer.is_err() {
            self.link = None;
        }
        answer
    }

    async fn exchange(
        &mut self,
        method: Method,
        path: &str,
        who: Option<Msisdn>,
        body: Bytes,
    ) -> Result<Reply, PeerError> {
        let mut request = Request::builder().method(&method).uri(path).header(HOST, &self.target);
        if let Some(who) = who {
            request = request.header("X-MSISDN", who.to_string());
        }
        if method == Method::POST {
            request = request
                .header(CONTENT_TYPE, MMS_MESSAGE)
                .header(CONTENT_LENGTH, body.len());
        }
        let request = request
            .body(Full::new(body))
            .map_err(|error| PeerError::Encode(error.to_string()))?;
        let broken = |error: hyper::Error| PeerError::Connection(error.to_string());
        let link = self.link().await?;
        let response = link.send_request(request).await.map_err(broken)?;
        let status = response.status().as_u16();
        let retry_after = response
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.parse().ok())
            .map(Duration::from_secs);
        let body = Limited::new(response.into_body(), MAX_ANSWER).collect().await;
        let body = body
            .map_err(|error| PeerError::Connection(error.to_string()))?
            .to_bytes();
        Ok(Reply {
            status,
            body,
            retry_after,
        })
    }

    /// The connection, opened where there is none that still takes a request.
    async fn link(&mut self) -> Result<&mut SendRequest<Full<Bytes>>, PeerError> {
        let usable = match &mut self.link {
            Some(link) => link.ready().await.is_ok(),
            None => false,
        };
        if !usable {
            self.link = Some(self.connect().await?);
        }
        self.link
            .as_mut()
            .ok_or_else(|| PeerError::Connection("no connection".into()))
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, PeerError> {
        let broken = |error: String| PeerError::Connection(format!("{}: {error}", self.target));
        let stream = self.ports.net.connect(&self.target).await;
        let stream = stream.map_err(|error| broken(error.to_string()))?;
        let handshake = http1::handshake(TokioIo::new(stream)).await;
        let (link, connection) = handshake.map_err(|error| broken(error.to_string()))?;
        let drive = async move {
            // Its end shows at the next request.
            let _ended = connection.await;
        };
        self.ports.spawn.task("mm1-client", Box::pin(drive));
        Ok(link)
    }
}

/// The path and query of a URL; what is no absolute URL is taken as a path.
fn path_of(location: &str) -> &str {
    let Some((_, rest)) = location.split_once("://") else {
        return location;
    };
    rest.find('/').and_then(|slash| rest.get(slash..)).unwrap_or("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_of_a_location() {
        assert_eq!(path_of("http://mmsc.example:8081/t?x=1"), "/t?x=1");
        assert_eq!(path_of("http://mmsc.example"), "/");
        assert_eq!(path_of("/t"), "/t");
    }
}
