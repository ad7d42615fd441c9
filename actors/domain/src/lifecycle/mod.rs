//! The life of one copy, as a pure function.
//!
//! [`step`] takes where a copy stands and what happened, and answers where it stands next, what is to be done about
//! it, and why. Nothing else in the system decides that. The states and their moves are those of the table in
//! TS 23.140 clauses 7.1 and 8.1 as narrowed by our digest (MM1 14.5); `tests/golden/lifecycle.txt` lists every cell.

mod event;
mod invariant;
mod state;
mod step;

pub use event::{CopyEvent, Effect, Facts, Illegal, Leads, Step, Timers};
pub use invariant::{Invariant, broken_by_step, broken_by_telling, shows_hidden_sender};
pub use state::{CopyState, Final, Undeliverable};
pub use step::step;
