//! m-send-req → submission.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use mmsc_domain::address::HomePrefix;
use mmsc_domain::command::{DuplicateKey, Submit, TimeWish};
use mmsc_domain::content::Installable;
use mmsc_domain::record::{
    CarriedFields, Interface, MediaType, MessageClass, PartEntry, Priority, Recipient, RecipientKind,
};
use mmsc_domain::reply_charging::{OfferWish, ReplyCharging};
use mmsc_domain::{Address, MmId, UnixMillis};
use mmsc_wire::mms::{
    self, Body, Content, EncodedString, Limits, Part, PartHead, SendReq, Sender, SenderVisibility, Text, TimeValue,
    Version,
};
use mmsc_wire::wsp::multipart;

use super::media;
use super::mmbox::store_wish;

/// A submission and the recipients that could not be read.
#[derive(Debug)]
pub struct Submission {
    /// The command; part octets follow from [`Submission::into_command`].
    submit: Submit,
    /// Recipients left out, as they were written, each once.
    pub left_out: Vec<String>,
    /// The address that From names, if it names one.
    pub claimed_from: Option<Address>,
    sources: Vec<Source>,
}

/// Where a part's octets come from.
#[derive(Debug)]
pub(super) enum Source {
    /// They lie in the PDU.
    There(Range<usize>),
    /// They were base64 or quoted-printable in the PDU, from this offset on, and longer.
    Decoded(usize, Vec<u8>),
}

/// Why a PDU that can be read is no submission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubmitError {
    /// There is no To, Cc or Bcc.
    NoRecipients,
    /// None of the recipients can be read, or one cannot and the client knows no partial success (before 1.2).
    BadRecipient(String),
}

/// Translates `pdu`, which was decoded from `octets`, for the authenticated `originator`.
///
/// # Errors
/// [`SubmitError`]: the sender named no usable recipient.
pub fn submission(
    pdu: &SendReq<'_>,
    octets: &[u8],
    originator: Address,
    version: Version,
    home: Option<&HomePrefix>,
) -> Result<Submission, SubmitError> {
    let (recipients, left_out) = recipients([&pdu.to, &pdu.cc, &pdu.bcc], version, home)?;
    let (media_type, parts, sources) = parts(&pdu.content, octets);
    let duplicate = DuplicateKey {
        interface: Interface::Mm1,
        scope: originator.to_string(),
        transaction_id: pdu.transaction_id.as_octets().to_vec(),
    };
    let text = |text: &EncodedString<'_>| text.to_str().into_owned();
    let submit = Submit {
        originator,
        hide_originator: pdu.sender_visibility == Some(SenderVisibility::Hide),
        interface: Interface::Mm1,
        recipients,
        subject: pdu.subject.as_ref().map(text).filter(|subject| !subject.is_empty()),
        class: pdu.message_class.as_ref().map(class_from).unwrap_or_default(),
        priority: pdu.priority.map(priority_from).unwrap_or_default(),
        expiry: pdu.expiry.map(time_wish),
        delivery_time: pdu.delivery_time.map(time_wish),
        delivery_report: pdu.delivery_report.unwrap_or(false),
        read_report: pdu.read_report.unwrap_or(false),
        date: pdu.date.map(|date| UnixMillis::from_seconds(date.0)),
        mms_version: version.octet(),
        media_type,
        parts,
        carried: carried(pdu),
        duplicate: Some(duplicate),
        previously_sent: Vec::new(),
        charging: charging(pdu),
        store: (pdu.store == Some(true)).then(|| store_wish(pdu.mm_state, &pdu.mm_flags)),
    };
    let claimed_from = match &pdu.from {
        Sender::InsertAddress => None,
        Sender::Address(address) => Address::parse(&address.to_str(), home).ok(),
    };
    Ok(Submission {
        submit,
        left_out,
        claimed_from,
        sources,
    })
}

impl Submission {
    /// The command, and the octets of its parts one after another. They are moved together inside the buffer of the
    /// PDU, so that the content is never copied to another.
    #[must_use]
    pub fn into_command(self, octets: BytesMut) -> (Submit, Bytes) {
        (self.submit, gather(self.sources, octets))
    }
}

/// Moves the octets of parts together inside the buffer of their PDU.
pub(super) fn gather(sources: Vec<Source>, mut octets: BytesMut) -> Bytes {
    let mut at = 0;
    for source in sources {
        match source {
            Source::There(range) => {
                // Parts stand in order, each behind its head, so `at` never passes the start of the next.
                debug_assert!(at <= range.start && range.end <= octets.len());
                let len = range.len();
                if range.end <= octets.len() && at <= range.start {
                    octets.copy_within(range, at);
                }
                at += len;
            }
            Source::Decoded(offset, decoded) => {
                debug_assert!(at <= offset);
                if let Some(room) = octets.get_mut(at..at + decoded.len()) {
                    room.copy_from_slice(&decoded);
                }
                at += decoded.len();
            }
        }
    }
    octets.truncate(at);
    octets.freeze()
}

/// The recipients that To, Cc and Bcc name, and the texts that name none.
pub(super) fn recipients(
    [to, cc, bcc]: [&Vec<EncodedString<'_>>; 3],
    version: Version,
    home: Option<&HomePrefix>,
) -> Result<(Vec<Recipient>, Vec<String>), SubmitError> {
    let fields = [
        (RecipientKind::To, to),
        (RecipientKind::Cc, cc),
        (RecipientKind::Bcc, bcc),
    ];
    let mut recipients = Vec::new();
    let mut left_out = Vec::new();
    let mut unreadable = BTreeSet::new();
    for (kind, texts) in fields {
        for text in texts {
            let text = text.to_str();
            match Address::parse(&text, home) {
                Ok(address) => recipients.push(Recipient { kind, address }),
                Err(_) if unreadable.insert(text.to_string()) => left_out.push(text.into_owned()),
                Err(_) => {}
            }
        }
    }
    match left_out.first() {
        None if recipients.is_empty() => Err(SubmitError::NoRecipients),
        Some(bad) if recipients.is_empty() || version.minor_or_zero() < 2 => {
            Err(SubmitError::BadRecipient(bad.clone()))
        }
        None | Some(_) => Ok((recipients, left_out)),
    }
}

/// The part table, and where the octets of each part are.
pub(super) fn parts(content: &Content<'_>, octets: &[u8]) -> (MediaType, Vec<PartEntry>, Vec<Source>) {
    let single;
    let parts: &[Part<'_>] = match &content.body {
        Body::Multipart(parts) => parts,
        Body::Single(data) => {
            single = [Part {
                head: PartHead {
                    media: content.media.clone(),
                    ..PartHead::default()
                },
                data,
            }];
            &single
        }
    };
    let mut at = 0;
    let mut entries = Vec::with_capacity(parts.len());
    let mut sources = Vec::with_capacity(parts.len());
    for part in parts {
        let source = source(part, octets);
        let len = u64::try_from(source.len()).unwrap_or(u64::MAX);
        let mut entry = media::part_from_wire(&part.head, at, len);
        entry.installable = inside(part);
        entries.push(entry);
        sources.push(source);
        at += len;
    }
    (media::body_from_wire(&content.media), entries, sources)
}

/// What is installable inside a part that is a multipart itself; the relay sees only octets.
fn inside(part: &Part<'_>) -> Option<Installable> {
    if !part.head.media.media.is_multipart() {
        return None;
    }
    let limits = Limits::default();
    let leaves = multipart::leaves(std::slice::from_ref(part), limits.max_depth, limits.max_parts);
    leaves.iter().find_map(|leaf| Installable::of(&leaf.plain_data()))
}

fn source(part: &Part<'_>, octets: &[u8]) -> Source {
    let start = part.data.as_ptr().addr().saturating_sub(octets.as_ptr().addr());
    match part.plain_data() {
        Cow::Owned(decoded) if decoded.len() <= part.data.len() => Source::Decoded(start, decoded),
        Cow::Owned(_) | Cow::Borrowed(_) => Source::There(start..start + part.data.len()),
    }
}

impl Source {
    fn len(&self) -> usize {
        match self {
            Self::There(range) => range.len(),
            Self::Decoded(_, decoded) => decoded.len(),
        }
    }
}

pub(super) fn class_from(class: &mms::MessageClass<'_>) -> MessageClass {
    match class {
        mms::MessageClass::Personal => MessageClass::Personal,
        mms::MessageClass::Advertisement => MessageClass::Advertisement,
        mms::MessageClass::Informational => MessageClass::Informational,
        mms::MessageClass::Auto => MessageClass::Auto,
        mms::MessageClass::Token(text) => MessageClass::Other(text.to_str().into_owned()),
    }
}

pub(super) fn priority_from(priority: mms::Priority) -> Priority {
    match priority {
        mms::Priority::Low => Priority::Low,
        mms::Priority::Normal => Priority::Normal,
        mms::Priority::High => Priority::High,
    }
}

pub(super) fn time_wish(time: TimeValue) -> TimeWish {
    match time {
        TimeValue::Absolute(seconds) => TimeWish::At(UnixMillis::from_seconds(seconds)),
        TimeValue::Relative(seconds) => TimeWish::After(Duration::from_secs(seconds)),
    }
}

/// Accepted and Accepted-text-only only travel to handsets; from one they mean nothing.
fn charging(pdu: &SendReq<'_>) -> ReplyCharging {
    let text_only = match pdu.reply_charging {
        Some(mms::ReplyCharging::Requested) => Some(false),
        Some(mms::ReplyCharging::RequestedTextOnly) => Some(true),
        Some(mms::ReplyCharging::Accepted | mms::ReplyCharging::AcceptedTextOnly) | None => None,
    };
    let offer = text_only.map(|text_only| OfferWish {
        text_only,
        deadline: pdu.reply_charging_deadline.map(time_wish),
        size: pdu.reply_charging_size.map(|size| size.0),
    });
    let original = pdu.reply_charging_id.as_ref();
    ReplyCharging {
        offer,
        reply_to: original.and_then(|id| MmId::from_message_id(&id.to_str())),
    }
}

fn carried(pdu: &SendReq<'_>) -> CarriedFields {
    let text = |text: &Option<Text<'_>>| text.as_ref().map(|text| text.to_str().into_owned());
    CarriedFields {
        applic_id: text(&pdu.applic_id),
        reply_applic_id: text(&pdu.reply_applic_id),
        aux_applic_info: text(&pdu.aux_applic_info),
        content_class: pdu.content_class.map(mms::ContentClass::octet),
        drm_content: pdu.drm_content,
        adaptation_allowed: pdu.adaptation_allowed,
    }
}
