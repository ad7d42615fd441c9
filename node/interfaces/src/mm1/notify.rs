//! What handsets are told by push: m-notification-ind, m-delivery-ind, m-read-orig-ind and m-cancel-req inside a WSP
//! push (digest 7.3, 7.7, 7.9, 7.21, 20.1).
//!
//! Fields with their default value are left out, the subject is cut to what a list shows, and nothing optional is
//! sent that the handset's version does not know: a notification fits one short message wherever it can.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use mmsc_domain::inbox::{Cancel, DeliveryReport, DeliveryStatus, Notification, ReadReport, ReadStatus, Telling};
use mmsc_domain::record::Priority;
use mmsc_domain::reply_charging::Offer;
use mmsc_domain::{Address, UnixMillis};
use mmsc_ports::{BoxFuture, Clock};
use mmsc_relay::port::{Bearer, TellAttempt, TellOutcome};
use mmsc_wire::mms::{
    self, CancelReq, ContentClass, Date, DeliveryInd, EncodedString, NotificationInd, Pdu, ReadOrigInd, Size, Status,
    TimeValue, Version,
};
use mmsc_wire::push;

use super::config::{Mm1Config, NotifyConfig};
use super::replies::answer_version;
use super::translate::{class, priority, reply_charging};
use crate::bearer::{Push, PushBearer};
use crate::metrics::{Mm1Metrics, Mm1Push, PushOutcome};

/// Tells handsets, over any push transport.
pub struct Mm1Notifier {
    public_url: String,
    domain: String,
    config: NotifyConfig,
    bearer: Arc<dyn PushBearer>,
    clock: Arc<dyn Clock>,
    metrics: Arc<Mm1Metrics>,
    /// The envelope's transaction id, different from push to push.
    envelope: AtomicU8,
}

/// What makes the content of a push.
#[derive(Clone, Debug)]
pub struct PushForm<'a> {
    /// Begin of retrieval addresses, with its last slash.
    pub public_url: &'a str,
    /// Right half of Message-IDs.
    pub domain: &'a str,
    /// Characters of a subject.
    pub subject_characters: usize,
}

impl Mm1Notifier {
    /// Over `bearer`, with the addresses that `config` names.
    #[must_use]
    pub fn new(
        config: &Mm1Config,
        bearer: Arc<dyn PushBearer>,
        clock: Arc<dyn Clock>,
        metrics: Arc<Mm1Metrics>,
    ) -> Self {
        Self {
            public_url: format!("{}/", config.public_url.trim_end_matches('/')),
            domain: config.domain.clone(),
            config: config.notify,
            bearer,
            clock,
            metrics,
            envelope: AtomicU8::new(0),
        }
    }

    /// The push, or how the attempt ends without one.
    fn push(&self, attempt: &TellAttempt) -> Result<Push, TellOutcome> {
        let now = super::domain_time(self.clock.now());
        let left = attempt.expires_at.since(now);
        if left.is_zero() {
            // Says nothing about the handset: the relay's own expiry is about to end it.
            return Err(TellOutcome::Failed { retry_after: None });
        }
        let form = PushForm {
            public_url: &self.public_url,
            domain: &self.domain,
            subject_characters: self.config.subject_characters,
        };
        let octets = match push_pdu(&attempt.telling, &attempt.to, attempt.mms_version, now, &form) {
            Ok(octets) => octets,
            Err(error) => {
                tracing::error!(to = ?attempt.to, %error, "a push cannot be written");
                return Err(TellOutcome::Refused);
            }
        };
        let envelope = self.envelope.fetch_add(1, Ordering::Relaxed);
        let envelope = if self.config.text_content_type {
            push::Push::mms_with_text_type(envelope, &octets)
        } else {
            push::Push::mms(envelope, &octets)
        };
        let mut wsp = Vec::with_capacity(octets.len() + 64);
        if let Err(error) = push::encode(&envelope, &mut wsp) {
            tracing::error!(to = ?attempt.to, %error, "a push cannot be written");
            return Err(TellOutcome::Refused);
        }
        Ok(Push {
            to: attempt.to.clone(),
            octets: wsp.into(),
            validity: left.min(self.config.validity),
            gate: attempt.gate.clone(),
            number: attempt.number,
        })
    }
}

impl Bearer for Mm1Notifier {
    fn tell(&self, attempt: TellAttempt) -> BoxFuture<'static, TellOutcome> {
        let what = match &attempt.telling {
            Telling::Notification(_) => Mm1Push::Notification,
            Telling::DeliveryReport(_) => Mm1Push::DeliveryReport,
            Telling::ReadReport(_) => Mm1Push::ReadReport,
            Telling::Cancel(_) => Mm1Push::Cancel,
        };
        let metrics = self.metrics.clone();
        let push = match self.push(&attempt) {
            Ok(push) => push,
            Err(outcome) => {
                metrics.push(what, PushOutcome::Unsent);
                return Box::pin(std::future::ready(outcome));
            }
        };
        let sent = self.bearer.push(push);
        Box::pin(async move {
            let outcome = sent.await;
            metrics.push(what, label(&outcome));
            outcome
        })
    }
}

fn label(outcome: &TellOutcome) -> PushOutcome {
    match outcome {
        TellOutcome::Sent(_) => PushOutcome::Sent,
        TellOutcome::Failed { .. } => PushOutcome::Failed,
        TellOutcome::Refused => PushOutcome::Refused,
        TellOutcome::Unavailable { .. } => PushOutcome::Unavailable,
        TellOutcome::Unknown => PushOutcome::Unknown,
    }
}

/// The MMS PDU that tells `telling` to the handset of `to`, which is of `mms_version`.
///
/// X-Mms-Message-Size of a notification is the sum of its parts' data in octets, and so less than the m-retrieve-conf
/// that the handset will download (TS 23.140 has the full size of the MM) by that PDU's header fields and the heads of
/// its parts: some hundred octets. The exact length would need the part table and the recipients, which do not travel
/// with a notification, and may change until the download. Handsets show the value and compare it with a limit of
/// their own; none may rely on it (MM1 digest 21: what networks send differs by more than that).
///
/// # Errors
/// When a value has no form on the wire.
pub fn push_pdu(
    telling: &Telling,
    to: &Address,
    mms_version: u8,
    now: UnixMillis,
    form: &PushForm<'_>,
) -> Result<Vec<u8>, mms::EncodeError> {
    let version = answer_version(Some(Version::from_octet(mms_version)));
    let pdu: Pdu<'_> = match telling {
        Telling::Notification(notification) => notification_ind(notification, version, now, form).into(),
        Telling::DeliveryReport(report) => delivery_ind(report, version, form).into(),
        Telling::ReadReport(report) => read_orig_ind(report, to, version, form).into(),
        Telling::Cancel(cancel) => cancel_req(cancel, form).into(),
    };
    let mut octets = Vec::with_capacity(160);
    mms::encode(&pdu, &mut octets)?;
    Ok(octets)
}

fn notification_ind<'a>(
    notification: &'a Notification,
    version: Version,
    now: UnixMillis,
    form: &PushForm<'_>,
) -> NotificationInd<'a> {
    let token = notification.token.to_string();
    let subject = notification
        .subject
        .as_deref()
        .map(|subject| cut(subject, form.subject_characters));
    // Seconds left at sending; clients count from receipt. Never 0: that would be expired on arrival.
    let left = notification.expires_at.since(now).max(Duration::from_secs(1));
    let known = |minor| version.minor_or_zero() >= minor;
    let text_of_1_3 = |text: &'a Option<String>| text.as_deref().filter(|_| known(3)).map(Into::into);
    let offer = notification.reply_offer.as_ref().filter(|_| known(1));
    NotificationInd {
        reply_charging: offer.map(reply_charging),
        reply_charging_deadline: offer.map(|offer| reply_deadline(offer, now)),
        reply_charging_size: offer.and_then(|offer| offer.size).map(Size),
        reply_charging_id: notification
            .reply_to
            .filter(|_| known(1))
            .map(|mm| mm.message_id(form.domain).into()),
        content_location: format!("{}{token}", form.public_url).into(),
        transaction_id: token.into(),
        version,
        from: notification.from.as_ref().map(Address::to_wire).map(Into::into),
        subject: subject.map(EncodedString::from),
        delivery_report: notification.delivery_report.then_some(true),
        stored: Some(true).filter(|_| known(2) && notification.stored),
        message_class: class(&notification.class),
        priority: Some(priority(notification.priority))
            .filter(|_| known(2) && notification.priority != Priority::Normal),
        // Less than the PDU that is retrieved; why stands at `push_pdu`.
        message_size: Size(notification.size_bytes),
        expiry: TimeValue::Relative(left.as_secs()),
        applic_id: text_of_1_3(&notification.applic_id),
        reply_applic_id: text_of_1_3(&notification.reply_applic_id),
        aux_applic_info: text_of_1_3(&notification.aux_applic_info),
        content_class: notification
            .content_class
            .filter(|_| known(3))
            .and_then(ContentClass::from_octet),
        drm_content: notification.drm_content.filter(|_| known(3)),
        ..NotificationInd::default()
    }
}

fn reply_deadline(offer: &Offer, now: UnixMillis) -> TimeValue {
    TimeValue::Relative(offer.deadline.since(now).as_secs().max(1))
}

fn delivery_ind<'a>(report: &DeliveryReport, version: Version, form: &PushForm<'_>) -> DeliveryInd<'a> {
    DeliveryInd {
        version,
        message_id: report.mm.message_id(form.domain).into(),
        to: report.recipient.to_wire().into(),
        date: Date(report.at.seconds()),
        status: delivery_status(report.status, version),
        ..DeliveryInd::default()
    }
}

/// From is the recipient as the network knows it, never as its PDU says (digest 7.9).
fn read_orig_ind<'a>(report: &ReadReport, to: &Address, version: Version, form: &PushForm<'_>) -> ReadOrigInd<'a> {
    ReadOrigInd {
        version,
        message_id: report.mm.message_id(form.domain).into(),
        to: to.to_wire().into(),
        from: report.recipient.to_wire().into(),
        date: Date(report.at.seconds()),
        read_status: match report.status {
            ReadStatus::Read => mms::ReadStatus::Read,
            ReadStatus::DeletedUnread => mms::ReadStatus::Deleted,
        },
        ..ReadOrigInd::default()
    }
}

/// A PDU of 1.3; nobody else is asked.
fn cancel_req<'a>(cancel: &Cancel, form: &PushForm<'_>) -> CancelReq<'a> {
    CancelReq {
        transaction_id: cancel.token.to_string().into(),
        version: Version::V1_3,
        cancel_id: cancel.mm.message_id(form.domain).into(),
    }
}

/// X-Mms-Status in the words of a version (digest 6.2). What an older one does not know is told as what comes nearest:
/// not reached or not known as Unrecognised (1.0) or Indeterminate (1.1), handed on as Retrieved (1.0).
fn delivery_status(status: DeliveryStatus, version: Version) -> Status {
    let minor = version.minor_or_zero();
    match status {
        DeliveryStatus::Expired => Status::Expired,
        DeliveryStatus::Retrieved => Status::Retrieved,
        DeliveryStatus::Rejected => Status::Rejected,
        DeliveryStatus::Unrecognised => Status::Unrecognised,
        DeliveryStatus::Indeterminate | DeliveryStatus::Unreachable if minor == 0 => Status::Unrecognised,
        DeliveryStatus::Indeterminate => Status::Indeterminate,
        DeliveryStatus::Unreachable if minor == 1 => Status::Indeterminate,
        DeliveryStatus::Unreachable => Status::Unreachable,
        DeliveryStatus::Forwarded if minor == 0 => Status::Retrieved,
        DeliveryStatus::Forwarded => Status::Forwarded,
    }
}

/// At most so many characters, none of them cut.
fn cut(text: &str, characters: usize) -> &str {
    match text.char_indices().nth(characters) {
        Some((end, _)) => text.get(..end).unwrap_or(text),
        None => text,
    }
}
