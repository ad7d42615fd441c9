//! One message: its actor, and the transactions that write its rows.
//!
//! `incoming` is what is to become an MM, `accept` writes it, `work` what happens to it later, `change` is the view of one
//! MM inside a transaction that both use, `whole` what concerns the MM as a whole (expiry, retention, long lists),
//! `take_back` what a cancellation asks of a handset that has the message, `actor` the mailbox.

mod accept;
mod actor;
mod change;
mod fetch;
mod incoming;
mod take_back;
mod whole;
mod work;

pub use actor::{MmActor, MmArguments, MmMessage, Reply};
pub use change::{After, Change, clear_inbox_row, tell_mm};
pub use fetch::{content_of, copy_of, fetch, original, resolve, trace};
pub use incoming::{AcceptWork, Claims, Incoming};
pub use whole::Scope;
pub use work::Work;
