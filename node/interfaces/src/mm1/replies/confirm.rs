//! Confirmations of what is done: those that say that something is durable can only be made of a proof of its commit.

use mmsc_domain::Token;
use mmsc_domain::command::Accepted;
use mmsc_domain::mmbox::Stored;
use mmsc_relay::Committed;
use mmsc_wire::mms::{
    CountedLocation, CountedStatus, DeleteConf, EncodedString, ForwardConf, MboxDeleteConf, MboxStoreConf,
    MboxUploadConf, ResponseStatus, SendConf, StoreStatus, Text,
};

use super::{Asked, Fault, printable, response_text, store_status};
use crate::mm1::translate::StorePlace;

/// m-send-conf of a message that is durable: nothing else makes one with status Ok.
///
/// `left_out` are recipients that the adapter itself could not read; with them, or with such of the relay, a client
/// that knows the status (1.2) is told Error-transient-partial-success.
#[must_use]
pub fn accepted(
    asked: &Asked,
    accepted: &Committed<Accepted>,
    left_out: &[String],
    place: &StorePlace<'_>,
    store_asked: bool,
) -> SendConf<'static> {
    let value = accepted.value();
    let (status, text) = taken(value, left_out);
    let stored = StoredFields::of(asked, value, place, store_asked);
    SendConf {
        transaction_id: asked.transaction_id.clone(),
        version: asked.version,
        response_status: status.for_version(asked.version),
        response_text: text.map(EncodedString::from),
        message_id: Some(value.id.message_id(place.domain).into()),
        content_location: stored.location,
        store_status: stored.status,
        store_status_text: stored.text,
    }
}

/// m-forward-conf of a new message that is durable: nothing else makes one with status Ok. `left_out` as in
/// [`accepted`].
#[must_use]
pub fn forwarded(
    asked: &Asked,
    accepted: &Committed<Accepted>,
    left_out: &[String],
    place: &StorePlace<'_>,
    store_asked: bool,
) -> ForwardConf<'static> {
    let value = accepted.value();
    let (status, text) = taken(value, left_out);
    let stored = StoredFields::of(asked, value, place, store_asked);
    ForwardConf {
        transaction_id: asked.transaction_id.clone(),
        version: asked.version,
        response_status: status.for_version(asked.version),
        response_text: text.map(EncodedString::from),
        message_id: Some(value.id.message_id(place.domain).into()),
        content_location: stored.location,
        store_status: stored.status,
        store_status_text: stored.text,
    }
}

/// What a confirmation says of the wish to store the message.
#[derive(Default)]
struct StoredFields {
    location: Option<Text<'static>>,
    status: Option<StoreStatus>,
    text: Option<EncodedString<'static>>,
}

impl StoredFields {
    /// Nothing unless the client asked, and knows the fields (1.2).
    fn of(asked: &Asked, accepted: &Accepted, place: &StorePlace<'_>, store_asked: bool) -> Self {
        if !store_asked || asked.version.minor_or_zero() < 2 {
            return Self::default();
        }
        match accepted.stored {
            Some(Stored::At(token)) => Self {
                location: Some(place.location(token).into()),
                status: Some(StoreStatus::Success),
                text: None,
            },
            Some(Stored::Not(not)) => Self::refused(&not.into()),
            // The first answer to a repeat was given by a node that stored nothing.
            None => Self::refused(&Fault::NotOffered),
        }
    }

    fn refused(fault: &Fault) -> Self {
        Self {
            location: None,
            status: Some(store_status(fault)),
            text: Some(response_text(fault).into()),
        }
    }
}

/// m-mbox-store-conf of a message that is durable in its owner's store.
#[must_use]
pub fn mbox_stored(asked: &Asked, token: &Committed<Token>, place: &StorePlace<'_>) -> MboxStoreConf<'static> {
    MboxStoreConf {
        transaction_id: asked.transaction_id.clone(),
        version: asked.version,
        content_location: Some(place.location(*token.value()).into()),
        store_status: StoreStatus::Success,
        store_status_text: None,
    }
}

/// m-mbox-upload-conf of a message that is durable in its owner's store.
#[must_use]
pub fn mbox_uploaded(asked: &Asked, token: &Committed<Token>, place: &StorePlace<'_>) -> MboxUploadConf<'static> {
    MboxUploadConf {
        transaction_id: asked.transaction_id.clone(),
        version: asked.version,
        content_location: Some(place.location(*token.value()).into()),
        store_status: StoreStatus::Success,
        store_status_text: None,
    }
}

/// Whether it was taken for all recipients, or for some and for whom not.
fn taken(accepted: &Accepted, left_out: &[String]) -> (ResponseStatus, Option<String>) {
    let refused: Vec<&String> = left_out.iter().chain(&accepted.refused_recipients).collect();
    match refused.as_slice() {
        [] => (ResponseStatus::Ok, None),
        some => (ResponseStatus::PartialSuccess, Some(not_sent_to(some))),
    }
}

/// Recipients that an answer names; of more it says how many.
const NAMED_RECIPIENTS: usize = 10;

fn not_sent_to(recipients: &[&String]) -> String {
    let named: Vec<_> = recipients
        .iter()
        .take(NAMED_RECIPIENTS)
        .map(|text| printable(text))
        .collect();
    let named = named.join(", ");
    match recipients.len().saturating_sub(NAMED_RECIPIENTS) {
        0 => format!("Not sent to: {named}"),
        more => format!("Not sent to: {named} and {more} more"),
    }
}

/// m-delete-conf: what became of each location, tied to it by its position.
#[must_use]
pub fn deleted(asked: &Asked, statuses: Vec<ResponseStatus>) -> DeleteConf<'static> {
    let (content_locations, response_statuses) = tied(asked, statuses);
    DeleteConf {
        transaction_id: asked.transaction_id.clone(),
        version: asked.version,
        content_locations,
        response_statuses,
        ..DeleteConf::default()
    }
}

/// m-mbox-delete-conf, as [`deleted`].
#[must_use]
pub fn mbox_deleted(asked: &Asked, statuses: Vec<ResponseStatus>) -> MboxDeleteConf<'static> {
    let (content_locations, response_statuses) = tied(asked, statuses);
    MboxDeleteConf {
        transaction_id: asked.transaction_id.clone(),
        version: asked.version,
        content_locations,
        response_statuses,
        ..MboxDeleteConf::default()
    }
}

fn tied(asked: &Asked, statuses: Vec<ResponseStatus>) -> (Vec<CountedLocation<'static>>, Vec<CountedStatus<'static>>) {
    let answered = (0..).zip(asked.locations.iter().zip(statuses));
    let counted = answered.map(|(count, (location, status))| {
        (
            CountedLocation::new(count, location.clone()),
            CountedStatus::new(count, status.for_version(asked.version)),
        )
    });
    counted.unzip()
}
