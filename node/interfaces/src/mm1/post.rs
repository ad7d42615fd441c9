//! POST: a PDU of a client. Each type leads to its handler; the order of checks is that of digest 14.10.

use std::sync::Arc;

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::http::request::Parts;
use mmsc_domain::command::HandsetAnswer;
use mmsc_domain::inbox::ReadStatus;
use mmsc_domain::{MmId, Token, UnixMillis};
use mmsc_relay::HandsetReply;
use mmsc_wire::mms::{self, MessageType, Partial, Pdu, Status, Text};

use super::handler::{Answer, Service, token_of};
use super::identity::Identity;
use super::replies::{self, Asked, Fault, HttpFault};
use super::{forward, mmbox, recipient, respond, submit};
use crate::http::BodyError;
use crate::metrics::{Mm1Outcome, Mm1Refusal, Mm1Request};

pub(super) async fn answer(service: &Arc<Service>, parts: &Parts, mut body: Incoming, identity: Identity) -> Answer {
    if Service::is_encoded(parts) {
        service.leave(parts, body);
        return service.http(Mm1Request::Other, HttpFault::UnsupportedEncoding, Mm1Refusal::Http);
    }
    if service.room(parts).is_err() {
        service.leave(parts, body);
        return service.http(Mm1Request::Other, HttpFault::Busy, Mm1Refusal::Busy);
    }
    let octets = match service.body(parts, &mut body).await {
        Ok(octets) => octets,
        Err(error) => {
            if error == BodyError::NoRoom {
                service.leave(parts, body);
            }
            return no_body(service, error);
        }
    };
    let pdu = match mms::decode(&octets, &service.decoder) {
        Ok(pdu) => pdu,
        Err(error) => {
            tracing::debug!(%error, "a PDU cannot be read");
            return refuse_partial(service, &error.partial, &Fault::Malformed(error.kind));
        }
    };
    service.look_at(&identity, &parts.headers, pdu.version());
    if let Pdu::SendReq(pdu) = &pdu {
        let prepared = submit::prepare(service, pdu, &octets, identity);
        return match prepared {
            Ok(prepared) => submit::submit(service, prepared, octets).await,
            Err((asked, fault)) => service.refuse(Mm1Request::SendReq, &asked, &fault),
        };
    }
    if let Pdu::ForwardReq(pdu) = &pdu {
        let prepared = forward::prepare(service, pdu, identity);
        return match prepared {
            Ok(prepared) => forward::forward(service, prepared).await,
            Err((asked, fault)) => service.refuse(Mm1Request::ForwardReq, &asked, &fault),
        };
    }
    match mmbox::prepare(service, &pdu, asked, &octets, &identity) {
        None => {}
        Some(Ok(prepared)) => return mmbox::answer(service, prepared, octets).await,
        Some(Err((asked, fault))) => return service.refuse(label(pdu.message_type()), &asked, &fault),
    }
    let word = Word::of(&pdu);
    let target = token_of(parts.uri.path());
    spoken(service, word, target, identity).await
}

/// A body that did not come whole.
fn no_body(service: &Service, error: BodyError) -> Answer {
    let http = |fault, why| service.http(Mm1Request::Other, fault, why);
    match error {
        BodyError::TooLarge(prefix) => too_large(service, &prefix),
        BodyError::TooSlow => http(HttpFault::TooSlow, Mm1Refusal::TooSlow),
        BodyError::Broken => http(HttpFault::BadRequest, Mm1Refusal::Http),
        BodyError::NoRoom => http(HttpFault::Busy, Mm1Refusal::Busy),
    }
}

/// Refused in MM1's words if the opening can be read, else by HTTP.
fn too_large(service: &Service, prefix: &Bytes) -> Answer {
    let partial = match mms::decode(prefix, &service.decoder) {
        Ok(pdu) => Partial {
            message_type: Some(pdu.message_type().octet()),
            transaction_id: pdu.transaction_id().cloned().map(Text::into_owned),
            version: pdu.version(),
        },
        Err(error) => *error.partial,
    };
    match Asked::from_partial(&partial) {
        Some(_) => refuse_partial(service, &partial, &Fault::BodyTooLarge),
        None => service.http(Mm1Request::Other, HttpFault::TooLarge, Mm1Refusal::TooLarge),
    }
}

fn refuse_partial(service: &Service, partial: &Partial, fault: &Fault) -> Answer {
    let kind = partial.message_type.and_then(MessageType::from_octet);
    let request = kind.map_or(Mm1Request::Other, label);
    match Asked::from_partial(partial) {
        Some(asked) => service.refuse(request, &asked, fault),
        None => service.http(request, HttpFault::BadRequest, Mm1Refusal::Malformed),
    }
}

/// What a PDU other than m-send-req says, borrowing nothing from it.
struct Word {
    request: Mm1Request,
    kind: Kind,
}

enum Kind {
    /// About the copy with this token; none if the transaction id is not one of ours.
    Answer(Option<Token>, HandsetAnswer),
    /// A read report about the message with this id; none if it is not one of ours.
    Read(Option<MmId>, ReadStatus, Option<UnixMillis>),
    /// Messages that are not wanted.
    Delete(Asked),
    /// Needs no answer and has no effect.
    Dropped,
    /// Refused with its confirmation.
    Refused(Asked, Fault),
}

impl Word {
    fn of(pdu: &Pdu<'_>) -> Self {
        let kind = match pdu {
            Pdu::NotifyRespInd(pdu) => {
                let report_allowed = pdu.report_allowed.unwrap_or(true);
                match handset_answer(pdu.status, report_allowed) {
                    Some(answer) => Kind::Answer(token(&pdu.transaction_id), answer),
                    None => Kind::Dropped,
                }
            }
            Pdu::AcknowledgeInd(pdu) => {
                let report_allowed = pdu.report_allowed.unwrap_or(true);
                Kind::Answer(token(&pdu.transaction_id), HandsetAnswer::Retrieved { report_allowed })
            }
            Pdu::ReadRecInd(pdu) => {
                let status = match pdu.read_status {
                    mms::ReadStatus::Read => ReadStatus::Read,
                    mms::ReadStatus::Deleted => ReadStatus::DeletedUnread,
                };
                let at = pdu.date.map(|date| UnixMillis::from_seconds(date.0));
                Kind::Read(MmId::from_message_id(&pdu.message_id.to_str()), status, at)
            }
            Pdu::DeleteReq(_) => Kind::Delete(asked(pdu)),
            // Whether it did as it was asked or cannot make anything of it: it is not asked again.
            Pdu::CancelConf(pdu) => Kind::Answer(token(&pdu.transaction_id), HandsetAnswer::CancelAnswered),
            // The first six have led to their handlers before.
            Pdu::SendReq(_)
            | Pdu::ForwardReq(_)
            | Pdu::MboxStoreReq(_)
            | Pdu::MboxViewReq(_)
            | Pdu::MboxUploadReq(_)
            | Pdu::MboxDeleteReq(_)
            | Pdu::SendConf(_)
            | Pdu::NotificationInd(_)
            | Pdu::RetrieveConf(_)
            | Pdu::DeliveryInd(_)
            | Pdu::ReadOrigInd(_)
            | Pdu::ForwardConf(_)
            | Pdu::MboxStoreConf(_)
            | Pdu::MboxViewConf(_)
            | Pdu::MboxUploadConf(_)
            | Pdu::MboxDeleteConf(_)
            | Pdu::MboxDescr(_)
            | Pdu::DeleteConf(_)
            | Pdu::CancelReq(_) => refused(pdu, Fault::NotServed),
        };
        Self {
            request: label(pdu.message_type()),
            kind,
        }
    }
}

/// A refusal of a PDU that was read; one without transaction id is only bad.
fn refused(pdu: &Pdu<'_>, fault: Fault) -> Kind {
    Kind::Refused(asked(pdu), fault)
}

fn asked(pdu: &Pdu<'_>) -> Asked {
    let locations: &[Text<'_>] = match pdu {
        Pdu::DeleteReq(pdu) => &pdu.content_locations,
        Pdu::MboxDeleteReq(pdu) => &pdu.content_locations,
        _ => &[],
    };
    Asked {
        kind: Some(pdu.message_type()),
        transaction_id: pdu.transaction_id().cloned().unwrap_or_default().into_owned(),
        version: replies::answer_version(pdu.version()),
        locations: locations.iter().map(|location| location.clone().into_owned()).collect(),
    }
}

/// X-Mms-Status as a handset may send it; any other says nothing (digest 6.2).
fn handset_answer(status: Status, report_allowed: bool) -> Option<HandsetAnswer> {
    match status {
        Status::Retrieved => Some(HandsetAnswer::Retrieved { report_allowed }),
        Status::Deferred => Some(HandsetAnswer::Deferred { report_allowed }),
        Status::Rejected => Some(HandsetAnswer::Rejected { report_allowed }),
        Status::Unrecognised => Some(HandsetAnswer::Unrecognised),
        Status::Expired | Status::Indeterminate | Status::Forwarded | Status::Unreachable => None,
    }
}

fn token(transaction_id: &Text<'_>) -> Option<Token> {
    std::str::from_utf8(transaction_id.as_octets())
        .ok()
        .and_then(Token::parse)
}

async fn spoken(service: &Service, word: Word, target: Option<Token>, identity: Identity) -> Answer {
    let request = word.request;
    let silent = |outcome| Answer {
        request,
        outcome,
        response: respond::empty(),
    };
    match word.kind {
        Kind::Dropped => silent(Mm1Outcome::Dropped),
        Kind::Refused(asked, fault) if asked.transaction_id.is_empty() => {
            service.http(request, replies::http_fault(&fault), Mm1Refusal::Unsupported)
        }
        Kind::Refused(asked, fault) => service.refuse(request, &asked, &fault),
        Kind::Read(mm, status, at) => recipient::read(service, mm, status, at, identity).await,
        Kind::Delete(asked) => recipient::delete(service, &asked, identity).await,
        Kind::Answer(token, answer) => {
            let requester = match service.requester(identity) {
                Ok(requester) => requester,
                Err(why) => return service.http(request, HttpFault::Forbidden, why),
            };
            // Some devices post to the address of the message instead (digest 11.1).
            let Some(token) = token.or(target) else {
                return silent(Mm1Outcome::Dropped);
            };
            match service.commands.handset_answer(token, requester, answer).await {
                HandsetReply::Done | HandsetReply::TooLate => silent(Mm1Outcome::Ok),
                HandsetReply::NotThere | HandsetReply::NotYours => silent(Mm1Outcome::Dropped),
                HandsetReply::Busy(_) => service.http(request, HttpFault::Busy, Mm1Refusal::Busy),
            }
        }
    }
}

fn label(kind: MessageType) -> Mm1Request {
    match kind {
        MessageType::SendReq => Mm1Request::SendReq,
        MessageType::NotifyRespInd => Mm1Request::NotifyRespInd,
        MessageType::AcknowledgeInd => Mm1Request::AcknowledgeInd,
        MessageType::ReadRecInd => Mm1Request::ReadRecInd,
        MessageType::ForwardReq => Mm1Request::ForwardReq,
        MessageType::MboxStoreReq => Mm1Request::MboxStoreReq,
        MessageType::MboxViewReq => Mm1Request::MboxViewReq,
        MessageType::MboxUploadReq => Mm1Request::MboxUploadReq,
        MessageType::MboxDeleteReq => Mm1Request::MboxDeleteReq,
        MessageType::DeleteReq => Mm1Request::DeleteReq,
        MessageType::CancelConf => Mm1Request::CancelConf,
        MessageType::SendConf
        | MessageType::NotificationInd
        | MessageType::RetrieveConf
        | MessageType::DeliveryInd
        | MessageType::ReadOrigInd
        | MessageType::ForwardConf
        | MessageType::MboxStoreConf
        | MessageType::MboxViewConf
        | MessageType::MboxUploadConf
        | MessageType::MboxDeleteConf
        | MessageType::MboxDescr
        | MessageType::DeleteConf
        | MessageType::CancelReq => Mm1Request::Other,
    }
}
