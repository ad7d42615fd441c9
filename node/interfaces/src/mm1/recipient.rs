//! What a recipient says about messages beside fetching them: m-read-rec-ind and m-delete-req (digest 14.7, 7.19).

use mmsc_domain::command::HandsetAnswer;
use mmsc_domain::inbox::ReadStatus;
use mmsc_domain::why::Refusal;
use mmsc_domain::{MmId, UnixMillis};
use mmsc_relay::HandsetReply;
use mmsc_wire::mms::ResponseStatus;

use super::handler::{Answer, Service, token_at};
use super::identity::Identity;
use super::replies::{self, Asked, Fault, HttpFault};
use super::respond;
use crate::metrics::{Mm1Outcome, Mm1Refusal, Mm1Request};

/// Locations that one request may name: each that is deleted is a commit of its own.
pub(super) const MAX_LOCATIONS: usize = 100;

/// Whoever is not known cannot report: a Message-ID is no secret, every recipient has it.
pub(super) async fn read(
    service: &Service,
    mm: Option<MmId>,
    status: ReadStatus,
    at: Option<UnixMillis>,
    identity: Identity,
) -> Answer {
    let request = Mm1Request::ReadRecInd;
    let silent = |outcome| Answer {
        request,
        outcome,
        response: respond::empty(),
    };
    let recipient = match service.requester(identity) {
        Ok(Some(recipient)) => recipient,
        Ok(None) => return silent(Mm1Outcome::Dropped),
        Err(why) => return service.http(request, HttpFault::Forbidden, why),
    };
    let Some(mm) = mm else {
        return silent(Mm1Outcome::Dropped);
    };
    match service.commands.read_report(mm, recipient, status, at).await {
        HandsetReply::Done => silent(Mm1Outcome::Ok),
        HandsetReply::NotThere | HandsetReply::NotYours | HandsetReply::TooLate => silent(Mm1Outcome::Dropped),
        HandsetReply::Busy(_) => service.http(request, HttpFault::Busy, Mm1Refusal::Busy),
    }
}

/// Each location is answered by itself.
pub(super) async fn delete(service: &Service, asked: &Asked, identity: Identity) -> Answer {
    let request = Mm1Request::DeleteReq;
    let requester = match identity {
        Identity::Known(address) => address,
        Identity::Unknown => return service.refuse(request, asked, &Fault::Refused(Refusal::NoIdentity)),
        Identity::Bad(_) => return service.refuse(request, asked, &Fault::BadIdentity),
    };
    if asked.locations.is_empty() || asked.locations.len() > MAX_LOCATIONS {
        let fault = Fault::Refused(Refusal::BadField("Content-Location"));
        return service.refuse(request, asked, &fault);
    }
    let mut statuses = Vec::with_capacity(asked.locations.len());
    for location in &asked.locations {
        let status = match token_at(location) {
            None => ResponseStatus::PermanentNotFound,
            Some(token) => {
                let reply = service
                    .commands
                    .handset_answer(token, Some(requester.clone()), HandsetAnswer::Deleted)
                    .await;
                deletion_status(reply)
            }
        };
        statuses.push(status);
    }
    let conf = replies::deleted(asked, statuses);
    service.confirm(request, Mm1Outcome::Ok, &conf.into())
}

fn deletion_status(reply: HandsetReply) -> ResponseStatus {
    match reply {
        HandsetReply::Done => ResponseStatus::Ok,
        // What has come to another end is not there to be deleted.
        HandsetReply::NotThere | HandsetReply::TooLate => ResponseStatus::PermanentNotFound,
        HandsetReply::NotYours => ResponseStatus::PermanentServiceDenied,
        HandsetReply::Busy(busy) => replies::response_status(&Fault::Busy(busy)),
    }
}
