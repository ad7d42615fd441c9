//! The decision itself.

use std::time::Duration;

use super::{Fate, TellEvent, TellStep, TellWhy, TellingPolicy, Urgency};
use crate::inbox::{AttemptState, InboxRow, Sent, Telling};
use crate::time::UnixMillis;
use crate::why::Why;

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
        E::Sent(sent) => cx.outcome(Outcome::Sent(sent)),
        E::Failed { retry_after } => cx.outcome(Outcome::Failed(retry_after)),
        E::Unknown => cx.outcome(Outcome::Unknown),
        E::Unavailable { destination } => cx.outcome(Outcome::Unavailable(destination)),
        E::Refused => cx.outcome(Outcome::Refused),
        E::ReceiptReached => cx.receipt_reached(),
        E::ReceiptNotReached => cx.receipt_not_reached(),
        E::ReceiptNever => cx.receipt_never(),
    }
}

/// A report that the bearer took over is done (MM1 digest 14.6).
fn told() -> TellStep {
    TellStep {
        urgency: Urgency::Lazy,
        ..gone(Fate::Remove, TellWhy::ReportTold)
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

/// How an attempt ended.
enum Outcome {
    Sent(Sent),
    Failed(Option<Duration>),
    Unknown,
    Unavailable(String),
    Refused,
}

/// No wait is ever drawn down to nothing.
const MAX_JITTER_PERCENT: u8 = 50;

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
            return self.exhausted(without_outcome);
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

    fn exhausted(&self, without_outcome: u32) -> TellStep {
        let last = match &self.row.last {
            // The last attempt of all had no outcome, and never will.
            AttemptState::Made => AttemptState::Failed,
            known => known.clone(),
        };
        let row = InboxRow {
            without_outcome,
            ..self.with(last, self.row.expires_at)
        };
        self.keep(row, Urgency::Now, TellWhy::Exhausted)
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
            AttemptState::Failed | AttemptState::Waiting(_) => self.attempt(count, TellWhy::TriedAgain),
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

    /// An outcome counts for the attempt that is recorded as made, and for no other.
    fn outcome(&self, outcome: Outcome) -> TellStep {
        match (&self.row.last, outcome) {
            (AttemptState::Made, Outcome::Sent(_)) if is_report(self.row) => told(),
            (AttemptState::Made, Outcome::Sent(sent)) => self.accepted(AttemptState::Sent(sent)),
            (AttemptState::Made, Outcome::Failed(retry_after)) => self.failed(retry_after, TellWhy::BearerFailed, 0),
            // Somebody lived to say that the answer was lost, but not whether octets left: it breaks no row of
            // crashes and ends none.
            (AttemptState::Made, Outcome::Unknown) => self.failed(None, TellWhy::AnswerLost, self.row.without_outcome),
            (AttemptState::Made, Outcome::Unavailable(destination)) => self.unavailable(destination),
            (AttemptState::Made, Outcome::Refused) => gone(Fate::GiveUp(Why::BearerRefused), TellWhy::BearerRefused),
            // The receipt overtook the response (rule 11): the handset has it, whatever the bearer says.
            (
                AttemptState::Reached
                | AttemptState::Sent(_)
                | AttemptState::Failed
                | AttemptState::Waiting(_)
                | AttemptState::Shelved,
                Outcome::Sent(_) | Outcome::Failed(_) | Outcome::Unknown | Outcome::Unavailable(_) | Outcome::Refused,
            ) => self.unchanged(TellWhy::NoEffect),
        }
    }

    /// The bearer or the handset has it: told again in its time, should nobody fetch.
    fn accepted(&self, last: AttemptState) -> TellStep {
        let why = match last {
            AttemptState::Reached => TellWhy::HandsetReached,
            AttemptState::Sent(_)
            | AttemptState::Made
            | AttemptState::Failed
            | AttemptState::Waiting(_)
            | AttemptState::Shelved => TellWhy::BearerAccepted,
        };
        let row = InboxRow {
            without_outcome: 0,
            ..self.with(last, self.after(self.renotify_wait(self.row.attempts)))
        };
        self.keep(row, Urgency::Lazy, why)
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
            AttemptState::Made | AttemptState::Sent(_) | AttemptState::Failed | AttemptState::Waiting(_) => {
                if is_report(self.row) {
                    return told();
                }
                self.accepted(AttemptState::Reached)
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
        let percent = u32::from(self.policy.jitter_percent.min(MAX_JITTER_PERCENT));
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
        // A handset answers these, and is told again until it does.
        Telling::Notification(_) | Telling::Cancel(_) => false,
        Telling::DeliveryReport(_) | Telling::ReadReport(_) => true,
    }
}
