//! Durable state: an ordered key-value store with transactions, and content beside it.
//!
//! [`Store`] is what the rest of the system uses; an [`Engine`] stands behind it (embedded, or FoundationDB). The
//! contract is FoundationDB's: strictly serialisable transactions, optimistic conflicts on what was read, limits on
//! sizes and time. Nothing here knows what an MM is.
#![forbid(unsafe_code)]

pub mod content;
#[cfg(feature = "contract")]
pub mod contract;
pub mod embedded;
pub mod engine;
pub mod error;
pub mod key;
pub mod layers;
pub mod limits;
pub mod metrics;
#[cfg(feature = "sim")]
pub mod sim;
pub mod txn;

pub use content::{ContentId, Digest, Holder, Staged};
pub use embedded::{BackupError, BackupReport, EmbeddedEngine, EmbeddedOptions, OpenError, Pace};
pub use engine::{CommitVersion, Committed, Engine, OperationId, Store};
pub use error::{StoreError, TransactError};
pub use key::{Key, KeyRange};
pub use txn::{RangeOptions, Row, Txn, TxnBackend};
