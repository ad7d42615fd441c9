//! Values of header fields (digest sections 2 and 5), and content.

use std::fmt;

use super::Field;
use super::table::FieldValue;
use crate::wsp::multipart::Part;
use crate::wsp::{
    EncodedString, MediaType, Parameters, Reader, Text, Value, ValueError, long_integer, put_encoded_string,
    put_integer, put_long_integer, put_text, put_value_length,
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

/// Declares a value of a Value-length, a count, and something that the count ties to others.
macro_rules! counted {
    ($(#[$doc:meta])* $name:ident { $(#[$field_doc:meta])* $field:ident: $type:ty }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Default)]
        pub struct $name<'a> {
            /// Ties this value to those of other fields with the same count.
            pub count: u64,
            $(#[$field_doc])*
            pub $field: $type,
            lifetime: std::marker::PhantomData<&'a ()>,
        }

        impl<'a> $name<'a> {
            /// A value with its count.
            pub fn new(count: u64, $field: impl Into<$type>) -> Self {
                Self { count, $field: $field.into(), lifetime: std::marker::PhantomData }
            }
        }

        impl<'a> FieldValue<'a> for $name<'a> {
            fn decode(value: Value<'a>) -> Result<Self, ValueError> {
                let mut inner = Reader::new(value.data()?, 0);
                let count = inner.integer()?;
                Ok(Self::new(count, <$type as FieldValue>::decode(inner.value()?)?))
            }

            fn encode(&self, out: &mut Vec<u8>) -> Result<(), ValueError> {
                let mut inner = Vec::with_capacity(48);
                put_integer(self.count, &mut inner);
                self.$field.encode(&mut inner)?;
                put_value_length(inner.len(), out);
                out.append(&mut inner);
                Ok(())
            }
        }
    };
}

counted! {
    /// X-Mms-Previously-Sent-By: who forwarded it at this hop, from 1.
    PreviouslySentBy {
        /// The address.
        address: EncodedString<'a>
    }
}
counted! {
    /// X-Mms-Previously-Sent-Date: when it was forwarded at this hop, from 1.
    PreviouslySentDate {
        /// Seconds since 1970-01-01 UTC.
        date: Date
    }
}
counted! {
    /// X-Mms-Content-Location of a delete confirmation.
    CountedLocation {
        /// The URI.
        location: Text<'a>
    }
}
counted! {
    /// X-Mms-Response-Status of a delete confirmation.
    CountedStatus {
        /// What became of that location.
        status: super::ResponseStatus
    }
}
counted! {
    /// X-Mms-Response-Text of a delete confirmation.
    CountedText {
        /// Why.
        text: EncodedString<'a>
    }
}

/// What to do with a keyword.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum FlagAction {
    /// 0x80.
    #[default]
    Add,
    /// 0x81.
    Remove,
    /// 0x82, in view requests.
    Filter,
}

/// X-Mms-MM-Flags: a keyword of a stored message.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct MmFlag<'a> {
    /// What to do with it.
    pub action: FlagAction,
    /// The keyword.
    pub keyword: EncodedString<'a>,
}

impl<'a> FieldValue<'a> for MmFlag<'a> {
    fn decode(value: Value<'a>) -> Result<Self, ValueError> {
        let mut inner = Reader::new(value.data()?, 0);
        let action = match inner.octet()? {
            0x80 => FlagAction::Add,
            0x81 => FlagAction::Remove,
            0x82 => FlagAction::Filter,
            other => return Err(ValueError::UnknownValue(other)),
        };
        Ok(Self {
            action,
            keyword: inner.value()?.encoded_string()?,
        })
    }

    fn encode(&self, out: &mut Vec<u8>) -> Result<(), ValueError> {
        let mut inner = vec![match self.action {
            FlagAction::Add => 0x80,
            FlagAction::Remove => 0x81,
            FlagAction::Filter => 0x82,
        }];
        put_encoded_string(&self.keyword, &mut inner);
        put_value_length(inner.len(), out);
        out.append(&mut inner);
        Ok(())
    }
}

/// X-Mms-Mbox-Totals and X-Mms-Mbox-Quotas.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MboxAmount {
    /// A number of messages.
    Messages(u64),
    /// A number of octets.
    Octets(u64),
}

impl<'a> FieldValue<'a> for MboxAmount {
    fn decode(value: Value<'a>) -> Result<Self, ValueError> {
        let mut inner = Reader::new(value.data()?, 0);
        match inner.octet()? {
            0x80 => Ok(Self::Messages(inner.integer()?)),
            0x81 => Ok(Self::Octets(inner.integer()?)),
            other => Err(ValueError::UnknownValue(other)),
        }
    }

    fn encode(&self, out: &mut Vec<u8>) -> Result<(), ValueError> {
        let (token, amount) = match self {
            Self::Messages(amount) => (0x80, amount),
            Self::Octets(amount) => (0x81, amount),
        };
        let mut inner = vec![token];
        put_integer(*amount, &mut inner);
        put_value_length(inner.len(), out);
        out.append(&mut inner);
        Ok(())
    }
}

/// X-Mms-Attributes: a field that the client wants to see of each message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Attribute(pub Field);

impl<'a> FieldValue<'a> for Attribute {
    fn decode(value: Value<'a>) -> Result<Self, ValueError> {
        Ok(Self(Field(value.octet()?)))
    }

    fn encode(&self, out: &mut Vec<u8>) -> Result<(), ValueError> {
        out.push(self.0.0 | 0x80);
        Ok(())
    }
}

/// X-Mms-Element-Descriptor: a part that could be retrieved alone. Its layout rests on one source.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ElementDescriptor<'a> {
    /// Which part.
    pub reference: Text<'a>,
    /// Its media type.
    pub media: Option<Text<'a>>,
}

impl<'a> FieldValue<'a> for ElementDescriptor<'a> {
    fn decode(value: Value<'a>) -> Result<Self, ValueError> {
        let mut inner = Reader::new(value.data()?, 0);
        let reference = inner.value()?.text()?;
        let media = match inner.peek() {
            Some(0x82) => {
                inner.octet()?;
                inner.value().and_then(Value::text).ok()
            }
            _ => None,
        };
        Ok(Self { reference, media })
    }

    fn encode(&self, out: &mut Vec<u8>) -> Result<(), ValueError> {
        let mut inner = Vec::with_capacity(48);
        put_text(self.reference.as_octets(), &mut inner)?;
        if let Some(media) = &self.media {
            inner.push(0x82);
            put_text(media.as_octets(), &mut inner)?;
        }
        put_value_length(inner.len(), out);
        out.append(&mut inner);
        Ok(())
    }
}

/// Content-Type and body.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Content<'a> {
    /// Content-Type.
    pub media: MediaType<'a>,
    /// What follows it.
    pub body: Body<'a>,
}

/// Body of a PDU.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body<'a> {
    /// The parts, if the Content-Type is a multipart.
    Multipart(Vec<Part<'a>>),
    /// The octets, if it is anything else.
    Single(&'a [u8]),
}

impl Default for Body<'_> {
    fn default() -> Self {
        Self::Single(&[])
    }
}

impl<'a> Content<'a> {
    /// A multipart.mixed of these parts.
    pub fn mixed(parts: Vec<Part<'a>>) -> Self {
        Self {
            media: MediaType::multipart_mixed(),
            body: Body::Multipart(parts),
        }
    }

    /// A multipart.related of these parts, whose root is the SMIL part with this Content-ID.
    pub fn related(start: impl Into<Text<'a>>, parts: Vec<Part<'a>>) -> Self {
        let media = MediaType::multipart_related(start, "application/smil");
        Self {
            media,
            body: Body::Multipart(parts),
        }
    }

    /// A readable text, as an error answer has it.
    pub fn text(text: &'a str) -> Self {
        let charset = (!text.is_ascii()).then_some(crate::wsp::charset::UTF_8);
        let parameters = Parameters {
            charset,
            ..Parameters::default()
        };
        let media = MediaType {
            media: "text/plain".into(),
            parameters,
        };
        Self {
            media,
            body: Body::Single(text.as_bytes()),
        }
    }

    /// The parts; none if it is no multipart.
    pub fn parts(&self) -> &[Part<'a>] {
        match &self.body {
            Body::Multipart(parts) => parts,
            Body::Single(_) => &[],
        }
    }

    /// Index of the root part (digest 8.1): the one that `start` names, else the first SMIL, else the first.
    pub fn root(&self) -> Option<usize> {
        let parts = self.parts();
        let start = self.media.parameters.start.as_ref().map(Text::without_brackets);
        let named = || {
            parts
                .iter()
                .position(|part| start.is_some() && part.content_id() == start)
        };
        let smil = || {
            parts
                .iter()
                .position(|part| part.head.media.media.is("application/smil"))
        };
        named().or_else(smil).or(if parts.is_empty() { None } else { Some(0) })
    }
}
