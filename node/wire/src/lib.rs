//! Codecs of the relay/server, without IO: octets and limits in, values or a typed error out.
//!
//! | module | standard |
//! |---|---|
//! | [`wsp`] | WAP-230 WSP value encodings, media types, multipart bodies |
//! | [`mms`] | OMA MMS encapsulation 1.0 to 1.3, the PDUs of MM1 |
//! | [`pap`] | PAP 2.0, pushes by way of a push proxy gateway |
//! | [`push`] | connectionless WSP push and its segmentation into short messages |
//! | [`smpp`] | SMPP 3.4, both sides of a session |
//! | [`tree`] | a readable tree of any MMS PDU or push, for operators |
//!
//! Decoders borrow from their input, iterate instead of recursing, and cannot panic. Encoders write only what the
//! strictest known receivers read.
#![forbid(unsafe_code)]

pub mod mms;
pub mod pap;
pub mod push;
pub mod smpp;
pub mod tree;
pub mod wsp;
