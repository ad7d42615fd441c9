//! What goes wrong between a stub peer and the system under test, and whose doing it is.

use thiserror::Error;

/// Why a stub peer could not finish what it was asked to do.
#[derive(Debug, Error)]
pub enum PeerError {
    /// The caller gave something that is not an E.164 number.
    #[error("not an E.164 number: {0:?}")]
    NotANumber(String),
    /// The system under test could not be reached, or closed the connection before it answered.
    #[error("connection: {0}")]
    Connection(String),
    /// The system under test did not answer in time; what became of the request is not known.
    #[error("no answer within {0:?}")]
    NoAnswer(std::time::Duration),
    /// The system under test answered with something that the protocol does not allow here.
    #[error("answer breaks the protocol: {0}")]
    Protocol(String),
    /// The caller asked for a message that cannot be put on the wire.
    #[error("cannot encode: {0}")]
    Encode(String),
    /// A file or a socket of this machine failed.
    #[error("{what}: {error}")]
    Io {
        /// What was being done.
        what: String,
        /// The operating system's word.
        error: std::io::Error,
    },
    /// The process under test ended, or did not become ready.
    #[error("process: {0}")]
    Process(String),
}

impl PeerError {
    /// An error of this machine with what was being done.
    pub(crate) fn io(what: impl Into<String>, error: std::io::Error) -> Self {
        Self::Io {
            what: what.into(),
            error,
        }
    }
}
