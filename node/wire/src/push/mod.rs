//! WAP push: the connectionless WSP Push PDU (WAP-230 8.2.4.1), and its way over short messages (WAP-259 WDP,
//! 3GPP TS 23.040 9.2.3.24). Digest sections 20.1 and 20.2.

mod decode;
mod encode;
mod error;
pub mod segment;
mod types;

#[cfg(test)]
mod tests;

pub(crate) use decode::cut;
pub use decode::decode;
pub use encode::encode;
pub use error::PushError;
pub use types::{ApplicationId, Push, PushKind};
