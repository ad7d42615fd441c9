//! What the tests of this crate share.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::path::PathBuf;

use mmsc_domain::accept::{ServicePolicy, SubscriberProfile};
use mmsc_domain::command::{DuplicateKey, Submit};
use mmsc_domain::record::{
    CarriedFields, Interface, MediaType, MessageClass, Parameter, PartEntry, Priority, Recipient, RecipientKind,
};
use mmsc_domain::{Address, UnixMillis};

pub const NOW: UnixMillis = UnixMillis(1_700_000_000_000);

pub fn golden_path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name)
}

/// Compares with a golden file; `UPDATE_GOLDEN=1` writes it instead, for a reviewer to read the difference.
pub fn assert_golden(name: &str, found: &[u8]) {
    let path = golden_path(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, found).unwrap();
        return;
    }
    let golden = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    if golden != found {
        let (old, new) = (String::from_utf8_lossy(&golden), String::from_utf8_lossy(found));
        let differs = old.lines().zip(new.lines()).find(|(old, new)| old != new);
        panic!("{name} differs (UPDATE_GOLDEN=1 writes it): {differs:?}");
    }
}

pub fn phone(digits: &str) -> Address {
    Address::Phone(digits.to_owned())
}

pub fn to(kind: RecipientKind, address: Address) -> Recipient {
    Recipient { kind, address }
}

pub fn media(essence: &str) -> MediaType {
    MediaType {
        essence: essence.to_owned(),
        parameters: vec![Parameter {
            name: "charset".to_owned(),
            value: "utf-8".to_owned(),
        }],
    }
}

pub fn part(offset: u64, len: u64) -> PartEntry {
    PartEntry {
        media_type: media("image/jpeg"),
        content_id: Some("<image>".to_owned()),
        content_location: Some("image.jpg".to_owned()),
        headers: vec![Parameter {
            name: "content-disposition".to_owned(),
            value: "inline".to_owned(),
        }],
        offset,
        len,
        installable: None,
    }
}

/// A submission with nothing unusual in it, 30 octets of content.
pub fn submit() -> Submit {
    Submit {
        originator: phone("15550100001"),
        hide_originator: false,
        interface: Interface::Mm1,
        recipients: vec![to(RecipientKind::To, phone("15550100002"))],
        subject: Some("Subject".to_owned()),
        class: MessageClass::Personal,
        priority: Priority::Normal,
        expiry: None,
        delivery_time: None,
        delivery_report: true,
        read_report: false,
        date: None,
        mms_version: 0x92,
        media_type: media("application/vnd.wap.multipart.related"),
        parts: vec![part(0, 10), part(10, 20)],
        carried: CarriedFields::default(),
        previously_sent: Vec::new(),
        charging: mmsc_domain::reply_charging::ReplyCharging::default(),
        store: None,
        duplicate: Some(DuplicateKey {
            interface: Interface::Mm1,
            scope: "+15550100001".to_owned(),
            transaction_id: b"T1".to_vec(),
        }),
    }
}

pub fn policy() -> ServicePolicy {
    ServicePolicy::default()
}

pub fn profile() -> SubscriberProfile {
    SubscriberProfile::default()
}

pub fn notification_row(policy: &mmsc_domain::telling::TellingPolicy) -> mmsc_domain::inbox::InboxRow {
    use mmsc_domain::inbox::{InboxRow, Notification, Telling};
    let told = Notification {
        token: mmsc_domain::Token([7; 16]),
        from: None,
        subject: None,
        class: MessageClass::Personal,
        priority: Priority::Normal,
        size_bytes: 30,
        expires_at: NOW.plus(DAY),
        delivery_report: false,
        applic_id: None,
        reply_applic_id: None,
        aux_applic_info: None,
        content_class: None,
        drm_content: None,
        reply_offer: None,
        reply_to: None,
        stored: false,
    };
    InboxRow::born(Telling::Notification(told), NOW, NOW.plus(DAY), policy)
}

pub fn report_row(policy: &mmsc_domain::telling::TellingPolicy) -> mmsc_domain::inbox::InboxRow {
    use mmsc_domain::inbox::{DeliveryReport, DeliveryStatus, InboxRow, Telling};
    let report = DeliveryReport {
        mm: mmsc_domain::MmId([1; 16]),
        recipient: phone("15550100002"),
        status: DeliveryStatus::Retrieved,
        at: NOW,
    };
    InboxRow::born(Telling::DeliveryReport(report), NOW, NOW.plus(DAY), policy)
}

pub fn sent() -> mmsc_domain::inbox::Sent {
    mmsc_domain::inbox::Sent {
        destination: "main".to_owned(),
        message_ids: vec!["A1".to_owned(), "A2".to_owned()],
    }
}

pub const DAY: std::time::Duration = std::time::Duration::from_secs(86_400);
