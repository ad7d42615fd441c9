//! PAP 2.0, the Push Access Protocol between a push initiator and a push proxy gateway (WAP-247), as far as MMS
//! notifications need it: push, cancellation, result notification and their responses. Digest section 20.4.
//!
//! A control document is XML ([`decode`], [`encode`]); a push carries it and its content as two parts of a
//! multipart/related body ([`Related`]). Peers' documents carry a DOCTYPE: its public id is skipped, an internal subset is
//! refused, nothing is ever fetched or expanded.

mod address;
mod decode;
mod encode;
mod error;
mod related;
mod time;
mod types;
mod xml;

#[cfg(test)]
mod tests;

pub use address::{AddressForm, number_of};
pub use decode::{Limits, decode};
pub use encode::{Dialect, encode};
pub use error::{DecodeError, EncodeError, Fault};
pub use related::{APPLICATION_ID, MMS_MESSAGE, Part, Related, RelatedError};
pub use time::Timestamp;
pub use types::{
    BadMessage, CancelMessage, CancelResponse, Code, CodeClass, DeliveryMethod, Message, MessageState, Outcome,
    Priority, PushMessage, PushResponse, Quality, Replace, ReplaceMethod, ResultNotification,
    ResultNotificationResponse,
};
