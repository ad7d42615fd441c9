//! Between the relay's words and PAP's: a push as push-message with its content, a resultnotification-message as receipt.
//! Nothing else.

use bytes::Bytes;
use data_encoding::HEXLOWER;
use mmsc_domain::Address;
use mmsc_ports::UnixMillis;
use mmsc_relay::port::{Receipt, ReceiptState};
use mmsc_wire::pap::{
    Code, Dialect, EncodeError, Message, MessageState, PushMessage, Quality, Related, ResultNotification, Timestamp,
    encode, number_of,
};
use mmsc_wire::push::{self, PushError};

use super::config::PpgConfig;
use crate::bearer::{Push, number};

/// Hexadecimal digits of the random part of a push-id.
const RANDOM_DIGITS: usize = 32;

/// A number written in national form has at least so many digits.
const LEAST_DIGITS: usize = 6;

/// `RANDOM.pDIGITS.GATEWAY@DOMAIN` (`s` for a short code): unguessable, and enough to find the subscriber of a report
/// (consistency rule 5). `None` for what is no number.
pub(super) fn push_id(random: [u8; 16], to: &Address, gateway: &str, domain: &str) -> Option<String> {
    let kind = match to {
        Address::Phone(_) => 'p',
        Address::ShortCode(_) => 's',
        Address::Email(_) | Address::Ipv4(_) | Address::Ipv6(_) | Address::Other(..) => return None,
    };
    let digits = number(to)?;
    Some(format!(
        "{}.{kind}{digits}.{gateway}@{domain}",
        HEXLOWER.encode(&random)
    ))
}

/// What a push-id of ours names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Named<'a> {
    pub(super) gateway: &'a str,
    pub(super) address: Address,
}

/// Reads a push-id; `None` if it is none of ours.
pub(super) fn named(push_id: &str) -> Option<Named<'_>> {
    let (local, _domain) = push_id.split_once('@')?;
    let (random, rest) = local.split_once('.')?;
    let (to, gateway) = rest.split_once('.')?;
    let hex = random.len() == RANDOM_DIGITS && HEXLOWER.decode(random.as_bytes()).is_ok();
    let address = match (to.strip_prefix('p'), to.strip_prefix('s')) {
        (Some(digits), _) => Address::Phone(digits.to_owned()),
        (None, Some(digits)) => Address::ShortCode(digits.to_owned()),
        (None, None) => return None,
    };
    number(&address).filter(|_| hex)?;
    Some(Named { gateway, address })
}

/// A request's body and its type.
#[derive(Clone, Debug)]
pub(super) struct Body {
    pub(super) content_type: String,
    pub(super) octets: Bytes,
}

/// Why a push has no form in PAP: a mistake of ours.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unwritable {
    #[error("{0}")]
    Push(#[from] PushError),
    #[error("{0}")]
    Control(#[from] EncodeError),
}

/// The request for a push. The gateway makes the WSP envelope itself, so only its content goes there.
pub(super) fn request(config: &PpgConfig, push: &Push, push_id: &str, now: UnixMillis) -> Result<Body, Unwritable> {
    let envelope = push::decode(&push.octets)?;
    let digits = number(&push.to).unwrap_or_default();
    let international = matches!(push.to, Address::Phone(_));
    let message = PushMessage {
        push_id: push_id.to_owned(),
        replace: None,
        deliver_before: Some(Timestamp::from_seconds(now.plus(push.validity).0 / 1000)),
        source_reference: config.source_reference.clone(),
        notify_to: config.notify_url.clone(),
        address: config.address_form.write(digits, international),
        quality: Some(Quality {
            network: config.network.clone(),
            bearer: config.bearer.clone(),
            ..Quality::default()
        }),
    };
    let mut control = Vec::with_capacity(1024);
    encode(&Message::Push(message), config.dialect, &mut control)?;
    let mut octets = Vec::with_capacity(control.len() + envelope.data.len() + 256);
    let content_type = Related::mms(&control, envelope.data).encode(&mut octets);
    Ok(Body {
        content_type,
        octets: octets.into(),
    })
}

/// A document of ours in the listener's answer.
pub(super) fn document(message: &Message) -> Bytes {
    let mut out = Vec::with_capacity(512);
    match encode(message, Dialect::V2_0, &mut out) {
        Ok(()) => out.into(),
        // What was decoded has no control characters, so this cannot be; an empty body says nothing wrong.
        Err(_) => Bytes::new(),
    }
}

/// What a result notification says; `None` while the push is on its way.
pub(super) fn state(notification: &ResultNotification) -> Option<ReceiptState> {
    let address = [Code::ADDRESS_ERROR, Code::ADDRESS_NOT_FOUND].contains(&notification.outcome.code);
    match notification.state {
        MessageState::Pending | MessageState::Unknown => None,
        MessageState::Delivered => Some(ReceiptState::Reached),
        MessageState::Undeliverable | MessageState::Rejected if address => Some(ReceiptState::NeverReachable),
        MessageState::Undeliverable
        | MessageState::Rejected
        | MessageState::Expired
        | MessageState::Aborted
        | MessageState::Timeout
        | MessageState::Cancelled => Some(ReceiptState::NotReached),
    }
}

/// Whether the address element may speak of the number of the push-id: gateways write it back with other prefixes, or
/// leave it out. What decides is the push-id; this only tells apart what cannot be meant.
pub(super) fn same_number(notification: &ResultNotification, address: &Address) -> bool {
    let Some(written) = notification.address.as_deref().and_then(number_of) else {
        return true;
    };
    let (written, own) = (written.trim_start_matches('0'), number(address).unwrap_or_default());
    written == own || (written.len() >= LEAST_DIGITS && (own.ends_with(written) || written.ends_with(own)))
}

/// The receipt for the relay.
pub(super) fn receipt(named: Named<'_>, push_id: &str, state: ReceiptState) -> Receipt {
    Receipt {
        address: named.address,
        destination: named.gateway.to_owned(),
        message_id: push_id.to_owned(),
        state,
    }
}

#[cfg(test)]
mod tests {
    use mmsc_wire::pap::Outcome;

    use super::*;

    #[test]
    fn a_push_id_names_gateway_and_handset() {
        let phone = Address::Phone("15550100002".into());
        let id = push_id([0xab; 16], &phone, "main-1", "mmsc.example").unwrap();
        assert_eq!(id, format!("{}.p15550100002.main-1@mmsc.example", "ab".repeat(16)));
        let expected = Named {
            gateway: "main-1",
            address: phone,
        };
        assert_eq!(named(&id), Some(expected));
        let code = Address::ShortCode("1234".into());
        let id = push_id([0; 16], &code, "g", "d").unwrap();
        assert_eq!(named(&id).unwrap().address, code);
        let mail = Address::Email("a@b.example".into());
        assert_eq!(push_id([0; 16], &mail, "g", "d"), None);
        let random = "0".repeat(32);
        for wrong in [
            String::new(),
            format!("{random}.p1.g"),
            format!("{random}.p.g@d"),
            format!("{random}.x1.g@d"),
            format!("{random}.p1a.g@d"),
            format!("{random}.p1@d"),
            format!("{}.p1.g@d", "0".repeat(31)),
            format!("{}.p1.g@d", "G".repeat(32)),
            format!("{random}.p{}.g@d", "1".repeat(21)),
        ] {
            assert_eq!(named(&wrong), None, "{wrong}");
        }
    }

    #[test]
    fn numbers_come_back_in_other_forms() {
        let same = |written: &str, own: &str| {
            let notification = ResultNotification {
                push_id: "a".into(),
                state: MessageState::Delivered,
                outcome: Outcome {
                    code: Code::OK,
                    desc: None,
                },
                sender_name: None,
                event_time: None,
                address: (!written.is_empty()).then(|| written.to_owned()),
            };
            same_number(&notification, &Address::Phone(own.into()))
        };
        for written in [
            "",
            "anything",
            "WAPPUSH=+4917155501/TYPE=PLMN@x",
            "WAPPUSH=004917155501",
            "WAPPUSH=017155501",
        ] {
            assert!(same(written, "4917155501"), "{written}");
        }
        for written in ["WAPPUSH=+4917155502/TYPE=PLMN@x", "WAPPUSH=5501", "WAPPUSH=0"] {
            assert!(!same(written, "4917155501"), "{written}");
        }
    }

    #[test]
    fn every_message_state() {
        let of = |state, code| {
            super::state(&ResultNotification {
                push_id: "a".into(),
                state,
                outcome: Outcome {
                    code: Code(code),
                    desc: None,
                },
                sender_name: None,
                event_time: None,
                address: None,
            })
        };
        assert_eq!(of(MessageState::Delivered, 1000), Some(ReceiptState::Reached));
        for state in [MessageState::Pending, MessageState::Unknown] {
            assert_eq!(of(state, 1001), None);
        }
        for state in [
            MessageState::Undeliverable,
            MessageState::Rejected,
            MessageState::Expired,
            MessageState::Aborted,
            MessageState::Timeout,
            MessageState::Cancelled,
        ] {
            assert_eq!(of(state, 4000), Some(ReceiptState::NotReached), "{state:?}");
        }
        assert_eq!(
            of(MessageState::Undeliverable, 2003),
            Some(ReceiptState::NeverReachable)
        );
        assert_eq!(of(MessageState::Expired, 2003), Some(ReceiptState::NotReached));
    }
}
