//! Values of header fields (digest sections 2 and 5).

use std::fmt;

use super::table::FieldValue;
use crate::wsp::{
    EncodedString, Reader, Text, Value, ValueError, long_integer, put_encoded_string, put_integer, put_long_integer,
    put_text, put_value_length,
};

impl<'a> FieldValue<'a> for Text<'a> {
    fn decode(value: Value<'a>) -> Result<Self, ValueError> {
        value.text()
    }

    fn encode(&self, out: &mut Vec<u8>) -> Result<(), ValueError> {
        put_text(self.as_octets(), out)
    }
}

impl<'a> FieldValue<'a> for EncodedString<'a> {
    fn decode(value: Value<'a>) -> Result<Self, ValueError> {
        value.encoded_string()
    }

    fn encode(&self, out: &mut Vec<u8>) -> Result<(), ValueError> {
        put_encoded_string(self, out);
        Ok(())
    }
}

/// 0x80 Yes, 0x81 No.
impl<'a> FieldValue<'a> for bool {
    fn decode(value: Value<'a>) -> Result<Self, ValueError> {
        match value.octet()? {
            0x80 => Ok(true),
            0x81 => Ok(false),
            other => Err(ValueError::UnknownValue(other)),
        }
    }

    fn encode(&self, out: &mut Vec<u8>) -> Result<(), ValueError> {
        out.push(if *self { 0x80 } else { 0x81 });
        Ok(())
    }
}

/// Seconds since 1970-01-01 UTC. Sent in four octets at most, because some clients refuse more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Date(pub u64);

impl Date {
    fn put(self, out: &mut Vec<u8>) {
        put_long_integer(self.0.min(u64::from(u32::MAX)), out);
    }
}

impl<'a> FieldValue<'a> for Date {
    fn decode(value: Value<'a>) -> Result<Self, ValueError> {
        match value {
            // A length of 0 means that there is no date.
            Value::Data([]) | Value::Octet(_) | Value::Text(_) => Err(ValueError::WrongForm),
            Value::Data(_) => Ok(Self(value.integer()?)),
        }
    }

    fn encode(&self, out: &mut Vec<u8>) -> Result<(), ValueError> {
        self.put(out);
        Ok(())
    }
}

/// A number of octets, sent as Long-integer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Size(pub u64);

impl<'a> FieldValue<'a> for Size {
    fn decode(value: Value<'a>) -> Result<Self, ValueError> {
        Ok(Self(value.integer()?))
    }

    fn encode(&self, out: &mut Vec<u8>) -> Result<(), ValueError> {
        put_long_integer(self.0, out);
        Ok(())
    }
}

/// A number, sent as Integer-value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Number(pub u64);

impl<'a> FieldValue<'a> for Number {
    fn decode(value: Value<'a>) -> Result<Self, ValueError> {
        Ok(Self(value.integer()?))
    }

    fn encode(&self, out: &mut Vec<u8>) -> Result<(), ValueError> {
        put_integer(self.0, out);
        Ok(())
    }
}

/// X-Mms-MMS-Version: the octet, three bits major and four bits minor.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Version(u8);

impl Version {
    /// 1.0, which also stands for a missing version.
    pub const V1_0: Self = Self(0x90);
    /// 1.1.
    pub const V1_1: Self = Self(0x91);
    /// 1.2.
    pub const V1_2: Self = Self(0x92);
    /// 1.3.
    pub const V1_3: Self = Self(0x93);

    /// The version of an octet.
    pub fn from_octet(octet: u8) -> Self {
        Self(octet | 0x80)
    }

    /// The octet.
    pub fn octet(self) -> u8 {
        self.0
    }

    /// The part before the point.
    pub fn major(self) -> u8 {
        self.0 >> 4 & 0x07
    }

    /// The part after the point, unless none is given.
    pub fn minor(self) -> Option<u8> {
        Some(self.0 & 0x0F).filter(|minor| *minor != 0x0F)
    }

    /// The part after the point; 0 if none is given.
    pub fn minor_or_zero(self) -> u8 {
        self.minor().unwrap_or_default()
    }

    /// The text form, `1.2`.
    fn from_text(text: &[u8]) -> Option<Self> {
        match text {
            [major @ b'0'..=b'7'] => Some(Self(0x80 | (major - b'0') << 4 | 0x0F)),
            [major @ b'0'..=b'7', b'.', minor @ b'0'..=b'9'] => Some(Self(0x80 | (major - b'0') << 4 | (minor - b'0'))),
            _ => None,
        }
    }
}

impl Default for Version {
    fn default() -> Self {
        Self::V1_0
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.minor() {
            Some(minor) => write!(f, "{}.{minor}", self.major()),
            None => write!(f, "{}", self.major()),
        }
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<'a> FieldValue<'a> for Version {
    fn decode(value: Value<'a>) -> Result<Self, ValueError> {
        match value {
            Value::Octet(octet) => Ok(Self(octet)),
            Value::Text(text) => Self::from_text(text).ok_or(ValueError::WrongForm),
            Value::Data(_) => Err(ValueError::WrongForm),
        }
    }

    fn encode(&self, out: &mut Vec<u8>) -> Result<(), ValueError> {
        out.push(self.0);
        Ok(())
    }
}

/// A point in time, or seconds from now (Expiry, Delivery-Time, Reply-Charging-Deadline).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TimeValue {
    /// Seconds since 1970-01-01 UTC.
    Absolute(u64),
    /// Seconds from receipt of the PDU.
    Relative(u64),
}

impl Default for TimeValue {
    fn default() -> Self {
        Self::Relative(0)
    }
}

impl<'a> FieldValue<'a> for TimeValue {
    fn decode(value: Value<'a>) -> Result<Self, ValueError> {
        let mut inner = Reader::new(value.data()?, 0);
        match inner.octet()? {
            0x80 => Ok(Self::Absolute(inner.integer()?)),
            0x81 => Ok(Self::Relative(inner.integer()?)),
            other => Err(ValueError::UnknownValue(other)),
        }
    }

    fn encode(&self, out: &mut Vec<u8>) -> Result<(), ValueError> {
        let (token, seconds) = match self {
            Self::Absolute(seconds) => (0x80, seconds),
            Self::Relative(seconds) => (0x81, seconds),
        };
        let seconds = Date((*seconds).min(u64::from(u32::MAX)));
        put_value_length(2 + long_integer(seconds.0).1, out);
        out.push(token);
        seconds.put(out);
        Ok(())
    }
}

/// From of a PDU that a client sends.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub enum Sender<'a> {
    /// The relay is asked to insert the address.
    #[default]
    InsertAddress,
    /// An address; only a hint, the network's identity counts.
    Address(EncodedString<'a>),
}

impl<'a> FieldValue<'a> for Sender<'a> {
    fn decode(value: Value<'a>) -> Result<Self, ValueError> {
        let Value::Data(octets) = value else {
            // One server sends the bare text, without length and token.
            return Ok(Self::Address(value.encoded_string()?));
        };
        let mut inner = Reader::new(octets, 0);
        match inner.octet()? {
            0x80 => Ok(Self::Address(inner.value()?.encoded_string()?)),
            0x81 => Ok(Self::InsertAddress),
            other => Err(ValueError::UnknownValue(other)),
        }
    }

    fn encode(&self, out: &mut Vec<u8>) -> Result<(), ValueError> {
        match self {
            Self::InsertAddress => out.extend_from_slice(&[0x01, 0x81]),
            Self::Address(address) => {
                let mut inner = vec![0x80];
                put_encoded_string(address, &mut inner);
                put_value_length(inner.len(), out);
                out.append(&mut inner);
            }
        }
        Ok(())
    }
}

/// From of a PDU that the relay sends: always an address. An insert-address token there counts as absent.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Originator<'a>(pub EncodedString<'a>);

impl<'a> From<&'a str> for Originator<'a> {
    fn from(address: &'a str) -> Self {
        Self(address.into())
    }
}

impl From<String> for Originator<'_> {
    fn from(address: String) -> Self {
        Self(address.into())
    }
}

impl<'a> FieldValue<'a> for Originator<'a> {
    fn decode(value: Value<'a>) -> Result<Self, ValueError> {
        match Sender::decode(value)? {
            Sender::Address(address) => Ok(Self(address)),
            Sender::InsertAddress => Err(ValueError::UnknownValue(0x81)),
        }
    }

    fn encode(&self, out: &mut Vec<u8>) -> Result<(), ValueError> {
        Sender::Address(self.0.clone()).encode(out)
    }
}

/// X-Mms-Message-Class.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub enum MessageClass<'a> {
    /// 0x80.
    #[default]
    Personal,
    /// 0x81.
    Advertisement,
    /// 0x82.
    Informational,
    /// 0x83: made by a machine; never answered automatically.
    Auto,
    /// A class of a vendor.
    Token(Text<'a>),
}

impl<'a> FieldValue<'a> for MessageClass<'a> {
    fn decode(value: Value<'a>) -> Result<Self, ValueError> {
        match value {
            Value::Octet(0x80) => Ok(Self::Personal),
            Value::Octet(0x81) => Ok(Self::Advertisement),
            Value::Octet(0x82) => Ok(Self::Informational),
            Value::Octet(0x83) => Ok(Self::Auto),
            Value::Octet(other) => Err(ValueError::UnknownValue(other)),
            Value::Text(_) => Ok(Self::Token(value.text()?)),
            Value::Data(_) => Err(ValueError::WrongForm),
        }
    }

    fn encode(&self, out: &mut Vec<u8>) -> Result<(), ValueError> {
        match self {
            Self::Personal => out.push(0x80),
            Self::Advertisement => out.push(0x81),
            Self::Informational => out.push(0x82),
            Self::Auto => out.push(0x83),
            Self::Token(token) => put_text(token.as_octets(), out)?,
        }
        Ok(())
    }
}
