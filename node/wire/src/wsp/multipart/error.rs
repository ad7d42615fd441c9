//! Errors of multipart bodies.

use crate::wsp::ValueError;

/// Why a multipart body could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("part {part} at octet {offset}: {kind}")]
pub struct MultipartError {
    /// Index of the part, from 0.
    pub part: usize,
    /// Offset in the whole input.
    pub offset: usize,
    /// What is wrong there.
    pub kind: ValueError,
}
