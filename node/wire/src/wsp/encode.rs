//! Writing WSP values, in the forms that every known receiver reads.

use std::borrow::Cow;

use super::{EncodedString, ValueError, charset};

/// Writes a Uintvar of as few octets as it takes.
pub fn put_uintvar(value: u32, out: &mut Vec<u8>) {
    for shift in [28, 21, 14, 7] {
        if value >> shift != 0 {
            out.push(0x80 | (value >> shift & 0x7F) as u8);
        }
    }
    out.push((value & 0x7F) as u8);
}

/// Writes a Value-length: one octet up to 30, else `1F` and a Uintvar.
pub fn put_value_length(length: usize, out: &mut Vec<u8>) {
    match u8::try_from(length) {
        Ok(short @ 0..=30) => out.push(short),
        _ => {
            out.push(0x1F);
            put_uintvar(u32::try_from(length).unwrap_or(u32::MAX), out);
        }
    }
}

/// Writes a Long-integer of as few octets as it takes, at least one.
pub fn put_long_integer(value: u64, out: &mut Vec<u8>) {
    let (octets, count) = long_integer(value);
    out.push(count as u8);
    out.extend(octets.iter().skip(8 - count));
}

/// The eight octets of a number and how many of them count.
pub fn long_integer(value: u64) -> ([u8; 8], usize) {
    let skipped = (value.leading_zeros() / 8).min(7) as usize;
    (value.to_be_bytes(), 8 - skipped)
}

/// Writes an Integer-value: a Short-integer up to 127, else a Long-integer.
pub fn put_integer(value: u64, out: &mut Vec<u8>) {
    match u8::try_from(value) {
        Ok(short @ 0..=0x7F) => out.push(0x80 | short),
        _ => put_long_integer(value, out),
    }
}

/// Writes a Text-string, quoted where its first octet asks for it. A text that holds a NUL or starts with a control
/// octet cannot be sent.
pub fn put_text(text: &[u8], out: &mut Vec<u8>) -> Result<(), ValueError> {
    if text.contains(&0) {
        return Err(ValueError::NotExpressible);
    }
    match text.first() {
        Some(0x01..=0x1F) => return Err(ValueError::NotExpressible),
        Some(0x7F..) => out.push(0x7F),
        _ => {}
    }
    out.extend_from_slice(text);
    out.push(0);
    Ok(())
}

/// Writes a Quoted-string: `"`, the text, NUL. There is no closing quote.
pub fn put_quoted_string(text: &[u8], out: &mut Vec<u8>) -> Result<(), ValueError> {
    if text.contains(&0) {
        return Err(ValueError::NotExpressible);
    }
    out.push(0x22);
    out.extend_from_slice(text);
    out.push(0);
    Ok(())
}

/// Writes an Encoded-string-value: us-ascii as plain text, anything else as utf-8 with its character set. (A widespread
/// client reads the character set as one octet, so no other number is ever sent.) NUL characters are left out.
pub fn put_encoded_string(text: &EncodedString<'_>, out: &mut Vec<u8>) {
    let mut characters = text.to_str();
    if characters.contains('\0') {
        characters = Cow::Owned(characters.replace('\0', ""));
    }
    let octets = characters.as_bytes();
    if octets.is_ascii() && !matches!(octets.first(), Some(0x01..=0x1F | 0x7F)) {
        out.extend_from_slice(octets);
        out.push(0);
        return;
    }
    let quote = usize::from(matches!(octets.first(), Some(0x7F..)));
    put_value_length(octets.len() + quote + 2, out);
    out.push(0x80 | charset::UTF_8 as u8);
    if quote == 1 {
        out.push(0x7F);
    }
    out.extend_from_slice(octets);
    out.push(0);
}
