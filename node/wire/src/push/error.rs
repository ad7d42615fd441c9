//! Errors of push PDUs and segments.

use crate::wsp::ValueError;

/// Why a push PDU or a segment of one could not be read or made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PushError {
    /// A value is wrong.
    #[error("octet {offset}: {kind}")]
    Value {
        /// Offset in the PDU.
        offset: usize,
        /// What is wrong there.
        kind: ValueError,
    },
    /// The PDU is no push.
    #[error("PDU type 0x{0:02x} is no push")]
    NotAPush(u8),
    /// More than 255 short messages would be needed.
    #[error("{0} octets need more than 255 short messages")]
    TooLong(usize),
    /// A user data header is broken.
    #[error("the user data header is broken")]
    BrokenHeader,
    /// A segment number is 0 or above the total, or the total or reference is not that of the others.
    #[error("the segment does not belong to the others")]
    ForeignSegment,
}
