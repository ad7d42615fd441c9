//! Character sets by their IANA MIBenum (digest section 2), into UTF-8.

use std::borrow::Cow;

use encoding_rs::Encoding;

/// Any character set.
pub const ANY: u32 = 0;
/// MIBenum of us-ascii.
pub const US_ASCII: u32 = 3;
/// MIBenum of iso-8859-1.
pub const ISO_8859_1: u32 = 4;
/// MIBenum of utf-8.
pub const UTF_8: u32 = 106;

const UCS_2: u32 = 1000;
const UCS_4: u32 = 1001;
const UTF_7: u32 = 1012;
const UTF_16BE: u32 = 1013;
const UTF_16LE: u32 = 1014;
const UTF_16: u32 = 1015;

/// MIBenum and preferred name, in the order of the numbers.
const NAMES: &[(u32, &str)] = &[
    (ANY, "*"),
    (US_ASCII, "us-ascii"),
    (ISO_8859_1, "iso-8859-1"),
    (5, "iso-8859-2"),
    (6, "iso-8859-3"),
    (7, "iso-8859-4"),
    (8, "iso-8859-5"),
    (9, "iso-8859-6"),
    (10, "iso-8859-7"),
    (11, "iso-8859-8"),
    (12, "iso-8859-9"),
    (13, "iso-8859-10"),
    (17, "shift_jis"),
    (18, "euc-jp"),
    (36, "ks_c_5601-1987"),
    (37, "iso-2022-kr"),
    (38, "euc-kr"),
    (39, "iso-2022-jp"),
    (40, "iso-2022-jp-2"),
    (UTF_8, "utf-8"),
    (109, "iso-8859-13"),
    (110, "iso-8859-14"),
    (111, "iso-8859-15"),
    (112, "iso-8859-16"),
    (113, "gbk"),
    (114, "gb18030"),
    (UCS_2, "iso-10646-ucs-2"),
    (UCS_4, "iso-10646-ucs-4"),
    (UTF_7, "utf-7"),
    (UTF_16BE, "utf-16be"),
    (UTF_16LE, "utf-16le"),
    (UTF_16, "utf-16"),
    (2025, "gb2312"),
    (2026, "big5"),
    (2084, "koi8-r"),
    (2088, "koi8-u"),
    (2250, "windows-1250"),
    (2251, "windows-1251"),
    (2252, "windows-1252"),
    (2253, "windows-1253"),
    (2254, "windows-1254"),
    (2255, "windows-1255"),
    (2256, "windows-1256"),
    (2257, "windows-1257"),
    (2258, "windows-1258"),
    (2259, "tis-620"),
];

/// Name of a character set.
pub fn name(mib: u32) -> Option<&'static str> {
    NAMES.iter().find(|(number, _)| *number == mib).map(|(_, name)| *name)
}

/// MIBenum of a name, in any case, with the common aliases.
pub fn number(label: &[u8]) -> Option<u32> {
    let known = |label: &str| {
        NAMES
            .iter()
            .find(|(_, name)| name.eq_ignore_ascii_case(label))
            .map(|(mib, _)| *mib)
    };
    let text = std::str::from_utf8(label).ok()?.trim_matches(['"', ' ']);
    match text.to_ascii_lowercase().as_str() {
        "utf8" => Some(UTF_8),
        "ascii" => Some(US_ASCII),
        "latin1" => Some(ISO_8859_1),
        _ => known(text),
    }
}

/// True if each character has two octets or more, so that a NUL octet means nothing.
pub fn is_wide(mib: u32) -> bool {
    matches!(mib, UCS_2 | UCS_4 | UTF_16BE | UTF_16LE | UTF_16)
}

/// Octets of no stated character set: UTF-8 where they are UTF-8, else iso-8859-1. A character that is cut at the end
/// becomes U+FFFD.
pub fn guess(octets: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(octets) {
        Ok(text) => Cow::Borrowed(text),
        Err(e) if e.error_len().is_none() => String::from_utf8_lossy(octets),
        Err(_) => Cow::Owned(latin1(octets)),
    }
}

/// Octets in the character set `mib`. What it does not know becomes U+FFFD; an unknown set keeps its us-ascii octets.
pub fn decode(mib: u32, octets: &[u8]) -> Cow<'_, str> {
    match mib {
        ANY | US_ASCII => guess(octets),
        ISO_8859_1 if octets.is_ascii() => guess(octets),
        ISO_8859_1 => Cow::Owned(latin1(octets)),
        UTF_8 => String::from_utf8_lossy(octets),
        UCS_4 => Cow::Owned(ucs4(octets)),
        UTF_7 => Cow::Owned(super::words::utf7(octets)),
        UCS_2 | UTF_16 => wide(octets),
        _ => match encoding(mib) {
            Some(encoding) => encoding.decode_without_bom_handling(octets).0,
            None => Cow::Owned(
                octets
                    .iter()
                    .map(|&o| if o < 0x80 { char::from(o) } else { '\u{FFFD}' })
                    .collect(),
            ),
        },
    }
}

fn latin1(octets: &[u8]) -> String {
    octets.iter().map(|&octet| char::from(octet)).collect()
}

fn wide(octets: &[u8]) -> Cow<'_, str> {
    match octets {
        [0xFF, 0xFE, rest @ ..] => encoding_rs::UTF_16LE.decode_without_bom_handling(rest).0,
        [0xFE, 0xFF, rest @ ..] => encoding_rs::UTF_16BE.decode_without_bom_handling(rest).0,
        _ => encoding_rs::UTF_16BE.decode_without_bom_handling(octets).0,
    }
}

fn ucs4(octets: &[u8]) -> String {
    let number = |chunk: &[u8]| chunk.iter().fold(0_u32, |sum, &octet| sum << 8 | u32::from(octet));
    octets
        .chunks(4)
        .map(|chunk| char::from_u32(number(chunk)).unwrap_or('\u{FFFD}'))
        .collect()
}

fn encoding(mib: u32) -> Option<&'static Encoding> {
    match mib {
        // What is called KS C 5601 in the field is its superset CP949, which the label euc-kr means.
        36 => Encoding::for_label(b"euc-kr"),
        40 => Encoding::for_label(b"iso-2022-jp"),
        2259 => Encoding::for_label(b"windows-874"),
        _ => Encoding::for_label(name(mib)?.as_bytes()),
    }
}
