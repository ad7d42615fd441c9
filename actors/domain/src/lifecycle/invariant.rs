//! What must always hold, named once: property tests, drills and production counters use the same names.

use std::fmt;

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
}

impl Invariant {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::AcceptedIsDurable,
        Self::FinalIsFinal,
        Self::LiveHasDue,
        Self::OneReport,
        Self::HiddenStaysHidden,
        Self::HeldContentStays,
        Self::ContentIsUnchanged,
        Self::OnlyItsRecipient,
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
        }
    }
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
