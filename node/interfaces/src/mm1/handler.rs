//! One request: who it is from, what it asks for, how long it took.

use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use hyper::body::Incoming;
use hyper::header::{CONTENT_ENCODING, CONTENT_LENGTH, EXPECT, HOST};
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method, Request, Response, Version};
use mmsc_domain::terminal::Sighting;
use mmsc_domain::{Address, Token};
use mmsc_ports::{BoxFuture, Ports};
use mmsc_relay::Busy;
use mmsc_relay::admission::Class;
use mmsc_wire::mms::{self, Pdu, Text};
use tracing::Instrument as _;

use super::commands::Commands;
use super::config::{Mm1Config, Unidentified};
use super::identity::{BadIdentity, Identities, Identity};
use super::replies::{Asked, Fault, HttpFault};
use super::seen::Seen;
use super::translate::StorePlace;
use super::{post, respond, retrieve, terminal};
use crate::http::{BodyBudget, BodyError, BodyLimits, Chunks, Handler, Peer, discard_body, read_body};
use crate::metrics::{Mm1Metrics, Mm1Outcome, Mm1Refusal, Mm1Request};

/// MM1's service, shared by its connections.
pub(super) struct Service {
    pub(super) config: Mm1Config,
    pub(super) commands: Arc<dyn Commands>,
    pub(super) ports: Ports,
    pub(super) metrics: Arc<Mm1Metrics>,
    pub(super) decoder: mms::Limits,
    identities: Identities,
    body_limits: BodyLimits,
    budget: BodyBudget,
    seen: Seen,
    /// Whose handset was looked at lately: with the version of a PDU, and without.
    looked_at: [Seen; 2],
}

/// Between two looks at what one subscriber's handset says about itself.
const LOOK_INTERVAL: Duration = Duration::from_secs(3600);

/// What a request comes to.
pub(super) struct Answer {
    pub(super) request: Mm1Request,
    pub(super) outcome: Mm1Outcome,
    pub(super) response: Response<Chunks>,
}

impl Service {
    /// # Errors
    /// The configured header name that cannot be one.
    pub(super) fn new(
        config: Mm1Config,
        commands: Arc<dyn Commands>,
        ports: &Ports,
        metrics: Arc<Mm1Metrics>,
    ) -> Result<Self, String> {
        Ok(Self {
            identities: Identities::new(&config.identity, config.home_prefix.clone())?,
            decoder: config.limits.decoder(),
            body_limits: config.limits.body(),
            budget: BodyBudget::new(config.limits.max_buffered_octets),
            seen: Seen::new(config.seen_interval),
            looked_at: [(); 2].map(|()| Seen::long(LOOK_INTERVAL)),
            commands,
            ports: ports.clone(),
            metrics,
            config,
        })
    }

    async fn answer(self: &Arc<Self>, peer: &Peer, request: Request<Incoming>) -> Answer {
        let (mut parts, body) = request.into_parts();
        // RFC 9112, 3.2. One that lacks it is served: old clients do, and nothing here depends on it.
        if parts.headers.get_all(HOST).iter().nth(1).is_some() {
            self.leave(&parts, body);
            return self.http(Mm1Request::Other, HttpFault::BadRequest, Mm1Refusal::Http);
        }
        let identity = self.identities.take(&mut parts.headers, peer.address.ip());
        match &identity {
            Identity::Bad(bad) => self.distrust(*bad, peer),
            Identity::Known(address) => self.notice(address),
            Identity::Unknown => {}
        }
        match parts.method {
            Method::POST => post::answer(self, &parts, body, identity).await,
            Method::GET => retrieve::answer(self, peer, &parts, identity).await,
            Method::HEAD => retrieve::answer_head(self, &parts, identity).await,
            _ => self.http(Mm1Request::Other, HttpFault::MethodNotAllowed, Mm1Refusal::Http),
        }
    }

    /// A gateway is misconfigured, or passes on what subscribers set.
    fn distrust(&self, bad: BadIdentity, peer: &Peer) {
        tracing::warn!(gateway = %peer.address.ip(), %bad, "a trusted gateway's identity headers cannot be right");
        self.metrics.refuse(Mm1Refusal::BadIdentity);
    }

    /// The handset is there: what waits for it may be told.
    fn notice(&self, address: &Address) {
        if self.seen.is_news(address, self.ports.clock.monotonic()) {
            self.commands.subscriber_seen(address.clone());
        }
    }

    /// What a request says about its handset, looked at now and then. A PDU says its version as well.
    pub(super) fn look_at(&self, identity: &Identity, headers: &HeaderMap, version: Option<mms::Version>) {
        let Identity::Known(address) = identity else { return };
        let [with_version, without] = &self.looked_at;
        let looked_at = if version.is_some() { with_version } else { without };
        if !looked_at.is_news(address, self.ports.clock.monotonic()) {
            return;
        }
        let mut sighting = terminal::sighting(headers);
        // Of another major version we know nothing.
        sighting.mms_version = version
            .filter(|version| version.major() == mms::Version::V1_0.major())
            .map(mms::Version::octet);
        if sighting != Sighting::default() {
            self.commands.terminal_seen(address.clone(), sighting);
        }
    }

    /// Whether a POST has a chance to be served, as far as its head tells: asked before a single octet of its body is
    /// read. No credit is held while a body comes in, as slow clients could hold them all; the command takes its own.
    pub(super) fn room(&self, parts: &Parts) -> Result<(), Busy> {
        let most = u64::try_from(self.body_limits.max_octets).unwrap_or(u64::MAX);
        match claimed(parts) {
            // Too large for anything, and told so in words of its own.
            Some(octets) if octets > most => Ok(()),
            Some(octets) if octets > LARGEST_WORD => {
                let head = u64::try_from(self.decoder.max_head).unwrap_or(u64::MAX);
                self.commands.room(Class::Submission, octets.saturating_sub(head))
            }
            // Perhaps a handset's word, which goes before submissions.
            Some(_) | None => self.commands.room(Class::Answer, 0),
        }
    }

    /// The body of a POST.
    pub(super) async fn body(&self, parts: &Parts, body: &mut Incoming) -> Result<BytesMut, BodyError> {
        let claimed = claimed(parts);
        let max = u64::try_from(self.body_limits.max_octets).unwrap_or(u64::MAX);
        if waits(parts) && claimed.is_some_and(|octets| octets > max) {
            // The client asked before it sends: then nothing of it is readable, nor has to be read.
            return Err(BodyError::TooLarge(bytes::Bytes::new()));
        }
        read_body(body, claimed, &self.body_limits, &self.budget, &*self.ports.clock).await
    }

    /// Leaves a body unread, or what is left of it, and lets the client have its answer all the same.
    pub(super) fn leave(&self, parts: &Parts, body: Incoming) {
        // A client that asked before it sends sends nothing; on HTTP/2 a stream that nobody reads hurts no other.
        if waits(parts) || parts.version >= Version::HTTP_2 {
            return;
        }
        let (claimed, limits, clock) = (claimed(parts), self.body_limits, self.ports.clock.clone());
        let rest = async move { discard_body(body, claimed, &limits, &*clock).await };
        let _runs_on = self.ports.spawn.task("mm1-discard", Box::pin(rest));
    }

    /// Whether the body is compressed in a way that we would have to undo.
    pub(super) fn is_encoded(parts: &Parts) -> bool {
        let mut codings = parts.headers.get_all(CONTENT_ENCODING).iter();
        codings.any(|value| !value.as_bytes().trim_ascii().eq_ignore_ascii_case(b"identity"))
    }

    /// Who asks about a message: an identity, or the bearer of a token where the policy lets that suffice.
    pub(super) fn requester(&self, identity: Identity) -> Result<Option<Address>, Mm1Refusal> {
        match (identity, self.config.unidentified) {
            (Identity::Known(address), _) => Ok(Some(address)),
            (Identity::Unknown, Unidentified::TokenSuffices) => Ok(None),
            (Identity::Unknown, Unidentified::Refuse) => Err(Mm1Refusal::NoIdentity),
            // Counted where it was found.
            (Identity::Bad(_), _) => Err(Mm1Refusal::BadIdentity),
        }
    }

    /// Where stored messages are fetched.
    pub(super) fn place(&self) -> StorePlace<'_> {
        StorePlace {
            public_url: &self.config.public_url,
            domain: &self.config.domain,
        }
    }

    pub(super) fn http(&self, request: Mm1Request, fault: HttpFault, why: Mm1Refusal) -> Answer {
        if why != Mm1Refusal::BadIdentity {
            self.metrics.refuse(why);
        }
        let outcome = match fault {
            HttpFault::Busy => Mm1Outcome::Busy,
            HttpFault::BadRequest => Mm1Outcome::Malformed,
            HttpFault::Forbidden => Mm1Outcome::Refused,
            HttpFault::NotFound
            | HttpFault::MethodNotAllowed
            | HttpFault::TooSlow
            | HttpFault::TooLarge
            | HttpFault::UnsupportedEncoding
            | HttpFault::Internal => Mm1Outcome::Http,
        };
        Answer {
            request,
            outcome,
            response: respond::fault(fault, self.config.retry_after.as_secs()),
        }
    }

    /// The confirmation that refuses a PDU, or the HTTP status where there is none.
    pub(super) fn refuse(&self, request: Mm1Request, asked: &Asked, fault: &Fault) -> Answer {
        let why = refusal_label(fault);
        let Some(pdu) = super::replies::refused(asked, fault) else {
            return self.http(request, super::replies::http_fault(fault), why);
        };
        if why != Mm1Refusal::BadIdentity {
            self.metrics.refuse(why);
        }
        self.confirm(request, outcome_label(fault), &pdu)
    }

    /// A PDU in a 200.
    pub(super) fn confirm(&self, request: Mm1Request, outcome: Mm1Outcome, pdu: &Pdu<'_>) -> Answer {
        let mut octets = Vec::with_capacity(128);
        if let Err(error) = mms::encode(pdu, &mut octets) {
            tracing::error!(%error, pdu = ?pdu.message_type(), "an answer of ours cannot be written");
            return self.http(request, HttpFault::Internal, Mm1Refusal::Http);
        }
        Answer {
            request,
            outcome,
            response: respond::pdu(Chunks::new(vec![octets.into()])),
        }
    }
}

impl Handler for Service {
    fn handle(self: Arc<Self>, peer: Peer, request: Request<Incoming>) -> BoxFuture<'static, Response<Chunks>> {
        Box::pin(async move {
            let started = self.ports.clock.monotonic();
            let span = tracing::debug_span!("mm1", from = %peer.address);
            let answer = self.answer(&peer, request).instrument(span).await;
            self.metrics.request(answer.request, answer.outcome);
            let took = self.ports.clock.monotonic().saturating_sub(started);
            self.metrics.answer_seconds.observe(took);
            let (what, outcome) = (answer.request.label(), answer.outcome.label());
            let status = answer.response.status().as_u16();
            tracing::debug!(from = %peer.address, what, outcome, status, ?took, "answered");
            answer.response
        })
    }
}

/// The token that a Content-Location names, be it the whole address or its path.
pub(super) fn token_at(location: &Text<'_>) -> Option<Token> {
    let location = location.to_str();
    let path = location.split(['?', '#']).next()?;
    token_of(path)
}

/// The longest body of what a handset says about a message, generously; a longer one can only be a submission.
const LARGEST_WORD: u64 = 4096;

/// The body's length, if the head tells it.
fn claimed(parts: &Parts) -> Option<u64> {
    let claimed = parts.headers.get(CONTENT_LENGTH)?;
    claimed.to_str().ok()?.parse().ok()
}

/// Whether the client waits for our word before it sends the body.
fn waits(parts: &Parts) -> bool {
    parts.headers.contains_key(EXPECT)
}

/// The token that a target names in the last segment of its path. Clients with the option to append the transaction
/// id, which is the token again, name it twice (digest 11.3). Queries are none of ours.
pub(super) fn token_of(path: &str) -> Option<Token> {
    let segment = path.rsplit('/').next()?;
    let half = segment.len() / 2;
    match segment.split_at_checked(half) {
        Some((first, second)) if first == second => Token::parse(first),
        Some(_) | None => Token::parse(segment),
    }
}

fn refusal_label(fault: &Fault) -> Mm1Refusal {
    use mmsc_domain::mmbox::NotStored;
    use mmsc_domain::why::Refusal;
    match fault {
        Fault::Refused(Refusal::NoIdentity) => Mm1Refusal::NoIdentity,
        Fault::Refused(Refusal::TooLarge { .. }) | Fault::BodyTooLarge => Mm1Refusal::TooLarge,
        Fault::Refused(
            Refusal::ServiceDenied
            | Refusal::RateExceeded
            | Refusal::FannedOut
            | Refusal::NoRecipients
            | Refusal::BadRecipient(_)
            | Refusal::TooManyRecipients { .. }
            | Refusal::ContentNotAccepted(_)
            | Refusal::BadField(_)
            | Refusal::Screened(_)
            | Refusal::HidingNotPossible
            | Refusal::MayNotBeForwarded,
        ) => Mm1Refusal::Policy,
        Fault::Refused(Refusal::UnknownMessage) | Fault::NotStored(NotStored::NotFound) => Mm1Refusal::UnknownMessage,
        Fault::NotStored(NotStored::TooLarge) => Mm1Refusal::TooLarge,
        Fault::NotStored(
            NotStored::NotAllowed
            | NotStored::Full
            | NotStored::BadState
            | NotStored::BadFlags
            | NotStored::NotAccepted
            | NotStored::Damaged
            | NotStored::TooOften,
        ) => Mm1Refusal::Policy,
        Fault::NotStored(NotStored::NotOffered) => Mm1Refusal::Unsupported,
        Fault::Busy(_) => Mm1Refusal::Busy,
        Fault::Malformed(mms::DecodeErrorKind::UnknownMessageType(_) | mms::DecodeErrorKind::UnsupportedVersion(_))
        | Fault::NotOffered
        | Fault::NotServed => Mm1Refusal::Unsupported,
        Fault::Malformed(_) => Mm1Refusal::Malformed,
        Fault::BadIdentity => Mm1Refusal::BadIdentity,
        Fault::ForeignFrom => Mm1Refusal::ForeignFrom,
        Fault::Refused(
            Refusal::ReplyChargingNotSupported | Refusal::ReplyLimitsNotMet | Refusal::ReplyChargedMayNotBeForwarded,
        ) => Mm1Refusal::ReplyCharging,
    }
}

fn outcome_label(fault: &Fault) -> Mm1Outcome {
    match refusal_label(fault) {
        Mm1Refusal::Malformed => Mm1Outcome::Malformed,
        Mm1Refusal::Unsupported => Mm1Outcome::Unsupported,
        Mm1Refusal::Busy => Mm1Outcome::Busy,
        Mm1Refusal::NoIdentity
        | Mm1Refusal::BadIdentity
        | Mm1Refusal::ForeignFrom
        | Mm1Refusal::TooLarge
        | Mm1Refusal::TooSlow
        | Mm1Refusal::Http
        | Mm1Refusal::Policy
        | Mm1Refusal::UnknownMessage
        | Mm1Refusal::ReplyCharging => Mm1Outcome::Refused,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_segment_names_the_token() {
        let token = Token([7; 16]);
        let text = token.to_string();
        for path in [
            format!("/{text}"),
            format!("/mms/{text}"),
            format!("//{text}"),
            format!("/{text}{text}"),
        ] {
            assert_eq!(token_of(&path), Some(token), "{path}");
        }
        for path in ["/", "", "/mms", "/AAAAAAAAAAAAAAAAAAAAA", &format!("/{text}/")] {
            assert_eq!(token_of(path), None, "{path}");
        }
    }
}
