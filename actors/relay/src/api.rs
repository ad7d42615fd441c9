//! The commands that adapters give, and their answers.

use bytes::Bytes;
use mmsc_domain::command::{Accepted, Gone, HandsetAnswer, Retrieval, Submit};
use mmsc_domain::why::Refusal;
use mmsc_domain::{Address, MmId, Token};
use mmsc_store::{Committed, StoreError};

use crate::port::Receipt;

/// The tree's face to adapters; cheap to clone.
#[derive(Clone)]
pub struct Relay {}

/// Answer to a submission.
#[derive(Debug)]
pub enum SubmitAnswer {
    /// Durable: accepted now, or accepted before (the same answer again).
    Accepted(Committed<Accepted>),
    /// Not accepted, and will not be if repeated unchanged.
    Refused(Refusal),
    /// Not accepted now.
    Busy(Busy),
}

/// Why a command cannot be taken now. Every interface answers it in its transient words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Busy {
    /// No credit: too much is in flight.
    NoCredit,
    /// The store refuses or is closed.
    Store,
    /// The outcome of the commit is not known; a repeat finds out.
    Unknown,
    /// The node is draining.
    Draining,
}

/// Answer to a retrieval.
#[derive(Debug)]
pub enum FetchAnswer {
    /// Here it is.
    Content(Box<Retrieval>),
    /// There is nothing (any more).
    Gone(Gone),
    /// Not yet: its delivery time has not come.
    NotYet,
    /// Not now.
    Busy(Busy),
}

/// Answer to a handset's word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HandsetReply {
    /// Durable, or without effect.
    Done,
    /// Not stored: the handset should say it again.
    Busy(Busy),
}

impl Relay {
    /// Submits a message; `octets` holds the parts' octets one after another.
    pub async fn submit(&self, submit: Submit, octets: Bytes) -> SubmitAnswer {
        let _ = (submit, octets);
        SubmitAnswer::Busy(Busy::Draining)
    }

    /// Looks a copy up for retrieval. `requester` is the authenticated identity, if there is one: a copy of somebody
    /// else is [`Gone::Unknown`] to it.
    pub async fn fetch(&self, token: Token, requester: Option<Address>) -> FetchAnswer {
        let _ = (token, requester);
        FetchAnswer::Busy(Busy::Draining)
    }

    /// The octets of a retrieval, verified.
    pub async fn content(&self, retrieval: &Retrieval) -> Result<Bytes, StoreError> {
        let _ = retrieval;
        Err(StoreError::Busy("not started"))
    }

    /// The response to a retrieval left whole (`complete`) or broke.
    pub async fn served(&self, token: Token, complete: bool) {
        let _ = (token, complete);
    }

    /// What a handset says about a message; idempotent, also for unknown tokens.
    pub async fn handset_answer(
        &self,
        token: Token,
        requester: Option<Address>,
        answer: HandsetAnswer,
    ) -> HandsetReply {
        let _ = (token, requester, answer);
        HandsetReply::Busy(Busy::Draining)
    }

    /// A bearer reports about a push. Returns once the subscriber's actor has it (after its commit if it says that
    /// the handset was not reached); false: it could not be taken, so the peer should send it again.
    pub async fn receipt(&self, receipt: Receipt) -> bool {
        let _ = receipt;
        false
    }

    /// A destination is up (again): what waited for it flows.
    pub fn destination_up(&self, destination: &str) {
        let _ = destination;
    }

    /// A handset showed itself on MM1: what waits for it is told.
    pub fn subscriber_seen(&self, address: Address) {
        let _ = address;
    }

    /// Cancels every copy of an MM that is not final. `None`: no such MM.
    pub async fn cancel(&self, id: MmId) -> Result<Option<u32>, Busy> {
        let _ = id;
        Err(Busy::Draining)
    }
}
