//! What the entries of a ledger add up to.

use std::collections::{BTreeMap, HashMap};
use std::io::BufRead;

use super::entry::{Digest, Entry, Outcome};
use crate::error::PeerError;
use crate::msisdn::Msisdn;

/// Everything known about one submission.
#[derive(Clone, Debug)]
pub struct Submission {
    /// What was submitted.
    pub digest: Digest,
    /// Whether a delivery report was asked for.
    pub report: bool,
    /// Message-IDs that it was accepted with, in order, each once: more than one is a broken promise.
    pub accepted: Vec<String>,
    /// The last answer that was no acceptance.
    pub refused: Option<Outcome>,
    /// Attempts of which the outcome is not known.
    pub unknown_attempts: u32,
    /// One record per recipient.
    pub copies: Vec<CopyRecord>,
}

/// Everything seen about one copy.
#[derive(Clone, Debug)]
pub struct CopyRecord {
    /// Whose copy.
    pub recipient: Msisdn,
    /// Notifications by their ids (transaction id, content location), and how often each came.
    pub notifications: Vec<(String, String, u32)>,
    /// Retrievals whose octets were those submitted.
    pub intact: u32,
    /// Retrievals whose octets were not.
    pub corrupted: u32,
    /// Retrievals that were answered without the message.
    pub not_served: u32,
    /// Whether an acknowledgement was taken.
    pub acknowledged: bool,
    /// X-Mms-Status of the delivery reports, in order.
    pub reports: Vec<u8>,
}

impl CopyRecord {
    fn new(recipient: Msisdn) -> Self {
        Self {
            recipient,
            notifications: Vec::new(),
            intact: 0,
            corrupted: 0,
            not_served: 0,
            acknowledged: false,
            reports: Vec::new(),
        }
    }
}

/// The sum of a ledger's entries.
#[derive(Debug, Default)]
pub struct Book {
    submissions: BTreeMap<u64, Submission>,
    by_message_id: HashMap<String, u64>,
    /// Reports that came before the peer knew their Message-ID: a push may overtake the answer to the submission.
    early_reports: HashMap<String, Vec<(Msisdn, u8)>>,
    strangers: u64,
}

impl Book {
    /// Builds a book from the lines of a ledger's file. A last line without its end (the peer itself was killed) is
    /// left out.
    pub fn read(mut lines: impl BufRead) -> Result<Self, PeerError> {
        let mut book = Self::default();
        let mut line = String::new();
        loop {
            line.clear();
            let read = lines
                .read_line(&mut line)
                .map_err(|error| PeerError::io("ledger", error))?;
            let Some(whole) = line.strip_suffix('\n').filter(|_| read > 0) else {
                return Ok(book);
            };
            let entry = Entry::parse(whole).map_err(|error| PeerError::Protocol(error.to_string()))?;
            book.apply(&entry);
        }
    }

    /// Adds one entry.
    pub fn apply(&mut self, entry: &Entry) {
        match entry {
            Entry::Submitted {
                number,
                recipients,
                digest,
                report,
            } => self.submitted(*number, recipients, *digest, *report),
            Entry::Answered { number, outcome } => self.answered(*number, outcome),
            Entry::Notified {
                number,
                recipient,
                transaction_id,
                location,
            } => self.notified(*number, *recipient, transaction_id, location),
            Entry::Retrieved {
                number,
                recipient,
                digest,
                message_id,
            } => self.retrieved(*number, *recipient, *digest, message_id),
            Entry::NotServed { number, recipient, .. } => {
                self.on_copy(*number, *recipient, |copy| copy.not_served += 1);
            }
            Entry::Acknowledged { number, recipient } => {
                self.on_copy(*number, *recipient, |copy| copy.acknowledged = true);
            }
            Entry::Reported {
                message_id,
                recipient,
                status,
            } => self.reported(message_id, *recipient, *status),
            Entry::Stranger { .. } => self.strangers += 1,
        }
    }

    /// All submissions by number.
    #[must_use]
    pub fn submissions(&self) -> &BTreeMap<u64, Submission> {
        &self.submissions
    }

    /// Pushes that belong to nothing: unknown subjects and recipients, and reports whose Message-ID nobody was given.
    #[must_use]
    pub fn strangers(&self) -> u64 {
        let early: usize = self.early_reports.values().map(Vec::len).sum();
        self.strangers.saturating_add(early as u64)
    }

    /// The submission that was accepted with `message_id`.
    #[must_use]
    pub fn number_of(&self, message_id: &str) -> Option<u64> {
        self.by_message_id.get(message_id).copied()
    }

    fn submitted(&mut self, number: u64, recipients: &[Msisdn], digest: Digest, report: bool) {
        // A repeat of the same submission changes nothing.
        self.submissions.entry(number).or_insert_with(|| Submission {
            digest,
            report,
            accepted: Vec::new(),
            refused: None,
            unknown_attempts: 0,
            copies: recipients.iter().copied().map(CopyRecord::new).collect(),
        });
    }

    fn answered(&mut self, number: u64, outcome: &Outcome) {
        let Some(submission) = self.submissions.get_mut(&number) else {
            return;
        };
        match outcome {
            Outcome::Accepted(id) => {
                if !submission.accepted.contains(id) {
                    submission.accepted.push(id.clone());
                }
                self.learn(id, number);
            }
            Outcome::Refused(_) | Outcome::Http(_) => submission.refused = Some(outcome.clone()),
            Outcome::Unknown => submission.unknown_attempts += 1,
        }
    }

    fn notified(&mut self, number: u64, recipient: Msisdn, transaction_id: &str, location: &str) {
        self.on_copy(number, recipient, |copy| {
            let known = copy
                .notifications
                .iter_mut()
                .find(|(id, place, _)| id == transaction_id && place == location);
            match known {
                Some((_, _, times)) => *times += 1,
                None => copy
                    .notifications
                    .push((transaction_id.to_owned(), location.to_owned(), 1)),
            }
        });
    }

    fn retrieved(&mut self, number: u64, recipient: Msisdn, digest: Digest, message_id: &str) {
        if !message_id.is_empty() {
            self.learn(message_id, number);
        }
        let expected = self.submissions.get(&number).map(|submission| submission.digest);
        self.on_copy(number, recipient, |copy| {
            if expected == Some(digest) {
                copy.intact += 1;
            } else {
                copy.corrupted += 1;
            }
        });
    }

    /// A message whose acceptance was never answered is known by the Message-ID that its recipient got.
    fn learn(&mut self, message_id: &str, number: u64) {
        if self.by_message_id.contains_key(message_id) {
            return;
        }
        self.by_message_id.insert(message_id.to_owned(), number);
        for (recipient, status) in self.early_reports.remove(message_id).unwrap_or_default() {
            self.reported(message_id, recipient, status);
        }
    }

    fn reported(&mut self, message_id: &str, recipient: Msisdn, status: u8) {
        match self.by_message_id.get(message_id) {
            Some(number) => self.on_copy(*number, recipient, |copy| copy.reports.push(status)),
            None => self
                .early_reports
                .entry(message_id.to_owned())
                .or_default()
                .push((recipient, status)),
        }
    }

    fn on_copy(&mut self, number: u64, recipient: Msisdn, change: impl FnOnce(&mut CopyRecord)) {
        let copy = self
            .submissions
            .get_mut(&number)
            .and_then(|submission| submission.copies.iter_mut().find(|copy| copy.recipient == recipient));
        match copy {
            Some(copy) => change(copy),
            None => self.strangers += 1,
        }
    }
}
