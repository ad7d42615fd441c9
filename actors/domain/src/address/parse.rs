//! Reading addresses: the grammar, and what is tolerated beside it (MM1 digest 10, 12).

use std::net::{Ipv4Addr, Ipv6Addr};

use super::home::to_e164;
use super::{Address, HomePrefix, MAX_ADDRESS_BYTES};

/// Why a text is no address; always the fault of whoever wrote it. Carries no text, so that it can be logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum AddressError {
    /// Nothing there.
    #[error("empty address")]
    Empty,
    /// Longer than [`MAX_ADDRESS_BYTES`].
    #[error("address longer than 312 octets")]
    TooLong,
    /// A control character: it could break a header or a log line elsewhere.
    #[error("control character in an address")]
    ControlCharacter,
    /// More than 15 digits, or none.
    #[error("not a telephone number")]
    BadNumber,
    /// Not an e-mail address although it has an at sign.
    #[error("not an e-mail address")]
    BadEmail,
    /// Not an IP address although its type says so.
    #[error("not an IP address")]
    BadIp,
    /// None of the known forms.
    #[error("no known form of address")]
    UnknownForm,
}

/// The most digits of an E.164 number.
const MAX_DIGITS: usize = 15;
/// The longest run of digits that, without a type, is a short code and not a telephone number.
const MAX_SHORT_CODE_DIGITS: usize = 6;
/// The longest short code.
const MAX_SHORT_CODE_CHARS: usize = 20;
/// The longest local part of an e-mail address in octets (MM1 digest 21).
const MAX_LOCAL_PART_BYTES: usize = 256;

pub(super) fn parse(text: &str, home: Option<&HomePrefix>) -> Result<Address, AddressError> {
    let bare = bare(text)?;
    match split_type(bare) {
        (value, Some(kind)) => typed(value, kind, home),
        (value, None) => untyped(value, home),
    }
}

pub(super) fn parse_identity(text: &str, home: Option<&HomePrefix>) -> Result<Address, AddressError> {
    let bare = bare(text)?;
    let (value, _) = split_type(bare);
    match number(value) {
        Some(written) => phone(&written, home),
        None => parse(text, home),
    }
}

/// Without display name, angle brackets, URI scheme and surrounding space.
fn bare(text: &str) -> Result<&str, AddressError> {
    let text = text.trim_matches(|c: char| c == ' ' || c == '\t');
    if text.is_empty() {
        return Err(AddressError::Empty);
    }
    if text.len() > MAX_ADDRESS_BYTES {
        return Err(AddressError::TooLong);
    }
    if text.chars().any(char::is_control) {
        return Err(AddressError::ControlCharacter);
    }
    let inner = text
        .strip_suffix('>')
        .and_then(|open| open.rsplit_once('<'))
        .map_or(text, |(_, inner)| inner)
        .trim();
    let inner = strip_scheme(inner, "mailto:")
        .or_else(|| strip_scheme(inner, "tel:").map(|number| number.split_once(';').map_or(number, |(n, _)| n)))
        .unwrap_or(inner);
    if inner.is_empty() {
        return Err(AddressError::Empty);
    }
    Ok(inner)
}

fn strip_scheme<'a>(text: &'a str, scheme: &str) -> Option<&'a str> {
    let head = text.get(..scheme.len())?;
    head.eq_ignore_ascii_case(scheme)
        .then(|| text.get(scheme.len()..))
        .flatten()
}

/// Value and type name, if the text ends in something like `/TYPE=NAME`. The word itself may be misspelt, too.
fn split_type(text: &str) -> (&str, Option<&str>) {
    let Some((value, tail)) = text.rsplit_once('/') else {
        return (text, None);
    };
    let Some((word, name)) = tail.split_once('=') else {
        return (text, None);
    };
    let name = name.trim();
    let is_name = name.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'_');
    if is_name && resembles(word.trim(), "TYPE") {
        (value.trim(), Some(name))
    } else {
        (text, None)
    }
}

fn typed(value: &str, kind: &str, home: Option<&HomePrefix>) -> Result<Address, AddressError> {
    if value.is_empty() {
        return Err(AddressError::Empty);
    }
    let decoded = unescape(value)?;
    if kind.eq_ignore_ascii_case("IPv4") {
        return ipv4(&decoded);
    }
    if kind.eq_ignore_ascii_case("IPv6") {
        return ipv6(&decoded);
    }
    let written = number(&decoded);
    if kind.eq_ignore_ascii_case("PLMN") {
        return match written {
            Some(written) => phone(&written, home),
            // Handsets put the type behind whatever was typed into the To field.
            None => untyped(&decoded, home),
        };
    }
    match written {
        // A typing slip ("PLNM" was captured), or the name was left out.
        Some(written) if kind.is_empty() || resembles(kind, "PLMN") => phone(&written, home),
        Some(_) | None if kind.is_empty() => untyped(&decoded, home),
        Some(_) | None => Ok(Address::Other(decoded, kind.to_ascii_uppercase())),
    }
}

fn untyped(value: &str, home: Option<&HomePrefix>) -> Result<Address, AddressError> {
    if value.contains('@') {
        return email(value);
    }
    if is_short_code(value) {
        return Ok(Address::ShortCode(value.to_owned()));
    }
    if let Ok(address) = value.parse::<Ipv4Addr>() {
        return Ok(Address::Ipv4(address.to_string()));
    }
    if let Ok(address) = value.parse::<Ipv6Addr>() {
        return Ok(Address::Ipv6(address.to_string()));
    }
    match number(&unescape(value)?) {
        Some(written) => phone(&written, home),
        None => Err(AddressError::UnknownForm),
    }
}

/// `12345`, `*123`, `#5`, `INFO`: no longer run of plain digits, because that is a telephone number.
fn is_short_code(value: &str) -> bool {
    if value.is_empty() || value.len() > MAX_SHORT_CODE_CHARS {
        return false;
    }
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    if digits == value.len() {
        return digits <= MAX_SHORT_CODE_DIGITS;
    }
    let marked = value
        .bytes()
        .all(|octet| octet.is_ascii_digit() || matches!(octet, b'+' | b'*' | b'#'))
        && value.bytes().any(|octet| matches!(octet, b'*' | b'#'));
    marked || value.bytes().all(|octet| octet.is_ascii_alphanumeric())
}

/// A number as it was written: its digits, and whether a plus sign stood before them.
struct Written {
    digits: String,
    plus: bool,
}

/// Takes separators out; `None` if anything else than a number is there.
fn number(value: &str) -> Option<Written> {
    let (plus, rest) = match value.trim().strip_prefix('+') {
        Some(rest) => (true, rest),
        None => (false, value),
    };
    // "+46 (0)70 …": the trunk prefix in brackets is not dialled after a country code.
    let without_trunk = if plus {
        rest.replacen("(0)", "", 1)
    } else {
        rest.to_owned()
    };
    let mut digits = String::with_capacity(without_trunk.len());
    for c in without_trunk.chars() {
        match c {
            '0'..='9' => digits.push(c),
            ' ' | '-' | '.' | '(' | ')' | '\u{A0}' => {}
            _ => return None,
        }
    }
    (!digits.is_empty()).then_some(Written { digits, plus })
}

fn phone(written: &Written, home: Option<&HomePrefix>) -> Result<Address, AddressError> {
    // No country code begins with 0, so a plus sign before it is a slip.
    let digits = if written.plus && !written.digits.starts_with('0') {
        written.digits.clone()
    } else {
        to_e164(&written.digits, home)
    };
    if digits.len() > MAX_DIGITS {
        return Err(AddressError::BadNumber);
    }
    Ok(Address::Phone(digits))
}

fn ipv4(value: &str) -> Result<Address, AddressError> {
    let address: Ipv4Addr = value.parse().map_err(|_| AddressError::BadIp)?;
    Ok(Address::Ipv4(address.to_string()))
}

fn ipv6(value: &str) -> Result<Address, AddressError> {
    let address: Ipv6Addr = value.parse().map_err(|_| AddressError::BadIp)?;
    Ok(Address::Ipv6(address.to_string()))
}

fn email(value: &str) -> Result<Address, AddressError> {
    let (local, domain) = value.rsplit_once('@').ok_or(AddressError::BadEmail)?;
    if local.is_empty() || local.len() > MAX_LOCAL_PART_BYTES || !is_local_part(local) || !is_domain(domain) {
        return Err(AddressError::BadEmail);
    }
    Ok(Address::Email(format!("{local}@{}", domain.to_lowercase())))
}

/// A dot-string with the tolerance of real mailboxes, or a quoted string.
fn is_local_part(local: &str) -> bool {
    let quoted = local.len() >= 2 && local.starts_with('"') && local.ends_with('"');
    let inner = local.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    match inner {
        Some(inner) if quoted => is_quoted_content(inner),
        Some(_) | None => !local.chars().any(|c| {
            c.is_whitespace()
                || matches!(
                    c,
                    '"' | '<' | '>' | '(' | ')' | ',' | ';' | ':' | '\\' | '[' | ']' | '@'
                )
        }),
    }
}

/// No quote stands open and no backslash at the end.
fn is_quoted_content(inner: &str) -> bool {
    let mut escaped = false;
    for c in inner.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return false,
            _ => {}
        }
    }
    !escaped
}

/// Labels of letters, digits, hyphens and underscores (also beyond ASCII), or a literal in brackets.
fn is_domain(domain: &str) -> bool {
    if let Some(literal) = domain.strip_prefix('[').and_then(|open| open.strip_suffix(']')) {
        return !literal.is_empty()
            && literal
                .bytes()
                .all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'.' | b':' | b'-'));
    }
    !domain.is_empty()
        && domain
            .split('.')
            .all(|label| !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_')))
}

/// Decodes `%HH`; a percent sign before anything else stands for itself.
fn unescape(value: &str) -> Result<String, AddressError> {
    if !value.contains('%') {
        return Ok(value.to_owned());
    }
    let mut out = Vec::with_capacity(value.len());
    let mut octets = value.bytes();
    while let Some(octet) = octets.next() {
        let pair = (octets.clone().next().and_then(hex), octets.clone().nth(1).and_then(hex));
        match (octet, pair) {
            (b'%', (Some(high), Some(low))) => {
                out.push(high << 4 | low);
                octets.nth(1);
            }
            (octet, _) => out.push(octet),
        }
    }
    let text = String::from_utf8(out).map_err(|_| AddressError::UnknownForm)?;
    if text.chars().any(char::is_control) {
        return Err(AddressError::ControlCharacter);
    }
    Ok(text)
}

fn hex(octet: u8) -> Option<u8> {
    char::from(octet)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

/// The same letters in another order, or one letter wrong, missing or too many; case does not count.
fn resembles(text: &str, model: &str) -> bool {
    let text = text.to_ascii_uppercase();
    if text == model {
        return true;
    }
    let sorted = |text: &str| {
        let mut octets: Vec<u8> = text.bytes().collect();
        octets.sort_unstable();
        octets
    };
    sorted(&text) == sorted(model) || one_slip(text.as_bytes(), model.as_bytes())
}

/// One octet substituted, inserted or left out.
fn one_slip(a: &[u8], b: &[u8]) -> bool {
    if a.len().abs_diff(b.len()) > 1 {
        return false;
    }
    let head = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    let tail = a.iter().rev().zip(b.iter().rev()).take_while(|(x, y)| x == y).count();
    head + tail + 1 >= a.len().max(b.len())
}
