//! The engine behind the store, and the retry loop in front of it.

use std::future::Future;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use mmsc_ports::BoxFuture;

use crate::content::{ContentId, Staged};
use crate::error::{StoreError, TransactError};
use crate::txn::{Txn, TxnBackend};

/// Names one logical operation over all its retries, so that a maybe-committed outcome can be settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct OperationId(pub [u8; 16]);

/// Rises with every commit of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommitVersion(pub u64);

/// Proof that something is durable. Only a commit (or the read of a durable row) makes one; a positive answer to a
/// submitter can be built from nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Committed<T> {
    value: T,
    version: CommitVersion,
}

impl<T> Committed<T> {
    pub(crate) fn new(value: T, version: CommitVersion) -> Self {
        Self { value, version }
    }

    /// What the transaction returned.
    pub fn value(&self) -> &T {
        &self.value
    }

    /// What the transaction returned, by value.
    pub fn into_value(self) -> T {
        self.value
    }

    /// The version of the commit.
    pub fn version(&self) -> CommitVersion {
        self.version
    }

    /// The same proof for something derived from the value.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Committed<U> {
        Committed {
            value: f(self.value),
            version: self.version,
        }
    }
}

/// How one commit attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommitFailure {
    /// Something that was read has a newer write: run the closure again.
    Conflict,
    /// The store refused; nothing was written.
    Store(StoreError),
    /// May or may not be committed.
    Unknown,
}

/// A started transaction together with the means to commit it.
pub trait Attempt: Send {
    /// The handle for the closure.
    fn backend(&self) -> Arc<dyn TxnBackend>;
    /// Commits what the closure wrote.
    fn commit(self: Box<Self>) -> BoxFuture<'static, Result<CommitVersion, CommitFailure>>;
}

/// A storage engine.
pub trait Engine: Send + Sync + 'static {
    /// Starts a transaction at the newest committed version. `retry` counts from 0; an engine whose commits may end
    /// unknown writes `operation` inside the transaction and settles the outcome itself where it can.
    fn begin(&self, operation: OperationId, retry: u32) -> BoxFuture<'_, Result<Box<dyn Attempt>, StoreError>>;
    /// Hands content over for a later transaction to adopt.
    fn stage(&self, octets: Bytes) -> BoxFuture<'_, Result<Staged, StoreError>>;
    /// Octets of a content; the digest of what is stored is verified before anything is served.
    fn content(&self, id: ContentId, range: Range<u64>) -> BoxFuture<'_, Result<Bytes, StoreError>>;
    /// Completes when the value under `key` differs from `last_seen` (at once if it does already).
    fn watch(&self, key: Bytes, last_seen: Option<Bytes>) -> BoxFuture<'static, Result<(), StoreError>>;
    /// Why the engine cannot serve now, if so.
    fn health(&self) -> Result<(), StoreError>;
    /// Ends cleanly: waits for what is in flight, makes everything durable, closes files.
    fn close(&self) -> BoxFuture<'_, ()>;
}

/// Attempts before conflicts end a transaction.
const MAX_ATTEMPTS: u32 = 100;

/// A handle on the store; cheap to clone.
#[derive(Clone)]
pub struct Store {
    engine: Arc<dyn Engine>,
}

impl Store {
    /// Over an opened engine.
    pub fn new(engine: Arc<dyn Engine>) -> Self {
        Self { engine }
    }

    /// Runs `body` in a transaction and commits it; on conflict runs it again. `body` must be a pure function of what
    /// it reads: it may run several times, and only the committed run's result counts.
    pub async fn transact<T, E, F, Fut>(
        &self,
        operation: OperationId,
        body: F,
    ) -> Result<Committed<T>, TransactError<E>>
    where
        F: Fn(Txn) -> Fut + Send + Sync,
        Fut: Future<Output = Result<T, E>> + Send,
        T: Send,
        E: Send,
    {
        for retry in 0..MAX_ATTEMPTS {
            let attempt = self.engine.begin(operation, retry).await?;
            let value = body(Txn(attempt.backend())).await.map_err(TransactError::Aborted)?;
            match attempt.commit().await {
                Ok(version) => return Ok(Committed::new(value, version)),
                Err(CommitFailure::Conflict) => {}
                Err(CommitFailure::Store(error)) => return Err(error.into()),
                Err(CommitFailure::Unknown) => return Err(TransactError::Unknown),
            }
        }
        Err(StoreError::Contended { attempts: MAX_ATTEMPTS }.into())
    }

    /// Runs `body` on a snapshot; whatever it writes is thrown away.
    pub async fn read<T, E, F, Fut>(&self, body: F) -> Result<T, TransactError<E>>
    where
        F: FnOnce(Txn) -> Fut + Send,
        Fut: Future<Output = Result<T, E>> + Send,
    {
        let attempt = self.engine.begin(OperationId([0; 16]), 0).await?;
        body(Txn(attempt.backend())).await.map_err(TransactError::Aborted)
    }

    /// The engine behind it.
    #[must_use]
    pub fn engine(&self) -> Arc<dyn Engine> {
        Arc::clone(&self.engine)
    }

    /// Hands content over for a transaction to adopt.
    pub async fn stage(&self, octets: Bytes) -> Result<Staged, StoreError> {
        self.engine.stage(octets).await
    }

    /// Octets of a content, verified.
    pub async fn content(&self, id: ContentId, range: Range<u64>) -> Result<Bytes, StoreError> {
        self.engine.content(id, range).await
    }

    /// Completes when the value under `key` differs from `last_seen`.
    pub async fn watch(&self, key: Bytes, last_seen: Option<Bytes>) -> Result<(), StoreError> {
        self.engine.watch(key, last_seen).await
    }

    /// Why the store cannot serve now, if so.
    pub fn health(&self) -> Result<(), StoreError> {
        self.engine.health()
    }

    /// Ends cleanly.
    pub async fn close(&self) {
        self.engine.close().await;
    }
}
