//! What a subscriber is to be told. An inbox row carries all that telling needs, so that the subscriber never has to
//! read the MM.

use minicbor::{Decode, Encode};

use crate::address::Address;
use crate::id::{CopyIndex, MmId, Token};
use crate::record::{MessageClass, Priority, is_false};
use crate::reply_charging::Offer;
use crate::time::UnixMillis;

/// The state of a copy as a delivery report tells it (X-Mms-Status).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum DeliveryStatus {
    /// Expired before it was retrieved.
    #[n(0)]
    Expired,
    /// Retrieved.
    #[n(1)]
    Retrieved,
    /// Rejected by the recipient.
    #[n(2)]
    Rejected,
    /// Not known.
    #[n(4)]
    Indeterminate,
    /// Forwarded by the recipient.
    #[n(5)]
    Forwarded,
    /// The recipient cannot be reached.
    #[n(6)]
    Unreachable,
    /// The handset did not understand it.
    #[n(3)]
    Unrecognised,
}

/// What to tell.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Telling {
    /// A message waits (m-notification-ind).
    #[n(0)]
    Notification(#[n(0)] Notification),
    /// What became of a message (m-delivery-ind).
    #[n(1)]
    DeliveryReport(#[n(0)] DeliveryReport),
    /// What a recipient did with a message that it has (m-read-orig-ind).
    #[n(2)]
    ReadReport(#[n(0)] ReadReport),
    /// A message that the handset has is to be removed (m-cancel-req).
    #[n(3)]
    Cancel(#[n(0)] Cancel),
}

/// The fields of a notification.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Notification {
    /// Content-Location path and transaction id.
    #[n(0)]
    pub token: Token,
    /// The sender, unless hidden.
    #[n(1)]
    pub from: Option<Address>,
    /// Subject.
    #[n(2)]
    pub subject: Option<String>,
    /// Class.
    #[n(3)]
    pub class: MessageClass,
    /// Priority.
    #[n(4)]
    pub priority: Priority,
    /// Octets of all parts' data. A message as it is retrieved is larger by its header and the heads of its parts, which
    /// only an interface knows how to write: some hundred octets, more with many parts or recipients.
    #[n(5)]
    pub size_bytes: u64,
    /// When the copy expires.
    #[n(6)]
    pub expires_at: UnixMillis,
    /// The originator wants a delivery report.
    #[n(7)]
    pub delivery_report: bool,
    /// X-Mms-Applic-ID, where the message is for an application of the handset.
    #[n(8)]
    pub applic_id: Option<String>,
    /// The message stands in the recipient's network store.
    #[n(9)]
    #[cbor(default, skip_if = "is_false")]
    pub stored: bool,
    /// The originator pays for a reply.
    #[n(20)]
    pub reply_offer: Option<Offer>,
    /// It is the reply to this message, and its recipient pays for it.
    #[n(21)]
    pub reply_to: Option<MmId>,
    /// X-Mms-Reply-Applic-ID.
    #[n(22)]
    pub reply_applic_id: Option<String>,
    /// X-Mms-Aux-Applic-Info.
    #[n(23)]
    pub aux_applic_info: Option<String>,
    /// X-Mms-Content-Class, the octet of the encapsulation.
    #[n(24)]
    pub content_class: Option<u8>,
    /// X-Mms-DRM-Content.
    #[n(25)]
    pub drm_content: Option<bool>,
}

/// The fields of a delivery report.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct DeliveryReport {
    /// The reported MM.
    #[n(0)]
    pub mm: MmId,
    /// Whose copy.
    #[n(1)]
    pub recipient: Address,
    /// What became of it.
    #[n(2)]
    pub status: DeliveryStatus,
    /// When.
    #[n(3)]
    pub at: UnixMillis,
}

/// X-Mms-Read-Status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum ReadStatus {
    /// The message was read.
    #[n(0)]
    Read,
    /// It was deleted without having been read.
    #[n(1)]
    DeletedUnread,
}

/// The fields of a read report.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ReadReport {
    /// The reported MM.
    #[n(0)]
    pub mm: MmId,
    /// Whose copy.
    #[n(1)]
    pub recipient: Address,
    /// What it did.
    #[n(2)]
    pub status: ReadStatus,
    /// When, by the recipient's word.
    #[n(3)]
    pub at: UnixMillis,
}

/// The fields of m-cancel-req.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Cancel {
    /// The MM to remove.
    #[n(0)]
    pub mm: MmId,
    /// Of the recipient's copy: transaction id, by which the answer finds it.
    #[n(1)]
    pub token: Token,
}

/// The kind octet of an inbox row's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum InboxKind {
    /// A message waits.
    #[n(1)]
    Notification,
    /// A delivery report.
    #[n(2)]
    DeliveryReport,
    /// A read report.
    #[n(3)]
    ReadReport,
    /// A message is to be removed.
    #[n(4)]
    Cancel,
    /// To an MM: its recipient cannot be told.
    #[n(0x40)]
    TellingFailed,
    /// To an MM: its recipient forwarded it without retrieving it.
    #[n(0x41)]
    Forwarded,
    /// The same by a recipient who wants nobody to learn of it (X-Mms-Report-Allowed: No).
    #[n(0x42)]
    ForwardedInSilence,
}

/// Names an inbox row within its entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InboxItemId {
    /// What it is about.
    pub kind: InboxKind,
    /// Of which MM.
    pub mm: MmId,
    /// And which copy.
    pub copy: CopyIndex,
}

/// How far telling has come. A row is born with attempt 1 recorded, so that the first attempt costs no commit.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct InboxRow {
    /// What to tell.
    #[n(0)]
    pub telling: Telling,
    /// When it was written.
    #[n(1)]
    pub born_at: UnixMillis,
    /// Nothing is told after this.
    #[n(2)]
    pub expires_at: UnixMillis,
    /// Attempts recorded, from 1.
    #[n(3)]
    pub attempts: u32,
    /// Attempts in a row whose outcome was never recorded.
    #[n(4)]
    pub without_outcome: u32,
    /// What is known of the last attempt.
    #[n(5)]
    pub last: AttemptState,
    /// When something is to be done next (meaningless while shelved).
    #[n(6)]
    pub next_at: UnixMillis,
}

/// What is known of an attempt.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum AttemptState {
    /// Recorded; the outcome is not. After a crash this is how the row is found.
    #[n(0)]
    Made,
    /// The bearer took it over.
    #[n(1)]
    Sent(#[n(0)] Sent),
    /// It failed for now.
    #[n(2)]
    Failed,
    /// The destination is down; the row waits for it and costs no attempt.
    #[n(3)]
    Waiting(#[n(0)] String),
    /// The push reached the handset (a receipt of the bearer).
    #[n(4)]
    Reached,
    /// Five attempts in a row without an outcome: operators may release it.
    #[n(5)]
    Shelved,
}

/// What the bearer said when it took a push over.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Sent {
    /// The destination's configured name.
    #[n(0)]
    pub destination: String,
    /// The ids of its segments, as receipts will name them.
    #[n(1)]
    pub message_ids: Vec<String>,
}
