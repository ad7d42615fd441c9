//! Encoding is stable for every vector; every prefix and every octet changed gives a value or a typed error.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod common;

use mmsc_wire::mms::{self, Body, Limits, MessageType, Pdu};
use mmsc_wire::tree::{Format, tree};
use mmsc_wire::wsp::multipart;

/// Octets that are not part data: all positions of them are tried. Of part data every 997th.
fn positions(octets: &[u8]) -> Vec<usize> {
    let tree = tree(octets, Format::Mms, &Limits::default());
    let inside = |at: usize| {
        tree.parts
            .iter()
            .any(|part| (part.offset + 2..part.offset + part.data.len()).contains(&at))
    };
    (0..octets.len()).filter(|&at| !inside(at) || at % 997 == 0).collect()
}

/// Decodes, and holds what must be true of whatever comes out.
fn check(octets: &[u8]) -> Option<Pdu<'_>> {
    let limits = Limits::default();
    match mms::decode(octets, &limits) {
        Ok(pdu) => {
            if let Some(content) = pdu.content() {
                let data: usize = match &content.body {
                    Body::Multipart(parts) => parts.iter().map(|part| part.data.len()).sum(),
                    Body::Single(data) => data.len(),
                };
                assert!(data <= octets.len(), "more data than octets");
                assert!(content.parts().len() <= limits.max_parts);
            }
            Some(pdu)
        }
        Err(e) => {
            assert!(e.offset <= octets.len(), "{e}");
            None
        }
    }
}

/// Encodes what was decoded, and once more what that decodes to: both are the same octets.
fn check_stable(name: &str, pdu: &Pdu<'_>) {
    let mut once = Vec::new();
    // A value may have no form on the wire (a NUL inside UTF-16, an absolute Expiry): that is a typed error.
    if mms::encode(pdu, &mut once).is_err() {
        return;
    }
    let again = mms::decode(
        &once,
        &Limits {
            max_address: 4096,
            max_text: 8192,
            ..Limits::default()
        },
    )
    .unwrap_or_else(|e| panic!("{name}: {e}\n{pdu:?}"));
    let mut twice = Vec::new();
    mms::encode(&again, &mut twice).unwrap_or_else(|e| panic!("{name}: {e}"));
    assert!(once == twice, "{name}\n{pdu:?}\n{again:?}");
    assert_eq!(again.message_type(), pdu.message_type());
    assert_eq!(again.transaction_id(), pdu.transaction_id());
    if let (Some(before), Some(after)) = (pdu.content(), again.content()) {
        let data = |content: &mms::Content<'_>| match &content.body {
            Body::Multipart(parts) => parts.iter().map(|part| part.data.to_vec()).collect(),
            Body::Single(data) => vec![data.to_vec()],
        };
        let (before, after): (Vec<Vec<u8>>, Vec<Vec<u8>>) = (data(before), data(after));
        assert!(before == after, "{name}: data differ");
    }
}

#[test]
fn encoding_is_stable_and_strict_for_every_vector() {
    for vector in common::all_pdus() {
        let pdu = mms::decode(&vector.octets, &Limits::default()).unwrap();
        check_stable(&vector.name, &pdu);
        let mut out = Vec::new();
        mms::encode(&pdu, &mut out).unwrap_or_else(|e| panic!("{}: {e}", vector.name));
        // Some clients insist on type, transaction id and version as the first three.
        assert_eq!(out[0..2], [0x8C, pdu.message_type().octet()], "{}", vector.name);
        if let Some(id) = pdu.transaction_id() {
            assert_eq!(out[2], 0x98, "{}", vector.name);
            let version = 2 + 1 + id.as_octets().len() + 1;
            assert_eq!(out[version], 0x8D, "{}", vector.name);
        }
        // No character set above 127 is ever sent in a header text.
        let shown = tree(&out, Format::Mms, &Limits::default());
        for field in shown.fields.iter().filter(|field| field.value.contains("{charset")) {
            assert!(
                field.value.ends_with("{charset utf-8(106)}"),
                "{}: {}",
                vector.name,
                field.value
            );
        }
    }
}

#[test]
fn a_head_and_parts_sent_apart_are_the_whole_pdu() {
    for vector in common::all_pdus() {
        let pdu = mms::decode(&vector.octets, &Limits::default()).unwrap();
        let Some(content) = pdu.content() else { continue };
        let Body::Multipart(parts) = &content.body else {
            continue;
        };
        let mut whole = Vec::new();
        mms::encode(&pdu, &mut whole).unwrap();
        let mut chunks: Vec<Vec<u8>> = vec![Vec::new()];
        mms::encode_head(&pdu, &mut chunks[0]).unwrap();
        multipart::put_count(parts.len(), &mut chunks[0]);
        for part in parts {
            let mut head = Vec::new();
            multipart::encode_part_header(&part.head, part.data.len(), &mut head).unwrap();
            chunks.push(head);
            chunks.push(part.data.to_vec());
        }
        assert!(chunks.concat() == whole, "{}", vector.name);
        let heads: Vec<_> = parts.iter().map(|part| (&part.head, part.data.len())).collect();
        let around = mms::encode_around(&pdu, &heads).unwrap();
        let joined: Vec<u8> = around
            .before
            .iter()
            .zip(parts)
            .flat_map(|(before, part)| [before, part.data].concat())
            .collect();
        assert!(joined == whole && around.total_len == whole.len(), "{}", vector.name);
    }
}

#[test]
fn part_data_is_not_copied() {
    for vector in common::all_pdus() {
        let pdu = mms::decode(&vector.octets, &Limits::default()).unwrap();
        let range = vector.octets.as_ptr_range();
        for part in pdu.content().map(mms::Content::parts).unwrap_or_default() {
            assert!(
                part.data.is_empty() || range.contains(&part.data.as_ptr()),
                "{}",
                vector.name
            );
        }
    }
}

#[test]
fn every_prefix_gives_a_value_or_an_error() {
    let mut tried = 0;
    for vector in common::all_pdus() {
        for end in positions(&vector.octets) {
            let prefix = &vector.octets[..end];
            if let Some(pdu) = check(prefix) {
                assert!(!matches!(
                    pdu.message_type(),
                    MessageType::SendReq | MessageType::MboxViewConf
                ));
            }
            tried += 1;
        }
    }
    assert!(tried > 2_500, "{tried}");
}

/// The values to put in place of an octet. Inside a text one printable character is as good as another.
fn replacements(octets: &[u8], at: usize) -> impl Iterator<Item = u8> {
    let printable = |at: usize| octets.get(at).is_some_and(|octet| (0x20..0x7F).contains(octet));
    let inside = at > 0 && printable(at - 1) && printable(at) && printable(at + 1);
    (0..=u8::MAX).filter(move |value| !inside || !matches!(value, 0x24..=0x3C | 0x40..=0x7E | 0x86..=0xE8))
}

/// Two tests, so that they run beside each other.
fn every_changed_octet(of: impl Fn(usize) -> bool) -> u64 {
    let mut tried = 0_u64;
    for vector in common::all_pdus()
        .into_iter()
        .enumerate()
        .filter(|(index, _)| of(*index))
        .map(|(_, vector)| vector)
    {
        let mut octets = vector.octets.clone();
        for at in positions(&vector.octets) {
            let original = octets[at];
            for value in replacements(&vector.octets, at) {
                octets[at] = value;
                check(&octets);
                tried += 1;
            }
            octets[at] = original;
        }
    }
    tried
}

#[test]
fn every_changed_octet_gives_a_value_or_an_error_in_even_vectors() {
    assert!(every_changed_octet(|index| index % 2 == 0) > 100_000);
}

#[test]
fn every_changed_octet_gives_a_value_or_an_error_in_odd_vectors() {
    assert!(every_changed_octet(|index| index % 2 == 1) > 100_000);
}

#[test]
fn what_a_changed_pdu_decodes_to_can_be_shown_and_encoded() {
    for vector in common::all_pdus() {
        let mut octets = vector.octets.clone();
        for at in positions(&vector.octets) {
            let original = octets[at];
            for value in [
                0x00,
                0x01,
                0x1F,
                0x20,
                0x22,
                0x7F,
                0x80,
                0xFF,
                original ^ 0x80,
                original.wrapping_add(1),
            ] {
                octets[at] = value;
                if let Some(pdu) = check(&octets) {
                    check_stable(&vector.name, &pdu);
                }
                if octets.len() < 1024 {
                    let _ = tree(&octets, Format::Mms, &Limits::default()).to_string();
                }
            }
            octets[at] = original;
        }
    }
}

#[test]
fn every_changed_octet_of_a_push_gives_a_value_or_an_error() {
    for set in [Some(common::fixtures()), common::captured()].into_iter().flatten() {
        for vector in set.files(&["wsp"]) {
            for end in 0..vector.octets.len() {
                let _ = mmsc_wire::push::decode(&vector.octets[..end]);
            }
            let mut octets = vector.octets.clone();
            for at in 0..octets.len() {
                let original = octets[at];
                for value in 0..=u8::MAX {
                    octets[at] = value;
                    if let Ok(push) = mmsc_wire::push::decode(&octets) {
                        let mut out = Vec::new();
                        let _ = mmsc_wire::push::encode(&push, &mut out);
                    }
                }
                let _ = tree(&octets, Format::WspPush, &Limits::default()).to_string();
                octets[at] = original;
            }
        }
    }
}
