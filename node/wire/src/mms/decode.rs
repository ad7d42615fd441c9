//! Octets into a PDU: scan the head, check type and version, interpret the fields that this PDU has.

use super::error::Fault;
use super::head::Opening;
use super::{DecodeError, DecodeErrorKind, Field, Head, Limits, MessageType, Pdu, Place};

/// Reads a PDU. Parts and texts borrow from `buf`.
///
/// Fields may come in any order as long as Content-Type is last. Unknown fields are skipped, repeated single fields
/// keep their first value, and an optional field with an unknown value counts as absent. The error carries the
/// opening fields, so that the PDU can be answered all the same.
pub fn decode<'a>(buf: &'a [u8], limits: &Limits) -> Result<Pdu<'a>, DecodeError> {
    let mut opening = Opening::default();
    read(buf, limits, &mut opening).map_err(|fault| fault.with(opening.into_partial()))
}

fn read<'a>(buf: &'a [u8], limits: &Limits, opening: &mut Opening<'a>) -> Result<Pdu<'a>, Fault> {
    let head = Head::scan(buf, limits, opening);
    // Another major version may follow other rules: whatever failed, this is the reason.
    if let Some(version) = opening.version.filter(|version| version.major() != 1) {
        let place = Place::Field(Field::MMS_VERSION);
        return Err(Fault::new(0, place, DecodeErrorKind::UnsupportedVersion(version)));
    }
    let place = Place::Field(Field::MESSAGE_TYPE);
    let kind = opening.message_type.map(|octet| {
        MessageType::from_octet(octet).ok_or(Fault::new(0, place, DecodeErrorKind::UnknownMessageType(octet)))
    });
    let (head, kind) = match (head, kind) {
        (_, Some(Err(unknown))) => return Err(unknown),
        (Err(fault), _) => return Err(fault),
        (Ok(_), None) => return Err(Fault::missing(Field::MESSAGE_TYPE)),
        (Ok(head), Some(Ok(kind))) => (head, kind),
    };
    let pdu = Pdu::interpret(kind, &head, limits)?;
    match has_recipient(&pdu) {
        true => Ok(pdu),
        false => Err(Fault::missing(Field::TO)),
    }
}

/// A submission or forward needs at least one recipient (digest 7.1, 7.10).
fn has_recipient(pdu: &Pdu<'_>) -> bool {
    match pdu {
        Pdu::SendReq(req) => !(req.to.is_empty() && req.cc.is_empty() && req.bcc.is_empty()),
        Pdu::ForwardReq(req) => !(req.to.is_empty() && req.cc.is_empty() && req.bcc.is_empty()),
        _ => true,
    }
}
