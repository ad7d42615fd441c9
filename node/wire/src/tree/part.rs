//! Parts as operators read them.

use super::value::{any, hex, media, parameters, plain, quote};
use super::{TreeField, TreePart};
use crate::mms::Limits;
use crate::wsp::multipart::{Entries, HeaderName, PartField, PartFields};
use crate::wsp::{RawMediaType, Value, charset, codes};

/// The parts of a body that stands at `offset` of the input, up to the first that does not fit.
pub(super) fn parts<'a>(body: &'a [u8], offset: usize, limits: &Limits) -> Vec<TreePart<'a>> {
    let Ok(entries) = Entries::new(body, offset) else {
        return Vec::new();
    };
    entries
        .take(limits.max_parts)
        .map_while(Result::ok)
        .map(|entry| {
            let mut part = TreePart {
                content_type: String::new(),
                parameters: String::new(),
                headers: Vec::new(),
                head_len: entry.head.len(),
                offset: entry.head_offset + entry.head.len(),
                data: entry.data,
            };
            if let Ok((value, fields)) = entry.open() {
                match RawMediaType::decode(value) {
                    Ok(RawMediaType {
                        media: name,
                        parameters: list,
                    }) => {
                        part.content_type = media(&RawMediaType {
                            media: name,
                            parameters: Vec::new(),
                        });
                        part.parameters = parameters(&list);
                    }
                    Err(_) => part.content_type = any(value),
                }
                part.headers = headers(fields).collect();
            }
            part
        })
        .collect()
}

/// The headers of a part or of a push.
pub(super) fn headers(mut fields: PartFields<'_>) -> impl Iterator<Item = TreeField> {
    std::iter::from_fn(move || {
        let offset = fields.offset();
        let found = fields.next()?;
        let (name, value) = header(found);
        Some(TreeField { name, value, offset })
    })
}

fn header(field: PartField<'_>) -> (String, String) {
    let number = match field.name {
        HeaderName::Text(name) => return (plain(name), any(field.value)),
        HeaderName::Number(number) => number,
    };
    let name = codes::header(number).unwrap_or("header");
    match (number, field.value) {
        (0x40 | 0x0E, Value::Text([0x22, text @ ..])) => {
            (name.to_owned(), format!("quoted {}", quote(&charset::guess(text))))
        }
        (0x40 | 0x0E, Value::Text(_)) => (name.to_owned(), any(field.value)),
        (_, Value::Data(octets)) => (format!("{name}(0x{number:02X})"), hex(octets)),
        _ => (format!("{name}(0x{number:02X})"), any(field.value)),
    }
}
