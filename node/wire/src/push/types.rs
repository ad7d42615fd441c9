//! A push as a value.

use crate::wsp::{MediaType, Text};

/// A connectionless push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Push<'a> {
    /// Transaction id of the envelope; changes from push to push.
    pub transaction_id: u8,
    /// Plain or confirmed.
    pub kind: PushKind,
    /// Content-Type. A well-known code is sent as code, a name as text: some handsets are said to need the text.
    pub media: MediaType<'a>,
    /// X-Wap-Application-Id. Handsets dispatch on it.
    pub application_id: Option<ApplicationId<'a>>,
    /// Push-Flag: 0x01 initiator authenticated, 0x02 content trusted, 0x04 last push.
    pub push_flag: Option<u8>,
    /// The content: an MMS PDU.
    pub data: &'a [u8],
}

/// Kind of push.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PushKind {
    /// 0x06.
    #[default]
    Push,
    /// 0x07, connection mode only.
    Confirmed,
}

/// Which application of the handset a push is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ApplicationId<'a> {
    /// A registered number.
    Code(u32),
    /// A URI.
    Name(Text<'a>),
}

impl ApplicationId<'_> {
    /// x-wap-application:mms.ua.
    pub const MMS_UA: Self = Self::Code(0x04);
}

impl<'a> Push<'a> {
    /// A push of an MMS PDU, in the shortest form that all handsets take: `TID 06 03 BE AF 84`.
    pub fn mms(transaction_id: u8, pdu: &'a [u8]) -> Self {
        Self {
            transaction_id,
            kind: PushKind::Push,
            media: MediaType::mms_message(),
            application_id: Some(ApplicationId::MMS_UA),
            push_flag: None,
            data: pdu,
        }
    }

    /// The same with Content-Type as text.
    pub fn mms_with_text_type(transaction_id: u8, pdu: &'a [u8]) -> Self {
        Self {
            media: "application/vnd.wap.mms-message".into(),
            ..Self::mms(transaction_id, pdu)
        }
    }
}
