//! Reading a description: one pass, nothing expanded, everything counted.

use std::borrow::Cow;

use encoding_rs::{Encoding, WINDOWS_1252};
use quick_xml::Reader;
use quick_xml::errors::{Error, IllFormedError};
use quick_xml::escape::unescape;
use quick_xml::events::{BytesRef, BytesStart, Event};

use super::error::{DecodeError, Fault};
use super::types::{Field, Profile, Resolution};

/// What a document may cost.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Octets.
    pub octets: usize,
    /// Elements.
    pub elements: usize,
    /// Elements inside each other.
    pub depth: usize,
    /// Octets of one value; a longer one cannot be read.
    pub value: usize,
    /// Media types kept.
    pub media_types: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            octets: 128 * 1024,
            elements: 20_000,
            depth: 32,
            value: 128,
            media_types: 256,
        }
    }
}

/// Reads a description. A document type is skipped, as many real ones have one, and declares nothing.
///
/// # Errors
/// [`DecodeError`]. A single value that makes no sense is none: [`Profile::unreadable`].
pub fn decode(document: &[u8], limits: &Limits) -> Result<Profile, DecodeError> {
    let whole = |offset, fault| DecodeError { offset, fault };
    if document.len() > limits.octets {
        return Err(whole(limits.octets, Fault::TooLarge));
    }
    let text = text(document);
    let mut walk = Walk {
        reader: Reader::from_str(&text),
        limits,
        depth: 0,
        elements: 0,
        defaults_from: None,
        property: None,
        own: Found::default(),
        defaults: Found::default(),
    };
    while walk.step()? {}
    Ok(walk.own.over(walk.defaults).profile())
}

/// UTF-8; by its mark UTF-16; anything else is a superset of ASCII, and what is read is ASCII.
fn text(document: &[u8]) -> Cow<'_, str> {
    if let Some((encoding, mark)) = Encoding::for_bom(document) {
        let rest = document.get(mark..).unwrap_or_default();
        return encoding.decode_without_bom_handling(rest).0;
    }
    match std::str::from_utf8(document) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => WINDOWS_1252.decode_without_bom_handling(document).0,
    }
}

/// A property whose values are being read.
struct Property {
    field: Field,
    depth: usize,
    value: String,
}

struct Walk<'a> {
    reader: Reader<&'a [u8]>,
    limits: &'a Limits,
    depth: usize,
    elements: usize,
    /// Depth of the element `Defaults` that is open: what stands in it counts where nothing else is said.
    defaults_from: Option<usize>,
    property: Option<Property>,
    own: Found,
    defaults: Found,
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
                self.open(&start).map_err(at)?;
                self.depth += 1;
            }
            Event::Empty(start) => self.open(&start).map(|()| self.close()).map_err(at)?,
            Event::End(_) => {
                self.depth = self.depth.saturating_sub(1);
                self.close();
            }
            Event::Text(text) => self.add(&String::from_utf8_lossy(&text)),
            Event::CData(text) => self.add(&String::from_utf8_lossy(&text)),
            Event::GeneralRef(name) => {
                let character = character(&name).map_err(at)?;
                self.add(character.encode_utf8(&mut [0; 4]));
            }
            Event::Comment(_) | Event::PI(_) | Event::Decl(_) | Event::DocType(_) => {}
            Event::Eof if self.depth > 0 || self.elements == 0 => return Err(at(Fault::Truncated)),
            Event::Eof => return Ok(false),
        }
        Ok(true)
    }

    fn open(&mut self, start: &BytesStart<'_>) -> Result<(), Fault> {
        if self.depth >= self.limits.depth {
            return Err(Fault::Depth);
        }
        self.elements += 1;
        if self.elements > self.limits.elements {
            return Err(Fault::Elements);
        }
        let name = start.local_name();
        let name = name.as_ref();
        if self.depth == 0 && name != b"RDF" {
            return Err(Fault::NotRdf);
        }
        if name == b"Defaults" && self.defaults_from.is_none() {
            self.defaults_from = Some(self.depth);
        }
        match (&mut self.property, field(name)) {
            // A list: each of its entries is a value.
            (Some(property), _) => property.value.clear(),
            (None, Some(field)) => {
                self.property = Some(Property {
                    field,
                    depth: self.depth,
                    value: String::new(),
                });
            }
            (None, None) => {}
        }
        self.attributes(start)
    }

    /// Properties may be written as attributes of their resource.
    fn attributes(&mut self, start: &BytesStart<'_>) -> Result<(), Fault> {
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|_| Fault::Malformed)?;
            let Some(field) = field(attribute.key.local_name().as_ref()) else {
                continue;
            };
            let raw = String::from_utf8_lossy(&attribute.value);
            let value = unescape(&raw).map_err(|_| Fault::Entity)?;
            self.found(field, &value);
        }
        Ok(())
    }

    /// An element has ended that began at the depth that is open now.
    fn close(&mut self) {
        if let Some(property) = &mut self.property {
            let (field, value) = (property.field, std::mem::take(&mut property.value));
            if property.depth == self.depth {
                self.property = None;
            }
            self.found(field, &value);
        }
        if self.defaults_from == Some(self.depth) {
            self.defaults_from = None;
        }
    }

    fn add(&mut self, text: &str) {
        // One more than may be, so that it shows.
        let most = self.limits.value.saturating_add(1);
        if let Some(property) = &mut self.property {
            let room = most.saturating_sub(property.value.len());
            property.value.extend(text.chars().take(room));
        }
    }

    fn found(&mut self, field: Field, value: &str) {
        let value = value.trim();
        if value.is_empty() {
            return;
        }
        let most = self.limits.media_types;
        let too_long = value.len() > self.limits.value;
        let found = match self.defaults_from {
            Some(_) => &mut self.defaults,
            None => &mut self.own,
        };
        if too_long {
            found.0.unreadable.insert(field);
        } else {
            found.add(field, value, most);
        }
    }
}

/// The values of a document, or of its defaults.
#[derive(Default)]
struct Found(Profile);

impl Found {
    /// The first size and resolution count, the highest version, and every type.
    fn add(&mut self, field: Field, value: &str, most: usize) {
        let profile = &mut self.0;
        let read = match field {
            Field::MaxMessageSize => first(&mut profile.max_message_bytes, value.parse().ok()),
            Field::MaxImageResolution => first(&mut profile.max_image, resolution(value)),
            Field::Accept => media_type(value).map(|name| {
                if profile.accept.len() < most && !profile.accept.contains(&name) {
                    profile.accept.push(name);
                }
            }),
            Field::Version => version(value).map(|version| {
                profile.mms_version = profile.mms_version.max(Some(version));
            }),
        };
        if read.is_none() {
            profile.unreadable.insert(field);
        }
    }

    /// With the defaults where nothing is said.
    fn over(self, defaults: Self) -> Self {
        let (own, Self(defaults)) = (self.0, defaults);
        Self(Profile {
            max_message_bytes: own.max_message_bytes.or(defaults.max_message_bytes),
            max_image: own.max_image.or(defaults.max_image),
            accept: if own.accept.is_empty() {
                defaults.accept
            } else {
                own.accept
            },
            mms_version: own.mms_version.or(defaults.mms_version),
            unreadable: own.unreadable.union(&defaults.unreadable).copied().collect(),
        })
    }

    fn profile(self) -> Profile {
        self.0
    }
}

fn first<T>(place: &mut Option<T>, value: Option<T>) -> Option<()> {
    let value = value?;
    place.get_or_insert(value);
    Some(())
}

fn field(local_name: &[u8]) -> Option<Field> {
    Field::ALL
        .into_iter()
        .find(|field| field.name().as_bytes() == local_name)
}

/// `640x480`.
fn resolution(text: &str) -> Option<Resolution> {
    let (width, height) = text.split_once(['x', 'X', '*'])?;
    let side = |text: &str| text.trim().parse().ok().filter(|side| *side > 0);
    Some(Resolution {
        width: side(width)?,
        height: side(height)?,
    })
}

/// Without parameters, lower case.
fn media_type(text: &str) -> Option<String> {
    let essence = text.split(';').next()?.trim();
    let (kind, subtype) = essence.split_once('/')?;
    let token = |text: &str| !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_graphic() && octet != b'/');
    (token(kind) && token(subtype)).then(|| essence.to_ascii_lowercase())
}

/// `1.2`, or several: the highest that begins with 1.
fn version(text: &str) -> Option<u8> {
    let numbers = text.split([',', ';', ' ', '/']).filter_map(|piece| {
        let minor: u8 = piece.trim().strip_prefix("1.")?.parse().ok()?;
        (minor < 16).then_some(0x90 | minor)
    });
    numbers.max()
}

fn position(octets: u64) -> usize {
    usize::try_from(octets).unwrap_or(usize::MAX)
}

/// A character reference, or one of the five.
fn character(name: &BytesRef<'_>) -> Result<char, Fault> {
    if let Some(character) = name.resolve_char_ref().map_err(|_| Fault::Entity)? {
        return Ok(character);
    }
    match &**name {
        b"amp" => Ok('&'),
        b"lt" => Ok('<'),
        b"gt" => Ok('>'),
        b"quot" => Ok('"'),
        b"apos" => Ok('\''),
        _ => Err(Fault::Entity),
    }
}

fn fault_of(error: &Error) -> Fault {
    match error {
        Error::Syntax(_) | Error::IllFormed(IllFormedError::MissingEndTag(_)) => Fault::Truncated,
        Error::Escape(_) => Fault::Entity,
        Error::Encoding(_) | Error::InvalidAttr(_) | Error::IllFormed(_) | Error::Io(_) | Error::Namespace(_) => {
            Fault::Malformed
        }
    }
}
