use super::segment::{Assembly, Concatenation, Ports, Reference, UserDataHeader, segment};
use super::*;

#[test]
fn the_shortest_push_is_what_it_should_be() {
    let mut out = Vec::new();
    encode(&Push::mms(1, &[0x8C, 0x82]), &mut out).unwrap();
    assert_eq!(out, [0x01, 0x06, 0x03, 0xBE, 0xAF, 0x84, 0x8C, 0x82]);
    assert_eq!(decode(&out).unwrap(), Push::mms(1, &[0x8C, 0x82]));
}

#[test]
fn the_text_form_and_the_flag_go_both_ways() {
    let push = Push {
        push_flag: Some(0x01),
        ..Push::mms_with_text_type(7, b"x")
    };
    let mut out = Vec::new();
    encode(&push, &mut out).unwrap();
    assert_eq!(out, b"\x07\x06\x24application/vnd.wap.mms-message\0\xAF\x84\xB4\x81x");
    assert_eq!(decode(&out).unwrap(), push);
    let named = Push {
        application_id: Some(ApplicationId::Name("x-wap-application:mms.ua".into())),
        ..push
    };
    let mut out = Vec::new();
    encode(&named, &mut out).unwrap();
    assert_eq!(decode(&out).unwrap(), named);
}

#[test]
fn a_wrong_content_length_is_ignored() {
    let push = decode(b"\x01\x07\x07\xBE\x8D\xF0\xAF\x84\xB4\x84data").unwrap();
    assert_eq!(push.kind, PushKind::Confirmed);
    assert_eq!(push.data, b"data");
    assert_eq!(push.push_flag, Some(4));
}

#[test]
fn broken_pushes_are_typed_errors() {
    use crate::wsp::ValueError::Truncated;
    assert_eq!(
        decode(&[]),
        Err(PushError::Value {
            offset: 0,
            kind: Truncated
        })
    );
    assert_eq!(decode(&[1, 0x04, 0]), Err(PushError::NotAPush(4)));
    assert_eq!(
        decode(&[1, 6, 9, 0xBE]),
        Err(PushError::Value {
            offset: 3,
            kind: Truncated
        })
    );
    assert_eq!(
        decode(&[1, 6, 1, 0x00]),
        Err(PushError::Value {
            offset: 3,
            kind: Truncated
        })
    );
}

#[test]
fn segments_are_as_few_as_possible() {
    let count = |octets, reference| segment(&vec![7; octets], Ports::WAP_PUSH, reference).map(|found| found.len());
    assert_eq!(count(133, Reference::Octet(0)), Ok(1));
    assert_eq!(count(134, Reference::Octet(0)), Ok(2));
    assert_eq!(count(256, Reference::Octet(0)), Ok(2));
    assert_eq!(count(256, Reference::Word(0)), Ok(3));
    assert_eq!(count(128 * 255, Reference::Octet(0)), Ok(255));
    assert_eq!(
        count(128 * 255 + 1, Reference::Octet(0)),
        Err(PushError::TooLong(128 * 255 + 1))
    );
    let word = segment(&[7; 200], Ports::WAP_PUSH, Reference::Word(0x1234)).unwrap();
    assert_eq!(
        word[1][..13],
        [0x0C, 8, 4, 0x12, 0x34, 2, 2, 5, 4, 0x0B, 0x84, 0x23, 0xF0]
    );
    assert!(word.iter().all(|user_data| user_data.len() <= segment::MAX_USER_DATA));
}

#[test]
fn headers_are_read_in_any_order() {
    let ports_first = [0x0B, 5, 4, 0x0B, 0x84, 0x23, 0xF0, 0, 3, 9, 2, 1, 0xAA];
    let (header, data) = UserDataHeader::decode(&ports_first).unwrap();
    assert_eq!(header.ports, Some(Ports::WAP_PUSH));
    assert_eq!(
        header.concatenation,
        Some(Concatenation {
            reference: Reference::Octet(9),
            total: 2,
            number: 1
        })
    );
    assert_eq!(data, [0xAA]);
    for broken in [&[][..], &[5, 0], &[2, 0, 3], &[1, 0]] {
        assert_eq!(
            UserDataHeader::decode(broken),
            Err(PushError::BrokenHeader),
            "{broken:?}"
        );
    }
    assert_eq!(
        UserDataHeader::decode(&[3, 0x70, 1, 9, 1]).unwrap().0,
        UserDataHeader::default()
    );
}

#[test]
fn segments_of_another_datagram_are_refused() {
    let first = Concatenation {
        reference: Reference::Octet(1),
        total: 2,
        number: 1,
    };
    let mut assembly = Assembly::new(first);
    assert_eq!(assembly.insert(first, b"a"), Ok(None));
    for wrong in [
        Concatenation {
            reference: Reference::Octet(2),
            ..first
        },
        Concatenation { total: 3, ..first },
        Concatenation { number: 0, ..first },
        Concatenation { number: 3, ..first },
    ] {
        assert_eq!(assembly.insert(wrong, b"x"), Err(PushError::ForeignSegment));
    }
    assert_eq!(
        assembly.insert(Concatenation { number: 2, ..first }, b"b"),
        Ok(Some(b"ab".to_vec()))
    );
}
