//! A PDU into octets: message type, transaction id, version, the other fields, Content-Type and body last.

use super::{Body, EncodeError, Field, PartHead, Pdu, Place, TimeValue};
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

/// What stands around the part data of a PDU that is sent from where its data lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Around {
    /// `before[i]` goes before the data of part `i`; `before[0]` holds the whole head of the PDU as well. One chunk even
    /// if there is no part.
    pub before: Vec<Vec<u8>>,
    /// Octets of the whole PDU, part data included.
    pub total_len: usize,
}

/// Encodes a PDU with a multipart body without its part data: of each part only the head and the length are needed.
/// The body of the value is not looked at.
///
/// ```
/// use mmsc_wire::mms::{self, Content, Date, Limits, MediaType, Part, PartHead, RetrieveConf};
///
/// let data: &[&[u8]] = &[b"hello", b"world"];
/// let head = PartHead { media: "text/plain".into(), ..PartHead::default() };
/// let pdu = RetrieveConf { date: Date(1), content: Content::mixed(Vec::new()), ..RetrieveConf::default() }.into();
/// let around = mms::encode_around(&pdu, &[(&head, 5), (&head, 5)])?;
/// let sent: Vec<u8> = around.before.iter().zip(data).flat_map(|(before, data)| [before, *data].concat()).collect();
/// assert_eq!(sent.len(), around.total_len);
/// assert_eq!(mms::decode(&sent, &Limits::default())?.content().unwrap().parts()[1].data, b"world");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn encode_around(pdu: &Pdu<'_>, parts: &[(&PartHead<'_>, usize)]) -> Result<Around, EncodeError> {
    let mut chunk = Vec::with_capacity(512);
    encode_head(pdu, &mut chunk)?;
    multipart::put_count(parts.len(), &mut chunk);
    let mut around = Around {
        before: Vec::with_capacity(parts.len().max(1)),
        total_len: 0,
    };
    for (index, (head, data_len)) in parts.iter().enumerate() {
        let place = Place::Part(index);
        multipart::encode_part_header(head, *data_len, &mut chunk).map_err(|kind| EncodeError { place, kind })?;
        around.total_len += chunk.len() + data_len;
        around.before.push(std::mem::take(&mut chunk));
    }
    if parts.is_empty() {
        around.total_len = chunk.len();
        around.before.push(chunk);
    }
    Ok(around)
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
