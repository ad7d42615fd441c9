//! What is known of subscribers' handsets: written beside everything else, read when they are told or fetch.

use mmsc_domain::Address;
use mmsc_domain::profile::SubscriberProfile;
use mmsc_domain::terminal::{Sighting, Terminal, sighted};
use mmsc_store::{TransactError, Txn};

use crate::admission::Class;
use crate::api::Relay;
use crate::context::{Context, Stop};
use crate::keys;
use crate::records::encode;

impl Relay {
    /// A handset said something about itself. Returns at once; what it said is written in the background if it is
    /// news, and dropped where there is no credit: it says it again.
    pub fn terminal_seen(&self, address: Address, sighting: Sighting) {
        let Ok(permit) = self.admit(Class::Submission, 0) else {
            return self.ctx.metrics.terminals_dropped.increment();
        };
        let ctx = std::sync::Arc::clone(&self.ctx);
        let note = async move {
            match note(&ctx, &address, &sighting).await {
                Ok(true) => ctx.metrics.terminals_written.increment(),
                Ok(false) => {}
                Err(error) => {
                    tracing::debug!(%error, "what a handset said about itself is not noted");
                    ctx.metrics.terminals_dropped.increment();
                }
            }
            drop(permit);
        };
        self.ctx.ports.spawn.task("terminal-seen", Box::pin(note));
    }

    /// What is known of a subscriber's handset.
    ///
    /// # Errors
    /// The store cannot be read now.
    pub async fn terminal(&self, address: &Address) -> Result<Option<Terminal>, crate::Busy> {
        let ctx = &self.ctx;
        let found = ctx.store.read(|txn| async move { terminal(ctx, &txn, address).await });
        found.await.map_err(|error| crate::context::busy(&error))
    }
}

/// Whether a row was written. Looked at first without a commit: most sightings are no news.
async fn note(ctx: &Context, address: &Address, sighting: &Sighting) -> Result<bool, TransactError<Stop>> {
    let now = ctx.now();
    let news = |before: Option<Terminal>| sighted(before.as_ref(), sighting, now);
    let known = ctx.store.read(|txn| async move { terminal(ctx, &txn, address).await });
    if news(known.await?).is_none() {
        return Ok(false);
    }
    let written = ctx.store.transact(ctx.operation(), |txn| async move {
        let key = keys::terminal(ctx.shard_of(address), address);
        // With conflict: of two handsets at once one is first, and the other too soon.
        let row = txn.get(&key).await?;
        let after = news(row.and_then(|row| minicbor::decode(&row).ok()));
        if let Some(after) = &after {
            txn.set(key, encode(after));
        }
        Ok(after.is_some())
    });
    written.await.map(mmsc_store::Committed::into_value)
}

/// The row; one that cannot be read counts as none, and is overwritten by the next sighting.
async fn terminal(ctx: &Context, txn: &Txn, address: &Address) -> Result<Option<Terminal>, Stop> {
    let row = txn.get_snapshot(keys::terminal(ctx.shard_of(address), address)).await?;
    Ok(row.and_then(|row| minicbor::decode(&row).ok()))
}

/// The MMS version to speak to a subscriber's handset: what its own record says, else what it spoke last.
pub async fn mms_version(ctx: &Context, txn: &Txn, address: &Address) -> Result<Option<u8>, Stop> {
    let row = txn
        .get_snapshot(keys::subscriber(ctx.shard_of(address), address))
        .await?;
    let profile = row.and_then(|row| minicbor::decode::<SubscriberProfile>(&row).ok());
    match profile.and_then(|profile| profile.mms_version) {
        Some(version) => Ok(Some(version)),
        None => Ok(terminal(ctx, txn, address).await?.and_then(|known| known.mms_version)),
    }
}
