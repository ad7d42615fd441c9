//! A stub handset: what it asks of MM1, one function per transaction (digest 14).

mod client;
mod told;

use std::time::Duration;

use bytes::Bytes;
use mmsc_wire::mms::{
    self, AcknowledgeInd, Limits, NotifyRespInd, Pdu, ResponseStatus, RetrieveStatus, Status, Version,
};

pub use client::{Client, MMS_MESSAGE, Reply};
pub use told::{Notification, Told};

use crate::error::PeerError;
use crate::ledger::{Digest, Outcome};
use crate::message::digest_of;
use crate::msisdn::Msisdn;

/// How a submission was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubmitReply {
    /// `m-send-conf`.
    Confirmed {
        /// X-Mms-Response-Status.
        status: u8,
        /// Message-ID, when it was accepted.
        message_id: Option<String>,
        /// X-Mms-Transaction-Id, as echoed.
        transaction_id: String,
        /// X-Mms-Response-Text.
        text: Option<String>,
    },
    /// Only HTTP spoke.
    Http {
        /// The status.
        status: u16,
        /// When to try again.
        retry_after: Option<Duration>,
    },
}

impl SubmitReply {
    /// What the ledger writes down.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Confirmed {
                status,
                message_id: Some(id),
                ..
            } if *status == ResponseStatus::Ok.octet() => Outcome::Accepted(id.clone()),
            Self::Confirmed { status, .. } => Outcome::Refused(*status),
            Self::Http { status, .. } => Outcome::Http(*status),
        }
    }

    /// Whether the refusal is one of a relay that has too much to do: 503, or a transient status (digest 6.3, 11.2).
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Confirmed { status, .. } => (0xC0..=0xDF).contains(status),
            Self::Http { status, .. } => matches!(status, 429 | 503),
        }
    }
}

/// How a retrieval was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fetched {
    /// The message.
    Message {
        /// Message-ID; empty if there was none.
        message_id: String,
        /// X-Mms-Transaction-Id, when an acknowledgement is wanted.
        transaction_id: Option<String>,
        /// Digest of its parts.
        digest: Digest,
        /// Octets of the whole answer.
        octets: usize,
    },
    /// `m-retrieve-conf` with this X-Mms-Retrieve-Status instead of the message.
    Refused(u8),
    /// Only HTTP spoke.
    Http(u16),
}

/// Submits a PDU that a [`Mix`](crate::message::Mix) or a [`Template`](crate::message::Template) made.
pub async fn submit(client: &mut Client, from: Msisdn, pdu: Bytes) -> Result<SubmitReply, PeerError> {
    let reply = client.post(from, pdu).await?;
    if reply.status != 200 {
        return Ok(SubmitReply::Http {
            status: reply.status,
            retry_after: reply.retry_after,
        });
    }
    match decode(&reply.body)? {
        Pdu::SendConf(conf) => Ok(SubmitReply::Confirmed {
            status: conf.response_status.octet(),
            message_id: conf.message_id.map(|id| id.to_str().into_owned()),
            transaction_id: conf.transaction_id.to_str().into_owned(),
            text: conf.response_text.map(|text| text.to_str().into_owned()),
        }),
        other => Err(unexpected(&other, "m-send-conf")),
    }
}

/// Gets a message from where its notification says that it is.
pub async fn retrieve(client: &mut Client, who: Msisdn, location: &str) -> Result<Fetched, PeerError> {
    let reply = client.get(who, location).await?;
    if reply.status != 200 {
        return Ok(Fetched::Http(reply.status));
    }
    match decode(&reply.body)? {
        Pdu::RetrieveConf(conf) => match conf.retrieve_status {
            None | Some(RetrieveStatus::Ok) => Ok(Fetched::Message {
                message_id: conf.message_id.map(|id| id.to_str().into_owned()).unwrap_or_default(),
                transaction_id: conf.transaction_id.map(|id| id.to_str().into_owned()),
                digest: digest_of(&conf.content),
                octets: reply.body.len(),
            }),
            Some(status) => Ok(Fetched::Refused(status.octet())),
        },
        other => Err(unexpected(&other, "m-retrieve-conf")),
    }
}

/// `m-notifyresp-ind`: what the handset does about a notification. Gives the HTTP status.
pub async fn notify_response(
    client: &mut Client,
    who: Msisdn,
    transaction_id: &str,
    status: Status,
) -> Result<u16, PeerError> {
    let response = NotifyRespInd {
        transaction_id: transaction_id.into(),
        version: Version::V1_2,
        status,
        report_allowed: Some(true),
    };
    tell(client, who, Pdu::NotifyRespInd(response)).await
}

/// `m-acknowledge-ind`: the message of a retrieval arrived. Gives the HTTP status.
pub async fn acknowledge(client: &mut Client, who: Msisdn, transaction_id: &str) -> Result<u16, PeerError> {
    let acknowledgement = AcknowledgeInd {
        transaction_id: transaction_id.into(),
        version: Version::V1_2,
        report_allowed: Some(true),
    };
    tell(client, who, Pdu::AcknowledgeInd(acknowledgement)).await
}

async fn tell(client: &mut Client, who: Msisdn, pdu: Pdu<'_>) -> Result<u16, PeerError> {
    let mut octets = Vec::with_capacity(64);
    mms::encode(&pdu, &mut octets).map_err(|error| PeerError::Encode(error.to_string()))?;
    Ok(client.post(who, octets.into()).await?.status)
}

fn decode(body: &[u8]) -> Result<Pdu<'_>, PeerError> {
    mms::decode(body, &Limits::default()).map_err(|error| PeerError::Protocol(error.to_string()))
}

fn unexpected(pdu: &Pdu<'_>, wanted: &str) -> PeerError {
    PeerError::Protocol(format!("{} instead of {wanted}", pdu.message_type().name()))
}
