//! Admission: is a submission taken, for whom, and until when. Everything here is decided before the first write.

use std::collections::BTreeMap;

use crate::address::Address;
use crate::command::Submit;
use crate::content;
use crate::id::{MmId, Token};
use crate::inbox::Notification;
use crate::lifecycle::Leads;
use crate::record::{ContentRef, Interface, MessageClass, MmHead, Originator, PartEntry, Recipient, RecipientKind};
use crate::reply_charging::{Offer, offer};
use crate::routing::{NoRoute, PeerName, Route};
use crate::time::UnixMillis;
use crate::why::Refusal;

pub use crate::policy::{ServicePolicy, UnknownSubscribers, Unroutable};
pub use crate::profile::SubscriberProfile;

/// Most recipients that other recipients are shown.
pub const MAX_VISIBLE_RECIPIENTS: usize = 100;

/// A recipient and where it is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoutedRecipient {
    /// Who, and named how.
    pub recipient: Recipient,
    /// Where the copy leads.
    pub leads: Leads,
    /// The peer that serves it, reachable or not.
    pub peer: Option<PeerName>,
    /// Why it leads nowhere, if it does.
    pub no_route: Option<NoRoute>,
}

/// A submission that is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admission {
    /// The copies, in the order that is frozen: unique, each at the place where its address stood first.
    pub recipients: Vec<RoutedRecipient>,
    /// Recipients left out because nothing leads to them, as they go on the wire ([`Unroutable::Refuse`]).
    pub refused: Vec<String>,
    /// When copies that are not final expire.
    pub expires_at: UnixMillis,
    /// Not to be told before; `None`: at once.
    pub deliver_at: Option<UnixMillis>,
    /// Delivery reports are wanted (never for class Auto).
    pub delivery_report: bool,
    /// Read reports are wanted (never for class Auto).
    pub read_report: bool,
    /// The subject, cut to the policy's length.
    pub subject: Option<String>,
    /// The originator pays for replies.
    pub reply_offer: Option<Offer>,
}

/// Decides about a submission with `content_len` octets of content that came at `now` from `sender`.
///
/// The order of checks is that of MM1 digest 14.10; the first that fails names the refusal. The sender's rate is
/// not looked at: its state is the caller's ([`ServicePolicy::rate_of`], [`crate::rate::Bucket`]).
///
/// # Errors
/// The first reason not to take it; always the submitter's fault, except [`Refusal::BadRecipient`], which may also
/// be a route that this node does not have.
pub fn admit(
    submit: &Submit,
    content_len: u64,
    now: UnixMillis,
    policy: &ServicePolicy,
    sender: &SubscriberProfile,
) -> Result<Admission, Refusal> {
    check_size(submit, content_len, policy, sender)?;
    if sender.barred_sending {
        return Err(Refusal::ServiceDenied);
    }
    let (recipients, refused) = recipients(submit, policy, sender)?;
    check_content(submit, content_len, policy)?;
    let deliver_at = deliver_at(submit, now, policy)?;
    let expires_at = expires_at(submit, now, deliver_at, policy)?;
    // Class Auto is made by machines: reporting on it could go round for ever (MM1 digest 6.1).
    let reports = submit.class != MessageClass::Auto;
    let reply_offer = offer(submit, expires_at, now, policy)?;
    Ok(Admission {
        recipients,
        refused,
        reply_offer,
        expires_at,
        deliver_at,
        delivery_report: submit.delivery_report && reports,
        read_report: submit.read_report && reports,
        subject: submit
            .subject
            .as_deref()
            .map(|subject| cut(subject, policy.max_subject_bytes).to_owned()),
    })
}

impl Admission {
    /// The envelope to write.
    #[must_use]
    pub fn head(&self, submit: &Submit, id: MmId, content: ContentRef, now: UnixMillis) -> MmHead {
        MmHead {
            id,
            accepted_at: now,
            originator: Originator {
                address: submit.originator.clone(),
                hidden: submit.hide_originator,
                interface: submit.interface,
            },
            visible_recipients: self.visible_recipients(),
            subject: self.subject.clone(),
            class: submit.class.clone(),
            priority: submit.priority,
            expires_at: self.expires_at,
            deliver_at: self.deliver_at,
            delivery_report: self.delivery_report,
            read_report: self.read_report,
            date: submit.date.unwrap_or(now),
            content,
            mms_version: submit.mms_version,
            carried: submit.carried.clone(),
            recipient_count: u32::try_from(self.recipients.len()).unwrap_or(u32::MAX),
            previously_sent: submit.previously_sent.clone(),
            reply_offer: self.reply_offer,
            reply_claim: None,
        }
    }

    /// To and Cc; Bcc is shown to nobody (MM1 digest 5).
    fn visible_recipients(&self) -> Vec<Recipient> {
        self.recipients
            .iter()
            .map(|routed| &routed.recipient)
            .filter(|recipient| match recipient.kind {
                RecipientKind::To | RecipientKind::Cc => true,
                RecipientKind::Bcc => false,
            })
            .take(MAX_VISIBLE_RECIPIENTS)
            .cloned()
            .collect()
    }
}

/// What the handset of the copy with `token` is told. A hidden originator is not in it (MM1 digest 7.3, 10).
#[must_use]
pub fn notification(head: &MmHead, token: Token) -> Notification {
    Notification {
        token,
        from: (!head.originator.hidden).then(|| head.originator.address.clone()),
        subject: head.subject.clone(),
        class: head.class.clone(),
        priority: head.priority,
        size_bytes: head.content.len,
        expires_at: head.expires_at,
        delivery_report: head.delivery_report,
        applic_id: head.carried.applic_id.clone(),
        reply_applic_id: head.carried.reply_applic_id.clone(),
        aux_applic_info: head.carried.aux_applic_info.clone(),
        content_class: head.carried.content_class,
        drm_content: head.carried.drm_content,
        reply_offer: head.reply_offer,
        reply_to: head.reply_claim.as_ref().map(|claim| claim.original),
        stored: false,
    }
}

pub(crate) fn check_size(
    submit: &Submit,
    content_len: u64,
    policy: &ServicePolicy,
    sender: &SubscriberProfile,
) -> Result<(), Refusal> {
    let limit = sender
        .max_content_bytes
        .map_or(policy.max_content_bytes, |own| own.min(policy.max_content_bytes));
    if content_len > limit {
        return Err(Refusal::TooLarge {
            found: content_len,
            limit,
        });
    }
    let (found, limit) = (envelope_bytes(submit), policy.max_envelope_bytes);
    if found > limit {
        return Err(Refusal::TooLarge {
            found: u64::try_from(found).unwrap_or(u64::MAX),
            limit: u64::try_from(limit).unwrap_or(u64::MAX),
        });
    }
    Ok(())
}

/// Octets of everything that goes into the envelope beside recipients and subject, which have limits of their own.
fn envelope_bytes(submit: &Submit) -> usize {
    let carried = &submit.carried;
    let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    let class = match &submit.class {
        MessageClass::Other(name) => name.len(),
        MessageClass::Personal | MessageClass::Advertisement | MessageClass::Informational | MessageClass::Auto => 0,
    };
    let media = |media: &crate::record::MediaType| media.essence.len() + parameter_bytes(&media.parameters);
    let part = |part: &PartEntry| {
        media(&part.media_type) + text(&part.content_id) + text(&part.content_location) + parameter_bytes(&part.headers)
    };
    class
        + media(&submit.media_type)
        + submit.parts.iter().map(part).sum::<usize>()
        + text(&carried.applic_id)
        + text(&carried.reply_applic_id)
        + text(&carried.aux_applic_info)
}

/// With the few octets that each takes in a record.
fn parameter_bytes(parameters: &[crate::record::Parameter]) -> usize {
    parameters
        .iter()
        .map(|parameter| parameter.name.len() + parameter.value.len() + 8)
        .sum()
}

type Recipients = (Vec<RoutedRecipient>, Vec<String>);

/// Unique, routed, and divided into those taken and those left out.
fn recipients(submit: &Submit, policy: &ServicePolicy, sender: &SubscriberProfile) -> Result<Recipients, Refusal> {
    let unique = unique(&submit.recipients);
    let limit = sender
        .max_recipients
        .and_then(|own| usize::try_from(own).ok())
        .map_or(policy.max_recipients, |own| own.min(policy.max_recipients));
    if unique.len() > limit {
        return Err(Refusal::TooManyRecipients {
            found: unique.len(),
            limit,
        });
    }
    let mut taken = Vec::with_capacity(unique.len());
    let mut refused = Vec::new();
    for recipient in unique {
        let routed = routed(recipient, policy);
        if submit.hide_originator && !hides(&routed, policy) {
            return Err(Refusal::HidingNotPossible);
        }
        match (routed.leads, policy.unroutable) {
            (Leads::Nowhere(_), Unroutable::Refuse) => refused.push(routed.recipient.address.to_wire()),
            (Leads::Here | Leads::Peer | Leads::Nowhere(_), Unroutable::Refuse | Unroutable::Report) => {
                taken.push(routed);
            }
        }
    }
    match refused.first() {
        Some(first) if taken.is_empty() || !learns_of_partial_success(submit) => {
            Err(Refusal::BadRecipient(first.clone()))
        }
        None if taken.is_empty() => Err(Refusal::NoRecipients),
        Some(_) | None => Ok((taken, refused)),
    }
}

/// Handsets before MMS 1.2 have no word for "taken for some": they would believe that everybody gets it
/// (MM1 digest 10: all or nothing for those).
fn learns_of_partial_success(submit: &Submit) -> bool {
    match submit.interface {
        Interface::Mm1 => submit.mms_version >= MMS_1_2,
        Interface::Mm3 | Interface::Mm4 | Interface::Mm7 => true,
    }
}

/// X-Mms-MMS-Version of 1.2.
const MMS_1_2: u8 = 0x92;

/// One copy for each address; To is stronger than Cc, and Cc than Bcc (MM1 digest 10: one copy).
fn unique(recipients: &[Recipient]) -> Vec<Recipient> {
    let mut places: BTreeMap<&Address, usize> = BTreeMap::new();
    let mut unique: Vec<Recipient> = Vec::with_capacity(recipients.len());
    for recipient in recipients {
        let place = *places.entry(&recipient.address).or_insert(unique.len());
        match unique.get_mut(place) {
            Some(first) => first.kind = first.kind.min(recipient.kind),
            None => unique.push(recipient.clone()),
        }
    }
    unique
}

fn routed(recipient: Recipient, policy: &ServicePolicy) -> RoutedRecipient {
    let route = policy.routing.route(&recipient.address);
    RoutedRecipient {
        recipient,
        leads: route.leads(),
        peer: route.peer().cloned(),
        no_route: match route {
            Route::Nowhere(none) => Some(none),
            Route::Here | Route::Peer(..) => None,
        },
    }
}

/// Whether a hidden sender stays hidden on the way to this recipient.
fn hides(routed: &RoutedRecipient, policy: &ServicePolicy) -> bool {
    match routed.leads {
        Leads::Here | Leads::Nowhere(_) => true,
        Leads::Peer => routed
            .peer
            .as_ref()
            .is_some_and(|peer| policy.hiding_peers.contains(peer)),
    }
}

pub(crate) fn check_content(submit: &Submit, content_len: u64, policy: &ServicePolicy) -> Result<(), Refusal> {
    content::check(submit, policy).map_err(Refusal::ContentNotAccepted)?;
    let fits = |part: &PartEntry| part.offset.checked_add(part.len).is_some_and(|end| end <= content_len);
    if submit.parts.iter().all(fits) {
        Ok(())
    } else {
        Err(Refusal::BadField("parts"))
    }
}

/// A time that has passed means at once; one too far away is refused, because cutting it would deliver too early.
fn deliver_at(submit: &Submit, now: UnixMillis, policy: &ServicePolicy) -> Result<Option<UnixMillis>, Refusal> {
    match submit.delivery_time.map(|wish| wish.resolve(now)) {
        Some(at) if at > now.plus(policy.max_deferral) => Err(Refusal::BadField("Delivery-Time")),
        Some(at) if at > now => Ok(Some(at)),
        Some(_) | None => Ok(None),
    }
}

/// A wish that is too long is cut; one that is over, or over before delivery begins, contradicts itself.
fn expires_at(
    submit: &Submit,
    now: UnixMillis,
    deliver_at: Option<UnixMillis>,
    policy: &ServicePolicy,
) -> Result<UnixMillis, Refusal> {
    let begins = deliver_at.unwrap_or(now);
    let latest = begins.plus(policy.max_expiry);
    match submit.expiry.map(|wish| wish.resolve(now)) {
        Some(at) if at <= begins => Err(Refusal::BadField("Expiry")),
        Some(at) => Ok(at.min(latest)),
        None => Ok(begins.plus(policy.default_expiry).min(latest)),
    }
}

/// The longest beginning of at most `limit` octets that ends between two characters.
fn cut(text: &str, limit: usize) -> &str {
    (0..=limit.min(text.len()))
        .rev()
        .find_map(|end| text.get(..end))
        .unwrap_or_default()
}
