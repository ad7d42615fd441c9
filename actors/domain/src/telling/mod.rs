//! When a handset is told, when again, and when no more: the subscriber's decisions about one inbox row
//! (consistency rules 3 and 7–11).
//!
//! Two counts with different meanings: `attempts` is how often octets may have left; `without_outcome` is how often
//! in a row nobody lived to record what came of it. The first is bounded by the policy, the second puts a row on the
//! shelf, because a row that kills its node must not do so for ever.

mod policy;
mod step;

use std::time::Duration;

use crate::inbox::{AttemptState, InboxRow, Sent, Telling};
use crate::time::UnixMillis;
use crate::why::Why;

pub use policy::TellingPolicy;
pub use step::step;

/// What can happen to a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TellEvent {
    /// Its due entry fired.
    Due,
    /// The handset showed itself (MM1 traffic, an alert).
    SubscriberSeen,
    /// The poke of the commit that wrote the row: it alone may use attempt 1 (rule 7).
    AttemptStarted,
    /// The bearer took the attempt over.
    Sent(Sent),
    /// The bearer refused for now.
    Failed {
        /// It asked for this pause.
        retry_after: Option<Duration>,
    },
    /// The bearer refused for good.
    Refused,
    /// No octet left, because the destination is down.
    Unavailable {
        /// Its configured name.
        destination: String,
    },
    /// The bearer's answer was lost; octets may have left.
    Unknown,
    /// A receipt: the push reached the handset.
    ReceiptReached,
    /// A receipt: the push did not reach the handset now.
    ReceiptNotReached,
    /// A receipt: no push ever will.
    ReceiptNever,
    /// The destination that the row waits for is up.
    DestinationUp,
    /// An operator takes the row off the shelf, or wants it told now.
    Released,
    /// After a takeover or restart: an attempt may be recorded whose outcome nobody knows.
    FoundWithoutOutcome,
}

/// When a step has to be committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Urgency {
    /// It only saves work: it may wait up to [`TellingPolicy::lazy`] and ride on the entity's next commit (rule 8).
    Lazy,
    /// At once.
    Now,
}

/// What becomes of the row.
// Nearly every step keeps its row, so boxing it would save nothing.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It stays, like this. Nothing is to be written where it is unchanged.
    Keep(InboxRow),
    /// It goes: the bearer took a report over, or its time is over.
    Remove,
    /// It goes because its handset can never be told; where it is a notification, the MM must learn of it.
    GiveUp(Why),
}

/// Why a step came out as it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TellWhy {
    /// The first attempt, recorded when the row was born.
    FirstAttempt,
    /// Told, and no word from the handset for so long: told again.
    ToldAgain,
    /// The wait after a failure is over.
    TriedAgain,
    /// The recorded attempt has no outcome, so it is repeated with the same ids.
    AttemptRepeated,
    /// The handset is there.
    HandsetSeen,
    /// The destination is there.
    DestinationBack,
    /// An operator wants it.
    ReleasedByOperator,
    /// The bearer took it over.
    BearerAccepted,
    /// The bearer took a report over, which ends it (MM1 digest 14.6).
    ReportTold,
    /// The bearer refused for now.
    BearerFailed,
    /// The bearer's answer was lost.
    AnswerLost,
    /// The bearer will never do it.
    BearerRefused,
    /// Waiting for a destination costs no attempt.
    DestinationDown,
    /// The handset has the push.
    HandsetReached,
    /// The handset was not reached.
    HandsetNotReached,
    /// Too many attempts in a row without an outcome.
    Shelved,
    /// No attempts are left.
    Exhausted,
    /// Its time is over.
    Expired,
    /// Nothing is due.
    NotDue,
    /// Too late or out of place: nothing changes.
    NoEffect,
}

/// The answer of [`step`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TellStep {
    /// What becomes of the row.
    pub fate: Fate,
    /// When that has to be committed.
    pub urgency: Urgency,
    /// Make an attempt: number and ids are in the row of `fate`, which is to be committed **before** (rule 7),
    /// unless it is unchanged.
    pub attempt: bool,
    /// Why.
    pub why: TellWhy,
}

impl InboxRow {
    /// A row as its sender writes it: attempt 1 is recorded, so that it costs no further commit (design §3.5).
    /// Nothing is told after `expires_at`.
    #[must_use]
    pub fn born(telling: Telling, now: UnixMillis, expires_at: UnixMillis, policy: &TellingPolicy) -> Self {
        Self {
            telling,
            born_at: now,
            expires_at,
            attempts: 1,
            without_outcome: 0,
            last: AttemptState::Made,
            next_at: now.plus(policy.born_due).min(expires_at),
        }
    }
}
