//! Between the relay's words and SMPP's: a push as submit_sm, a deliver_sm as receipt. Nothing else.

use std::time::Duration;

use mmsc_domain::Address;
use mmsc_relay::port::ReceiptState;
use mmsc_wire::push::segment::Reference;
use mmsc_wire::smpp::{
    Address as WireAddress, Bind, DataSm, IdForm, MessageState, PushSubmit, Receipt, ShortMessage, SubmitError,
    esm_class, normalise_id, submit_push, tag,
};

use super::config::{DataCoding, SmscConfig};
use super::flight::Job;
use super::inbound::FinalReceipt;
pub(super) use crate::bearer::number;

/// interface_version of SMPP 3.4.
pub(super) const VERSION_3_4: u8 = 0x34;

/// Our side of a bind.
pub(super) fn bind(config: &SmscConfig) -> Bind {
    Bind {
        system_id: config.system_id.clone(),
        password: config.password.reveal().to_owned(),
        system_type: config.system_type.clone(),
        interface_version: VERSION_3_4,
        ..Bind::default()
    }
}

/// The submits of a push, in order.
pub(super) fn submits(
    config: &SmscConfig,
    job: &Job,
    validity: Duration,
    optional_parameters: bool,
) -> Result<Vec<ShortMessage>, SubmitError> {
    let destination = match &job.push.to {
        Address::ShortCode(_) => WireAddress::short_code(&job.number),
        _ => WireAddress::international(&job.number),
    };
    let source = WireAddress {
        ton: config.source.ton,
        npi: config.source.npi,
        addr: config.source.address.clone(),
    };
    let [_, low] = job.reference.to_be_bytes();
    let how = PushSubmit {
        service_type: config.service_type.clone(),
        validity,
        registered_delivery: config.registered_delivery,
        data_coding: match config.data_coding {
            DataCoding::Octets => 0x04,
            DataCoding::Class1 => 0xf5,
        },
        long_form: config.concatenation,
        ..PushSubmit::new(
            source,
            destination,
            match config.wide_reference {
                true => Reference::Word(job.reference),
                false => Reference::Octet(low),
            },
        )
    };
    let mut messages = submit_push(&job.push.octets, &how)?;
    if !optional_parameters {
        for message in &mut messages {
            without_optional_parameters(message);
        }
    }
    Ok(messages)
}

/// Leaves out what the SMSC may do without; true if something was there.
pub(super) fn without_optional_parameters(message: &mut ShortMessage) -> bool {
    let before = message.tlvs.len();
    message.tlvs.retain(|tlv| tlv.tag != tag::MORE_MESSAGES_TO_SEND);
    message.tlvs.len() < before
}

/// Leaves the validity to the SMSC; true if one was there.
pub(super) fn without_validity(message: &mut ShortMessage) -> bool {
    !std::mem::take(&mut message.validity_period).is_empty()
}

/// The id of a submit response as receipts will write it: what is kept, compared and handed to the relay.
pub(super) fn response_id(config: &SmscConfig, id: &str) -> String {
    normalise_id(id, config.receipt_ids)
}

/// What a deliver_sm is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Delivery {
    /// The end of the SMSC's work on a push.
    Final(FinalReceipt),
    /// A push is still on its way.
    Intermediate,
    /// A message from a handset, or a handset's acknowledgement.
    Originated,
    /// A receipt that says neither which push nor what became of it.
    Unreadable,
}

/// Reads a deliver_sm.
pub(super) fn delivery(config: &SmscConfig, message: &ShortMessage) -> Delivery {
    if !message.is_receipt() {
        return Delivery::Originated;
    }
    let Some(receipt) = Receipt::read(message) else {
        return Delivery::Unreadable;
    };
    let intermediate = message.esm_class & esm_class::TYPE_MASK == esm_class::INTERMEDIATE;
    if intermediate || receipt.state.is_some_and(MessageState::is_intermediate) {
        return Delivery::Intermediate;
    }
    Delivery::Final(FinalReceipt {
        id: receipt
            .message_id
            .as_deref()
            .map(|id| normalise_id(id, IdForm::Same))
            .unwrap_or_default(),
        from: handset(&message.source),
        state: state(config, &receipt),
    })
}

/// A data_sm carries the same as a deliver_sm.
pub(super) fn of_data_sm(message: DataSm) -> ShortMessage {
    ShortMessage {
        service_type: message.service_type,
        source: message.source,
        destination: message.destination,
        esm_class: message.esm_class,
        registered_delivery: message.registered_delivery,
        data_coding: message.data_coding,
        tlvs: message.tlvs,
        ..ShortMessage::default()
    }
}

/// What a final state means for a push (SMPP 3.4 clause 5.2.28).
fn state(config: &SmscConfig, receipt: &Receipt) -> ReceiptState {
    let of_text = || receipt.error.as_deref().and_then(|error| error.parse().ok());
    let error: Option<u16> = receipt.network_error.map(|error| error.code).or_else(of_text);
    let permanent = error.is_some_and(|code| config.permanent_errors.contains(&code));
    match receipt.state {
        Some(MessageState::Delivered) => ReceiptState::Reached,
        Some(MessageState::Undeliverable) if permanent => ReceiptState::NeverReachable,
        // For good unless the error says congestion, which no two SMSCs spell alike: an error code that is not among
        // the permanent ones therefore counts as for now.
        Some(MessageState::Rejected) if permanent || error.is_none_or(|code| code == 0) => {
            ReceiptState::NeverReachable
        }
        Some(
            MessageState::Undeliverable
            | MessageState::Rejected
            | MessageState::Expired
            | MessageState::Deleted
            | MessageState::Unknown
            | MessageState::Skipped
            // Sorted out before; nothing is reached by them.
            | MessageState::Scheduled
            | MessageState::Enroute
            | MessageState::Accepted,
        )
        | None => ReceiptState::NotReached,
    }
}

/// A receipt comes from the handset that the push went to.
fn handset(source: &WireAddress) -> Option<Address> {
    let digits = source.addr.trim_start_matches('+');
    let fits = !digits.is_empty() && digits.bytes().all(|octet| octet.is_ascii_digit());
    fits.then(|| Address::Phone(digits.to_owned()))
}

#[cfg(test)]
mod tests {
    use mmsc_wire::smpp::Tlv;

    use super::super::config::Secret;
    use super::*;

    fn smsc() -> SmscConfig {
        SmscConfig::new("main", "smsc:2775", "mmsc", Secret::new("secret"))
    }

    fn receipt(state: u8, error: Option<u16>) -> ShortMessage {
        let mut tlvs = vec![
            Tlv::new(tag::RECEIPTED_MESSAGE_ID, *b"00AB\0"),
            Tlv::new(tag::MESSAGE_STATE, [state]),
        ];
        if let Some([high, low]) = error.map(u16::to_be_bytes) {
            tlvs.push(Tlv::new(tag::NETWORK_ERROR_CODE, [3, high, low]));
        }
        ShortMessage {
            source: WireAddress::international("491701234567"),
            esm_class: esm_class::RECEIPT,
            tlvs,
            ..ShortMessage::default()
        }
    }

    #[test]
    fn every_message_state_and_what_errors_change() {
        let of = |state, error| delivery(&smsc(), &receipt(state, error));
        let meant = |state| {
            Delivery::Final(FinalReceipt {
                id: "ab".into(),
                from: Some(Address::Phone("491701234567".into())),
                state,
            })
        };
        for state in [0, 1, 6] {
            assert_eq!(of(state, None), Delivery::Intermediate);
        }
        assert_eq!(of(2, None), meant(ReceiptState::Reached));
        for (state, error) in [
            (3, None),
            (4, None),
            (7, None),
            (9, None),
            (5, Some(6)),
            (5, None),
            (8, Some(99)),
            (77, None),
        ] {
            assert_eq!(of(state, error), meant(ReceiptState::NotReached), "{state} {error:?}");
        }
        for (state, error) in [(5, Some(1)), (5, Some(13)), (8, None), (8, Some(0))] {
            assert_eq!(
                of(state, error),
                meant(ReceiptState::NeverReachable),
                "{state} {error:?}"
            );
        }
    }

    #[test]
    fn the_text_form_and_what_is_no_receipt() {
        let mut message = ShortMessage {
            source: WireAddress::short_code("+491701234567"),
            short_message: b"ID:0123  sub:001 Stat:UNDELIV err:013 Text:id:9 stat:DELIVRD".to_vec(),
            esm_class: esm_class::RECEIPT,
            ..ShortMessage::default()
        };
        let expected = FinalReceipt {
            id: "123".into(),
            from: Some(Address::Phone("491701234567".into())),
            state: ReceiptState::NeverReachable,
        };
        assert_eq!(delivery(&smsc(), &message), Delivery::Final(expected));
        message.esm_class = 0;
        assert_eq!(delivery(&smsc(), &message), Delivery::Originated);
        message.esm_class = esm_class::INTERMEDIATE;
        assert_eq!(delivery(&smsc(), &message), Delivery::Intermediate);
        message.esm_class = esm_class::RECEIPT;
        message.short_message = b"thank you".to_vec();
        assert_eq!(delivery(&smsc(), &message), Delivery::Unreadable);
    }

    #[test]
    fn only_digits_are_numbers() {
        assert_eq!(number(&Address::Phone("491701234567".into())), Some("491701234567"));
        assert_eq!(number(&Address::ShortCode("INFO".into())), None);
        assert_eq!(number(&Address::Phone("1".repeat(21))), None);
        assert_eq!(number(&Address::Email("a@b.example".into())), None);
    }
}
