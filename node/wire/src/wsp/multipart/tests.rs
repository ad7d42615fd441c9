use super::*;
use crate::wsp::{MediaType, Text, ValueError};

/// The one text part of digest section 22.
const WORKED: &[u8] = b"\x01\x1C\x05\x0A\x83\x85t.txt\0\x81\xEA\xC0\"<t.txt>\0\x8Et.txt\0hello";

fn text_part<'a>(head: impl FnOnce(&mut PartHead<'a>)) -> PartHead<'a> {
    let mut found = PartHead {
        media: "text/plain".into(),
        ..PartHead::default()
    };
    head(&mut found);
    found
}

fn one(head: &[u8], data: &[u8]) -> Vec<u8> {
    let mut body = vec![1, head.len() as u8, data.len() as u8];
    body.extend_from_slice(head);
    body.extend_from_slice(data);
    body
}

#[test]
fn the_worked_part_is_read_and_made() {
    let parts = decode(WORKED, 0, 8).unwrap();
    let [part] = parts.as_slice() else { panic!("{parts:?}") };
    assert_eq!(part.head.content_id, Some("<t.txt>".into()));
    assert_eq!(part.content_id(), Some(b"t.txt".as_slice()));
    assert_eq!(part.head.content_location, Some("t.txt".into()));
    assert_eq!(part.data, b"hello");
    let mut out = Vec::new();
    encode(&parts, &mut out).unwrap();
    assert_eq!(out, WORKED);
}

#[test]
fn content_id_is_read_in_every_form_of_the_field() {
    for head in [
        &b"\x83\xC0\"0.smil\0"[..],
        b"\x83\xC00.smil\0",
        b"\x83Content-ID\0\"<0.smil>\0",
        b"\x83content-id\0<0.smil>\0",
    ] {
        let body = one(head, b"");
        let parts = decode(&body, 0, 8).unwrap();
        assert_eq!(parts[0].content_id(), Some(b"0.smil".as_slice()), "{head:?}");
    }
}

#[test]
fn dispositions_of_both_numbers_are_read() {
    for number in [0xAE, 0xC5] {
        let head = [&[0x9E, number][..], b"\x08\x81\x86a.jpg\0"].concat();
        let body = one(&head, b"");
        let parts = decode(&body, 0, 8).unwrap();
        let disposition = parts[0].head.disposition.as_ref().unwrap();
        assert_eq!(disposition.kind, DispositionKind::Attachment);
        assert_eq!(disposition.parameters.filename, Some("a.jpg".into()));
    }
    let body = one(b"\x9E\xAE\x82", b"");
    assert_eq!(
        decode(&body, 0, 8).unwrap()[0].head.disposition.as_ref().unwrap().kind,
        DispositionKind::Inline
    );
}

#[test]
fn transfer_encodings_that_gateways_leave_are_undone() {
    let body = one(b"\x83Content-Transfer-Encoding\0base64\0", b"aGFs\r\nbG8=");
    assert_eq!(*decode(&body, 0, 8).unwrap()[0].plain_data(), *b"hallo");
    let body = one(b"\x83\xC8quoted-printable\0", b"a=3Db=\r\nc=4");
    assert_eq!(*decode(&body, 0, 8).unwrap()[0].plain_data(), *b"a=bc=4");
    let body = one(b"\x83Content-Transfer-Encoding\0base64\0", b"?no base64?");
    assert_eq!(*decode(&body, 0, 8).unwrap()[0].plain_data(), *b"?no base64?");
    let body = one(b"\x83Content-Transfer-Encoding\0binary\0", b"hallo");
    assert_eq!(*decode(&body, 0, 8).unwrap()[0].plain_data(), *b"hallo");
}

#[test]
fn a_parameter_outside_its_length_is_a_header_that_means_nothing() {
    // Captured: the charset stands behind the end of the media type.
    let body = one(b"\x03\x83\x81\xEA\x81\x83\x8Ex\0", b"hi");
    let parts = decode(&body, 0, 8).unwrap();
    assert_eq!(parts[0].head.content_location, Some("x".into()));
    assert_eq!(parts[0].data, b"hi");
}

#[test]
fn lengths_and_counts_are_checked_before_they_are_believed() {
    let error = |body: &[u8]| decode(body, 100, 8).unwrap_err();
    assert_eq!(
        error(&[]),
        MultipartError {
            part: 0,
            offset: 100,
            kind: ValueError::Truncated
        }
    );
    assert_eq!(error(&[1, 5, 0, 0x83]).kind, ValueError::Truncated);
    assert_eq!(
        error(&[1, 1, 0x8F, 0xFF, 0xFF, 0xFF, 0x7F, 0x83]).kind,
        ValueError::Truncated
    );
    assert_eq!(
        error(&[2, 1, 0, 0x83]),
        MultipartError {
            part: 1,
            offset: 104,
            kind: ValueError::Truncated
        }
    );
    assert_eq!(
        error(&[0x8F, 0xFF, 0xFF, 0xFF, 0x7F]).kind,
        ValueError::TooLong {
            octets: u32::MAX as usize,
            limit: 8
        }
    );
    assert_eq!(
        error(&[1, 0, 0]).kind,
        ValueError::Truncated,
        "no room for a media type"
    );
    assert_eq!(
        error(&[1, 2, 0, 0x05, 0x83]).kind,
        ValueError::Truncated,
        "the media type ends outside its head"
    );
    assert!(
        decode(&[1, 1, 0, 0x83, 0xFF, 0xFF], 0, 8).is_ok(),
        "octets behind the last part are ignored"
    );
    assert_eq!(decode(&[0], 0, 8), Ok(Vec::new()));
}

#[test]
fn nested_multiparts_are_opened_to_a_depth() {
    let mut body = one(b"\x83", b"inner");
    for _ in 0..10 {
        body = [&[1, 1], [body.len() as u8].as_slice(), &[0xA6], &body].concat();
    }
    let parts = decode(&body, 0, 8).unwrap();
    assert_eq!(leaves(&parts, 11, 8)[0].data, b"inner");
    let opaque = leaves(&parts, 8, 8);
    assert_eq!(opaque.len(), 1);
    assert!(opaque[0].head.media.media.is_multipart());
    let broken = one(b"\xA6", b"\x05");
    let parts = decode(&broken, 0, 8).unwrap();
    assert_eq!(
        leaves(&parts, 8, 8)[0].data,
        b"\x05",
        "what does not read stays as it is"
    );
}

#[test]
fn leaves_keep_the_order_and_the_limit() {
    let inner = [&[2][..], &[1, 1, 0x83, b'b'], &[1, 1, 0x83, b'c']].concat();
    let outer = [
        &[3][..],
        &[1, 1, 0x83, b'a'],
        &[1, inner.len() as u8, 0xA6],
        &inner,
        &[1, 1, 0x83, b'd'],
    ]
    .concat();
    let parts = decode(&outer, 0, 8).unwrap();
    let letters = |max_parts| {
        leaves(&parts, 8, max_parts)
            .iter()
            .map(|leaf| leaf.data.len())
            .collect::<Vec<_>>()
    };
    assert_eq!(letters(8), [1, 1, 1, 1]);
    assert_eq!(letters(3), [1, inner.len(), 1], "the nested one would exceed the limit");
}

#[test]
fn heads_go_out_in_the_order_that_all_read() {
    let head = text_part(|head| {
        head.content_id = Some("<a>".into());
        head.content_location = Some("a.txt".into());
        head.disposition = Some(Disposition::default());
        head.transfer_encoding = Some(Text::from("base64"));
    });
    let mut out = Vec::new();
    encode_part_header(&head, 300, &mut out).unwrap();
    assert_eq!(out, b"\x11\x82\x2C\x83\xC0\"<a>\0\x8Ea.txt\0\xAE\x01\x81");
    let head = PartHead {
        media: MediaType::from("text/plain"),
        content_id: Some(Text::from("a\0b")),
        ..head
    };
    assert_eq!(
        encode_part_header(&head, 0, &mut Vec::new()),
        Err(ValueError::NotExpressible)
    );
}
