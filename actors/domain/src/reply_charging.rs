//! Reply charging (MM1 digest 15): an originator offers to pay for one reply of each recipient, within limits.

use minicbor::{Decode, Encode};

use crate::address::Address;
use crate::command::{Submit, TimeWish};
use crate::id::MmId;
use crate::policy::ServicePolicy;
use crate::record::{MmHead, PartEntry};
use crate::time::UnixMillis;
use crate::why::Refusal;

/// What a submission says about reply charging.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReplyCharging {
    /// The originator offers to pay for replies (X-Mms-Reply-Charging: Requested).
    pub offer: Option<OfferWish>,
    /// It is such a reply itself, to this message (X-Mms-Reply-Charging-ID).
    pub reply_to: Option<MmId>,
}

/// An offer as it was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OfferWish {
    /// Replies may have text only.
    pub text_only: bool,
    /// Until when replies are paid for.
    pub deadline: Option<TimeWish>,
    /// How large a reply may be, in octets.
    pub size: Option<u64>,
}

/// An offer that was accepted on behalf of the recipients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Offer {
    /// Replies may have text only.
    #[n(0)]
    pub text_only: bool,
    /// Until when replies are paid for.
    #[n(1)]
    pub deadline: UnixMillis,
    /// How large the content of a reply may be, in octets.
    #[n(2)]
    pub size: Option<u64>,
}

/// A reply that somebody else pays for.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Claim {
    /// The message that it replies to.
    #[n(0)]
    pub original: MmId,
    /// Who pays.
    #[n(1)]
    pub charged_to: Address,
}

/// The offer that a submission comes to. A deadline may not outlive the record of the message, by which replies are
/// known; a longer one is cut.
///
/// # Errors
/// [`Refusal::ReplyChargingNotSupported`]: not offered by the operator. [`Refusal::BadField`]: the deadline has passed.
pub fn offer(
    submit: &Submit,
    expires_at: UnixMillis,
    now: UnixMillis,
    policy: &ServicePolicy,
) -> Result<Option<Offer>, Refusal> {
    let Some(wish) = submit.charging.offer else {
        return Ok(None);
    };
    if !policy.reply_charging {
        return Err(Refusal::ReplyChargingNotSupported);
    }
    let latest = expires_at.plus(policy.retention_record);
    let deadline = wish.deadline.map_or(latest, |deadline| deadline.resolve(now));
    if deadline <= now {
        return Err(Refusal::BadField("Reply-Charging-Deadline"));
    }
    Ok(Some(Offer {
        text_only: wish.text_only,
        deadline: deadline.min(latest),
        size: wish.size,
    }))
}

/// Whether a reply keeps within the offer of the original. That its sender is one of the recipients, and has not
/// claimed before, is the caller's to find out.
///
/// # Errors
/// [`Refusal::ReplyLimitsNotMet`].
pub fn claim(original: &MmHead, reply: &Submit, content_len: u64, now: UnixMillis) -> Result<Claim, Refusal> {
    let not_met = Err(Refusal::ReplyLimitsNotMet);
    let Some(offer) = &original.reply_offer else {
        return not_met;
    };
    let too_large = offer.size.is_some_and(|size| content_len > size);
    let too_much = offer.text_only && !reply.parts.iter().all(is_text);
    // A reply to several people is paid for only once, and goes to the one who pays (digest 15).
    let to_payer = matches!(reply.recipients.as_slice(), [one] if one.address == original.originator.address);
    if now > offer.deadline || too_large || too_much || !to_payer {
        return not_met;
    }
    Ok(Claim {
        original: original.id,
        charged_to: original.originator.address.clone(),
    })
}

/// Text, and the presentation that shows it.
fn is_text(part: &PartEntry) -> bool {
    let essence = &part.media_type.essence;
    essence.starts_with("text/") || essence == "application/smil"
}
