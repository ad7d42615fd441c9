//! Texts inside texts: RFC 2047 encoded words, as e-mail gateways send them, and what they are made of: base64,
//! quoted-printable, and UTF-7.

use std::borrow::Cow;

use super::charset;

/// Replaces the encoded words (`=?utf-8?B?...?=`) of a text. A word that is broken stays as it is.
pub(super) fn decode(text: Cow<'_, str>) -> Cow<'_, str> {
    if !text.contains("=?") {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    let mut rest: &str = &text;
    let mut after_word = false;
    while let Some((before, from)) = rest.split_once("=?") {
        match word(from) {
            Some((decoded, tail)) => {
                // Blanks between two words are only there to fold the line (RFC 2047 6.2).
                if !(after_word && before.chars().all(char::is_whitespace)) {
                    out.push_str(before);
                }
                out.push_str(&decoded);
                rest = tail;
                after_word = true;
            }
            None => {
                out.push_str(before);
                out.push_str("=?");
                rest = from;
                after_word = false;
            }
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// Reads `charset?B?data?=` and gives its characters and what follows.
fn word(from: &str) -> Option<(String, &str)> {
    let (label, rest) = from.split_once('?')?;
    let (coding, rest) = rest.split_once('?')?;
    let (data, tail) = rest.split_once("?=")?;
    if label.len() > 40 || data.len() > 1024 || data.contains(char::is_whitespace) {
        return None;
    }
    let label = label.split('*').next().unwrap_or(label);
    let octets = match coding {
        "B" | "b" => base64(data.as_bytes())?,
        "Q" | "q" => quoted_printable(data.replace('_', " ").as_bytes()),
        _ => return None,
    };
    let mib = charset::number(label.as_bytes())?;
    Some((charset::decode(mib, &octets).into_owned(), tail))
}

fn sextet(octet: u8) -> Option<u32> {
    let value = match octet {
        b'A'..=b'Z' => octet - b'A',
        b'a'..=b'z' => octet - b'a' + 26,
        b'0'..=b'9' => octet - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    };
    Some(u32::from(value))
}

/// Decodes base64; line ends and blanks are skipped, padding may be missing. `None` if another octet stands in it.
pub(super) fn base64(data: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(data.len() / 4 * 3);
    let (mut bits, mut count) = (0_u32, 0_u32);
    for &octet in data {
        match octet {
            b'\r' | b'\n' | b' ' | b'\t' => continue,
            b'=' => break,
            _ => {}
        }
        bits = bits << 6 | sextet(octet)?;
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count & 0xFF) as u8);
            bits &= (1 << count) - 1;
        }
    }
    Some(out)
}

/// Decodes quoted-printable (RFC 2045 6.7). What is no escape stays as it is.
pub(super) fn quoted_printable(data: &[u8]) -> Vec<u8> {
    let hex = |octet: u8| char::from(octet).to_digit(16);
    let mut out = Vec::with_capacity(data.len());
    let mut rest = data;
    while let [first, tail @ ..] = rest {
        rest = tail;
        match (first, tail) {
            (b'=', [b'\r', b'\n', after @ ..] | [b'\n', after @ ..]) => rest = after,
            (b'=', [high, low, after @ ..]) => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) => {
                    out.push((high << 4 | low) as u8);
                    rest = after;
                }
                _ => out.push(b'='),
            },
            _ => out.push(*first),
        }
    }
    out
}

/// Decodes UTF-7 (RFC 2152). A broken shift sequence becomes U+FFFD.
pub(super) fn utf7(octets: &[u8]) -> String {
    let mut out = String::with_capacity(octets.len());
    let mut rest = octets;
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first != b'+' {
            out.push(if first.is_ascii() {
                char::from(*first)
            } else {
                '\u{FFFD}'
            });
            continue;
        }
        let end = tail
            .iter()
            .position(|&octet| sextet(octet).is_none())
            .unwrap_or(tail.len());
        let (shifted, after) = tail.split_at_checked(end).unwrap_or((tail, &[]));
        match shifted {
            [] => out.push('+'),
            _ => {
                let utf16 = base64(shifted).unwrap_or_default();
                out.push_str(&encoding_rs::UTF_16BE.decode_without_bom_handling(&utf16).0);
            }
        }
        rest = after.strip_prefix(b"-").unwrap_or(after);
    }
    out
}
