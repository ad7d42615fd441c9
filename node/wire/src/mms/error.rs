//! Errors of decoding and encoding PDUs.

use std::fmt;

use super::{Field, Version};
use crate::wsp::multipart::MultipartError;
use crate::wsp::{Text, ValueError};

/// A PDU that could not be read: what is wrong, where, and what was readable before, so that it can be answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place} at octet {offset}: {kind}")]
pub struct DecodeError {
    /// Offset in the PDU.
    pub offset: usize,
    /// Where it is wrong.
    pub place: Place,
    /// What is wrong.
    pub kind: DecodeErrorKind,
    /// What was read all the same.
    pub partial: Box<Partial>,
}

/// The opening fields of a PDU, as far as they could be read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Partial {
    /// Octet of X-Mms-Message-Type.
    pub message_type: Option<u8>,
    /// X-Mms-Transaction-Id, to be echoed.
    pub transaction_id: Option<Text<'static>>,
    /// X-Mms-MMS-Version.
    pub version: Option<Version>,
}

/// Where in a PDU something is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The PDU as a whole.
    Pdu,
    /// A header field.
    Field(Field),
    /// A header field with a textual name.
    TextField,
    /// The body.
    Body,
    /// A part of the body, from 0.
    Part(usize),
}

/// What is wrong with a PDU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeErrorKind {
    /// The value is wrong.
    #[error(transparent)]
    Value(#[from] ValueError),
    /// A mandatory field is missing.
    #[error("a mandatory field is missing")]
    Missing,
    /// The octet cannot start a field.
    #[error("octet 0x{0:02x} cannot start a field")]
    IllegalStart(u8),
    /// A second X-Mms-Message-Type differs from the first.
    #[error("a second message type differs from the first")]
    ConflictingMessageType,
    /// The message type is reserved.
    #[error("message type 0x{0:02x} is not known")]
    UnknownMessageType(u8),
    /// The major version is not 1.
    #[error("version {0} is not supported")]
    UnsupportedVersion(Version),
    /// The PDU or its header part exceeds its limit in octets.
    #[error("more than {0} octets")]
    TooLarge(usize),
    /// There are more fields than allowed.
    #[error("more than {0} fields")]
    TooManyFields(usize),
    /// There are more recipients than allowed.
    #[error("more than {0} recipients")]
    TooManyRecipients(usize),
    /// There are more parts than allowed.
    #[error("more than {0} parts")]
    TooManyParts(usize),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pdu => f.write_str("PDU"),
            Self::Field(field) => field.fmt(f),
            Self::TextField => f.write_str("textual field"),
            Self::Body => f.write_str("body"),
            Self::Part(index) => write!(f, "part {index}"),
        }
    }
}

/// A fault before it is joined with what was readable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(super) offset: usize,
    pub(super) place: Place,
    pub(super) kind: DecodeErrorKind,
}

impl Fault {
    pub(super) fn new(offset: usize, place: Place, kind: impl Into<DecodeErrorKind>) -> Self {
        Self {
            offset,
            place,
            kind: kind.into(),
        }
    }

    pub(super) fn missing(field: Field) -> Self {
        Self::new(0, Place::Field(field), DecodeErrorKind::Missing)
    }

    pub(super) fn with(self, partial: Partial) -> DecodeError {
        DecodeError {
            offset: self.offset,
            place: self.place,
            kind: self.kind,
            partial: Box::new(partial),
        }
    }
}

impl From<MultipartError> for Fault {
    fn from(e: MultipartError) -> Self {
        match e.kind {
            // The only limit inside a body is the number of parts.
            ValueError::TooLong { limit, .. } => Self::new(e.offset, Place::Body, DecodeErrorKind::TooManyParts(limit)),
            kind => Self::new(e.offset, Place::Part(e.part), kind),
        }
    }
}

/// A PDU that cannot be written: a value of ours has no form on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {kind}")]
pub struct EncodeError {
    /// Which field or part.
    pub place: Place,
    /// Why.
    pub kind: ValueError,
}
