//! The actor tree: shards, MM actors, subscriber actors; admission, timers, commits.
//!
//! Adapters hold a [`Relay`] and hand it commands (MM2); what the tree wants of the outside goes through the traits
//! in [`port`]. A positive answer to a submission can only be built from a [`Committed`] value.
#![forbid(unsafe_code)]

pub mod api;
pub mod port;

pub use api::{Busy, FetchAnswer, HandsetReply, Relay, SubmitAnswer};
pub use mmsc_store::Committed;
