//! Named reasons. Every move of a copy has one; the chain of them is the trace that operators read.

use minicbor::{Decode, Encode};

use crate::content::RefusedContent;

/// Why something happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum Why {
    /// Accepted from its submitter; the recipient is told at once.
    #[n(0)]
    Accepted,
    /// Accepted; the submitter asked for a later delivery time.
    #[n(1)]
    AcceptedForLater,
    /// Accepted; the recipient is served by a peer.
    #[n(2)]
    AcceptedForPeer,
    /// Its delivery time came.
    #[n(3)]
    DeliveryTimeReached,
    /// The handset said that it will fetch later.
    #[n(4)]
    HandsetDeferred,
    /// The handset rejected the notification.
    #[n(5)]
    HandsetRejected,
    /// The handset did not understand the notification.
    #[n(6)]
    HandsetUnrecognised,
    /// The whole content was sent to the handset; its word is awaited.
    #[n(7)]
    ContentServed,
    /// The handset said that it has the message (notification response or acknowledgement).
    #[n(8)]
    HandsetRetrieved,
    /// The content was served and no word came within the grace time: counted as retrieved.
    #[n(9)]
    GraceOver,
    /// Its expiry came first.
    #[n(10)]
    ExpiryReached,
    /// The recipient cannot be told: the bearer says never.
    #[n(11)]
    BearerRefused,
    /// The recipient is not a subscriber here.
    #[n(12)]
    UnknownSubscriber,
    /// No interface reaches the recipient.
    #[n(13)]
    NoRoute,
    /// The peer took it over.
    #[n(14)]
    PeerAccepted,
    /// The peer refused it for good.
    #[n(15)]
    PeerRefused,
    /// The peer refused for now or its answer was lost; it is tried again.
    #[n(16)]
    PeerRetry,
    /// Cancelled by its originator or an operator.
    #[n(17)]
    Cancelled,
    /// The recipient had it deleted without retrieving it.
    #[n(18)]
    DeletedByRecipient,
    /// The recipient had it forwarded without retrieving it.
    #[n(19)]
    ForwardedByRecipient,
    /// The recipient's own settings refuse such messages.
    #[n(20)]
    RecipientPolicy,
    /// Telling stopped after five attempts in a row without an outcome; still retrievable until expiry.
    #[n(21)]
    Shelved,
    /// An event for a state that it can no longer change.
    #[n(22)]
    TooLate,
    /// The content cannot be shown by the handset; a variant was made.
    #[n(23)]
    Adapted,
    /// Converted for a legacy handset (TS 23.140 clause 7.1.4).
    #[n(24)]
    ConvertedForLegacy,
    /// Screening let it pass.
    #[n(25)]
    ScreeningGranted,
    /// Screening refused it.
    #[n(26)]
    ScreeningRefused,
    /// Content let go after the grace time that follows the last final state.
    #[n(27)]
    ContentReleased,
    /// Nothing is due yet: it waits on.
    #[n(28)]
    NotDue,
    /// The content left for the handset in part only, or the connection broke; it may fetch again.
    #[n(29)]
    ServingBroken,
    /// No variant can be made for the handset; it gets the original.
    #[n(30)]
    NotAdapted,
    /// The recipient read it.
    #[n(31)]
    Read,
    /// The recipient had it and deleted it unread.
    #[n(32)]
    DeletedUnread,
    /// An attempt to tell the recipient has no outcome, because the process that made it died: it is repeated with the
    /// same ids.
    #[n(40)]
    FoundWithoutOutcome,
}

/// Why a submission was not accepted; each interface has its own words for it (`replies.rs` of each adapter).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Refusal {
    /// Nobody vouches for the submitter.
    NoIdentity,
    /// The submitter may not use the service.
    ServiceDenied,
    /// The submitter sends more than its allowed rate.
    RateExceeded,
    /// The same content goes to too many ([`crate::fan_out`]).
    FannedOut,
    /// Not one recipient.
    NoRecipients,
    /// A recipient that cannot be parsed or reached for good, with its text.
    BadRecipient(String),
    /// More recipients than allowed.
    TooManyRecipients {
        /// Recipients named.
        found: usize,
        /// Recipients allowed.
        limit: usize,
    },
    /// Larger than allowed.
    TooLarge {
        /// Octets of content.
        found: u64,
        /// Octets allowed.
        limit: u64,
    },
    /// A kind of content that is not let through.
    ContentNotAccepted(RefusedContent),
    /// A field contradicts itself or the policy (for example an expiry in the past), by name.
    BadField(&'static str),
    /// An outside party (charging, trigger) refused.
    Screened(&'static str),
    /// Hiding the sender cannot be promised for a recipient.
    HidingNotPossible,
    /// The message that it is about is not there (any more), or is somebody else's.
    UnknownMessage,
    /// The message may not be passed on, or was passed on too often.
    MayNotBeForwarded,
    /// Paying for replies is not offered here.
    ReplyChargingNotSupported,
    /// A reply that its sender wants to be paid for is not within what was offered, or was claimed before.
    ReplyLimitsNotMet,
    /// A message whose originator pays for replies is not passed on.
    ReplyChargedMayNotBeForwarded,
}
