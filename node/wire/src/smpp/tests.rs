use std::time::Duration;

use super::*;
use crate::push::segment::Reference;

fn octets(pdu: &Pdu) -> Vec<u8> {
    let mut out = Vec::new();
    encode(pdu, &mut out).unwrap();
    out
}

fn back(octets: &[u8]) -> Pdu {
    let (frame, length) = split(octets, MAX_LENGTH).unwrap().unwrap();
    assert_eq!(length, octets.len());
    decode(&frame).unwrap()
}

fn deliver(text: &str, tlvs: Vec<Tlv>) -> ShortMessage {
    ShortMessage {
        esm_class: esm_class::RECEIPT,
        short_message: text.into(),
        tlvs,
        ..ShortMessage::default()
    }
}

fn bind() -> Bind {
    Bind {
        system_id: "mmsc".into(),
        password: "secret".into(),
        interface_version: 0x34,
        ..Bind::default()
    }
}

/// One of each command, with everything set.
fn every_pdu() -> Vec<Pdu> {
    let message = ShortMessage {
        service_type: "WAP".into(),
        source: Address::short_code("12345"),
        destination: Address::international("+15550100002"),
        esm_class: esm_class::UDHI,
        protocol_id: 1,
        priority_flag: 2,
        schedule_delivery_time: "000001000000000R".into(),
        validity_period: "000000003000000R".into(),
        registered_delivery: 1,
        replace_if_present: 0,
        data_coding: 4,
        sm_default_msg_id: 0,
        short_message: vec![6, 5, 4, 0x0B, 0x84, 0x23, 0xF0, 1],
        tlvs: vec![Tlv::new(tag::MORE_MESSAGES_TO_SEND, [1]), Tlv::new(0x1400, *b"own")],
    };
    let resp = BindResp {
        system_id: "smsc".into(),
        sc_interface_version: Some(0x34),
    };
    let data = DataSm {
        source: Address::alphanumeric("Operator"),
        destination: Address::international("1"),
        data_coding: 4,
        tlvs: vec![Tlv::new(tag::MESSAGE_PAYLOAD, *b"payload")],
        ..DataSm::default()
    };
    let alert = AlertNotification {
        source: Address::international("1"),
        esme: Address::short_code("2"),
        availability: Some(0),
    };
    let outbind = Outbind {
        system_id: "smsc".into(),
        password: "secret".into(),
    };
    let bodies = vec![
        Body::BindReceiver(bind()),
        Body::BindReceiverResp(resp.clone()),
        Body::BindTransmitter(bind()),
        Body::BindTransmitterResp(resp.clone()),
        Body::BindTransceiver(bind()),
        Body::BindTransceiverResp(resp),
        Body::Outbind(outbind),
        Body::SubmitSm(message.clone()),
        Body::SubmitSmResp(Some("abc123".into())),
        Body::DeliverSm(message),
        Body::DeliverSmResp,
        Body::DataSm(data),
        Body::DataSmResp(Some("abc124".into())),
        Body::AlertNotification(alert),
        Body::EnquireLink,
        Body::EnquireLinkResp,
        Body::Unbind,
        Body::UnbindResp,
        Body::GenericNack,
        Body::Other {
            command: 0x0000_0021,
            body: vec![1, 2, 3],
        },
    ];
    (1..)
        .zip(bodies)
        .map(|(sequence, body)| Pdu::request(sequence, body))
        .collect()
}

#[test]
fn every_command_goes_both_ways() {
    for pdu in every_pdu() {
        assert_eq!(back(&octets(&pdu)), pdu);
    }
}

#[test]
fn rusmpp_reads_what_we_send_and_sends_the_same() {
    use rusmpp_core::command::owned::Command;
    use rusmpp_core::decode::owned::DecodeWithLength;
    use rusmpp_core::encode::{Encode, Length};
    for pdu in every_pdu() {
        if matches!(pdu.body, Body::Other { .. }) {
            continue;
        }
        let ours = octets(&pdu);
        let mut buf = ours[4..].into();
        let (command, _) = Command::decode(&mut buf, ours.len() - 4).unwrap_or_else(|e| panic!("{pdu:?}: {e:?}"));
        assert_eq!(u32::from(command.id()), pdu.body.command());
        assert_eq!(command.sequence_number(), pdu.sequence);
        let mut theirs = vec![0; command.length()];
        command.encode(&mut theirs);
        assert_eq!(theirs, ours[4..], "{pdu:?}");
    }
}

#[test]
fn status_codes_are_those_of_rusmpp() {
    for status in Status::ALL {
        let theirs = format!("{:?}", rusmpp_core::CommandStatus::from(status.0)).to_ascii_lowercase();
        let ours = format!("esme{}", status.name().unwrap())
            .replace('_', "")
            .to_ascii_lowercase();
        assert_eq!(ours, theirs, "0x{:x}", status.0);
    }
}

#[test]
fn a_stream_is_cut_into_pdus_however_it_arrives() {
    let mut stream = octets(&Pdu::request(1, Body::EnquireLink));
    stream.extend(octets(&Pdu::response(
        2,
        Status::ROK,
        Body::SubmitSmResp(Some("x".into())),
    )));
    assert_eq!(split(&stream, MAX_LENGTH).unwrap().unwrap().1, 16);
    for end in 0..16 {
        assert_eq!(split(&stream[..end], MAX_LENGTH), Ok(None));
    }
    assert_eq!(split(&stream[16..], MAX_LENGTH).unwrap().unwrap().1, 18);
    assert_eq!(split(&[0, 0, 0, 15], MAX_LENGTH), Err(FrameError::Undersize(15)));
    assert_eq!(
        split(&[0, 1, 0, 1], u32::MAX),
        Err(FrameError::Oversize {
            length: 65_537,
            limit: 65_536
        })
    );
    assert_eq!(split(&[0, 1, 0, 0], MAX_LENGTH), Ok(None));
    assert_eq!(
        split(&[0, 0, 2, 0], 256),
        Err(FrameError::Oversize {
            length: 512,
            limit: 256
        })
    );
}

#[test]
fn answers_without_a_body_are_read() {
    let header = |command: u32, status: u32| {
        [16_u32, command, status, 7]
            .iter()
            .flat_map(|number| number.to_be_bytes())
            .collect::<Vec<u8>>()
    };
    let throttled = back(&header(0x8000_0004, 0x58));
    assert_eq!(
        throttled,
        Pdu::response(7, Status::RTHROTTLED, Body::SubmitSmResp(None))
    );
    assert_eq!(
        back(&header(0x8000_0009, 0x0E)).body,
        Body::BindTransceiverResp(BindResp::default())
    );
    assert_eq!(
        back(&header(0x8000_0009, 0)).body,
        Body::BindTransceiverResp(BindResp::default())
    );
    assert_eq!(back(&header(0x8000_0005, 0)).body, Body::DeliverSmResp);
    assert_eq!(octets(&throttled), header(0x8000_0004, 0x58), "and sent so");
    assert!(throttled.body.is_response());
}

#[test]
fn congestion_is_read_from_responses() {
    let of = |command, body| {
        congestion_state(&Frame {
            command,
            status: 0,
            sequence: 1,
            body,
        })
    };
    assert_eq!(of(0x8000_0004, b"id\0\x04\x28\0\x01\x55"), Some(0x55));
    assert_eq!(of(0x8000_0015, b"\x04\x28\0\x01\x05"), Some(5));
    assert_eq!(of(0x8000_0004, b"id\0"), None);
    assert_eq!(of(0x0000_0004, b"id\0\x04\x28\0\x01\x55"), None);
}

#[test]
fn broken_bodies_are_typed_errors() {
    let error = |command: u32, body: &[u8]| {
        decode(&Frame {
            command,
            status: 0,
            sequence: 1,
            body,
        })
        .unwrap_err()
    };
    assert_eq!(
        error(2, b"0123456789abcdef\0"),
        PduError::Unterminated {
            field: "system_id",
            max: 16,
            offset: 0
        }
    );
    assert_eq!(
        error(2, b"me\0pw"),
        PduError::Truncated {
            field: "password",
            offset: 3
        }
    );
    assert_eq!(
        error(2, b"me\0pw\0\0"),
        PduError::Truncated {
            field: "interface_version",
            offset: 7
        }
    );
    let whole = octets(&every_pdu()[7]);
    let (frame, _) = split(&whole, MAX_LENGTH).unwrap().unwrap();
    let Body::SubmitSm(message) = decode(&frame).unwrap().body else {
        panic!()
    };
    for end in 0..frame.body.len() {
        match decode(&Frame {
            body: &frame.body[..end],
            ..frame
        }) {
            // Only TLVs may be missing.
            Ok(Pdu {
                body: Body::SubmitSm(cut),
                ..
            }) => assert_eq!(cut.short_message, message.short_message),
            Ok(other) => panic!("{other:?}"),
            Err(e) => assert!(!e.to_string().is_empty()),
        }
    }
    let long = Pdu::request(
        1,
        Body::BindReceiver(Bind {
            password: "123456789".into(),
            ..bind()
        }),
    );
    let mut out = vec![9];
    assert_eq!(
        encode(&long, &mut out),
        Err(PduError::TooLong {
            field: "password",
            octets: 10,
            max: 9
        })
    );
    assert_eq!(out, [9], "nothing is left behind");
    assert!(!format!("{long:?}").contains("12345678"), "passwords are not shown");
}

#[test]
fn receipts_are_read_from_text_of_every_kind() {
    let text = "id:0123456789 sub:001 dlvrd:001 submit date:2601010000 done date:260101000059 stat:DELIVRD err:000 text:id:9 stat:EXPIRED";
    let receipt = Receipt::read(&deliver(text, Vec::new())).unwrap();
    assert_eq!(receipt.message_id.as_deref(), Some("0123456789"));
    assert_eq!(receipt.state, Some(MessageState::Delivered));
    assert_eq!(receipt.error.as_deref(), Some("000"));
    assert_eq!(receipt.done_date.as_deref(), Some("260101000059"));

    let odd = Receipt::from_text("STAT:UNDELIV  ERR:011   ID:ab-C9 Text:");
    assert_eq!(odd.message_id.as_deref(), Some("ab-C9"));
    assert_eq!(odd.state, Some(MessageState::Undeliverable));
    assert_eq!(odd.error.as_deref(), Some("011"));
    let sparse = Receipt::from_text("id: 7 stat:EXPIRED");
    assert_eq!(
        (sparse.message_id.as_deref(), sparse.state),
        (Some("7"), Some(MessageState::Expired))
    );
    assert_eq!(Receipt::from_text("id:stat:DELIVRD").message_id, None);
    assert_eq!(Receipt::read(&deliver("STOP", Vec::new())), None);
}

#[test]
fn tlvs_of_a_receipt_come_before_its_text() {
    let tlvs = vec![
        Tlv::new(tag::RECEIPTED_MESSAGE_ID, *b"beef\0"),
        Tlv::new(tag::MESSAGE_STATE, [5]),
        Tlv::new(tag::NETWORK_ERROR_CODE, [3, 0, 6]),
    ];
    for text in ["", "id:1 stat:DELIVRD"] {
        let receipt = Receipt::read(&deliver(text, tlvs.clone())).unwrap();
        assert_eq!(receipt.message_id.as_deref(), Some("beef"));
        assert_eq!(receipt.state, Some(MessageState::Undeliverable));
        assert_eq!(receipt.network_error, Some(NetworkErrorCode { network: 3, code: 6 }));
    }
    let payload = vec![Tlv::new(tag::MESSAGE_PAYLOAD, *b"id:5 stat:REJECTD")];
    let receipt = Receipt::read(&deliver("", payload)).unwrap();
    assert_eq!(receipt.state, Some(MessageState::Rejected));
    assert!(deliver("", Vec::new()).is_receipt());
    assert!(!ShortMessage::default().is_receipt());
}

#[test]
fn ids_of_answers_and_receipts_meet() {
    let same = |id: &str| normalise_id(id, IdForm::Same);
    assert_eq!(normalise_id("0000001A", IdForm::HexToDecimal), same("26"));
    assert_eq!(normalise_id("26", IdForm::DecimalToHex), same("0000001A"));
    assert_eq!(normalise_id("00ABc", IdForm::Same), same("abC"));
    assert_eq!(normalise_id("no-hex", IdForm::HexToDecimal), same("NO-HEX"));
    assert_eq!(same("000"), "0");
    assert_eq!(
        normalise_id("ffffffffffffffffffffffffffffffffff", IdForm::HexToDecimal),
        "f".repeat(34)
    );
}

#[test]
fn states_go_both_ways() {
    for octet in 0..10 {
        assert_eq!(MessageState::from_octet(octet).unwrap().octet(), octet);
    }
    assert_eq!(MessageState::from_octet(10), None);
    let words = [
        "ENROUTE", "DELIVRD", "EXPIRED", "DELETED", "UNDELIV", "ACCEPTD", "UNKNOWN", "REJECTD",
    ];
    for (octet, word) in (1..).zip(words) {
        assert_eq!(MessageState::from_text(word).unwrap().octet(), octet, "{word}");
    }
    assert_eq!(MessageState::from_text("delivered"), Some(MessageState::Delivered));
    assert!(MessageState::Accepted.is_intermediate());
}

#[test]
fn statuses_have_their_class() {
    assert_eq!(Status::RTHROTTLED.class(), Class::Throttled);
    assert_eq!(Status::RMSGQFUL.class(), Class::QueueFull);
    assert_eq!(Status::RINVDSTADR.class(), Class::InvalidRecipient);
    assert_eq!(Status(0x0412).class(), Class::Vendor);
    assert_eq!(Status(0x9999).class(), Class::Unknown);
    assert_eq!(Status::RSYSERR.to_string(), "ESME_RSYSERR (0x08)");
    assert_eq!(Status(0x0412).to_string(), "0x00000412");
}

#[test]
fn validity_is_relative() {
    let of = |seconds| relative_validity(Duration::from_secs(seconds));
    assert_eq!(of(0), "");
    assert_eq!(of(1_800), "000000003000000R");
    assert_eq!(of(36_000), "000000100000000R");
    assert_eq!(of(86_400 * 40 + 61), "000110000101000R");
    assert_eq!(of(86_400 * 364), "001204000000000R");
    assert_eq!(of(u64::MAX), "991130235959000R");
}

fn how(long_form: LongForm) -> PushSubmit {
    let destination = Address::international("15550100002");
    PushSubmit {
        long_form,
        ..PushSubmit::new(Address::short_code("12345"), destination, Reference::Octet(0x5A))
    }
}

#[test]
fn a_long_push_is_submitted_in_each_form() {
    let push = vec![7; 257];
    let segments = submit_push(&push, &how(LongForm::Concatenated)).unwrap();
    assert_eq!(segments.len(), 3);
    let more: Vec<bool> = segments
        .iter()
        .map(|one| one.tlv(tag::MORE_MESSAGES_TO_SEND) == Some(&[1]))
        .collect();
    assert_eq!(more, [true, true, false]);
    assert!(
        segments
            .iter()
            .all(|one| one.esm_class == 0x40 && one.data_coding == 4 && one.short_message.len() <= 140)
    );

    let [whole] = &submit_push(&push, &how(LongForm::Payload)).unwrap()[..] else {
        panic!()
    };
    assert_eq!(whole.esm_class, esm_class::UDHI);
    assert!(whole.short_message.is_empty());
    assert_eq!(whole.user_data()[..7], [6, 5, 4, 0x0B, 0x84, 0x23, 0xF0]);
    assert_eq!(whole.user_data().len(), 264);

    let sar = submit_push(&push, &how(LongForm::PortTlvs)).unwrap();
    assert_eq!(sar.len(), 3);
    for (number, one) in (1..).zip(&sar) {
        assert_eq!(one.esm_class, 0);
        assert_eq!(one.tlv(tag::DESTINATION_PORT), Some(&[0x0B, 0x84][..]));
        assert_eq!(one.tlv(tag::SOURCE_PORT), Some(&[0x23, 0xF0][..]));
        assert_eq!(one.tlv(tag::SAR_MSG_REF_NUM), Some(&[0, 0x5A][..]));
        assert_eq!(one.tlv(tag::SAR_TOTAL_SEGMENTS), Some(&[3][..]));
        assert_eq!(one.tlv(tag::SAR_SEGMENT_SEQNUM), Some(&[number][..]));
    }
    for form in [LongForm::Concatenated, LongForm::Payload, LongForm::PortTlvs] {
        let [short] = &submit_push(&push[..133], &how(form)).unwrap()[..] else {
            panic!()
        };
        assert!(short.short_message.len() <= 140 && short.tlv(tag::SAR_MSG_REF_NUM).is_none());
        assert_eq!(
            submit_push(&vec![7; 70_000], &how(form)),
            Err(SubmitError::TooLong(70_000))
        );
    }
}
