//! What the store keeps of an MM. CBOR maps with integer keys: unknown keys are skipped, so a newer node's records
//! stay readable (golden files in `tests/golden/records`).

use minicbor::{Decode, Encode};

use crate::address::Address;
use crate::content::Installable;
use crate::id::{CopyIndex, MmId, Token};
use crate::lifecycle::CopyState;
use crate::reply_charging::{Claim, Offer};
use crate::time::UnixMillis;
use crate::why::Why;

/// X-Mms-Message-Class.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Default)]
pub enum MessageClass {
    /// Personal (the default).
    #[n(0)]
    #[default]
    Personal,
    /// Advertisement.
    #[n(1)]
    Advertisement,
    /// Informational.
    #[n(2)]
    Informational,
    /// Auto: made by a machine; never answered automatically, never reported on.
    #[n(3)]
    Auto,
    /// A class of its own, as text.
    #[n(4)]
    Other(#[n(0)] String),
}

/// X-Mms-Priority.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, Default)]
#[cbor(index_only)]
pub enum Priority {
    /// Low.
    #[n(0)]
    Low,
    /// Normal (the default).
    #[n(1)]
    #[default]
    Normal,
    /// High.
    #[n(2)]
    High,
}

/// Over which interface an MM came in, or a copy goes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum Interface {
    /// Handsets.
    #[n(1)]
    Mm1,
    /// E-mail.
    #[n(3)]
    Mm3,
    /// Other MMSCs.
    #[n(4)]
    Mm4,
    /// Value-added service providers.
    #[n(7)]
    Mm7,
}

impl std::fmt::Display for Interface {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Mm1 => "MM1",
            Self::Mm3 => "MM3",
            Self::Mm4 => "MM4",
            Self::Mm7 => "MM7",
        })
    }
}

/// Who sent it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Originator {
    /// The authenticated address, never the one that the PDU claims.
    #[n(0)]
    pub address: Address,
    /// Asked not to be shown to recipients (X-Mms-Sender-Visibility: Hide).
    #[n(1)]
    pub hidden: bool,
    /// Where it came in.
    #[n(2)]
    pub interface: Interface,
}

/// How a recipient was named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum RecipientKind {
    /// To.
    #[n(0)]
    To,
    /// Cc.
    #[n(1)]
    Cc,
    /// Bcc: never shown to anybody.
    #[n(2)]
    Bcc,
}

/// One addressee.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Recipient {
    /// To, Cc or Bcc.
    #[n(0)]
    pub kind: RecipientKind,
    /// The canonical address.
    #[n(1)]
    pub address: Address,
}

/// A media type or header parameter.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Parameter {
    /// Lower-case name.
    #[n(0)]
    pub name: String,
    /// Value as text.
    #[n(1)]
    pub value: String,
}

/// A media type with its parameters.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct MediaType {
    /// `type/subtype`, lower case.
    #[n(0)]
    pub essence: String,
    /// Parameters in the order of arrival.
    #[n(1)]
    pub parameters: Vec<Parameter>,
}

impl MediaType {
    /// The first parameter of that name.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters
            .iter()
            .find(|parameter| parameter.name == name)
            .map(|parameter| parameter.value.as_str())
    }
}

/// One body part: where its octets lie in the content, and its headers.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct PartEntry {
    /// Its type.
    #[n(0)]
    pub media_type: MediaType,
    /// Content-ID, as it came (with or without angle brackets).
    #[n(1)]
    pub content_id: Option<String>,
    /// Content-Location.
    #[n(2)]
    pub content_location: Option<String>,
    /// Content-Disposition and whatever else, as name and text value.
    #[n(3)]
    pub headers: Vec<Parameter>,
    /// First octet within the content.
    #[n(4)]
    pub offset: u64,
    /// Length in octets.
    #[n(5)]
    pub len: u64,
    /// What its octets were found to be when they came in, if something installs or runs it.
    #[n(6)]
    #[cbor(default, skip_if = "Option::is_none")]
    pub installable: Option<Installable>,
}

/// The content of an MM: one stored run of octets, cut into parts.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ContentRef {
    /// The store's content id.
    #[n(0)]
    #[cbor(with = "minicbor::bytes")]
    pub id: [u8; 16],
    /// Octets in all.
    #[n(1)]
    pub len: u64,
    /// SHA-256 of the octets.
    #[n(2)]
    #[cbor(with = "minicbor::bytes")]
    pub sha256: [u8; 32],
    /// Type of the whole (a multipart type, or that of its single part).
    #[n(3)]
    pub media_type: MediaType,
    /// Its parts in order.
    #[n(4)]
    pub parts: Vec<PartEntry>,
}

/// Fields of MMS 1.3 that are carried from end to end without being decided on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct CarriedFields {
    /// X-Mms-Applic-ID.
    #[n(0)]
    pub applic_id: Option<String>,
    /// X-Mms-Reply-Applic-ID.
    #[n(1)]
    pub reply_applic_id: Option<String>,
    /// X-Mms-Aux-Applic-Info.
    #[n(2)]
    pub aux_applic_info: Option<String>,
    /// X-Mms-Content-Class, the octet of the encapsulation.
    #[n(3)]
    pub content_class: Option<u8>,
    /// X-Mms-DRM-Content.
    #[n(4)]
    pub drm_content: Option<bool>,
    /// X-Mms-Adaptation-Allowed.
    #[n(5)]
    pub adaptation_allowed: Option<bool>,
}

/// Who sent or forwarded a message before (X-Mms-Previously-Sent-By and -Date).
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct PreviouslySent {
    /// Who; none if it asked to be hidden.
    #[n(0)]
    pub by: Option<Address>,
    /// When.
    #[n(1)]
    pub at: UnixMillis,
}

/// The envelope: written once when the MM is accepted, never changed.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct MmHead {
    /// Its id.
    #[n(0)]
    pub id: MmId,
    /// When it was accepted.
    #[n(1)]
    pub accepted_at: UnixMillis,
    /// Who sent it.
    #[n(2)]
    pub originator: Originator,
    /// The To and Cc recipients that other recipients may see (at most 100).
    #[n(3)]
    pub visible_recipients: Vec<Recipient>,
    /// Subject.
    #[n(4)]
    pub subject: Option<String>,
    /// Class.
    #[n(5)]
    pub class: MessageClass,
    /// Priority.
    #[n(6)]
    pub priority: Priority,
    /// When copies that are not final expire.
    #[n(7)]
    pub expires_at: UnixMillis,
    /// Not to be delivered before this time.
    #[n(8)]
    pub deliver_at: Option<UnixMillis>,
    /// The originator wants delivery reports.
    #[n(9)]
    pub delivery_report: bool,
    /// The originator wants read reports.
    #[n(10)]
    pub read_report: bool,
    /// The Date that recipients see.
    #[n(11)]
    pub date: UnixMillis,
    /// Its content.
    #[n(12)]
    pub content: ContentRef,
    /// MMS version octet of the submission (0x90 … 0x93).
    #[n(13)]
    pub mms_version: u8,
    /// Fields carried through.
    #[n(14)]
    pub carried: CarriedFields,
    /// Unique recipients in all.
    #[n(15)]
    pub recipient_count: u32,
    /// Who sent it before it was forwarded, first of all first; empty for a message of its own.
    #[n(16)]
    #[cbor(default, skip_if = "Vec::is_empty")]
    pub previously_sent: Vec<PreviouslySent>,
    /// The originator pays for replies.
    #[n(20)]
    pub reply_offer: Option<Offer>,
    /// It is a reply that somebody else pays for.
    #[n(21)]
    pub reply_claim: Option<Claim>,
}

/// What changes about an MM as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct MmProgress {
    /// Copies written so far; short of `recipient_count` the list is still being expanded.
    #[n(0)]
    pub expanded: u32,
    /// Copies that are not final yet, of those expanded.
    #[n(1)]
    pub open: u32,
    /// When the due entry of the whole MM stands.
    #[n(2)]
    pub due_at: UnixMillis,
    /// When the last copy became final.
    #[n(3)]
    pub final_at: Option<UnixMillis>,
    /// The content was let go.
    #[n(4)]
    pub content_released: bool,
    /// When it was cancelled as a whole: copies that are still to come or to be asked end as cancelled.
    #[n(5)]
    pub cancelled_at: Option<UnixMillis>,
}

/// One copy: one recipient's message.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct CopyRecord {
    /// Which copy.
    #[n(0)]
    pub index: CopyIndex,
    /// For whom.
    #[n(1)]
    pub recipient: Recipient,
    /// Its retrieval address and transaction id.
    #[n(2)]
    pub token: Token,
    /// Where it stands.
    #[n(3)]
    pub state: CopyState,
    /// Why it came there.
    #[n(4)]
    pub why: Why,
    /// Since when.
    #[n(5)]
    pub since: UnixMillis,
    /// A due entry of this copy alone (grace after serving, retry to a peer).
    #[n(6)]
    pub due_at: Option<UnixMillis>,
    /// Where the born due entry of its notification stands, or of the wish to remove it, so that the copy can clear it.
    #[n(7)]
    pub told_due_at: Option<UnixMillis>,
    /// The recipient forbade reports about retrieval.
    #[n(8)]
    pub report_refused: bool,
    /// The recipient's read report was passed on: there is one for each copy.
    #[n(9)]
    #[cbor(default, skip_if = "is_false")]
    pub read_reported: bool,
    /// It stands in its recipient's network store: the notification says so.
    #[n(10)]
    #[cbor(default, skip_if = "is_false")]
    pub stored: bool,
    /// The handset was asked to remove it: it had it when the MM was cancelled.
    #[n(11)]
    #[cbor(default, skip_if = "is_false")]
    pub taken_back: bool,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the record's encoder calls it with a reference"
)]
pub(crate) fn is_false(value: &bool) -> bool {
    !value
}

/// One step of an MM's history.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ChainEntry {
    /// When.
    #[n(0)]
    pub at: UnixMillis,
    /// Which copy (none: the MM as a whole).
    #[n(1)]
    pub copy: Option<CopyIndex>,
    /// What.
    #[n(2)]
    pub why: Why,
}
