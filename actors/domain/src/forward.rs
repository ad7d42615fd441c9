//! Forwarding without retrieval (MM1 digest 14.8): the content stays where it is, the envelope is made anew.

use crate::address::Address;
use crate::command::{Forward, Submit};
use crate::lifecycle::{CopyState, Final};
use crate::mmbox::{MmBoxEntry, MmBoxState};
use crate::policy::ServicePolicy;
use crate::record::{CarriedFields, ContentRef, CopyRecord, MessageClass, MmHead, PreviouslySent, Priority};
use crate::reply_charging::ReplyCharging;
use crate::time::UnixMillis;
use crate::why::Refusal;

/// What stands in the store of the message that is to be passed on.
#[derive(Clone, Copy, Debug)]
pub struct Original<'a> {
    /// Its envelope.
    pub head: &'a MmHead,
    /// The forwarder's copy.
    pub copy: &'a CopyRecord,
    /// Its content is still held.
    pub has_content: bool,
}

/// Media types of DRM that say "this may not leave the device" (OMA DRM 1.0 forward lock).
const FORWARD_LOCKED: &str = "application/vnd.oma.drm.message";

/// The submission that a wish to forward comes to: its own recipients and wishes, the original's subject, class,
/// priority and content, the forwarder as sender, and one more entry in the list of those who sent it before.
///
/// A copy that was retrieved may be passed on as long as its content is kept; one that expired, was rejected, deleted
/// or cancelled may not.
///
/// # Errors
/// [`Refusal::UnknownMessage`]: no such message for this forwarder. [`Refusal::MayNotBeForwarded`]: its content is
/// locked, or it was passed on [`ServicePolicy::max_forwards`] times already.
/// [`Refusal::ReplyChargedMayNotBeForwarded`]: its originator pays for replies, and would for those of strangers.
pub fn forward(
    wish: &Forward,
    original: Original<'_>,
    now: UnixMillis,
    policy: &ServicePolicy,
) -> Result<Submit, Refusal> {
    let Original {
        head,
        copy,
        has_content,
    } = original;
    if copy.recipient.address != wish.forwarder || !has_content || !may_be_had(&copy.state, head, now) {
        return Err(Refusal::UnknownMessage);
    }
    if head.reply_offer.is_some() {
        return Err(Refusal::ReplyChargedMayNotBeForwarded);
    }
    let mut previously_sent = head.previously_sent.clone();
    previously_sent.push(PreviouslySent {
        by: (!head.originator.hidden).then(|| head.originator.address.clone()),
        at: head.date,
    });
    let message = Message {
        subject: &head.subject,
        class: &head.class,
        priority: head.priority,
        content: &head.content,
        carried: &head.carried,
        previously_sent,
    };
    passed_on(wish, message, policy)
}

/// The same of a message in the network store of `owner`. A draft was not sent before; of an uploaded one nobody
/// vouches for what it says about its past, so that it begins anew.
///
/// # Errors
/// As [`forward`].
pub fn forward_stored(
    wish: &Forward,
    owner: &Address,
    entry: &MmBoxEntry,
    policy: &ServicePolicy,
) -> Result<Submit, Refusal> {
    if *owner != wish.forwarder {
        return Err(Refusal::UnknownMessage);
    }
    let mut previously_sent = entry.previously_sent.clone();
    if entry.mm.is_some() && entry.state != MmBoxState::Draft {
        previously_sent.push(PreviouslySent {
            by: entry.originator.clone().filter(|_| !entry.hidden),
            at: entry.date,
        });
    }
    let message = Message {
        subject: &entry.subject,
        class: &entry.class,
        priority: entry.priority,
        content: &entry.content,
        carried: &entry.carried,
        previously_sent,
    };
    passed_on(wish, message, policy)
}

/// What stays of a message that is passed on.
struct Message<'a> {
    subject: &'a Option<String>,
    class: &'a MessageClass,
    priority: Priority,
    content: &'a ContentRef,
    carried: &'a CarriedFields,
    /// With the hop that is being made.
    previously_sent: Vec<PreviouslySent>,
}

fn passed_on(wish: &Forward, message: Message<'_>, policy: &ServicePolicy) -> Result<Submit, Refusal> {
    let parts = &message.content.parts;
    let locked = parts.iter().any(|part| part.media_type.essence == FORWARD_LOCKED);
    if locked || message.carried.drm_content == Some(true) || message.previously_sent.len() > policy.max_forwards {
        return Err(Refusal::MayNotBeForwarded);
    }
    Ok(Submit {
        originator: wish.forwarder.clone(),
        hide_originator: false,
        interface: wish.interface,
        recipients: wish.recipients.clone(),
        subject: message.subject.clone(),
        class: message.class.clone(),
        priority: message.priority,
        expiry: wish.expiry,
        delivery_time: wish.delivery_time,
        delivery_report: wish.delivery_report,
        read_report: wish.read_report,
        date: wish.date,
        mms_version: wish.mms_version,
        media_type: message.content.media_type.clone(),
        parts: parts.clone(),
        carried: message.carried.clone(),
        duplicate: wish.duplicate.clone(),
        previously_sent: message.previously_sent,
        charging: ReplyCharging::default(),
        store: wish.store.clone(),
    })
}

/// Whether its recipient may still have the copy, be it by fetching, passing on or storing it.
pub(crate) fn may_be_had(state: &CopyState, head: &MmHead, now: UnixMillis) -> bool {
    match state {
        CopyState::Telling | CopyState::Deferred | CopyState::Served | CopyState::Adapting => now < head.expires_at,
        CopyState::Final(Final::Retrieved | Final::Forwarded) => true,
        CopyState::Screening | CopyState::Scheduled | CopyState::Forwarding => false,
        CopyState::Final(
            Final::Rejected
            | Final::Expired
            | Final::Deleted
            | Final::Cancelled
            | Final::Undeliverable(_)
            | Final::Converted,
        ) => false,
    }
}
