//! Errors of SMPP.

/// A length field that no PDU can have. Answer generic_nack with [`super::Status::RINVCMDLEN`] and close.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Shorter than a header.
    #[error("a PDU length of {0} is shorter than its header")]
    Undersize(u32),
    /// Longer than the limit.
    #[error("a PDU length of {length} exceeds {limit}")]
    Oversize {
        /// What the length field says.
        length: u32,
        /// What is allowed.
        limit: u32,
    },
}

/// A body that could not be read. The header was: answer with its sequence number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PduError {
    /// The body ends inside a field.
    #[error("{field} goes past the end of the body at octet {offset}")]
    Truncated {
        /// Which field.
        field: &'static str,
        /// Offset in the body.
        offset: usize,
    },
    /// A C-octet string has no NUL within its maximum.
    #[error("{field} has no NUL within {max} octets, at octet {offset}")]
    Unterminated {
        /// Which field.
        field: &'static str,
        /// Its maximum with the NUL.
        max: usize,
        /// Offset in the body.
        offset: usize,
    },
    /// A value of ours does not fit its field.
    #[error("{field} has {octets} octets, {max} are allowed")]
    TooLong {
        /// Which field.
        field: &'static str,
        /// What it has.
        octets: usize,
        /// What is allowed.
        max: usize,
    },
    /// A text of ours holds a NUL.
    #[error("{field} holds a NUL")]
    Nul {
        /// Which field.
        field: &'static str,
    },
}

/// A push that cannot be submitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    /// It needs more than 255 short messages, or does not fit one PDU.
    #[error("a push of {0} octets is too long")]
    TooLong(usize),
}
