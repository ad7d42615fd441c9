//! Which content is let through: a table of kinds, and what looks like them without being one.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod common;

use common::{NOW, policy, profile, submit};
use mmsc_domain::accept::{ServicePolicy, admit};
use mmsc_domain::command::Submit;
use mmsc_domain::content::{
    ContentPolicy, INSTALLABLE_TYPES, Installable, MediaPattern, RefusedContent, note_installables,
};
use mmsc_domain::mmbox::{NotStored, check_upload};
use mmsc_domain::record::PartEntry;
use mmsc_domain::why::Refusal;
use proptest::prelude::*;

/// A ZIP of entries without content; `streamed` leaves their lengths to what follows the data, as `jar` does.
fn zip(names: &[&str], data: &[u8], streamed: bool) -> Vec<u8> {
    let (mut octets, mut directory) = (Vec::new(), Vec::new());
    let len = |len: usize| u32::try_from(len).unwrap().to_le_bytes();
    for name in names {
        let at = octets.len();
        octets.extend(b"PK\x03\x04\x14\0");
        octets.extend(if streamed { [8, 0] } else { [0, 0] });
        octets.extend([0; 10]);
        let told = if streamed { 0 } else { data.len() };
        octets.extend(len(told));
        octets.extend(len(told));
        octets.extend(u16::try_from(name.len()).unwrap().to_le_bytes());
        octets.extend(4u16.to_le_bytes());
        octets.extend(name.as_bytes());
        octets.extend([0xfe, 0xca, 0, 0]);
        octets.extend(data);
        directory.extend(b"PK\x01\x02\x14\0\x14\0");
        directory.extend([0; 12]);
        directory.extend(len(data.len()));
        directory.extend(len(data.len()));
        directory.extend(u16::try_from(name.len()).unwrap().to_le_bytes());
        directory.extend([0; 12]);
        directory.extend(len(at));
        directory.extend(name.as_bytes());
    }
    let (start, size) = (octets.len(), directory.len());
    octets.extend(directory);
    octets.extend(b"PK\x05\x06\0\0\0\0");
    let count = u16::try_from(names.len()).unwrap().to_le_bytes();
    octets.extend([count, count].concat());
    octets.extend(len(size));
    octets.extend(len(start));
    octets.extend([0, 0]);
    octets
}

/// A program of Windows whose newer header stands at `at`.
fn windows(at: u8, last_page: [u8; 2]) -> Vec<u8> {
    let mut octets = vec![0; usize::from(at)];
    octets[..4].copy_from_slice(&[b'M', b'Z', last_page[0], last_page[1]]);
    octets[0x3c] = at;
    octets.extend(b"PE\0\0");
    octets
}

const APK: [&str; 3] = ["META-INF/MANIFEST.MF", "AndroidManifest.xml", "classes.dex"];

#[test]
fn installables_by_their_octets() {
    use Installable as I;
    let with_comment = {
        let mut octets = zip(&["META-INF/MANIFEST.MF"], b"x", true);
        let at = octets.len() - 2;
        octets[at] = 5;
        octets.extend(b"hello");
        octets
    };
    let cut = {
        let mut octets = zip(&APK, b"abc", false);
        octets.truncate(octets.len() - 30);
        octets
    };
    let table: Vec<(&str, Vec<u8>, I)> = vec![
        ("apk", zip(&APK, b"abc", true), I::AndroidPackage),
        ("apk without its end", cut, I::AndroidPackage),
        (
            "apk after a picture",
            [&b"\xff\xd8\xff\xe0JFIF"[..], &zip(&APK, b"abc", true)].concat(),
            I::AndroidPackage,
        ),
        (
            "jar",
            zip(&["META-INF/", "META-INF/MANIFEST.MF", "A.class"], b"", true),
            I::JavaArchive,
        ),
        (
            "jar in other case",
            zip(&["meta-inf/manifest.mf"], b"1", false),
            I::JavaArchive,
        ),
        ("jar with a comment", with_comment, I::JavaArchive),
        (
            "ipa",
            zip(&["iTunesArtwork", "Payload/A.app/Info.plist"], b"1", false),
            I::IosPackage,
        ),
        ("dex", b"dex\n035\0rest".to_vec(), I::AndroidCode),
        ("compact dex", b"cdex001\0".to_vec(), I::AndroidCode),
        ("class", b"\xca\xfe\xba\xbe\0\0\0\x34".to_vec(), I::JavaClass),
        ("fat Mach-O", b"\xca\xfe\xba\xbe\0\0\0\x02".to_vec(), I::MachO),
        ("Mach-O", b"\xcf\xfa\xed\xfe\x07\0\0\x01".to_vec(), I::MachO),
        ("elf", b"\x7fELF\x02\x01\x01".to_vec(), I::Elf),
        ("sis of Symbian 9", b"\x7a\x1a\x20\x10\0\0\0\0".to_vec(), I::Symbian),
        (
            "sis before",
            b"\xb2\x05\x10\x10\x12\x3a\0\x10\x19\x04\0\x10".to_vec(),
            I::Symbian,
        ),
        ("Symbian program", b"\x7a\0\0\x10\xce\x39\0\x10".to_vec(), I::Symbian),
        ("exe", windows(0x80, [0x90, 0]), I::WindowsProgram),
        (
            "exe with a strange old header",
            windows(0x80, *b"zz"),
            I::WindowsProgram,
        ),
        ("exe of DOS", b"MZ\x10\0\x03\0".to_vec(), I::WindowsProgram),
        ("cab", b"MSCF\0\0\0\0\x10".to_vec(), I::Cabinet),
        ("script", b"#!/bin/sh\nrm".to_vec(), I::Script),
        ("script with a blank", b"#! /usr/bin/env python".to_vec(), I::Script),
        (
            "script of a Windows editor",
            b"\xef\xbb\xbf#!/bin/sh".to_vec(),
            I::Script,
        ),
        ("cod", b"\xde\xc0\xff\xff\0".to_vec(), I::BlackBerry),
        ("deb", b"!<arch>\ndebian-binary   1".to_vec(), I::LinuxPackage),
        ("rpm", b"\xed\xab\xee\xdb\x03\0".to_vec(), I::LinuxPackage),
    ];
    for (name, octets, kind) in &table {
        assert_eq!(Installable::of(octets), Some(*kind), "{name}");
    }
    let missing: Vec<_> = I::ALL
        .iter()
        .filter(|kind| !table.iter().any(|(.., it)| it == *kind))
        .collect();
    assert!(missing.is_empty(), "no row for {missing:?}");
}

#[test]
fn what_people_send_is_no_installable() {
    let table: Vec<(&str, Vec<u8>)> = vec![
        ("nothing", Vec::new()),
        ("one octet", b"M".to_vec()),
        ("jpeg", b"\xff\xd8\xff\xe0\0\x10JFIF\0".to_vec()),
        ("png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec()),
        ("gif", b"GIF89a\x01\0".to_vec()),
        ("3gp", b"\0\0\0\x18ftyp3gp4".to_vec()),
        ("narrow-band speech", b"#!AMR\n\x3c/".to_vec()),
        ("wide-band speech", b"#!AMR-WB\n".to_vec()),
        ("evrc", b"#!EVRC\n".to_vec()),
        ("qcelp", b"#!QCELP\n".to_vec()),
        ("midi", b"MThd\0\0\0\x06".to_vec()),
        ("smil", b"<smil><head>".to_vec()),
        (
            "text that begins like a program",
            b"MZansi for life, and a long text behind it so that a header could be there".to_vec(),
        ),
        ("hash tag", b"#!wow / nice".to_vec()),
        ("vcard", b"BEGIN:VCARD".to_vec()),
        (
            "word document",
            zip(&["[Content_Types].xml", "word/document.xml"], b"1", true),
        ),
        ("book", zip(&["mimetype", "META-INF/container.xml"], b"1", false)),
        (
            "office document",
            zip(&["mimetype", "META-INF/manifest.xml"], b"1", false),
        ),
        ("pictures", zip(&["a.jpg", "Payload/b.jpg"], b"1", false)),
        ("broken zip", b"PK\x03\x04\x14".to_vec()),
        ("empty zip", b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0".to_vec()),
    ];
    for (name, octets) in table {
        assert_eq!(Installable::of(&octets), None, "{name}");
    }
}

proptest! {
    /// Whatever comes: an answer, and no panic; also with a directory whose lengths are nonsense.
    #[test]
    fn any_octets_are_looked_at(octets in prop::collection::vec(any::<u8>(), 0..300), at in 0_usize..400) {
        let _kind = Installable::of(&octets);
        let mut damaged = zip(&APK, b"abc", false);
        for (place, octet) in damaged.iter_mut().skip(at).zip(&octets) {
            *place = *octet;
        }
        let _kind = Installable::of(&damaged);
        let mut part = submit().parts.remove(0);
        (part.offset, part.len) = (u64::MAX - at as u64, at as u64 * 2);
        let mut parts = [part];
        note_installables(&mut parts, &octets);
        prop_assert_eq!(parts[0].installable, None);
    }
}

#[test]
fn patterns_of_types() {
    let table = [
        ("application/java-archive", "application/java-archive", true),
        ("Application/Java-Archive ", "application/java-archive", true),
        ("application/java-archive", "application/java-archive2", false),
        ("application/x-sis*", "application/x-sis", true),
        ("application/x-sis*", "application/x-sisx-app", true),
        ("application/*", "application/smil", true),
        ("application/*", "text/plain", false),
        ("*/x-sh", "text/x-sh", true),
        ("*/x-sh", "text/x-shellscript", false),
        ("*", "anything/at-all", true),
        ("a*b*c", "aXbYbZc", true),
        ("a*b*c", "aXc", false),
        ("ab*ba", "aba", false),
        ("", "", true),
        ("", "text/plain", false),
    ];
    for (pattern, essence, matches) in table {
        assert_eq!(
            MediaPattern::new(pattern).matches(essence),
            matches,
            "{pattern} {essence}"
        );
    }
}

fn with(change: impl FnOnce(&mut PartEntry)) -> Submit {
    let mut message = submit();
    change(&mut message.parts[1]);
    message
}

fn refused(message: &Submit, policy: &ServicePolicy) -> Option<RefusedContent> {
    match admit(message, 30, NOW, policy, &profile()) {
        Ok(_) => None,
        Err(Refusal::ContentNotAccepted(why)) => Some(why),
        Err(other) => panic!("{other:?}"),
    }
}

#[test]
fn declared_installables_are_refused_by_default() {
    for declared in INSTALLABLE_TYPES {
        let essence = declared.replace('*', "x");
        let message = with(|part| part.media_type.essence.clone_from(&essence));
        let why = Some(RefusedContent::MediaType(essence));
        assert_eq!(refused(&message, &policy()), why);
    }
    for harmless in [
        "image/jpeg",
        "application/smil",
        "text/plain",
        "audio/amr",
        "application/vnd.oma.drm.message",
    ] {
        let message = with(|part| harmless.clone_into(&mut part.media_type.essence));
        assert_eq!(refused(&message, &policy()), None, "{harmless}");
    }
}

#[test]
fn a_program_that_calls_itself_a_picture_is_refused_unless_octets_are_not_looked_at() {
    let mut message = submit();
    let octets = [b"\xff\xd8\xff\xe0JFIF12".as_slice(), b"\x7fELF, the rest of it"].concat();
    note_installables(&mut message.parts, &octets);
    let why = RefusedContent::Installable(Installable::Elf);
    assert_eq!(refused(&message, &policy()), Some(why.clone()));
    let upload = check_upload(&message, 30, &policy(), &profile());
    assert_eq!(upload, Err(NotStored::NotAccepted));
    assert!(RefusedContent::names().any(|name| name == why.name()));
    let careless = ServicePolicy {
        content: ContentPolicy {
            check_magic: false,
            ..ContentPolicy::default()
        },
        ..policy()
    };
    assert_eq!(refused(&message, &careless), None);
}
