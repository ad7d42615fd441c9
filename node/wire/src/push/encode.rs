//! Writing a push PDU.

use super::{ApplicationId, Push, PushError, PushKind};
use crate::wsp::{ValueError, put_integer, put_text, put_uintvar};

/// Appends a push PDU to `out`. Content-Length is left out: receivers ignore it, and it costs octets of a short message.
pub fn encode(push: &Push<'_>, out: &mut Vec<u8>) -> Result<(), PushError> {
    let mut head = Vec::with_capacity(48);
    put_head(push, &mut head).map_err(|kind| PushError::Value { offset: 0, kind })?;
    out.reserve(head.len() + push.data.len() + 7);
    out.push(push.transaction_id);
    out.push(match push.kind {
        PushKind::Push => 0x06,
        PushKind::Confirmed => 0x07,
    });
    put_uintvar(u32::try_from(head.len()).unwrap_or(u32::MAX), out);
    out.append(&mut head);
    out.extend_from_slice(push.data);
    Ok(())
}

fn put_head(push: &Push<'_>, head: &mut Vec<u8>) -> Result<(), ValueError> {
    push.media.encode(head)?;
    match &push.application_id {
        Some(ApplicationId::Code(code)) => {
            head.push(0xAF);
            put_integer(u64::from(*code), head);
        }
        Some(ApplicationId::Name(name)) => {
            head.push(0xAF);
            put_text(name.as_octets(), head)?;
        }
        None => {}
    }
    if let Some(flag) = push.push_flag {
        head.extend_from_slice(&[0xB4, 0x80 | flag]);
    }
    Ok(())
}
