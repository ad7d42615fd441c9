//! Fetching: what a handset gets, its octets, and what it means that they have left.

use bytes::Bytes;
use mmsc_domain::command::{Gone, Retrieval};
use mmsc_domain::{Address, MmId, Token};
use mmsc_store::{StoreError, TransactError};

use super::{Busy, FetchAnswer, Relay};
use crate::admission::Class;
use crate::context::Stop;
use crate::keys::{Entity, Target};
use crate::mm::{self, MmMessage, Reply, Work};
use crate::tree;

impl Relay {
    /// Looks a copy up for retrieval. `requester` is the authenticated identity, if there is one: a copy of somebody
    /// else is [`Gone::Unknown`] to it.
    pub async fn fetch(&self, token: Token, requester: Option<Address>) -> FetchAnswer {
        let _permit = match self.admit(Class::Retrieval, 0) {
            Ok(permit) => permit,
            Err(busy) => return FetchAnswer::Busy(busy),
        };
        let (ctx, requester) = (&self.ctx, requester.as_ref());
        match self
            .ctx
            .store
            .read(|txn| async move { mm::fetch(ctx, &txn, token, requester).await })
            .await
        {
            Ok(answer) => answer,
            Err(TransactError::Aborted(Stop::Unreadable(key))) => {
                tracing::error!(token = ?token, "a message's record cannot be read");
                tree::set_aside(ctx, Entity::Mm(mm_of(&key)), key).await;
                FetchAnswer::Gone(Gone::Ended)
            }
            Err(error) => {
                tracing::warn!(%error, "a retrieval could not be looked up");
                FetchAnswer::Busy(Busy::Store)
            }
        }
    }

    /// The octets of a retrieval, verified.
    pub async fn content(&self, retrieval: &Retrieval) -> Result<Bytes, StoreError> {
        match mm::content_of(retrieval) {
            Some((id, len)) => self.ctx.store.content(id, 0..len).await,
            None => Ok(Bytes::new()),
        }
    }

    /// The response to a retrieval left whole (`complete`) or broke. Only a whole one counts for something.
    pub async fn served(&self, token: Token, complete: bool) {
        // It only saves work, so it holds no credit while it waits for a commit: a thousand downloads without a word
        // must not keep handsets from answering. At the bound of live actors it is dropped, and the handset is told
        // once more.
        if !complete || tree::live_is_full(&self.ctx) {
            return;
        }
        match self.resolve(token).await {
            Ok(Some(Target::Copy(id, copy))) => {
                let message = MmMessage::Work(Work::Served { copy }, Reply::None, None);
                let _unserved = self.ctx.router.mm(id, message);
            }
            Ok(Some(Target::Entry(place))) => self.entry_served(place.owner, token).await,
            Ok(None) | Err(_) => {}
        }
    }

    pub(super) async fn resolve(&self, token: Token) -> Result<Option<Target>, TransactError<Stop>> {
        self.ctx
            .store
            .read(|txn| async move { mm::resolve(&txn, token).await })
            .await
    }
}

/// The MM whose row has this key (space and shard, then its id).
fn mm_of(key: &[u8]) -> MmId {
    MmId(key.get(3..19).and_then(|id| id.try_into().ok()).unwrap_or_default())
}
