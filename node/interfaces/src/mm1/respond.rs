//! HTTP responses. All of them may carry something of one subscriber, so none may be cached (digest 11.2).

use bytes::Bytes;
use hyper::header::{
    ACCEPT_ENCODING, ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, PRAGMA, RETRY_AFTER,
};
use hyper::{Response, StatusCode};

use super::replies::{self, HttpFault};
use crate::http::Chunks;

/// The media type of every PDU.
const MMS_MESSAGE: HeaderValue = HeaderValue::from_static("application/vnd.wap.mms-message");

/// A PDU.
pub(super) fn pdu(body: Chunks) -> Response<Chunks> {
    let mut response = with(StatusCode::OK, body);
    response.headers_mut().insert(CONTENT_TYPE, MMS_MESSAGE);
    response
}

/// What a HEAD gets: all of the answer to a GET except its `octets` octets.
pub(super) fn pdu_head(octets: u64) -> Response<Chunks> {
    let mut response = pdu(Chunks::empty());
    response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(octets));
    response
}

/// The empty answer to an indication. (A gateway may lose 204.)
pub(super) fn empty() -> Response<Chunks> {
    with(StatusCode::OK, Chunks::empty())
}

/// An HTTP error with a line for people.
pub(super) fn fault(fault: HttpFault, retry_after_seconds: u64) -> Response<Chunks> {
    let status = replies::http_status(fault);
    let line = status.canonical_reason().unwrap_or("Error");
    let mut response = with(status, Chunks::new(vec![Bytes::from_static(line.as_bytes())]));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    match fault {
        HttpFault::MethodNotAllowed => {
            headers.insert(ALLOW, HeaderValue::from_static("GET, HEAD, POST"));
        }
        HttpFault::UnsupportedEncoding => {
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        }
        HttpFault::Busy => {
            headers.insert(RETRY_AFTER, HeaderValue::from(retry_after_seconds.max(1)));
        }
        HttpFault::BadRequest
        | HttpFault::Forbidden
        | HttpFault::NotFound
        | HttpFault::TooSlow
        | HttpFault::TooLarge
        | HttpFault::Internal => {}
    }
    response
}

fn with(status: StatusCode, body: Chunks) -> Response<Chunks> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
    response
}
