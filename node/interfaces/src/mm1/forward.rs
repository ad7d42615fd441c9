//! m-forward-req: a message is passed on without having been fetched (digest 14.8).

use mmsc_domain::command::Forward;
use mmsc_domain::why::Refusal;
use mmsc_relay::SubmitAnswer;
use mmsc_wire::mms::{ForwardReq, MessageType, ReplyCharging};

use super::handler::{Answer, Service, token_at};
use super::identity::Identity;
use super::replies::{self, Asked, Fault};
use super::translate::{self, SubmitError};
use crate::metrics::{Mm1Outcome, Mm1Request};

/// A wish that may go to the relay.
pub(super) struct Prepared {
    asked: Asked,
    forward: Forward,
    left_out: Vec<String>,
    store_asked: bool,
}

/// Everything that is decided before the relay is asked.
pub(super) fn prepare(service: &Service, pdu: &ForwardReq<'_>, identity: Identity) -> Result<Prepared, (Asked, Fault)> {
    let asked = Asked {
        kind: Some(MessageType::ForwardReq),
        transaction_id: pdu.transaction_id.clone().into_owned(),
        version: replies::answer_version(Some(pdu.version)),
        locations: Vec::new(),
    };
    let forwarder = match identity {
        Identity::Known(address) => address,
        Identity::Unknown => return Err((asked, Fault::Refused(Refusal::NoIdentity))),
        Identity::Bad(_) => return Err((asked, Fault::BadIdentity)),
    };
    let Some(token) = token_at(&pdu.content_location) else {
        return Err((asked, Fault::Refused(Refusal::UnknownMessage)));
    };
    let charged = matches!(
        pdu.reply_charging,
        Some(ReplyCharging::Requested | ReplyCharging::RequestedTextOnly)
    );
    if charged {
        // A new message of somebody else's content; its forwarder offers nothing.
        return Err((asked, Fault::Refused(Refusal::ReplyChargingNotSupported)));
    }
    let home = service.config.home_prefix.as_ref();
    match translate::forward(pdu, token, forwarder, asked.version, home) {
        Ok((forward, left_out)) => Ok(Prepared {
            asked,
            forward,
            left_out,
            store_asked: pdu.store == Some(true),
        }),
        Err(SubmitError::NoRecipients) => Err((asked, Fault::Refused(Refusal::NoRecipients))),
        Err(SubmitError::BadRecipient(text)) => Err((asked, Fault::Refused(Refusal::BadRecipient(text)))),
    }
}

pub(super) async fn forward(service: &Service, prepared: Prepared) -> Answer {
    let request = Mm1Request::ForwardReq;
    let Prepared {
        asked,
        forward,
        left_out,
        store_asked,
    } = prepared;
    match service.commands.forward(forward).await {
        SubmitAnswer::Accepted(accepted) => {
            let conf = replies::forwarded(&asked, &accepted, &left_out, &service.place(), store_asked);
            service.confirm(request, Mm1Outcome::Ok, &conf.into())
        }
        SubmitAnswer::Refused(refusal) => service.refuse(request, &asked, &Fault::Refused(refusal)),
        SubmitAnswer::Busy(busy) => service.refuse(request, &asked, &Fault::Busy(busy)),
    }
}
