use bytes::{Bytes, BytesMut};
use mmsc_domain::command::{Retrieval, Submit, TimeWish};
use mmsc_domain::content::Installable;
use mmsc_domain::mmbox::{FlagChange, MmBoxState, StoreWish};
use mmsc_domain::record::{ContentRef, Interface, MmHead, Originator, Recipient, RecipientKind};
use mmsc_domain::reply_charging::{Claim, Offer};
use mmsc_domain::{Address, MmId, ShardId, Token, UnixMillis};
use mmsc_wire::mms::{
    self, Body, Content, Limits, Part, PartHead, Pdu, RetrieveConf, SendReq, Text, TimeValue, Version,
};
use mmsc_wire::wsp::multipart;

use super::media;
use super::*;
use crate::testing::vectors;

fn sender() -> Address {
    Address::Phone("15550100001".to_owned())
}

/// What the relay would hand back for a submission.
fn retrieval(submit: &Submit) -> Retrieval {
    let id = MmId::mint(ShardId(1), UnixMillis(1_704_067_200_000), [2; 8]);
    let shown = |recipient: &&Recipient| recipient.kind != RecipientKind::Bcc;
    let len = submit.parts.iter().map(|part| part.len).sum();
    let head = MmHead {
        id,
        accepted_at: UnixMillis(1_704_067_200_000),
        originator: Originator {
            address: submit.originator.clone(),
            hidden: submit.hide_originator,
            interface: Interface::Mm1,
        },
        visible_recipients: submit.recipients.iter().filter(shown).cloned().collect(),
        subject: submit.subject.clone(),
        class: submit.class.clone(),
        priority: submit.priority,
        expires_at: UnixMillis(u64::MAX),
        deliver_at: None,
        delivery_report: submit.delivery_report,
        read_report: submit.read_report,
        date: submit.date.unwrap_or(UnixMillis(1_704_067_200_000)),
        content: ContentRef {
            id: [0; 16],
            len,
            sha256: [0; 32],
            media_type: submit.media_type.clone(),
            parts: submit.parts.clone(),
        },
        mms_version: submit.mms_version,
        carried: submit.carried.clone(),
        recipient_count: 1,
        previously_sent: submit.previously_sent.clone(),
        reply_offer: None,
        reply_claim: None,
    };
    Retrieval {
        head,
        token: Token([9; 16]),
        recipient: Address::Phone("15550100002".to_owned()),
        repeated: false,
        mms_version: None,
    }
}

fn translated(pdu: &SendReq<'_>, octets: &[u8]) -> (Submit, Bytes) {
    let version = crate::mm1::replies::answer_version(Some(pdu.version));
    let submission = submission(pdu, octets, sender(), version, None).unwrap();
    submission.into_command(BytesMut::from(octets))
}

fn whole(chunks: &[Bytes]) -> Vec<u8> {
    chunks.concat()
}

/// The heads of parts, in a form in which equivalent ones are equal.
fn neutral(head: &PartHead<'_>) -> impl PartialEq + std::fmt::Debug + use<> {
    let part = media::part_from_wire(head, 0, 0);
    (part.media_type, part.content_id, part.content_location, part.headers)
}

/// Sends `content` through submission and retrieval and compares what comes out.
fn travels(name: &str, pdu: &SendReq<'_>, octets: &[u8]) {
    let (submit, content) = translated(pdu, octets);
    let retrieval = retrieval(&submit);
    let (chunks, total) = retrieve_conf(&retrieval, Some(&content), "mms.example").unwrap();
    let sent = whole(&chunks);
    assert_eq!(total, sent.len() as u64, "{name}");
    let (_, announced) = retrieve_conf(&retrieval, None, "mms.example").unwrap();
    assert_eq!(announced, total, "{name}: HEAD and GET disagree");
    let limits = Limits {
        max_recipients: 1000,
        ..Limits::default()
    };
    let Pdu::RetrieveConf(conf) = mms::decode(&sent, &limits).unwrap() else {
        panic!("{name}")
    };
    assert_eq!(
        conf.subject.map(|subject| subject.to_str().into_owned()),
        submit.subject,
        "{name}"
    );
    assert_eq!(conf.transaction_id, Some(retrieval.token.to_string().into()), "{name}");
    same_content(name, &pdu.content, &conf.content);
}

fn same_content(name: &str, before: &Content<'_>, after: &Content<'_>) {
    let single;
    let parts = match &before.body {
        Body::Multipart(parts) => {
            assert_eq!(
                media::body_from_wire(&before.media),
                media::body_from_wire(&after.media),
                "{name}: type of the whole"
            );
            parts.as_slice()
        }
        Body::Single(data) => {
            assert!(after.media.media.is("application/vnd.wap.multipart.mixed"), "{name}");
            single = [Part {
                head: PartHead {
                    media: before.media.clone(),
                    ..PartHead::default()
                },
                data,
            }];
            &single
        }
    };
    assert_eq!(parts.len(), after.parts().len(), "{name}");
    for (index, (before, after)) in parts.iter().zip(after.parts()).enumerate() {
        assert_eq!(
            before.plain_data(),
            after.plain_data(),
            "{name}: octets of part {index}"
        );
        assert_eq!(
            neutral(&before.head),
            neutral(&after.head),
            "{name}: head of part {index}"
        );
    }
}

/// Every captured and synthetic PDU with content, submitted and retrieved again.
#[test]
fn vectors_travel_unchanged() {
    let files: Vec<_> = [vectors("."), vectors("synthetic")].concat();
    for (name, octets) in &files {
        let has_content = name.starts_with("send-req") || name.starts_with("retrieve-conf");
        let content = match mms::decode(octets, &Limits::default()) {
            Ok(Pdu::SendReq(pdu)) => {
                travels(name, &pdu, octets);
                continue;
            }
            Ok(Pdu::RetrieveConf(RetrieveConf { content, .. })) => content,
            Ok(_) | Err(_) => {
                assert!(!has_content, "{name} does not decode");
                continue;
            }
        };
        let pdu = SendReq {
            transaction_id: "T1".into(),
            version: Version::V1_2,
            to: vec!["+15550100002/TYPE=PLMN".into()],
            content,
            ..SendReq::default()
        };
        travels(name, &pdu, octets);
    }
}

fn request<'a>(parts: Vec<Part<'a>>) -> SendReq<'a> {
    SendReq {
        transaction_id: "T1".into(),
        version: Version::V1_2,
        to: vec!["+15550100002/TYPE=PLMN".into()],
        content: Content::mixed(parts),
        ..SendReq::default()
    }
}

fn encoded(pdu: &SendReq<'_>) -> Vec<u8> {
    let mut octets = Vec::new();
    mms::encode(&pdu.clone().into(), &mut octets).unwrap();
    octets
}

fn decoded(octets: &[u8]) -> SendReq<'_> {
    let Ok(Pdu::SendReq(pdu)) = mms::decode(octets, &Limits::default()) else {
        panic!("no m-send-req")
    };
    pdu
}

#[test]
fn parts_are_moved_together_in_order() {
    let large = vec![0xA5; 10_000];
    let parts: Vec<_> = [b"first".as_slice(), b"", &large, b"last"]
        .into_iter()
        .map(|data| Part {
            head: PartHead {
                media: "application/octet-stream".into(),
                content_id: Some("<x>".into()),
                ..PartHead::default()
            },
            data,
        })
        .collect();
    let octets = encoded(&request(parts));
    let pdu = decoded(&octets);
    let (submit, content) = translated(&pdu, &octets);
    assert_eq!(content, [b"first".as_slice(), &large, b"last"].concat());
    let table: Vec<_> = submit.parts.iter().map(|part| (part.offset, part.len)).collect();
    assert_eq!(table, [(0, 5), (5, 0), (5, 10_000), (10_005, 4)]);
    travels("in order", &pdu, &octets);
}

#[test]
fn transfer_encodings_are_undone() {
    let part = |coding: &'static str, data: &'static [u8]| Part {
        head: PartHead {
            media: "text/plain".into(),
            transfer_encoding: Some(coding.into()),
            ..PartHead::default()
        },
        data,
    };
    let request = request(vec![
        part("base64", b"aGVsbG8="),
        part("quoted-printable", b"a=20b"),
        part("8bit", b"c"),
    ]);
    // The header is never sent, so the PDU stands as it would arrive: heads from the value, data from these octets.
    let data: Vec<u8> = request
        .content
        .parts()
        .iter()
        .flat_map(|part| part.data)
        .copied()
        .collect();
    let mut arrived = request.clone();
    let mut at = 0;
    let parts = request.content.parts().iter().map(|part| {
        let range = at..at + part.data.len();
        at = range.end;
        Part {
            head: part.head.clone(),
            data: &data[range],
        }
    });
    arrived.content.body = Body::Multipart(parts.collect());
    let (submit, content) = translated(&arrived, &data);
    assert_eq!(content, "helloa bc");
    let lens: Vec<_> = submit.parts.iter().map(|part| part.len).collect();
    assert_eq!(lens, [5, 3, 1]);
}

#[test]
fn a_body_without_parts_becomes_one() {
    let octets = encoded(&SendReq {
        content: Content::text("hello"),
        ..request(Vec::new())
    });
    let pdu = decoded(&octets);
    travels("single", &pdu, &octets);
    let (submit, content) = translated(&pdu, &octets);
    assert_eq!(submit.media_type.essence, "text/plain");
    assert_eq!((content.as_ref(), submit.parts.len()), (b"hello".as_slice(), 1));
}

#[test]
fn fields_of_a_submission() {
    let pdu = SendReq {
        transaction_id: "T1".into(),
        version: Version::V1_3,
        cc: vec!["+15550100003/TYPE=PLMN".into()],
        bcc: vec!["a@b.example".into()],
        subject: Some("".into()),
        expiry: Some(TimeValue::Relative(60)),
        delivery_time: Some(TimeValue::Absolute(1_704_067_200)),
        sender_visibility: Some(mms::SenderVisibility::Hide),
        priority: Some(mms::Priority::High),
        message_class: Some(mms::MessageClass::Token(Text::from("vendor"))),
        delivery_report: Some(true),
        ..request(Vec::new())
    };
    let octets = encoded(&pdu);
    let (submit, _) = translated(&decoded(&octets), &octets);
    let kinds: Vec<_> = submit.recipients.iter().map(|recipient| recipient.kind).collect();
    assert_eq!(kinds, [RecipientKind::To, RecipientKind::Cc, RecipientKind::Bcc]);
    assert_eq!(submit.subject, None);
    assert_eq!(submit.expiry, Some(TimeWish::After(std::time::Duration::from_secs(60))));
    assert_eq!(submit.delivery_time, Some(TimeWish::At(UnixMillis(1_704_067_200_000))));
    assert!(submit.hide_originator && submit.delivery_report && !submit.read_report);
    assert_eq!(submit.originator, sender());
    let key = submit.duplicate.as_ref().unwrap();
    assert_eq!(
        (key.scope.as_str(), key.transaction_id.as_slice()),
        ("+15550100001", b"T1".as_slice())
    );
    // What the recipient may not see stays behind.
    let (chunks, _) = retrieve_conf(&retrieval(&submit), Some(&Bytes::new()), "mms.example").unwrap();
    let sent = whole(&chunks);
    let Ok(Pdu::RetrieveConf(conf)) = mms::decode(&sent, &Limits::default()) else {
        panic!()
    };
    assert_eq!(conf.from, None);
    assert_eq!((conf.to.len(), conf.cc.len()), (1, 1));
    assert!(!String::from_utf8_lossy(&sent).contains("a@b.example"));
}

/// What `submit` becomes at its recipient's handset.
fn delivered(submit: &Submit) -> Vec<u8> {
    let (chunks, _) = retrieve_conf(&retrieval(submit), Some(&Bytes::new()), "mms.example").unwrap();
    whole(&chunks)
}

fn retrieved(octets: &[u8]) -> RetrieveConf<'_> {
    let Ok(Pdu::RetrieveConf(conf)) = mms::decode(octets, &Limits::default()) else {
        panic!("no m-retrieve-conf")
    };
    conf
}

#[test]
fn what_describes_a_message_reaches_its_recipient() {
    let pdu = SendReq {
        version: Version::V1_3,
        date: Some(mms::Date(1_600_000_000)),
        subject: Some("Grüße".into()),
        priority: Some(mms::Priority::Low),
        message_class: Some(mms::MessageClass::Informational),
        delivery_report: Some(true),
        read_report: Some(true),
        applic_id: Some("app".into()),
        reply_applic_id: Some("reply-app".into()),
        aux_applic_info: Some("aux".into()),
        content_class: Some(mms::ContentClass::ImageRich),
        drm_content: Some(true),
        adaptation_allowed: Some(false),
        ..request(Vec::new())
    };
    let (submit, _) = translated(&pdu, &[]);
    assert_eq!(submit.carried.adaptation_allowed, Some(false));
    let octets = delivered(&submit);
    let conf = retrieved(&octets);
    assert_eq!(conf.version, Version::V1_3);
    assert_eq!(conf.date, mms::Date(1_600_000_000));
    assert_eq!(conf.subject, Some("Grüße".into()));
    assert_eq!(conf.priority, Some(mms::Priority::Low));
    assert_eq!(conf.message_class, Some(mms::MessageClass::Informational));
    assert_eq!((conf.delivery_report, conf.read_report), (Some(true), Some(true)));
    assert_eq!(conf.applic_id, Some("app".into()));
    assert_eq!(conf.reply_applic_id, Some("reply-app".into()));
    assert_eq!(conf.aux_applic_info, Some("aux".into()));
    assert_eq!(conf.content_class, Some(mms::ContentClass::ImageRich));
    assert_eq!(conf.drm_content, Some(true));
    assert_eq!((conf.distribution_indicator, conf.replace_id), (None, None), "of VASPs");

    // Without an application there is nothing of 1.3: it stops the parser of a widespread older client.
    let plain = SendReq { applic_id: None, ..pdu };
    let (submit, _) = translated(&plain, &[]);
    let octets = delivered(&submit);
    let conf = retrieved(&octets);
    assert_eq!(conf.version, Version::V1_2);
    assert_eq!((conf.reply_applic_id, conf.aux_applic_info), (None, None));
    assert_eq!((conf.content_class, conf.drm_content), (None, None));
}

#[test]
fn a_paid_reply_is_offered_with_the_message_too() {
    let (submit, _) = translated(&request(Vec::new()), &[]);
    let mut retrieval = retrieval(&submit);
    let original = MmId::mint(ShardId(1), UnixMillis(7), [3; 8]);
    retrieval.head.reply_offer = Some(Offer {
        text_only: false,
        deadline: UnixMillis(1_704_067_200_000),
        size: Some(1000),
    });
    retrieval.head.reply_claim = Some(Claim {
        original,
        charged_to: sender(),
    });
    let (chunks, _) = retrieve_conf(&retrieval, Some(&Bytes::new()), "mms.example").unwrap();
    let octets = whole(&chunks);
    let conf = retrieved(&octets);
    assert_eq!(conf.reply_charging, Some(mms::ReplyCharging::Accepted));
    assert_eq!(conf.reply_charging_deadline, Some(TimeValue::Absolute(1_704_067_200)));
    assert_eq!(conf.reply_charging_size, Some(mms::Size(1000)));
    assert_eq!(conf.reply_charging_id, Some(original.message_id("mms.example").into()));
}

#[test]
fn fields_of_a_forward() {
    let pdu = mms::ForwardReq {
        transaction_id: "F1".into(),
        from: mms::Sender::Address("+15550100666/TYPE=PLMN".into()),
        date: Some(mms::Date(1_600_000_000)),
        to: vec!["+15550100002/TYPE=PLMN".into()],
        cc: vec!["+15550100003/TYPE=PLMN".into()],
        bcc: vec!["a@b.example".into()],
        expiry: Some(TimeValue::Relative(60)),
        delivery_time: Some(TimeValue::Absolute(1_704_067_200)),
        read_report: Some(true),
        store: Some(true),
        mm_state: Some(mms::MmState::Sent),
        mm_flags: vec![mms::MmFlag {
            action: mms::FlagAction::Add,
            keyword: "work".into(),
        }],
        ..mms::ForwardReq::default()
    };
    let (forward, left_out) = forward(&pdu, Token([1; 16]), sender(), Version::V1_2, None).unwrap();
    assert!(left_out.is_empty());
    assert_eq!(forward.forwarder, sender(), "whatever From says");
    let kinds: Vec<_> = forward.recipients.iter().map(|recipient| recipient.kind).collect();
    assert_eq!(kinds, [RecipientKind::To, RecipientKind::Cc, RecipientKind::Bcc]);
    assert_eq!(forward.date, Some(UnixMillis(1_600_000_000_000)));
    assert_eq!(
        forward.expiry,
        Some(TimeWish::After(std::time::Duration::from_secs(60)))
    );
    assert_eq!(forward.delivery_time, Some(TimeWish::At(UnixMillis(1_704_067_200_000))));
    assert!(forward.read_report && !forward.delivery_report);
    assert!(forward.report_allowed, "unless it says no");
    let wish = StoreWish {
        state: Some(MmBoxState::Sent),
        flags: vec![FlagChange::Add("work".to_owned())],
    };
    assert_eq!(forward.store, Some(wish));
}

#[test]
fn recipients_that_cannot_be_read() {
    let both = |version| {
        let pdu = SendReq {
            to: vec!["+15550100002/TYPE=PLMN".into(), "a@@b".into()],
            ..request(Vec::new())
        };
        submission(&pdu, &[], sender(), version, None).map(|submission| submission.left_out)
    };
    assert_eq!(both(Version::V1_2).unwrap(), ["a@@b"]);
    assert_eq!(
        both(Version::V1_1).unwrap_err(),
        SubmitError::BadRecipient("a@@b".to_owned())
    );
    let none = SendReq {
        to: Vec::new(),
        ..request(Vec::new())
    };
    let refused = submission(&none, &[], sender(), Version::V1_2, None);
    assert_eq!(refused.unwrap_err(), SubmitError::NoRecipients);
}

#[test]
fn parts_outside_the_content_are_noticed() {
    let octets = encoded(&request(vec![Part {
        data: b"12345",
        ..Part::default()
    }]));
    let (submit, _) = translated(&decoded(&octets), &octets);
    let refused = retrieve_conf(&retrieval(&submit), Some(&Bytes::from_static(b"1234")), "mms.example");
    assert_eq!(refused.unwrap_err(), RetrieveError::Outside(0));
}

/// A handset is served in a version that it knows, and at most in 1.2; without what that version does not have.
#[test]
fn a_retrieval_speaks_the_version_of_the_handset() {
    let pdu = SendReq {
        to: vec!["+15550100002/TYPE=PLMN".into()],
        content: Content::mixed(Vec::new()),
        ..SendReq::default()
    };
    let mut octets = Vec::new();
    mms::encode(&pdu.clone().into(), &mut octets).unwrap();
    let (submit, content) = translated(&pdu, &octets);
    let mut retrieval = retrieval(&submit);
    retrieval.head.reply_offer = Some(mmsc_domain::reply_charging::Offer {
        text_only: false,
        deadline: UnixMillis(1_704_153_600_000),
        size: None,
    });
    for (known, version, charged) in [
        (None, Version::V1_2, true),
        (Some(0x90), Version::V1_0, false),
        (Some(0x91), Version::V1_1, true),
        (Some(0x93), Version::V1_2, true),
        (Some(0xA0), Version::V1_2, true),
    ] {
        retrieval.mms_version = known;
        let (chunks, _) = retrieve_conf(&retrieval, Some(&content), "mms.example").unwrap();
        let sent = whole(&chunks);
        let Pdu::RetrieveConf(conf) = mms::decode(&sent, &Limits::default()).unwrap() else {
            panic!("{known:?}")
        };
        assert_eq!(
            (conf.version, conf.reply_charging.is_some()),
            (version, charged),
            "{known:?}"
        );
    }
}

/// A multipart inside a part hides no program; the relay, which sees only its octets, keeps what was found.
#[test]
fn a_program_inside_a_nested_multipart_is_found() {
    fn part<'a>(media: &'static str, data: &'a [u8]) -> Part<'a> {
        let head = PartHead {
            media: media.into(),
            ..PartHead::default()
        };
        Part { head, data }
    }
    let (mut inner, mut outer) = (Vec::new(), Vec::new());
    let program = part("image/jpeg", b"\x7fELF and the rest");
    multipart::encode(&[part("text/plain", b"see this"), program], &mut inner).unwrap();
    multipart::encode(&[part("application/vnd.wap.multipart.mixed", &inner)], &mut outer).unwrap();
    for (data, found) in [(outer, Some(Installable::Elf)), (inner[..1].to_vec(), None)] {
        let pdu = SendReq {
            to: vec!["+15550100002/TYPE=PLMN".into()],
            content: Content::mixed(vec![part("application/vnd.wap.multipart.mixed", &data)]),
            ..SendReq::default()
        };
        let mut octets = Vec::new();
        mms::encode(&pdu.into(), &mut octets).unwrap();
        let Pdu::SendReq(pdu) = mms::decode(&octets, &Limits::default()).unwrap() else {
            panic!("no m-send-req")
        };
        let (mut submit, content) = translated(&pdu, &octets);
        mmsc_domain::content::note_installables(&mut submit.parts, &content);
        assert_eq!(submit.parts[0].installable, found);
    }
}
