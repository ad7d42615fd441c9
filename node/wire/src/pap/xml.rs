//! A bounded reading of XML: elements with their attributes in order of appearance, nothing else. No element is expanded, no
//! external name is looked at, and what costs memory or time is counted first.

use quick_xml::Reader;
use quick_xml::errors::{Error, IllFormedError};
use quick_xml::escape::unescape;
use quick_xml::events::{BytesDecl, BytesRef, BytesStart, BytesText, Event};

use super::decode::Limits;
use super::error::{DecodeError, Fault};

/// An element.
pub(super) struct Element {
    pub(super) depth: usize,
    pub(super) name: String,
    pub(super) attributes: Vec<(String, String)>,
    /// Where it begins.
    pub(super) offset: usize,
}

impl Element {
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    pub(super) fn fault(&self, fault: Fault) -> DecodeError {
        DecodeError {
            offset: self.offset,
            fault,
        }
    }
}

/// All elements of a document.
pub(super) fn elements(document: &[u8], limits: &Limits) -> Result<Vec<Element>, DecodeError> {
    let whole = |offset, fault| DecodeError { offset, fault };
    if document.len() > limits.octets {
        return Err(whole(limits.octets, Fault::TooLarge));
    }
    let document = document.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(document);
    let text = std::str::from_utf8(document).map_err(|error| whole(error.valid_up_to(), Fault::Encoding))?;
    let mut walk = Walk {
        reader: Reader::from_str(text),
        limits,
        found: Vec::new(),
        depth: 0,
        roots: 0,
        document_type: false,
    };
    while walk.step()? {}
    Ok(walk.found)
}

struct Walk<'a> {
    reader: Reader<&'a [u8]>,
    limits: &'a Limits,
    found: Vec<Element>,
    depth: usize,
    roots: usize,
    document_type: bool,
}

impl Walk<'_> {
    /// Reads one event; false at the end.
    fn step(&mut self) -> Result<bool, DecodeError> {
        let offset = position(self.reader.buffer_position());
        let at = |fault| DecodeError { offset, fault };
        let event = self.reader.read_event().map_err(|error| DecodeError {
            offset: position(self.reader.error_position()),
            fault: fault_of(&error),
        })?;
        match event {
            Event::Start(start) => {
                self.open(&start, offset)?;
                self.depth += 1;
            }
            Event::Empty(start) => self.open(&start, offset)?,
            // The reader checks that names match.
            Event::End(_) => self.depth = self.depth.saturating_sub(1),
            Event::Text(text) => self.outside_text(&text).map_err(at)?,
            Event::CData(_) | Event::GeneralRef(_) if self.depth == 0 => return Err(at(Fault::Malformed)),
            Event::CData(_) | Event::Comment(_) | Event::PI(_) => {}
            Event::GeneralRef(name) => predefined(&name).map_err(at)?,
            Event::Decl(declaration) => utf8(&declaration).map_err(at)?,
            Event::DocType(content) => self.document_type(&content).map_err(at)?,
            Event::Eof if self.depth > 0 || self.roots == 0 => return Err(at(Fault::Truncated)),
            Event::Eof => return Ok(false),
        }
        Ok(true)
    }

    fn open(&mut self, start: &BytesStart<'_>, offset: usize) -> Result<(), DecodeError> {
        let at = |fault| DecodeError { offset, fault };
        if self.depth >= self.limits.depth {
            return Err(at(Fault::Depth));
        }
        if self.found.len() >= self.limits.elements {
            return Err(at(Fault::Elements));
        }
        if self.depth == 0 {
            self.roots += 1;
            if self.roots > 1 {
                return Err(at(Fault::Malformed));
            }
        }
        let name = self.text(start.name().as_ref()).map_err(at)?;
        let attributes = self.attributes(start).map_err(at)?;
        self.found.push(Element {
            depth: self.depth,
            name,
            attributes,
            offset,
        });
        Ok(())
    }

    fn attributes(&self, start: &BytesStart<'_>) -> Result<Vec<(String, String)>, Fault> {
        let mut attributes = Vec::new();
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|_| Fault::Attributes)?;
            if attributes.len() >= self.limits.attributes {
                return Err(Fault::Attributes);
            }
            let raw = self.text(&attribute.value)?;
            let value = unescape(&raw).map_err(|_| Fault::Entity)?;
            // White space of other kinds counts as a space in an attribute (XML 1.0 clause 3.3.3).
            let value: String = value
                .chars()
                .map(|c| if matches!(c, '\t' | '\n' | '\r') { ' ' } else { c })
                .collect();
            if value.chars().any(char::is_control) {
                return Err(Fault::Control);
            }
            attributes.push((self.text(attribute.key.as_ref())?, value));
        }
        Ok(attributes)
    }

    fn text(&self, octets: &[u8]) -> Result<String, Fault> {
        if octets.len() > self.limits.value {
            return Err(Fault::ValueLength);
        }
        std::str::from_utf8(octets)
            .map(str::to_owned)
            .map_err(|_| Fault::Encoding)
    }

    /// Outside the root only white space may stand.
    fn outside_text(&self, text: &BytesText<'_>) -> Result<(), Fault> {
        let blank = text.iter().all(u8::is_ascii_whitespace);
        if self.depth > 0 || blank {
            Ok(())
        } else {
            Err(Fault::Malformed)
        }
    }

    /// Name and public or system id are skipped; a subset that could declare something is refused.
    fn document_type(&mut self, content: &BytesText<'_>) -> Result<(), Fault> {
        let again = std::mem::replace(&mut self.document_type, true);
        let subset = content.iter().any(|octet| matches!(octet, b'[' | b']' | b'<'));
        if again || subset || self.roots > 0 {
            return Err(Fault::DocumentType);
        }
        Ok(())
    }
}

fn position(octets: u64) -> usize {
    usize::try_from(octets).unwrap_or(usize::MAX)
}

/// An entity in text: a character reference, or one of the five.
fn predefined(name: &BytesRef<'_>) -> Result<(), Fault> {
    let character = name.resolve_char_ref().map_err(|_| Fault::Entity)?.is_some();
    let five: [&[u8]; 5] = [b"amp", b"lt", b"gt", b"quot", b"apos"];
    if character || five.contains(&&**name) {
        Ok(())
    } else {
        Err(Fault::Entity)
    }
}

/// The declared encoding, where there is one, is UTF-8 or a part of it.
fn utf8(declaration: &BytesDecl<'_>) -> Result<(), Fault> {
    match declaration.encoding() {
        None => Ok(()),
        Some(Ok(name)) if name.eq_ignore_ascii_case(b"utf-8") || name.eq_ignore_ascii_case(b"us-ascii") => Ok(()),
        Some(_) => Err(Fault::Encoding),
    }
}

fn fault_of(error: &Error) -> Fault {
    match error {
        Error::Syntax(_) | Error::IllFormed(IllFormedError::MissingEndTag(_)) => Fault::Truncated,
        Error::Encoding(_) => Fault::Encoding,
        Error::Escape(_) => Fault::Entity,
        Error::InvalidAttr(_) => Fault::Attributes,
        Error::IllFormed(_) | Error::Io(_) | Error::Namespace(_) => Fault::Malformed,
    }
}
