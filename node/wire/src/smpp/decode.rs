//! A frame into a PDU. Bodies are read as far as live SMSCs fill them: an error answer has none, a deliver_sm_resp may
//! have none, TLVs that break are dropped from there on.

use rusmpp_core::CommandId;

use super::types::find;
use super::{
    Address, AlertNotification, Bind, BindResp, Body, DataSm, Frame, Outbind, Pdu, PduError, ShortMessage, Status, Tlv,
    tag,
};

/// Interprets a frame.
pub fn decode(frame: &Frame<'_>) -> Result<Pdu, PduError> {
    let status = Status(frame.status);
    let body = &mut Fields {
        rest: frame.body,
        offset: 0,
    };
    let body = match CommandId::from(frame.command) {
        CommandId::BindReceiver => Body::BindReceiver(body.bind()?),
        CommandId::BindTransmitter => Body::BindTransmitter(body.bind()?),
        CommandId::BindTransceiver => Body::BindTransceiver(body.bind()?),
        CommandId::BindReceiverResp => Body::BindReceiverResp(body.bind_resp(status)?),
        CommandId::BindTransmitterResp => Body::BindTransmitterResp(body.bind_resp(status)?),
        CommandId::BindTransceiverResp => Body::BindTransceiverResp(body.bind_resp(status)?),
        CommandId::Outbind => Body::Outbind(body.outbind()?),
        CommandId::SubmitSm => Body::SubmitSm(body.short_message()?),
        CommandId::SubmitSmResp => Body::SubmitSmResp(body.message_id(status)?),
        CommandId::DeliverSm => Body::DeliverSm(body.short_message()?),
        CommandId::DeliverSmResp => Body::DeliverSmResp,
        CommandId::DataSm => Body::DataSm(body.data_sm()?),
        CommandId::DataSmResp => Body::DataSmResp(body.message_id(status)?),
        CommandId::AlertNotification => Body::AlertNotification(body.alert()?),
        CommandId::EnquireLink => Body::EnquireLink,
        CommandId::EnquireLinkResp => Body::EnquireLinkResp,
        CommandId::Unbind => Body::Unbind,
        CommandId::UnbindResp => Body::UnbindResp,
        CommandId::GenericNack => Body::GenericNack,
        _ => Body::Other {
            command: frame.command,
            body: frame.body.to_vec(),
        },
    };
    Ok(Pdu {
        sequence: frame.sequence,
        status,
        body,
    })
}

/// TLV congestion_state of a response (5.0): 0 idle to 99 overloaded. Submitting slows down above 80.
pub fn congestion_state(frame: &Frame<'_>) -> Option<u8> {
    if frame.command & 0x8000_0000 == 0 || frame.status != 0 {
        return None;
    }
    let body = &mut Fields {
        rest: frame.body,
        offset: 0,
    };
    match CommandId::from(frame.command) {
        CommandId::EnquireLinkResp => {}
        _ => drop(body.text("message_id", 65).ok()?),
    }
    octet_of(&body.tlvs(), tag::CONGESTION_STATE)
}

/// A cursor over the fields of a body.
struct Fields<'a> {
    rest: &'a [u8],
    offset: usize,
}

impl Fields<'_> {
    fn octets(&mut self, field: &'static str, count: usize) -> Result<&[u8], PduError> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(PduError::Truncated {
            field,
            offset: self.offset,
        })?;
        self.rest = rest;
        self.offset += count;
        Ok(taken)
    }

    fn octet(&mut self, field: &'static str) -> Result<u8, PduError> {
        self.octets(field, 1)
            .map(|octets| octets.first().copied().unwrap_or_default())
    }

    /// A C-octet string of at most `max` octets with its NUL. Octets beyond us-ascii are read as iso-8859-1.
    fn text(&mut self, field: &'static str, max: usize) -> Result<String, PduError> {
        let offset = self.offset;
        let end = self.rest.iter().take(max).position(|&octet| octet == 0);
        let Some(end) = end else {
            return Err(match self.rest.len() < max {
                true => PduError::Truncated { field, offset },
                false => PduError::Unterminated { field, max, offset },
            });
        };
        let text = self
            .octets(field, end)?
            .iter()
            .map(|&octet| char::from(octet))
            .collect();
        self.octet(field)?;
        Ok(text)
    }

    fn address(&mut self, field: &'static str, max: usize) -> Result<Address, PduError> {
        Ok(Address {
            ton: self.octet(field)?,
            npi: self.octet(field)?,
            addr: self.text(field, max)?,
        })
    }

    /// The TLVs up to the end, or to the first one that does not fit.
    fn tlvs(&mut self) -> Vec<Tlv> {
        let mut tlvs = Vec::new();
        while let Some(tlv) = self.tlv() {
            tlvs.push(tlv);
        }
        tlvs
    }

    fn tlv(&mut self) -> Option<Tlv> {
        let head = self.octets("tlv", 4).ok()?;
        let (&tag, length) = head.split_first_chunk::<2>()?;
        let (&length, _) = length.split_first_chunk::<2>()?;
        let value = self.octets("tlv", usize::from(u16::from_be_bytes(length))).ok()?;
        Some(Tlv::new(u16::from_be_bytes(tag), value))
    }

    fn bind(&mut self) -> Result<Bind, PduError> {
        Ok(Bind {
            system_id: self.text("system_id", 16)?,
            password: self.text("password", 9)?,
            system_type: self.text("system_type", 13)?,
            interface_version: self.octet("interface_version")?,
            addr_ton: self.octet("addr_ton")?,
            addr_npi: self.octet("addr_npi")?,
            address_range: self.text("address_range", 41)?,
        })
    }

    fn bind_resp(&mut self, status: Status) -> Result<BindResp, PduError> {
        if !status.is_ok() || self.rest.is_empty() {
            return Ok(BindResp {
                system_id: self.text("system_id", 16).unwrap_or_default(),
                ..BindResp::default()
            });
        }
        let system_id = self.text("system_id", 16)?;
        let sc_interface_version = octet_of(&self.tlvs(), tag::SC_INTERFACE_VERSION);
        Ok(BindResp {
            system_id,
            sc_interface_version,
        })
    }

    fn outbind(&mut self) -> Result<Outbind, PduError> {
        Ok(Outbind {
            system_id: self.text("system_id", 16)?,
            password: self.text("password", 9)?,
        })
    }

    fn message_id(&mut self, status: Status) -> Result<Option<String>, PduError> {
        match status.is_ok() && !self.rest.is_empty() {
            true => self
                .text("message_id", 65)
                .map(|id| Some(id).filter(|id| !id.is_empty())),
            false => Ok(self.text("message_id", 65).ok().filter(|id| !id.is_empty())),
        }
    }

    fn short_message(&mut self) -> Result<ShortMessage, PduError> {
        let mut message = ShortMessage {
            service_type: self.text("service_type", 6)?,
            source: self.address("source_addr", 21)?,
            destination: self.address("destination_addr", 21)?,
            esm_class: self.octet("esm_class")?,
            protocol_id: self.octet("protocol_id")?,
            priority_flag: self.octet("priority_flag")?,
            schedule_delivery_time: self.text("schedule_delivery_time", 17)?,
            validity_period: self.text("validity_period", 17)?,
            registered_delivery: self.octet("registered_delivery")?,
            replace_if_present: self.octet("replace_if_present_flag")?,
            data_coding: self.octet("data_coding")?,
            sm_default_msg_id: self.octet("sm_default_msg_id")?,
            ..ShortMessage::default()
        };
        let length = self.octet("sm_length")?;
        message.short_message = self.octets("short_message", usize::from(length))?.to_vec();
        message.tlvs = self.tlvs();
        Ok(message)
    }

    fn data_sm(&mut self) -> Result<DataSm, PduError> {
        Ok(DataSm {
            service_type: self.text("service_type", 6)?,
            source: self.address("source_addr", 65)?,
            destination: self.address("destination_addr", 65)?,
            esm_class: self.octet("esm_class")?,
            registered_delivery: self.octet("registered_delivery")?,
            data_coding: self.octet("data_coding")?,
            tlvs: self.tlvs(),
        })
    }

    fn alert(&mut self) -> Result<AlertNotification, PduError> {
        let source = self.address("source_addr", 65)?;
        let esme = self.address("esme_addr", 65)?;
        Ok(AlertNotification {
            source,
            esme,
            availability: octet_of(&self.tlvs(), tag::MS_AVAILABILITY_STATUS),
        })
    }
}

fn octet_of(tlvs: &[Tlv], tag: u16) -> Option<u8> {
    find(tlvs, tag).and_then(|value| value.first()).copied()
}
