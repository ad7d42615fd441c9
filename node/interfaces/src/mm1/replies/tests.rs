use std::fmt::Write as _;

use mmsc_domain::command::Accepted;
use mmsc_domain::content::RefusedContent;
use mmsc_domain::mmbox::Stored;
use mmsc_domain::{MmId, ShardId, Token, UnixMillis};
use mmsc_wire::mms;
use mmsc_wire::wsp::ValueError;

use super::*;
use crate::mm1::translate::StorePlace;
use crate::testing::{Proof, golden};

const PLACE: StorePlace<'_> = StorePlace {
    public_url: "http://mms.example/",
    domain: "mms.example",
};

const VERSIONS: [Version; 4] = [Version::V1_0, Version::V1_1, Version::V1_2, Version::V1_3];

fn faults() -> Vec<Fault> {
    let refusals = [
        Refusal::NoIdentity,
        Refusal::ServiceDenied,
        Refusal::RateExceeded,
        Refusal::FannedOut,
        Refusal::NoRecipients,
        Refusal::BadRecipient("bad".to_owned()),
        Refusal::TooManyRecipients { found: 21, limit: 20 },
        Refusal::TooLarge { found: 2, limit: 1 },
        Refusal::ContentNotAccepted(RefusedContent::MediaType("application/x-evil".to_owned())),
        Refusal::BadField("X-Mms-Expiry"),
        Refusal::Screened("charging"),
        Refusal::HidingNotPossible,
    ];
    let busy = [Busy::NoCredit, Busy::Store, Busy::Unknown, Busy::Draining];
    let malformed = [
        DecodeErrorKind::Value(ValueError::Truncated),
        DecodeErrorKind::Missing,
        DecodeErrorKind::IllegalStart(0x01),
        DecodeErrorKind::ConflictingMessageType,
        DecodeErrorKind::UnknownMessageType(0x98),
        DecodeErrorKind::UnsupportedVersion(Version::from_octet(0xA0)),
        DecodeErrorKind::TooLarge(1),
        DecodeErrorKind::TooManyFields(1),
        DecodeErrorKind::TooManyRecipients(1),
        DecodeErrorKind::TooManyParts(1),
    ];
    let own = [
        Fault::BodyTooLarge,
        Fault::BadIdentity,
        Fault::ForeignFrom,
        Fault::Refused(Refusal::ReplyChargingNotSupported),
        Fault::Refused(Refusal::ReplyLimitsNotMet),
        Fault::Refused(Refusal::ReplyChargedMayNotBeForwarded),
        Fault::NotOffered,
        Fault::NotServed,
    ];
    let stores = [
        NotStored::NotOffered,
        NotStored::NotAllowed,
        NotStored::NotFound,
        NotStored::Full,
        NotStored::BadState,
        NotStored::BadFlags,
        NotStored::TooLarge,
        NotStored::NotAccepted,
        NotStored::Damaged,
        NotStored::TooOften,
    ];
    let own = own.into_iter().chain(stores.map(Fault::NotStored));
    let refusals = refusals.into_iter().map(Fault::Refused);
    let busy = busy.into_iter().map(Fault::Busy);
    let malformed = malformed.into_iter().map(Fault::Malformed);
    refusals.chain(busy).chain(malformed).chain(own).collect()
}

#[test]
fn every_fault_has_its_words() {
    let mut table = String::from("fault | Response-Status 1.0 1.1 1.2 1.3 | Store-Status | HTTP | text\n");
    for fault in faults() {
        let status = response_status(&fault);
        let by_version = VERSIONS.map(|version| format!("{:02X}", status.for_version(version).octet()));
        let store = store_status(&fault).octet();
        let http = http_status(http_fault(&fault)).as_u16();
        let text = response_text(&fault);
        writeln!(
            table,
            "{fault:?} | {} | {store:02X} | {http} | {text}",
            by_version.join(" ")
        )
        .unwrap();
    }
    table.push_str("\nretrieval | Retrieve-Status | text\n");
    let gone = [Gone::Unknown, Gone::Expired, Gone::Ended].map(RetrieveFault::Gone);
    for fault in gone.into_iter().chain([RetrieveFault::NotYet, RetrieveFault::Broken]) {
        let (status, text) = retrieve_status(fault);
        writeln!(table, "{fault:?} | {:02X} | {text}", status.octet()).unwrap();
    }
    table.push_str("\nHTTP fault | status\n");
    for fault in [
        HttpFault::BadRequest,
        HttpFault::Forbidden,
        HttpFault::NotFound,
        HttpFault::MethodNotAllowed,
        HttpFault::TooSlow,
        HttpFault::TooLarge,
        HttpFault::UnsupportedEncoding,
        HttpFault::Busy,
        HttpFault::Internal,
    ] {
        writeln!(table, "{fault:?} | {}", http_status(fault).as_u16()).unwrap();
    }
    golden("mm1-replies.txt", &table);
}

fn asked(kind: Option<MessageType>, version: Version) -> Asked {
    Asked {
        kind,
        transaction_id: "T1".into(),
        version,
        locations: vec!["http://m/1".into(), "http://m/2".into()],
    }
}

#[test]
fn every_type_has_its_confirmation() {
    let mut table = String::from("octets of the refusal, answered in 1.2, by type of PDU\n");
    for octet in 0x80..=0x98 {
        let kind = MessageType::from_octet(octet);
        let fault = match kind {
            Some(MessageType::ForwardReq | MessageType::DeleteReq) => Fault::NotServed,
            Some(_) => Fault::NotOffered,
            None => Fault::Malformed(DecodeErrorKind::UnknownMessageType(octet)),
        };
        match refused(&asked(kind, Version::V1_2), &fault) {
            Some(pdu) => {
                let mut octets = Vec::new();
                mms::encode(&pdu, &mut octets).unwrap();
                assert_eq!(mms::decode(&octets, &mms::Limits::default()).unwrap(), pdu);
                let hex: Vec<_> = octets.iter().map(|octet| format!("{octet:02X}")).collect();
                writeln!(table, "{octet:02X} {kind:?} | {}", hex.join(" ")).unwrap();
            }
            None => writeln!(table, "{octet:02X} {kind:?} | HTTP").unwrap(),
        }
    }
    golden("mm1-refusals.txt", &table);
}

#[test]
fn the_lower_version_is_answered() {
    let cases = [
        (None, 0x90),
        (Some(0x90), 0x90),
        (Some(0x91), 0x91),
        (Some(0x92), 0x92),
        (Some(0x93), 0x93),
        (Some(0x94), 0x93),
        (Some(0x9E), 0x93),
        (Some(0x9F), 0x90),
        (Some(0x80), 0x93),
        (Some(0xA0), 0x93),
    ];
    for (theirs, ours) in cases {
        let version = answer_version(theirs.map(Version::from_octet));
        assert_eq!(version.octet(), ours, "{theirs:?}");
    }
}

#[tokio::test]
async fn an_acceptance_says_who_was_left_out() {
    let id = MmId::mint(ShardId(1), UnixMillis(2), [3; 8]);
    let proof = Proof::open();
    let whole = proof
        .committed(Accepted {
            id,
            refused_recipients: Vec::new(),
            stored: None,
        })
        .await;
    let partial = proof
        .committed(Accepted {
            id,
            refused_recipients: vec!["+15550100009".to_owned()],
            stored: None,
        })
        .await;
    let conf = |committed: &_, left_out: &[String], version, store| {
        let asked = asked(Some(MessageType::SendReq), version);
        accepted(&asked, committed, left_out, &PLACE, store)
    };
    let message_id = format!("{}@mms.example", id.local_part());
    for version in VERSIONS {
        let conf = conf(&whole, &[], version, false);
        assert_eq!(conf.response_status, ResponseStatus::Ok);
        assert_eq!(conf.message_id, Some(message_id.clone().into()));
        assert_eq!((conf.response_text, conf.store_status), (None, None));
    }
    let bad = ["bad\r\n".to_owned()];
    let told = conf(&partial, &bad, Version::V1_2, true);
    assert_eq!(told.response_status, ResponseStatus::PartialSuccess);
    assert_eq!(told.message_id, Some(message_id.into()));
    assert_eq!(told.response_text.unwrap().to_str(), "Not sent to: bad, +15550100009");
    assert_eq!(told.store_status, Some(StoreStatus::PermanentServiceDenied));
    // Before 1.2 there is no partial success: the message is on its way, so it is Ok, and the text tells.
    let old = conf(&partial, &[], Version::V1_1, true);
    assert_eq!(old.response_status, ResponseStatus::Ok);
    assert!(old.response_text.is_some() && old.store_status.is_none());
}

#[tokio::test]
async fn a_confirmation_says_where_a_message_is_stored() {
    let proof = Proof::open();
    let token = Token([5; 16]);
    let store = async |stored| {
        let id = MmId::mint(ShardId(1), UnixMillis(2), [3; 8]);
        let refused_recipients = Vec::new();
        let committed = proof
            .committed(Accepted {
                id,
                refused_recipients,
                stored,
            })
            .await;
        let conf = |kind, version| {
            let asked = asked(Some(kind), version);
            let sent = accepted(&asked, &committed, &[], &PLACE, true);
            let passed_on = forwarded(&asked, &committed, &[], &PLACE, true);
            assert_eq!(
                sent.response_status,
                ResponseStatus::Ok,
                "the message itself is accepted"
            );
            assert_eq!(sent.store_status, passed_on.store_status);
            assert_eq!(sent.content_location, passed_on.content_location);
            (sent.store_status, sent.content_location)
        };
        assert_eq!(
            conf(MessageType::SendReq, Version::V1_1),
            (None, None),
            "unknown before 1.2"
        );
        conf(MessageType::SendReq, Version::V1_2)
    };
    let location = format!("http://mms.example/{token}").into();
    assert_eq!(
        store(Some(Stored::At(token))).await,
        (Some(StoreStatus::Success), Some(location))
    );
    let full = store(Some(Stored::Not(NotStored::Full))).await;
    assert_eq!(full, (Some(StoreStatus::MmboxFull), None));
    let none = (Some(StoreStatus::PermanentServiceDenied), None);
    assert_eq!(store(None).await, none, "by a node that stored nothing");
    assert_eq!(store(Some(Stored::Not(NotStored::NotOffered))).await, none);
}
