//! Adapters: each turns the traffic of one reference point into commands for the actor tree, and the tree's wishes
//! back into traffic. Outside its adapter nobody knows a protocol; adapters meet only through domain commands.
//!
//! - [`mm1`] — handsets (TS 23.140 MM1, OMA MMS encapsulation over HTTP);
//! - [`smpp`] — short-message centres, which carry our pushes to handsets;
//! - [`pap`] — push proxy gateways, another way to carry them;
//! - [`bearer`] — what `mm1` asks of a push transport, `smpp` and `pap` are, and which of the two carries a push.
#![forbid(unsafe_code)]

mod backoff;
pub mod bearer;
mod bounded;
mod ended;
pub mod http;
pub mod metrics;
pub mod mm1;
pub mod pap;
pub mod smpp;

pub use ended::{Ended, HowEnded};

#[cfg(test)]
mod testing;
