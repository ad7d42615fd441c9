//! What must always hold, named once: property tests, drills and production counters use the same names.

use std::fmt;

use crate::inbox::{AttemptState, InboxRow, Notification};
use crate::lifecycle::{CopyState, Effect, Facts, Step};
use crate::record::MmHead;
use crate::telling::{Fate, TellStep, TellingPolicy};
use crate::time::UnixMillis;

/// A promise of the message centre.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Invariant {
    /// What was acknowledged to a submitter is in the store.
    AcceptedIsDurable,
    /// A final copy never changes its state again.
    FinalIsFinal,
    /// Every copy that is not final has something that will move it: a due entry at the latest at its expiry.
    LiveHasDue,
    /// A copy is reported on at most once.
    OneReport,
    /// An originator who asked to be hidden is shown to no recipient.
    HiddenStaysHidden,
    /// Content stays until its last holder lets go.
    HeldContentStays,
    /// A retrieval gets exactly the octets that were submitted.
    ContentIsUnchanged,
    /// A copy is retrievable by its recipient alone.
    OnlyItsRecipient,
    /// Telling is attempted at most as often as the policy allows.
    AttemptsAreBounded,
    /// Nobody is told of a message that has expired.
    NothingToldAfterExpiry,
}

impl Invariant {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::AcceptedIsDurable,
        Self::FinalIsFinal,
        Self::LiveHasDue,
        Self::OneReport,
        Self::HiddenStaysHidden,
        Self::HeldContentStays,
        Self::ContentIsUnchanged,
        Self::OnlyItsRecipient,
        Self::AttemptsAreBounded,
        Self::NothingToldAfterExpiry,
    ];

    /// Its name in metrics, verdicts and test names.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::AcceptedIsDurable => "accepted_is_durable",
            Self::FinalIsFinal => "final_is_final",
            Self::LiveHasDue => "live_has_due",
            Self::OneReport => "one_report",
            Self::HiddenStaysHidden => "hidden_stays_hidden",
            Self::HeldContentStays => "held_content_stays",
            Self::ContentIsUnchanged => "content_is_unchanged",
            Self::OnlyItsRecipient => "only_its_recipient",
            Self::AttemptsAreBounded => "attempts_are_bounded",
            Self::NothingToldAfterExpiry => "nothing_told_after_expiry",
        }
    }
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Which promises a step of a copy would break; empty, or there is a bug. Cheap enough for production.
#[must_use]
pub fn broken_by_step(before: &CopyState, facts: &Facts, step: &Step) -> Vec<Invariant> {
    let mut broken = Vec::new();
    if before.is_final() && (step.next != *before || !step.effects.is_empty()) {
        broken.push(Invariant::FinalIsFinal);
    }
    let reports = step
        .effects
        .iter()
        .filter(|effect| matches!(effect, Effect::Report(_)))
        .count();
    let ends = step.next.is_final() && !before.is_final();
    if reports > usize::from(ends && facts.report_wanted) {
        broken.push(Invariant::OneReport);
    }
    if !has_due(before, facts, step) {
        broken.push(Invariant::LiveHasDue);
    }
    broken
}

/// A state that waits for something earlier than expiry has a due entry of its own afterwards; a final one has none.
fn has_due(before: &CopyState, facts: &Facts, step: &Step) -> bool {
    let due_at = step.effects.iter().fold(facts.due_at, |due_at, effect| match effect {
        Effect::SetDue(at) => Some(*at),
        Effect::ClearDue => None,
        Effect::Notify | Effect::StopTelling | Effect::HandToPeer | Effect::Report(_) => due_at,
    });
    let bounded = due_at.is_none_or(|at| at <= facts.expires_at);
    let changed = step.next != *before || !step.effects.is_empty();
    match step.next {
        CopyState::Served | CopyState::Forwarding => !changed || (due_at.is_some() && bounded),
        // Expiry and delivery time are the MM's due entry.
        CopyState::Screening
        | CopyState::Scheduled
        | CopyState::Telling
        | CopyState::Deferred
        | CopyState::Adapting => bounded,
        CopyState::Final(_) => !changed || due_at.is_none(),
    }
}

/// Which promises a step of telling would break. `granted` counts the attempts that operators granted beyond the
/// policy.
#[must_use]
pub fn broken_by_telling(
    before: &InboxRow,
    step: &TellStep,
    now: UnixMillis,
    granted: u32,
    policy: &TellingPolicy,
) -> Vec<Invariant> {
    let mut broken = Vec::new();
    if step.attempt && now >= before.expires_at {
        broken.push(Invariant::NothingToldAfterExpiry);
    }
    if let Fate::Keep(row) = &step.fate {
        if row.attempts > policy.max_attempts.max(1).saturating_add(granted) {
            broken.push(Invariant::AttemptsAreBounded);
        }
        let crashes = row.without_outcome >= policy.max_attempts_without_outcome;
        if crashes && row.last == AttemptState::Made {
            broken.push(Invariant::AttemptsAreBounded);
        }
        if row.next_at > row.expires_at {
            broken.push(Invariant::LiveHasDue);
        }
    }
    broken
}

/// Whether a notification shows an originator who asked to be hidden.
#[must_use]
pub fn shows_hidden_sender(head: &MmHead, told: &Notification) -> bool {
    head.originator.hidden && told.from.is_some()
}
