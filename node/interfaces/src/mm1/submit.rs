//! m-send-req: identity, policy of the adapter, then the relay decides; the answer waits until it is durable.

use bytes::BytesMut;
use mmsc_domain::why::Refusal;
use mmsc_relay::SubmitAnswer;
use mmsc_wire::mms::{MessageType, SendReq};

use super::config::ForeignFrom;
use super::handler::{Answer, Service};
use super::identity::Identity;
use super::replies::{self, Asked, Fault};
use super::translate::{self, Submission, SubmitError};
use crate::metrics::{Mm1Outcome, Mm1Request};

/// A submission that may go to the relay.
pub(super) struct Prepared {
    asked: Asked,
    submission: Submission,
    store_asked: bool,
}

/// Everything that is decided before the relay is asked. `octets` are those that `pdu` was decoded from.
pub(super) fn prepare(
    service: &Service,
    pdu: &SendReq<'_>,
    octets: &[u8],
    identity: Identity,
) -> Result<Prepared, (Asked, Fault)> {
    let asked = Asked {
        kind: Some(MessageType::SendReq),
        transaction_id: pdu.transaction_id.clone().into_owned(),
        version: replies::answer_version(Some(pdu.version)),
        locations: Vec::new(),
    };
    let originator = match identity {
        Identity::Known(address) => address,
        Identity::Unknown => return Err((asked, Fault::Refused(Refusal::NoIdentity))),
        Identity::Bad(_) => return Err((asked, Fault::BadIdentity)),
    };
    let home = service.config.home_prefix.as_ref();
    let submission = match translate::submission(pdu, octets, originator.clone(), asked.version, home) {
        Ok(submission) => submission,
        Err(SubmitError::NoRecipients) => return Err((asked, Fault::Refused(Refusal::NoRecipients))),
        Err(SubmitError::BadRecipient(text)) => return Err((asked, Fault::Refused(Refusal::BadRecipient(text)))),
    };
    let foreign = submission
        .claimed_from
        .as_ref()
        .is_some_and(|claimed| *claimed != originator);
    if foreign && service.config.foreign_from == ForeignFrom::Refuse {
        return Err((asked, Fault::ForeignFrom));
    }
    Ok(Prepared {
        asked,
        submission,
        store_asked: pdu.store == Some(true),
    })
}

pub(super) async fn submit(service: &Service, prepared: Prepared, octets: BytesMut) -> Answer {
    let Prepared {
        asked,
        mut submission,
        store_asked,
    } = prepared;
    let left_out = std::mem::take(&mut submission.left_out);
    let (command, content) = submission.into_command(octets);
    let content_octets = u64::try_from(content.len()).unwrap_or(u64::MAX);
    match service.commands.submit(command, content).await {
        SubmitAnswer::Accepted(accepted) => {
            service.metrics.submitted_octets.add(content_octets);
            let conf = replies::accepted(&asked, &accepted, &left_out, &service.place(), store_asked);
            service.confirm(Mm1Request::SendReq, Mm1Outcome::Ok, &conf.into())
        }
        SubmitAnswer::Refused(refusal) => service.refuse(Mm1Request::SendReq, &asked, &Fault::Refused(refusal)),
        SubmitAnswer::Busy(busy) => service.refuse(Mm1Request::SendReq, &asked, &Fault::Busy(busy)),
    }
}
