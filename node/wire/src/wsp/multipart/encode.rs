//! Writing multipart bodies: whole, or head by head, so that a server can send part data from where it lies.

use super::{Disposition, DispositionKind, Part, PartHead};
use crate::wsp::{ValueError, put_quoted_string, put_text, put_uintvar, put_value_length};

/// Writes the count that opens a multipart body.
pub fn put_count(parts: usize, out: &mut Vec<u8>) {
    put_uintvar(u32::try_from(parts).unwrap_or(u32::MAX), out);
}

/// Writes a whole body.
pub fn encode(parts: &[Part<'_>], out: &mut Vec<u8>) -> Result<(), ValueError> {
    put_count(parts.len(), out);
    for part in parts {
        encode_part_header(&part.head, part.data.len(), out)?;
        out.extend_from_slice(part.data);
    }
    Ok(())
}

/// Octets to reserve for a body of these parts: their data and a generous head each.
pub fn entry_len_hint(parts: &[Part<'_>]) -> usize {
    parts.iter().map(|part| part.data.len() + 160).sum()
}

/// Writes the lengths, the media type and the headers of an entry whose `data_len` octets of data follow.
pub fn encode_part_header(head: &PartHead<'_>, data_len: usize, out: &mut Vec<u8>) -> Result<(), ValueError> {
    let data_len = u32::try_from(data_len).map_err(|_| ValueError::NotExpressible)?;
    let mut inner = Vec::with_capacity(128);
    head.media.encode(&mut inner)?;
    // In this order, and nothing else: a common client stops reading at the first header that it does not know.
    if let Some(content_id) = &head.content_id {
        inner.push(0xC0);
        put_quoted_string(content_id.as_octets(), &mut inner)?;
    }
    if let Some(location) = &head.content_location {
        inner.push(0x8E);
        put_text(location.as_octets(), &mut inner)?;
    }
    if let Some(disposition) = &head.disposition {
        inner.push(0xAE);
        disposition.encode(&mut inner)?;
    }
    put_uintvar(u32::try_from(inner.len()).map_err(|_| ValueError::NotExpressible)?, out);
    put_uintvar(data_len, out);
    out.append(&mut inner);
    Ok(())
}

impl Disposition<'_> {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), ValueError> {
        let mut inner = Vec::with_capacity(32);
        match &self.kind {
            DispositionKind::FormData => inner.push(0x80),
            DispositionKind::Attachment => inner.push(0x81),
            DispositionKind::Inline => inner.push(0x82),
            DispositionKind::Other(token) => put_text(token.as_octets(), &mut inner)?,
        }
        self.parameters.encode(&mut inner)?;
        put_value_length(inner.len(), out);
        out.append(&mut inner);
        Ok(())
    }
}
