//! Connections of push initiators.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use mmsc_ports::net::{BoxStream, Listener};
use mmsc_wire::pap::{
    BadMessage, Code, Dialect, Limits, Message, Outcome, PushMessage, PushResponse, Related, decode, encode, number_of,
};
use mmsc_wire::push;

use super::behaviour::Treatment;
use super::{PpgPush, Shared, report};
use crate::handset::Told;

/// Octets of a request.
const MAX_REQUEST: usize = 1024 * 1024;

/// Why a connection is closed instead of an answer.
#[derive(Debug, thiserror::Error)]
#[error("closed on purpose")]
struct Closed;

/// Takes connections until the listener fails or the task is ended.
pub(super) async fn accept(shared: Arc<Shared>, listener: Box<dyn Listener>) {
    while let Ok((stream, _)) = listener.accept().await {
        shared.counts.connections.fetch_add(1, Ordering::Relaxed);
        let session = serve(Arc::clone(&shared), stream);
        shared.ports.spawn.task("ppg-session", Box::pin(session));
    }
}

async fn serve(shared: Arc<Shared>, stream: BoxStream) {
    let mut closing = shared.closing.subscribe();
    let service = service_fn(move |request| answer(Arc::clone(&shared), request));
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        // How it ended is the initiator's affair, or was wanted.
        _ended = connection => {}
        _ = closing.wait_for(|closing| *closing) => {}
    }
}

async fn answer(shared: Arc<Shared>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Closed> {
    let content_type = request.headers().get(CONTENT_TYPE);
    let content_type = content_type.and_then(|value| value.to_str().ok()).unwrap_or_default();
    let content_type = content_type.to_owned();
    let body = Limited::new(request.into_body(), MAX_REQUEST).collect().await;
    let body = body.map_err(|_| Closed)?.to_bytes();
    let Some((message, pdu)) = read(&content_type, &body) else {
        shared.counts.odd.fetch_add(1, Ordering::Relaxed);
        let outcome = Outcome {
            code: Code::BAD_REQUEST,
            desc: None,
        };
        return Ok(document(&Message::Bad(BadMessage { outcome })));
    };
    let number = number_of(&message.address).map(str::to_owned);
    let treatment = match &number {
        None => Treatment::Refuse(Code::ADDRESS_ERROR),
        Some(number) => {
            let mut plan = shared.plan.lock().unwrap_or_else(PoisonError::into_inner);
            plan.choose(number)
        }
    };
    let push_id = message.push_id.clone();
    if matches!(treatment, Treatment::Accept | Treatment::LoseAnswer) {
        let fresh = {
            let mut known = shared.known.lock().unwrap_or_else(PoisonError::into_inner);
            known.insert(push_id.clone())
        };
        if !fresh {
            shared.counts.not_accepted.fetch_add(1, Ordering::Relaxed);
            return Ok(response(push_id, Code::DUPLICATE_PUSH_ID));
        }
        shared.counts.accepted.fetch_add(1, Ordering::Relaxed);
        take(&shared, message, number.unwrap_or_default(), pdu).await;
    } else {
        shared.counts.not_accepted.fetch_add(1, Ordering::Relaxed);
    }
    match treatment {
        Treatment::Accept => Ok(response(push_id, Code::ACCEPTED)),
        Treatment::Refuse(code) => Ok(response(push_id, code)),
        Treatment::Status(status) => {
            let mut response = Response::new(Full::default());
            *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            Ok(response)
        }
        Treatment::Stall => std::future::pending().await,
        Treatment::Close | Treatment::LoseAnswer => Err(Closed),
    }
}

/// The push and its MMS PDU; some initiators wrap it into a WSP push themselves.
fn read(content_type: &str, body: &[u8]) -> Option<(PushMessage, Vec<u8>)> {
    let related = Related::decode(content_type, body).ok()?;
    let Ok(Message::Push(message)) = decode(related.control, &Limits::default()) else {
        return None;
    };
    let content = related.content.octets;
    let wrapped = match Told::decode(content) {
        Ok(_) => None,
        Err(_) => push::decode(content).ok().map(|push| push.data.to_vec()),
    };
    Some((message, wrapped.unwrap_or_else(|| content.to_vec())))
}

/// Hands the push out, and reports on it where that is wanted.
async fn take(shared: &Arc<Shared>, message: PushMessage, to: String, pdu: Vec<u8>) {
    let push = PpgPush {
        at: shared.ports.clock.monotonic(),
        push_id: message.push_id,
        to,
        address: message.address,
        notify_to: message.notify_to,
        source_reference: message.source_reference,
        told: Told::decode(&pdu).map_err(|error| error.to_string()),
        pdu,
    };
    if let (Some(state), Some(_)) = (shared.settings.result, &push.notify_to) {
        let (shared, push) = (Arc::clone(shared), push.clone());
        let ports = shared.ports.clone();
        let reporting = async move {
            let reported = report::report(&shared.ports, &push, state).await;
            let taken = reported.is_ok_and(|reported| reported.code == Some(Code::OK));
            let counter = if taken {
                &shared.counts.results_taken
            } else {
                &shared.counts.results_refused
            };
            counter.fetch_add(1, Ordering::Relaxed);
        };
        ports.spawn.task("ppg-report", Box::pin(reporting));
    }
    // Nobody may want to know.
    let _gone = shared.pushes.send(push).await;
}

fn response(push_id: String, code: Code) -> Response<Full<Bytes>> {
    document(&Message::PushResponse(PushResponse {
        push_id,
        sender_name: Some("stub".into()),
        reply_time: None,
        result: Some(Outcome { code, desc: None }),
    }))
}

fn document(message: &Message) -> Response<Full<Bytes>> {
    let mut out = Vec::with_capacity(512);
    let status = match encode(message, Dialect::V2_0, &mut out) {
        Ok(()) => StatusCode::ACCEPTED,
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR,
    };
    let mut response = Response::new(Full::new(Bytes::from(out)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    response
}
