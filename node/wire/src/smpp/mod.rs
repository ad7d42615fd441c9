//! SMPP 3.4, both sides of a session, as far as MMS notifications need it: bind, submit_sm, deliver_sm, data_sm,
//! enquire_link, unbind, generic_nack and their responses. Digest `smpp.md`.
//!
//! Octets come and go through [`split`], [`decode`] and [`encode`]. The numbers of commands and TLVs are those of
//! `rusmpp-core`, whose decoder is the second opinion in the tests; it refuses a whole PDU for one odd TLV or a missing
//! body, which live SMSCs send, so the lenient reader is our own.

mod decode;
mod encode;
mod error;
mod frame;
mod receipt;
mod status;
mod submit;
mod time;
mod types;

#[cfg(test)]
mod tests;

pub use decode::{congestion_state, decode};
pub use encode::encode;
pub use error::{FrameError, PduError, SubmitError};
pub use frame::{Frame, MAX_LENGTH, MIN_LENGTH, split};
pub use receipt::{IdForm, MessageState, NetworkErrorCode, Receipt, normalise_id};
pub use status::{Class, Status};
pub use submit::{LongForm, PushSubmit, submit_push};
pub use time::relative_validity;
pub use types::{
    Address, AlertNotification, Bind, BindResp, Body, DataSm, Outbind, Pdu, ShortMessage, Tlv, esm_class, tag,
};
