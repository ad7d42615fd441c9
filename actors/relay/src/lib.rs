//! The actor tree: shards, MM actors, subscriber actors; admission, timers, commits.
//!
//! Adapters hold a [`Relay`] and hand it commands (MM2); what the tree wants of the outside goes through the traits
//! in [`port`]. A positive answer to a submission can only be built from a [`Committed`] value.
#![forbid(unsafe_code)]

mod absent;
pub mod admission;
pub mod api;
mod completion;
mod context;
mod fan_outs;
mod keys;
mod metrics;
mod mm;
mod mmbox;
pub mod port;
mod rates;
mod records;
mod subscriber;
mod terminals;
mod tree;

pub use admission::AdmissionLimits;
pub use api::{Busy, FetchAnswer, HandsetReply, Relay, RelayConfig, StartError, SubmitAnswer, Trace};
pub use metrics::Metrics;
pub use mmbox::{MmBoxAnswer, Viewed, ViewedEntry};
pub use mmsc_store::{Committed, StoreError};
pub use tree::ShelfEntry;
