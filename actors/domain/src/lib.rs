//! What an MMSC is, as values and pure functions: ids, addresses, records, the life of a message.
//!
//! No sockets, no files, no clock: time, randomness and ids are arguments. The function that decides what happens
//! to a copy is [`lifecycle::step`]; the table of all its answers is `tests/golden/lifecycle.txt`.
#![forbid(unsafe_code)]

pub mod address;
pub mod command;
pub mod id;
pub mod inbox;
pub mod lifecycle;
pub mod record;
pub mod time;
pub mod why;

pub use address::Address;
pub use id::{CopyIndex, MmId, ShardId, Token};
pub use time::UnixMillis;
pub use why::Why;
