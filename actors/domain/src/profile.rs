//! What the store keeps of a subscriber's own rules.

use minicbor::{Decode, Encode};

use crate::record::is_false;

/// A subscriber's overrides, barring and capabilities. A field left empty follows the service's policy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct SubscriberProfile {
    /// May not send: every submission is refused.
    #[n(0)]
    #[cbor(default)]
    pub barred_sending: bool,
    /// May not receive: copies for it are refused on its behalf.
    #[n(1)]
    #[cbor(default)]
    pub barred_receiving: bool,
    /// Largest content that it may send, in octets; never raises the service's limit.
    #[n(2)]
    pub max_content_bytes: Option<u64>,
    /// Nobody gets delivery reports about what this subscriber did with a message.
    #[n(3)]
    #[cbor(default)]
    pub delivery_reports_refused: bool,
    /// MMS version octet that its handset spoke last (0x90 … 0x93).
    #[n(4)]
    pub mms_version: Option<u8>,
    /// Submissions in a minute.
    #[n(5)]
    pub submits_per_minute: Option<u32>,
    /// Most recipients of one submission; never raises the service's limit.
    #[n(6)]
    pub max_recipients: Option<u32>,
    /// Address of the handset's capability description (UAProf), as it was last seen.
    #[n(7)]
    pub terminal_profile_url: Option<String>,
    /// User-Agent, as it was last seen.
    #[n(8)]
    pub user_agent: Option<String>,
    /// Copies for it are put into its network store when it is told of them.
    #[n(9)]
    #[cbor(default, skip_if = "is_false")]
    pub mmbox_auto_store: bool,
}
