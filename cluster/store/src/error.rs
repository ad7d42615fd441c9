//! What can go wrong, and whose fault it is.

/// A failure of the store itself. None of these means that something was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The store closed after a failed sync, apply or checkpoint, or was shut down. Only reopening helps.
    #[error("the store is closed: {0}")]
    Closed(String),
    /// Too much is in flight, or the disk is below its reserve: try again later.
    #[error("the store is busy: {0}")]
    Busy(&'static str),
    /// A key, value or transaction is larger than the limits (a bug of the caller, not of a peer).
    #[error("{what} of {size} octets exceeds the limit of {limit}")]
    TooLarge {
        /// Key, value, transaction or content.
        what: &'static str,
        /// Octets found.
        size: usize,
        /// Octets allowed.
        limit: usize,
    },
    /// The transaction lived longer than five seconds.
    #[error("the transaction is older than five seconds")]
    TooOld,
    /// Conflicts went on for as long as retries are made.
    #[error("conflicts went on through {attempts} attempts")]
    Contended {
        /// Attempts made.
        attempts: u32,
    },
    /// No such content.
    #[error("no content {0}")]
    NoContent(crate::ContentId),
    /// What was read does not match its checksum. Never served.
    #[error("corrupt: {0}")]
    Corrupt(String),
}

/// How a transaction ended without committing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransactError<E> {
    /// The closure ended it. Nothing was written.
    #[error("{0}")]
    Aborted(E),
    /// The store refused it. Nothing was written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It may or may not have been committed; a duplicate row or the operation id settles it later.
    #[error("the outcome of the commit is not known")]
    Unknown,
}
