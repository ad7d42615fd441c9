//! What a client asks of its store: each a transaction of its own, with a permit of admission.

use std::sync::OnceLock;

use bytes::Bytes;
use mmsc_domain::content;
use mmsc_domain::mmbox::{MmBoxEntry, MmBoxPolicy, MmBoxTotals, NotStored, StoreWish, Upload, View};
use mmsc_domain::{Address, Token};
use mmsc_store::{Committed, ContentId, StoreError, TransactError};

use super::{store, view};
use crate::admission::Class;
use crate::api::{Busy, Relay};
use crate::context::{Stop, busy};

/// Answer to a command about a store.
#[derive(Debug)]
pub enum MmBoxAnswer<T> {
    /// Done, and durable if it changed something.
    Done(T),
    /// Not done, and will not be if repeated unchanged.
    Not(NotStored),
    /// Not done now.
    Busy(Busy),
}

impl<T> MmBoxAnswer<T> {
    fn failed(error: TransactError<Stop>) -> Self {
        tracing::warn!(%error, "a network store could not be served");
        match error {
            TransactError::Aborted(Stop::Unreadable(_)) => Self::Not(NotStored::Damaged),
            TransactError::Aborted(Stop::FenceLost | Stop::Store(_))
            | TransactError::Store(_)
            | TransactError::Unknown => Self::Busy(busy(&error)),
        }
    }
}

/// A page of a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Viewed {
    /// What is on the page, newest first.
    pub entries: Vec<ViewedEntry>,
    /// Entries that match, on this page or not.
    pub matching: u64,
    /// What the owner has stored.
    pub totals: MmBoxTotals,
    /// What the owner may store.
    pub quota: MmBoxPolicy,
}

/// An entry on a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ViewedEntry {
    /// The entry.
    pub entry: MmBoxEntry,
    /// Its octets, where they were asked for and fit.
    pub content: Option<Bytes>,
}

impl Relay {
    /// m-mbox-store-req: stores the copy with this token for its recipient `owner`, or changes state and keywords of
    /// the entry that it means. The entry's token comes back; a repeat gets the same.
    pub async fn mmbox_store(&self, owner: Address, token: Token, wish: StoreWish) -> MmBoxAnswer<Committed<Token>> {
        if self.ctx.policy.mmbox.is_none() {
            return MmBoxAnswer::Not(NotStored::NotOffered);
        }
        let _permit = match self.admit(Class::Answer, 0) {
            Ok(permit) => permit,
            Err(busy) => return MmBoxAnswer::Busy(busy),
        };
        let (ctx, owner, wish) = (&self.ctx, &owner, &wish);
        let commit = ctx.store.transact(ctx.operation(), |txn| async move {
            store::store(ctx, &txn, owner, token, wish).await
        });
        self.stored(commit.await)
    }

    /// m-mbox-upload-req: stores a message of the client; `octets` holds its parts' octets one after another.
    pub async fn mmbox_upload(&self, mut upload: Upload, octets: Bytes) -> MmBoxAnswer<Committed<Token>> {
        if self.ctx.policy.mmbox.is_none() {
            return MmBoxAnswer::Not(NotStored::NotOffered);
        }
        let len = u64::try_from(octets.len()).unwrap_or(u64::MAX);
        let _permit = match self.admit(Class::Submission, len) {
            Ok(permit) => permit,
            Err(busy) => return MmBoxAnswer::Busy(busy),
        };
        if len > self.ctx.policy.max_content_bytes {
            return MmBoxAnswer::Not(NotStored::TooLarge);
        }
        let staged = match self.stage(&mut upload.message.parts, octets).await {
            Ok(staged) => staged,
            Err(busy) => return MmBoxAnswer::Busy(busy),
        };
        let within_rate = OnceLock::new();
        let (ctx, upload, staged, within_rate) = (&self.ctx, &upload, staged.as_ref(), &within_rate);
        let commit = ctx.store.transact(ctx.operation(), |txn| async move {
            store::upload(ctx, &txn, upload, staged, within_rate).await
        });
        let answer = self.stored(commit.await);
        if matches!(answer, MmBoxAnswer::Not(NotStored::NotAccepted))
            && let Err(why) = content::check(&upload.message, &ctx.policy)
        {
            ctx.metrics.count_refused_content(&why);
        }
        answer
    }

    fn stored(
        &self,
        result: Result<Committed<Result<Token, NotStored>>, TransactError<Stop>>,
    ) -> MmBoxAnswer<Committed<Token>> {
        let committed = match result {
            Ok(committed) => committed,
            Err(error) => return MmBoxAnswer::failed(error),
        };
        match *committed.value() {
            Ok(token) => MmBoxAnswer::Done(committed.map(|_| token)),
            Err(not) => {
                if not == NotStored::Full {
                    self.ctx.metrics.not_stored.increment();
                }
                MmBoxAnswer::Not(not)
            }
        }
    }

    /// m-mbox-delete-req, for one of its locations.
    pub async fn mmbox_delete(&self, owner: Address, token: Token) -> MmBoxAnswer<()> {
        if self.ctx.policy.mmbox.is_none() {
            return MmBoxAnswer::Not(NotStored::NotOffered);
        }
        let _permit = match self.admit(Class::Answer, 0) {
            Ok(permit) => permit,
            Err(busy) => return MmBoxAnswer::Busy(busy),
        };
        let (ctx, owner) = (&self.ctx, &owner);
        let commit = ctx.store.transact(ctx.operation(), |txn| async move {
            store::delete(ctx, &txn, owner, token).await
        });
        match commit.await.map(Committed::into_value) {
            Ok(Ok(())) => MmBoxAnswer::Done(()),
            Ok(Err(not)) => MmBoxAnswer::Not(not),
            Err(error) => MmBoxAnswer::failed(error),
        }
    }

    /// m-mbox-view-req: one page of a store.
    pub async fn mmbox_view(&self, view: View) -> MmBoxAnswer<Viewed> {
        let Some(quota) = self.ctx.policy.mmbox else {
            return MmBoxAnswer::Not(NotStored::NotOffered);
        };
        let octets = if view.content { quota.max_view_octets } else { 0 };
        let _permit = match self.admit(Class::Retrieval, octets) {
            Ok(permit) => permit,
            Err(busy) => return MmBoxAnswer::Busy(busy),
        };
        let (ctx, view) = (&self.ctx, &view);
        let read = ctx.store.read(|txn| async move { view::view(ctx, &txn, view).await });
        let listing = match read.await {
            Ok(Ok(listing)) => listing,
            Ok(Err(not)) => return MmBoxAnswer::Not(not),
            Err(error) => return MmBoxAnswer::failed(error),
        };
        let mut entries = Vec::with_capacity(listing.entries.len());
        for (entry, with_content) in listing.entries {
            let content = match with_content {
                true => self.stored_content(&entry).await,
                false => Ok(Bytes::new()),
            };
            match content {
                Ok(octets) => entries.push(ViewedEntry {
                    entry,
                    content: with_content.then_some(octets),
                }),
                // Deleted since the list was read, or damaged: it is described, and fetching it says the rest.
                Err(StoreError::NoContent(_) | StoreError::Corrupt(_)) => {
                    entries.push(ViewedEntry { entry, content: None });
                }
                Err(
                    error @ (StoreError::Closed(_)
                    | StoreError::Busy(_)
                    | StoreError::TooLarge { .. }
                    | StoreError::TooOld
                    | StoreError::Contended { .. }),
                ) => return MmBoxAnswer::failed(error.into()),
            }
        }
        MmBoxAnswer::Done(Viewed {
            entries,
            matching: listing.matching,
            totals: listing.totals,
            quota,
        })
    }

    /// The octets of a stored message, verified.
    pub async fn stored_content(&self, entry: &MmBoxEntry) -> Result<Bytes, StoreError> {
        match entry.content.len {
            0 => Ok(Bytes::new()),
            len => self.ctx.store.content(ContentId(entry.content.id), 0..len).await,
        }
    }

    /// The entry left whole for its owner: a new one counts as retrieved. Only saves the owner a look, so that it is
    /// dropped where there is no credit for it.
    pub(crate) async fn entry_served(&self, owner: Address, token: Token) {
        let Ok(_permit) = self.admit(Class::Answer, 0) else {
            return;
        };
        let (ctx, owner) = (&self.ctx, &owner);
        let commit = ctx.store.transact(ctx.operation(), |txn| async move {
            store::served(ctx, &txn, owner, token).await
        });
        if let Err(error) = commit.await {
            tracing::warn!(%error, "a stored message was fetched, and is new all the same");
        }
    }
}
