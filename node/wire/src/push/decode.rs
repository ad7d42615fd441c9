//! Reading a push PDU.

use super::{ApplicationId, Push, PushError, PushKind};
use crate::wsp::multipart::{Entry, HeaderName};
use crate::wsp::{MediaType, Reader, Value, ValueError};

const PUSH: u8 = 0x06;
const CONFIRMED_PUSH: u8 = 0x07;
const APPLICATION_ID: u8 = 0x2F;
const PUSH_FLAG: u8 = 0x34;

/// The parts of a push PDU, cut but not interpreted.
pub(crate) struct Cut<'a> {
    pub(crate) transaction_id: u8,
    pub(crate) kind: u8,
    /// Content-Type and headers.
    pub(crate) head: Entry<'a>,
    pub(crate) data_offset: usize,
}

/// Cuts envelope, head and content.
pub(crate) fn cut(buf: &[u8]) -> Result<Cut<'_>, PushError> {
    let mut reader = Reader::new(buf, 0);
    let parts = cut_parts(&mut reader);
    let (transaction_id, kind, head_len) = match parts {
        Ok(parts) => parts,
        Err(kind) => {
            return Err(PushError::Value {
                offset: reader.offset(),
                kind,
            });
        }
    };
    if !matches!(kind, PUSH | CONFIRMED_PUSH) {
        return Err(PushError::NotAPush(kind));
    }
    let head_offset = reader.offset();
    let head = reader.take(head_len).map_err(|kind| PushError::Value {
        offset: head_offset,
        kind,
    })?;
    let data_offset = reader.offset();
    Ok(Cut {
        transaction_id,
        kind,
        head: Entry {
            head,
            head_offset,
            data: reader.rest(),
        },
        data_offset,
    })
}

fn cut_parts(reader: &mut Reader<'_>) -> Result<(u8, u8, usize), ValueError> {
    let transaction_id = reader.octet()?;
    let kind = reader.octet()?;
    let head_len = match kind {
        PUSH | CONFIRMED_PUSH => reader.uintvar()?,
        _ => 0,
    };
    Ok((
        transaction_id,
        kind,
        usize::try_from(head_len).map_err(|_| ValueError::Truncated)?,
    ))
}

/// Reads a push PDU. The content goes up to the end of the datagram: a Content-Length header is ignored, because wrong
/// ones are in the wild.
pub fn decode(buf: &[u8]) -> Result<Push<'_>, PushError> {
    let cut = cut(buf)?;
    let value = |kind| PushError::Value {
        offset: cut.head.head_offset,
        kind,
    };
    let (media, fields) = cut.head.open().map_err(value)?;
    let mut push = Push {
        transaction_id: cut.transaction_id,
        kind: if cut.kind == PUSH {
            PushKind::Push
        } else {
            PushKind::Confirmed
        },
        media: MediaType::decode(media).map_err(value)?,
        application_id: None,
        push_flag: None,
        data: cut.head.data,
    };
    for field in fields {
        match field.name {
            HeaderName::Number(APPLICATION_ID) => push.application_id = application_id(field.value),
            HeaderName::Text(name) if name.eq_ignore_ascii_case(b"x-wap-application-id") => {
                push.application_id = application_id(field.value);
            }
            HeaderName::Number(PUSH_FLAG) => push.push_flag = field.value.octet().ok().map(|octet| octet & 0x7F),
            HeaderName::Number(_) | HeaderName::Text(_) => {}
        }
    }
    Ok(push)
}

fn application_id(value: Value<'_>) -> Option<ApplicationId<'_>> {
    match value {
        // One without a name has no form of its own to be passed on in: it would be read as the number 0.
        Value::Text(_) => value
            .text()
            .ok()
            .filter(|name| !name.as_octets().is_empty())
            .map(ApplicationId::Name),
        Value::Octet(_) | Value::Data(_) => value
            .integer()
            .ok()
            .and_then(|code| u32::try_from(code).ok())
            .map(ApplicationId::Code),
    }
}
