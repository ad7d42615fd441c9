//! The header part of a PDU: one scan that cuts every field by the skip rule and finds where the body starts.

use super::error::{Fault, Partial};
use super::{Body, Content, DecodeErrorKind, Field, Limits, MessageType, Place, Version};
use crate::mms::table::FieldValue;
use crate::wsp::{MediaType, Reader, Text, Value, ValueError, multipart};

/// How many octets that start no field are tolerated at the end of a PDU without a body (captured: one NUL).
const TRAILING_TOLERATED: usize = 4;

/// A PDU after the scan: nothing is interpreted but its opening fields.
#[derive(Debug, Clone)]
pub(crate) struct Head<'a> {
    /// All header fields before Content-Type.
    fields: &'a [u8],
    /// Content-Type, its offset, and the offset of its value.
    content_type: Option<(Value<'a>, usize)>,
    /// What follows Content-Type.
    body: &'a [u8],
    body_offset: usize,
}

/// The opening fields of a PDU, as far as the scan has read them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Opening<'a> {
    pub(crate) message_type: Option<u8>,
    pub(crate) transaction_id: Option<Text<'a>>,
    pub(crate) version: Option<Version>,
}

impl Opening<'_> {
    /// A copy that outlives the input.
    pub(crate) fn into_partial(self) -> Partial {
        Partial {
            message_type: self.message_type,
            transaction_id: self.transaction_id.map(Text::into_owned),
            version: self.version,
        }
    }
}

/// A header field, cut but not interpreted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HeadField<'a> {
    pub(crate) offset: usize,
    pub(crate) name: HeadName<'a>,
    pub(crate) value: Value<'a>,
}

/// Name of a header field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HeadName<'a> {
    Field(Field),
    Text(&'a [u8]),
}

/// The fields of a head that was scanned, in order.
pub(crate) struct HeadFields<'a>(Reader<'a>);

impl<'a> Iterator for HeadFields<'a> {
    type Item = HeadField<'a>;

    fn next(&mut self) -> Option<HeadField<'a>> {
        if self.0.is_empty() {
            return None;
        }
        // The scan has cut the same octets before, so this cannot fail.
        next_field(&mut self.0).ok()
    }
}

/// Cuts the next field.
fn next_field<'a>(reader: &mut Reader<'a>) -> Result<HeadField<'a>, Fault> {
    let offset = reader.offset();
    let pdu = |kind: ValueError| Fault::new(offset, Place::Pdu, kind);
    let (name, place) = match reader.peek().ok_or_else(|| pdu(ValueError::Truncated))? {
        octet @ 0x80.. => {
            reader.octet().map_err(pdu)?;
            (HeadName::Field(Field(octet)), Place::Field(Field(octet)))
        }
        0x20..=0x7E => {
            let name = reader
                .text()
                .map_err(|kind| Fault::new(offset, Place::TextField, kind))?;
            (HeadName::Text(name), Place::TextField)
        }
        octet => return Err(Fault::new(offset, Place::Pdu, DecodeErrorKind::IllegalStart(octet))),
    };
    let value = reader.value().map_err(|kind| Fault::new(offset, place, kind))?;
    Ok(HeadField { offset, name, value })
}

impl<'a> Head<'a> {
    /// Scans the header part. `opening` gets the opening fields, also when the scan fails.
    pub(crate) fn scan(buf: &'a [u8], limits: &Limits, opening: &mut Opening<'a>) -> Result<Self, Fault> {
        if buf.len() > limits.max_pdu {
            let kind = DecodeErrorKind::TooLarge(limits.max_pdu);
            // What opens the PDU is still worth reading, so that it can be refused in its own protocol.
            let _ = Self::scan_fields(buf, limits, opening);
            return Err(Fault::new(limits.max_pdu, Place::Pdu, kind));
        }
        Self::scan_fields(buf, limits, opening)
    }

    fn scan_fields(buf: &'a [u8], limits: &Limits, opening: &mut Opening<'a>) -> Result<Self, Fault> {
        let mut reader = Reader::new(buf, 0);
        let (mut count, mut recipients) = (0_usize, 0_usize);
        while !reader.is_empty() {
            let start = reader.offset();
            let field = match next_field(&mut reader) {
                Ok(field) => field,
                Err(fault) if tolerated(&fault, &reader, opening) => return Ok(Self::without_body(buf, start)),
                Err(fault) => return Err(fault),
            };
            count += 1;
            if count > limits.max_fields {
                return Err(Fault::new(
                    start,
                    Place::Pdu,
                    DecodeErrorKind::TooManyFields(limits.max_fields),
                ));
            }
            if reader.offset() > limits.max_head {
                return Err(Fault::new(
                    start,
                    Place::Pdu,
                    DecodeErrorKind::TooLarge(limits.max_head),
                ));
            }
            let HeadName::Field(name) = field.name else { continue };
            open(name, &field, opening)?;
            check_length(name, &field, limits)?;
            recipients += usize::from(matches!(name, Field::TO | Field::CC | Field::BCC));
            if recipients > limits.max_recipients {
                let kind = DecodeErrorKind::TooManyRecipients(limits.max_recipients);
                return Err(Fault::new(start, Place::Field(name), kind));
            }
            if name == Field::CONTENT_TYPE {
                let fields = buf.get(..start).unwrap_or_default();
                let content_type = Some((field.value, start));
                return Ok(Self {
                    fields,
                    content_type,
                    body: reader.rest(),
                    body_offset: reader.offset(),
                });
            }
        }
        Ok(Self::without_body(buf, buf.len()))
    }

    /// What can be read of the header part, for showing a PDU that may not be acceptable.
    pub(crate) fn readable(buf: &'a [u8], limits: &Limits) -> (Self, Opening<'a>) {
        let mut opening = Opening::default();
        let head = match Self::scan_fields(buf, limits, &mut opening) {
            Ok(head) => head,
            Err(fault) => Self::without_body(buf, fault.offset),
        };
        (head, opening)
    }

    fn without_body(buf: &'a [u8], end: usize) -> Self {
        Self {
            fields: buf.get(..end).unwrap_or_default(),
            content_type: None,
            body: &[],
            body_offset: buf.len(),
        }
    }

    /// The fields before Content-Type.
    pub(crate) fn fields(&self) -> HeadFields<'a> {
        HeadFields(Reader::new(self.fields, 0))
    }

    /// Content-Type as it was cut, and its offset.
    pub(crate) fn content_type(&self) -> Option<(Value<'a>, usize)> {
        self.content_type
    }

    /// What follows Content-Type, and its offset.
    pub(crate) fn body(&self) -> (&'a [u8], usize) {
        (self.body, self.body_offset)
    }

    /// Interprets Content-Type and body.
    pub(crate) fn content(&self, limits: &Limits) -> Result<Option<Content<'a>>, Fault> {
        let Some((value, offset)) = self.content_type else {
            return Ok(None);
        };
        let place = Place::Field(Field::CONTENT_TYPE);
        let media = MediaType::decode(value).map_err(|kind| Fault::new(offset, place, kind))?;
        if !media.media.is_multipart() {
            return Ok(Some(Content {
                media,
                body: Body::Single(self.body),
            }));
        }
        let parts = multipart::decode(self.body, self.body_offset, limits.max_parts)?;
        for (index, part) in parts.iter().enumerate() {
            let head = &part.head;
            let names = [&head.content_id, &head.content_location, &head.media.parameters.name];
            let octets = names
                .into_iter()
                .flatten()
                .map(|name| name.as_octets().len())
                .max()
                .unwrap_or_default();
            if octets > limits.max_part_name {
                let kind = ValueError::TooLong {
                    octets,
                    limit: limits.max_part_name,
                };
                return Err(Fault::new(self.body_offset, Place::Part(index), kind));
            }
        }
        Ok(Some(Content {
            media,
            body: Body::Multipart(parts),
        }))
    }
}

/// Trailing octets of a PDU without a body are ignored if they are NULs, or few.
fn tolerated(fault: &Fault, reader: &Reader<'_>, opening: &Opening<'_>) -> bool {
    let illegal = matches!(fault.kind, DecodeErrorKind::IllegalStart(_));
    let body_less = opening
        .message_type
        .and_then(MessageType::from_octet)
        .is_some_and(|kind| !kind.has_body());
    let rest = reader.rest();
    illegal && body_less && (rest.len() <= TRAILING_TOLERATED || rest.iter().all(|&octet| octet == 0))
}

/// Keeps the opening fields.
fn open<'a>(name: Field, field: &HeadField<'a>, opening: &mut Opening<'a>) -> Result<(), Fault> {
    let fault = |kind: DecodeErrorKind| Fault::new(field.offset, Place::Field(name), kind);
    match name {
        Field::MESSAGE_TYPE => {
            let octet = field.value.octet().map_err(|kind| fault(kind.into()))?;
            if opening.message_type.is_some_and(|first| first != octet) {
                return Err(fault(DecodeErrorKind::ConflictingMessageType));
            }
            opening.message_type = Some(octet);
        }
        Field::TRANSACTION_ID if opening.transaction_id.is_none() => {
            opening.transaction_id = field.value.text().ok();
        }
        Field::MMS_VERSION if opening.version.is_none() => opening.version = Version::decode(field.value).ok(),
        _ => {}
    }
    Ok(())
}

/// Holds the limits of single fields before anything interprets them.
fn check_length(name: Field, field: &HeadField<'_>, limits: &Limits) -> Result<(), Fault> {
    // What the forms add to a text: token, charset, quote, NUL and an inner length.
    const AROUND: usize = 8;
    let limit = match name {
        Field::TO | Field::CC | Field::BCC | Field::FROM | Field::PREVIOUSLY_SENT_BY => limits.max_address,
        Field::TRANSACTION_ID
        | Field::MESSAGE_ID
        | Field::REPLY_CHARGING_ID
        | Field::REPLACE_ID
        | Field::CANCEL_ID
        | Field::APPLIC_ID
        | Field::REPLY_APPLIC_ID
        | Field::MESSAGE_CLASS => limits.max_identifier,
        Field::SUBJECT
        | Field::RESPONSE_TEXT
        | Field::RETRIEVE_TEXT
        | Field::STORE_STATUS_TEXT
        | Field::STATUS_TEXT
        | Field::RECOMMENDED_RETRIEVAL_MODE_TEXT
        | Field::MM_FLAGS
        | Field::AUX_APPLIC_INFO => limits.max_text,
        Field::CONTENT_LOCATION | Field::ELEMENT_DESCRIPTOR => limits.max_uri,
        _ => return Ok(()),
    };
    let octets = match field.value {
        Value::Octet(_) => 1,
        Value::Text(text) => text.len(),
        Value::Data(data) => data.len().saturating_sub(AROUND),
    };
    match octets > limit {
        true => Err(Fault::new(
            field.offset,
            Place::Field(name),
            ValueError::TooLong { octets, limit },
        )),
        false => Ok(()),
    }
}
