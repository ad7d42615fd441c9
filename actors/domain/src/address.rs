//! Addresses: canonical forms, parsing with the field's tolerance, and the form on the wire (spec: TS 23.140 clause
//! 7.1; OMA ENC "address" grammar).

use std::fmt;

use minicbor::{Decode, Encode};

/// A canonical address. Two spellings of one address are equal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub enum Address {
    /// An E.164 number: its digits, without the plus sign.
    #[n(0)]
    Phone(#[n(0)] String),
    /// An e-mail address; domain in lower case.
    #[n(1)]
    Email(#[n(0)] String),
    /// A numeric or alphanumeric short code.
    #[n(2)]
    ShortCode(#[n(0)] String),
    /// An IPv4 address.
    #[n(3)]
    Ipv4(#[n(0)] String),
    /// An IPv6 address in its shortest form.
    #[n(4)]
    Ipv6(#[n(0)] String),
    /// Another kind of device address.
    #[n(5)]
    Other(#[n(0)] String, #[n(1)] String),
}

/// The canonical text: unique for an address, and what its shard is hashed from.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Phone(digits) => write!(f, "+{digits}"),
            Self::Email(text) | Self::ShortCode(text) => f.write_str(text),
            Self::Ipv4(text) => write!(f, "{text}/TYPE=IPv4"),
            Self::Ipv6(text) => write!(f, "{text}/TYPE=IPv6"),
            Self::Other(text, kind) => write!(f, "{text}/TYPE={kind}"),
        }
    }
}
