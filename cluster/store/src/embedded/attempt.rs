//! One attempt at a transaction on the embedded engine.

use std::future::ready;
use std::sync::Arc;

use mmsc_ports::BoxFuture;
use mmsc_ports::disk::BLOCK;

use super::engine::Driver;
use super::pipeline::Pending;
use super::shared::Shared;
use super::txn::{Closing, EmbeddedTxn};
use crate::engine::{Attempt, CommitFailure, CommitVersion};
use crate::error::StoreError;
use crate::txn::TxnBackend;

pub(super) struct EmbeddedAttempt {
    pub(super) shared: Arc<Shared>,
    pub(super) driver: Arc<Driver>,
    pub(super) txn: Arc<EmbeddedTxn>,
    /// Conflicts that the operation has met so far.
    pub(super) retry: u32,
}

impl EmbeddedAttempt {
    /// Hands the transaction to the pipeline; `Err` is the outcome if it does not get there.
    fn submit(self) -> Result<Outcome, CommitFailure> {
        let Closing { snapshot, request } = self.txn.close()?;
        if request.writes.is_empty() && request.written.is_empty() {
            return Ok(Outcome::ReadOnly(CommitVersion(snapshot.version)));
        }
        self.shared.check_open()?;
        let bytes = request.frame_bytes();
        let limit = usize::try_from(self.shared.options.segment_bytes / 2).unwrap_or(usize::MAX);
        if bytes.saturating_add(BLOCK) > limit {
            return Err(CommitFailure::Store(StoreError::TooLarge {
                what: "transaction with its content",
                size: bytes,
                limit,
            }));
        }
        if request.content > 0 && self.shared.segments.is_low() {
            return Err(CommitFailure::Store(self.shared.busy("the disk is below its reserve")));
        }
        let in_flight = self.shared.admit(bytes)?;
        let (pending, outcome) = Pending::new(request, snapshot, in_flight, self.retry);
        match self.driver.as_ref() {
            Driver::Inline(inline) => inline.run(&self.shared, pending),
            Driver::Workers(_) => self.shared.submit(pending)?,
        }
        Ok(Outcome::Waiting(outcome))
    }
}

enum Outcome {
    ReadOnly(CommitVersion),
    Waiting(tokio::sync::oneshot::Receiver<Result<CommitVersion, CommitFailure>>),
}

impl From<StoreError> for CommitFailure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Attempt for EmbeddedAttempt {
    fn backend(&self) -> Arc<dyn TxnBackend> {
        Arc::clone(&self.txn) as Arc<dyn TxnBackend>
    }

    fn commit(self: Box<Self>) -> BoxFuture<'static, Result<CommitVersion, CommitFailure>> {
        match self.submit() {
            Err(failure) => Box::pin(ready(Err(failure))),
            Ok(Outcome::ReadOnly(version)) => Box::pin(ready(Ok(version))),
            // A worker that ended without a word may have written.
            Ok(Outcome::Waiting(outcome)) => Box::pin(async { outcome.await.unwrap_or(Err(CommitFailure::Unknown)) }),
        }
    }
}
