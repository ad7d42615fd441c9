//! What adapters ask of the tree: interface-neutral commands (MM2) and their answers.

use std::time::Duration;

use crate::address::Address;
use crate::id::{MmId, Token};
use crate::mmbox::{StoreWish, Stored};
use crate::record::{
    CarriedFields, Interface, MediaType, MessageClass, MmHead, PartEntry, PreviouslySent, Priority, Recipient,
};
use crate::reply_charging::ReplyCharging;
use crate::time::UnixMillis;

/// A wish about time, as the protocols express it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeWish {
    /// At this time.
    At(UnixMillis),
    /// So long after acceptance.
    After(Duration),
}

impl TimeWish {
    /// As a point in time, seen from `now`.
    #[must_use]
    pub fn resolve(self, now: UnixMillis) -> UnixMillis {
        match self {
            Self::At(at) => at,
            Self::After(d) => now.plus(d),
        }
    }
}

/// Tells a repeat from a new submission (design §3, duplicate keys).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DuplicateKey {
    /// Where it came in.
    pub interface: Interface,
    /// Whoever the key is unique for: the sender, the peer, the VASP.
    pub scope: String,
    /// The peer's transaction id.
    pub transaction_id: Vec<u8>,
}

/// A submission as an adapter hands it over. Part octets travel beside it, in the order of `parts`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submit {
    /// The authenticated originator.
    pub originator: Address,
    /// Hide the originator from recipients.
    pub hide_originator: bool,
    /// Where it came in.
    pub interface: Interface,
    /// To, Cc, Bcc in the order of arrival.
    pub recipients: Vec<Recipient>,
    /// Subject.
    pub subject: Option<String>,
    /// Class.
    pub class: MessageClass,
    /// Priority.
    pub priority: Priority,
    /// Wished expiry.
    pub expiry: Option<TimeWish>,
    /// Wished earliest delivery.
    pub delivery_time: Option<TimeWish>,
    /// Delivery reports wanted.
    pub delivery_report: bool,
    /// Read reports wanted.
    pub read_report: bool,
    /// The sender's Date, if it gave one.
    pub date: Option<UnixMillis>,
    /// MMS version octet.
    pub mms_version: u8,
    /// Type of the whole body.
    pub media_type: MediaType,
    /// Parts; offsets count from the start of the octets that travel beside.
    pub parts: Vec<PartEntry>,
    /// Fields carried through.
    pub carried: CarriedFields,
    /// How to know it again, for interfaces that have a transaction id.
    pub duplicate: Option<DuplicateKey>,
    /// Who sent it before it was forwarded.
    pub previously_sent: Vec<PreviouslySent>,
    /// Who pays for replies, and whether it is one.
    pub charging: ReplyCharging,
    /// To be put into the originator's network store as well (X-Mms-Store).
    pub store: Option<StoreWish>,
}

/// Passing a message on without having retrieved it (m-forward-req).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forward {
    /// Names the forwarder's copy of the original, or a message in the forwarder's network store.
    pub token: Token,
    /// The authenticated forwarder.
    pub forwarder: Address,
    /// Where it came in.
    pub interface: Interface,
    /// To, Cc, Bcc in the order of arrival.
    pub recipients: Vec<Recipient>,
    /// Wished expiry.
    pub expiry: Option<TimeWish>,
    /// Wished earliest delivery.
    pub delivery_time: Option<TimeWish>,
    /// The forwarder wants delivery reports about the new message.
    pub delivery_report: bool,
    /// The forwarder wants read reports about the new message.
    pub read_report: bool,
    /// The original's sender may learn that it was forwarded (X-Mms-Report-Allowed).
    pub report_allowed: bool,
    /// The forwarder's Date, if it gave one.
    pub date: Option<UnixMillis>,
    /// MMS version octet.
    pub mms_version: u8,
    /// How to know it again.
    pub duplicate: Option<DuplicateKey>,
    /// The new message is to be put into the forwarder's network store as well (X-Mms-Store).
    pub store: Option<StoreWish>,
}

/// What a handset says about a notification or a retrieval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HandsetAnswer {
    /// m-notifyresp-ind Retrieved, or m-acknowledge-ind.
    Retrieved {
        /// X-Mms-Report-Allowed.
        report_allowed: bool,
    },
    /// m-notifyresp-ind Deferred.
    Deferred {
        /// X-Mms-Report-Allowed.
        report_allowed: bool,
    },
    /// m-notifyresp-ind Rejected.
    Rejected {
        /// X-Mms-Report-Allowed.
        report_allowed: bool,
    },
    /// m-notifyresp-ind Unrecognised.
    Unrecognised,
    /// m-delete-req: the message is not wanted.
    Deleted,
    /// m-cancel-conf: the handset has the wish to remove the message, or cannot make anything of it. It is not asked
    /// again either way.
    CancelAnswered,
}

/// What a retrieval gets: the envelope as this recipient may see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retrieval {
    /// The envelope. The originator is still in it when hidden: adapters look at `originator.hidden`.
    pub head: MmHead,
    /// The token that was asked for; also the transaction id to answer with.
    pub token: Token,
    /// Whose copy it is.
    pub recipient: Address,
    /// The copy was final before: nothing changes through this retrieval.
    pub repeated: bool,
    /// MMS version octet that the recipient's handset is known to speak.
    pub mms_version: Option<u8>,
}

/// Why there is nothing to retrieve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Gone {
    /// No such token, or not this requester's.
    Unknown,
    /// Expired.
    Expired,
    /// Cancelled, deleted, rejected, forwarded or let go.
    Ended,
}

/// The answer of an accepted submission, also when it is repeated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The MM.
    pub id: MmId,
    /// Recipients that were left out although others were accepted, as they were written.
    pub refused_recipients: Vec<String>,
    /// What became of the wish to store it, if there was one.
    pub stored: Option<Stored>,
}
