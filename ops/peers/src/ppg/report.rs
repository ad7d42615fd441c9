//! Reports: what became of a push, posted to where its initiator wants it.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use mmsc_ports::Ports;
use mmsc_wire::pap::{
    Code, Dialect, Limits, Message, MessageState, Outcome, ResultNotification, Timestamp, decode, encode,
};

use super::PpgPush;
use crate::error::PeerError;

/// A report is answered within this.
const DEADLINE: Duration = Duration::from_secs(30);

/// How a report was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reported {
    /// HTTP status.
    pub status: u16,
    /// Code of the resultnotification-response, where it is one about this push.
    pub code: Option<Code>,
}

/// Posts a result notification about a push.
pub async fn report(ports: &Ports, push: &PpgPush, state: MessageState) -> Result<Reported, PeerError> {
    let url = push.notify_to.as_deref();
    let url = url.ok_or_else(|| PeerError::Protocol("the push asked for no report".into()))?;
    tokio::select! {
        reported = post(ports, url, push, state) => reported,
        () = ports.clock.sleep(DEADLINE) => Err(PeerError::NoAnswer(DEADLINE)),
    }
}

async fn post(ports: &Ports, url: &str, push: &PpgPush, state: MessageState) -> Result<Reported, PeerError> {
    let broken = |error: String| PeerError::Connection(format!("{url}: {error}"));
    let rest = url
        .strip_prefix("http://")
        .ok_or_else(|| PeerError::Protocol(format!("{url} is no http URL")))?;
    let (host, path) = match rest.find('/').and_then(|slash| rest.split_at_checked(slash)) {
        Some(parts) => parts,
        None => (rest, "/"),
    };
    let stream = ports
        .net
        .connect(host)
        .await
        .map_err(|error| broken(error.to_string()))?;
    let handshake = http1::handshake(TokioIo::new(stream)).await;
    let (mut link, connection) = handshake.map_err(|error| broken(error.to_string()))?;
    let drive = async move {
        // Its end shows in the answer.
        let _ended = connection.await;
    };
    ports.spawn.task("ppg-report", Box::pin(drive));
    let request = Request::builder()
        .method(Method::POST)
        .uri(path)
        .header(HOST, host)
        .header(CONTENT_TYPE, "application/xml")
        .body(Full::new(document(ports, push, state)?))
        .map_err(|error| PeerError::Encode(error.to_string()))?;
    let response = link.send_request(request).await;
    let response = response.map_err(|error| broken(error.to_string()))?;
    let status = response.status().as_u16();
    let body = Limited::new(response.into_body(), 64 * 1024).collect().await;
    let body = body.map_err(|error| broken(error.to_string()))?.to_bytes();
    let code = match decode(&body, &Limits::default()) {
        Ok(Message::ResultResponse(response)) if response.push_id == push.push_id => Some(response.code),
        Ok(_) | Err(_) => None,
    };
    Ok(Reported { status, code })
}

fn document(ports: &Ports, push: &PpgPush, state: MessageState) -> Result<Bytes, PeerError> {
    let message = Message::Result(ResultNotification {
        push_id: push.push_id.clone(),
        state,
        outcome: Outcome {
            code: if state == MessageState::Delivered {
                Code::OK
            } else {
                Code::SERVICE_FAILURE
            },
            desc: None,
        },
        sender_name: Some("stub".into()),
        event_time: Some(Timestamp::from_seconds(ports.clock.now().0 / 1000)),
        address: Some(push.address.clone()),
    });
    let mut out = Vec::with_capacity(1024);
    encode(&message, Dialect::V2_0, &mut out).map_err(|error| PeerError::Encode(error.to_string()))?;
    Ok(out.into())
}
