//! Records as the store has them: what was written once stays readable, and what a newer node adds is skipped.
//!
//! A golden file is never rewritten: when a format changes, its new bytes get a file with the next number, and the old
//! file stays.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod common;

use std::fmt::Debug;

use common::{DAY, NOW, golden_path, media, notification_row, part, phone, policy, report_row, sent, submit, to};
use minicbor::{Decode, Encode};
use mmsc_domain::accept::{MAX_VISIBLE_RECIPIENTS, SubscriberProfile, admit};
use mmsc_domain::inbox::{AttemptState, Cancel, InboxRow, ReadReport, ReadStatus, Telling};
use mmsc_domain::lifecycle::{CopyState, Final, Undeliverable};
use mmsc_domain::mmbox::{MmBoxEntry, MmBoxState, MmBoxTotals, NewEntry, NotStored, Stored};
use mmsc_domain::record::{
    CarriedFields, ChainEntry, ContentRef, CopyRecord, MessageClass, MmHead, MmProgress, PreviouslySent, RecipientKind,
};
use mmsc_domain::reply_charging::{Claim, Offer};
use mmsc_domain::telling::TellingPolicy;
use mmsc_domain::{Address, CopyIndex, MmId, ShardId, Token, Why};

fn assert_record<T>(name: &str, value: &T)
where
    T: Encode<()> + for<'b> Decode<'b, ()> + PartialEq + Debug,
{
    let octets = minicbor::to_vec(value).unwrap();
    let path = golden_path(&format!("records/{name}"));
    if !path.exists() && std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &octets).unwrap();
    }
    let golden = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let read: T = minicbor::decode(&golden).unwrap();
    assert_eq!(&read, value, "{name} is read differently");
    assert_eq!(
        golden, octets,
        "{name} is written differently: that is a new format and needs a new file"
    );
    if let Some(newer) = with_unknown_key(&golden) {
        let read: T = minicbor::decode(&newer).unwrap();
        assert_eq!(&read, value, "{name} with a field of a newer node");
    }
}

/// The same map with a key 200 that nobody knows, whose value is a map itself.
fn with_unknown_key(octets: &[u8]) -> Option<Vec<u8>> {
    let (first, rest) = octets.split_first()?;
    let head = match first {
        0xA0..=0xB6 => vec![first + 1],
        0xB7 => vec![0xB8, 24],
        _ => return None,
    };
    let unknown = [0x18, 200, 0xA1, 0x00, 0x83, 0x01, 0x02, 0x03];
    Some([&head, rest, &unknown].concat())
}

fn id() -> MmId {
    MmId::mint(ShardId(0x0102), NOW, [0xAB; 8])
}

fn content() -> ContentRef {
    ContentRef {
        id: [0x11; 16],
        len: 30,
        sha256: [0x22; 32],
        media_type: media("application/vnd.wap.multipart.related"),
        parts: vec![part(0, 10), part(10, 20)],
    }
}

fn head() -> MmHead {
    let mut submit = submit();
    submit
        .recipients
        .push(to(RecipientKind::Cc, Address::Email("a@b.example".to_owned())));
    submit.class = MessageClass::Other("vendor".to_owned());
    submit.carried = CarriedFields {
        applic_id: Some("app".to_owned()),
        reply_applic_id: Some("reply".to_owned()),
        aux_applic_info: Some("aux".to_owned()),
        content_class: Some(2),
        drm_content: Some(false),
        adaptation_allowed: Some(true),
    };
    let mut policy = policy();
    policy.unroutable = mmsc_domain::accept::Unroutable::Report;
    let admission = admit(&submit, 30, NOW, &policy, &SubscriberProfile::default()).unwrap();
    MmHead {
        deliver_at: Some(NOW.plus(DAY)),
        ..admission.head(&submit, id(), content(), NOW)
    }
}

fn copy(state: CopyState) -> CopyRecord {
    CopyRecord {
        index: CopyIndex(3),
        recipient: to(RecipientKind::Bcc, phone("15550100002")),
        token: Token::mint(ShardId(0x0102), [0xCD; 14]),
        state,
        why: Why::ContentServed,
        since: NOW,
        due_at: Some(NOW.plus(DAY)),
        told_due_at: None,
        report_refused: true,
        read_reported: false,
        stored: false,
        taken_back: false,
    }
}

#[test]
fn heads() {
    assert_record("mm_head.1.cbor", &head());
    let forwarded = MmHead {
        previously_sent: vec![
            PreviouslySent { by: None, at: NOW },
            PreviouslySent {
                by: Some(phone("15550100001")),
                at: NOW.plus(DAY),
            },
        ],
        ..head()
    };
    assert_record("mm_head.2.cbor", &forwarded);
    let charged = MmHead {
        reply_offer: Some(Offer {
            text_only: true,
            deadline: NOW.plus(DAY),
            size: Some(1000),
        }),
        reply_claim: Some(Claim {
            original: id(),
            charged_to: phone("15550100001"),
        }),
        ..head()
    };
    assert_record("mm_head.3.cbor", &charged);
    assert_record(
        "mm_progress.1.cbor",
        &MmProgress {
            expanded: 100,
            open: 7,
            due_at: NOW,
            final_at: Some(NOW),
            content_released: false,
            cancelled_at: None,
        },
    );
    assert_record(
        "chain_entry.1.cbor",
        &ChainEntry {
            at: NOW,
            copy: Some(CopyIndex(3)),
            why: Why::HandsetRejected,
        },
    );
}

#[test]
fn copies_in_every_state() {
    for (name, state) in [
        ("screening", CopyState::Screening),
        ("scheduled", CopyState::Scheduled),
        ("telling", CopyState::Telling),
        ("deferred", CopyState::Deferred),
        ("served", CopyState::Served),
        ("adapting", CopyState::Adapting),
        ("forwarding", CopyState::Forwarding),
        ("retrieved", CopyState::Final(Final::Retrieved)),
        (
            "undeliverable",
            CopyState::Final(Final::Undeliverable(Undeliverable::Indeterminate)),
        ),
        ("converted", CopyState::Final(Final::Converted)),
    ] {
        assert_record(&format!("copy_{name}.1.cbor"), &copy(state));
    }
    let read = CopyRecord {
        read_reported: true,
        ..copy(CopyState::Final(Final::Retrieved))
    };
    assert_record("copy_retrieved.2.cbor", &read);
    let taken_back = CopyRecord {
        taken_back: true,
        ..copy(CopyState::Final(Final::Retrieved))
    };
    assert_record("copy_retrieved.3.cbor", &taken_back);
    let stored = CopyRecord {
        stored: true,
        ..copy(CopyState::Telling)
    };
    assert_record("copy_telling.2.cbor", &stored);
}

#[test]
fn inbox_rows() {
    let telling = TellingPolicy {
        jitter_percent: 0,
        ..TellingPolicy::default()
    };
    assert_record("inbox_notification.1.cbor", &notification_row(&telling));
    assert_record("inbox_report.1.cbor", &report_row(&telling));
    let read = ReadReport {
        mm: id(),
        recipient: phone("15550100002"),
        status: ReadStatus::DeletedUnread,
        at: NOW,
    };
    let read = InboxRow {
        telling: Telling::ReadReport(read),
        ..report_row(&telling)
    };
    assert_record("inbox_read_report.1.cbor", &read);
    let cancel = InboxRow {
        telling: Telling::Cancel(Cancel {
            mm: id(),
            token: Token::mint(ShardId(0x0102), [0xCD; 14]),
        }),
        ..report_row(&telling)
    };
    assert_record("inbox_cancel.1.cbor", &cancel);
    let mut stored = notification_row(&telling);
    if let Telling::Notification(notification) = &mut stored.telling {
        notification.stored = true;
    }
    assert_record("inbox_notification.2.cbor", &stored);
    let mut application = notification_row(&telling);
    if let Telling::Notification(notification) = &mut application.telling {
        notification.applic_id = Some("app".to_owned());
        notification.reply_applic_id = Some("reply-app".to_owned());
        notification.aux_applic_info = Some("aux".to_owned());
        notification.content_class = Some(0x82);
        notification.drm_content = Some(true);
    }
    assert_record("inbox_notification.3.cbor", &application);
    for (name, last) in [
        ("sent", AttemptState::Sent(sent())),
        ("failed", AttemptState::Failed),
        ("waiting", AttemptState::Waiting("main".to_owned())),
        ("reached", AttemptState::Reached),
        ("shelved", AttemptState::Shelved),
    ] {
        let row = InboxRow {
            last,
            ..report_row(&telling)
        };
        assert_record(&format!("inbox_{name}.1.cbor"), &row);
    }
}

#[test]
fn addresses() {
    let text = |text: &str| text.to_owned();
    for (name, address) in [
        ("phone", phone("15550100001")),
        ("email", Address::Email(text("a@b.example"))),
        ("short_code", Address::ShortCode(text("12345"))),
        ("ipv4", Address::Ipv4(text("192.0.2.7"))),
        ("ipv6", Address::Ipv6(text("2001:db8::7"))),
        ("other", Address::Other(text("a"), text("SIP"))),
    ] {
        assert_record(&format!("address_{name}.1.cbor"), &address);
    }
}

#[test]
fn profiles() {
    assert_record(
        "profile.1.cbor",
        &SubscriberProfile {
            barred_sending: true,
            barred_receiving: true,
            max_content_bytes: Some(300_000),
            delivery_reports_refused: true,
            mms_version: Some(0x92),
            submits_per_minute: Some(60),
            max_recipients: Some(20),
            terminal_profile_url: Some("http://uaprof.example/x.xml".to_owned()),
            user_agent: Some("Example/1.0".to_owned()),
            mmbox_auto_store: false,
        },
    );
    assert_record(
        "profile.2.cbor",
        &SubscriberProfile {
            mmbox_auto_store: true,
            ..SubscriberProfile::default()
        },
    );
    // Whatever a profile leaves out follows the service.
    assert_eq!(
        minicbor::decode::<SubscriberProfile>(&[0xA0]).unwrap(),
        SubscriberProfile::default()
    );
}

#[test]
fn network_stores() {
    let entry = |state, own, flags: &[&str]| {
        let new = NewEntry {
            token: Token::mint(ShardId(0x0102), [0xCD; 14]),
            stored_at: NOW,
            state,
            own,
            flags: flags.iter().map(|flag| (*flag).to_owned()).collect(),
        };
        MmBoxEntry::of_message(&head(), head().visible_recipients, new)
    };
    assert_record("mmbox_entry_new.1.cbor", &entry(MmBoxState::New, false, &[]));
    let sent = MmBoxEntry {
        hidden: true,
        previously_sent: vec![PreviouslySent { by: None, at: NOW }],
        ..entry(MmBoxState::Sent, true, &["work", "später"])
    };
    assert_record("mmbox_entry_sent.1.cbor", &sent);
    let draft = MmBoxEntry {
        recipients: Vec::new(),
        originator: None,
        subject: None,
        mm: None,
        ..entry(MmBoxState::Draft, true, &[])
    };
    assert_record("mmbox_entry_draft.1.cbor", &draft);
    let totals = MmBoxTotals {
        messages: 7,
        octets: 70_000,
    };
    assert_record("mmbox_totals.1.cbor", &totals);
    assert_record("mmbox_stored.1.cbor", &Stored::At(sent.token));
    assert_record("mmbox_not_stored.1.cbor", &Stored::Not(NotStored::Full));
}

#[test]
fn frozen_lists() {
    let list = [
        to(RecipientKind::To, phone("15550100001")),
        to(RecipientKind::Bcc, phone("15550100002")),
    ];
    let chunks = mmsc_domain::freeze::freeze(&list);
    let path = golden_path("records/frozen.1.cbor");
    if !path.exists() && std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &chunks[0]).unwrap();
    }
    let golden = std::fs::read(path).unwrap();
    assert_eq!(chunks, std::slice::from_ref(&golden));
    assert_eq!(mmsc_domain::freeze::thaw(&golden).unwrap(), list);
}

/// The largest envelope that admission lets through is one value of the store (100 kB at most).
#[test]
fn the_largest_envelope_is_one_value() {
    let mut submit = submit();
    let policy = policy();
    submit.subject = Some("ä".repeat(2000));
    submit.recipients = (0..MAX_VISIBLE_RECIPIENTS)
        .map(|n| to(RecipientKind::To, phone(&format!("1555010{n:08}"))))
        .collect();
    let base = submit.parts[0].clone();
    submit.parts = (0..policy.max_parts)
        .map(|_| {
            let mut part = base.clone();
            part.content_location = Some("x".repeat(120));
            part
        })
        .collect();
    let admission = admit(&submit, 30, NOW, &policy, &SubscriberProfile::default()).unwrap();
    let mut content = content();
    content.parts = submit.parts.clone();
    let mut head = admission.head(&submit, id(), content, NOW);
    // Numbers are short; the longest addresses of all.
    for recipient in &mut head.visible_recipients {
        recipient.address = Address::Email(format!("{}@x.example", "a".repeat(300)));
    }
    let len = minicbor::to_vec(&head).unwrap().len();
    assert!((70_000..98_000).contains(&len), "{len}");
}
