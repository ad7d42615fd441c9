//! m-mbox-store-req, m-mbox-view-req, m-mbox-upload-req, m-mbox-delete-req: the network store of the subscriber
//! (digest 16). Where it is not offered, the relay says so and each gets its confirmation with 0xE1.

use bytes::BytesMut;
use mmsc_domain::mmbox::{StoreWish, View};
use mmsc_domain::why::Refusal;
use mmsc_domain::{Address, Token};
use mmsc_relay::{Committed, MmBoxAnswer};
use mmsc_wire::mms::{MboxStoreReq, MboxUploadReq, MboxViewReq, Pdu, ResponseStatus};

use super::handler::{Answer, Service, token_at};
use super::identity::Identity;
use super::recipient::MAX_LOCATIONS;
use super::replies::{self, Asked, Fault, HttpFault};
use super::respond;
use super::translate::{self, UploadError, Uploading, ViewEcho};
use crate::http::Chunks;
use crate::metrics::{Mm1Outcome, Mm1Refusal, Mm1Request};

/// A request that may go to the relay, borrowing nothing from its PDU.
pub(super) struct Prepared {
    asked: Asked,
    owner: Address,
    kind: Kind,
}

enum Kind {
    Store(Token, StoreWish),
    View(Box<(View, ViewEcho)>),
    Upload(Box<Uploading>),
    Delete,
}

/// Everything that is decided before the relay is asked. `octets` are those that the PDU was decoded from. None if it
/// is a PDU of another kind.
pub(super) fn prepare(
    service: &Service,
    pdu: &Pdu<'_>,
    asked: impl FnOnce(&Pdu<'_>) -> Asked,
    octets: &[u8],
    identity: &Identity,
) -> Option<Result<Prepared, (Asked, Fault)>> {
    if !matches!(
        pdu,
        Pdu::MboxStoreReq(_) | Pdu::MboxViewReq(_) | Pdu::MboxUploadReq(_) | Pdu::MboxDeleteReq(_)
    ) {
        return None;
    }
    let asked = asked(pdu);
    let owner = match identity {
        Identity::Known(address) => address.clone(),
        Identity::Unknown => return Some(Err((asked, Fault::Refused(Refusal::NoIdentity)))),
        Identity::Bad(_) => return Some(Err((asked, Fault::BadIdentity))),
    };
    let kind = match pdu {
        Pdu::MboxStoreReq(pdu) => store(pdu),
        Pdu::MboxViewReq(pdu) => view(pdu, &asked, &owner),
        Pdu::MboxUploadReq(pdu) => upload(service, pdu, &asked, octets, &owner),
        Pdu::MboxDeleteReq(_) => delete(&asked),
        _ => return None,
    };
    Some(match kind {
        Ok(kind) => Ok(Prepared { asked, owner, kind }),
        Err(fault) => Err((asked, fault)),
    })
}

fn bad(field: &'static str) -> Fault {
    Fault::Refused(Refusal::BadField(field))
}

fn store(pdu: &MboxStoreReq<'_>) -> Result<Kind, Fault> {
    let token = token_at(&pdu.content_location).ok_or(Fault::Refused(Refusal::UnknownMessage))?;
    Ok(Kind::Store(token, translate::store_wish(pdu.mm_state, &pdu.mm_flags)))
}

fn view(pdu: &MboxViewReq<'_>, asked: &Asked, owner: &Address) -> Result<Kind, Fault> {
    if pdu.content_locations.len() > MAX_LOCATIONS {
        return Err(bad("Content-Location"));
    }
    let view = translate::view(pdu, owner.clone(), token_at);
    Ok(Kind::View(Box::new((view, ViewEcho::of(pdu, asked.version)))))
}

fn upload(
    service: &Service,
    pdu: &MboxUploadReq<'_>,
    asked: &Asked,
    octets: &[u8],
    owner: &Address,
) -> Result<Kind, Fault> {
    let home = service.config.home_prefix.as_ref();
    let uploading = translate::upload(pdu, octets, owner.clone(), asked.version, &service.decoder, home);
    match uploading {
        Ok(uploading) => Ok(Kind::Upload(Box::new(uploading))),
        Err(UploadError::NoDescription) => Err(bad("m-mbox-descr")),
        Err(UploadError::BadRecipient(text)) => Err(Fault::Refused(Refusal::BadRecipient(text))),
    }
}

fn delete(asked: &Asked) -> Result<Kind, Fault> {
    if asked.locations.is_empty() || asked.locations.len() > MAX_LOCATIONS {
        return Err(bad("Content-Location"));
    }
    Ok(Kind::Delete)
}

/// Asks the relay; `octets` are moved where they are uploaded.
pub(super) async fn answer(service: &Service, prepared: Prepared, octets: BytesMut) -> Answer {
    let Prepared { asked, owner, kind } = prepared;
    match kind {
        Kind::Store(token, wish) => {
            let request = Mm1Request::MboxStoreReq;
            let stored = service.commands.mmbox_store(owner, token, wish).await;
            let conf = |token: &Committed<Token>| replies::mbox_stored(&asked, token, &service.place()).into();
            confirmed(service, request, &asked, stored, conf)
        }
        Kind::Upload(uploading) => {
            let request = Mm1Request::MboxUploadReq;
            let (upload, content) = uploading.into_command(octets);
            let stored = service.commands.mmbox_upload(upload, content).await;
            let conf = |token: &Committed<Token>| replies::mbox_uploaded(&asked, token, &service.place()).into();
            confirmed(service, request, &asked, stored, conf)
        }
        Kind::View(view) => listed(service, &asked, *view).await,
        Kind::Delete => deleted(service, &asked, owner).await,
    }
}

fn confirmed(
    service: &Service,
    request: Mm1Request,
    asked: &Asked,
    answer: MmBoxAnswer<Committed<Token>>,
    conf: impl FnOnce(&Committed<Token>) -> Pdu<'static>,
) -> Answer {
    match answer {
        MmBoxAnswer::Done(token) => service.confirm(request, Mm1Outcome::Ok, &conf(&token)),
        MmBoxAnswer::Not(not) => service.refuse(request, asked, &not.into()),
        MmBoxAnswer::Busy(busy) => service.refuse(request, asked, &Fault::Busy(busy)),
    }
}

async fn listed(service: &Service, asked: &Asked, (view, echo): (View, ViewEcho)) -> Answer {
    let request = Mm1Request::MboxViewReq;
    let viewed = match service.commands.mmbox_view(view).await {
        MmBoxAnswer::Done(viewed) => viewed,
        MmBoxAnswer::Not(not) => return service.refuse(request, asked, &not.into()),
        MmBoxAnswer::Busy(busy) => return service.refuse(request, asked, &Fault::Busy(busy)),
    };
    match translate::view_conf(echo, &viewed, &service.place()) {
        Ok(octets) => Answer {
            request,
            outcome: Mm1Outcome::Ok,
            response: respond::pdu(Chunks::new(vec![octets.into()])),
        },
        Err(error) => {
            tracing::error!(%error, "stored messages cannot be listed");
            service.http(request, HttpFault::Internal, Mm1Refusal::Http)
        }
    }
}

/// Each location is answered by itself; where there are no stores, all of them are refused.
async fn deleted(service: &Service, asked: &Asked, owner: Address) -> Answer {
    let request = Mm1Request::MboxDeleteReq;
    let mut statuses = Vec::with_capacity(asked.locations.len());
    for location in &asked.locations {
        let Some(token) = token_at(location) else {
            statuses.push(ResponseStatus::PermanentNotFound);
            continue;
        };
        let status = match service.commands.mmbox_delete(owner.clone(), token).await {
            MmBoxAnswer::Done(()) => ResponseStatus::Ok,
            MmBoxAnswer::Not(not) => match Fault::from(not) {
                fault @ Fault::NotOffered => return service.refuse(request, asked, &fault),
                fault => replies::response_status(&fault),
            },
            MmBoxAnswer::Busy(busy) => replies::response_status(&Fault::Busy(busy)),
        };
        statuses.push(status);
    }
    let conf = replies::mbox_deleted(asked, statuses);
    service.confirm(request, Mm1Outcome::Ok, &conf.into())
}
