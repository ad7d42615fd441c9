//! The hand-built submit_sm PDUs are read, and made again octet for octet.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod common;

use mmsc_wire::push;
use mmsc_wire::push::segment::{Ports, Reference, UserDataHeader};
use mmsc_wire::smpp::{
    Address, Body, LongForm, MAX_LENGTH, Pdu, PushSubmit, ShortMessage, decode, encode, split, submit_push, tag,
};

fn read(name: &str) -> Vec<u8> {
    std::fs::read(common::fixtures().directory.join(name)).unwrap()
}

fn submit(name: &str) -> (Pdu, ShortMessage) {
    let octets = read(name);
    let (frame, length) = split(&octets, MAX_LENGTH).unwrap().unwrap();
    assert_eq!(length, octets.len());
    let pdu = decode(&frame).unwrap();
    let mut again = Vec::new();
    encode(&pdu, &mut again).unwrap();
    assert_eq!(again, octets, "{name}");
    match &pdu.body {
        Body::SubmitSm(message) => (pdu.clone(), message.clone()),
        other => panic!("{name}: {other:?}"),
    }
}

#[test]
fn submits_carry_the_push_of_their_vector() {
    let (_, short) = submit("smpp-submit-short.bin");
    let (header, data) = UserDataHeader::decode(short.user_data()).unwrap();
    assert_eq!(header.ports, Some(Ports::WAP_PUSH));
    assert_eq!(data, read("push-short.wsp"));
    assert_eq!(
        (short.esm_class, short.data_coding, short.registered_delivery),
        (0x40, 4, 0)
    );
    assert_eq!((short.destination.ton, short.destination.npi), (1, 1));

    let joined: Vec<u8> = (1..=3)
        .flat_map(|number| {
            let (_, segment) = submit(&format!("smpp-submit-long-{number}of3.bin"));
            UserDataHeader::decode(segment.user_data()).unwrap().1.to_vec()
        })
        .collect();
    assert_eq!(joined, read("push-long.wsp"));

    let (_, payload) = submit("smpp-submit-message-payload-udh.bin");
    assert_eq!(
        UserDataHeader::decode(payload.user_data()).unwrap().1,
        read("push-long.wsp")
    );
    let (_, ports) = submit("smpp-submit-ports-tlv.bin");
    assert_eq!(ports.user_data(), read("push-long.wsp"));
    assert_eq!(ports.tlv(tag::DESTINATION_PORT), Some(&2948_u16.to_be_bytes()[..]));
    push::decode(ports.user_data()).unwrap();
}

#[test]
fn our_submits_are_those_of_the_vectors() {
    let (_, expected) = submit("smpp-submit-long-1of3.bin");
    let how = PushSubmit {
        registered_delivery: 0,
        service_type: expected.service_type.clone(),
        ..PushSubmit::new(
            expected.source.clone(),
            Address::international(&expected.destination.addr),
            Reference::Octet(0x5A),
        )
    };
    let long = read("push-long.wsp");
    for (index, mut made) in submit_push(&long, &how).unwrap().into_iter().enumerate() {
        made.tlvs.clear();
        assert_eq!(made, submit(&format!("smpp-submit-long-{}of3.bin", index + 1)).1);
    }
    let payload = PushSubmit {
        long_form: LongForm::Payload,
        ..how
    };
    let (_, expected) = submit("smpp-submit-message-payload-udh.bin");
    assert_eq!(submit_push(&long, &payload).unwrap(), [expected]);
}

#[test]
fn every_changed_octet_of_a_submit_gives_a_value_or_an_error() {
    for vector in common::fixtures()
        .files(&["bin"])
        .into_iter()
        .filter(|vector| vector.name.starts_with("smpp"))
    {
        let mut octets = vector.octets.clone();
        for at in 0..octets.len() {
            let original = octets[at];
            for value in 0..=u8::MAX {
                octets[at] = value;
                let Ok(Some((frame, _))) = split(&octets, MAX_LENGTH) else {
                    continue;
                };
                let Ok(pdu) = decode(&frame) else { continue };
                let mut out = Vec::new();
                if encode(&pdu, &mut out).is_ok() {
                    let (frame, _) = split(&out, MAX_LENGTH).unwrap().unwrap();
                    assert_eq!(decode(&frame).unwrap(), pdu, "{} at {at}", vector.name);
                }
            }
            octets[at] = original;
        }
    }
}
