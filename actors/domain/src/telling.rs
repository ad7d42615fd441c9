//! When a handset is told, when again, and when no more: the subscriber's decisions about one inbox row
//! (consistency rules 3 and 7–11).
//!
//! Two counts with different meanings: `attempts` is how often octets may have left; `without_outcome` is how often
//! in a row nobody lived to record what came of it. The first is bounded by the policy, the second puts a row on the
//! shelf, because a row that kills its node must not do so for ever.

use std::time::Duration;

use crate::inbox::{AttemptState, InboxRow, Sent, Telling};
use crate::time::UnixMillis;
use crate::why::Why;

/// Waiting times and limits of telling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TellingPolicy {
    /// How long the attempt that a row is born with, and every later one, may stay without an outcome before its
    /// due entry fires.
    pub born_due: Duration,
    /// After an attempt that the bearer took over and no word of the handset: waits before telling again, by the
    /// number of attempts; the last one repeats (MM1 digest 14.9).
    pub renotify: Vec<Duration>,
    /// Attempts in a row without an outcome that put a row on the shelf.
    pub max_attempts_without_outcome: u32,
    /// After a failed attempt: waits by the number of attempts; `renotify` goes on after the last.
    pub failed_backoff: Vec<Duration>,
    /// Attempts in all; after them the row is quiet until it expires or an operator releases it.
    pub max_attempts: u32,
    /// Every wait is drawn from so many percent around its figure (at most 100).
    pub jitter_percent: u8,
    /// How long an outcome that only saves work may wait for the next commit.
    pub lazy: Duration,
    /// A row that waits for a destination looks again after this, in case the word that it is up was lost.
    pub waiting_recheck: Duration,
}

impl Default for TellingPolicy {
    fn default() -> Self {
        let seconds = |list: &[u64]| list.iter().copied().map(Duration::from_secs).collect();
        Self {
            born_due: Duration::from_secs(30),
            renotify: seconds(&[120, 600, 1800, 7200, 21_600]),
            max_attempts_without_outcome: 5,
            failed_backoff: seconds(&[5, 30, 120]),
            max_attempts: 100,
            jitter_percent: 10,
            lazy: Duration::from_secs(5),
            waiting_recheck: Duration::from_secs(3600),
        }
    }
}

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

/// What happens to `row` when `event` comes at `now`. `random` spreads waits.
#[must_use]
pub fn step(row: &InboxRow, event: TellEvent, now: UnixMillis, random: u32, policy: &TellingPolicy) -> TellStep {
    use TellEvent as E;
    // Expiry bounds everything (rule 10), an acceptance that comes too late included.
    if now >= row.expires_at {
        return gone(Fate::Remove, TellWhy::Expired);
    }
    let cx = Context {
        row,
        now,
        random,
        policy,
    };
    match event {
        E::AttemptStarted => cx.attempt_started(),
        E::Due if now < row.next_at => cx.unchanged(TellWhy::NotDue),
        E::Due => cx.due(),
        E::FoundWithoutOutcome => cx.found(),
        E::SubscriberSeen => cx.subscriber_seen(),
        E::DestinationUp => cx.destination_up(),
        E::Released => cx.released(),
        E::Sent(sent) => cx.sent(sent),
        E::Failed { retry_after } => cx.failed(retry_after, TellWhy::BearerFailed, 0),
        // Somebody lived to say that the answer was lost, but not whether octets left: it breaks no row of crashes
        // and ends none.
        E::Unknown => cx.failed(None, TellWhy::AnswerLost, row.without_outcome),
        E::Unavailable { destination } => cx.unavailable(destination),
        E::Refused => gone(Fate::GiveUp(Why::BearerRefused), TellWhy::BearerRefused),
        E::ReceiptReached => cx.receipt_reached(),
        E::ReceiptNotReached => cx.receipt_not_reached(),
        E::ReceiptNever => cx.receipt_never(),
    }
}

fn gone(fate: Fate, why: TellWhy) -> TellStep {
    TellStep {
        fate,
        urgency: Urgency::Now,
        attempt: false,
        why,
    }
}

struct Context<'a> {
    row: &'a InboxRow,
    now: UnixMillis,
    random: u32,
    policy: &'a TellingPolicy,
}

impl Context<'_> {
    fn unchanged(&self, why: TellWhy) -> TellStep {
        TellStep {
            fate: Fate::Keep(self.row.clone()),
            urgency: Urgency::Lazy,
            attempt: false,
            why,
        }
    }

    fn keep(&self, row: InboxRow, urgency: Urgency, why: TellWhy) -> TellStep {
        TellStep {
            fate: Fate::Keep(row),
            urgency,
            attempt: false,
            why,
        }
    }

    /// The row with another state of its last attempt, due at `next_at` or at its expiry.
    fn with(&self, last: AttemptState, next_at: UnixMillis) -> InboxRow {
        InboxRow {
            last,
            next_at: next_at.min(self.row.expires_at),
            ..self.row.clone()
        }
    }

    /// Records the next attempt; it is made after that commit. No attempt is left: quiet until expiry.
    fn attempt(&self, without_outcome: u32, why: TellWhy) -> TellStep {
        if self.row.attempts >= self.policy.max_attempts {
            return self.exhausted();
        }
        self.recorded(without_outcome, why)
    }

    fn recorded(&self, without_outcome: u32, why: TellWhy) -> TellStep {
        let row = InboxRow {
            attempts: self.row.attempts.saturating_add(1),
            without_outcome,
            ..self.with(AttemptState::Made, self.now.plus(self.policy.born_due))
        };
        TellStep {
            attempt: true,
            ..self.keep(row, Urgency::Now, why)
        }
    }

    fn exhausted(&self) -> TellStep {
        let last = match &self.row.last {
            // The last attempt of all had no outcome, and never will.
            AttemptState::Made => AttemptState::Failed,
            known => known.clone(),
        };
        self.keep(self.with(last, self.row.expires_at), Urgency::Now, TellWhy::Exhausted)
    }

    /// Rule 7: attempt 1 belongs to the poke of the commit that wrote the row, once, and needs no further commit.
    fn attempt_started(&self) -> TellStep {
        let newborn = self.row.attempts == 1 && self.row.without_outcome == 0;
        match self.row.last {
            AttemptState::Made if newborn => TellStep {
                attempt: true,
                ..self.unchanged(TellWhy::FirstAttempt)
            },
            AttemptState::Made
            | AttemptState::Sent(_)
            | AttemptState::Failed
            | AttemptState::Waiting(_)
            | AttemptState::Reached
            | AttemptState::Shelved => self.unchanged(TellWhy::NoEffect),
        }
    }

    fn due(&self) -> TellStep {
        let count = self.row.without_outcome;
        match self.row.last {
            AttemptState::Made => self.repeat(),
            AttemptState::Sent(_) | AttemptState::Reached => self.attempt(count, TellWhy::ToldAgain),
            AttemptState::Failed => self.attempt(count, TellWhy::TriedAgain),
            AttemptState::Waiting(_) => self.attempt(count, TellWhy::DestinationBack),
            AttemptState::Shelved => self.unchanged(TellWhy::NotDue),
        }
    }

    /// Rule 9 and history 3: only an attempt without an outcome is repeated; whatever was told is told to nobody
    /// again before its time.
    fn found(&self) -> TellStep {
        match self.row.last {
            AttemptState::Made => self.repeat(),
            AttemptState::Sent(_)
            | AttemptState::Failed
            | AttemptState::Waiting(_)
            | AttemptState::Reached
            | AttemptState::Shelved => self.unchanged(TellWhy::NotDue),
        }
    }

    /// An attempt without an outcome: counted, repeated with the same ids, and after five in a row shelved.
    fn repeat(&self) -> TellStep {
        let count = self.row.without_outcome.saturating_add(1);
        if count >= self.policy.max_attempts_without_outcome {
            let row = InboxRow {
                without_outcome: count,
                ..self.with(AttemptState::Shelved, self.row.expires_at)
            };
            return self.keep(row, Urgency::Now, TellWhy::Shelved);
        }
        self.attempt(count, TellWhy::AttemptRepeated)
    }

    /// Only who was not reached is told; a handset that was told and fetches something else needs no second push.
    fn subscriber_seen(&self) -> TellStep {
        match self.row.last {
            AttemptState::Failed => self.attempt(self.row.without_outcome, TellWhy::HandsetSeen),
            AttemptState::Made
            | AttemptState::Sent(_)
            | AttemptState::Waiting(_)
            | AttemptState::Reached
            | AttemptState::Shelved => self.unchanged(TellWhy::NoEffect),
        }
    }

    fn destination_up(&self) -> TellStep {
        match self.row.last {
            AttemptState::Waiting(_) => self.attempt(self.row.without_outcome, TellWhy::DestinationBack),
            AttemptState::Made
            | AttemptState::Sent(_)
            | AttemptState::Failed
            | AttemptState::Reached
            | AttemptState::Shelved => self.unchanged(TellWhy::NoEffect),
        }
    }

    /// An operator's word grants one attempt beyond every limit, and forgets the crashes.
    fn released(&self) -> TellStep {
        match self.row.last {
            AttemptState::Shelved | AttemptState::Failed | AttemptState::Sent(_) | AttemptState::Reached => {
                self.recorded(0, TellWhy::ReleasedByOperator)
            }
            // One is under way, or could not leave.
            AttemptState::Made | AttemptState::Waiting(_) => self.unchanged(TellWhy::NoEffect),
        }
    }

    fn sent(&self, sent: Sent) -> TellStep {
        if is_report(self.row) {
            return TellStep {
                urgency: Urgency::Lazy,
                ..gone(Fate::Remove, TellWhy::ReportTold)
            };
        }
        let last = match &self.row.last {
            // The receipt overtook the response (rule 11).
            AttemptState::Reached => AttemptState::Reached,
            AttemptState::Made
            | AttemptState::Sent(_)
            | AttemptState::Failed
            | AttemptState::Waiting(_)
            | AttemptState::Shelved => AttemptState::Sent(sent),
        };
        let row = InboxRow {
            without_outcome: 0,
            ..self.with(last, self.after(self.renotify_wait(self.row.attempts)))
        };
        self.keep(row, Urgency::Lazy, TellWhy::BearerAccepted)
    }

    fn failed(&self, retry_after: Option<Duration>, why: TellWhy, without_outcome: u32) -> TellStep {
        let own = self.after(self.failed_wait());
        let asked = retry_after.map_or(own, |pause| self.now.plus(pause));
        let row = InboxRow {
            without_outcome,
            ..self.with(AttemptState::Failed, own.max(asked))
        };
        self.keep(row, Urgency::Now, why)
    }

    /// Rule 9: octets that never left are no attempt.
    fn unavailable(&self, destination: String) -> TellStep {
        let next_at = self.after(self.policy.waiting_recheck);
        let row = InboxRow {
            attempts: self.row.attempts.saturating_sub(1),
            ..self.with(AttemptState::Waiting(destination), next_at)
        };
        self.keep(row, Urgency::Now, TellWhy::DestinationDown)
    }

    fn receipt_reached(&self) -> TellStep {
        match self.row.last {
            AttemptState::Made | AttemptState::Sent(_) | AttemptState::Failed | AttemptState::Waiting(_)
                if is_report(self.row) =>
            {
                TellStep {
                    urgency: Urgency::Lazy,
                    ..gone(Fate::Remove, TellWhy::ReportTold)
                }
            }
            // It has the push; whether somebody fetches is another matter, so it is told again in its time.
            AttemptState::Made | AttemptState::Sent(_) | AttemptState::Failed | AttemptState::Waiting(_) => {
                let wait = self.after(self.renotify_wait(self.row.attempts));
                let row = InboxRow {
                    without_outcome: 0,
                    ..self.with(AttemptState::Reached, wait.max(self.row.next_at))
                };
                self.keep(row, Urgency::Lazy, TellWhy::HandsetReached)
            }
            AttemptState::Reached | AttemptState::Shelved => self.unchanged(TellWhy::NoEffect),
        }
    }

    /// A handset that is away now is not tried again after seconds, but by the longer waits; or when it is seen.
    fn receipt_not_reached(&self) -> TellStep {
        match self.row.last {
            AttemptState::Sent(_) => {
                let row = self.with(AttemptState::Failed, self.after(self.renotify_wait(self.row.attempts)));
                self.keep(row, Urgency::Now, TellWhy::HandsetNotReached)
            }
            // About an older attempt.
            AttemptState::Made
            | AttemptState::Failed
            | AttemptState::Waiting(_)
            | AttemptState::Reached
            | AttemptState::Shelved => self.unchanged(TellWhy::NoEffect),
        }
    }

    fn receipt_never(&self) -> TellStep {
        match self.row.last {
            // Another segment or attempt did reach it.
            AttemptState::Reached => self.unchanged(TellWhy::NoEffect),
            AttemptState::Made
            | AttemptState::Sent(_)
            | AttemptState::Failed
            | AttemptState::Waiting(_)
            | AttemptState::Shelved => gone(Fate::GiveUp(Why::BearerRefused), TellWhy::BearerRefused),
        }
    }

    /// `now` plus `wait`, spread.
    fn after(&self, wait: Duration) -> UnixMillis {
        let percent = u32::from(self.policy.jitter_percent.min(100));
        let drawn = 100 - percent + self.random % (2 * percent + 1);
        self.now.plus(wait.saturating_mul(drawn) / 100)
    }

    fn failed_wait(&self) -> Duration {
        let number = usize::try_from(self.row.attempts.saturating_sub(1)).unwrap_or(usize::MAX);
        match self.policy.failed_backoff.get(number) {
            Some(wait) => *wait,
            None => {
                let quick = u32::try_from(self.policy.failed_backoff.len()).unwrap_or(u32::MAX);
                self.renotify_wait(self.row.attempts.saturating_sub(quick))
            }
        }
    }

    /// The wait after attempt `number` (from 1); without any figure, `born_due`.
    fn renotify_wait(&self, number: u32) -> Duration {
        let at = usize::try_from(number.saturating_sub(1)).unwrap_or(usize::MAX);
        let list = &self.policy.renotify;
        list.get(at).or(list.last()).copied().unwrap_or(self.policy.born_due)
    }
}

fn is_report(row: &InboxRow) -> bool {
    match row.telling {
        Telling::Notification(_) => false,
        Telling::DeliveryReport(_) => true,
    }
}
