use super::*;

fn of(octets: &[u8]) -> Tree<'_> {
    tree(octets, Format::Mms, &Limits::default())
}

#[test]
fn a_broken_pdu_shows_what_stands_before_the_fault() {
    let tree = of(b"\x8C\x80\x98T1\0\x8D\x92\x97+1");
    assert_eq!(
        tree.to_string(),
        "X-Mms-Message-Type: m-send-req (0x80)\nX-Mms-Transaction-Id: 'T1'\nX-Mms-MMS-Version: 1.2\n\
         fault at octet 8: To at octet 8: a text has no closing NUL\n"
            .replace("To at octet 8: ", "To: ")
    );
    assert_eq!(tree.fields[2].offset, 6);
}

#[test]
fn wrong_forms_and_unknown_values_are_shown_as_they_are() {
    let tree = of(b"\x8C\xAA\x98\x80\x8F\x9F\x86\x05abcde\xC9\x81X-Own\0a'b\x01\0\x89\x02\x90\x80\x8Agold\0");
    let values: Vec<String> = tree
        .fields
        .iter()
        .map(|field| format!("{}: {}", field.name, field.value))
        .collect();
    assert_eq!(
        values,
        [
            "X-Mms-Message-Type: - (0xaa)",
            "X-Mms-Transaction-Id: 0x80",
            "X-Mms-Priority: - (0x9f)",
            "X-Mms-Delivery-Report: data 6162636465",
            "field 0xc9: 0x81",
            "X-Own: \"a'b\\x01\"",
            "From: data 9080",
            "X-Mms-Message-Class: 'gold'",
        ]
    );
    assert_eq!(tree.kind, "");
    assert!(tree.fault.is_some());
}

#[test]
fn parts_up_to_a_broken_one_are_shown() {
    let tree = of(b"\x8C\x80\x98T1\0\x97+1\0\x84\xA3\x02\x03\x02\x83\xC0\x81hi\x50");
    assert_eq!(tree.parts.len(), 1);
    assert_eq!(
        tree.parts[0].to_string(),
        "hlen=3 dlen=2 type=text/plain  | Content-ID(0x40)=0x81"
    );
    assert_eq!(tree.parts[0].data, b"hi");
    assert_eq!(
        tree.fault.unwrap().message,
        "part 1: the value goes past the end of its input"
    );
}

#[test]
fn a_push_shows_envelope_and_content_with_offsets_in_the_whole() {
    let tree = tree(
        b"\x07\x06\x05\xBE\xAF\x84\xB4\x81\x8C\x85\x98T\0",
        Format::WspPush,
        &Limits::default(),
    );
    assert!(tree.to_string().starts_with(
        "WSP TID=0x07 PDU=0x06\n  hlen=5 ctype=application/vnd.wap.mms-message rest=af84b481\nX-Mms-Message-Type"
    ));
    let names: Vec<(&str, usize)> = tree
        .fields
        .iter()
        .map(|field| (field.name.as_str(), field.offset))
        .collect();
    assert_eq!(
        names,
        [
            ("WSP-Transaction-Id", 0),
            ("WSP-PDU-Type", 1),
            ("WSP-Content-Type", 3),
            ("WSP-X-Wap-Application-Id(0x2F)", 4),
            ("WSP-Push-Flag(0x34)", 6),
            ("X-Mms-Message-Type", 8),
            ("X-Mms-Transaction-Id", 10),
        ]
    );
    let broken = super::tree(b"\x07\x04", Format::WspPush, &Limits::default());
    assert_eq!(broken.fault.unwrap().message, "WSP push: PDU type 0x04 is no push");
}

#[test]
fn dates_are_shown_in_utc() {
    let shown = |octets: &[u8]| of(octets).fields[0].value.clone();
    assert_eq!(shown(b"\x85\x01\x00"), "0 (1970-01-01T00:00:00Z)");
    assert_eq!(shown(b"\x85\x04\x65\xE0\x15\x7F"), "1709184383 (2024-02-29T05:26:23Z)");
    assert_eq!(shown(b"\x85\x08\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"), u64::MAX.to_string());
}
