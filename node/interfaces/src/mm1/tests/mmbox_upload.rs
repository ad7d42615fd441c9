//! What is uploaded into network stores, deleted from them, and fetched out of them (digest 7.17 to 7.20, 16).

use mmsc_domain::mmbox::{FlagChange, MmBoxState, NotStored};
use mmsc_domain::{Address, Token};
use mmsc_wire::mms::{
    FlagAction, MboxDeleteConf, MboxDeleteReq, MboxDescr, MboxUploadConf, MboxUploadReq, MediaType, MmState, Part,
    PartHead, ResponseStatus, StoreStatus,
};

use super::mmbox::{TOKEN, flag, location, stored};
use super::*;
use crate::metrics::{Mm1Outcome, Mm1Request};

/// m-mbox-upload-req with `descr`, bare or as the one part of a multipart.
async fn upload(bench: &Bench, descr: &[u8], bare: bool, state: Option<MmState>) -> MboxUploadConf<'static> {
    let part = Part {
        head: PartHead {
            media: MediaType::mms_message(),
            ..PartHead::default()
        },
        data: descr,
    };
    let content = if bare {
        mms::Content {
            media: MediaType::mms_message(),
            body: mms::Body::Single(descr),
        }
    } else {
        mms::Content::mixed(vec![part])
    };
    let req = MboxUploadReq {
        transaction_id: "U".into(),
        version: Version::V1_2,
        mm_state: state,
        mm_flags: Vec::new(),
        content,
    };
    let reply = bench.post(&encode(req)).await;
    let Pdu::MboxUploadConf(conf) = decode(&reply.body) else {
        panic!("not a m-mbox-upload-conf")
    };
    assert_eq!(conf.transaction_id, "U".into());
    MboxUploadConf {
        transaction_id: "U".into(),
        version: conf.version,
        content_location: conf.content_location.map(mms::Text::into_owned),
        store_status: conf.store_status,
        store_status_text: None,
    }
}

fn descr() -> MboxDescr<'static> {
    MboxDescr {
        from: Some("+15550100009/TYPE=PLMN".into()),
        to: vec!["+15550100002/TYPE=PLMN".into()],
        bcc: vec!["+15550100003/TYPE=PLMN".into()],
        subject: Some("Entwurf".into()),
        mm_flags: vec![flag(FlagAction::Add, "idea")],
        content: Some(send_req("T", Version::V1_2).content),
        ..MboxDescr::default()
    }
}

#[tokio::test]
async fn a_message_is_uploaded_bare_or_as_a_part() {
    let bench = Bench::start().await;
    bench.fake.accepting().await;
    let octets = encode(descr());
    for bare in [true, false] {
        let conf = upload(&bench, &octets, bare, None).await;
        assert_eq!(conf.store_status, StoreStatus::Success);
        assert_eq!(conf.content_location, Some(location(Token([0x66; 16])).into()));
        let (upload, content) = bench.fake.uploads.lock().unwrap().remove(0);
        assert_eq!(content, "hello");
        assert_eq!(
            (upload.owner.clone(), upload.transaction_id.as_slice()),
            (alice(), b"U".as_slice())
        );
        assert_eq!(upload.wish.state, None);
        assert_eq!(upload.wish.flags, [FlagChange::Add("idea".to_owned())]);
        let message = upload.message;
        assert_eq!(message.originator, alice(), "a draft is its owner's, whatever it says");
        assert_eq!(message.subject.as_deref(), Some("Entwurf"));
        assert_eq!(message.recipients.len(), 2);
        assert_eq!((message.parts.len(), message.parts[0].len), (1, 5));
    }
    upload(&bench, &octets, true, Some(MmState::Retrieved)).await;
    let (uploaded, _) = bench.fake.uploads.lock().unwrap().remove(0);
    assert_eq!(uploaded.wish.state, Some(MmBoxState::Retrieved));
    assert_eq!(uploaded.message.originator, Address::Phone("15550100009".to_owned()));
}

#[tokio::test]
async fn what_a_description_says_is_stored() {
    let bench = Bench::start().await;
    bench.fake.accepting().await;
    let full = MboxDescr {
        date: Some(mms::Date(1_600_000_000)),
        cc: vec!["+15550100004/TYPE=PLMN".into()],
        mm_state: Some(MmState::Sent),
        message_class: Some(mms::MessageClass::Informational),
        priority: Some(mms::Priority::High),
        expiry: Some(mms::TimeValue::Relative(60)),
        delivery_time: Some(mms::TimeValue::Relative(30)),
        delivery_report: Some(true),
        read_report: Some(true),
        applic_id: Some("app".into()),
        content_class: Some(mms::ContentClass::ImageRich),
        previously_sent_by: vec![mms::PreviouslySentBy::new(1, "+15550100009/TYPE=PLMN")],
        ..descr()
    };
    upload(&bench, &encode(full), true, None).await;
    let (uploaded, _) = bench.fake.uploads.lock().unwrap().remove(0);
    assert_eq!(uploaded.wish.state, Some(MmBoxState::Sent));
    let message = uploaded.message;
    assert_eq!(message.date, Some(mmsc_domain::UnixMillis(1_600_000_000_000)));
    assert_eq!(message.recipients.len(), 3);
    assert_eq!(message.class, mmsc_domain::record::MessageClass::Informational);
    assert_eq!(message.priority, mmsc_domain::record::Priority::High);
    assert!(message.delivery_report && message.read_report);
    assert_eq!(message.carried.applic_id.as_deref(), Some("app"));
    assert_eq!(message.carried.content_class, Some(0x82));
    // Times belong to the request that sends it one day, and nobody vouches for what it says of its past.
    assert_eq!((message.expiry, message.delivery_time), (None, None));
    assert!(message.previously_sent.is_empty());
}

#[tokio::test]
async fn what_is_no_upload() {
    let bench = Bench::start().await;
    bench.fake.accepting().await;
    let foreign = encode(send_req("T", Version::V1_2));
    for octets in [foreign.as_slice(), b"", b"nonsense"] {
        let conf = upload(&bench, octets, true, None).await;
        assert_eq!(conf.store_status, StoreStatus::PermanentFormatCorrupt);
    }
    let nobody = MboxDescr {
        to: vec!["a@@b".into()],
        ..descr()
    };
    let conf = upload(&bench, &encode(nobody), true, None).await;
    assert_eq!(conf.store_status, StoreStatus::PermanentFailure);
    assert!(bench.fake.uploads.lock().unwrap().is_empty());
    *bench.fake.box_says.lock().unwrap() = Some(NotStored::Full);
    let conf = upload(&bench, &encode(descr()), true, None).await;
    assert_eq!(conf.store_status, StoreStatus::MmboxFull);
}

#[tokio::test]
async fn each_location_of_a_deletion_is_answered() {
    let bench = Bench::start().await;
    let (foreign, gone) = (Token([2; 16]), Token([3; 16]));
    bench
        .fake
        .deletions
        .lock()
        .unwrap()
        .extend([(foreign, NotStored::NotAllowed), (gone, NotStored::NotFound)]);
    let locations = [
        location(TOKEN),
        location(foreign),
        location(gone),
        "none-of-ours".to_owned(),
    ];
    let delete = |locations: &[String]| MboxDeleteReq {
        transaction_id: "D".into(),
        version: Version::V1_2,
        content_locations: locations.iter().map(|it| it.clone().into()).collect(),
    };
    let statuses = async |locations: &[String]| {
        let reply = bench.post(&encode(delete(locations))).await;
        let Pdu::MboxDeleteConf(MboxDeleteConf {
            content_locations,
            response_statuses,
            response_texts,
            ..
        }) = decode(&reply.body)
        else {
            panic!()
        };
        assert!(response_texts.is_empty());
        let named: Vec<_> = content_locations
            .iter()
            .map(|it| it.location.to_str().into_owned())
            .collect();
        assert_eq!(named, locations);
        response_statuses
            .iter()
            .map(|it| (it.count, it.status))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        statuses(&locations).await,
        [
            (0, ResponseStatus::Ok),
            (1, ResponseStatus::PermanentServiceDenied),
            (2, ResponseStatus::PermanentNotFound),
            (3, ResponseStatus::PermanentNotFound),
        ]
    );
    let deleted = std::mem::take(&mut *bench.fake.box_deleted.lock().unwrap());
    assert_eq!(deleted, [(alice(), TOKEN), (alice(), foreign), (alice(), gone)]);
    assert_eq!(statuses(&[]).await, [(0, ResponseStatus::PermanentFormatCorrupt)]);
    *bench.fake.box_says.lock().unwrap() = Some(NotStored::NotOffered);
    let denied = statuses(&locations).await;
    assert!(
        denied
            .iter()
            .all(|(_, status)| *status == ResponseStatus::PermanentServiceDenied)
    );
    assert_eq!(
        bench
            .metrics
            .requests(Mm1Request::MboxDeleteReq, Mm1Outcome::Unsupported),
        1
    );
}

#[tokio::test]
async fn a_stored_message_is_fetched_with_state_and_keywords() {
    let bench = Bench::start().await;
    let (entry, content) = stored(&bench.fake, TOKEN, MmBoxState::New);
    let held = (entry, content.clone());
    bench.fake.stored.lock().unwrap().insert(TOKEN, held);
    let head = format!("GET /{TOKEN} HTTP/1.1\r\nHost: m\r\n{ALICE}");
    let reply = bench.request(&head, b"").await;
    let Pdu::RetrieveConf(conf) = decode(&reply.body) else {
        panic!()
    };
    assert_eq!(conf.transaction_id, None, "there is nothing to acknowledge");
    assert_eq!(conf.mm_state, Some(MmState::New));
    assert_eq!(conf.mm_flags, [flag(FlagAction::Add, "work")]);
    assert_eq!(conf.content_location, Some(location(TOKEN).into()));
    assert!(conf.message_id.is_some());
    assert_eq!((conf.reply_charging, conf.reply_charging_id), (None, None));
    let parts = conf.content.parts();
    assert_eq!([parts[0].data, parts[1].data].concat(), content);
    assert_eq!(bench.fake.next_served().await, (TOKEN, true));
    assert_eq!(bench.fake.fetched.lock().unwrap()[0], (TOKEN, Some(alice())));
    let announced = bench.request(&head.replace("GET", "HEAD"), b"").await;
    let length = reply.body.len().to_string();
    assert_eq!(announced.header("content-length"), Some(length.as_str()));
}
