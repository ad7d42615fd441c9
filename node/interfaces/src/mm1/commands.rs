//! What MM1 asks of the actor tree, so that the adapter can be driven without one.

use bytes::Bytes;
use mmsc_domain::command::{Forward, HandsetAnswer, Retrieval, Submit};
use mmsc_domain::inbox::ReadStatus;
use mmsc_domain::mmbox::{MmBoxEntry, StoreWish, Upload, View};
use mmsc_domain::terminal::Sighting;
use mmsc_domain::{Address, MmId, Token, UnixMillis};
use mmsc_ports::BoxFuture;
use mmsc_relay::admission::Class;
use mmsc_relay::{Busy, Committed, FetchAnswer, HandsetReply, MmBoxAnswer, Relay, StoreError, SubmitAnswer, Viewed};

/// The commands that MM1 gives; [`Relay`] carries them out.
pub trait Commands: Send + Sync + 'static {
    /// See [`Relay::room`].
    fn room(&self, class: Class, octets: u64) -> Result<(), Busy>;
    /// See [`Relay::submit`].
    fn submit(&self, submit: Submit, octets: Bytes) -> BoxFuture<'_, SubmitAnswer>;
    /// See [`Relay::fetch`].
    fn fetch(&self, token: Token, requester: Option<Address>) -> BoxFuture<'_, FetchAnswer>;
    /// See [`Relay::content`].
    fn content<'a>(&'a self, retrieval: &'a Retrieval) -> BoxFuture<'a, Result<Bytes, ContentAway>>;
    /// See [`Relay::served`].
    fn served(&self, token: Token, complete: bool) -> BoxFuture<'_, ()>;
    /// See [`Relay::handset_answer`].
    fn handset_answer(
        &self,
        token: Token,
        requester: Option<Address>,
        answer: HandsetAnswer,
    ) -> BoxFuture<'_, HandsetReply>;
    /// See [`Relay::forward`].
    fn forward(&self, forward: Forward) -> BoxFuture<'_, SubmitAnswer>;
    /// See [`Relay::read_report`].
    fn read_report(
        &self,
        mm: MmId,
        recipient: Address,
        status: ReadStatus,
        at: Option<UnixMillis>,
    ) -> BoxFuture<'_, HandsetReply>;
    /// See [`Relay::stored_content`].
    fn stored_content<'a>(&'a self, entry: &'a MmBoxEntry) -> BoxFuture<'a, Result<Bytes, ContentAway>>;
    /// See [`Relay::mmbox_store`].
    fn mmbox_store(
        &self,
        owner: Address,
        token: Token,
        wish: StoreWish,
    ) -> BoxFuture<'_, MmBoxAnswer<Committed<Token>>>;
    /// See [`Relay::mmbox_upload`].
    fn mmbox_upload(&self, upload: Upload, octets: Bytes) -> BoxFuture<'_, MmBoxAnswer<Committed<Token>>>;
    /// See [`Relay::mmbox_view`].
    fn mmbox_view(&self, view: View) -> BoxFuture<'_, MmBoxAnswer<Viewed>>;
    /// See [`Relay::mmbox_delete`].
    fn mmbox_delete(&self, owner: Address, token: Token) -> BoxFuture<'_, MmBoxAnswer<()>>;
    /// See [`Relay::subscriber_seen`].
    fn subscriber_seen(&self, address: Address);
    /// See [`Relay::terminal_seen`].
    fn terminal_seen(&self, address: Address, sighting: Sighting);
}

/// Why there is no content to a message; the store says the rest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContentAway {
    /// It cannot be read now.
    #[error("the content cannot be read now: {0}")]
    ForNow(String),
    /// It is gone, or what is stored does not match its checksum: no repetition helps.
    #[error("the content is not there: {0}")]
    ForGood(String),
}

impl From<StoreError> for ContentAway {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NoContent(_) | StoreError::Corrupt(_) => Self::ForGood(error.to_string()),
            StoreError::Closed(_)
            | StoreError::Busy(_)
            | StoreError::TooLarge { .. }
            | StoreError::TooOld
            | StoreError::Contended { .. } => Self::ForNow(error.to_string()),
        }
    }
}

impl Commands for Relay {
    fn room(&self, class: Class, octets: u64) -> Result<(), Busy> {
        Relay::room(self, class, octets)
    }

    fn submit(&self, submit: Submit, octets: Bytes) -> BoxFuture<'_, SubmitAnswer> {
        Box::pin(Relay::submit(self, submit, octets))
    }

    fn fetch(&self, token: Token, requester: Option<Address>) -> BoxFuture<'_, FetchAnswer> {
        Box::pin(Relay::fetch(self, token, requester))
    }

    fn content<'a>(&'a self, retrieval: &'a Retrieval) -> BoxFuture<'a, Result<Bytes, ContentAway>> {
        Box::pin(async move { Ok(Relay::content(self, retrieval).await?) })
    }

    fn served(&self, token: Token, complete: bool) -> BoxFuture<'_, ()> {
        Box::pin(Relay::served(self, token, complete))
    }

    fn handset_answer(
        &self,
        token: Token,
        requester: Option<Address>,
        answer: HandsetAnswer,
    ) -> BoxFuture<'_, HandsetReply> {
        Box::pin(Relay::handset_answer(self, token, requester, answer))
    }

    fn forward(&self, forward: Forward) -> BoxFuture<'_, SubmitAnswer> {
        Box::pin(Relay::forward(self, forward))
    }

    fn read_report(
        &self,
        mm: MmId,
        recipient: Address,
        status: ReadStatus,
        at: Option<UnixMillis>,
    ) -> BoxFuture<'_, HandsetReply> {
        Box::pin(Relay::read_report(self, mm, recipient, status, at))
    }

    fn stored_content<'a>(&'a self, entry: &'a MmBoxEntry) -> BoxFuture<'a, Result<Bytes, ContentAway>> {
        Box::pin(async move { Ok(Relay::stored_content(self, entry).await?) })
    }

    fn mmbox_store(
        &self,
        owner: Address,
        token: Token,
        wish: StoreWish,
    ) -> BoxFuture<'_, MmBoxAnswer<Committed<Token>>> {
        Box::pin(Relay::mmbox_store(self, owner, token, wish))
    }

    fn mmbox_upload(&self, upload: Upload, octets: Bytes) -> BoxFuture<'_, MmBoxAnswer<Committed<Token>>> {
        Box::pin(Relay::mmbox_upload(self, upload, octets))
    }

    fn mmbox_view(&self, view: View) -> BoxFuture<'_, MmBoxAnswer<Viewed>> {
        Box::pin(Relay::mmbox_view(self, view))
    }

    fn mmbox_delete(&self, owner: Address, token: Token) -> BoxFuture<'_, MmBoxAnswer<()>> {
        Box::pin(Relay::mmbox_delete(self, owner, token))
    }

    fn subscriber_seen(&self, address: Address) {
        Relay::subscriber_seen(self, address);
    }

    fn terminal_seen(&self, address: Address, sighting: Sighting) {
        Relay::terminal_seen(self, address, sighting);
    }
}
