//! Quota, and what may be stored in which state.

use minicbor::{Decode, Encode};

use super::entry::MmBoxState;
use crate::accept::{MAX_VISIBLE_RECIPIENTS, check_content, check_size};
use crate::address::Address;
use crate::command::Submit;
use crate::forward::{Original, may_be_had};
use crate::id::Token;
use crate::lifecycle::{CopyState, Final};
use crate::policy::ServicePolicy;
use crate::profile::SubscriberProfile;
use crate::time::UnixMillis;
use crate::why::Refusal;

/// The operator's rules for network stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MmBoxPolicy {
    /// Most messages of one subscriber.
    pub max_messages: u64,
    /// Most octets of content of one subscriber's messages.
    pub max_octets: u64,
    /// Most messages described in one answer.
    pub max_view: u64,
    /// Most octets of descriptions and content in one answer.
    pub max_view_octets: u64,
}

impl Default for MmBoxPolicy {
    fn default() -> Self {
        Self {
            max_messages: 1000,
            max_octets: 50 * 1024 * 1024,
            max_view: 100,
            max_view_octets: 1024 * 1024,
        }
    }
}

/// What a subscriber has stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct MmBoxTotals {
    /// Messages.
    #[n(0)]
    pub messages: u64,
    /// Octets of their content.
    #[n(1)]
    pub octets: u64,
}

impl MmBoxTotals {
    /// With one more message of so many octets.
    ///
    /// # Errors
    /// [`NotStored::Full`].
    pub fn with(self, octets: u64, policy: &MmBoxPolicy) -> Result<Self, NotStored> {
        let more = Self {
            messages: self.messages.saturating_add(1),
            octets: self.octets.saturating_add(octets),
        };
        if more.messages > policy.max_messages || more.octets > policy.max_octets {
            return Err(NotStored::Full);
        }
        Ok(more)
    }

    /// With one message of so many octets less.
    #[must_use]
    pub fn without(self, octets: u64) -> Self {
        Self {
            messages: self.messages.saturating_sub(1),
            octets: self.octets.saturating_sub(octets),
        }
    }
}

/// Why a message was not stored, changed, listed or deleted; each interface has its own words for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum NotStored {
    /// There are no network stores here.
    #[n(0)]
    NotOffered,
    /// It is somebody else's, or the subscriber may not use the service.
    #[n(1)]
    NotAllowed,
    /// There is no such message (any more).
    #[n(2)]
    NotFound,
    /// The subscriber's quota.
    #[n(3)]
    Full,
    /// A state that such a message cannot have, or not come to.
    #[n(4)]
    BadState,
    /// Keywords that are too many, too long or not printable.
    #[n(5)]
    BadFlags,
    /// The message itself is too large.
    #[n(6)]
    TooLarge,
    /// Its content is not let through.
    #[n(7)]
    NotAccepted,
    /// The record of the store cannot be read: damage.
    #[n(8)]
    Damaged,
    /// The owner stores more than its allowed rate.
    #[n(9)]
    TooOften,
}

impl From<Refusal> for NotStored {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NoIdentity
            | Refusal::ServiceDenied
            | Refusal::FannedOut
            | Refusal::Screened(_)
            | Refusal::MayNotBeForwarded => Self::NotAllowed,
            Refusal::UnknownMessage => Self::NotFound,
            Refusal::TooLarge { .. } | Refusal::TooManyRecipients { .. } => Self::TooLarge,
            Refusal::RateExceeded => Self::TooOften,
            Refusal::NoRecipients
            | Refusal::BadRecipient(_)
            | Refusal::ContentNotAccepted(_)
            | Refusal::BadField(_)
            | Refusal::HidingNotPossible
            | Refusal::ReplyChargingNotSupported
            | Refusal::ReplyLimitsNotMet
            | Refusal::ReplyChargedMayNotBeForwarded => Self::NotAccepted,
        }
    }
}

/// What became of the wish to store a message that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode)]
pub enum Stored {
    /// It is in the sender's store, under this retrieval address.
    #[n(0)]
    At(#[n(0)] Token),
    /// It is not; the message itself was accepted all the same.
    #[n(1)]
    Not(#[n(0)] NotStored),
}

/// The state of what its owner sends (digest 7.1: Sent unless it says otherwise).
///
/// # Errors
/// [`NotStored::BadState`].
pub fn state_of_sent(wish: Option<MmBoxState>) -> Result<MmBoxState, NotStored> {
    match wish {
        None | Some(MmBoxState::Sent) => Ok(MmBoxState::Sent),
        Some(MmBoxState::Draft) => Ok(MmBoxState::Draft),
        Some(MmBoxState::New | MmBoxState::Retrieved | MmBoxState::Forwarded) => Err(NotStored::BadState),
    }
}

/// The state of a copy that its recipient stores (digest 7.12: New as long as it was only notified).
///
/// # Errors
/// [`NotStored::BadState`].
pub fn state_of_received(copy: &CopyState, wish: Option<MmBoxState>) -> Result<MmBoxState, NotStored> {
    match wish {
        Some(state @ (MmBoxState::New | MmBoxState::Retrieved | MmBoxState::Forwarded)) => Ok(state),
        Some(MmBoxState::Draft | MmBoxState::Sent) => Err(NotStored::BadState),
        None => Ok(match copy {
            CopyState::Final(Final::Retrieved) => MmBoxState::Retrieved,
            CopyState::Final(Final::Forwarded) => MmBoxState::Forwarded,
            CopyState::Final(_)
            | CopyState::Screening
            | CopyState::Scheduled
            | CopyState::Telling
            | CopyState::Deferred
            | CopyState::Served
            | CopyState::Adapting
            | CopyState::Forwarding => MmBoxState::New,
        }),
    }
}

/// Whether `owner` may store this copy: what may be fetched may be stored.
///
/// # Errors
/// [`NotStored::NotFound`]: there is no such message for this owner (any more).
pub fn may_be_stored(original: Original<'_>, owner: &Address, now: UnixMillis) -> Result<(), NotStored> {
    let Original {
        head,
        copy,
        has_content,
    } = original;
    if copy.recipient.address == *owner && has_content && may_be_had(&copy.state, head, now) {
        Ok(())
    } else {
        Err(NotStored::NotFound)
    }
}

/// Whether a message may be uploaded by `owner`: the same limits as for sending it, except that a draft needs no
/// recipient.
///
/// # Errors
/// [`NotStored`].
pub fn check_upload(
    message: &Submit,
    content_len: u64,
    policy: &ServicePolicy,
    owner: &SubscriberProfile,
) -> Result<(), NotStored> {
    check_size(message, content_len, policy, owner)?;
    if owner.barred_sending {
        return Err(NotStored::NotAllowed);
    }
    check_content(message, content_len, policy)?;
    let subject = message.subject.as_ref().map_or(0, String::len);
    if message.recipients.len() > MAX_VISIBLE_RECIPIENTS || subject > policy.max_subject_bytes {
        return Err(NotStored::TooLarge);
    }
    Ok(())
}
