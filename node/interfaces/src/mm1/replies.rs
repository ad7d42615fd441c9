//! From our errors to MM1's words (digest 6.3, 6.4, 11.2, 18, 19). One table for each kind of status; the golden file
//! `tests/golden/mm1-replies.txt` shows them whole, for every version of client.

use hyper::StatusCode;
use mmsc_domain::command::Gone;
use mmsc_domain::mmbox::NotStored;
use mmsc_domain::why::Refusal;
use mmsc_relay::Busy;
use mmsc_wire::mms::{
    CountedLocation, CountedStatus, DecodeErrorKind, DeleteConf, ForwardConf, MboxDeleteConf, MboxStoreConf,
    MboxUploadConf, MboxViewConf, MessageType, Partial, Pdu, ResponseStatus, RetrieveStatus, SendConf, StoreStatus,
    Text, Version,
};

mod confirm;

pub use confirm::{accepted, deleted, forwarded, mbox_deleted, mbox_stored, mbox_uploaded};

use super::translate::nothing_listed;

/// Why a PDU is not served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The relay refused it for good.
    Refused(Refusal),
    /// The relay cannot take it now.
    Busy(Busy),
    /// It cannot be read.
    Malformed(DecodeErrorKind),
    /// The HTTP body is larger than a PDU may be.
    BodyTooLarge,
    /// Gateway headers that cannot be right.
    BadIdentity,
    /// From names somebody else, and the policy refuses that.
    ForeignFrom,
    /// A service that is not offered (MMBox; digest 16).
    NotOffered,
    /// A network store says no.
    NotStored(NotStored),
    /// A PDU that this release does not serve.
    NotServed,
}

impl From<NotStored> for Fault {
    fn from(not: NotStored) -> Self {
        match not {
            NotStored::NotOffered => Self::NotOffered,
            not => Self::NotStored(not),
        }
    }
}

/// Why there is no message in the answer to a retrieval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RetrieveFault {
    /// There is none (any more).
    Gone(Gone),
    /// Its delivery time has not come.
    NotYet,
    /// The record does not fit its content: a bug, or damage.
    Broken,
}

/// Faults of the HTTP request, and those that MM1 has no PDU for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HttpFault {
    /// It cannot be read as far as type and transaction id, or is of a type that is answered without a PDU.
    BadRequest,
    /// No (usable) subscriber identity.
    Forbidden,
    /// No such resource.
    NotFound,
    /// Neither GET, HEAD nor POST.
    MethodNotAllowed,
    /// The body came too slowly.
    TooSlow,
    /// The body is larger than a PDU may be.
    TooLarge,
    /// The body is compressed.
    UnsupportedEncoding,
    /// Not now.
    Busy,
    /// A bug: our own answer cannot be written.
    Internal,
}

/// The opening of a PDU that is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Its type; none if it is reserved.
    pub kind: Option<MessageType>,
    /// Its transaction id.
    pub transaction_id: Text<'static>,
    /// The version to answer in.
    pub version: Version,
    /// The locations that it names (of requests that are answered location by location).
    pub locations: Vec<Text<'static>>,
}

/// The highest version that we speak.
pub const OUR_VERSION: Version = Version::V1_3;

/// The version to answer in (digest 18): the lower one; ours to another major version.
#[must_use]
pub fn answer_version(theirs: Option<Version>) -> Version {
    let theirs = theirs.unwrap_or(Version::V1_0);
    if theirs.major() != OUR_VERSION.major() {
        return OUR_VERSION;
    }
    let minor = theirs.minor_or_zero().min(OUR_VERSION.minor_or_zero());
    Version::from_octet(Version::V1_0.octet() | minor)
}

impl Asked {
    /// From what was read of a PDU; none without type or transaction id.
    #[must_use]
    pub fn from_partial(partial: &Partial) -> Option<Self> {
        Some(Self {
            kind: MessageType::from_octet(partial.message_type?),
            transaction_id: partial.transaction_id.clone()?,
            version: answer_version(partial.version),
            locations: Vec::new(),
        })
    }
}

/// X-Mms-Response-Status, in the words of 1.3; [`ResponseStatus::for_version`] translates.
#[must_use]
pub fn response_status(fault: &Fault) -> ResponseStatus {
    match fault {
        Fault::Refused(refusal) => refusal_status(refusal),
        Fault::Busy(Busy::Store) => ResponseStatus::TransientNetworkProblem,
        Fault::Busy(Busy::NoCredit | Busy::Unknown | Busy::Draining) => ResponseStatus::TransientFailure,
        Fault::Malformed(kind) => malformed_status(*kind),
        Fault::BodyTooLarge => ResponseStatus::PermanentContentNotAccepted,
        Fault::BadIdentity | Fault::ForeignFrom | Fault::NotOffered => ResponseStatus::PermanentServiceDenied,
        Fault::NotServed => ResponseStatus::UnsupportedMessage,
        Fault::NotStored(not) => not_stored_status(*not),
    }
}

fn not_stored_status(not: NotStored) -> ResponseStatus {
    match not {
        NotStored::NotOffered | NotStored::NotAllowed => ResponseStatus::PermanentServiceDenied,
        NotStored::NotFound => ResponseStatus::PermanentNotFound,
        NotStored::BadState | NotStored::BadFlags => ResponseStatus::PermanentFormatCorrupt,
        NotStored::TooLarge | NotStored::NotAccepted => ResponseStatus::PermanentContentNotAccepted,
        // Response-Status has no word for a full store; Store-Status has.
        NotStored::Full | NotStored::Damaged => ResponseStatus::PermanentFailure,
        NotStored::TooOften => ResponseStatus::TransientFailure,
    }
}

fn refusal_status(refusal: &Refusal) -> ResponseStatus {
    match refusal {
        Refusal::NoIdentity | Refusal::ServiceDenied | Refusal::FannedOut | Refusal::Screened(_) => {
            ResponseStatus::PermanentServiceDenied
        }
        Refusal::RateExceeded => ResponseStatus::TransientFailure,
        Refusal::NoRecipients | Refusal::BadField(_) => ResponseStatus::PermanentFormatCorrupt,
        Refusal::BadRecipient(_) => ResponseStatus::PermanentAddressUnresolved,
        Refusal::TooManyRecipients { .. } | Refusal::TooLarge { .. } | Refusal::ContentNotAccepted(_) => {
            ResponseStatus::PermanentContentNotAccepted
        }
        Refusal::HidingNotPossible => ResponseStatus::AddressHidingNotSupported,
        Refusal::UnknownMessage => ResponseStatus::PermanentNotFound,
        Refusal::MayNotBeForwarded => ResponseStatus::PermanentServiceDenied,
        Refusal::ReplyChargingNotSupported => ResponseStatus::ReplyChargingNotSupported,
        Refusal::ReplyLimitsNotMet => ResponseStatus::ReplyChargingLimitationsNotMet,
        Refusal::ReplyChargedMayNotBeForwarded => ResponseStatus::ReplyChargingForwardingDenied,
    }
}

fn malformed_status(kind: DecodeErrorKind) -> ResponseStatus {
    match kind {
        DecodeErrorKind::Value(_)
        | DecodeErrorKind::Missing
        | DecodeErrorKind::IllegalStart(_)
        | DecodeErrorKind::ConflictingMessageType
        | DecodeErrorKind::TooManyFields(_) => ResponseStatus::PermanentFormatCorrupt,
        DecodeErrorKind::UnknownMessageType(_) | DecodeErrorKind::UnsupportedVersion(_) => {
            ResponseStatus::UnsupportedMessage
        }
        DecodeErrorKind::TooLarge(_) | DecodeErrorKind::TooManyRecipients(_) | DecodeErrorKind::TooManyParts(_) => {
            ResponseStatus::PermanentContentNotAccepted
        }
    }
}

/// X-Mms-Store-Status of the MMBox confirmations.
#[must_use]
pub fn store_status(fault: &Fault) -> StoreStatus {
    if *fault == Fault::NotStored(NotStored::Full) {
        return StoreStatus::MmboxFull;
    }
    match response_status(fault) {
        ResponseStatus::PermanentFormatCorrupt => StoreStatus::PermanentFormatCorrupt,
        ResponseStatus::PermanentServiceDenied => StoreStatus::PermanentServiceDenied,
        ResponseStatus::PermanentNotFound => StoreStatus::PermanentNotFound,
        ResponseStatus::TransientNetworkProblem => StoreStatus::TransientNetworkProblem,
        status if (0xC0..0xE0).contains(&status.octet()) => StoreStatus::TransientFailure,
        _ => StoreStatus::PermanentFailure,
    }
}

/// X-Mms-Retrieve-Status and what the user gets to read: a 1.0 client knows no status.
#[must_use]
pub fn retrieve_status(fault: RetrieveFault) -> (RetrieveStatus, &'static str) {
    match fault {
        RetrieveFault::Gone(Gone::Unknown) => (RetrieveStatus::PermanentNotFound, "This message is not available."),
        RetrieveFault::Gone(Gone::Expired) => (RetrieveStatus::PermanentNotFound, "This message has expired."),
        RetrieveFault::Gone(Gone::Ended) => (
            RetrieveStatus::PermanentNotFound,
            "This message is no longer available.",
        ),
        RetrieveFault::NotYet => (RetrieveStatus::TransientNotFound, "This message is not available yet."),
        RetrieveFault::Broken => (RetrieveStatus::PermanentFailure, "This message cannot be delivered."),
    }
}

/// HTTP status where there is no PDU to answer with.
#[must_use]
pub fn http_status(fault: HttpFault) -> StatusCode {
    match fault {
        HttpFault::BadRequest => StatusCode::BAD_REQUEST,
        HttpFault::Forbidden => StatusCode::FORBIDDEN,
        HttpFault::NotFound => StatusCode::NOT_FOUND,
        HttpFault::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        HttpFault::TooSlow => StatusCode::REQUEST_TIMEOUT,
        HttpFault::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        HttpFault::UnsupportedEncoding => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        HttpFault::Busy => StatusCode::SERVICE_UNAVAILABLE,
        HttpFault::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// The same where a PDU that has no confirmation is at fault.
#[must_use]
pub fn http_fault(fault: &Fault) -> HttpFault {
    match fault {
        Fault::Busy(_) => HttpFault::Busy,
        Fault::BodyTooLarge => HttpFault::TooLarge,
        Fault::BadIdentity => HttpFault::Forbidden,
        Fault::Refused(_)
        | Fault::Malformed(_)
        | Fault::ForeignFrom
        | Fault::NotOffered
        | Fault::NotStored(_)
        | Fault::NotServed => HttpFault::BadRequest,
    }
}

/// X-Mms-Response-Text: for people, short, and without anything that the peer did not say itself.
#[must_use]
pub fn response_text(fault: &Fault) -> String {
    match fault {
        Fault::Refused(refusal) => refusal_text(refusal),
        Fault::Busy(_) => "Service busy, try again later".to_owned(),
        Fault::Malformed(kind) => kind.to_string(),
        Fault::BodyTooLarge => "Message too large".to_owned(),
        Fault::BadIdentity => "Subscriber not identified".to_owned(),
        Fault::ForeignFrom => "Sender address not allowed".to_owned(),
        Fault::NotOffered => "Service not offered".to_owned(),
        Fault::NotServed => "Message type not supported".to_owned(),
        Fault::NotStored(not) => not_stored_text(*not).to_owned(),
    }
}

fn not_stored_text(not: NotStored) -> &'static str {
    match not {
        NotStored::NotOffered => "Service not offered",
        NotStored::NotAllowed => "Not allowed",
        NotStored::NotFound => "Message not found",
        NotStored::Full => "The message store is full",
        NotStored::BadState => "Message state not possible",
        NotStored::BadFlags => "Keywords not acceptable",
        NotStored::TooLarge => "Message too large to be stored",
        NotStored::NotAccepted => "Message content not accepted",
        NotStored::Damaged => "The message store cannot be read",
        NotStored::TooOften => "Too many messages, try again later",
    }
}

fn refusal_text(refusal: &Refusal) -> String {
    match refusal {
        Refusal::NoIdentity => "Subscriber not identified".to_owned(),
        // Who fans out is told neither that nor the threshold.
        Refusal::ServiceDenied | Refusal::FannedOut => "Service not allowed".to_owned(),
        Refusal::RateExceeded => "Too many messages, try again later".to_owned(),
        Refusal::NoRecipients => "No recipient".to_owned(),
        Refusal::BadRecipient(text) => format!("Recipient not reachable: {}", printable(text)),
        Refusal::TooManyRecipients { limit, .. } => format!("More than {limit} recipients"),
        Refusal::TooLarge { limit, .. } => format!("More than {limit} octets"),
        Refusal::ContentNotAccepted(what) => format!("Content not accepted: {}", printable(&what.to_string())),
        Refusal::BadField(name) => format!("{name} not acceptable"),
        Refusal::Screened(why) => format!("Refused: {why}"),
        Refusal::HidingNotPossible => "The sender cannot be hidden from this recipient".to_owned(),
        Refusal::UnknownMessage => "Message not found".to_owned(),
        Refusal::MayNotBeForwarded => "This message may not be forwarded".to_owned(),
        Refusal::ReplyChargingNotSupported => "Reply charging not supported".to_owned(),
        Refusal::ReplyLimitsNotMet => "This reply is not paid for by the sender of the message".to_owned(),
        Refusal::ReplyChargedMayNotBeForwarded => "A message with a paid reply may not be forwarded".to_owned(),
    }
}

/// A peer's text, short enough for an answer and without control characters.
fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(80).collect()
}

/// The confirmation that says no to a PDU; none if PDUs of this type are answered by HTTP alone.
///
/// Types that only a relay sends and reserved types are answered with m-send-conf (digest 18).
#[must_use]
pub fn refused(asked: &Asked, fault: &Fault) -> Option<Pdu<'static>> {
    use MessageType as T;
    let Some(kind) = asked.kind else {
        return Some(send_refused(asked, fault).into());
    };
    match kind {
        T::SendReq => Some(send_refused(asked, fault).into()),
        T::ForwardReq => Some(forward_refused(asked, fault).into()),
        T::MboxStoreReq => Some(mbox_store_refused(asked, fault).into()),
        T::MboxUploadReq => Some(mbox_upload_refused(asked, fault).into()),
        T::MboxViewReq => Some(mbox_view_refused(asked, fault).into()),
        T::MboxDeleteReq => Some(mbox_delete_refused(asked, fault).into()),
        T::DeleteReq => Some(delete_refused(asked, fault).into()),
        T::NotifyRespInd | T::AcknowledgeInd | T::ReadRecInd | T::CancelConf => None,
        T::SendConf
        | T::NotificationInd
        | T::RetrieveConf
        | T::DeliveryInd
        | T::ReadOrigInd
        | T::ForwardConf
        | T::MboxStoreConf
        | T::MboxViewConf
        | T::MboxUploadConf
        | T::MboxDeleteConf
        | T::MboxDescr
        | T::DeleteConf
        | T::CancelReq => Some(send_refused(asked, &Fault::NotServed).into()),
    }
}

fn status_for(asked: &Asked, fault: &Fault) -> ResponseStatus {
    response_status(fault).for_version(asked.version)
}

fn send_refused(asked: &Asked, fault: &Fault) -> SendConf<'static> {
    SendConf {
        transaction_id: asked.transaction_id.clone(),
        version: asked.version,
        response_status: status_for(asked, fault),
        response_text: Some(response_text(fault).into()),
        ..SendConf::default()
    }
}

fn forward_refused(asked: &Asked, fault: &Fault) -> ForwardConf<'static> {
    ForwardConf {
        transaction_id: asked.transaction_id.clone(),
        version: asked.version,
        response_status: status_for(asked, fault),
        response_text: Some(response_text(fault).into()),
        ..ForwardConf::default()
    }
}

fn mbox_store_refused(asked: &Asked, fault: &Fault) -> MboxStoreConf<'static> {
    MboxStoreConf {
        transaction_id: asked.transaction_id.clone(),
        version: asked.version,
        store_status: store_status(fault),
        store_status_text: Some(response_text(fault).into()),
        ..MboxStoreConf::default()
    }
}

fn mbox_upload_refused(asked: &Asked, fault: &Fault) -> MboxUploadConf<'static> {
    MboxUploadConf {
        transaction_id: asked.transaction_id.clone(),
        version: asked.version,
        store_status: store_status(fault),
        store_status_text: Some(response_text(fault).into()),
        ..MboxUploadConf::default()
    }
}

fn mbox_view_refused(asked: &Asked, fault: &Fault) -> MboxViewConf<'static> {
    MboxViewConf {
        transaction_id: asked.transaction_id.clone(),
        version: asked.version,
        response_status: status_for(asked, fault),
        response_text: Some(response_text(fault).into()),
        content: nothing_listed(),
        ..MboxViewConf::default()
    }
}

fn mbox_delete_refused(asked: &Asked, fault: &Fault) -> MboxDeleteConf<'static> {
    let (content_locations, response_statuses) = counted(asked, fault);
    MboxDeleteConf {
        transaction_id: asked.transaction_id.clone(),
        version: asked.version,
        content_locations,
        response_statuses,
        ..MboxDeleteConf::default()
    }
}

fn delete_refused(asked: &Asked, fault: &Fault) -> DeleteConf<'static> {
    let (content_locations, response_statuses) = counted(asked, fault);
    DeleteConf {
        transaction_id: asked.transaction_id.clone(),
        version: asked.version,
        content_locations,
        response_statuses,
        ..DeleteConf::default()
    }
}

/// The same status for each location, tied to it by its position.
fn counted(asked: &Asked, fault: &Fault) -> (Vec<CountedLocation<'static>>, Vec<CountedStatus<'static>>) {
    let status = status_for(asked, fault);
    if asked.locations.is_empty() {
        return (Vec::new(), vec![CountedStatus::new(0, status)]);
    }
    let locations = (0..).zip(&asked.locations);
    locations
        .map(|(count, location)| {
            (
                CountedLocation::new(count, location.clone()),
                CountedStatus::new(count, status),
            )
        })
        .unzip()
}

#[cfg(test)]
mod tests;
