//! The audit: a ledger's book held against what the system promised.

use std::fmt;

use super::book::{Book, CopyRecord, Submission};

/// What had to happen by the time of the audit to every accepted copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// Only that acceptance itself was consistent: nobody fetched anything.
    Accepted,
    /// That it reached an end: fetched intact, or reported to its sender as ended in another way.
    Final,
    /// That it was fetched intact, and reported where a report was asked for.
    Delivered,
}

/// The figures of an audit. Copies are counted, not messages, wherever a message has several recipients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Messages submitted, accepted or not.
    pub submitted: u64,
    /// Messages accepted.
    pub accepted: u64,
    /// Messages refused and never accepted later.
    pub refused: u64,
    /// Messages of which no answer ever came.
    pub unknown: u64,
    /// Accepted copies to which what was expected did not happen.
    pub lost: u64,
    /// Retrievals that gave other octets than those submitted.
    pub corrupted: u64,
    /// Messages that repeats of one submission made two of: other Message-IDs.
    pub accepted_twice: u64,
    /// Notifications received.
    pub notifications: u64,
    /// Notifications beyond the first of a copy, with the same ids. Allowed after a crash; counted.
    pub repeated_same_ids: u64,
    /// Notifications of a copy with other ids than its first. Never allowed.
    pub repeated_other_ids: u64,
    /// Retrievals that gave the octets submitted.
    pub retrieved: u64,
    /// Copies whose acknowledgement was taken.
    pub acknowledged: u64,
    /// Copies with a delivery report.
    pub reports: u64,
    /// Delivery reports beyond the first of a copy.
    pub repeated_reports: u64,
    /// Copies known to have reached an end.
    pub finals: u64,
    /// Pushes that belong to nothing submitted.
    pub strangers: u64,
}

impl Verdict {
    /// Audits `book`.
    #[must_use]
    pub fn of(book: &Book, expect: Expect) -> Self {
        let mut verdict = Self {
            strangers: book.strangers(),
            ..Self::default()
        };
        for submission in book.submissions().values() {
            verdict.add(submission, expect);
        }
        verdict
    }

    /// Whether every promise was kept: nothing lost, nothing corrupted, nothing made twice, nobody told by other ids.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.lost == 0
            && self.corrupted == 0
            && self.accepted_twice == 0
            && self.repeated_other_ids == 0
            && self.strangers == 0
    }

    /// The accepted copies of `book` to which what was expected did not happen, one line each, at most `limit`.
    #[must_use]
    pub fn losses(book: &Book, expect: Expect, limit: usize) -> Vec<String> {
        let accepted = book.submissions().iter().filter(|(_, one)| !one.accepted.is_empty());
        let copies = accepted.flat_map(|(number, one)| one.copies.iter().map(move |copy| (number, one, copy)));
        copies
            .filter(|(_, one, copy)| !meets(one, copy, expect))
            .take(limit)
            .map(|(number, one, copy)| {
                let told: u32 = copy.notifications.iter().map(|(_, _, times)| *times).sum();
                format!(
                    "message {number} ({}, {} attempts unanswered): told {told} times, {} intact, {} corrupted, {} not served, \
                     acknowledged {}, {} reports",
                    one.accepted.join(" "),
                    one.unknown_attempts,
                    copy.intact,
                    copy.corrupted,
                    copy.not_served,
                    copy.acknowledged,
                    copy.reports.len(),
                )
            })
            .collect()
    }

    fn add(&mut self, submission: &Submission, expect: Expect) {
        self.submitted += 1;
        let accepted = !submission.accepted.is_empty();
        match (&submission.refused, accepted) {
            (_, true) => self.accepted += 1,
            (Some(_), false) => self.refused += 1,
            (None, false) => self.unknown += 1,
        }
        self.accepted_twice += u64::from(submission.accepted.len() > 1);
        for copy in &submission.copies {
            self.add_copy(copy);
            let ended = meets(submission, copy, Expect::Final);
            self.finals += u64::from(ended);
            self.lost += u64::from(accepted && !meets(submission, copy, expect));
        }
    }

    fn add_copy(&mut self, copy: &CopyRecord) {
        let told: u64 = copy.notifications.iter().map(|(_, _, times)| u64::from(*times)).sum();
        let first = copy.notifications.first().map_or(0, |(_, _, times)| u64::from(*times));
        self.notifications += told;
        self.repeated_same_ids += first.saturating_sub(1);
        self.repeated_other_ids += told - first;
        self.retrieved += u64::from(copy.intact);
        self.corrupted += u64::from(copy.corrupted);
        self.acknowledged += u64::from(copy.acknowledged);
        self.reports += u64::from(!copy.reports.is_empty());
        self.repeated_reports += (copy.reports.len() as u64).saturating_sub(1);
    }
}

/// X-Mms-Status: deferred (0x83) ends nothing, every other status does (digest 6.2).
const DEFERRED: u8 = 0x83;

fn meets(submission: &Submission, copy: &CopyRecord, expect: Expect) -> bool {
    match expect {
        Expect::Accepted => true,
        Expect::Final => copy.intact > 0 || copy.reports.iter().any(|status| *status != DEFERRED),
        Expect::Delivered => copy.intact > 0 && (!submission.report || !copy.reports.is_empty()),
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {} accepted of {} ({} refused, {} unanswered), {} lost, {} corrupted, {} accepted twice; \
             {} notifications, {} repeated with the same ids, {} with other ids; {} retrieved, {} acknowledged, \
             {} reported ({} repeated), {} final, {} strangers",
            if self.holds() { "holds" } else { "BROKEN" },
            self.accepted,
            self.submitted,
            self.refused,
            self.unknown,
            self.lost,
            self.corrupted,
            self.accepted_twice,
            self.notifications,
            self.repeated_same_ids,
            self.repeated_other_ids,
            self.retrieved,
            self.acknowledged,
            self.reports,
            self.repeated_reports,
            self.finals,
            self.strangers,
        )
    }
}
