//! Addresses: canonical forms, parsing with the field's tolerance, and the form on the wire (TS 23.140 clause 7.1;
//! the address grammar of the OMA encapsulation; MM1 digest 10 and 21).

mod home;
mod parse;
mod shard;
mod wire;

use std::fmt;

use minicbor::{Decode, Encode};

pub use home::{HomePrefix, HomePrefixError};
pub use parse::AddressError;
pub use shard::SHARD_HASH_VERSION;

/// The longest address that is taken, in octets (MM1 digest 21).
pub const MAX_ADDRESS_BYTES: usize = 312;

/// Raised when a text may canonicalise differently than before: rows written by older rules are then under another
/// shard, so it is part of the store's meta data.
pub const CANONICAL_VERSION: u16 = 1;

/// A canonical address. Two spellings of one address are equal.
///
/// `Display` is the canonical text, whole. `Debug` and [`Address::masked`] hide most of it, so that a log line
/// written in haste names no subscriber.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub enum Address {
    /// A telephone number: its digits, without the plus sign. E.164 wherever the number as written and the home
    /// rules lead to it; otherwise as it was dialled (a service number, or a national number where no home prefix
    /// is configured).
    #[n(0)]
    Phone(#[n(0)] String),
    /// An e-mail address; domain in lower case.
    #[n(1)]
    Email(#[n(0)] String),
    /// A numeric or alphanumeric short code, as written.
    #[n(2)]
    ShortCode(#[n(0)] String),
    /// An IPv4 address.
    #[n(3)]
    Ipv4(#[n(0)] String),
    /// An IPv6 address in its shortest form.
    #[n(4)]
    Ipv6(#[n(0)] String),
    /// Another kind of device address: value and the name of its type in upper case.
    #[n(5)]
    Other(#[n(0)] String, #[n(1)] String),
}

impl Address {
    /// Reads an address as a PDU names it, with every tolerance of MM1 digest 10: a missing or misspelt `/TYPE=`,
    /// separators, national numbers (by the rules of `home`), display names, `%HH` escapes.
    ///
    /// # Errors
    /// The text is no address of any kind, or longer than [`MAX_ADDRESS_BYTES`].
    pub fn parse(text: &str, home: Option<&HomePrefix>) -> Result<Self, AddressError> {
        parse::parse(text, home)
    }

    /// Reads an identity that the network vouches for (an MSISDN header): a run of digits is always a telephone
    /// number, however short. Any other form is read as by [`Address::parse`].
    ///
    /// # Errors
    /// As [`Address::parse`].
    pub fn parse_identity(text: &str, home: Option<&HomePrefix>) -> Result<Self, AddressError> {
        parse::parse_identity(text, home)
    }

    /// Whether it is a number with a country code: 7 to 15 digits that do not begin with 0.
    #[must_use]
    pub fn is_e164(&self) -> bool {
        match self {
            Self::Phone(digits) => home::is_e164(digits),
            Self::Email(_) | Self::ShortCode(_) | Self::Ipv4(_) | Self::Ipv6(_) | Self::Other(..) => false,
        }
    }
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

/// Masked: see [`Address::masked`].
impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({})", self.masked())
    }
}

#[cfg(test)]
mod tests;
