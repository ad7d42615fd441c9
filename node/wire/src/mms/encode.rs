//! A PDU into octets: message type, transaction id, version, the other fields, Content-Type and body last.

use super::{Body, EncodeError, Field, Pdu, Place, TimeValue};
use crate::wsp::{ValueError, multipart};

/// Appends a PDU to `out`. On an error `out` may hold a part of it.
pub fn encode(pdu: &Pdu<'_>, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    let parts = pdu.content().map(|content| match &content.body {
        Body::Multipart(parts) => multipart::entry_len_hint(parts),
        Body::Single(octets) => octets.len(),
    });
    out.reserve(parts.unwrap_or_default() + 512);
    encode_head(pdu, out)?;
    match pdu.content().map(|content| &content.body) {
        Some(Body::Multipart(parts)) => multipart::encode(parts, out).map_err(|kind| EncodeError {
            place: Place::Body,
            kind,
        }),
        Some(Body::Single(octets)) => {
            out.extend_from_slice(octets);
            Ok(())
        }
        None => Ok(()),
    }
}

/// Appends everything up to and including Content-Type; the body of the value is not looked at.
///
/// A server that sends part data from where it lies goes on with [`multipart::put_count`], and for each part with
/// [`multipart::encode_part_header`] and the data; the total length is the sum of what was appended and the data.
pub fn encode_head(pdu: &Pdu<'_>, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    check(pdu)?;
    out.extend_from_slice(&[Field::MESSAGE_TYPE.0, pdu.message_type().octet()]);
    pdu.emit(out)?;
    let Some(content) = pdu.content() else { return Ok(()) };
    let place = Place::Field(Field::CONTENT_TYPE);
    out.push(Field::CONTENT_TYPE.0);
    content.media.encode(out).map_err(|kind| EncodeError { place, kind })
}

/// What no field alone can see: the Expiry of a notification counts from its receipt (digest 7.3).
fn check(pdu: &Pdu<'_>) -> Result<(), EncodeError> {
    match pdu {
        Pdu::NotificationInd(ind) if matches!(ind.expiry, TimeValue::Absolute(_)) => Err(EncodeError {
            place: Place::Field(Field::EXPIRY),
            kind: ValueError::WrongForm,
        }),
        _ => Ok(()),
    }
}
