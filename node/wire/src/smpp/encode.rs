//! A PDU into octets, length first.

use super::{Address, Bind, BindResp, Body, DataSm, Pdu, PduError, ShortMessage, Tlv, tag};

/// Appends a PDU to `out`. On an error `out` is as it was.
pub fn encode(pdu: &Pdu, out: &mut Vec<u8>) -> Result<(), PduError> {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&pdu.body.command().to_be_bytes());
    out.extend_from_slice(&pdu.status.0.to_be_bytes());
    out.extend_from_slice(&pdu.sequence.to_be_bytes());
    if let Err(e) = put_body(pdu, out) {
        out.truncate(start);
        return Err(e);
    }
    let length = u32::try_from(out.len() - start).unwrap_or(u32::MAX);
    if let Some(slot) = out.get_mut(start..start + 4) {
        slot.copy_from_slice(&length.to_be_bytes());
    }
    Ok(())
}

fn put_body(pdu: &Pdu, out: &mut Vec<u8>) -> Result<(), PduError> {
    match &pdu.body {
        Body::BindReceiver(bind) | Body::BindTransmitter(bind) | Body::BindTransceiver(bind) => put_bind(bind, out),
        Body::BindReceiverResp(resp) | Body::BindTransmitterResp(resp) | Body::BindTransceiverResp(resp) => {
            match pdu.status.is_ok() {
                true => put_bind_resp(resp, out),
                // Error answers have no body.
                false => Ok(()),
            }
        }
        Body::Outbind(outbind) => {
            put_text("system_id", &outbind.system_id, 16, out)?;
            put_text("password", &outbind.password, 9, out)
        }
        Body::SubmitSm(message) | Body::DeliverSm(message) => put_short_message(message, out),
        Body::SubmitSmResp(id) | Body::DataSmResp(id) => match (id, pdu.status.is_ok()) {
            (Some(id), true) => put_text("message_id", id, 65, out),
            (None, true) => put_text("message_id", "", 65, out),
            (_, false) => Ok(()),
        },
        Body::DeliverSmResp => put_text("message_id", "", 65, out),
        Body::DataSm(data) => put_data_sm(data, out),
        Body::AlertNotification(alert) => {
            put_address("source_addr", &alert.source, 65, out)?;
            put_address("esme_addr", &alert.esme, 65, out)?;
            match alert.availability {
                Some(value) => put_tlv(&Tlv::new(tag::MS_AVAILABILITY_STATUS, [value]), out),
                None => Ok(()),
            }
        }
        Body::EnquireLink | Body::EnquireLinkResp | Body::Unbind | Body::UnbindResp | Body::GenericNack => Ok(()),
        Body::Other { body, .. } => {
            out.extend_from_slice(body);
            Ok(())
        }
    }
}

/// A C-octet string of at most `max` octets with its NUL, in iso-8859-1.
fn put_text(field: &'static str, text: &str, max: usize, out: &mut Vec<u8>) -> Result<(), PduError> {
    let octets = text.chars().count() + 1;
    if octets > max {
        return Err(PduError::TooLong { field, octets, max });
    }
    if text.contains('\0') {
        return Err(PduError::Nul { field });
    }
    out.extend(text.chars().map(|c| u8::try_from(c).unwrap_or(b'?')));
    out.push(0);
    Ok(())
}

fn put_address(field: &'static str, address: &Address, max: usize, out: &mut Vec<u8>) -> Result<(), PduError> {
    out.extend_from_slice(&[address.ton, address.npi]);
    put_text(field, &address.addr, max, out)
}

fn put_tlv(tlv: &Tlv, out: &mut Vec<u8>) -> Result<(), PduError> {
    let max = usize::from(u16::MAX);
    let too_long = PduError::TooLong {
        field: "tlv",
        octets: tlv.value.len(),
        max,
    };
    let length = u16::try_from(tlv.value.len()).map_err(|_| too_long)?;
    out.extend_from_slice(&tlv.tag.to_be_bytes());
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(&tlv.value);
    Ok(())
}

fn put_bind(bind: &Bind, out: &mut Vec<u8>) -> Result<(), PduError> {
    put_text("system_id", &bind.system_id, 16, out)?;
    put_text("password", &bind.password, 9, out)?;
    put_text("system_type", &bind.system_type, 13, out)?;
    out.extend_from_slice(&[bind.interface_version, bind.addr_ton, bind.addr_npi]);
    put_text("address_range", &bind.address_range, 41, out)
}

fn put_bind_resp(resp: &BindResp, out: &mut Vec<u8>) -> Result<(), PduError> {
    put_text("system_id", &resp.system_id, 16, out)?;
    match resp.sc_interface_version {
        Some(version) => put_tlv(&Tlv::new(tag::SC_INTERFACE_VERSION, [version]), out),
        None => Ok(()),
    }
}

fn put_short_message(message: &ShortMessage, out: &mut Vec<u8>) -> Result<(), PduError> {
    put_text("service_type", &message.service_type, 6, out)?;
    put_address("source_addr", &message.source, 21, out)?;
    put_address("destination_addr", &message.destination, 21, out)?;
    out.extend_from_slice(&[message.esm_class, message.protocol_id, message.priority_flag]);
    put_text("schedule_delivery_time", &message.schedule_delivery_time, 17, out)?;
    put_text("validity_period", &message.validity_period, 17, out)?;
    out.extend_from_slice(&[message.registered_delivery, message.replace_if_present]);
    out.extend_from_slice(&[message.data_coding, message.sm_default_msg_id]);
    let octets = message.short_message.len();
    match u8::try_from(octets) {
        Ok(length @ 0..=254) => out.push(length),
        _ => {
            return Err(PduError::TooLong {
                field: "short_message",
                octets,
                max: 254,
            });
        }
    }
    out.extend_from_slice(&message.short_message);
    message.tlvs.iter().try_for_each(|tlv| put_tlv(tlv, out))
}

fn put_data_sm(data: &DataSm, out: &mut Vec<u8>) -> Result<(), PduError> {
    put_text("service_type", &data.service_type, 6, out)?;
    put_address("source_addr", &data.source, 65, out)?;
    put_address("destination_addr", &data.destination, 65, out)?;
    out.extend_from_slice(&[data.esm_class, data.registered_delivery, data.data_coding]);
    data.tlvs.iter().try_for_each(|tlv| put_tlv(tlv, out))
}
