//! What a push tells a handset.

use mmsc_wire::mms::{self, Limits, Pdu};

use crate::error::PeerError;
use crate::message::number_of_subject;

/// A decoded push, owning what a handset acts on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// `m-notification-ind`: there is a message.
    Notification(Notification),
    /// `m-delivery-ind`: what became of one's own message.
    DeliveryReport {
        /// Message-ID of the submission.
        message_id: String,
        /// The recipient, as the report says.
        to: String,
        /// X-Mms-Status.
        status: u8,
        /// Seconds since 1970.
        date: u64,
    },
    /// `m-read-orig-ind`: one's own message was read.
    ReadReport {
        /// Message-ID of the submission.
        message_id: String,
        /// Who read it.
        from: String,
        /// X-Mms-Read-Status.
        status: u8,
    },
    /// `m-cancel-req`.
    Cancel {
        /// Message-ID of what is cancelled.
        message_id: String,
    },
    /// A PDU that has no place in a push.
    Other(&'static str),
}

/// `m-notification-ind`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// X-Mms-Transaction-Id.
    pub transaction_id: String,
    /// X-Mms-Content-Location.
    pub location: String,
    /// From, unless hidden.
    pub from: Option<String>,
    /// Subject.
    pub subject: Option<String>,
    /// X-Mms-Message-Size in octets.
    pub size: u64,
}

impl Notification {
    /// The submission that its subject names, if a stub handset made it.
    #[must_use]
    pub fn number(&self) -> Option<u64> {
        number_of_subject(self.subject.as_deref()?)
    }
}

impl Told {
    /// Reads the PDU of a push.
    pub fn decode(pdu: &[u8]) -> Result<Self, PeerError> {
        let pdu = mms::decode(pdu, &Limits::default()).map_err(|error| PeerError::Protocol(error.to_string()))?;
        Ok(match pdu {
            Pdu::NotificationInd(ind) => Self::Notification(Notification {
                transaction_id: ind.transaction_id.to_str().into_owned(),
                location: ind.content_location.to_str().into_owned(),
                from: ind.from.map(|from| from.0.to_str().into_owned()),
                subject: ind.subject.map(|subject| subject.to_str().into_owned()),
                size: ind.message_size.0,
            }),
            Pdu::DeliveryInd(ind) => Self::DeliveryReport {
                message_id: ind.message_id.to_str().into_owned(),
                to: ind.to.to_str().into_owned(),
                status: ind.status.octet(),
                date: ind.date.0,
            },
            Pdu::ReadOrigInd(ind) => Self::ReadReport {
                message_id: ind.message_id.to_str().into_owned(),
                from: ind.from.0.to_str().into_owned(),
                status: ind.read_status.octet(),
            },
            Pdu::CancelReq(request) => Self::Cancel {
                message_id: request.cancel_id.to_str().into_owned(),
            },
            other => Self::Other(other.message_type().name()),
        })
    }
}
