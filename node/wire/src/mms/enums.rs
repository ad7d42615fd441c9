//! The enumerations of MMS PDUs (digest sections 4 and 6), one row each.

use super::Version;
use super::table::FieldValue;
use crate::wsp::{Value, ValueError};

/// Declares an enumeration of octets. With `reserved`, that function maps the octets that have no row of their own;
/// without it they are unknown.
macro_rules! octets {
    (
        $(#[$doc:meta])*
        $name:ident, reserved $reserved:path {
            $($(#[$row:meta])* $variant:ident = $octet:literal, $text:literal;)*
        }
    ) => {
        octets!(@items $(#[$doc])* $name { $($(#[$row])* $variant = $octet, $text;)* });

        impl $name {
            /// The row of an octet; octets without a row count as the general row of their class.
            pub fn from_octet(octet: u8) -> Option<Self> {
                match octet {
                    $($octet => Some(Self::$variant),)*
                    _ => $reserved(octet),
                }
            }
        }
    };
    (
        $(#[$doc:meta])*
        $name:ident {
            $($(#[$row:meta])* $variant:ident = $octet:literal, $text:literal;)*
        }
    ) => {
        octets!(@items $(#[$doc])* $name { $($(#[$row])* $variant = $octet, $text;)* });

        impl $name {
            /// The row of an octet.
            pub fn from_octet(octet: u8) -> Option<Self> {
                match octet {
                    $($octet => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }
    };
    (@items
        $(#[$doc:meta])*
        $name:ident {
            $($(#[$row:meta])* $variant:ident = $octet:literal, $text:literal;)*
        }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
        pub enum $name {
            $(
                $(#[$row])*
                #[doc = concat!(stringify!($octet), " ", $text)]
                $variant,
            )*
        }

        impl $name {
            /// Every row.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The octet.
            pub fn octet(self) -> u8 {
                match self {
                    $(Self::$variant => $octet,)*
                }
            }

            /// The name, as the standard spells it.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                }
            }
        }

        impl<'a> FieldValue<'a> for $name {
            fn decode(value: Value<'a>) -> Result<Self, ValueError> {
                let octet = value.octet()?;
                Self::from_octet(octet).ok_or(ValueError::UnknownValue(octet))
            }

            fn encode(&self, out: &mut Vec<u8>) -> Result<(), ValueError> {
                out.push(self.octet());
                Ok(())
            }
        }
    };
}

octets! {
    /// X-Mms-Message-Type.
    MessageType {
        #[default]
        SendReq = 0x80, "m-send-req";
        SendConf = 0x81, "m-send-conf";
        NotificationInd = 0x82, "m-notification-ind";
        NotifyRespInd = 0x83, "m-notifyresp-ind";
        RetrieveConf = 0x84, "m-retrieve-conf";
        AcknowledgeInd = 0x85, "m-acknowledge-ind";
        DeliveryInd = 0x86, "m-delivery-ind";
        ReadRecInd = 0x87, "m-read-rec-ind";
        ReadOrigInd = 0x88, "m-read-orig-ind";
        ForwardReq = 0x89, "m-forward-req";
        ForwardConf = 0x8A, "m-forward-conf";
        MboxStoreReq = 0x8B, "m-mbox-store-req";
        MboxStoreConf = 0x8C, "m-mbox-store-conf";
        MboxViewReq = 0x8D, "m-mbox-view-req";
        MboxViewConf = 0x8E, "m-mbox-view-conf";
        MboxUploadReq = 0x8F, "m-mbox-upload-req";
        MboxUploadConf = 0x90, "m-mbox-upload-conf";
        MboxDeleteReq = 0x91, "m-mbox-delete-req";
        MboxDeleteConf = 0x92, "m-mbox-delete-conf";
        MboxDescr = 0x93, "m-mbox-descr";
        DeleteReq = 0x94, "m-delete-req";
        DeleteConf = 0x95, "m-delete-conf";
        CancelReq = 0x96, "m-cancel-req";
        CancelConf = 0x97, "m-cancel-conf";
    }
}

impl MessageType {
    /// True for the PDUs that have a Content-Type and a body; of m-mbox-descr they are optional.
    pub fn has_body(self) -> bool {
        matches!(
            self,
            Self::SendReq | Self::RetrieveConf | Self::MboxViewConf | Self::MboxUploadReq | Self::MboxDescr
        )
    }
}

octets! {
    /// X-Mms-Priority.
    Priority {
        Low = 0x80, "Low";
        #[default]
        Normal = 0x81, "Normal";
        High = 0x82, "High";
    }
}

octets! {
    /// X-Mms-Sender-Visibility.
    SenderVisibility {
        Hide = 0x80, "Hide";
        #[default]
        Show = 0x81, "Show";
    }
}

octets! {
    /// X-Mms-Read-Status.
    ReadStatus {
        #[default]
        Read = 0x80, "Read";
        Deleted = 0x81, "Deleted-without-being-read";
    }
}

octets! {
    /// X-Mms-Reply-Charging. Requested travels to the relay, Accepted to the recipient.
    ReplyCharging {
        #[default]
        Requested = 0x80, "Requested";
        RequestedTextOnly = 0x81, "Requested-text-only";
        Accepted = 0x82, "Accepted";
        AcceptedTextOnly = 0x83, "Accepted-text-only";
    }
}

octets! {
    /// X-Mms-MM-State.
    MmState {
        Draft = 0x80, "Draft";
        Sent = 0x81, "Sent";
        #[default]
        New = 0x82, "New";
        Retrieved = 0x83, "Retrieved";
        Forwarded = 0x84, "Forwarded";
    }
}

octets! {
    /// X-Mms-Recommended-Retrieval-Mode.
    RetrievalMode {
        #[default]
        Manual = 0x80, "Manual";
    }
}

octets! {
    /// X-Mms-Content-Class.
    ContentClass {
        #[default]
        Text = 0x80, "text";
        ImageBasic = 0x81, "image-basic";
        ImageRich = 0x82, "image-rich";
        VideoBasic = 0x83, "video-basic";
        VideoRich = 0x84, "video-rich";
        Megapixel = 0x85, "megapixel";
        ContentBasic = 0x86, "content-basic";
        ContentRich = 0x87, "content-rich";
    }
}

octets! {
    /// X-Mms-Cancel-Status.
    CancelStatus {
        #[default]
        Received = 0x80, "Request-successfully-received";
        Corrupted = 0x81, "Request-corrupted";
    }
}

octets! {
    /// X-Mms-Status, of notification answers and delivery reports.
    Status {
        Expired = 0x80, "Expired";
        Retrieved = 0x81, "Retrieved";
        Rejected = 0x82, "Rejected";
        Deferred = 0x83, "Deferred";
        Unrecognised = 0x84, "Unrecognised";
        #[default]
        Indeterminate = 0x85, "Indeterminate";
        Forwarded = 0x86, "Forwarded";
        Unreachable = 0x87, "Unreachable";
    }
}

octets! {
    /// X-Mms-Response-Status. Transient: the same request may succeed later; permanent: it will not.
    ResponseStatus, reserved reserved_response {
        Ok = 0x80, "Ok";
        Unspecified = 0x81, "Error-unspecified";
        ServiceDenied = 0x82, "Error-service-denied";
        FormatCorrupt = 0x83, "Error-message-format-corrupt";
        AddressUnresolved = 0x84, "Error-sending-address-unresolved";
        NotFound = 0x85, "Error-message-not-found";
        NetworkProblem = 0x86, "Error-network-problem";
        ContentNotAccepted = 0x87, "Error-content-not-accepted";
        UnsupportedMessage = 0x88, "Error-unsupported-message";
        TransientFailure = 0xC0, "Error-transient-failure";
        TransientAddressUnresolved = 0xC1, "Error-transient-sending-address-unresolved";
        TransientNotFound = 0xC2, "Error-transient-message-not-found";
        TransientNetworkProblem = 0xC3, "Error-transient-network-problem";
        PartialSuccess = 0xC4, "Error-transient-partial-success";
        #[default]
        PermanentFailure = 0xE0, "Error-permanent-failure";
        PermanentServiceDenied = 0xE1, "Error-permanent-service-denied";
        PermanentFormatCorrupt = 0xE2, "Error-permanent-message-format-corrupt";
        PermanentAddressUnresolved = 0xE3, "Error-permanent-sending-address-unresolved";
        PermanentNotFound = 0xE4, "Error-permanent-message-not-found";
        PermanentContentNotAccepted = 0xE5, "Error-permanent-content-not-accepted";
        ReplyChargingLimitationsNotMet = 0xE6, "Error-permanent-reply-charging-limitations-not-met";
        ReplyChargingRequestNotAccepted = 0xE7, "Error-permanent-reply-charging-request-not-accepted";
        ReplyChargingForwardingDenied = 0xE8, "Error-permanent-reply-charging-forwarding-denied";
        ReplyChargingNotSupported = 0xE9, "Error-permanent-reply-charging-not-supported";
        AddressHidingNotSupported = 0xEA, "Error-permanent-address-hiding-not-supported";
        LackOfPrepaid = 0xEB, "Error-permanent-lack-of-prepaid";
    }
}

fn reserved_response(octet: u8) -> Option<ResponseStatus> {
    match octet {
        0x89..=0xBF => Some(ResponseStatus::Unspecified),
        0xC5..=0xDF => Some(ResponseStatus::TransientFailure),
        0xEC..=0xFF => Some(ResponseStatus::PermanentFailure),
        _ => None,
    }
}

impl ResponseStatus {
    /// The status that a client of this version understands (digest 6.3): a 1.0 client gets 0x80..0x88 only, and no
    /// client a status younger than itself.
    pub fn for_version(self, version: Version) -> Self {
        let minor = version.minor_or_zero();
        match self {
            Self::PartialSuccess if minor < 2 => Self::Ok,
            Self::LackOfPrepaid | Self::AddressHidingNotSupported if minor == 0 => Self::ServiceDenied,
            Self::LackOfPrepaid if minor < 3 => Self::PermanentServiceDenied,
            Self::AddressHidingNotSupported if minor < 2 => Self::PermanentServiceDenied,
            _ if minor > 0 => self,
            Self::PermanentServiceDenied => Self::ServiceDenied,
            Self::PermanentFormatCorrupt => Self::FormatCorrupt,
            Self::TransientAddressUnresolved | Self::PermanentAddressUnresolved => Self::AddressUnresolved,
            Self::TransientNotFound | Self::PermanentNotFound => Self::NotFound,
            Self::TransientNetworkProblem => Self::NetworkProblem,
            Self::PermanentContentNotAccepted => Self::ContentNotAccepted,
            _ if self.octet() > 0x88 => Self::Unspecified,
            _ => self,
        }
    }
}

octets! {
    /// X-Mms-Retrieve-Status. 0xC1 and 0xC2 mean other things than in X-Mms-Response-Status.
    RetrieveStatus, reserved reserved_retrieve {
        Ok = 0x80, "Ok";
        TransientFailure = 0xC0, "Error-transient-failure";
        TransientNotFound = 0xC1, "Error-transient-message-not-found";
        TransientNetworkProblem = 0xC2, "Error-transient-network-problem";
        #[default]
        PermanentFailure = 0xE0, "Error-permanent-failure";
        PermanentServiceDenied = 0xE1, "Error-permanent-service-denied";
        PermanentNotFound = 0xE2, "Error-permanent-message-not-found";
        PermanentContentUnsupported = 0xE3, "Error-permanent-content-unsupported";
    }
}

fn reserved_retrieve(octet: u8) -> Option<RetrieveStatus> {
    match octet {
        0xC3..=0xDF => Some(RetrieveStatus::TransientFailure),
        0xE4..=0xFF => Some(RetrieveStatus::PermanentFailure),
        _ => None,
    }
}

octets! {
    /// X-Mms-Store-Status.
    StoreStatus, reserved reserved_store {
        Success = 0x80, "Success";
        TransientFailure = 0xC0, "Error-transient-failure";
        TransientNetworkProblem = 0xC1, "Error-transient-network-problem";
        #[default]
        PermanentFailure = 0xE0, "Error-permanent-failure";
        PermanentServiceDenied = 0xE1, "Error-permanent-service-denied";
        PermanentFormatCorrupt = 0xE2, "Error-permanent-message-format-corrupt";
        PermanentNotFound = 0xE3, "Error-permanent-message-not-found";
        MmboxFull = 0xE4, "Error-permanent-mmbox-full";
    }
}

fn reserved_store(octet: u8) -> Option<StoreStatus> {
    match octet {
        0xC2..=0xDF => Some(StoreStatus::TransientFailure),
        0xE5..=0xFF => Some(StoreStatus::PermanentFailure),
        _ => None,
    }
}
