//! Any value that can be sent is read back as it was.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use mmsc_wire::mms::*;
use mmsc_wire::push::segment::{Assembly, Ports, Reference, UserDataHeader, segment};
use mmsc_wire::push::{self, ApplicationId, Push};
use mmsc_wire::smpp::{self, ShortMessage, Tlv};
use mmsc_wire::wsp::{Reader, put_encoded_string, put_integer, put_long_integer, put_text, put_uintvar};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;

/// Characters of a text that starts with none that is protected.
fn words() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9+<@ЖÜ가😀][a-zA-Z0-9 .@/=<>+ЖÜ가😀]{0,60}"
}

/// Octets of an identifier.
fn identifier() -> impl Strategy<Value = Vec<u8>> {
    (prop_oneof![0x20..=0xFF_u8], vec(1..=0xFF_u8, 0..60)).prop_map(|(first, mut rest)| {
        rest.insert(0, first);
        rest
    })
}

fn text() -> impl Strategy<Value = Text<'static>> {
    identifier().prop_map(Text::from)
}

fn encoded() -> impl Strategy<Value = EncodedString<'static>> {
    words().prop_map(EncodedString::from)
}

fn version() -> impl Strategy<Value = Version> {
    (0x90..=0x9E_u8).prop_map(Version::from_octet)
}

fn time() -> impl Strategy<Value = TimeValue> {
    any::<(bool, u32)>().prop_map(|(absolute, seconds)| match absolute {
        true => TimeValue::Absolute(seconds.into()),
        false => TimeValue::Relative(seconds.into()),
    })
}

fn date() -> impl Strategy<Value = Date> {
    any::<u32>().prop_map(|seconds| Date(seconds.into()))
}

fn class() -> impl Strategy<Value = MessageClass<'static>> {
    prop_oneof![
        Just(MessageClass::Personal),
        Just(MessageClass::Auto),
        "[a-z]{1,12}".prop_map(|token| MessageClass::Token(token.into())),
    ]
}

fn media() -> impl Strategy<Value = MediaType<'static>> {
    let name = prop_oneof![
        Just("text/plain".to_owned()),
        Just("image/jpeg".to_owned()),
        Just("application/smil".to_owned()),
        "[a-z]{1,8}/[a-z.+-]{1,40}",
    ];
    (name, of(text()), of(text()), of(0..3_000_u32)).prop_filter_map("multiparts are bodies", |parts| {
        let (name, file, filename, charset) = parts;
        let parameters = Parameters {
            name: file,
            filename,
            charset,
            ..Parameters::default()
        };
        let media = MediaType {
            media: name.into(),
            parameters,
        };
        (!media.media.is_multipart()).then_some(media)
    })
}

fn heads() -> impl Strategy<Value = PartHead<'static>> {
    let kind = prop_oneof![Just(DispositionKind::Inline), Just(DispositionKind::Attachment)];
    let disposition = kind.prop_map(|kind| Disposition {
        kind,
        ..Disposition::default()
    });
    (media(), of(text()), of(text()), of(disposition)).prop_map(|(media, content_id, content_location, disposition)| {
        PartHead {
            media,
            content_id,
            content_location,
            disposition,
            transfer_encoding: None,
        }
    })
}

fn octets(pdu: &Pdu<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    encode(pdu, &mut out).unwrap();
    out
}

fn reads_back(pdu: impl Into<Pdu<'static>>) -> Result<(), TestCaseError> {
    let pdu = pdu.into();
    let octets = octets(&pdu);
    prop_assert_eq!(decode(&octets, &Limits::default()).unwrap(), pdu);
    Ok(())
}

proptest! {
    #[test]
    fn primitives(number in any::<u32>(), long in any::<u64>(), octets in identifier(), text in words()) {
        let mut out = Vec::new();
        put_uintvar(number, &mut out);
        put_long_integer(long, &mut out);
        put_integer(long, &mut out);
        put_text(&octets, &mut out).unwrap();
        put_encoded_string(&EncodedString::from(text.as_str()), &mut out);
        let mut reader = Reader::new(&out, 0);
        prop_assert_eq!(reader.uintvar().unwrap(), number);
        prop_assert_eq!(reader.integer().unwrap(), long);
        prop_assert_eq!(reader.integer().unwrap(), long);
        prop_assert_eq!(reader.value().unwrap().text().unwrap(), Text::from_octets(&octets));
        let found = reader.value().unwrap().encoded_string().unwrap();
        prop_assert_eq!(found.to_str(), text.as_str());
        prop_assert!(reader.is_empty());
    }

    #[test]
    fn submissions(
        ids in (text(), version(), of(date())),
        recipients in (vec(encoded(), 1..6), vec(encoded(), 0..3), vec(encoded(), 0..3)),
        from in prop_oneof![Just(Sender::InsertAddress), encoded().prop_map(Sender::Address)],
        texts in (of(encoded()), of(class()), of(time()), of(time())),
        flags in (of(any::<bool>()), of(any::<bool>()), of(any::<bool>()), of(0..8_usize)),
        parts in vec((heads(), vec(any::<u8>(), 0..200)), 0..5),
    ) {
        let parts: Vec<Part<'_>> =
            parts.iter().map(|(head, data)| Part { head: head.clone(), data: data.as_slice() }).collect();
        let pdu = Pdu::SendReq(SendReq {
            transaction_id: ids.0,
            version: ids.1,
            date: ids.2,
            from,
            to: recipients.0,
            cc: recipients.1,
            bcc: recipients.2,
            subject: texts.0,
            message_class: texts.1,
            expiry: texts.2,
            delivery_time: texts.3,
            delivery_report: flags.0,
            read_report: flags.1,
            adaptation_allowed: flags.2,
            content_class: flags.3.and_then(|index| ContentClass::ALL.get(index).copied()),
            content: Content::related("<smil>", parts),
            ..SendReq::default()
        });
        let octets = octets(&pdu);
        prop_assert_eq!(decode(&octets, &Limits::default()).unwrap(), pdu);
    }

    #[test]
    fn notifications(
        ids in (text(), version(), text()),
        from in of(encoded().prop_map(Originator)),
        texts in (of(encoded()), class(), any::<u64>(), any::<u32>()),
        reply in (of(0..4_usize), of(time()), of(any::<u64>()), of(text())),
        element in of((text(), of(text()))),
    ) {
        reads_back(NotificationInd {
            transaction_id: ids.0,
            version: ids.1,
            content_location: ids.2,
            from,
            subject: texts.0,
            message_class: texts.1,
            message_size: Size(texts.2),
            expiry: TimeValue::Relative(texts.3.into()),
            reply_charging: reply.0.and_then(|index| ReplyCharging::ALL.get(index).copied()),
            reply_charging_deadline: reply.1,
            reply_charging_size: reply.2.map(Size),
            reply_charging_id: reply.3,
            element_descriptor: element.map(|(reference, media)| ElementDescriptor { reference, media }),
            ..NotificationInd::default()
        })?;
    }

    #[test]
    fn confirmations_and_reports(
        ids in (text(), version(), of(text()), date()),
        texts in (of(encoded()), encoded(), encoded()),
        statuses in (0..26_usize, 0..8_usize, any::<bool>()),
    ) {
        let (transaction_id, version, message_id, date) = ids;
        let (response_text, to, from) = texts;
        reads_back(SendConf {
            transaction_id: transaction_id.clone(),
            version,
            message_id,
            response_text,
            response_status: ResponseStatus::ALL.get(statuses.0).copied().unwrap(),
            ..SendConf::default()
        })?;
        reads_back(NotifyRespInd {
            transaction_id: transaction_id.clone(),
            version,
            status: Status::ALL.get(statuses.1).copied().unwrap(),
            report_allowed: Some(statuses.2),
        })?;
        reads_back(ReadOrigInd {
            version,
            message_id: transaction_id,
            to,
            from: Originator(from),
            date,
            read_status: ReadStatus::Deleted,
            ..ReadOrigInd::default()
        })?;
    }

    #[test]
    fn box_values(
        id in text(),
        counted in vec((any::<u64>(), text(), encoded()), 0..5),
        flags in vec(encoded(), 0..4),
        amounts in vec((any::<bool>(), any::<u64>()), 0..3),
        numbers in (of(any::<u64>()), of(any::<u64>())),
        attributes in vec(0x80..=0xFF_u8, 0..6),
    ) {
        reads_back(DeleteConf {
            transaction_id: id.clone(),
            version: Version::V1_3,
            content_locations: counted.iter().map(|(n, uri, _)| CountedLocation::new(*n, uri.clone())).collect(),
            response_statuses: counted.iter().map(|(n, ..)| CountedStatus::new(*n, ResponseStatus::Ok)).collect(),
            response_texts: counted.iter().map(|(n, _, text)| CountedText::new(*n, text.clone())).collect(),
        })?;
        reads_back(MboxViewConf {
            transaction_id: id,
            version: Version::V1_2,
            response_status: ResponseStatus::Ok,
            mm_flags: flags.into_iter().map(|keyword| MmFlag { action: FlagAction::Remove, keyword }).collect(),
            start: numbers.0.map(Number),
            limit: numbers.1.map(Number),
            attributes: attributes.into_iter().map(|octet| Attribute(Field(octet))).collect(),
            mbox_totals: amounts
                .into_iter()
                .map(|(octets, n)| if octets { MboxAmount::Octets(n) } else { MboxAmount::Messages(n) })
                .collect(),
            content: Content::mixed(Vec::new()),
            ..MboxViewConf::default()
        })?;
    }

    #[test]
    fn pushes_and_their_segments(
        id in any::<u8>(),
        application in of(any::<u32>()),
        push_flag in of(0..8_u8),
        data in vec(any::<u8>(), 0..900),
        reference in any::<u16>(),
    ) {
        let application_id = application.map(ApplicationId::Code);
        let push = Push { application_id, push_flag, ..Push::mms_with_text_type(id, &data) };
        let mut out = Vec::new();
        push::encode(&push, &mut out).unwrap();
        prop_assert_eq!(push::decode(&out).unwrap(), push);

        let segments = segment(&out, Ports::WAP_PUSH, Reference::Word(reference)).unwrap();
        let mut assembly = None;
        let mut whole = None;
        for user_data in segments.iter().rev() {
            let (header, data) = UserDataHeader::decode(user_data).unwrap();
            whole = match header.concatenation {
                None => Some(data.to_vec()),
                Some(one) => assembly.get_or_insert_with(|| Assembly::new(one)).insert(one, data).unwrap(),
            };
        }
        prop_assert_eq!(whole, Some(out));
    }

    #[test]
    fn short_messages(
        texts in ("[ -~]{0,5}", "[ -~]{0,20}", "[ -~]{0,20}", "[0-9]{0,16}"),
        octets in any::<[u8; 8]>(),
        short_message in vec(any::<u8>(), 0..=254),
        tlvs in vec((any::<u16>(), vec(any::<u8>(), 0..40)), 0..5),
        sequence in any::<u32>(),
    ) {
        let [ton, npi, esm_class, protocol_id, priority_flag, registered_delivery, data_coding, other] = octets;
        let message = ShortMessage {
            service_type: texts.0,
            source: smpp::Address { ton, npi, addr: texts.1 },
            destination: smpp::Address { ton: npi, npi: ton, addr: texts.2 },
            esm_class,
            protocol_id,
            priority_flag,
            schedule_delivery_time: String::new(),
            validity_period: texts.3,
            registered_delivery,
            replace_if_present: other,
            data_coding,
            sm_default_msg_id: other,
            short_message,
            tlvs: tlvs.into_iter().map(|(tag, value)| Tlv::new(tag, value)).collect(),
        };
        let pdu = smpp::Pdu::request(sequence, smpp::Body::DeliverSm(message));
        let mut out = Vec::new();
        smpp::encode(&pdu, &mut out).unwrap();
        let (frame, length) = smpp::split(&out, smpp::MAX_LENGTH).unwrap().unwrap();
        prop_assert_eq!(length, out.len());
        prop_assert_eq!(smpp::decode(&frame).unwrap(), pdu);
    }

    #[test]
    fn any_octets_give_a_value_or_an_error(octets in vec(any::<u8>(), 0..300)) {
        let _ = decode(&octets, &Limits::default());
        let _ = push::decode(&octets);
        let _ = smpp::split(&octets, smpp::MAX_LENGTH);
        let headed = [&[0x8C, 0x84, 0x8D, 0x90, 0x84, 0xB3], octets.as_slice()].concat();
        let _ = decode(&headed, &Limits::default());
    }
}
