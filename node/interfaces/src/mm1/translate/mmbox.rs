//! MMBox: requests → commands, stored messages → m-mbox-descr and m-mbox-view-conf.

use bytes::{Bytes, BytesMut};
use mmsc_domain::address::HomePrefix;
use mmsc_domain::command::Submit;
use mmsc_domain::mmbox::{Filter, FlagChange, MmBoxEntry, MmBoxState, StoreWish, Upload, View};
use mmsc_domain::record::{CarriedFields, Interface, MediaType, Recipient, RecipientKind};
use mmsc_domain::{Address, Token, UnixMillis};
use mmsc_relay::{Viewed, ViewedEntry};
use mmsc_wire::mms::{
    self, Attribute, Content, ContentClass, Date, EncodedString, Field, FlagAction, Limits, MboxAmount, MboxDescr,
    MboxUploadReq, MboxViewConf, MboxViewReq, Media, MmFlag, MmState, Number, Part, PartHead, Pdu, Size, Text, Version,
};

use super::retrieve::{RetrieveError, body_of, class, previously_sent, priority, shown, written};
use super::submit::{Source, class_from, gather, parts, priority_from};

/// Where stored messages are fetched, and whose Message-IDs they have.
#[derive(Clone, Copy, Debug)]
pub struct StorePlace<'a> {
    /// Begin of retrieval addresses.
    pub public_url: &'a str,
    /// Right half of Message-IDs.
    pub domain: &'a str,
}

impl StorePlace<'_> {
    /// The Content-Location of a stored message.
    #[must_use]
    pub fn location(&self, token: Token) -> String {
        format!("{}/{token}", self.public_url.trim_end_matches('/'))
    }
}

/// X-Mms-MM-State as we send it.
pub(super) fn mm_state(state: MmBoxState) -> MmState {
    match state {
        MmBoxState::Draft => MmState::Draft,
        MmBoxState::Sent => MmState::Sent,
        MmBoxState::New => MmState::New,
        MmBoxState::Retrieved => MmState::Retrieved,
        MmBoxState::Forwarded => MmState::Forwarded,
    }
}

fn state_from(state: MmState) -> MmBoxState {
    match state {
        MmState::Draft => MmBoxState::Draft,
        MmState::Sent => MmBoxState::Sent,
        MmState::New => MmBoxState::New,
        MmState::Retrieved => MmBoxState::Retrieved,
        MmState::Forwarded => MmBoxState::Forwarded,
    }
}

/// The keywords of a stored message as we send them.
pub(super) fn mm_flags(flags: &[String]) -> Vec<MmFlag<'static>> {
    let flag = |keyword: &String| MmFlag {
        action: FlagAction::Add,
        keyword: keyword.clone().into(),
    };
    flags.iter().map(flag).collect()
}

/// X-Mms-MM-State and X-Mms-MM-Flags of a request that stores. A filter has no meaning there.
pub fn store_wish(state: Option<MmState>, flags: &[MmFlag<'_>]) -> StoreWish {
    let change = |flag: &MmFlag<'_>| {
        let keyword = flag.keyword.to_str().into_owned();
        match flag.action {
            FlagAction::Add => Some(FlagChange::Add(keyword)),
            FlagAction::Remove => Some(FlagChange::Remove(keyword)),
            FlagAction::Filter => None,
        }
    };
    StoreWish {
        state: state.map(state_from),
        flags: flags.iter().filter_map(change).collect(),
    }
}

/// m-mbox-view-req → view. `token_at` finds the token in a location. In a view every keyword is one to look for,
/// whatever its token says.
pub fn view(pdu: &MboxViewReq<'_>, owner: Address, token_at: impl Fn(&Text<'_>) -> Option<Token>) -> View {
    let named = !pdu.content_locations.is_empty();
    View {
        owner,
        named: named.then(|| pdu.content_locations.iter().map(token_at).collect()),
        filter: Filter {
            states: pdu.mm_states.iter().map(|state| state_from(*state)).collect(),
            keywords: pdu
                .mm_flags
                .iter()
                .map(|flag| flag.keyword.to_str().into_owned())
                .collect(),
        },
        start: pdu.start.map_or(0, |start| start.0),
        limit: pdu.limit.map(|limit| limit.0),
        content: pdu.attributes.contains(&Attribute(Field::CONTENT)),
    }
}

/// An upload whose octets still lie in the PDU.
#[derive(Debug)]
pub struct Uploading {
    upload: Upload,
    sources: Vec<Source>,
}

/// Why a PDU that can be read is no upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UploadError {
    /// Not exactly one m-mbox-descr that can be read is in it.
    NoDescription,
    /// A recipient that cannot be read.
    BadRecipient(String),
}

/// m-mbox-upload-req, which was decoded from `octets`, → upload.
///
/// # Errors
/// [`UploadError`].
pub fn upload(
    pdu: &MboxUploadReq<'_>,
    octets: &[u8],
    owner: Address,
    version: Version,
    limits: &Limits,
    home: Option<&HomePrefix>,
) -> Result<Uploading, UploadError> {
    let mut descriptions = pdu.content.descriptions();
    let (Some(description), None) = (descriptions.next(), descriptions.next()) else {
        return Err(UploadError::NoDescription);
    };
    let Ok(Pdu::MboxDescr(descr)) = mms::decode(description, limits) else {
        return Err(UploadError::NoDescription);
    };
    // What the description says of state and keywords stands back behind what the request says.
    let flags = if pdu.mm_flags.is_empty() {
        &descr.mm_flags
    } else {
        &pdu.mm_flags
    };
    let wish = store_wish(pdu.mm_state.or(descr.mm_state), flags);
    let own = matches!(wish.state, None | Some(MmBoxState::Draft | MmBoxState::Sent));
    let claimed = descr.from.as_ref();
    let claimed = claimed.and_then(|from| Address::parse(&from.0.to_str(), home).ok());
    let nothing = MediaType {
        essence: "multipart/mixed".to_owned(),
        parameters: Vec::new(),
    };
    let (media_type, parts, sources) = match &descr.content {
        Some(content) => parts(content, octets),
        None => (nothing, Vec::new(), Vec::new()),
    };
    let text = |text: &EncodedString<'_>| text.to_str().into_owned();
    let message = Submit {
        charging: mmsc_domain::reply_charging::ReplyCharging::default(),
        originator: claimed.filter(|_| !own).unwrap_or_else(|| owner.clone()),
        hide_originator: false,
        interface: Interface::Mm1,
        recipients: recipients(&descr, home)?,
        subject: descr.subject.as_ref().map(text).filter(|subject| !subject.is_empty()),
        class: descr.message_class.as_ref().map(class_from).unwrap_or_default(),
        priority: descr.priority.map(priority_from).unwrap_or_default(),
        expiry: None,
        delivery_time: None,
        delivery_report: descr.delivery_report.unwrap_or(false),
        read_report: descr.read_report.unwrap_or(false),
        date: descr.date.map(|date| UnixMillis::from_seconds(date.0)),
        mms_version: version.octet(),
        media_type,
        parts,
        carried: carried(&descr),
        duplicate: None,
        previously_sent: Vec::new(),
        store: None,
    };
    let upload = Upload {
        owner,
        transaction_id: pdu.transaction_id.as_octets().to_vec(),
        wish,
        message,
    };
    Ok(Uploading { upload, sources })
}

impl Uploading {
    /// The command, and the octets of its parts one after another, moved together inside the buffer of the PDU.
    #[must_use]
    pub fn into_command(self, octets: BytesMut) -> (Upload, Bytes) {
        (self.upload, gather(self.sources, octets))
    }
}

fn recipients(descr: &MboxDescr<'_>, home: Option<&HomePrefix>) -> Result<Vec<Recipient>, UploadError> {
    let fields = [
        (RecipientKind::To, &descr.to),
        (RecipientKind::Cc, &descr.cc),
        (RecipientKind::Bcc, &descr.bcc),
    ];
    let named = fields
        .into_iter()
        .flat_map(|(kind, texts)| texts.iter().map(move |text| (kind, text)));
    let read = named.map(|(kind, text)| {
        let text = text.to_str();
        match Address::parse(&text, home) {
            Ok(address) => Ok(Recipient { kind, address }),
            Err(_) => Err(UploadError::BadRecipient(text.into_owned())),
        }
    });
    read.collect()
}

fn carried(descr: &MboxDescr<'_>) -> CarriedFields {
    let text = |text: &Option<Text<'_>>| text.as_ref().map(|text| text.to_str().into_owned());
    CarriedFields {
        applic_id: text(&descr.applic_id),
        reply_applic_id: text(&descr.reply_applic_id),
        aux_applic_info: text(&descr.aux_applic_info),
        content_class: descr.content_class.map(ContentClass::octet),
        drm_content: descr.drm_content,
        adaptation_allowed: None,
    }
}

/// What a view was asked for, borrowing nothing from its PDU: the fields that its confirmation repeats.
#[derive(Clone, Debug)]
pub struct ViewEcho(MboxViewReq<'static>);

impl ViewEcho {
    /// Of a request.
    #[must_use]
    pub fn of(pdu: &MboxViewReq<'_>, version: Version) -> Self {
        let flag = |flag: &MmFlag<'_>| MmFlag {
            action: flag.action,
            keyword: flag.keyword.clone().into_owned(),
        };
        Self(MboxViewReq {
            transaction_id: pdu.transaction_id.clone().into_owned(),
            version,
            content_locations: pdu.content_locations.iter().map(|it| it.clone().into_owned()).collect(),
            mm_states: pdu.mm_states.clone(),
            mm_flags: pdu.mm_flags.iter().map(flag).collect(),
            start: pdu.start,
            limit: pdu.limit,
            attributes: pdu.attributes.clone(),
            totals: pdu.totals,
            quotas: pdu.quotas,
        })
    }
}

/// The octets of m-mbox-view-conf (digest 7.15).
///
/// # Errors
/// [`RetrieveError`]: a stored message cannot be written.
pub fn view_conf(echo: ViewEcho, viewed: &Viewed, place: &StorePlace<'_>) -> Result<Vec<u8>, RetrieveError> {
    let asked = echo.0;
    let descriptions: Result<Vec<Vec<u8>>, RetrieveError> = viewed
        .entries
        .iter()
        .map(|viewed| description(viewed, &asked.attributes, place))
        .collect();
    let descriptions = descriptions?;
    let amounts = |wanted: Option<bool>, messages, octets| match wanted {
        Some(true) => vec![MboxAmount::Messages(messages), MboxAmount::Octets(octets)],
        Some(false) | None => Vec::new(),
    };
    let conf = MboxViewConf {
        transaction_id: asked.transaction_id,
        version: asked.version,
        response_status: mms::ResponseStatus::Ok,
        response_text: None,
        content_locations: asked.content_locations,
        mm_states: asked.mm_states,
        mm_flags: asked.mm_flags,
        start: asked.start,
        limit: asked.limit,
        attributes: asked.attributes,
        mbox_totals: amounts(asked.totals, viewed.totals.messages, viewed.totals.octets),
        mbox_quotas: amounts(asked.quotas, viewed.quota.max_messages, viewed.quota.max_octets),
        message_count: Some(Number(viewed.matching)),
        content: listing(&descriptions),
    };
    let mut octets = Vec::new();
    mms::encode(&conf.into(), &mut octets)?;
    Ok(octets)
}

fn listing(descriptions: &[Vec<u8>]) -> Content<'_> {
    if descriptions.is_empty() {
        return nothing_listed();
    }
    let part = |octets| Part {
        head: PartHead {
            media: mms::MediaType::mms_message(),
            ..PartHead::default()
        },
        data: octets,
    };
    Content::mixed(descriptions.iter().map(Vec::as_slice).map(part).collect())
}

/// Content-Type is mandatory; a client expects any type and no body when there is nothing to list.
pub(in crate::mm1) fn nothing_listed() -> Content<'static> {
    Content {
        media: Media::Code(0).into(),
        ..Content::default()
    }
}

/// What is described of a message where the client does not say: what a notification carries.
const AS_NOTIFIED: &[Field] = &[
    Field::FROM,
    Field::SUBJECT,
    Field::MESSAGE_CLASS,
    Field::MESSAGE_SIZE,
    Field::PRIORITY,
    Field::DELIVERY_REPORT,
];

/// One m-mbox-descr. Address, Message-ID and state are always in it (digest 7.16).
fn description(
    viewed: &ViewedEntry,
    attributes: &[Attribute],
    place: &StorePlace<'_>,
) -> Result<Vec<u8>, RetrieveError> {
    let entry = &viewed.entry;
    let mut descr = described(entry, attributes, place);
    let mut octets = Vec::new();
    match &viewed.content {
        None => mms::encode(&descr.into(), &mut octets)?,
        Some(content) => {
            descr.content = Some(body_of(&entry.content));
            let (chunks, _) = written(&descr.into(), &entry.content, Some(content))?;
            octets = chunks.concat();
        }
    }
    Ok(octets)
}

fn described<'a>(entry: &'a MmBoxEntry, attributes: &[Attribute], place: &StorePlace<'_>) -> MboxDescr<'a> {
    let wants = |field: Field| match attributes {
        [] => AS_NOTIFIED.contains(&field),
        some => some.contains(&Attribute(field)),
    };
    let named = |kind, field| {
        if wants(field) {
            shown(&entry.recipients, kind)
        } else {
            Vec::new()
        }
    };
    let carried = &entry.carried;
    let text = |text: &'a Option<String>, field| text.as_deref().filter(|_| wants(field)).map(Text::from);
    let (by, dates) = previously_sent(&entry.previously_sent);
    let originator = entry.shown_originator().filter(|_| wants(Field::FROM));
    MboxDescr {
        content_location: Some(place.location(entry.token).into()),
        message_id: entry.mm.map(|mm| mm.message_id(place.domain).into()),
        mm_state: Some(mm_state(entry.state)),
        mm_flags: if wants(Field::MM_FLAGS) {
            mm_flags(&entry.flags)
        } else {
            Vec::new()
        },
        date: wants(Field::DATE).then(|| Date(entry.date.seconds())),
        from: originator.map(|address| mms::Originator::from(address.to_wire())),
        to: named(RecipientKind::To, Field::TO),
        cc: named(RecipientKind::Cc, Field::CC),
        bcc: named(RecipientKind::Bcc, Field::BCC),
        message_class: wants(Field::MESSAGE_CLASS).then(|| class(&entry.class)),
        subject: entry
            .subject
            .as_deref()
            .filter(|_| wants(Field::SUBJECT))
            .map(EncodedString::from),
        priority: wants(Field::PRIORITY).then(|| priority(entry.priority)),
        delivery_report: wants(Field::DELIVERY_REPORT).then_some(entry.delivery_report),
        read_report: wants(Field::READ_REPORT).then_some(entry.read_report),
        message_size: wants(Field::MESSAGE_SIZE).then_some(Size(entry.content.len)),
        previously_sent_by: if wants(Field::PREVIOUSLY_SENT_BY) {
            by
        } else {
            Vec::new()
        },
        previously_sent_date: if wants(Field::PREVIOUSLY_SENT_DATE) {
            dates
        } else {
            Vec::new()
        },
        applic_id: text(&carried.applic_id, Field::APPLIC_ID),
        reply_applic_id: text(&carried.reply_applic_id, Field::REPLY_APPLIC_ID),
        aux_applic_info: text(&carried.aux_applic_info, Field::AUX_APPLIC_INFO),
        content_class: carried
            .content_class
            .filter(|_| wants(Field::CONTENT_CLASS))
            .and_then(ContentClass::from_octet),
        drm_content: carried.drm_content.filter(|_| wants(Field::DRM_CONTENT)),
        ..MboxDescr::default()
    }
}
