//! Values of several members: counted ones, keywords, amounts, attributes and element descriptors (digest section 5).

use super::table::FieldValue;
use super::{Date, Field};
use crate::wsp::{
    EncodedString, Reader, Text, Value, ValueError, put_encoded_string, put_integer, put_text, put_value_length,
};

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
