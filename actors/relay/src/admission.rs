//! Credits. Mailboxes are unbounded, so no command of an adapter is sent into the tree without a permit; when permits
//! are short, what finishes a message goes before what starts one (MM2 digest 3). What the store remembers anyway
//! (pokes, due work, woken destinations, served content) takes no permit: it is bounded by the number of live actors,
//! is dropped beyond that, and is found again by the due scan.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// What a permit is for, dearest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// A handset fetches.
    Retrieval,
    /// A handset answers; a receipt.
    Answer,
    /// A new message.
    Submission,
}

impl Class {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Retrieval, Self::Answer, Self::Submission];

    /// Its name in metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Retrieval => "retrieval",
            Self::Answer => "answer",
            Self::Submission => "submission",
        }
    }

    /// Per cent of all credits up to which this class is let in.
    fn ceiling_percent(self) -> usize {
        match self {
            Self::Retrieval => 100,
            Self::Answer => 95,
            Self::Submission => 80,
        }
    }
}

/// How much may be in flight on a node.
#[derive(Clone, Copy, Debug)]
pub struct AdmissionLimits {
    /// Commands at once.
    pub commands: usize,
    /// Octets of content at once in submissions that are not committed yet.
    pub octets: u64,
}

impl Default for AdmissionLimits {
    fn default() -> Self {
        Self {
            commands: 4096,
            octets: 256 * 1024 * 1024,
        }
    }
}

/// The credits of a node.
#[derive(Debug)]
pub struct Admission {
    limits: AdmissionLimits,
    commands: AtomicUsize,
    octets: AtomicU64,
}

impl Admission {
    /// With everything free.
    #[must_use]
    pub fn new(limits: AdmissionLimits) -> Arc<Self> {
        Arc::new(Self {
            limits,
            commands: AtomicUsize::new(0),
            octets: AtomicU64::new(0),
        })
    }

    /// A permit for one command with `octets` of content, if there is room for its class.
    #[must_use]
    pub fn admit(self: &Arc<Self>, class: Class, octets: u64) -> Option<Permit> {
        let ceiling = self.limits.commands.saturating_mul(class.ceiling_percent()) / 100;
        if self.commands.fetch_add(1, Ordering::AcqRel) >= ceiling {
            self.commands.fetch_sub(1, Ordering::AcqRel);
            return None;
        }
        if self.octets.fetch_add(octets, Ordering::AcqRel).saturating_add(octets) > self.limits.octets && octets > 0 {
            self.octets.fetch_sub(octets, Ordering::AcqRel);
            self.commands.fetch_sub(1, Ordering::AcqRel);
            return None;
        }
        Some(Permit {
            admission: Arc::clone(self),
            octets,
        })
    }

    /// Commands in flight.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.commands.load(Ordering::Acquire)
    }
}

/// The right to one command in flight; given back when dropped.
#[derive(Debug)]
pub struct Permit {
    admission: Arc<Admission>,
    octets: u64,
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.admission.commands.fetch_sub(1, Ordering::AcqRel);
        self.admission.octets.fetch_sub(self.octets, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_finishes_a_message_goes_before_what_starts_one() {
        let admission = Admission::new(AdmissionLimits {
            commands: 10,
            octets: 1000,
        });
        let held: Vec<_> = (0..8).map(|_| admission.admit(Class::Submission, 1).unwrap()).collect();
        assert!(admission.admit(Class::Submission, 1).is_none());
        let retrieval = admission.admit(Class::Retrieval, 0);
        assert!(retrieval.is_some());
        drop(held);
        drop(retrieval);
        assert_eq!(admission.in_flight(), 0);
        assert!(admission.admit(Class::Submission, 0).is_some());
    }

    #[test]
    fn octets_are_bounded_too() {
        let admission = Admission::new(AdmissionLimits {
            commands: 10,
            octets: 100,
        });
        let first = admission.admit(Class::Submission, 60).unwrap();
        assert!(admission.admit(Class::Submission, 60).is_none());
        assert!(admission.admit(Class::Retrieval, 0).is_some());
        drop(first);
        assert!(admission.admit(Class::Submission, 60).is_some());
    }
}
