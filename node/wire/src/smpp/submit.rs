//! submit_sm of a push, whole or in segments (digest `smpp.md` sections 2 and 2.1).

use std::time::Duration;

use super::{Address, ShortMessage, SubmitError, Tlv, esm_class, relative_validity, tag};
use crate::push::segment::{Ports, Reference, UserDataHeader, segment};

/// What a push that does not fit one short message becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum LongForm {
    /// (a) One submit_sm for each segment, concatenated by our own header: understood everywhere.
    #[default]
    Concatenated,
    /// (b) One submit_sm with message_payload: ports in a header, the SMSC cuts.
    Payload,
    /// (c) One submit_sm for each segment with sar_* and port TLVs, without a header: the SMSC makes it.
    PortTlvs,
}

/// How to submit a push.
#[derive(Debug, Clone)]
pub struct PushSubmit {
    /// service_type: empty, or what the SMSC wants.
    pub service_type: String,
    /// Who sends it.
    pub source: Address,
    /// The handset.
    pub destination: Address,
    /// How long the SMSC may try; zero leaves it to the SMSC.
    pub validity: Duration,
    /// registered_delivery: 1 for a receipt on success and failure.
    pub registered_delivery: u8,
    /// priority_flag.
    pub priority_flag: u8,
    /// data_coding: 0x04, or 0xF5 where the SMSC rewrites that.
    pub data_coding: u8,
    /// What to do with a long push.
    pub long_form: LongForm,
    /// Reference of the segments, a counter per destination.
    pub reference: Reference,
}

impl PushSubmit {
    /// To a number, with the defaults of the digest.
    pub fn new(source: Address, destination: Address, reference: Reference) -> Self {
        Self {
            service_type: String::new(),
            source,
            destination,
            validity: Duration::ZERO,
            registered_delivery: 1,
            priority_flag: 0,
            data_coding: 0x04,
            long_form: LongForm::default(),
            reference,
        }
    }

    fn message(&self) -> ShortMessage {
        ShortMessage {
            service_type: self.service_type.clone(),
            source: self.source.clone(),
            destination: self.destination.clone(),
            priority_flag: self.priority_flag,
            validity_period: relative_validity(self.validity),
            registered_delivery: self.registered_delivery,
            data_coding: self.data_coding,
            ..ShortMessage::default()
        }
    }
}

/// The submit_sm of a push, in order; all go over the same bind. The push succeeded when every one did.
pub fn submit_push(push: &[u8], how: &PushSubmit) -> Result<Vec<ShortMessage>, SubmitError> {
    match how.long_form {
        LongForm::Concatenated => concatenated(push, how),
        LongForm::Payload => payload(push, how),
        LongForm::PortTlvs => port_tlvs(push, how),
    }
}

fn concatenated(push: &[u8], how: &PushSubmit) -> Result<Vec<ShortMessage>, SubmitError> {
    let segments = segment(push, Ports::WAP_PUSH, how.reference).map_err(|_| SubmitError::TooLong(push.len()))?;
    let last = segments.len().saturating_sub(1);
    let message = |(index, short_message)| ShortMessage {
        esm_class: esm_class::UDHI,
        short_message,
        // Keeps the radio link up for the next segment.
        tlvs: if index < last {
            vec![Tlv::new(tag::MORE_MESSAGES_TO_SEND, [1])]
        } else {
            Vec::new()
        },
        ..how.message()
    };
    Ok(segments.into_iter().enumerate().map(message).collect())
}

/// Longest value of a TLV that leaves room for the rest of the PDU.
const MAX_PAYLOAD: usize = 64_000;

fn payload(push: &[u8], how: &PushSubmit) -> Result<Vec<ShortMessage>, SubmitError> {
    let mut user_data = Vec::with_capacity(push.len() + 7);
    UserDataHeader {
        concatenation: None,
        ports: Some(Ports::WAP_PUSH),
    }
    .encode(&mut user_data);
    user_data.extend_from_slice(push);
    if user_data.len() > MAX_PAYLOAD {
        return Err(SubmitError::TooLong(push.len()));
    }
    let message = ShortMessage {
        esm_class: esm_class::UDHI,
        ..how.message()
    };
    Ok(vec![match user_data.len() {
        0..=140 => ShortMessage {
            short_message: user_data,
            ..message
        },
        _ => ShortMessage {
            tlvs: vec![Tlv::new(tag::MESSAGE_PAYLOAD, user_data)],
            ..message
        },
    }])
}

fn port_tlvs(push: &[u8], how: &PushSubmit) -> Result<Vec<ShortMessage>, SubmitError> {
    // What the header that the SMSC makes leaves of 140 octets.
    const WHOLE: usize = 133;
    const SEGMENT: usize = 128;
    let ports = [
        Tlv::new(tag::SOURCE_PORT, Ports::WAP_PUSH.source.to_be_bytes()),
        Tlv::new(tag::DESTINATION_PORT, Ports::WAP_PUSH.destination.to_be_bytes()),
    ];
    if push.len() <= WHOLE {
        return Ok(vec![ShortMessage {
            short_message: push.to_vec(),
            tlvs: ports.to_vec(),
            ..how.message()
        }]);
    }
    let total = u8::try_from(push.len().div_ceil(SEGMENT)).map_err(|_| SubmitError::TooLong(push.len()))?;
    let reference = match how.reference {
        Reference::Octet(reference) => u16::from(reference),
        Reference::Word(reference) => reference,
    };
    let message = |(number, data): (u8, &[u8])| {
        let mut tlvs = ports.to_vec();
        tlvs.push(Tlv::new(tag::SAR_MSG_REF_NUM, reference.to_be_bytes()));
        tlvs.push(Tlv::new(tag::SAR_TOTAL_SEGMENTS, [total]));
        tlvs.push(Tlv::new(tag::SAR_SEGMENT_SEQNUM, [number]));
        ShortMessage {
            short_message: data.to_vec(),
            tlvs,
            ..how.message()
        }
    };
    Ok((1..=total).zip(push.chunks(SEGMENT)).map(message).collect())
}
