//! Media types and part heads, both ways. Between interfaces they are MIME: `multipart/related`, `charset=utf-8`,
//! `attachment; filename="a.gif"`. A nested multipart stays what it is: an opaque part in WAP's binary layout.

use mmsc_domain::record::{MediaType, Parameter, PartEntry};
use mmsc_wire::mms::{self, Disposition, DispositionKind, Parameters, PartHead, Text};
use mmsc_wire::wsp::charset;

/// WAP's names of the multiparts that a message can be, and MIME's.
const MULTIPARTS: &[(&str, &str)] = &[
    ("application/vnd.wap.multipart.mixed", "multipart/mixed"),
    ("application/vnd.wap.multipart.related", "multipart/related"),
    ("application/vnd.wap.multipart.alternative", "multipart/alternative"),
];

const DISPOSITION: &str = "content-disposition";

/// The type of a whole body.
pub(super) fn body_from_wire(media: &mms::MediaType<'_>) -> MediaType {
    let mut neutral = from_wire(media);
    if let Some((_, mime)) = MULTIPARTS.iter().find(|(wap, _)| *wap == neutral.essence) {
        neutral.essence = (*mime).to_owned();
    }
    neutral
}

/// The type of a whole body as we send it. A body that is no multipart travels as the one part of a multipart.mixed,
/// because a common client reads nothing else (digest 8.1).
pub(super) fn body_to_wire(media: &MediaType) -> mms::MediaType<'_> {
    let wap = MULTIPARTS
        .iter()
        .find(|(_, mime)| *mime == media.essence)
        .map(|(wap, _)| *wap);
    match wap {
        Some(wap) => mms::MediaType {
            media: wap.into(),
            parameters: parameters_to_wire(&media.parameters),
        },
        None => mms::MediaType::multipart_mixed(),
    }
}

/// The type of a part.
pub(super) fn from_wire(media: &mms::MediaType<'_>) -> MediaType {
    MediaType {
        essence: media.media.name().to_ascii_lowercase(),
        parameters: parameters_from_wire(&media.parameters),
    }
}

fn parameters_from_wire(parameters: &Parameters<'_>) -> Vec<Parameter> {
    let text = |name: &str, text: &Option<Text<'_>>| text.as_ref().map(|text| parameter(name, &text.to_str()));
    let known = [
        text("start", &parameters.start),
        text("start-info", &parameters.start_info),
        parameters
            .root_type
            .as_ref()
            .map(|media| parameter("type", &media.name())),
        text("name", &parameters.name),
        text("filename", &parameters.filename),
        parameters.charset.map(|mib| parameter("charset", &charset_name(mib))),
    ];
    let other = parameters.other.iter();
    let other = other.map(|(name, value)| parameter(&name.to_str().to_ascii_lowercase(), &value.to_str()));
    known.into_iter().flatten().chain(other).collect()
}

fn parameters_to_wire(parameters: &[Parameter]) -> Parameters<'_> {
    let mut wire = Parameters::default();
    for parameter in parameters {
        let value = parameter.value.as_str();
        match parameter.name.as_str() {
            "start" => wire.start = Some(value.into()),
            "start-info" => wire.start_info = Some(value.into()),
            "type" => wire.root_type = Some(value.into()),
            "name" => wire.name = Some(value.into()),
            "filename" => wire.filename = Some(value.into()),
            "charset" => match charset_number(value) {
                Some(mib) => wire.charset = Some(mib),
                None => wire.other.push(("charset".into(), value.into())),
            },
            name => wire.other.push((name.into(), value.into())),
        }
    }
    wire
}

/// Without a name, the number.
fn charset_name(mib: u32) -> String {
    charset::name(mib).map_or_else(|| mib.to_string(), str::to_owned)
}

fn charset_number(name: &str) -> Option<u32> {
    charset::number(name.as_bytes()).or_else(|| name.parse().ok())
}

fn parameter(name: &str, value: &str) -> Parameter {
    Parameter {
        name: name.to_owned(),
        value: value.to_owned(),
    }
}

/// A part's head, with its octets at `offset`.
pub(super) fn part_from_wire(head: &PartHead<'_>, offset: u64, len: u64) -> PartEntry {
    let text = |text: &Option<Text<'_>>| text.as_ref().map(|text| text.to_str().into_owned());
    let disposition = head.disposition.as_ref();
    PartEntry {
        media_type: from_wire(&head.media),
        content_id: text(&head.content_id),
        content_location: text(&head.content_location),
        headers: disposition
            .map(|found| parameter(DISPOSITION, &disposition_text(found)))
            .into_iter()
            .collect(),
        offset,
        len,
        // Looked for by the relay, whatever the interface; inside a multipart by whoever translates the part.
        installable: None,
    }
}

/// A part's head as we send it.
pub(super) fn part_to_wire(part: &PartEntry) -> PartHead<'_> {
    let disposition = part.headers.iter().find(|header| header.name == DISPOSITION);
    PartHead {
        media: mms::MediaType {
            media: part.media_type.essence.as_str().into(),
            parameters: parameters_to_wire(&part.media_type.parameters),
        },
        content_id: part.content_id.as_deref().map(Text::from),
        content_location: part.content_location.as_deref().map(Text::from),
        disposition: disposition.map(|header| disposition_from(&header.value)),
        transfer_encoding: None,
    }
}

fn disposition_text(disposition: &Disposition<'_>) -> String {
    let mut text = match &disposition.kind {
        DispositionKind::FormData => "form-data".to_owned(),
        DispositionKind::Attachment => "attachment".to_owned(),
        DispositionKind::Inline => "inline".to_owned(),
        DispositionKind::Other(token) => token.to_str().to_ascii_lowercase(),
    };
    for Parameter { name, value } in parameters_from_wire(&disposition.parameters) {
        text.push_str("; ");
        text.push_str(&name);
        text.push_str("=\"");
        for c in value.chars() {
            if matches!(c, '"' | '\\') {
                text.push('\\');
            }
            text.push(c);
        }
        text.push('"');
    }
    text
}

/// Reads a MIME Content-Disposition: a token, then `; name="value"` or `; name=value` any number of times.
fn disposition_from(text: &str) -> Disposition<'static> {
    let (token, mut rest) = text.split_once(';').unwrap_or((text, ""));
    let kind = match token.trim().to_ascii_lowercase().as_str() {
        "form-data" => DispositionKind::FormData,
        "attachment" => DispositionKind::Attachment,
        "inline" => DispositionKind::Inline,
        other => DispositionKind::Other(other.to_owned().into()),
    };
    let mut parameters = Parameters::default();
    while let Some((name, after)) = rest.split_once('=') {
        let (value, after) = disposition_value(after.trim_start());
        match name.trim().to_ascii_lowercase().as_str() {
            "filename" => parameters.filename = Some(value.into()),
            "name" => parameters.name = Some(value.into()),
            other => parameters.other.push((other.to_owned().into(), value.into())),
        }
        rest = after.trim_start().strip_prefix(';').unwrap_or("");
    }
    Disposition { kind, parameters }
}

/// A value, quoted or not, and what follows it.
fn disposition_value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(';').unwrap_or(text.len());
        let (value, after) = text.split_at_checked(end).unwrap_or((text, ""));
        return (value.trim_end().to_owned(), after);
    };
    let mut value = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => value.extend(chars.next().map(|(_, escaped)| escaped)),
            '"' => return (value, quoted.get(at + 1..).unwrap_or("")),
            _ => value.push(c),
        }
    }
    (value, "")
}
