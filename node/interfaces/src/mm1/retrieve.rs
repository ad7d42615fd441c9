//! GET and HEAD of a message (digest 11.4).

use std::sync::Arc;

use bytes::Bytes;
use hyper::http::request::Parts;
use mmsc_domain::Token;
use mmsc_domain::command::Retrieval;
use mmsc_domain::mmbox::{MmBoxEntry, MmBoxState};
use mmsc_relay::FetchAnswer;

use super::ContentAway;
use super::handler::{Answer, Service, token_of};
use super::identity::Identity;
use super::replies::{self, HttpFault, RetrieveFault};
use super::translate::RetrieveError;
use super::{respond, translate};
use crate::http::{Chunks, Peer};
use crate::metrics::{Mm1Outcome, Mm1Refusal, Mm1Request};

pub(super) async fn answer(service: &Arc<Service>, peer: &Peer, parts: &Parts, identity: Identity) -> Answer {
    let request = Mm1Request::Retrieve;
    service.look_at(&identity, &parts.headers, None);
    let found = match find(service, request, parts, identity).await {
        Ok(found) => found,
        Err(answer) => return answer,
    };
    let content = match found.content(service).await {
        Ok(content) => content,
        Err(away) => {
            tracing::error!(message = %found.log_name(), %away, "a message is there, its content is not");
            return match away {
                ContentAway::ForNow(_) => service.http(request, HttpFault::Busy, Mm1Refusal::Busy),
                ContentAway::ForGood(_) => missing(service, request, RetrieveFault::Broken),
            };
        }
    };
    let (chunks, _) = match found.pdu(service, Some(&content)) {
        Ok(pdu) => pdu,
        Err(error) => {
            tracing::error!(message = %found.log_name(), %error, "a stored message cannot be written");
            return missing(service, request, RetrieveFault::Broken);
        }
    };
    let octets = u64::try_from(content.len()).unwrap_or(u64::MAX);
    let told = departure(service.clone(), found.to_be_told(), octets);
    Answer {
        request,
        outcome: Mm1Outcome::Ok,
        response: respond::pdu(Chunks::tracked(chunks, &peer.departures, told)),
    }
}

/// Like GET, but without octets and without effect.
pub(super) async fn answer_head(service: &Arc<Service>, parts: &Parts, identity: Identity) -> Answer {
    let request = Mm1Request::RetrieveHead;
    let found = match find(service, request, parts, identity).await {
        Ok(found) => found,
        Err(answer) => return without_octets(answer),
    };
    match found.pdu(service, None) {
        Ok((_, octets)) => Answer {
            request,
            outcome: Mm1Outcome::Ok,
            response: respond::pdu_head(octets),
        },
        Err(error) => {
            tracing::error!(message = %found.log_name(), %error, "a stored message cannot be written");
            without_octets(missing(service, request, RetrieveFault::Broken))
        }
    }
}

/// What is behind an address.
enum Found {
    /// A copy of a message.
    Copy(Box<Retrieval>),
    /// What the requester has stored.
    Stored(Box<MmBoxEntry>),
}

impl Found {
    async fn content(&self, service: &Service) -> Result<Bytes, ContentAway> {
        match self {
            Self::Copy(retrieval) => service.commands.content(retrieval).await,
            Self::Stored(entry) => service.commands.stored_content(entry).await,
        }
    }

    fn pdu(&self, service: &Service, content: Option<&Bytes>) -> Result<(Vec<Bytes>, u64), RetrieveError> {
        match self {
            Self::Copy(retrieval) => translate::retrieve_conf(retrieval, content, &service.config.domain),
            Self::Stored(entry) => translate::retrieve_stored(entry, content, &service.place()),
        }
    }

    /// The id of a copy's message; an entry is named by the beginning of its token.
    fn log_name(&self) -> String {
        match self {
            Self::Copy(retrieval) => retrieval.head.id.to_string(),
            Self::Stored(entry) => format!("{:?}", entry.token),
        }
    }

    /// Whose departure changes something; none if it came to that before.
    fn to_be_told(&self) -> Option<Token> {
        match self {
            Self::Copy(retrieval) => (!retrieval.repeated).then_some(retrieval.token),
            Self::Stored(entry) => (entry.state == MmBoxState::New).then_some(entry.token),
        }
    }
}

fn without_octets(mut answer: Answer) -> Answer {
    let octets = answer.response.body().len();
    let headers = answer.response.headers_mut();
    headers.insert(hyper::header::CONTENT_LENGTH, octets.into());
    *answer.response.body_mut() = Chunks::empty();
    answer
}

async fn find(service: &Service, request: Mm1Request, parts: &Parts, identity: Identity) -> Result<Found, Answer> {
    let requester = service.requester(identity);
    let requester = requester.map_err(|why| service.http(request, HttpFault::Forbidden, why))?;
    if parts.uri.path().trim_matches('/').is_empty() {
        return Err(service.http(request, HttpFault::NotFound, Mm1Refusal::Http));
    }
    let unknown = RetrieveFault::Gone(mmsc_domain::command::Gone::Unknown);
    let token = token_of(parts.uri.path()).ok_or_else(|| missing(service, request, unknown))?;
    match service.commands.fetch(token, requester).await {
        FetchAnswer::Content(retrieval) => Ok(Found::Copy(retrieval)),
        FetchAnswer::Stored(entry) => Ok(Found::Stored(entry)),
        FetchAnswer::Gone(gone) => Err(missing(service, request, RetrieveFault::Gone(gone))),
        FetchAnswer::NotYet => Err(missing(service, request, RetrieveFault::NotYet)),
        // A client that knows no Retrieve-Status would show a 200 as the message itself; all of them repeat a 503.
        FetchAnswer::Busy(_) => Err(service.http(request, HttpFault::Busy, Mm1Refusal::Busy)),
    }
}

/// 200 with a text instead of the message: clients repeat on a 404 (digest 11.2).
fn missing(service: &Service, request: Mm1Request, fault: RetrieveFault) -> Answer {
    let (status, text) = replies::retrieve_status(fault);
    match translate::retrieve_refused(status, text, super::domain_time(service.ports.clock.now())) {
        Ok(octets) => Answer {
            request,
            outcome: Mm1Outcome::Gone,
            response: respond::pdu(Chunks::new(vec![octets.into()])),
        },
        Err(error) => {
            tracing::error!(%error, "an answer of ours cannot be written");
            service.http(request, HttpFault::Internal, Mm1Refusal::Http)
        }
    }
}

/// What happens when the response has left, or cannot leave whole any more.
fn departure(service: Arc<Service>, told: Option<Token>, octets: u64) -> Box<dyn FnOnce(bool) + Send> {
    Box::new(move |complete| {
        if complete {
            service.metrics.retrieved_octets.add(octets);
        } else {
            service.metrics.broken_responses.increment();
        }
        let Some(token) = told else {
            return;
        };
        let spawn = service.ports.spawn.clone();
        let tell = async move { service.commands.served(token, complete).await };
        let _runs_on = spawn.task("mm1-served", Box::pin(tell));
    })
}
