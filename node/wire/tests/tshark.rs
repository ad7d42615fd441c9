//! Wireshark's dissector reads every PDU that we emit, finds nothing malformed, and shows the values that were meant.
//!
//! MMS PDUs travel as the body of an HTTP 200 response on TCP 80, pushes as UDP 9200 to 2948, SMPP on TCP 2775.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::io::Write;
use std::process::Command;

use mmsc_wire::mms::*;
use mmsc_wire::push::segment::Reference;
use mmsc_wire::push::{self, Push};
use mmsc_wire::smpp::{self, Address, Bind, BindResp, LongForm, PushSubmit, ShortMessage, Tlv, submit_push, tag};

/// What is sent, and what has to be seen of it.
struct Case {
    name: String,
    carrier: Carrier,
    octets: Vec<u8>,
    shown: Vec<&'static str>,
}

#[derive(Clone, Copy, PartialEq)]
enum Carrier {
    Http,
    Push,
    Smpp,
}

const V: Version = Version::V1_2;

fn case(pdu: impl Into<Pdu<'static>>, shown: &[&'static str]) -> Case {
    let pdu = pdu.into();
    let mut octets = Vec::new();
    encode(&pdu, &mut octets).unwrap();
    let name = pdu.message_type().name().to_owned();
    Case {
        name,
        carrier: Carrier::Http,
        octets,
        shown: shown.to_vec(),
    }
}

fn parts() -> Vec<Part<'static>> {
    let head = |media: MediaType<'static>, name: &'static str, id: &'static str| PartHead {
        media,
        content_id: Some(id.into()),
        content_location: Some(name.into()),
        disposition: Some(Disposition {
            kind: DispositionKind::Inline,
            ..Disposition::default()
        }),
        ..PartHead::default()
    };
    let media = |name: &'static str, file: &'static str, charset: Option<u32>| MediaType {
        media: name.into(),
        parameters: Parameters {
            name: Some(file.into()),
            charset,
            ..Parameters::default()
        },
    };
    vec![
        Part {
            head: head(media("application/smil", "s.smil", None), "s.smil", "<smil>"),
            data: b"<smil></smil>",
        },
        Part {
            head: head(media("text/plain", "t.txt", Some(106)), "t.txt", "<t.txt>"),
            data: "Grüße".as_bytes(),
        },
        Part {
            head: head(media("image/jpeg", "p.jpg", None), "p.jpg", "<p.jpg>"),
            data: &[0xFF; 3_000],
        },
    ]
}

fn reply_charging() -> (Option<TimeValue>, Option<Size>) {
    (Some(TimeValue::Absolute(1_704_672_000)), Some(Size(30_720)))
}

fn submission() -> Vec<Case> {
    let (reply_charging_deadline, reply_charging_size) = reply_charging();
    let send_req = SendReq {
        transaction_id: "sr-1".into(),
        version: V,
        date: Some(Date(1_704_067_200)),
        to: vec!["+15550100002/TYPE=PLMN".into(), "user@example.org".into()],
        cc: vec!["*123".into()],
        bcc: vec!["+15550100009/TYPE=PLMN".into()],
        subject: Some("plain subject".into()),
        message_class: Some(MessageClass::Informational),
        expiry: Some(TimeValue::Relative(604_800)),
        delivery_time: Some(TimeValue::Absolute(1_704_153_600)),
        priority: Some(Priority::Low),
        sender_visibility: Some(SenderVisibility::Hide),
        delivery_report: Some(true),
        read_report: Some(false),
        reply_charging: Some(ReplyCharging::Requested),
        reply_charging_deadline,
        reply_charging_size,
        content: Content::related("<smil>", parts()),
        ..SendReq::default()
    };
    let stored = SendConf {
        transaction_id: "sr-1".into(),
        version: V,
        response_status: ResponseStatus::Ok,
        response_text: Some("accepted".into()),
        message_id: Some("id-1@mmsc.example.net".into()),
        ..SendConf::default()
    };
    vec![
        case(
            send_req,
            &[
                "X-Mms-Message-Type: m-send-req (0x80)",
                "X-Mms-Transaction-ID: sr-1",
                "X-Mms-MMS-Version: 1.2",
                "Date: Jan  1, 2024 00:00:00",
                "To: +15550100002/TYPE=PLMN",
                "To: user@example.org",
                "Cc: *123",
                "Bcc: +15550100009/TYPE=PLMN",
                "From: <insert address>",
                "Subject: plain subject",
                "X-Mms-Message-Class: Informational",
                "X-Mms-Expiry: 604800",
                "X-Mms-Priority: Low",
                "Sender-Visibility: Hide",
                "X-Mms-Delivery-Report: Yes",
                "X-Mms-Read-Report: No",
                "application/vnd.wap.multipart.related",
                "application/smil",
                "image/jpeg",
            ],
        ),
        case(
            stored,
            &[
                "m-send-conf (0x81)",
                "Response-Status: Ok (0x80)",
                "Response-Text: accepted",
                "id-1@mmsc.example.net",
            ],
        ),
    ]
}

fn delivery() -> Vec<Case> {
    let notifyresp = NotifyRespInd {
        transaction_id: "nt-1".into(),
        version: V,
        status: Status::Deferred,
        report_allowed: Some(false),
    };
    let retrieve = RetrieveConf {
        transaction_id: Some("nt-1".into()),
        version: V,
        message_id: Some("id-3@mmsc.example.net".into()),
        date: Date(1_704_067_200),
        from: Some("+15550100001/TYPE=PLMN".into()),
        previously_sent_by: vec![PreviouslySentBy::new(1, "+15550100008/TYPE=PLMN")],
        previously_sent_date: vec![PreviouslySentDate::new(1, Date(1_703_980_800))],
        to: vec!["+15550100002/TYPE=PLMN".into()],
        message_class: Some(MessageClass::Personal),
        priority: Some(Priority::High),
        read_report: Some(true),
        retrieve_status: Some(RetrieveStatus::Ok),
        content: Content::related("<smil>", parts()),
        ..RetrieveConf::default()
    };
    let gone = RetrieveConf {
        version: V,
        date: Date(1_704_067_200),
        retrieve_status: Some(RetrieveStatus::PermanentNotFound),
        retrieve_text: Some("message not found".into()),
        content: Content::text("message not found"),
        ..RetrieveConf::default()
    };
    let ack = AcknowledgeInd {
        transaction_id: "nt-1".into(),
        version: V,
        report_allowed: Some(true),
    };
    vec![
        case(
            notifyresp,
            &[
                "m-notifyresp-ind (0x83)",
                "Status: Deferred (0x83)",
                "X-Mms-Report-Allowed: No",
            ],
        ),
        case(
            retrieve,
            &[
                "m-retrieve-conf (0x84)",
                "From: +15550100001/TYPE=PLMN",
                "X-Mms-Priority: High",
                "X-Mms-Read-Report: Yes",
                "X-Mms-Retrieve-Status: Ok",
                "application/vnd.wap.multipart.related",
            ],
        ),
        case(
            gone,
            &[
                "X-Mms-Retrieve-Status: Permanent: Message not found (0xe2)",
                "X-Mms-Retrieve-Text: message not found",
            ],
        ),
        case(ack, &["m-acknowledge-ind (0x85)", "X-Mms-Report-Allowed: Yes"]),
    ]
}

fn read_and_forward() -> Vec<Case> {
    let read_rec = ReadRecInd {
        version: V,
        message_id: "id-3@mmsc.example.net".into(),
        to: "+15550100001/TYPE=PLMN".into(),
        read_status: ReadStatus::Deleted,
        ..ReadRecInd::default()
    };
    let forward_req = ForwardReq {
        transaction_id: "fw-1".into(),
        version: V,
        to: vec!["+15550100003/TYPE=PLMN".into()],
        expiry: Some(TimeValue::Relative(86_400)),
        report_allowed: Some(true),
        content_location: "http://mmsc.example.net/r/A".into(),
        ..ForwardReq::default()
    };
    let forward_conf = ForwardConf {
        transaction_id: "fw-1".into(),
        version: V,
        response_status: ResponseStatus::PermanentNotFound,
        ..ForwardConf::default()
    };
    vec![
        case(
            read_rec,
            &[
                "m-read-rec-ind (0x87)",
                "From: <insert address>",
                "X-Mms-Read-Status: Deleted",
            ],
        ),
        case(
            forward_req,
            &[
                "m-forward-req (0x89)",
                "X-Mms-Content-Location: http://mmsc.example.net/r/A",
            ],
        ),
        case(
            forward_conf,
            &[
                "m-forward-conf (0x8a)",
                "Response-Status: Permanent: Message not found (0xe4)",
            ],
        ),
    ]
}

/// The dissector does not name the values of the network store; what it has to do is not to stumble over them.
fn network_store() -> Vec<Case> {
    let id = || Text::from("mb-1");
    let box_1 = || Text::from("http://mmsc.example.net/box/1");
    let flags = || {
        vec![MmFlag {
            action: FlagAction::Add,
            keyword: "keep".into(),
        }]
    };
    let descr = MboxDescr {
        content_location: Some(box_1()),
        message_id: Some("m1@mmsc.example.net".into()),
        mm_state: Some(MmState::New),
        mm_flags: flags(),
        subject: Some("stored one".into()),
        ..MboxDescr::default()
    };
    let mut octets = Vec::new();
    encode(&descr.clone().into(), &mut octets).unwrap();
    let data: &'static [u8] = octets.leak();
    let inner = || Part {
        head: PartHead {
            media: MediaType::mms_message(),
            ..PartHead::default()
        },
        data,
    };
    let view_req = MboxViewReq {
        transaction_id: id(),
        version: V,
        mm_states: vec![MmState::New, MmState::Retrieved],
        mm_flags: vec![MmFlag {
            action: FlagAction::Filter,
            keyword: "keep".into(),
        }],
        start: Some(Number(0)),
        limit: Some(Number(10)),
        attributes: vec![Attribute(Field::SUBJECT)],
        totals: Some(true),
        ..MboxViewReq::default()
    };
    let view_conf = MboxViewConf {
        transaction_id: id(),
        version: V,
        response_status: ResponseStatus::Ok,
        mbox_totals: vec![MboxAmount::Messages(1), MboxAmount::Octets(136)],
        message_count: Some(Number(1)),
        content: Content::mixed(vec![inner()]),
        ..MboxViewConf::default()
    };
    let upload = MboxUploadReq {
        transaction_id: id(),
        version: V,
        mm_state: Some(MmState::Draft),
        content: Content {
            media: MediaType::mms_message(),
            body: Body::Single(data),
        },
        ..MboxUploadReq::default()
    };
    let store_req = MboxStoreReq {
        transaction_id: id(),
        version: V,
        content_location: box_1(),
        mm_flags: flags(),
        ..MboxStoreReq::default()
    };
    let store_conf = MboxStoreConf {
        transaction_id: id(),
        version: V,
        content_location: Some(box_1()),
        store_status: StoreStatus::Success,
        ..MboxStoreConf::default()
    };
    let upload_conf = MboxUploadConf {
        transaction_id: id(),
        version: V,
        ..MboxUploadConf::default()
    };
    let delete = MboxDeleteReq {
        transaction_id: id(),
        version: V,
        content_locations: vec![box_1()],
    };
    let deleted = MboxDeleteConf {
        transaction_id: id(),
        version: V,
        content_locations: vec![CountedLocation::new(0, box_1())],
        response_statuses: vec![CountedStatus::new(0, ResponseStatus::Ok)],
        ..MboxDeleteConf::default()
    };
    vec![
        case(store_req, &["(0x8b)", "mb-1"]),
        case(store_conf, &["(0x8c)", "http://mmsc.example.net/box/1"]),
        case(view_req, &["(0x8d)", "mb-1"]),
        case(view_conf, &["(0x8e)", "application/vnd.wap.multipart.mixed"]),
        case(upload, &["(0x8f)", "mb-1"]),
        case(upload_conf, &["(0x90)", "mb-1"]),
        case(delete, &["(0x91)", "http://mmsc.example.net/box/1"]),
        case(deleted, &["(0x92)", "mb-1"]),
        case(descr, &["(0x93)", "Subject: stored one"]),
    ]
}

fn version_13() -> Vec<Case> {
    let version = Version::V1_3;
    let id = || Text::from("x-1");
    let delete = DeleteReq {
        transaction_id: id(),
        version,
        content_locations: vec!["http://mmsc.example.net/r/A".into()],
    };
    let deleted = DeleteConf {
        transaction_id: id(),
        version,
        content_locations: vec![CountedLocation::new(0, "http://mmsc.example.net/r/A")],
        response_statuses: vec![CountedStatus::new(0, ResponseStatus::Ok)],
        ..DeleteConf::default()
    };
    let cancelled = CancelConf {
        transaction_id: id(),
        version,
        cancel_status: CancelStatus::Received,
    };
    vec![
        case(delete, &["(0x94)", "X-Mms-MMS-Version: 1.3"]),
        case(deleted, &["(0x95)", "x-1"]),
        case(cancelled, &["(0x97)", "x-1"]),
    ]
}

fn notification(subject: &'static str) -> NotificationInd<'static> {
    NotificationInd {
        transaction_id: "N7".into(),
        version: V,
        from: Some("+15550100001/TYPE=PLMN".into()),
        subject: Some(subject.into()),
        priority: Some(Priority::Normal),
        message_size: Size(51_200),
        expiry: TimeValue::Relative(259_200),
        content_location: "http://mmsc.example.net/r/AbC123".into(),
        ..NotificationInd::default()
    }
}

/// What the relay pushes, in both forms of the envelope.
fn pushes() -> Vec<Case> {
    let report = DeliveryInd {
        version: V,
        message_id: "id-1@mmsc.example.net".into(),
        to: "+15550100002/TYPE=PLMN".into(),
        date: Date(1_704_067_200),
        status: Status::Unreachable,
        ..DeliveryInd::default()
    };
    let read = ReadOrigInd {
        version: V,
        message_id: "id-1@mmsc.example.net".into(),
        to: "+15550100001/TYPE=PLMN".into(),
        from: "+15550100002/TYPE=PLMN".into(),
        date: Date(1_704_067_200),
        ..ReadOrigInd::default()
    };
    let cancel = CancelReq {
        transaction_id: "ca-1".into(),
        version: Version::V1_3,
        cancel_id: "old@vasp".into(),
    };
    let notification_shown = [
        "X-Wap-Application-Id: x-wap-application:mms.ua",
        "m-notification-ind (0x82)",
        "From: +15550100001/TYPE=PLMN",
        "X-Mms-Message-Class: Personal",
        "X-Mms-Message-Size: 51200",
        "X-Mms-Expiry: 259200",
        "X-Mms-Content-Location: http://mmsc.example.net/r/AbC123",
    ];
    let inner = [
        case(notification("hello"), &notification_shown),
        case(
            report,
            &[
                "m-delivery-ind (0x86)",
                "id-1@mmsc.example.net",
                "Status: Unreachable (0x87)",
                "To: +15550100002/TYPE=PLMN",
            ],
        ),
        case(read, &["m-read-orig-ind (0x88)", "X-Mms-Read-Status: Read"]),
        case(cancel, &["(0x96)", "ca-1"]),
    ];
    let mut cases = Vec::new();
    for (number, case) in (1..).zip(&inner) {
        for push in [
            Push::mms(number, &case.octets),
            Push::mms_with_text_type(number, &case.octets),
        ] {
            let mut octets = Vec::new();
            push::encode(&push, &mut octets).unwrap();
            cases.push(Case {
                name: case.name.clone(),
                carrier: Carrier::Push,
                octets,
                shown: case.shown.clone(),
            });
        }
    }
    cases
}

fn smpp_pdus() -> Vec<smpp::Pdu> {
    let mut pdu = Vec::new();
    encode(
        &notification("Поздравляем с днём рождения, дорогая мама").into(),
        &mut pdu,
    )
    .unwrap();
    let mut push = Vec::new();
    push::encode(&Push::mms(9, &pdu), &mut push).unwrap();
    let how = PushSubmit::new(
        Address::short_code("12345"),
        Address::international("+15550100002"),
        Reference::Octet(0x5A),
    );
    let bind = Bind {
        system_id: "mmsc".into(),
        password: "secret".into(),
        interface_version: 0x34,
        ..Bind::default()
    };
    let receipt = ShortMessage {
        source: Address::international("15550100002"),
        destination: Address::short_code("12345"),
        esm_class: smpp::esm_class::RECEIPT,
        short_message: b"id:77 sub:001 dlvrd:001 stat:DELIVRD err:000 text:".to_vec(),
        tlvs: vec![
            Tlv::new(tag::RECEIPTED_MESSAGE_ID, *b"77\0"),
            Tlv::new(tag::MESSAGE_STATE, [2]),
        ],
        ..ShortMessage::default()
    };
    let resp = BindResp {
        system_id: "smsc".into(),
        sc_interface_version: Some(0x34),
    };
    let mut bodies = vec![smpp::Body::BindTransceiver(bind), smpp::Body::BindTransceiverResp(resp)];
    for long_form in [LongForm::Concatenated, LongForm::Payload, LongForm::PortTlvs] {
        let messages = submit_push(
            &push,
            &PushSubmit {
                long_form,
                ..how.clone()
            },
        )
        .unwrap();
        bodies.extend(messages.into_iter().map(smpp::Body::SubmitSm));
    }
    bodies.push(smpp::Body::SubmitSmResp(Some("77".into())));
    bodies.push(smpp::Body::DeliverSm(receipt));
    bodies.extend([
        smpp::Body::DeliverSmResp,
        smpp::Body::EnquireLink,
        smpp::Body::EnquireLinkResp,
    ]);
    bodies.extend([smpp::Body::Unbind, smpp::Body::UnbindResp, smpp::Body::GenericNack]);
    (1..)
        .zip(bodies)
        .map(|(sequence, body)| smpp::Pdu::request(sequence, body))
        .collect()
}

fn smpp_cases() -> Vec<Case> {
    let shown = |body: &smpp::Body| match body {
        smpp::Body::BindTransceiver(_) => vec!["Bind_transceiver", "System ID: mmsc", "Version (if): 3.4"],
        smpp::Body::SubmitSm(_) => vec!["Submit_sm", "15550100002", "Originator address: 12345"],
        smpp::Body::SubmitSmResp(_) => vec!["Submit_sm - resp", "77"],
        smpp::Body::DeliverSm(_) => vec!["Deliver_sm", "Recipient address: 12345"],
        smpp::Body::EnquireLink => vec!["Enquire_link"],
        smpp::Body::GenericNack => vec!["Generic_nack"],
        smpp::Body::BindTransceiverResp(_) => vec!["System ID: smsc", "SMSC-supported version: 3.4"],
        _ => vec!["Short Message Peer to Peer"],
    };
    smpp_pdus()
        .into_iter()
        .map(|pdu| {
            let mut octets = Vec::new();
            smpp::encode(&pdu, &mut octets).unwrap();
            let name = format!("SMPP 0x{:08x}", pdu.body.command());
            Case {
                name,
                carrier: Carrier::Smpp,
                octets,
                shown: shown(&pdu.body),
            }
        })
        .collect()
}

/// An IP packet with a transport header that has no checksum.
fn packet(protocol: u8, transport: &[u8]) -> Vec<u8> {
    let total = (20 + transport.len()) as u16;
    let mut out = vec![0x45, 0];
    out.extend(total.to_be_bytes());
    out.extend([0, 0, 0, 0, 64, protocol, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2]);
    out.extend(transport);
    out
}

fn udp(payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for number in [9200, 2948, 8 + payload.len() as u16, 0_u16] {
        out.extend(number.to_be_bytes());
    }
    out.extend(payload);
    packet(17, &out)
}

/// A stream of segments to and from fixed ports.
fn tcp(source: u16, destination: u16, payload: &[u8]) -> Vec<Vec<u8>> {
    let mut sequence = 1_u32;
    let mut packets = Vec::new();
    for chunk in payload.chunks(1_400) {
        let mut out = Vec::new();
        out.extend(source.to_be_bytes());
        out.extend(destination.to_be_bytes());
        out.extend(sequence.to_be_bytes());
        out.extend([0, 0, 0, 1, 0x50, 0x18, 0xFF, 0xFF, 0, 0, 0, 0]);
        out.extend(chunk);
        sequence += chunk.len() as u32;
        packets.push(packet(6, &out));
    }
    packets
}

/// The packets of a case; the last one is where the dissector shows it.
fn packets(index: usize, case: &Case) -> Vec<Vec<u8>> {
    let port = 20_000 + index as u16;
    match case.carrier {
        Carrier::Push => vec![udp(&case.octets)],
        Carrier::Smpp => tcp(port, 2775, &case.octets),
        Carrier::Http => {
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.wap.mms-message\r\nContent-Length: {}\r\n\r\n",
                case.octets.len()
            );
            tcp(80, port, &[head.as_bytes(), &case.octets].concat())
        }
    }
}

/// Dissects the cases; gives the text of each.
fn dissect(cases: &[Case]) -> Option<Vec<String>> {
    // Link type 101: raw IP.
    let mut pcap = Vec::new();
    for number in [0xA1B2_C3D4_u32, 0x0002_0004, 0, 0, 65_535, 101] {
        pcap.extend(match number {
            0x0002_0004 => [2, 0, 4, 0],
            other => other.to_le_bytes(),
        });
    }
    let mut last_frames = Vec::new();
    let mut frame = 0;
    for (index, case) in cases.iter().enumerate() {
        for packet in packets(index, case) {
            let length = packet.len() as u32;
            for number in [1_704_067_200, frame as u32, length, length] {
                pcap.extend(number.to_le_bytes());
            }
            pcap.extend(packet);
            frame += 1;
        }
        last_frames.push(frame);
    }
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(&pcap).unwrap();
    let output = Command::new("tshark")
        .env("TZ", "UTC")
        .args([
            "-n",
            "-V",
            "-d",
            "tcp.port==2775,smpp",
            "-o",
            "tcp.relative_sequence_numbers:TRUE",
            "-r",
        ])
        .arg(file.path())
        .output();
    let Ok(output) = output else {
        println!("skipped: tshark not found");
        return None;
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let frames: Vec<&str> = text.split("\nFrame ").collect();
    assert_eq!(frames.len(), frame, "one text per frame");
    Some(
        last_frames
            .into_iter()
            .map(|last| frames[last - 1].to_owned())
            .collect(),
    )
}

#[test]
fn the_dissector_shows_what_was_meant() {
    let mut cases = submission();
    for more in [
        delivery(),
        read_and_forward(),
        network_store(),
        version_13(),
        pushes(),
        smpp_cases(),
    ] {
        cases.extend(more);
    }
    let mut types: Vec<u8> = cases
        .iter()
        .filter(|case| case.carrier == Carrier::Http)
        .map(|case| case.octets[1])
        .collect();
    types.sort_unstable();
    types.dedup();
    assert_eq!(types.len(), 20, "the other four are pushed");
    let Some(texts) = dissect(&cases) else { return };
    let mut compared = 0;
    let mut missing = Vec::new();
    for (case, text) in cases.iter().zip(&texts) {
        assert!(!text.contains("Malformed"), "{}:\n{text}", case.name);
        for shown in &case.shown {
            compared += 1;
            if !text.contains(shown) {
                missing.push(format!("{}: {shown}", case.name));
            }
        }
    }
    assert!(missing.is_empty(), "not shown: {missing:#?}");
    assert!(compared > 100, "{compared}");
    // The segments of a push, joined by the dissector, are the notification again.
    let whole = texts
        .iter()
        .filter(|text| text.contains("Short Message fragments") || text.contains("Reassembled"));
    assert!(
        whole.clone().any(|text| text.contains("m-notification-ind (0x82)")),
        "the segments are joined"
    );
}
