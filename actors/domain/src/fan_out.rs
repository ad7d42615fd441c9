//! The same content to many: how worms and spam look, whoever sends them. Counting as values; the table of what is
//! counted is the caller's.

use std::time::Duration;

use crate::time::UnixMillis;

/// What happens to a submission that goes over a threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum FanOutAction {
    /// It is taken, and told to the operator.
    #[default]
    Report,
    /// It is refused in the words for a service that is denied, which tell the sender no threshold.
    Refuse,
}

/// How much of one content may be submitted in a window; `None`: any amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct FanOutLimits {
    /// Submissions.
    pub submissions: Option<u64>,
    /// Recipients of all of them together.
    pub recipients: Option<u64>,
}

/// The operator's rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FanOutPolicy {
    /// What happens beyond a threshold.
    pub action: FanOutAction,
    /// How long a content is counted, from its first submission; then it begins anew.
    pub window: Duration,
    /// For each sender.
    pub sender: FanOutLimits,
    /// For all senders together.
    pub everybody: FanOutLimits,
    /// Octets that content has at least to be counted for all senders together: many people write the same few words.
    pub everybody_min_bytes: u64,
    /// Contents remembered for each of the two, so that memory is bounded; the one not seen for longest goes first.
    pub contents: usize,
}

impl Default for FanOutPolicy {
    fn default() -> Self {
        let limits = FanOutLimits {
            submissions: None,
            recipients: Some(1000),
        };
        Self {
            action: FanOutAction::default(),
            window: Duration::from_secs(3600),
            sender: limits,
            everybody: limits,
            everybody_min_bytes: 1024,
            contents: 100_000,
        }
    }
}

/// The threshold that was passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FanOut {
    /// One sender, too often.
    SenderSubmissions,
    /// One sender, to too many.
    SenderRecipients,
    /// All senders together, too often.
    EverybodySubmissions,
    /// All senders together, to too many.
    EverybodyRecipients,
}

impl FanOut {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::SenderSubmissions,
        Self::SenderRecipients,
        Self::EverybodySubmissions,
        Self::EverybodyRecipients,
    ];

    /// Its name in metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::SenderSubmissions => "sender_submissions",
            Self::SenderRecipients => "sender_recipients",
            Self::EverybodySubmissions => "all_submissions",
            Self::EverybodyRecipients => "all_recipients",
        }
    }
}

/// Whose submissions are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Those of one sender.
    Sender,
    /// Those of all.
    Everybody,
}

/// How much of one content was submitted in its window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tally {
    since: UnixMillis,
    submissions: u64,
    recipients: u64,
    told: bool,
}

impl Tally {
    /// Nothing yet.
    #[must_use]
    pub fn new(now: UnixMillis) -> Self {
        Self {
            since: now,
            submissions: 0,
            recipients: 0,
            told: false,
        }
    }

    /// As it stands now: after the window it begins anew. A clock that went back ends no window.
    #[must_use]
    pub fn at(self, now: UnixMillis, window: Duration) -> Self {
        if now.since(self.since) < window {
            self
        } else {
            Self::new(now)
        }
    }

    /// With one more submission to so many.
    #[must_use]
    pub fn with(self, recipients: u64) -> Self {
        Self {
            submissions: self.submissions.saturating_add(1),
            recipients: self.recipients.saturating_add(recipients),
            ..self
        }
    }

    /// Its passing a threshold was told in this window.
    #[must_use]
    pub fn told(self) -> Self {
        Self { told: true, ..self }
    }

    /// Whether that was told.
    #[must_use]
    pub fn is_told(&self) -> bool {
        self.told
    }

    /// The threshold that it has passed, if any.
    #[must_use]
    pub fn over(&self, limits: FanOutLimits, scope: Scope) -> Option<FanOut> {
        let (submissions, recipients) = match scope {
            Scope::Sender => (FanOut::SenderSubmissions, FanOut::SenderRecipients),
            Scope::Everybody => (FanOut::EverybodySubmissions, FanOut::EverybodyRecipients),
        };
        let beyond = |count: u64, limit: Option<u64>| limit.is_some_and(|limit| count > limit);
        if beyond(self.recipients, limits.recipients) {
            Some(recipients)
        } else if beyond(self.submissions, limits.submissions) {
            Some(submissions)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);
    const LIMITS: FanOutLimits = FanOutLimits {
        submissions: Some(3),
        recipients: Some(10),
    };

    #[test]
    fn a_threshold_is_passed_by_what_exceeds_it_and_forgotten_after_the_window() {
        let start = UnixMillis(1_000_000);
        let mut tally = Tally::new(start);
        for _ in 0..3 {
            tally = tally.with(2);
            assert_eq!(tally.over(LIMITS, Scope::Sender), None);
        }
        let often = tally.with(1);
        assert_eq!(often.over(LIMITS, Scope::Sender), Some(FanOut::SenderSubmissions));
        assert_eq!(often.over(LIMITS, Scope::Everybody), Some(FanOut::EverybodySubmissions));
        let many = Tally::new(start).with(11);
        assert_eq!(many.over(LIMITS, Scope::Sender), Some(FanOut::SenderRecipients));
        assert_eq!(many.over(LIMITS, Scope::Everybody), Some(FanOut::EverybodyRecipients));
        assert_eq!(many.over(FanOutLimits::default(), Scope::Sender), None);
        let told = often.told();
        let last = told.at(UnixMillis(1_000_000 + 3_599_999), HOUR);
        assert!(last.is_told() && last.over(LIMITS, Scope::Sender).is_some());
        let next = told.at(UnixMillis(1_000_000 + 3_600_000), HOUR);
        assert!(!next.is_told() && next.over(LIMITS, Scope::Sender).is_none());
        assert!(told.at(UnixMillis(0), HOUR).over(LIMITS, Scope::Sender).is_some());
    }
}
