//! What is read of a description.

use std::collections::BTreeSet;

/// Width and height in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Resolution {
    /// Width.
    pub width: u32,
    /// Height.
    pub height: u32,
}

/// A property of MmsCharacteristics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// MmsMaxMessageSize.
    MaxMessageSize,
    /// MmsMaxImageResolution.
    MaxImageResolution,
    /// MmsCcppAccept.
    Accept,
    /// MmsVersion.
    Version,
}

impl Field {
    /// All that are read.
    pub const ALL: [Self; 4] = [
        Self::MaxMessageSize,
        Self::MaxImageResolution,
        Self::Accept,
        Self::Version,
    ];

    /// Its local name in the document.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::MaxMessageSize => "MmsMaxMessageSize",
            Self::MaxImageResolution => "MmsMaxImageResolution",
            Self::Accept => "MmsCcppAccept",
            Self::Version => "MmsVersion",
        }
    }
}

/// What a handset can take; what the document does not say is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    /// Largest message in octets.
    pub max_message_bytes: Option<u64>,
    /// Largest picture.
    pub max_image: Option<Resolution>,
    /// Media types, lower case without parameters, each once, in their order.
    pub accept: Vec<String>,
    /// The highest version of MMS 1.x, as the octet of X-Mms-MMS-Version.
    pub mms_version: Option<u8>,
    /// Properties with a value that cannot be read; it is left out, the rest counts.
    pub unreadable: BTreeSet<Field>,
}
