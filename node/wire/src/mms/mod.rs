//! MMS encapsulation (OMA-TS-MMS_ENC 1.0 to 1.3): the PDUs between handset and relay/server.
//!
//! ```
//! use mmsc_wire::mms::{self, Limits, Pdu, ResponseStatus, SendConf, Version};
//!
//! let mut out = Vec::new();
//! let conf = SendConf {
//!     transaction_id: "T1".into(),
//!     version: Version::V1_2,
//!     response_status: ResponseStatus::Ok,
//!     message_id: Some("a1@m".into()),
//!     ..SendConf::default()
//! };
//! mms::encode(&Pdu::SendConf(conf.clone()), &mut out)?;
//! assert_eq!(out, b"\x8c\x81\x98T1\0\x8d\x92\x92\x80\x8ba1@m\0");
//! assert_eq!(mms::decode(&out, &Limits::default())?, Pdu::SendConf(conf));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod content;
mod decode;
mod encode;
mod enums;
mod error;
mod fields;
mod head;
mod limits;
#[macro_use]
mod table;
mod mbox;
mod pdu;
mod pdus;
mod structured;
mod types;

#[cfg(test)]
mod tests;

pub use content::{Body, Content};
pub use decode::decode;
pub use encode::{Around, encode, encode_around, encode_head};
pub use enums::{
    CancelStatus, ContentClass, MessageType, MmState, Priority, ReadStatus, ReplyCharging, ResponseStatus,
    RetrievalMode, RetrieveStatus, SenderVisibility, Status, StoreStatus,
};
pub use error::{DecodeError, DecodeErrorKind, EncodeError, Partial, Place};
pub use fields::Field;
pub(crate) use fields::Shape;
pub(crate) use head::{Head, HeadField, HeadName};
pub use limits::Limits;
pub use mbox::{
    DeleteConf, DeleteReq, MboxDeleteConf, MboxDeleteReq, MboxDescr, MboxStoreConf, MboxStoreReq, MboxUploadConf,
    MboxUploadReq, MboxViewConf, MboxViewReq,
};
pub use pdu::Pdu;
pub use pdus::{
    AcknowledgeInd, CancelConf, CancelReq, DeliveryInd, ForwardConf, ForwardReq, NotificationInd, NotifyRespInd,
    ReadOrigInd, ReadRecInd, RetrieveConf, SendConf, SendReq,
};
pub use structured::{
    Attribute, CountedLocation, CountedStatus, CountedText, ElementDescriptor, FlagAction, MboxAmount, MmFlag,
    PreviouslySentBy, PreviouslySentDate,
};
pub use types::{Date, MessageClass, Number, Originator, Sender, Size, TimeValue, Version};

pub use crate::wsp::multipart::{Disposition, DispositionKind, Part, PartHead};
pub use crate::wsp::{EncodedString, Media, MediaType, Parameters, Text};
