//! What an MMSC is, as values and pure functions: ids, addresses, records, the life of a message.
//!
//! No sockets, no files, no clock: time, randomness and ids are arguments. Who decides what:
//!
//! | question | function | all its answers |
//! |---|---|---|
//! | is a submission taken, and for whom | [`accept::admit`] | `tests/admission.rs` |
//! | is content let through, and what is it | [`content::check`] | `tests/content.rs` |
//! | does the same content go to too many | [`fan_out::Tally`] | [`fan_out`] |
//! | may a message be passed on, and as what | [`forward::forward`] | `tests/forward.rs` |
//! | who pays for a reply | [`reply_charging::claim`] | `tests/reply_charging.rs` |
//! | what may be stored in a network store, and what is listed | [`mmbox`] | `tests/mmbox.rs` |
//! | where is a recipient served | [`routing::RoutingTable::route`] | [`routing`] |
//! | what happens to a copy | [`lifecycle::step`] | `tests/golden/lifecycle.txt` |
//! | what is known of a handset | [`terminal::sighted`] | [`terminal`] |
//! | when is a handset told, and when no more | [`telling::step`] | `tests/golden/telling.txt` |
#![forbid(unsafe_code)]

pub mod accept;
pub mod address;
pub mod command;
pub mod content;
pub mod fan_out;
pub mod forward;
pub mod freeze;
pub mod id;
pub mod inbox;
pub mod lifecycle;
pub mod mmbox;
pub mod policy;
pub mod profile;
pub mod rate;
pub mod record;
pub mod reply_charging;
pub mod routing;
pub mod telling;
pub mod terminal;
pub mod time;
pub mod why;

pub use address::Address;
pub use id::{CopyIndex, MmId, ShardId, Token};
pub use time::UnixMillis;
pub use why::Why;
