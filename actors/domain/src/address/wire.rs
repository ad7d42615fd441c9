//! Addresses on the wire and in logs.

use std::fmt::Write;

use super::Address;

impl Address {
    /// The form in PDUs: `+15550100001/TYPE=PLMN` and its likes (MM1 digest 10). No plus sign before a number that
    /// has no country code. [`Address::parse`] leads back to the same address.
    #[must_use]
    pub fn to_wire(&self) -> String {
        match self {
            Self::Phone(digits) if self.is_e164() => format!("+{digits}/TYPE=PLMN"),
            Self::Phone(digits) => format!("{digits}/TYPE=PLMN"),
            Self::Email(text) | Self::ShortCode(text) => text.clone(),
            Self::Ipv4(text) => format!("{text}/TYPE=IPv4"),
            Self::Ipv6(text) => format!("{text}/TYPE=IPv6"),
            Self::Other(text, kind) => format!("{}/TYPE={kind}", escape(text)),
        }
    }

    /// For logs: at most the first four and the last two characters of what names a person; an e-mail address
    /// keeps one character and its domain.
    #[must_use]
    pub fn masked(&self) -> String {
        match self {
            Self::Phone(digits) => format!("+{}", mask(digits)),
            Self::Email(text) => match text.rsplit_once('@') {
                Some((local, domain)) => format!("{}***@{domain}", local.chars().take(1).collect::<String>()),
                None => mask(text),
            },
            Self::ShortCode(text) => mask(text),
            Self::Ipv4(text) => format!("{}/TYPE=IPv4", mask(text)),
            Self::Ipv6(text) => format!("{}/TYPE=IPv6", mask(text)),
            Self::Other(text, kind) => format!("{}/TYPE={kind}", mask(text)),
        }
    }
}

/// Keeps the first four and last two characters of a long text, fewer of a short one, and never more than half.
fn mask(text: &str) -> String {
    let count = text.chars().count();
    let head = (count / 3).min(4);
    let tail = (count / 6).min(2);
    text.chars()
        .enumerate()
        .map(|(at, c)| if at < head || at + tail >= count { c } else { '*' })
        .collect()
}

/// `%HH` for every octet outside the plain set of the grammar.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for octet in text.bytes() {
        if octet.is_ascii_alphanumeric() || matches!(octet, b'+' | b'-' | b'.' | b'_') {
            out.push(char::from(octet));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{octet:02X}");
        }
    }
    out
}
