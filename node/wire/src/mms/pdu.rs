//! Any PDU.

use super::error::Fault;
use super::{
    AcknowledgeInd, CancelConf, CancelReq, Content, DeleteConf, DeleteReq, DeliveryInd, EncodeError, Field,
    ForwardConf, ForwardReq, Head, Limits, MboxDeleteConf, MboxDeleteReq, MboxDescr, MboxStoreConf, MboxStoreReq,
    MboxUploadConf, MboxUploadReq, MboxViewConf, MboxViewReq, MessageType, NotificationInd, NotifyRespInd, ReadOrigInd,
    ReadRecInd, RetrieveConf, SendConf, SendReq, Text, Version,
};

macro_rules! any_pdu {
    ($($name:ident $tid:ident $version:ident;)*) => {
        /// Any MMS PDU.
        #[derive(Debug, Clone, PartialEq, Eq)]
        #[allow(clippy::large_enum_variant, reason = "a PDU lives on the stack of its one handler; a box would cost the hot path")]
        pub enum Pdu<'a> {
            $(
                #[doc = concat!("See [`", stringify!($name), "`].")]
                $name($name<'a>),
            )*
        }

        impl<'a> Pdu<'a> {
            /// The message type.
            pub fn message_type(&self) -> MessageType {
                match self {
                    $(Self::$name(_) => MessageType::$name,)*
                }
            }

            /// The transaction id, of PDUs that have one.
            pub fn transaction_id(&self) -> Option<&Text<'a>> {
                match self {
                    $(Self::$name(pdu) => transaction_id!($tid pdu),)*
                }
            }

            /// The version; of m-mbox-descr there is none.
            pub fn version(&self) -> Option<Version> {
                match self {
                    $(Self::$name(pdu) => version!($version pdu),)*
                }
            }

            /// Content-Type and body, of PDUs that have them.
            pub fn content(&self) -> Option<&Content<'a>> {
                match self {
                    $(Self::$name(pdu) => pdu.content_ref(),)*
                }
            }

            pub(super) fn interpret(kind: MessageType, head: &Head<'a>, limits: &Limits) -> Result<Self, Fault> {
                match kind {
                    $(MessageType::$name => Ok(Self::$name($name::decode(head, limits)?)),)*
                }
            }

            pub(super) fn emit(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
                match self {
                    $(Self::$name(pdu) => pdu.emit(out),)*
                }
            }
        }

        impl MessageType {
            /// The fields of a PDU of this type that are read and written, in the order in which they are sent.
            pub fn fields(self) -> &'static [Field] {
                match self {
                    $(Self::$name => $name::FIELDS,)*
                }
            }
        }

        $(
            impl<'a> From<$name<'a>> for Pdu<'a> {
                fn from(pdu: $name<'a>) -> Self {
                    Self::$name(pdu)
                }
            }
        )*
    };
}

macro_rules! transaction_id {
    (always $pdu:ident) => {
        Some(&$pdu.transaction_id)
    };
    (maybe $pdu:ident) => {
        $pdu.transaction_id.as_ref()
    };
    (never $pdu:ident) => {{
        let _ = $pdu;
        None
    }};
}

macro_rules! version {
    (always $pdu:ident) => {
        Some($pdu.version)
    };
    (never $pdu:ident) => {{
        let _ = $pdu;
        None
    }};
}

any_pdu! {
    SendReq always always;
    SendConf always always;
    NotificationInd always always;
    NotifyRespInd always always;
    RetrieveConf maybe always;
    AcknowledgeInd always always;
    DeliveryInd never always;
    ReadRecInd never always;
    ReadOrigInd never always;
    ForwardReq always always;
    ForwardConf always always;
    MboxStoreReq always always;
    MboxStoreConf always always;
    MboxViewReq always always;
    MboxViewConf always always;
    MboxUploadReq always always;
    MboxUploadConf always always;
    MboxDeleteReq always always;
    MboxDeleteConf always always;
    MboxDescr never never;
    DeleteReq always always;
    DeleteConf always always;
    CancelReq always always;
    CancelConf always always;
}
