//! What the tree counts.

use std::sync::Arc;

use mmsc_domain::content::RefusedContent;
use mmsc_domain::fan_out::FanOut;
use mmsc_domain::lifecycle::{Final, Invariant};
use mmsc_ports::metrics::{Counter, Family, Gauge, Histogram, Source};

use crate::admission::Class;

/// Counters of the tree.
#[derive(Debug, Default)]
pub struct Metrics {
    pub(crate) accepted: Arc<Counter>,
    pub(crate) duplicates: Arc<Counter>,
    pub(crate) refused: Arc<Counter>,
    pub(crate) refused_content: RefusedContents,
    pub(crate) fan_outs: [Arc<Counter>; FanOut::ALL.len()],
    pub(crate) no_credit: [Arc<Counter>; Class::ALL.len()],
    pub(crate) finals: [Arc<Counter>; FINALS.len()],
    pub(crate) illegal: Arc<Counter>,
    pub(crate) violations: [Arc<Counter>; Invariant::ALL.len()],
    pub(crate) live: Arc<Gauge>,
    pub(crate) mms_at_due_work: Arc<Gauge>,
    pub(crate) held_rows: Arc<Gauge>,
    pub(crate) faults: Arc<Counter>,
    pub(crate) shelved: Arc<Counter>,
    pub(crate) unreadable: Arc<Counter>,
    pub(crate) commit_failures: Arc<Counter>,
    pub(crate) attempts: Arc<Counter>,
    pub(crate) repeated_attempts: Arc<Counter>,
    pub(crate) tell_sent: Arc<Counter>,
    pub(crate) tell_failed: Arc<Counter>,
    pub(crate) tell_unknown: Arc<Counter>,
    pub(crate) tell_waiting: Arc<Counter>,
    pub(crate) without_outcome: Arc<Counter>,
    pub(crate) due_read: Arc<Counter>,
    pub(crate) pokes_dropped: Arc<Counter>,
    pub(crate) due_entries: Arc<Counter>,
    pub(crate) lateness: Arc<Histogram>,
    pub(crate) oldest_due_seconds: Arc<Gauge>,
    pub(crate) accept_seconds: Arc<Histogram>,
    pub(crate) not_stored: Arc<Counter>,
    pub(crate) terminals_written: Arc<Counter>,
    pub(crate) terminals_dropped: Arc<Counter>,
}

/// One counter for each reason.
#[derive(Debug)]
pub(crate) struct RefusedContents(Vec<(&'static str, Arc<Counter>)>);

impl Default for RefusedContents {
    fn default() -> Self {
        Self(RefusedContent::names().map(|name| (name, Arc::default())).collect())
    }
}

const FINALS: [&str; 8] = [
    "retrieved",
    "rejected",
    "forwarded",
    "expired",
    "deleted",
    "cancelled",
    "undeliverable",
    "converted",
];

fn final_index(how: Final) -> usize {
    match how {
        Final::Retrieved => 0,
        Final::Rejected => 1,
        Final::Forwarded => 2,
        Final::Expired => 3,
        Final::Deleted => 4,
        Final::Cancelled => 5,
        Final::Undeliverable(_) => 6,
        Final::Converted => 7,
    }
}

impl Metrics {
    /// A copy became final.
    pub fn count_final(&self, how: Final) {
        if let Some(counter) = self.finals.get(final_index(how)) {
            counter.increment();
        }
    }

    /// A promise was found broken. This is a bug; the operation was refused.
    pub fn count_violation(&self, invariant: Invariant) {
        tracing::error!(%invariant, "an invariant does not hold");
        let at = Invariant::ALL.iter().position(|known| *known == invariant);
        if let Some(counter) = at.and_then(|at| self.violations.get(at)) {
            counter.increment();
        }
    }

    /// A message, or what was to be stored, was refused for its content.
    pub fn count_refused_content(&self, why: &RefusedContent) {
        tracing::debug!(why = why.name(), "content is not let through");
        let mut known = self.refused_content.0.iter();
        if let Some((_, counter)) = known.find(|(name, _)| *name == why.name()) {
            counter.increment();
        }
    }

    /// A submission passed a threshold.
    pub fn count_fan_out(&self, which: FanOut) {
        let at = FanOut::ALL.iter().position(|known| *known == which);
        if let Some(counter) = at.and_then(|at| self.fan_outs.get(at)) {
            counter.increment();
        }
    }

    /// A command was turned away for want of a credit.
    pub fn count_no_credit(&self, class: Class) {
        let at = Class::ALL.iter().position(|known| *known == class);
        if let Some(counter) = at.and_then(|at| self.no_credit.get(at)) {
            counter.increment();
        }
    }

    /// For the exposition.
    #[must_use]
    pub fn families(&self) -> Vec<Family> {
        let counter = |counter: &Arc<Counter>| Source::Counter(Arc::clone(counter));
        let single = |name, help, source: &Arc<Counter>| Family::single(name, help, counter(source));
        let classes = Class::ALL
            .iter()
            .map(|class| class.name().to_owned())
            .zip(self.no_credit.iter().map(counter));
        let finals = FINALS
            .iter()
            .map(|name| (*name).to_owned())
            .zip(self.finals.iter().map(counter));
        let violations = Invariant::ALL
            .iter()
            .map(|known| known.name().to_owned())
            .zip(self.violations.iter().map(counter));
        let fan_outs = FanOut::ALL
            .iter()
            .map(|which| which.name().to_owned())
            .zip(self.fan_outs.iter().map(counter));
        let refused_content = self.refused_content.0.iter();
        let refused_content = refused_content.map(|(name, source)| ((*name).to_owned(), counter(source)));
        vec![
            single(
                "mmsc_relay_accepted_total",
                "Messages accepted, each durable before it was answered.",
                &self.accepted,
            ),
            single(
                "mmsc_relay_duplicates_total",
                "Repeats of a submission that got its first answer again.",
                &self.duplicates,
            ),
            single(
                "mmsc_relay_refused_total",
                "Submissions refused for good.",
                &self.refused,
            ),
            Family::labelled(
                "mmsc_relay_content_refused_total",
                "Messages and uploads refused for their content, by what it was found to be.",
                "reason",
                refused_content,
            ),
            Family::labelled(
                "mmsc_relay_fan_out_total",
                "Submissions beyond a threshold for the same content to many, refused or not.",
                "reason",
                fan_outs,
            ),
            Family::labelled(
                "mmsc_relay_no_credit_total",
                "Commands turned away because too much was in flight.",
                "class",
                classes,
            ),
            Family::labelled(
                "mmsc_relay_final_copies_total",
                "Copies that came to their end, by how.",
                "state",
                finals,
            ),
            single(
                "mmsc_relay_illegal_events_total",
                "Events that make no sense in the state of their copy; nothing changed.",
                &self.illegal,
            ),
            Family::labelled(
                "mmsc_relay_invariant_violations_total",
                "Promises found broken: a bug, call support.",
                "invariant",
                violations,
            ),
            Family::single(
                "mmsc_relay_mms_at_due_work",
                "Messages at work that was due (expiry, deferred delivery), 1,024 at most; the others wait in the index.",
                Source::Gauge(Arc::clone(&self.mms_at_due_work)),
            ),
            Family::single(
                "mmsc_relay_live_entities",
                "Actors of messages and subscribers alive now.",
                Source::Gauge(Arc::clone(&self.live)),
            ),
            Family::single(
                "mmsc_relay_held_inbox_rows",
                "Inbox rows that actors of subscribers are at work on now, at most a hundred each.",
                Source::Gauge(Arc::clone(&self.held_rows)),
            ),
            single(
                "mmsc_relay_faults_total",
                "Entities that failed and were dropped; they reload from the store.",
                &self.faults,
            ),
            single(
                "mmsc_relay_shelved_total",
                "Rows and entities put on the shelf for an operator.",
                &self.shelved,
            ),
            single(
                "mmsc_relay_unreadable_records_total",
                "Records that could not be decoded and were set aside.",
                &self.unreadable,
            ),
            single(
                "mmsc_relay_commit_failures_total",
                "Transactions that did not commit or whose outcome is unknown.",
                &self.commit_failures,
            ),
            single(
                "mmsc_relay_tell_attempts_total",
                "Attempts to tell a handset.",
                &self.attempts,
            ),
            single(
                "mmsc_relay_tell_repeated_total",
                "Attempts after the first, all with the same ids.",
                &self.repeated_attempts,
            ),
            single(
                "mmsc_relay_tell_sent_total",
                "Attempts that the bearer took over.",
                &self.tell_sent,
            ),
            single(
                "mmsc_relay_tell_failed_total",
                "Attempts that the bearer refused.",
                &self.tell_failed,
            ),
            single(
                "mmsc_relay_tell_unknown_total",
                "Attempts whose answer was lost.",
                &self.tell_unknown,
            ),
            single(
                "mmsc_relay_tell_waiting_total",
                "Attempts not made because the destination is down; they wait for it.",
                &self.tell_waiting,
            ),
            single(
                "mmsc_relay_tell_without_outcome_total",
                "Attempts found without an outcome (a crash, a lost or refused hint): repeated with the same ids, shelved after five in a row.",
                &self.without_outcome,
            ),
            single(
                "mmsc_relay_pokes_dropped_total",
                "Hints dropped because too much was live; due work finds their rows.",
                &self.pokes_dropped,
            ),
            single(
                "mmsc_relay_due_entries_total",
                "Due entries that the scan handed out.",
                &self.due_entries,
            ),
            single(
                "mmsc_relay_due_entries_read_total",
                "Due entries that the scan read, those of busy and parked entities included.",
                &self.due_read,
            ),
            Family::single(
                "mmsc_relay_lateness_seconds",
                "How far behind its due time work was handed out.",
                Source::Histogram(Arc::clone(&self.lateness)),
            ),
            Family::single(
                "mmsc_relay_oldest_due_seconds",
                "Age of the oldest due entry at the last scan, in seconds.",
                Source::Gauge(Arc::clone(&self.oldest_due_seconds)),
            ),
            single(
                "mmsc_relay_mmbox_not_stored_total",
                "Messages that a network store had no room for.",
                &self.not_stored,
            ),
            single(
                "mmsc_relay_terminals_written_total",
                "Times that what is known of a subscriber's handset changed.",
                &self.terminals_written,
            ),
            single(
                "mmsc_relay_terminals_dropped_total",
                "Times that what a handset said about itself was not looked at, for want of credit or of the store.",
                &self.terminals_dropped,
            ),
            Family::single(
                "mmsc_relay_accept_seconds",
                "From a submission's admission to its commit.",
                Source::Histogram(Arc::clone(&self.accept_seconds)),
            ),
        ]
    }
}
