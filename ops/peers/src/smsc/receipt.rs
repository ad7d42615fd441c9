//! Receipts as SMSCs write them (digest `smpp.md` section 3).

use mmsc_wire::smpp::{MessageState, ShortMessage, Tlv, esm_class, tag};

use super::behaviour::Form;

/// The `deliver_sm` that reports `state` about the message `id`, submitted as `submit`.
pub(super) fn receipt(submit: &ShortMessage, id: u64, state: MessageState, form: Form) -> ShortMessage {
    let hex = format!("{id:x}");
    let told_id = match form {
        Form::DecimalId => id.to_string(),
        Form::Text | Form::Tlvs | Form::Both => hex.clone(),
    };
    let text = format!(
        "id:{told_id} sub:001 dlvrd:{:03} submit date:2601010000 done date:2601010000 stat:{} err:{:03} text:",
        u8::from(state == MessageState::Delivered),
        word(state),
        u8::from(state != MessageState::Delivered),
    );
    let mut receipted = hex.into_bytes();
    receipted.push(0);
    let tlvs = vec![
        Tlv::new(tag::RECEIPTED_MESSAGE_ID, receipted),
        Tlv::new(tag::MESSAGE_STATE, [state.octet()]),
    ];
    let (short_message, tlvs) = match form {
        Form::Text | Form::DecimalId => (text.into_bytes(), Vec::new()),
        Form::Tlvs => (Vec::new(), tlvs),
        Form::Both => (text.into_bytes(), tlvs),
    };
    ShortMessage {
        source: submit.destination.clone(),
        destination: submit.source.clone(),
        esm_class: match state.is_intermediate() {
            true => esm_class::INTERMEDIATE,
            false => esm_class::RECEIPT,
        },
        short_message,
        tlvs,
        ..ShortMessage::default()
    }
}

fn word(state: MessageState) -> &'static str {
    match state {
        MessageState::Scheduled => "SCHEDULED",
        MessageState::Enroute => "ENROUTE",
        MessageState::Delivered => "DELIVRD",
        MessageState::Expired => "EXPIRED",
        MessageState::Deleted => "DELETED",
        MessageState::Undeliverable => "UNDELIV",
        MessageState::Accepted => "ACCEPTD",
        MessageState::Unknown => "UNKNOWN",
        MessageState::Rejected => "REJECTD",
        MessageState::Skipped => "SKIPPED",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mmsc_wire::smpp::Receipt;

    #[test]
    fn every_form_is_read_as_what_it_says() {
        for (form, id) in [
            (Form::Text, "1f"),
            (Form::Tlvs, "1f"),
            (Form::Both, "1f"),
            (Form::DecimalId, "31"),
        ] {
            let message = receipt(&ShortMessage::default(), 31, MessageState::Undeliverable, form);
            let read = Receipt::read(&message).unwrap();
            assert_eq!(read.message_id.as_deref(), Some(id), "{form:?}");
            assert_eq!(read.state, Some(MessageState::Undeliverable));
            assert!(message.is_receipt());
        }
    }
}
