//! Cutting a stream into PDUs.

use super::FrameError;

/// Octets of a header, and so of the shortest PDU.
pub const MIN_LENGTH: u32 = 16;

/// Octets of the longest PDU that is taken.
pub const MAX_LENGTH: u32 = 65_536;

/// A PDU whose header was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// command_id.
    pub command: u32,
    /// command_status.
    pub status: u32,
    /// sequence_number.
    pub sequence: u32,
    /// What follows the header.
    pub body: &'a [u8],
}

/// Cuts the first PDU off a buffer: the PDU and how many octets it takes, or `None` if there is no whole one yet.
///
/// The length is checked as soon as its four octets are there, so that a wrong one never waits for more.
pub fn split(buf: &[u8], max_length: u32) -> Result<Option<(Frame<'_>, usize)>, FrameError> {
    let Some((&length, rest)) = buf.split_first_chunk::<4>() else {
        return Ok(None);
    };
    let length = u32::from_be_bytes(length);
    if length < MIN_LENGTH {
        return Err(FrameError::Undersize(length));
    }
    let limit = max_length.min(MAX_LENGTH);
    if length > limit {
        return Err(FrameError::Oversize { length, limit });
    }
    let Some(pdu) = usize::try_from(length - 4).ok().and_then(|octets| rest.get(..octets)) else {
        return Ok(None);
    };
    Ok(Frame::of(pdu).map(|frame| (frame, pdu.len() + 4)))
}

impl<'a> Frame<'a> {
    /// The frame of a PDU behind its length field.
    fn of(pdu: &'a [u8]) -> Option<Self> {
        let (&command, rest) = pdu.split_first_chunk::<4>()?;
        let (&status, rest) = rest.split_first_chunk::<4>()?;
        let (&sequence, body) = rest.split_first_chunk::<4>()?;
        Some(Self {
            command: u32::from_be_bytes(command),
            status: u32::from_be_bytes(status),
            sequence: u32::from_be_bytes(sequence),
            body,
        })
    }
}
