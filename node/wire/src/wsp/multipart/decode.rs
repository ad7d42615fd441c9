//! Reading multipart bodies: cut the entries first, then interpret their heads.

use super::{Disposition, DispositionKind, MultipartError, Part, PartHead};
use crate::wsp::{MediaType, Reader, Text, Value, ValueError};

/// The entries of a multipart body, cut but not interpreted.
#[derive(Debug, Clone)]
pub struct Entries<'a> {
    reader: Reader<'a>,
    next: usize,
    count: usize,
}

/// One entry, cut but not interpreted.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// Media type and headers.
    pub head: &'a [u8],
    /// Where they start in the whole input.
    pub head_offset: usize,
    /// Data.
    pub data: &'a [u8],
}

/// A header of a part, cut but not interpreted.
#[derive(Debug, Clone, Copy)]
pub struct PartField<'a> {
    /// Its name.
    pub name: HeaderName<'a>,
    /// Its value.
    pub value: Value<'a>,
}

/// Name of a part header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeaderName<'a> {
    /// A well-known number, without the high bit.
    Number(u8),
    /// A textual name.
    Text(&'a [u8]),
}

/// The headers of a part, in order.
#[derive(Debug, Clone)]
pub struct PartFields<'a>(Reader<'a>);

impl<'a> Entries<'a> {
    /// Starts at the count of a body that stands at `offset` of the whole input.
    pub fn new(body: &'a [u8], offset: usize) -> Result<Self, MultipartError> {
        let mut reader = Reader::new(body, offset);
        let count = reader
            .uintvar()
            .map_err(|kind| MultipartError { part: 0, offset, kind })?;
        Ok(Self {
            reader,
            next: 0,
            count: usize::try_from(count).unwrap_or(usize::MAX),
        })
    }

    /// How many entries the body says it has.
    pub fn declared(&self) -> usize {
        self.count
    }

    fn cut(&mut self) -> Result<Entry<'a>, ValueError> {
        let length = |value: u32| usize::try_from(value).map_err(|_| ValueError::Truncated);
        let head_len = length(self.reader.uintvar()?)?;
        let data_len = length(self.reader.uintvar()?)?;
        let head_offset = self.reader.offset();
        let head = self.reader.take(head_len)?;
        let data = self.reader.take(data_len)?;
        Ok(Entry {
            head,
            head_offset,
            data,
        })
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = Result<Entry<'a>, MultipartError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next >= self.count {
            return None;
        }
        let (part, offset) = (self.next, self.reader.offset());
        let entry = self.cut().map_err(|kind| MultipartError { part, offset, kind });
        self.next = if entry.is_ok() { part + 1 } else { self.count };
        Some(entry)
    }
}

impl<'a> Entry<'a> {
    /// The value of the media type, and the headers behind it.
    pub fn open(&self) -> Result<(Value<'a>, PartFields<'a>), ValueError> {
        let mut reader = Reader::new(self.head, self.head_offset);
        let media = reader.value()?;
        Ok((media, PartFields(reader)))
    }

    /// Interprets the head. A header that breaks ends the headers: its extent is bounded by the head.
    pub fn interpret(&self) -> Result<Part<'a>, ValueError> {
        let (media, fields) = self.open()?;
        let mut head = PartHead {
            media: MediaType::decode(media)?,
            ..PartHead::default()
        };
        for field in fields {
            head.take(field);
        }
        Ok(Part { head, data: self.data })
    }
}

impl<'a> PartFields<'a> {
    /// Where the next header starts in the whole input.
    pub fn offset(&self) -> usize {
        self.0.offset()
    }

    /// The octets that have not been read yet.
    pub fn rest(&self) -> &'a [u8] {
        self.0.rest()
    }
}

impl<'a> Iterator for PartFields<'a> {
    type Item = PartField<'a>;

    fn next(&mut self) -> Option<PartField<'a>> {
        let reader = &mut self.0;
        let name = match reader.peek()? {
            octet @ 0x80.. => {
                reader.octet().ok()?;
                HeaderName::Number(octet & 0x7F)
            }
            0x20..=0x7E => HeaderName::Text(reader.text().ok()?),
            _ => return None,
        };
        Some(PartField {
            name,
            value: reader.value().ok()?,
        })
    }
}

impl<'a> PartHead<'a> {
    /// Keeps a header; of a repeated one the first. A value of the wrong form is as if absent.
    fn take(&mut self, field: PartField<'a>) {
        let is = |name: HeaderName<'a>, number: u8, text: &str| match name {
            HeaderName::Number(found) => found == number,
            HeaderName::Text(found) => found.eq_ignore_ascii_case(text.as_bytes()),
        };
        let name = field.name;
        if is(name, 0x40, "content-id") {
            keep(&mut self.content_id, field.value.quoted_text());
        } else if is(name, 0x0E, "content-location") {
            keep(&mut self.content_location, field.value.text());
        } else if is(name, 0x2E, "content-disposition") || name == HeaderName::Number(0x45) {
            keep(&mut self.disposition, Disposition::decode(field.value));
        } else if is(name, 0x48, "content-transfer-encoding") {
            keep(&mut self.transfer_encoding, field.value.quoted_text());
        }
    }
}

fn keep<T>(slot: &mut Option<T>, value: Result<T, ValueError>) {
    if let (None, Ok(value)) = (&slot, value) {
        *slot = Some(value);
    }
}

impl<'a> Disposition<'a> {
    fn decode(value: Value<'a>) -> Result<Self, ValueError> {
        let kind = |value: Value<'a>| match value {
            Value::Octet(0x80) => Ok(DispositionKind::FormData),
            Value::Octet(0x81) => Ok(DispositionKind::Attachment),
            Value::Octet(0x82) => Ok(DispositionKind::Inline),
            // One without a name says nothing, and has no form in which it could be passed on.
            Value::Text(_) => match value.text()? {
                name if name.as_octets().is_empty() => Err(ValueError::WrongForm),
                name => Ok(DispositionKind::Other(name)),
            },
            Value::Octet(_) | Value::Data(_) => Err(ValueError::WrongForm),
        };
        let Value::Data(octets) = value else {
            return Ok(Self {
                kind: kind(value)?,
                ..Self::default()
            });
        };
        let mut reader = Reader::new(octets, 0);
        let kind = kind(reader.value()?)?;
        let parameters = crate::wsp::Parameters::decode(&mut reader)?;
        Ok(Self { kind, parameters })
    }
}

/// Reads all parts of a body that stands at `offset` of the whole input, at most `max_parts`. Octets behind the last
/// part are ignored; a count larger than the parts present is an error.
pub fn decode(body: &[u8], offset: usize, max_parts: usize) -> Result<Vec<Part<'_>>, MultipartError> {
    let entries = Entries::new(body, offset)?;
    if entries.declared() > max_parts {
        let kind = ValueError::TooLong {
            octets: entries.declared(),
            limit: max_parts,
        };
        return Err(MultipartError {
            part: max_parts,
            offset,
            kind,
        });
    }
    let mut parts = Vec::new();
    for (part, entry) in entries.enumerate() {
        let entry = entry?;
        let offset = entry.head_offset;
        parts.push(
            entry
                .interpret()
                .map_err(|kind| MultipartError { part, offset, kind })?,
        );
    }
    Ok(parts)
}

/// The parts that are no multipart themselves, of these parts and of those nested in them, in document order. A nested
/// multipart deeper than `max_depth`, or one that does not read, or that would exceed `max_parts`, stays one opaque part.
pub fn leaves<'a>(parts: &[Part<'a>], max_depth: usize, max_parts: usize) -> Vec<Part<'a>> {
    let mut found = Vec::new();
    let mut open: Vec<(usize, Part<'a>)> = parts.iter().rev().map(|part| (1, part.clone())).collect();
    while let Some((depth, part)) = open.pop() {
        let room = max_parts.saturating_sub(found.len() + open.len());
        let nested = match part.head.media.media.is_multipart() && depth < max_depth {
            true => decode(part.data, 0, room).ok(),
            false => None,
        };
        match nested {
            Some(children) => open.extend(children.into_iter().rev().map(|child| (depth + 1, child))),
            None => found.push(part),
        }
    }
    found
}

impl<'a> Part<'a> {
    /// Content-ID without its angle brackets.
    pub fn content_id(&self) -> Option<&[u8]> {
        self.head.content_id.as_ref().map(Text::without_brackets)
    }
}
