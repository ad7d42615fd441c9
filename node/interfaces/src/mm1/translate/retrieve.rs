//! Retrieval → m-retrieve-conf.

use bytes::Bytes;
use mmsc_domain::command::Retrieval;
use mmsc_domain::mmbox::MmBoxEntry;
use mmsc_domain::record::{
    CarriedFields, ContentRef, MessageClass, PartEntry, PreviouslySent, Priority, Recipient, RecipientKind,
};
use mmsc_domain::reply_charging::Offer;
use mmsc_domain::{Address, UnixMillis};
use mmsc_wire::mms::{
    self, Body, Content, ContentClass, Date, EncodeError, EncodedString, Pdu, PreviouslySentBy, PreviouslySentDate,
    RetrieveConf, RetrieveStatus, Size, Text, TimeValue, Version,
};
use mmsc_wire::wsp::{ValueError, multipart};

use super::super::replies::answer_version;
use super::media;
use super::mmbox::{StorePlace, mm_flags, mm_state};

/// A part up to this size is copied next to its head; a larger one is sent from where it lies.
const COPIED_UP_TO: u64 = 2048;

/// Why a stored message cannot be written as m-retrieve-conf: a bug or damage, never the client's fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RetrieveError {
    /// A field has no form on the wire.
    #[error(transparent)]
    Head(#[from] EncodeError),
    /// A part's head has no form on the wire.
    #[error("part {0}: {1}")]
    Part(usize, ValueError),
    /// A part lies outside the content.
    #[error("part {0} lies outside the content")]
    Outside(usize),
}

/// The PDU as octets, part octets as slices of `content`. Without `content` only its length counts, and no octets of
/// parts are in it: that answers a HEAD.
///
/// # Errors
/// [`RetrieveError`].
pub fn retrieve_conf(
    retrieval: &Retrieval,
    content: Option<&Bytes>,
    domain: &str,
) -> Result<(Vec<Bytes>, u64), RetrieveError> {
    written(&conf(retrieval, domain).into(), &retrieval.head.content, content)
}

/// The same of a stored message. Without transaction id: the owner's handset has nothing to acknowledge.
///
/// # Errors
/// [`RetrieveError`].
pub fn retrieve_stored(
    entry: &MmBoxEntry,
    content: Option<&Bytes>,
    place: &StorePlace<'_>,
) -> Result<(Vec<Bytes>, u64), RetrieveError> {
    written(&stored_conf(entry, place).into(), &entry.content, content)
}

/// The head of `pdu`, and behind it the multipart body that `table` describes.
pub(super) fn written(
    pdu: &Pdu<'_>,
    table: &ContentRef,
    content: Option<&Bytes>,
) -> Result<(Vec<Bytes>, u64), RetrieveError> {
    let mut run = Vec::with_capacity(1024);
    mms::encode_head(pdu, &mut run)?;
    multipart::put_count(table.parts.len(), &mut run);
    let mut chunks = Vec::new();
    let mut total = 0;
    for (index, part) in table.parts.iter().enumerate() {
        let len = usize::try_from(part.len).map_err(|_| RetrieveError::Outside(index))?;
        multipart::encode_part_header(&media::part_to_wire(part), len, &mut run)
            .map_err(|error| RetrieveError::Part(index, error))?;
        let Some(content) = content else {
            total += part.len;
            continue;
        };
        let data = slice(content, part).ok_or(RetrieveError::Outside(index))?;
        if part.len <= COPIED_UP_TO {
            run.extend_from_slice(&data);
        } else {
            chunks.push(std::mem::take(&mut run).into());
            chunks.push(data);
        }
    }
    if !run.is_empty() {
        chunks.push(run.into());
    }
    total += chunks
        .iter()
        .map(|chunk: &Bytes| u64::try_from(chunk.len()).unwrap_or(u64::MAX))
        .sum::<u64>();
    Ok((chunks, total))
}

fn slice(content: &Bytes, part: &PartEntry) -> Option<Bytes> {
    let start = usize::try_from(part.offset).ok()?;
    let end = start.checked_add(usize::try_from(part.len).ok()?)?;
    (end <= content.len()).then(|| content.slice(start..end))
}

fn conf<'a>(retrieval: &'a Retrieval, domain: &str) -> RetrieveConf<'a> {
    let head = &retrieval.head;
    let from = (!head.originator.hidden).then(|| head.originator.address.to_wire().into());
    let (previously_sent_by, previously_sent_date) = previously_sent(&head.previously_sent);
    let version = spoken(retrieval.mms_version);
    let known = |minor| version.minor_or_zero() >= minor;
    let offer = head.reply_offer.as_ref().filter(|_| known(1));
    let conf = RetrieveConf {
        reply_charging: offer.map(reply_charging),
        reply_charging_deadline: offer.map(|offer| TimeValue::Absolute(offer.deadline.seconds())),
        reply_charging_size: offer.and_then(|offer| offer.size).map(Size),
        reply_charging_id: head
            .reply_claim
            .as_ref()
            .filter(|_| known(1))
            .map(|claim| claim.original.message_id(domain).into()),
        previously_sent_by,
        previously_sent_date,
        transaction_id: Some(retrieval.token.to_string().into()),
        version,
        message_id: Some(head.id.message_id(domain).into()),
        date: Date(head.date.seconds()),
        from,
        to: shown(&head.visible_recipients, RecipientKind::To),
        cc: shown(&head.visible_recipients, RecipientKind::Cc),
        subject: head.subject.as_deref().map(EncodedString::from),
        message_class: Some(class(&head.class)),
        priority: Some(priority(head.priority)),
        delivery_report: Some(head.delivery_report),
        read_report: Some(head.read_report),
        content: body_of(&head.content),
        ..RetrieveConf::default()
    };
    carry(conf, &head.carried)
}

/// The version to speak: 1.2, or less where the handset is known to speak less.
fn spoken(known: Option<u8>) -> Version {
    let known = known
        .map(Version::from_octet)
        .filter(|known| known.major() == Version::V1_2.major());
    match known {
        Some(known) if known.minor_or_zero() < Version::V1_2.minor_or_zero() => answer_version(Some(known)),
        Some(_) | None => Version::V1_2,
    }
}

fn stored_conf<'a>(entry: &'a MmBoxEntry, place: &StorePlace<'_>) -> RetrieveConf<'a> {
    let (previously_sent_by, previously_sent_date) = previously_sent(&entry.previously_sent);
    let conf = RetrieveConf {
        previously_sent_by,
        previously_sent_date,
        version: Version::V1_2,
        message_id: entry.mm.map(|mm| mm.message_id(place.domain).into()),
        date: Date(entry.date.seconds()),
        from: entry.shown_originator().map(Address::to_wire).map(Into::into),
        to: shown(&entry.recipients, RecipientKind::To),
        cc: shown(&entry.recipients, RecipientKind::Cc),
        subject: entry.subject.as_deref().map(EncodedString::from),
        message_class: Some(class(&entry.class)),
        priority: Some(priority(entry.priority)),
        delivery_report: Some(entry.delivery_report),
        read_report: Some(entry.read_report),
        mm_state: Some(mm_state(entry.state)),
        mm_flags: mm_flags(&entry.flags),
        message_size: Some(mms::Size(entry.content.len)),
        content_location: Some(place.location(entry.token).into()),
        content: body_of(&entry.content),
        ..RetrieveConf::default()
    };
    carry(conf, &entry.carried)
}

/// Content-Type of a stored multipart; its parts are written where they lie.
pub(super) fn body_of(content: &ContentRef) -> Content<'_> {
    Content {
        media: media::body_to_wire(&content.media_type),
        body: Body::Multipart(Vec::new()),
    }
}

/// Fields of 1.3 stop the parser of a widespread older client. They are sent only where they are needed: in messages
/// for an application, which only a 1.3 client has.
fn carry<'a>(conf: RetrieveConf<'a>, carried: &'a CarriedFields) -> RetrieveConf<'a> {
    let Some(applic_id) = carried.applic_id.as_deref() else {
        return conf;
    };
    RetrieveConf {
        version: Version::V1_3,
        applic_id: Some(applic_id.into()),
        reply_applic_id: carried.reply_applic_id.as_deref().map(Text::from),
        aux_applic_info: carried.aux_applic_info.as_deref().map(Text::from),
        content_class: carried.content_class.and_then(ContentClass::from_octet),
        drm_content: carried.drm_content,
        ..conf
    }
}

/// Who sent it before, the same count tying address and date (digest 5). A hidden one keeps its place and its date.
pub(super) fn previously_sent(
    before: &[PreviouslySent],
) -> (Vec<PreviouslySentBy<'static>>, Vec<PreviouslySentDate<'static>>) {
    let hops = || (1..).zip(before);
    let by = hops().filter_map(|(hop, sent)| {
        let address = sent.by.as_ref()?.to_wire();
        Some(PreviouslySentBy::new(hop, EncodedString::from(address)))
    });
    let dates = hops().map(|(hop, sent)| PreviouslySentDate::new(hop, Date(sent.at.seconds())));
    (by.collect(), dates.collect())
}

pub(super) fn shown(recipients: &[Recipient], kind: RecipientKind) -> Vec<EncodedString<'static>> {
    let recipients = recipients.iter().filter(|recipient| recipient.kind == kind);
    recipients.map(|recipient| recipient.address.to_wire().into()).collect()
}

pub(in crate::mm1) fn reply_charging(offer: &Offer) -> mms::ReplyCharging {
    if offer.text_only {
        mms::ReplyCharging::AcceptedTextOnly
    } else {
        mms::ReplyCharging::Accepted
    }
}

pub(in crate::mm1) fn class(class: &MessageClass) -> mms::MessageClass<'_> {
    match class {
        MessageClass::Personal => mms::MessageClass::Personal,
        MessageClass::Advertisement => mms::MessageClass::Advertisement,
        MessageClass::Informational => mms::MessageClass::Informational,
        MessageClass::Auto => mms::MessageClass::Auto,
        MessageClass::Other(text) => mms::MessageClass::Token(text.as_str().into()),
    }
}

pub(in crate::mm1) fn priority(priority: Priority) -> mms::Priority {
    match priority {
        Priority::Low => mms::Priority::Low,
        Priority::Normal => mms::Priority::Normal,
        Priority::High => mms::Priority::High,
    }
}

/// m-retrieve-conf without a message, with a text that people can read.
///
/// # Errors
/// When `text` has no form on the wire.
pub fn retrieve_refused(status: RetrieveStatus, text: &str, now: UnixMillis) -> Result<Vec<u8>, EncodeError> {
    let conf = RetrieveConf {
        version: Version::V1_2,
        date: Date(now.seconds()),
        retrieve_status: Some(status),
        retrieve_text: Some(text.into()),
        content: Content::text(text),
        ..RetrieveConf::default()
    };
    let mut octets = Vec::new();
    mms::encode(&conf.into(), &mut octets)?;
    Ok(octets)
}
