//! Which entries a view lists: the filter, and the page.

use super::entry::{MmBoxEntry, MmBoxState};
use super::rules::MmBoxPolicy;

/// What a client wants to see (digest 7.14).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// In one of these states; empty: in any.
    pub states: Vec<MmBoxState>,
    /// With one of these keywords; empty: with any or none.
    pub keywords: Vec<String>,
}

impl Filter {
    /// States are OR-ed, keywords are OR-ed, the two groups are AND-ed.
    #[must_use]
    pub fn matches(&self, entry: &MmBoxEntry) -> bool {
        let state = self.states.is_empty() || self.states.contains(&entry.state);
        let keyword = self.keywords.is_empty()
            || self
                .keywords
                .iter()
                .any(|wanted| entry.flags.iter().any(|own| own == wanted));
        state && keyword
    }
}

/// Where a matching entry stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Not on this page; it only counts.
    Elsewhere,
    /// On this page.
    Here {
        /// With its content.
        content: bool,
    },
}

/// Goes through the matching entries, newest first, and says which are on the page.
#[derive(Clone, Debug)]
pub struct Pager {
    start: u64,
    left: u64,
    octets_left: u64,
    with_content: bool,
    first: bool,
    matching: u64,
}

impl Pager {
    /// From the entry with index `start` on, at most `limit` entries, and what the operator bounds.
    #[must_use]
    pub fn new(start: u64, limit: Option<u64>, with_content: bool, policy: &MmBoxPolicy) -> Self {
        Self {
            start,
            left: limit.map_or(policy.max_view, |limit| limit.min(policy.max_view)),
            octets_left: policy.max_view_octets,
            with_content,
            first: true,
            matching: 0,
        }
    }

    /// The next matching entry, whose description takes `described` octets and its content `content`.
    ///
    /// One that does not fit any more ends the page. The first of a page that does not fit with its content goes
    /// without it, so that a client that asks for the next page always gets on.
    pub fn place(&mut self, described: u64, content: u64) -> Place {
        let index = self.matching;
        self.matching = self.matching.saturating_add(1);
        if index < self.start || self.left == 0 {
            return Place::Elsewhere;
        }
        let whole = described.saturating_add(if self.with_content { content } else { 0 });
        let first = std::mem::replace(&mut self.first, false);
        match self.octets_left.checked_sub(whole) {
            Some(octets) => {
                self.octets_left = octets;
                self.left -= 1;
                Place::Here {
                    content: self.with_content,
                }
            }
            None => {
                self.left = 0;
                if first {
                    Place::Here { content: false }
                } else {
                    Place::Elsewhere
                }
            }
        }
    }

    /// Entries that matched so far (X-Mms-Message-Count).
    #[must_use]
    pub fn matching(&self) -> u64 {
        self.matching
    }
}
