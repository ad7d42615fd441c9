use super::*;
use crate::wsp::ValueError;

fn read(octets: &[u8]) -> Result<Pdu<'_>, DecodeError> {
    decode(octets, &Limits::default())
}

fn written(pdu: impl Into<Pdu<'static>>) -> Vec<u8> {
    let mut out = Vec::new();
    encode(&pdu.into(), &mut out).unwrap();
    out
}

fn kind(octets: &[u8]) -> DecodeErrorKind {
    read(octets).unwrap_err().kind
}

/// A submission with these fields between version and Content-Type, and one text part.
fn send_req(fields: &[u8]) -> Vec<u8> {
    [b"\x8C\x80\x98T1\0\x8D\x92", fields, b"\x84\xA3\x01\x01\x02\x83hi"].concat()
}

fn parse_send_req(octets: &[u8]) -> SendReq<'_> {
    match read(octets).unwrap() {
        Pdu::SendReq(req) => req,
        other => panic!("{other:?}"),
    }
}

#[test]
fn worked_octets_of_the_digest() {
    let notification = NotificationInd {
        transaction_id: "N7".into(),
        version: Version::V1_2,
        from: Some("+15550100001/TYPE=PLMN".into()),
        message_size: Size(51_200),
        expiry: TimeValue::Relative(259_200),
        content_location: "http://m.io/x".into(),
        ..NotificationInd::default()
    };
    let octets = written(notification);
    assert_eq!(
        octets,
        b"\x8C\x82\x98N7\0\x8D\x92\x89\x18\x80+15550100001/TYPE=PLMN\0\x8A\x80\x8E\x02\xC8\x00\x88\x05\x81\x03\x03\xF4\x80\x83http://m.io/x\0"
    );
    let resp = NotifyRespInd {
        transaction_id: "N7".into(),
        version: Version::V1_2,
        status: Status::Retrieved,
        report_allowed: Some(true),
    };
    assert_eq!(written(resp), b"\x8C\x83\x98N7\0\x8D\x92\x95\x81\x91\x80");
    let gone = RetrieveConf {
        transaction_id: Some("N7".into()),
        version: Version::V1_2,
        date: Date(0x6592_0080),
        retrieve_status: Some(RetrieveStatus::PermanentNotFound),
        retrieve_text: Some("gone".into()),
        content: Content::text("gone"),
        ..RetrieveConf::default()
    };
    assert_eq!(
        written(gone),
        b"\x8C\x84\x98N7\0\x8D\x92\x85\x04\x65\x92\x00\x80\x99\xE2\x9Agone\0\x84\x83gone"
    );
    let report = DeliveryInd {
        version: Version::V1_2,
        message_id: "a1@m".into(),
        to: "+1/TYPE=PLMN".into(),
        date: Date(0x6592_0080),
        status: Status::Retrieved,
        ..DeliveryInd::default()
    };
    assert_eq!(
        written(report),
        b"\x8C\x86\x8D\x92\x8Ba1@m\0\x97+1/TYPE=PLMN\0\x85\x04\x65\x92\x00\x80\x95\x81"
    );
}

#[test]
fn fields_come_in_any_order_and_the_first_of_a_repeated_one_wins() {
    let octets = b"\x97+1\0\x96first\0\x96second\0\x98T1\0\x89\x01\x81\x8C\x80\x8D\x91\x97+2\0\x84\xA3\x00";
    let req = parse_send_req(octets);
    assert_eq!(req.subject, Some("first".into()));
    assert_eq!(req.to, ["+1".into(), "+2".into()]);
    assert_eq!(req.version, Version::V1_1);
}

#[test]
fn unknown_fields_and_values_are_skipped() {
    let octets = send_req(b"X-Vendor\0value\0\x97+1\0\xC5\x03abc\xD0text\0\xE1\x80\x8F\x9F\x8A\xA0\x86\x8Fx-2\0\x82");
    let req = parse_send_req(&octets);
    assert_eq!(req.priority, None);
    assert_eq!(req.message_class, None);
    assert_eq!(req.delivery_report, None);
    let octets = send_req(b"\x97+1\0\x85\x00\x88\x00");
    assert_eq!(
        read(&octets).unwrap_err().kind,
        ValueError::Truncated.into(),
        "an Expiry without a token"
    );
    let octets = send_req(b"\x97+1\0\x85\x00\x88\x02\x81\x00");
    let req = parse_send_req(&octets);
    assert_eq!(req.date, None, "a date of length 0 is absent");
    assert_eq!(req.expiry, Some(TimeValue::Relative(0)));
}

#[test]
fn senders_are_read_in_every_form() {
    let from = |field: &'static [u8]| {
        let octets = send_req(&[field, b"\x97+1\0"].concat());
        match parse_send_req(&octets).from {
            Sender::InsertAddress => "insert".to_owned(),
            Sender::Address(address) => address.to_str().into_owned(),
        }
    };
    assert_eq!(from(b""), "insert");
    assert_eq!(from(b"\x89\x01\x81"), "insert");
    assert_eq!(from(b"\x89\x04\x80+1\0"), "+1");
    assert_eq!(from(b"\x89\x06\x80\x04\xEA+1\0"), "+1");
    assert_eq!(from(b"\x89+1/TYPE=PLMN\0"), "+1/TYPE=PLMN", "without length and token");
    // In what the relay sends, the token counts as absent.
    let pdu = read(b"\x8C\x82\x98a\0\x8D\x92\x89\x01\x81\x8A\x80\x8E\x01\x05\x88\x03\x81\x01\x05\x83u\0").unwrap();
    let Pdu::NotificationInd(ind) = pdu else { panic!() };
    assert_eq!(ind.from, None);
}

#[test]
fn what_opens_a_broken_pdu_is_still_known() {
    let e = read(b"\x8C\x80\x98T9\0\x8D\x93\x97+1").unwrap_err();
    assert_eq!((e.offset, e.place), (8, Place::Field(Field::TO)));
    assert_eq!(e.kind, ValueError::UnterminatedText.into());
    let Partial {
        message_type,
        transaction_id,
        version,
    } = *e.partial;
    assert_eq!((message_type, version), (Some(0x80), Some(Version::V1_3)));
    assert_eq!(transaction_id, Some("T9".into()));
    assert_eq!(e.kind.to_string(), "a text has no closing NUL");
}

#[test]
fn missing_mandatory_fields_are_named() {
    let place = |octets: &[u8]| {
        let e = read(octets).unwrap_err();
        assert_eq!(e.kind, DecodeErrorKind::Missing);
        e.place
    };
    assert_eq!(place(b""), Place::Field(Field::MESSAGE_TYPE));
    assert_eq!(
        place(b"\x8C\x80\x8D\x92\x97+1\0\x84\xA3\x00"),
        Place::Field(Field::TRANSACTION_ID)
    );
    assert_eq!(place(&send_req(b"")), Place::Field(Field::TO));
    assert_eq!(
        place(b"\x8C\x80\x98T\0\x8D\x92\x97+1\0"),
        Place::Field(Field::CONTENT_TYPE)
    );
    assert_eq!(place(b"\x8C\x83\x98T\0\x8D\x92"), Place::Field(Field::STATUS));
    assert!(read(b"\x8C\x85\x98T\0").is_ok(), "a missing version is 1.0");
}

#[test]
fn types_and_versions_that_are_not_ours_are_told_apart() {
    assert_eq!(
        kind(b"\x8C\x98\x98T\0\x8D\x92"),
        DecodeErrorKind::UnknownMessageType(0x98)
    );
    assert_eq!(
        kind(b"\x8C\x85\x8C\x85\x8C\x86"),
        DecodeErrorKind::ConflictingMessageType
    );
    assert!(read(b"\x8C\x85\x8C\x85\x98T\0").is_ok());
    let unsupported = DecodeErrorKind::UnsupportedVersion(Version::from_octet(0xA0));
    assert_eq!(
        kind(b"\x8C\x80\x98T\0\x8D\xA0\x97bro"),
        unsupported,
        "whatever else is wrong"
    );
    assert_eq!(
        kind(b"\x8C\x85\x98T\0\x8D\x80").to_string(),
        "version 0.0 is not supported"
    );
    assert!(read(b"\x8C\x85\x98T\0\x8D\x9F").is_ok(), "a higher minor is processed");
    assert!(read(b"\x8C\x85\x98T\0\x8D1.2\0").is_ok(), "the text form");
}

#[test]
fn octets_that_start_no_field_are_tolerated_only_at_the_end() {
    assert!(
        read(b"\x8C\x85\x98T\0\x8D\x92\x81\x00\x00").is_ok(),
        "captured behind a notification"
    );
    assert!(read(b"\x8C\x85\x98T\0\x8D\x92\0\0\0\0\0\0\0\0").is_ok());
    assert_eq!(
        kind(b"\x8C\x85\x98T\0\x8D\x92\x01\x91\x80\x91\x80"),
        DecodeErrorKind::IllegalStart(1)
    );
    assert_eq!(kind(b"\x8C\x80\x98T\0\x8D\x92\x00"), DecodeErrorKind::IllegalStart(0));
}

#[test]
fn limits_hold_before_anything_is_kept() {
    let limits = Limits {
        max_recipients: 2,
        max_fields: 8,
        ..Limits::default()
    };
    let error = |octets: &[u8]| decode(octets, &limits).unwrap_err().kind;
    assert_eq!(
        error(&send_req(b"\x97+1\0\x82+2\0\x81+3\0")),
        DecodeErrorKind::TooManyRecipients(2)
    );
    assert_eq!(
        error(&send_req(b"\x97+1\0\x86\x80\x86\x80\x86\x80\x86\x80\x86\x80")),
        DecodeErrorKind::TooManyFields(8)
    );
    let long = [b"\x97", vec![b'1'; 313].as_slice(), b"\0"].concat();
    assert_eq!(
        error(&send_req(&long)),
        ValueError::TooLong {
            octets: 313,
            limit: 312
        }
        .into()
    );
    let e = decode(&send_req(b"\x97+1\0"), &Limits { max_pdu: 19, ..limits }).unwrap_err();
    assert_eq!(e.kind, DecodeErrorKind::TooLarge(19));
    assert_eq!(
        e.partial.transaction_id,
        Some("T1".into()),
        "it can still be refused by its id"
    );
    let e = decode(&send_req(b"\x97+1\0"), &Limits { max_head: 10, ..limits }).unwrap_err();
    assert_eq!(e.kind, DecodeErrorKind::TooLarge(10));
    let many = [
        b"\x8C\x80\x98T1\0\x8D\x92\x97+1\0\x84\xA3\x03",
        b"\x01\x00\x83".repeat(3).as_slice(),
    ]
    .concat();
    let e = decode(&many, &Limits { max_parts: 2, ..limits }).unwrap_err();
    assert_eq!((e.place, e.kind), (Place::Body, DecodeErrorKind::TooManyParts(2)));
    let named = [
        b"\x8C\x80\x98T1\0\x8D\x92\x97+1\0\x84\xA3\x01\x82\x05\x00\x83\x8E",
        vec![b'n'; 258].as_slice(),
        b"\0",
    ]
    .concat();
    let e = decode(&named, &limits).unwrap_err();
    assert_eq!(e.place, Place::Part(0), "{e}");
}

#[test]
fn reserved_statuses_count_as_their_class() {
    assert_eq!(ResponseStatus::from_octet(0xD0), Some(ResponseStatus::TransientFailure));
    assert_eq!(ResponseStatus::from_octet(0xF0), Some(ResponseStatus::PermanentFailure));
    assert_eq!(ResponseStatus::from_octet(0x90), Some(ResponseStatus::Unspecified));
    assert_eq!(ResponseStatus::from_octet(0x10), None);
    assert_eq!(RetrieveStatus::from_octet(0xC9), Some(RetrieveStatus::TransientFailure));
    assert_eq!(RetrieveStatus::from_octet(0xEE), Some(RetrieveStatus::PermanentFailure));
    assert_eq!(StoreStatus::from_octet(0xE9), Some(StoreStatus::PermanentFailure));
    assert_eq!(Status::from_octet(0x88), None);
}

#[test]
fn statuses_are_brought_down_to_what_a_client_knows() {
    for status in ResponseStatus::ALL {
        assert!(status.for_version(Version::V1_0).octet() <= 0x88, "{status:?}");
        assert_eq!(status.for_version(Version::V1_3), *status);
    }
    let old = |status: ResponseStatus| status.for_version(Version::V1_0);
    assert_eq!(
        old(ResponseStatus::PermanentFormatCorrupt),
        ResponseStatus::FormatCorrupt
    );
    assert_eq!(old(ResponseStatus::TransientFailure), ResponseStatus::Unspecified);
    assert_eq!(old(ResponseStatus::LackOfPrepaid), ResponseStatus::ServiceDenied);
    assert_eq!(
        ResponseStatus::PartialSuccess.for_version(Version::V1_1),
        ResponseStatus::Ok
    );
    assert_eq!(
        ResponseStatus::LackOfPrepaid.for_version(Version::V1_2),
        ResponseStatus::PermanentServiceDenied
    );
}

#[test]
fn the_root_is_named_or_smil_or_first() {
    let part = |media: &'static str, id: &'static str| Part {
        head: PartHead {
            media: media.into(),
            content_id: Some(id.into()),
            ..PartHead::default()
        },
        data: b"",
    };
    let parts = vec![
        part("text/plain", "<a>"),
        part("application/smil", "b"),
        part("application/smil", "<C>"),
    ];
    assert_eq!(Content::related("<b>", parts.clone()).root(), Some(1));
    assert_eq!(Content::related("C", parts.clone()).root(), Some(2));
    assert_eq!(
        Content::related("c", parts.clone()).root(),
        Some(1),
        "case counts; then the first SMIL"
    );
    assert_eq!(Content::mixed(parts[..1].to_vec()).root(), Some(0));
    assert_eq!(Content::text("x").root(), None);
}

#[test]
fn what_must_not_be_sent_is_a_typed_error() {
    let absolute = NotificationInd {
        transaction_id: "N".into(),
        expiry: TimeValue::Absolute(1),
        content_location: "u".into(),
        ..NotificationInd::default()
    };
    let error = |pdu: Pdu<'_>| encode(&pdu, &mut Vec::new()).unwrap_err();
    assert_eq!(error(absolute.into()).place, Place::Field(Field::EXPIRY));
    let ack = AcknowledgeInd {
        transaction_id: Text::from("a\0b"),
        ..AcknowledgeInd::default()
    };
    let e = error(ack.into());
    assert_eq!(e.place, Place::Field(Field::TRANSACTION_ID));
    assert_eq!(
        e.to_string(),
        "X-Mms-Transaction-Id: the text holds an octet that cannot be sent"
    );
}

#[test]
fn dates_are_sent_in_four_octets() {
    let ind = ReadOrigInd {
        message_id: "m".into(),
        to: "a@b".into(),
        from: "c@d".into(),
        date: Date(u64::MAX),
        ..ReadOrigInd::default()
    };
    let octets = written(ind);
    assert!(
        octets
            .windows(6)
            .any(|window| window == [0x85, 4, 0xFF, 0xFF, 0xFF, 0xFF])
    );
}

#[test]
fn mmbox_values_go_both_ways() {
    let descr = written(MboxDescr {
        content_location: Some("http://b/1".into()),
        mm_state: Some(MmState::Sent),
        mm_flags: vec![MmFlag {
            action: FlagAction::Add,
            keyword: "keep".into(),
        }],
        content: Some(Content::text("hi")),
        ..MboxDescr::default()
    });
    let data: &'static [u8] = descr.leak();
    let conf = MboxViewConf {
        transaction_id: "v".into(),
        version: Version::V1_2,
        response_status: ResponseStatus::Ok,
        attributes: vec![Attribute(Field::SUBJECT)],
        mbox_totals: vec![MboxAmount::Messages(2), MboxAmount::Octets(2_468)],
        message_count: Some(Number(300)),
        content: Content::mixed(vec![Part {
            head: PartHead {
                media: MediaType::mms_message(),
                ..PartHead::default()
            },
            data,
        }]),
        ..MboxViewConf::default()
    };
    let octets = written(conf.clone());
    assert!(octets.windows(4).any(|window| window == [0xAA, 0x02, 0x80, 0x82]));
    assert_eq!(read(&octets).unwrap(), Pdu::MboxViewConf(conf));
    let Pdu::MboxDescr(inner) = read(data).unwrap() else {
        panic!()
    };
    assert_eq!(inner.content, Some(Content::text("hi")));

    let delete = MboxDeleteConf {
        transaction_id: "d".into(),
        version: Version::V1_2,
        content_locations: vec![CountedLocation::new(0, "u0"), CountedLocation::new(200, "u1")],
        response_statuses: vec![
            CountedStatus::new(0, ResponseStatus::Ok),
            CountedStatus::new(200, ResponseStatus::PermanentNotFound),
        ],
        response_texts: vec![CountedText::new(200, "nicht da: Ü")],
    };
    let octets = written(delete.clone());
    assert_eq!(read(&octets).unwrap(), Pdu::MboxDeleteConf(delete));
}

#[test]
fn every_octet_of_an_enumeration_goes_both_ways() {
    for kind in MessageType::ALL {
        assert_eq!(MessageType::from_octet(kind.octet()), Some(*kind));
    }
    assert_eq!(MessageType::ALL.len(), 24);
    assert_eq!(ResponseStatus::ALL.len(), 26);
    for status in ResponseStatus::ALL {
        assert_eq!(ResponseStatus::from_octet(status.octet()), Some(*status));
    }
    assert_eq!(Field::TO.to_string(), "To");
    assert_eq!(Field(0xC7).to_string(), "field 0xc7");
}
