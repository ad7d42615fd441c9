//! Result notifications: taken from the gateways' addresses alone, about their own pushes alone, and answered once the
//! relay has them.
//!
//! A forged one does no harm: it has to come from an address of the gateway that its push-id names, and the relay acts
//! only on a push-id that it recorded for that very subscriber, 128 bits of which nobody can guess.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use hyper::{Method, Request, Response, StatusCode};
use mmsc_ports::{BoxFuture, Ports};
use mmsc_wire::pap::{
    BadMessage, Code, Limits, Message, Outcome, ResultNotification, ResultNotificationResponse, decode,
};

use super::config::ListenerConfig;
use super::link::Board;
use super::metrics::ListenerMetrics;
use super::outstanding::Outstanding;
use super::translate;
use crate::http::{BodyBudget, BodyLimits, Chunks, Handler, Peer, read_body};

/// Octets that all bodies together may hold.
const BUFFERS: u64 = 8 * 1024 * 1024;
/// Between the end of a push that its report overtook and the report: the relay then has noted the push-id. If it has not,
/// the report is dropped, and the handset is told again by its schedule.
const SETTLE: Duration = Duration::from_millis(100);
/// When a gateway is to repeat a report.
const REPEAT: &str = "5";

/// Answers the gateways.
pub(super) struct Service {
    config: ListenerConfig,
    board: Arc<Board>,
    outstanding: Arc<Outstanding>,
    metrics: Arc<ListenerMetrics>,
    ports: Ports,
    budget: BodyBudget,
}

/// What a request comes to.
enum Reply {
    /// The relay has it, or it changes nothing.
    Taken(String),
    /// About no push of that gateway's.
    Foreign(String),
    /// Later.
    Busy,
    /// No result notification.
    Malformed,
    Http(StatusCode),
}

impl Service {
    pub(super) fn new(
        config: ListenerConfig,
        board: Arc<Board>,
        outstanding: Arc<Outstanding>,
        metrics: Arc<ListenerMetrics>,
        ports: &Ports,
    ) -> Self {
        Self {
            config,
            board,
            outstanding,
            metrics,
            ports: ports.clone(),
            budget: BodyBudget::new(BUFFERS),
        }
    }

    async fn answer(&self, from: IpAddr, request: Request<Incoming>) -> Reply {
        let networks = self.board.links.iter().flat_map(|link| &link.config.allow);
        if !networks.into_iter().any(|network| network.contains(from)) {
            self.metrics.strangers.increment();
            return Reply::Http(StatusCode::FORBIDDEN);
        }
        if request.uri().path() != self.config.path {
            return Reply::Http(StatusCode::NOT_FOUND);
        }
        if request.method() != Method::POST {
            return Reply::Http(StatusCode::METHOD_NOT_ALLOWED);
        }
        let limits = BodyLimits {
            max_octets: Limits::default().octets,
            prefix_octets: 0,
            discard_octets: 64 * 1024,
            idle: Duration::from_secs(30),
            rate: 256,
        };
        let claimed = request.headers().get(CONTENT_LENGTH);
        let claimed = claimed.and_then(|value| value.to_str().ok()?.parse().ok());
        let mut body = request.into_body();
        let document = match read_body(&mut body, claimed, &limits, &self.budget, &*self.ports.clock).await {
            Ok(document) => document,
            Err(crate::http::BodyError::NoRoom) => return Reply::Busy,
            Err(crate::http::BodyError::TooSlow) => return Reply::Http(StatusCode::REQUEST_TIMEOUT),
            Err(crate::http::BodyError::TooLarge(_) | crate::http::BodyError::Broken) => return Reply::Malformed,
        };
        match decode(&document, &Limits::default()) {
            Ok(Message::Result(notification)) => self.result(from, notification).await,
            Ok(
                Message::Push(_)
                | Message::PushResponse(_)
                | Message::Cancel(_)
                | Message::CancelResponse(_)
                | Message::ResultResponse(_)
                | Message::Bad(_),
            ) => Reply::Malformed,
            Err(error) => {
                tracing::warn!(gateway = %from, %error, "a result notification cannot be read");
                Reply::Malformed
            }
        }
    }

    async fn result(&self, from: IpAddr, notification: ResultNotification) -> Reply {
        let push_id = notification.push_id.clone();
        let named = translate::named(&push_id)
            .filter(|named| translate::same_number(&notification, &named.address))
            .and_then(|named| Some((self.board.link(named.gateway)?, named)))
            .filter(|(link, _)| link.config.allow.iter().any(|network| network.contains(from)));
        let Some((link, named)) = named else {
            self.metrics.foreign.increment();
            tracing::warn!(gateway = %from, "a result notification about no push of that gateway's");
            return Reply::Foreign(push_id);
        };
        let Some(state) = translate::state(&notification) else {
            link.metrics.pending.increment();
            return Reply::Taken(push_id);
        };
        if self.outstanding.ended(&push_id).await {
            self.ports.clock.sleep(SETTLE).await;
        }
        let receipt = translate::receipt(named, &push_id, state);
        let taken = tokio::select! {
            biased;
            taken = self.board.events.receipt(receipt) => taken,
            () = self.ports.clock.sleep(self.config.receipt) => false,
        };
        if taken {
            link.metrics.result(state);
            Reply::Taken(push_id)
        } else {
            link.metrics.postponed.increment();
            Reply::Busy
        }
    }

    fn respond(&self, reply: Reply) -> Response<Chunks> {
        let result = |push_id, code| Message::ResultResponse(ResultNotificationResponse { push_id, code });
        match reply {
            Reply::Taken(push_id) => document(StatusCode::ACCEPTED, &result(push_id, Code::OK)),
            Reply::Foreign(push_id) => document(StatusCode::ACCEPTED, &result(push_id, Code::BAD_REQUEST)),
            Reply::Malformed => {
                self.metrics.malformed.increment();
                let outcome = Outcome {
                    code: Code::BAD_REQUEST,
                    desc: None,
                };
                document(StatusCode::BAD_REQUEST, &Message::Bad(BadMessage { outcome }))
            }
            Reply::Busy => {
                let mut response = plain(StatusCode::SERVICE_UNAVAILABLE, Bytes::new());
                response
                    .headers_mut()
                    .insert(RETRY_AFTER, HeaderValue::from_static(REPEAT));
                response
            }
            Reply::Http(status) => plain(status, Bytes::new()),
        }
    }
}

impl Handler for Service {
    fn handle(self: Arc<Self>, peer: Peer, request: Request<Incoming>) -> BoxFuture<'static, Response<Chunks>> {
        Box::pin(async move {
            let reply = self.answer(peer.address.ip(), request).await;
            self.respond(reply)
        })
    }
}

fn document(status: StatusCode, message: &Message) -> Response<Chunks> {
    let mut response = plain(status, translate::document(message));
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    response
}

fn plain(status: StatusCode, body: Bytes) -> Response<Chunks> {
    let mut response = Response::new(Chunks::new(vec![body]));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
