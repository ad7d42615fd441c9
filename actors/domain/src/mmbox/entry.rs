//! What the store keeps of one stored message.

use minicbor::{Decode, Encode};

use crate::address::Address;
use crate::command::Submit;
use crate::id::{MmId, Token};
use crate::record::{CarriedFields, ContentRef, MessageClass, MmHead, PreviouslySent, Priority, Recipient, is_false};
use crate::time::UnixMillis;

/// X-Mms-MM-State.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum MmBoxState {
    /// Uploaded, or kept to be sent later.
    #[n(0)]
    Draft,
    /// Sent by the owner.
    #[n(1)]
    Sent,
    /// Received and not fetched yet.
    #[n(2)]
    New,
    /// Received and fetched.
    #[n(3)]
    Retrieved,
    /// Passed on by the owner.
    #[n(4)]
    Forwarded,
}

impl MmBoxState {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Draft, Self::Sent, Self::New, Self::Retrieved, Self::Forwarded];

    /// Whether its owner may ask for `to`. What the owner made (`own`) is a draft until it is sent, and never becomes
    /// something received; what was received may be marked at will, but never becomes the owner's own.
    #[must_use]
    pub fn may_become(self, to: Self, own: bool) -> bool {
        match (own, self, to) {
            (true, Self::Draft, Self::Draft) => true,
            (true, _, to) => matches!(to, Self::Sent | Self::Forwarded),
            (false, _, to) => matches!(to, Self::New | Self::Retrieved | Self::Forwarded),
        }
    }
}

/// A stored message. Its owner is in its key.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct MmBoxEntry {
    /// Its retrieval address.
    #[n(0)]
    pub token: Token,
    /// When it was stored; with the token, its key.
    #[n(1)]
    pub stored_at: UnixMillis,
    /// Where it stands.
    #[n(2)]
    pub state: MmBoxState,
    /// The owner made it: it was sent from here, or uploaded as something of the owner's.
    #[n(3)]
    #[cbor(default, skip_if = "is_false")]
    pub own: bool,
    /// Keywords.
    #[n(4)]
    #[cbor(default, skip_if = "Vec::is_empty")]
    pub flags: Vec<String>,
    /// Who sent it; what an uploaded one says of itself nobody vouches for.
    #[n(5)]
    pub originator: Option<Address>,
    /// The originator asked not to be shown to recipients.
    #[n(6)]
    #[cbor(default, skip_if = "is_false")]
    pub hidden: bool,
    /// To and Cc; Bcc too in what the owner made (at most 100).
    #[n(7)]
    #[cbor(default, skip_if = "Vec::is_empty")]
    pub recipients: Vec<Recipient>,
    /// Subject.
    #[n(8)]
    pub subject: Option<String>,
    /// Class.
    #[n(9)]
    pub class: MessageClass,
    /// Priority.
    #[n(10)]
    pub priority: Priority,
    /// Date.
    #[n(11)]
    pub date: UnixMillis,
    /// The originator wanted delivery reports.
    #[n(12)]
    pub delivery_report: bool,
    /// The originator wanted read reports.
    #[n(13)]
    pub read_report: bool,
    /// Who sent it before it was forwarded.
    #[n(14)]
    #[cbor(default, skip_if = "Vec::is_empty")]
    pub previously_sent: Vec<PreviouslySent>,
    /// Fields carried through.
    #[n(15)]
    pub carried: CarriedFields,
    /// Its content, with a part table of its own.
    #[n(16)]
    pub content: ContentRef,
    /// The MM that it came from, which gives it its Message-ID; none if it was uploaded.
    #[n(17)]
    pub mm: Option<MmId>,
}

/// What makes a message an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEntry {
    /// Its retrieval address.
    pub token: Token,
    /// When it is stored.
    pub stored_at: UnixMillis,
    /// Where it stands.
    pub state: MmBoxState,
    /// The owner made it.
    pub own: bool,
    /// Keywords.
    pub flags: Vec<String>,
}

impl MmBoxEntry {
    /// An entry of a message of ours. `recipients` are those that its owner may see.
    #[must_use]
    pub fn of_message(head: &MmHead, recipients: Vec<Recipient>, new: NewEntry) -> Self {
        Self {
            token: new.token,
            stored_at: new.stored_at,
            state: new.state,
            own: new.own,
            flags: new.flags,
            originator: Some(head.originator.address.clone()),
            hidden: head.originator.hidden,
            recipients,
            subject: head.subject.clone(),
            class: head.class.clone(),
            priority: head.priority,
            date: head.date,
            delivery_report: head.delivery_report,
            read_report: head.read_report,
            previously_sent: head.previously_sent.clone(),
            carried: head.carried.clone(),
            content: head.content.clone(),
            mm: Some(head.id),
        }
    }

    /// An entry of what its owner uploads, whose octets are stored as `content`.
    #[must_use]
    pub fn uploaded(message: &Submit, content: ContentRef, new: NewEntry) -> Self {
        Self {
            token: new.token,
            date: message.date.unwrap_or(new.stored_at),
            stored_at: new.stored_at,
            state: new.state,
            own: new.own,
            flags: new.flags,
            originator: Some(message.originator.clone()),
            hidden: false,
            recipients: message.recipients.clone(),
            subject: message.subject.clone(),
            class: message.class.clone(),
            priority: message.priority,
            delivery_report: message.delivery_report,
            read_report: message.read_report,
            previously_sent: Vec::new(),
            carried: message.carried.clone(),
            content,
            mm: None,
        }
    }

    /// The sender as the owner may see it: the owner knows itself, and a hidden one stays hidden.
    #[must_use]
    pub fn shown_originator(&self) -> Option<&Address> {
        self.originator.as_ref().filter(|_| self.own || !self.hidden)
    }

    /// Where it stands once it was passed on: a draft was sent by that, anything else was forwarded.
    #[must_use]
    pub fn state_when_passed_on(&self) -> MmBoxState {
        match self.state {
            MmBoxState::Draft => MmBoxState::Sent,
            MmBoxState::Sent | MmBoxState::New | MmBoxState::Retrieved | MmBoxState::Forwarded => MmBoxState::Forwarded,
        }
    }
}
