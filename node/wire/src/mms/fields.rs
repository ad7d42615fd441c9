//! The header fields of MMS PDUs (OMA-TS-MMS_ENC table 12; digest section 5): octet, name, and shape of the value.

use std::fmt;

/// A well-known header field, by its octet (`0x80` and up).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Field(pub u8);

/// What kind of value a field has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// An octet of an enumeration.
    Octet,
    /// 0x80 Yes, 0x81 No.
    YesNo,
    /// Text-string.
    Text,
    /// Encoded-string-value.
    Encoded,
    /// Long-integer or Integer-value.
    Integer,
    /// Date-value.
    Date,
    /// Absolute or relative time.
    Time,
    /// From-value.
    From,
    /// An octet or a token.
    Class,
    /// Media type.
    MediaType,
    /// Version-value.
    Version,
    /// Count and Encoded-string-value.
    SentBy,
    /// Count and Date-value.
    SentDate,
    /// Value-length and an inner structure.
    Data,
}

macro_rules! fields {
    ($($name:ident = $octet:literal, $text:literal, $shape:ident;)*) => {
        impl Field {
            $(
                #[doc = $text]
                pub const $name: Self = Self($octet);
            )*

            /// Every field that has a name, by its octet.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// Name of the field as the standard spells it.
            pub fn name(self) -> Option<&'static str> {
                match self {
                    $(Self::$name => Some($text),)*
                    _ => None,
                }
            }

            /// Kind of value of the field.
            pub(crate) fn shape(self) -> Option<Shape> {
                match self {
                    $(Self::$name => Some(Shape::$shape),)*
                    _ => None,
                }
            }
        }
    };
}

fields! {
    BCC = 0x81, "Bcc", Encoded;
    CC = 0x82, "Cc", Encoded;
    CONTENT_LOCATION = 0x83, "X-Mms-Content-Location", Text;
    CONTENT_TYPE = 0x84, "Content-Type", MediaType;
    DATE = 0x85, "Date", Date;
    DELIVERY_REPORT = 0x86, "X-Mms-Delivery-Report", YesNo;
    DELIVERY_TIME = 0x87, "X-Mms-Delivery-Time", Time;
    EXPIRY = 0x88, "X-Mms-Expiry", Time;
    FROM = 0x89, "From", From;
    MESSAGE_CLASS = 0x8A, "X-Mms-Message-Class", Class;
    MESSAGE_ID = 0x8B, "Message-ID", Text;
    MESSAGE_TYPE = 0x8C, "X-Mms-Message-Type", Octet;
    MMS_VERSION = 0x8D, "X-Mms-MMS-Version", Version;
    MESSAGE_SIZE = 0x8E, "X-Mms-Message-Size", Integer;
    PRIORITY = 0x8F, "X-Mms-Priority", Octet;
    READ_REPORT = 0x90, "X-Mms-Read-Report", YesNo;
    REPORT_ALLOWED = 0x91, "X-Mms-Report-Allowed", YesNo;
    RESPONSE_STATUS = 0x92, "X-Mms-Response-Status", Octet;
    RESPONSE_TEXT = 0x93, "X-Mms-Response-Text", Encoded;
    SENDER_VISIBILITY = 0x94, "X-Mms-Sender-Visibility", Octet;
    STATUS = 0x95, "X-Mms-Status", Octet;
    SUBJECT = 0x96, "Subject", Encoded;
    TO = 0x97, "To", Encoded;
    TRANSACTION_ID = 0x98, "X-Mms-Transaction-Id", Text;
    RETRIEVE_STATUS = 0x99, "X-Mms-Retrieve-Status", Octet;
    RETRIEVE_TEXT = 0x9A, "X-Mms-Retrieve-Text", Encoded;
    READ_STATUS = 0x9B, "X-Mms-Read-Status", Octet;
    REPLY_CHARGING = 0x9C, "X-Mms-Reply-Charging", Octet;
    REPLY_CHARGING_DEADLINE = 0x9D, "X-Mms-Reply-Charging-Deadline", Time;
    REPLY_CHARGING_ID = 0x9E, "X-Mms-Reply-Charging-ID", Text;
    REPLY_CHARGING_SIZE = 0x9F, "X-Mms-Reply-Charging-Size", Integer;
    PREVIOUSLY_SENT_BY = 0xA0, "X-Mms-Previously-Sent-By", SentBy;
    PREVIOUSLY_SENT_DATE = 0xA1, "X-Mms-Previously-Sent-Date", SentDate;
    STORE = 0xA2, "X-Mms-Store", YesNo;
    MM_STATE = 0xA3, "X-Mms-MM-State", Octet;
    MM_FLAGS = 0xA4, "X-Mms-MM-Flags", Data;
    STORE_STATUS = 0xA5, "X-Mms-Store-Status", Octet;
    STORE_STATUS_TEXT = 0xA6, "X-Mms-Store-Status-Text", Encoded;
    STORED = 0xA7, "X-Mms-Stored", YesNo;
    ATTRIBUTES = 0xA8, "X-Mms-Attributes", Octet;
    TOTALS = 0xA9, "X-Mms-Totals", YesNo;
    MBOX_TOTALS = 0xAA, "X-Mms-Mbox-Totals", Data;
    QUOTAS = 0xAB, "X-Mms-Quotas", YesNo;
    MBOX_QUOTAS = 0xAC, "X-Mms-Mbox-Quotas", Data;
    MESSAGE_COUNT = 0xAD, "X-Mms-Message-Count", Integer;
    CONTENT = 0xAE, "Content", Data;
    START = 0xAF, "X-Mms-Start", Integer;
    ADDITIONAL_HEADERS = 0xB0, "Additional-headers", Data;
    DISTRIBUTION_INDICATOR = 0xB1, "X-Mms-Distribution-Indicator", YesNo;
    ELEMENT_DESCRIPTOR = 0xB2, "X-Mms-Element-Descriptor", Data;
    LIMIT = 0xB3, "X-Mms-Limit", Integer;
    RECOMMENDED_RETRIEVAL_MODE = 0xB4, "X-Mms-Recommended-Retrieval-Mode", Octet;
    RECOMMENDED_RETRIEVAL_MODE_TEXT = 0xB5, "X-Mms-Recommended-Retrieval-Mode-Text", Encoded;
    STATUS_TEXT = 0xB6, "X-Mms-Status-Text", Encoded;
    APPLIC_ID = 0xB7, "X-Mms-Applic-ID", Text;
    REPLY_APPLIC_ID = 0xB8, "X-Mms-Reply-Applic-ID", Text;
    AUX_APPLIC_INFO = 0xB9, "X-Mms-Aux-Applic-Info", Text;
    CONTENT_CLASS = 0xBA, "X-Mms-Content-Class", Octet;
    DRM_CONTENT = 0xBB, "X-Mms-DRM-Content", YesNo;
    ADAPTATION_ALLOWED = 0xBC, "X-Mms-Adaptation-Allowed", YesNo;
    REPLACE_ID = 0xBD, "X-Mms-Replace-ID", Text;
    CANCEL_ID = 0xBE, "X-Mms-Cancel-ID", Text;
    CANCEL_STATUS = 0xBF, "X-Mms-Cancel-Status", Octet;
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "field 0x{:02x}", self.0),
        }
    }
}

impl fmt::Debug for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
