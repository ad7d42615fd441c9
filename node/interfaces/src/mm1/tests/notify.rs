//! What handsets are pushed.

use std::sync::Mutex;
use std::time::Duration;

use mmsc_domain::inbox::{Cancel, DeliveryReport, DeliveryStatus, Notification, ReadReport, ReadStatus, Sent, Telling};
use mmsc_domain::record::{MessageClass, Priority};
use mmsc_domain::reply_charging::Offer;
use mmsc_domain::{Address, MmId, ShardId, Token, UnixMillis};
use mmsc_ports::BoxFuture;
use mmsc_relay::port::{Bearer, Gate, TellAttempt, TellOutcome};
use mmsc_wire::mms::{Field, MessageType, NotificationInd, ReplyCharging, Status, TimeValue};
use mmsc_wire::push;

use super::*;
use crate::bearer::{Push, PushBearer};
use crate::metrics::{Mm1Push, PushOutcome};
use crate::testing::{EPOCH_SECONDS, TokioClock};

const NOW: UnixMillis = UnixMillis(EPOCH_SECONDS * 1000);

/// What fits one short message beside its port header.
const ONE_SHORT_MESSAGE: usize = 133;

fn form() -> PushForm<'static> {
    PushForm {
        public_url: "http://mms.example/",
        domain: "mms.example",
        subject_characters: 40,
    }
}

fn notification() -> Notification {
    Notification {
        token: Token([4; 16]),
        from: Some(alice()),
        subject: None,
        class: MessageClass::Personal,
        priority: Priority::Normal,
        size_bytes: 51_200,
        expires_at: NOW.plus(Duration::from_secs(259_200)),
        delivery_report: false,
        applic_id: None,
        reply_applic_id: None,
        aux_applic_info: None,
        content_class: None,
        drm_content: None,
        reply_offer: None,
        reply_to: None,
        stored: false,
    }
}

fn told(notification: Notification, version: u8) -> Vec<u8> {
    push_pdu(&Telling::Notification(notification), &alice(), version, NOW, &form()).unwrap()
}

fn notification_ind(octets: &[u8]) -> NotificationInd<'_> {
    let Pdu::NotificationInd(pdu) = decode(octets) else {
        panic!()
    };
    pdu
}

/// The worked octets of digest 22, with our ids.
#[test]
fn a_plain_notification_to_the_octet() {
    let token = Token([4; 16]).to_string();
    let expected = [
        b"\x8c\x82\x98".as_slice(),
        token.as_bytes(),
        b"\0\x8d\x92\x89\x18\x80+15550100001/TYPE=PLMN\0\x8a\x80\x8e\x02\xc8\x00\x88\x05\x81\x03\x03\xf4\x80",
        b"\x83http://mms.example/",
        token.as_bytes(),
        b"\0",
    ]
    .concat();
    assert_eq!(told(notification(), 0x92), expected);
}

#[test]
fn optional_fields_depend_on_the_version() {
    let full = Notification {
        subject: Some("x".repeat(39) + "üy"),
        priority: Priority::High,
        delivery_report: true,
        applic_id: Some("app".to_owned()),
        reply_applic_id: Some("reply-app".to_owned()),
        aux_applic_info: Some("aux".to_owned()),
        content_class: Some(0x82),
        drm_content: Some(true),
        ..notification()
    };
    for (version, priority, applic_id) in [
        (0x90, false, false),
        (0x91, false, false),
        (0x92, true, false),
        (0x93, true, true),
    ] {
        let octets = told(full.clone(), version);
        let pdu = notification_ind(&octets);
        assert_eq!(pdu.version.octet(), version);
        assert_eq!(pdu.priority.is_some(), priority, "{version:x}");
        assert_eq!(pdu.applic_id.is_some(), applic_id, "{version:x}");
        assert_eq!(pdu.reply_applic_id.is_some(), applic_id, "{version:x}");
        assert_eq!(pdu.aux_applic_info.is_some(), applic_id, "{version:x}");
        assert_eq!(
            pdu.content_class,
            applic_id.then_some(mmsc_wire::mms::ContentClass::ImageRich)
        );
        assert_eq!(pdu.drm_content, applic_id.then_some(true));
        assert_eq!(pdu.delivery_report, Some(true));
        assert_eq!(pdu.subject.unwrap().to_str(), "x".repeat(39) + "ü");
    }
    assert_eq!(notification_ind(&told(full, 0xF1)).version, Version::V1_3);
}

#[test]
fn a_hidden_sender_is_not_named_and_a_last_second_is_not_zero() {
    let hidden = Notification {
        from: None,
        expires_at: NOW.plus(Duration::from_millis(200)),
        ..notification()
    };
    let octets = told(hidden, 0x92);
    let pdu = notification_ind(&octets);
    assert_eq!(pdu.from, None);
    assert_eq!(pdu.expiry, TimeValue::Relative(1));
}

#[test]
fn reports_speak_the_words_of_the_version() {
    use DeliveryStatus as D;
    let status = |status, version| {
        let report = DeliveryReport {
            mm: MmId::mint(ShardId(1), NOW, [2; 8]),
            recipient: Address::Phone("15550100002".to_owned()),
            status,
            at: NOW,
        };
        let octets = push_pdu(&Telling::DeliveryReport(report), &alice(), version, NOW, &form()).unwrap();
        let Pdu::DeliveryInd(pdu) = decode(&octets) else {
            panic!()
        };
        assert_eq!(pdu.to.to_str(), "+15550100002/TYPE=PLMN");
        assert_eq!(pdu.date.0, EPOCH_SECONDS);
        assert!(pdu.message_id.to_str().ends_with("@mms.example"));
        pdu.status
    };
    let table = [
        (D::Expired, [Status::Expired; 3]),
        (D::Retrieved, [Status::Retrieved; 3]),
        (D::Rejected, [Status::Rejected; 3]),
        (D::Unrecognised, [Status::Unrecognised; 3]),
        (
            D::Indeterminate,
            [Status::Unrecognised, Status::Indeterminate, Status::Indeterminate],
        ),
        (D::Forwarded, [Status::Retrieved, Status::Forwarded, Status::Forwarded]),
        (
            D::Unreachable,
            [Status::Unrecognised, Status::Indeterminate, Status::Unreachable],
        ),
    ];
    for (domain, wire) in table {
        assert_eq!(
            [0x90, 0x91, 0x92].map(|version| status(domain, version)),
            wire,
            "{domain:?}"
        );
    }
}

#[test]
fn a_paid_reply_is_offered_to_those_who_know_of_it() {
    let offering = || Notification {
        reply_offer: Some(Offer {
            text_only: true,
            deadline: NOW.plus(Duration::from_secs(7200)),
            size: Some(5000),
        }),
        reply_to: Some(MmId::mint(ShardId(1), NOW, [2; 8])),
        ..notification()
    };
    let octets = told(offering(), 0x91);
    let pdu = notification_ind(&octets);
    assert_eq!(pdu.reply_charging, Some(ReplyCharging::AcceptedTextOnly));
    assert_eq!(pdu.reply_charging_deadline, Some(TimeValue::Relative(7200)));
    assert_eq!(pdu.reply_charging_size, Some(mmsc_wire::mms::Size(5000)));
    assert!(pdu.reply_charging_id.unwrap().to_str().ends_with("@mms.example"));
    let octets = told(offering(), 0x90);
    let pdu = notification_ind(&octets);
    assert_eq!((pdu.reply_charging, pdu.reply_charging_id), (None, None));
}

#[test]
fn a_read_report_names_the_recipient_as_the_network_knows_it() {
    let report = ReadReport {
        mm: MmId::mint(ShardId(1), NOW, [2; 8]),
        recipient: Address::Phone("15550100002".to_owned()),
        status: ReadStatus::DeletedUnread,
        at: NOW,
    };
    let octets = push_pdu(&Telling::ReadReport(report), &alice(), 0x92, NOW, &form()).unwrap();
    let Pdu::ReadOrigInd(pdu) = decode(&octets) else {
        panic!()
    };
    assert!(pdu.message_id.to_str().ends_with("@mms.example"));
    assert_eq!(pdu.to.to_str(), "+15550100001/TYPE=PLMN");
    assert_eq!(pdu.from.0.to_str(), "+15550100002/TYPE=PLMN");
    assert_eq!(pdu.date.0, EPOCH_SECONDS);
    assert_eq!(pdu.read_status, mmsc_wire::mms::ReadStatus::Deleted);
}

#[test]
fn a_cancellation_names_the_message_and_its_copy() {
    let cancel = Cancel {
        mm: MmId::mint(ShardId(1), NOW, [2; 8]),
        token: Token([4; 16]),
    };
    let id = cancel.mm.message_id("mms.example");
    let octets = push_pdu(&Telling::Cancel(cancel), &alice(), 0x93, NOW, &form()).unwrap();
    let Pdu::CancelReq(pdu) = decode(&octets) else { panic!() };
    assert_eq!(pdu.transaction_id, Token([4; 16]).to_string().into());
    assert_eq!((pdu.version, pdu.cancel_id), (Version::V1_3, id.into()));
}

/// Keeps the pushes, and answers that they were taken over.
#[derive(Default)]
struct Taken(Mutex<Vec<Push>>);

impl PushBearer for Taken {
    fn push(&self, push: Push) -> BoxFuture<'static, TellOutcome> {
        self.0.lock().unwrap().push(push);
        let sent = Sent {
            destination: "smsc".to_owned(),
            message_ids: vec!["1".to_owned()],
        };
        Box::pin(std::future::ready(TellOutcome::Sent(sent)))
    }
}

fn attempt(telling: Telling, expires_at: UnixMillis) -> TellAttempt {
    TellAttempt {
        to: Address::Phone("15550100002".to_owned()),
        telling,
        number: 3,
        expires_at,
        mms_version: 0x92,
        gate: Gate::open(),
    }
}

#[tokio::test(start_paused = true)]
async fn a_push_fits_one_short_message() {
    let taken = Arc::new(Taken::default());
    let metrics = Arc::new(Mm1Metrics::default());
    let config = Mm1Config::new("127.0.0.1:0".parse().unwrap(), "http://mms.example", "mms.example");
    let notifier = Mm1Notifier::new(&config, taken.clone(), Arc::new(TokioClock::start()), metrics.clone());
    let expires_at = notification().expires_at;
    for _ in 0..2 {
        let outcome = notifier
            .tell(attempt(Telling::Notification(notification()), expires_at))
            .await;
        assert!(matches!(outcome, TellOutcome::Sent(_)));
    }
    let pushes = taken.0.lock().unwrap().clone();
    let [first, second] = pushes.as_slice() else { panic!() };
    assert!(first.octets.len() <= ONE_SHORT_MESSAGE, "{}", first.octets.len());
    assert!(first.octets[1..].starts_with(b"\x06\x03\xbe\xaf\x84\x8c\x82"));
    assert_ne!(first.octets[0], second.octets[0]);
    assert_eq!(first.octets[1..], second.octets[1..]);
    assert_eq!((first.number, first.validity), (3, Duration::from_secs(1800)));
    let pushed = push::decode(&first.octets).unwrap();
    assert_eq!(
        notification_ind(pushed.data).transaction_id,
        Token([4; 16]).to_string().into()
    );
    assert_eq!(metrics.pushes(Mm1Push::Notification, PushOutcome::Sent), 2);
}

#[tokio::test(start_paused = true)]
async fn what_has_expired_is_not_pushed() {
    let taken = Arc::new(Taken::default());
    let metrics = Arc::new(Mm1Metrics::default());
    let config = Mm1Config::new("127.0.0.1:0".parse().unwrap(), "http://mms.example/", "mms.example");
    let notifier = Mm1Notifier::new(&config, taken.clone(), Arc::new(TokioClock::start()), metrics.clone());
    let outcome = notifier.tell(attempt(Telling::Notification(notification()), NOW)).await;
    assert_eq!(outcome, TellOutcome::Failed { retry_after: None });
    assert!(taken.0.lock().unwrap().is_empty());
    assert_eq!(metrics.pushes(Mm1Push::Notification, PushOutcome::Unsent), 1);
}

#[test]
fn a_stored_message_is_said_to_be_to_those_who_know() {
    let stored = || Notification {
        stored: true,
        ..notification()
    };
    assert_eq!(notification_ind(&told(stored(), 0x92)).stored, Some(true));
    assert_eq!(notification_ind(&told(stored(), 0x91)).stored, None);
    assert_eq!(notification_ind(&told(notification(), 0x92)).stored, None);
}

/// The fields of a PDU by name.
fn fields_of(octets: &[u8]) -> std::collections::BTreeSet<String> {
    let shown = mmsc_wire::tree::tree(octets, mmsc_wire::tree::Format::Mms, &Limits::default());
    shown.fields.into_iter().map(|field| field.name).collect()
}

/// Everything that is known, told to a handset that knows everything.
#[test]
fn what_this_release_has_nothing_for_is_not_sent() {
    let mm = MmId::mint(ShardId(1), NOW, [2; 8]);
    let everything = Notification {
        subject: Some("subject".to_owned()),
        priority: Priority::High,
        delivery_report: true,
        applic_id: Some("app".to_owned()),
        reply_applic_id: Some("reply-app".to_owned()),
        aux_applic_info: Some("aux".to_owned()),
        content_class: Some(0x82),
        drm_content: Some(true),
        reply_offer: Some(Offer {
            text_only: true,
            deadline: NOW.plus(Duration::from_secs(7200)),
            size: Some(5000),
        }),
        reply_to: Some(mm),
        stored: true,
        ..notification()
    };
    let recipient = Address::Phone("15550100002".to_owned());
    let delivered = DeliveryReport {
        mm,
        recipient: recipient.clone(),
        status: DeliveryStatus::Retrieved,
        at: NOW,
    };
    let read = ReadReport {
        mm,
        recipient,
        status: ReadStatus::Read,
        at: NOW,
    };
    let application = [Field::REPLY_APPLIC_ID, Field::AUX_APPLIC_INFO];
    let of_notifications = [
        Field::DISTRIBUTION_INDICATOR,
        Field::ELEMENT_DESCRIPTOR,
        Field::RECOMMENDED_RETRIEVAL_MODE,
        Field::RECOMMENDED_RETRIEVAL_MODE_TEXT,
        Field::REPLACE_ID,
    ];
    let table = [
        (
            Telling::Notification(everything),
            MessageType::NotificationInd,
            of_notifications.to_vec(),
        ),
        (
            Telling::DeliveryReport(delivered),
            MessageType::DeliveryInd,
            [&[Field::STATUS_TEXT, Field::APPLIC_ID][..], &application].concat(),
        ),
        (
            Telling::ReadReport(read),
            MessageType::ReadOrigInd,
            [&[Field::APPLIC_ID][..], &application].concat(),
        ),
    ];
    for (telling, kind, missing) in table {
        let octets = push_pdu(&telling, &alice(), 0x93, NOW, &form()).unwrap();
        let sent = kind.fields().iter().filter(|field| !missing.contains(field));
        assert_eq!(fields_of(&octets), sent.map(Field::to_string).collect(), "{kind:?}");
    }
}
