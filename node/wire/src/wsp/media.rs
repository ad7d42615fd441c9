//! Media types and their parameters (WAP-230 8.4.2.24; digest section 8).

use std::borrow::Cow;

use super::{
    Reader, Text, Value, ValueError, charset, codes, put_integer, put_quoted_string, put_text, put_value_length,
};

/// Parameters that are kept of one media type; more are dropped, so that a head cannot grow in memory.
const MAX_PARAMETERS: usize = 32;

/// What a media type is called on the wire. Equal are those that mean the same, whatever form and case they came in.
#[derive(Debug, Clone, Eq)]
pub enum Media<'a> {
    /// A well-known code.
    Code(u32),
    /// A name.
    Name(Text<'a>),
}

/// A media type with the parameters that MMS uses.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MediaType<'a> {
    /// The type itself.
    pub media: Media<'a>,
    /// Its parameters.
    pub parameters: Parameters<'a>,
}

/// The parameters that MMS uses. Typed ones without a use in MMS (padding, level, dates) are dropped on input.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Parameters<'a> {
    /// MIBenum of the character set (`charset`).
    pub charset: Option<u32>,
    /// Name of the part (`name`).
    pub name: Option<Text<'a>>,
    /// File name of the part (`filename`).
    pub filename: Option<Text<'a>>,
    /// Content-ID of the root part (`start`).
    pub start: Option<Text<'a>>,
    /// Extra information about the start part (`start-info`).
    pub start_info: Option<Text<'a>>,
    /// Media type of the root part (`type`).
    pub root_type: Option<Media<'a>>,
    /// Untyped parameters that are none of the above, by name.
    pub other: Vec<(Text<'a>, Text<'a>)>,
}

/// A media type as it stands on the wire, with all its parameters in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawMediaType<'a> {
    /// The type itself.
    pub media: Media<'a>,
    /// Its parameters.
    pub parameters: Vec<Parameter<'a>>,
}

/// One parameter as it stands on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter<'a> {
    /// Its name.
    pub name: ParameterName<'a>,
    /// Its value.
    pub value: ParameterValue<'a>,
}

/// Name of a parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParameterName<'a> {
    /// A well-known octet, `0x80` and up.
    Code(u8),
    /// An untyped parameter, by name.
    Name(Text<'a>),
}

/// Value of a parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParameterValue<'a> {
    /// A text.
    Text(Text<'a>),
    /// A number; of `charset` the MIBenum.
    Integer(u64),
    /// A media type.
    Media(Media<'a>),
}

impl PartialEq for Media<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Code(a), Self::Code(b)) => a == b,
            _ => self.is(&other.name()),
        }
    }
}

impl Default for Media<'_> {
    fn default() -> Self {
        Self::Code(0)
    }
}

impl<'a> Media<'a> {
    /// The name in lower-case-insensitive form; a code that is not assigned is `application/octet-stream`.
    pub fn name(&self) -> Cow<'_, str> {
        match self {
            Self::Code(code) => Cow::Borrowed(codes::media_type(*code).unwrap_or("application/octet-stream")),
            Self::Name(name) => name.to_str(),
        }
    }

    /// True for a multipart that has the binary layout of [`super::multipart`].
    pub fn is_multipart(&self) -> bool {
        match self {
            Self::Code(code) => matches!(code, 0x0C..=0x0F | 0x22..=0x26 | 0x33),
            Self::Name(_) => {
                let name = self.name().to_ascii_lowercase();
                name.starts_with("application/vnd.wap.multipart.") || name.starts_with("multipart/")
            }
        }
    }

    /// Compares names in any case, whatever form they were sent in.
    pub fn is(&self, name: &str) -> bool {
        self.name().eq_ignore_ascii_case(name)
    }

    fn decode(value: Value<'a>) -> Result<Self, ValueError> {
        match value {
            Value::Octet(octet) => Ok(Self::Code(u32::from(octet & 0x7F))),
            Value::Text(_) => match value.text()? {
                name if name.is_empty() => Err(ValueError::WrongForm),
                name => Ok(Self::Name(name)),
            },
            Value::Data([]) => Err(ValueError::WrongForm),
            Value::Data(_) => Ok(Self::Code(u32::try_from(value.integer()?).unwrap_or(u32::MAX))),
        }
    }

    fn encode(&self, out: &mut Vec<u8>) -> Result<(), ValueError> {
        // Codes that not every receiver knows are sent as text.
        match (codes::media_code(&self.name()), self) {
            (Some(code), _) => out.push(0x80 | code),
            (None, Self::Name(name)) if name.is_empty() => return Err(ValueError::NotExpressible),
            (None, Self::Name(name)) => put_text(name.as_octets(), out)?,
            (None, Self::Code(code)) if *code == u32::from(codes::MMS_MESSAGE) => out.push(0x80 | codes::MMS_MESSAGE),
            (None, Self::Code(_)) => put_text(self.name().as_bytes(), out)?,
        }
        Ok(())
    }
}

impl<'a> From<&'a str> for Media<'a> {
    fn from(name: &'a str) -> Self {
        Self::Name(name.into())
    }
}

impl From<String> for Media<'_> {
    fn from(name: String) -> Self {
        Self::Name(name.into())
    }
}

impl<'a> From<&'a str> for MediaType<'a> {
    fn from(name: &'a str) -> Self {
        Self {
            media: name.into(),
            parameters: Parameters::default(),
        }
    }
}

impl From<String> for MediaType<'_> {
    fn from(name: String) -> Self {
        Self {
            media: name.into(),
            parameters: Parameters::default(),
        }
    }
}

impl<'a> From<Media<'a>> for MediaType<'a> {
    fn from(media: Media<'a>) -> Self {
        Self {
            media,
            parameters: Parameters::default(),
        }
    }
}

impl<'a> MediaType<'a> {
    /// application/vnd.wap.multipart.mixed.
    pub fn multipart_mixed() -> Self {
        Media::Code(u32::from(codes::MULTIPART_MIXED)).into()
    }

    /// application/vnd.wap.multipart.related with the Content-ID and the media type of its root part.
    pub fn multipart_related(start: impl Into<Text<'a>>, root_type: impl Into<Media<'a>>) -> Self {
        Self {
            media: Media::Code(u32::from(codes::MULTIPART_RELATED)),
            parameters: Parameters {
                start: Some(start.into()),
                root_type: Some(root_type.into()),
                ..Parameters::default()
            },
        }
    }

    /// application/vnd.wap.mms-message.
    pub fn mms_message() -> Self {
        Media::Code(u32::from(codes::MMS_MESSAGE)).into()
    }

    /// Reads a media type in constrained or general form.
    pub fn decode(value: Value<'a>) -> Result<Self, ValueError> {
        let (media, mut rest) = open(value)?;
        let parameters = Parameters::decode(&mut rest)?;
        Ok(Self { media, parameters })
    }

    /// Writes the shortest form: constrained without parameters, else general.
    pub fn encode(&self, out: &mut Vec<u8>) -> Result<(), ValueError> {
        if self.parameters.is_empty() {
            return self.media.encode(out);
        }
        let mut inner = Vec::with_capacity(64);
        self.media.encode(&mut inner)?;
        self.parameters.encode(&mut inner)?;
        put_value_length(inner.len(), out);
        out.append(&mut inner);
        Ok(())
    }
}

impl<'a> RawMediaType<'a> {
    /// Reads a media type with all its parameters.
    pub fn decode(value: Value<'a>) -> Result<Self, ValueError> {
        let (media, mut rest) = open(value)?;
        let mut parameters = Vec::new();
        while let (Some(parameter), true) = (next_parameter(&mut rest)?, parameters.len() < MAX_PARAMETERS) {
            parameters.push(parameter);
        }
        Ok(Self { media, parameters })
    }
}

/// Cuts a media type into the type and what holds its parameters.
fn open(value: Value<'_>) -> Result<(Media<'_>, Reader<'_>), ValueError> {
    match value {
        Value::Data(octets) => {
            let mut reader = Reader::new(octets, 0);
            let media = Media::decode(reader.value()?)?;
            Ok((media, reader))
        }
        Value::Octet(_) | Value::Text(_) => Ok((Media::decode(value)?, Reader::new(&[], 0))),
    }
}

/// Reads one parameter; `None` at the end, or at an octet that can start none (padding).
fn next_parameter<'a>(reader: &mut Reader<'a>) -> Result<Option<Parameter<'a>>, ValueError> {
    match reader.peek() {
        None | Some(0x00..=0x1F | 0x7F) => Ok(None),
        Some(0x20..=0x7E) => {
            let name = Text::from_octets(reader.text()?);
            let value = match reader.value()? {
                text @ Value::Text(_) => ParameterValue::Text(text.quoted_text()?),
                Value::Data([]) => ParameterValue::Text(Text::default()),
                number => ParameterValue::Integer(number.integer()?),
            };
            Ok(Some(Parameter {
                name: ParameterName::Name(name),
                value,
            }))
        }
        Some(code @ 0x80..) => {
            reader.octet()?;
            let value = typed_value(code, reader)?;
            Ok(Some(Parameter {
                name: ParameterName::Code(code),
                value,
            }))
        }
    }
}

/// The value of a typed parameter by its table (digest 8.2).
fn typed_value<'a>(code: u8, reader: &mut Reader<'a>) -> Result<ParameterValue<'a>, ValueError> {
    if code == 0x80 {
        return Ok(ParameterValue::Integer(u64::from(reader.uintvar()?)));
    }
    let value = reader.value()?;
    match (code, value) {
        (0x83 | 0x89, _) => Ok(ParameterValue::Media(Media::decode(value)?)),
        (0x81, Value::Text(name)) => Ok(match charset::number(name) {
            Some(mib) => ParameterValue::Integer(u64::from(mib)),
            None => ParameterValue::Text(value.text()?),
        }),
        // Text-strings; a leading `"` is part of them.
        (0x85 | 0x86 | 0x8A..=0x8D | 0x8F, Value::Text(_)) => Ok(ParameterValue::Text(value.text()?)),
        (_, Value::Text(_)) => Ok(ParameterValue::Text(value.quoted_text()?)),
        (0x85 | 0x86 | 0x8A..=0x8D | 0x8F | 0x90 | 0x92 | 0x97..=0x9D, Value::Data([])) => {
            Ok(ParameterValue::Text(Text::default()))
        }
        (0x85 | 0x86 | 0x8A..=0x8D | 0x8F | 0x97..=0x9D, _) => Err(ValueError::WrongForm),
        _ => Ok(ParameterValue::Integer(value.integer()?)),
    }
}

impl<'a> Parameters<'a> {
    /// True if there is nothing to send.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Reads the parameters up to the end of the reader.
    pub fn decode(reader: &mut Reader<'a>) -> Result<Self, ValueError> {
        let mut parameters = Self::default();
        while let Some(parameter) = next_parameter(reader)? {
            parameters.take(parameter);
        }
        Ok(parameters)
    }

    /// Keeps a parameter; of a repeated one the first.
    fn take(&mut self, parameter: Parameter<'a>) {
        let lower;
        let known = match &parameter.name {
            ParameterName::Code(code) => codes::parameter(*code).unwrap_or_default(),
            ParameterName::Name(name) => {
                lower = name.to_str().to_ascii_lowercase();
                lower.as_str()
            }
        };
        let text = match known {
            "name" => &mut self.name,
            "filename" => &mut self.filename,
            "start" => &mut self.start,
            "start-info" => &mut self.start_info,
            "type" => return self.take_type(parameter.value),
            "charset" => return self.take_charset(&parameter.value),
            _ => return self.take_other(parameter),
        };
        if let ParameterValue::Text(value) = parameter.value {
            text.get_or_insert(value);
        }
    }

    fn take_type(&mut self, value: ParameterValue<'a>) {
        let media = match value {
            ParameterValue::Media(media) => media,
            ParameterValue::Text(name) => Media::Name(name),
            ParameterValue::Integer(code) => Media::Code(u32::try_from(code).unwrap_or(u32::MAX)),
        };
        self.root_type.get_or_insert(media);
    }

    fn take_charset(&mut self, value: &ParameterValue<'a>) {
        let mib = match value {
            ParameterValue::Integer(mib) => u32::try_from(*mib).ok(),
            ParameterValue::Text(name) => charset::number(name.as_octets()),
            ParameterValue::Media(_) => None,
        };
        self.charset = self.charset.or(mib);
    }

    fn take_other(&mut self, parameter: Parameter<'a>) {
        let room = self.other.len() < MAX_PARAMETERS;
        if let (ParameterName::Name(name), ParameterValue::Text(value), true) = (parameter.name, parameter.value, room)
        {
            self.other.push((name, value));
        }
    }

    /// Writes the parameters in the order that reads best everywhere.
    pub fn encode(&self, out: &mut Vec<u8>) -> Result<(), ValueError> {
        put_text_parameter(0x8A, self.start.as_ref(), out)?;
        put_text_parameter(0x8B, self.start_info.as_ref(), out)?;
        if let Some(media) = &self.root_type {
            out.push(0x89);
            media.encode(out)?;
        }
        put_text_parameter(0x85, self.name.as_ref(), out)?;
        put_text_parameter(0x86, self.filename.as_ref(), out)?;
        if let Some(mib) = self.charset {
            out.push(0x81);
            put_integer(u64::from(mib), out);
        }
        for (name, value) in &self.other {
            if !matches!(name.as_octets().first(), Some(0x20..=0x7E)) {
                return Err(ValueError::NotExpressible);
            }
            put_text(name.as_octets(), out)?;
            match value.as_octets().first() {
                Some(0x22) => put_quoted_string(value.as_octets(), out)?,
                _ => put_text(value.as_octets(), out)?,
            }
        }
        Ok(())
    }
}

fn put_text_parameter(code: u8, text: Option<&Text<'_>>, out: &mut Vec<u8>) -> Result<(), ValueError> {
    if let Some(text) = text {
        out.push(code);
        put_text(text.as_octets(), out)?;
    }
    Ok(())
}
