//! Every vector decodes to the values that its index lists: each value line is compared, and counted.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod common;

use common::Set;
use mmsc_wire::mms::{self, Limits};
use mmsc_wire::push::segment::{Assembly, Ports, Reference, UserDataHeader, segment};
use mmsc_wire::tree::{Format, Tree, tree};

/// What the index writes differently for want of a name, and not because of the octets.
fn canonical(line: &str) -> String {
    line.trim_end()
        .replace("wk3e", "application/vnd.wap.mms-message")
        .replace(" [] rest", " rest")
        .replace(" b'", " '")
        // The second decoder behind the index took the count of a counted text for its character set.
        .replace("'no such message' {charset mib(1)}", "1 'no such message'")
        .trim_end_matches(" |")
        .trim_end()
        .to_owned()
}

/// An unnamed octet of the index, `- (0x80)`, stands for any name of the same octet.
fn equal(expected: &str, found: &str) -> bool {
    match expected.split_once(": - (") {
        Some((name, octet)) => found.starts_with(&format!("{name}: ")) && found.ends_with(&format!(" ({octet}")),
        None => expected == found,
    }
}

/// Values in a line: of a part each length, type, parameter and header.
fn values(line: &str) -> usize {
    match line.starts_with("  [") {
        true => line.matches('=').count(),
        false => 1,
    }
}

fn compare(set: &Set) -> (usize, usize) {
    let (mut files, mut count) = (0, 0);
    for (name, lines) in set.blocks() {
        let format = match name.rsplit_once('.') {
            Some((_, "mms")) => Format::Mms,
            Some((_, "wsp")) => Format::WspPush,
            _ => continue,
        };
        let octets = std::fs::read(set.directory.join(&name)).unwrap();
        let tree: Tree = tree(&octets, format, &Limits::default());
        assert_eq!(tree.fault, None, "{name}");
        let shown = tree.to_string();
        let found: Vec<&str> = shown.lines().collect();
        assert_eq!(lines.len(), found.len(), "{name}:\n{shown}");
        for (expected, found) in lines.iter().zip(found) {
            let (expected, found) = (canonical(expected), canonical(found));
            assert!(
                equal(&expected, &found),
                "{name}\n  index: {expected}\n  found: {found}"
            );
            count += values(&expected);
        }
        files += 1;
    }
    (files, count)
}

#[test]
fn hand_built_vectors_have_their_indexed_values() {
    let (files, count) = compare(&common::fixtures());
    println!("{files} files, {count} values");
    assert_eq!(files, 27);
    assert!(count >= 200, "{count}");
}

#[test]
fn captured_vectors_have_their_indexed_values() {
    let Some(set) = common::captured() else { return };
    let (files, count) = compare(&set);
    println!("{files} files, {count} values");
    assert!(files >= 40, "{files}");
    assert!(count >= 600, "{count}");
}

#[test]
fn every_vector_is_a_typed_pdu_and_offsets_point_at_fields() {
    for vector in common::all_pdus() {
        let pdu = mms::decode(&vector.octets, &Limits::default()).unwrap_or_else(|e| panic!("{}: {e}", vector.name));
        let tree = tree(&vector.octets, Format::Mms, &Limits::default());
        assert_eq!(tree.kind, pdu.message_type().name());
        for field in &tree.fields {
            let octet = vector.octets[field.offset];
            assert_eq!(
                mms::Field(octet).name(),
                Some(field.name.as_str()),
                "{} at {}",
                vector.name,
                field.offset
            );
        }
        for part in &tree.parts {
            assert_eq!(&vector.octets[part.offset..part.offset + part.data.len()], part.data);
        }
    }
}

#[test]
fn segments_of_a_long_push_are_those_of_the_vectors_and_join_again() {
    let set = common::fixtures();
    let read = |name: &str| std::fs::read(set.directory.join(name)).unwrap();
    let long = read("push-long.wsp");
    let cut = segment(&long, Ports::WAP_PUSH, Reference::Octet(0x5A)).unwrap();
    let expected: Vec<Vec<u8>> = (1..=3)
        .map(|number| read(&format!("sms-long-{number}of3.ud")))
        .collect();
    assert_eq!(cut, expected);
    let short = segment(&read("push-short.wsp"), Ports::WAP_PUSH, Reference::Word(1)).unwrap();
    assert_eq!(short, [read("sms-short-1of1.ud")]);

    let mut assembly: Option<Assembly> = None;
    let mut whole = None;
    for user_data in [&cut[2], &cut[0], &cut[0], &cut[1]] {
        let (header, data) = UserDataHeader::decode(user_data).unwrap();
        assert_eq!(header.ports, Some(Ports::WAP_PUSH));
        let concatenation = header.concatenation.unwrap();
        whole = assembly
            .get_or_insert_with(|| Assembly::new(concatenation))
            .insert(concatenation, data)
            .unwrap();
    }
    assert_eq!(whole, Some(long));
}
