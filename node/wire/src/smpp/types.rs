//! SMPP PDUs as values.

use rusmpp_core::CommandId;

use super::Status;

/// A PDU with its header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pdu {
    /// sequence_number: 1 to 0x7fffffff, that of the request in a response; 0 only in a generic_nack.
    pub sequence: u32,
    /// command_status: [`Status::ROK`] in requests.
    pub status: Status,
    /// command_id and what it carries.
    pub body: Body,
}

/// A command and its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// bind_receiver.
    BindReceiver(Bind),
    /// bind_receiver_resp.
    BindReceiverResp(BindResp),
    /// bind_transmitter.
    BindTransmitter(Bind),
    /// bind_transmitter_resp.
    BindTransmitterResp(BindResp),
    /// bind_transceiver.
    BindTransceiver(Bind),
    /// bind_transceiver_resp.
    BindTransceiverResp(BindResp),
    /// outbind.
    Outbind(Outbind),
    /// submit_sm.
    SubmitSm(ShortMessage),
    /// submit_sm_resp with the message_id; absent in most error answers.
    SubmitSmResp(Option<String>),
    /// deliver_sm: a receipt, or a message from a handset.
    DeliverSm(ShortMessage),
    /// deliver_sm_resp.
    DeliverSmResp,
    /// data_sm.
    DataSm(DataSm),
    /// data_sm_resp with the message_id.
    DataSmResp(Option<String>),
    /// alert_notification: an absent handset is back.
    AlertNotification(AlertNotification),
    /// enquire_link.
    EnquireLink,
    /// enquire_link_resp.
    EnquireLinkResp,
    /// unbind.
    Unbind,
    /// unbind_resp.
    UnbindResp,
    /// generic_nack.
    GenericNack,
    /// Any other command. Answer a request with generic_nack and [`Status::RINVCMDID`].
    Other {
        /// command_id.
        command: u32,
        /// Its body, as it came.
        body: Vec<u8>,
    },
}

/// Parameters of a bind.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Bind {
    /// system_id, at most 15 octets.
    pub system_id: String,
    /// password, at most 8 octets. It is left out of debug output.
    pub password: String,
    /// system_type, at most 12 octets.
    pub system_type: String,
    /// interface_version: 0x34 for 3.4.
    pub interface_version: u8,
    /// Type of number of the address range.
    pub addr_ton: u8,
    /// Numbering plan of the address range.
    pub addr_npi: u8,
    /// address_range, at most 40 octets.
    pub address_range: String,
}

impl std::fmt::Debug for Bind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bind")
            .field("system_id", &self.system_id)
            .field("system_type", &self.system_type)
            .field("interface_version", &self.interface_version)
            .finish_non_exhaustive()
    }
}

/// Answer to a bind.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BindResp {
    /// system_id of the SMSC.
    pub system_id: String,
    /// TLV sc_interface_version. Absent means, strictly, that the SMSC knows no TLVs.
    pub sc_interface_version: Option<u8>,
}

/// outbind.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Outbind {
    /// system_id of the SMSC.
    pub system_id: String,
    /// Its password; left out of debug output.
    pub password: String,
}

impl std::fmt::Debug for Outbind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outbind")
            .field("system_id", &self.system_id)
            .finish_non_exhaustive()
    }
}

/// An address with its type of number and numbering plan.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Address {
    /// Type of number: 0 unknown, 1 international, 5 alphanumeric.
    pub ton: u8,
    /// Numbering plan: 0 unknown, 1 E.164.
    pub npi: u8,
    /// Digits without `+`, or characters.
    pub addr: String,
}

impl Address {
    /// An E.164 number; a leading `+` is dropped.
    pub fn international(digits: &str) -> Self {
        Self {
            ton: 1,
            npi: 1,
            addr: digits.trim_start_matches('+').to_owned(),
        }
    }

    /// A short code.
    pub fn short_code(digits: &str) -> Self {
        Self {
            ton: 0,
            npi: 0,
            addr: digits.to_owned(),
        }
    }

    /// A name of at most 11 characters.
    pub fn alphanumeric(name: &str) -> Self {
        Self {
            ton: 5,
            npi: 0,
            addr: name.to_owned(),
        }
    }
}

/// submit_sm or deliver_sm.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ShortMessage {
    /// service_type, at most 5 octets.
    pub service_type: String,
    /// Source.
    pub source: Address,
    /// Destination.
    pub destination: Address,
    /// See [`esm_class`].
    pub esm_class: u8,
    /// protocol_id.
    pub protocol_id: u8,
    /// priority_flag.
    pub priority_flag: u8,
    /// schedule_delivery_time, empty or 16 characters.
    pub schedule_delivery_time: String,
    /// validity_period, empty or 16 characters.
    pub validity_period: String,
    /// registered_delivery.
    pub registered_delivery: u8,
    /// replace_if_present_flag.
    pub replace_if_present: u8,
    /// data_coding.
    pub data_coding: u8,
    /// sm_default_msg_id.
    pub sm_default_msg_id: u8,
    /// short_message, at most 254 octets; the whole user data, header included.
    pub short_message: Vec<u8>,
    /// What follows the mandatory part.
    pub tlvs: Vec<Tlv>,
}

impl ShortMessage {
    /// Value of the first TLV with this tag.
    pub fn tlv(&self, tag: u16) -> Option<&[u8]> {
        find(&self.tlvs, tag)
    }

    /// The user data: message_payload if it is there, else short_message.
    pub fn user_data(&self) -> &[u8] {
        self.tlv(tag::MESSAGE_PAYLOAD).unwrap_or(&self.short_message)
    }

    /// True if a deliver_sm is a delivery receipt or an intermediate notification.
    pub fn is_receipt(&self) -> bool {
        matches!(
            self.esm_class & esm_class::TYPE_MASK,
            esm_class::RECEIPT | esm_class::INTERMEDIATE
        )
    }
}

/// data_sm.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DataSm {
    /// service_type, at most 5 octets.
    pub service_type: String,
    /// Source.
    pub source: Address,
    /// Destination.
    pub destination: Address,
    /// See [`esm_class`].
    pub esm_class: u8,
    /// registered_delivery.
    pub registered_delivery: u8,
    /// data_coding.
    pub data_coding: u8,
    /// What follows the mandatory part; the payload is in message_payload.
    pub tlvs: Vec<Tlv>,
}

/// alert_notification.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AlertNotification {
    /// The handset.
    pub source: Address,
    /// Whom it is told.
    pub esme: Address,
    /// TLV ms_availability_status: 0 available.
    pub availability: Option<u8>,
}

/// A tagged value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tlv {
    /// Its tag, see [`tag`].
    pub tag: u16,
    /// Its value.
    pub value: Vec<u8>,
}

impl Tlv {
    /// A TLV of some octets.
    pub fn new(tag: u16, value: impl Into<Vec<u8>>) -> Self {
        Self {
            tag,
            value: value.into(),
        }
    }
}

pub(super) fn find(tlvs: &[Tlv], tag: u16) -> Option<&[u8]> {
    tlvs.iter().find(|tlv| tlv.tag == tag).map(|tlv| tlv.value.as_slice())
}

/// Tags of TLVs.
pub mod tag {
    /// source_port, two octets.
    pub const SOURCE_PORT: u16 = 0x020A;
    /// destination_port, two octets.
    pub const DESTINATION_PORT: u16 = 0x020B;
    /// sar_msg_ref_num, two octets.
    pub const SAR_MSG_REF_NUM: u16 = 0x020C;
    /// sar_total_segments, one octet.
    pub const SAR_TOTAL_SEGMENTS: u16 = 0x020E;
    /// sar_segment_seqnum, one octet.
    pub const SAR_SEGMENT_SEQNUM: u16 = 0x020F;
    /// sc_interface_version, one octet.
    pub const SC_INTERFACE_VERSION: u16 = 0x0210;
    /// receipted_message_id, C-octet string.
    pub const RECEIPTED_MESSAGE_ID: u16 = 0x001E;
    /// ms_availability_status, one octet.
    pub const MS_AVAILABILITY_STATUS: u16 = 0x0422;
    /// network_error_code, three octets.
    pub const NETWORK_ERROR_CODE: u16 = 0x0423;
    /// message_payload.
    pub const MESSAGE_PAYLOAD: u16 = 0x0424;
    /// more_messages_to_send, one octet.
    pub const MORE_MESSAGES_TO_SEND: u16 = 0x0426;
    /// message_state, one octet.
    pub const MESSAGE_STATE: u16 = 0x0427;
    /// congestion_state, one octet (5.0).
    pub const CONGESTION_STATE: u16 = 0x0428;
}

/// Bits of esm_class.
pub mod esm_class {
    /// The message type of a deliver_sm.
    pub const TYPE_MASK: u8 = 0x3C;
    /// Delivery receipt.
    pub const RECEIPT: u8 = 0x04;
    /// Intermediate notification.
    pub const INTERMEDIATE: u8 = 0x20;
    /// There is a user data header.
    pub const UDHI: u8 = 0x40;
}

impl Body {
    /// command_id.
    pub fn command(&self) -> u32 {
        let id = match self {
            Self::BindReceiver(_) => CommandId::BindReceiver,
            Self::BindReceiverResp(_) => CommandId::BindReceiverResp,
            Self::BindTransmitter(_) => CommandId::BindTransmitter,
            Self::BindTransmitterResp(_) => CommandId::BindTransmitterResp,
            Self::BindTransceiver(_) => CommandId::BindTransceiver,
            Self::BindTransceiverResp(_) => CommandId::BindTransceiverResp,
            Self::Outbind(_) => CommandId::Outbind,
            Self::SubmitSm(_) => CommandId::SubmitSm,
            Self::SubmitSmResp(_) => CommandId::SubmitSmResp,
            Self::DeliverSm(_) => CommandId::DeliverSm,
            Self::DeliverSmResp => CommandId::DeliverSmResp,
            Self::DataSm(_) => CommandId::DataSm,
            Self::DataSmResp(_) => CommandId::DataSmResp,
            Self::AlertNotification(_) => CommandId::AlertNotification,
            Self::EnquireLink => CommandId::EnquireLink,
            Self::EnquireLinkResp => CommandId::EnquireLinkResp,
            Self::Unbind => CommandId::Unbind,
            Self::UnbindResp => CommandId::UnbindResp,
            Self::GenericNack => CommandId::GenericNack,
            Self::Other { command, .. } => return *command,
        };
        u32::from(id)
    }

    /// True for a response, generic_nack included.
    pub fn is_response(&self) -> bool {
        self.command() & 0x8000_0000 != 0
    }
}

impl Pdu {
    /// A request.
    pub fn request(sequence: u32, body: Body) -> Self {
        Self {
            sequence,
            status: Status::ROK,
            body,
        }
    }

    /// A response.
    pub fn response(sequence: u32, status: Status, body: Body) -> Self {
        Self { sequence, status, body }
    }

    /// A generic_nack.
    pub fn nack(sequence: u32, status: Status) -> Self {
        Self {
            sequence,
            status,
            body: Body::GenericNack,
        }
    }
}
