//! Optimistic conflicts by FoundationDB's rules: a transaction conflicts when something that it read, a key or a range,
//! was written by a transaction that committed after the one whose state it read.
//!
//! Writes are remembered per group, for as long as a transaction could still be running on a state from before them.

use std::collections::{BTreeSet, VecDeque};

use bytes::Bytes;

use super::rows::Space;
use crate::key::KeyRange;

/// Keys and ranges that a transaction read, or that it wrote.
#[derive(Debug, Default, Clone)]
pub(super) struct Footprint {
    pub(super) keys: Vec<(Space, Bytes)>,
    pub(super) ranges: Vec<(Space, KeyRange)>,
}

impl Footprint {
    pub(super) fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.ranges.is_empty()
    }
}

/// What the transactions of one group wrote.
#[derive(Debug, Default)]
struct Written {
    version: u64,
    keys: BTreeSet<(Space, Bytes)>,
    ranges: Vec<(Space, KeyRange)>,
}

impl Written {
    fn add(&mut self, writes: Footprint) {
        self.keys.extend(writes.keys);
        self.ranges.extend(writes.ranges);
    }

    fn touches(&self, reads: &Footprint) -> bool {
        let key_hit = |key: &(Space, Bytes)| self.keys.contains(key) || self.covers(key);
        reads.keys.iter().any(key_hit) || reads.ranges.iter().any(|range| self.overlaps(range))
    }

    fn covers(&self, (space, key): &(Space, Bytes)) -> bool {
        let within = |range: &KeyRange| range.start <= *key && *key < range.end;
        self.ranges.iter().any(|(of, range)| of == space && within(range))
    }

    fn overlaps(&self, (space, range): &(Space, KeyRange)) -> bool {
        if range.start >= range.end {
            return false;
        }
        let bounds = (*space, range.start.clone())..(*space, range.end.clone());
        let meets = |other: &KeyRange| other.start < range.end && range.start < other.end;
        self.keys.range(bounds).next().is_some() || self.ranges.iter().any(|(of, other)| of == space && meets(other))
    }
}

/// How a transaction stands to what was committed since it began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Commits,
    Conflicts,
    /// What was written since then is no longer known.
    TooOld,
}

/// The recent writes.
#[derive(Debug, Default)]
pub(super) struct Resolver {
    recent: VecDeque<Written>,
    current: Written,
    /// Writes up to this version are forgotten.
    floor: u64,
}

impl Resolver {
    pub(super) fn new(version: u64) -> Self {
        Self {
            floor: version,
            ..Self::default()
        }
    }

    /// Begins the group that will have this version. Transactions that read a state before `oldest` are over.
    pub(super) fn begin(&mut self, version: u64, oldest: u64) {
        while self.recent.front().is_some_and(|written| written.version <= oldest) {
            if let Some(written) = self.recent.pop_front() {
                self.floor = written.version;
            }
        }
        self.current = Written {
            version,
            ..Written::default()
        };
    }

    /// Judges one transaction and, when it commits, remembers its writes.
    pub(super) fn resolve(&mut self, read_version: u64, reads: &Footprint, writes: Footprint) -> Verdict {
        if !reads.is_empty() {
            if read_version < self.floor {
                return Verdict::TooOld;
            }
            let newer = self
                .recent
                .iter()
                .rev()
                .take_while(|written| written.version > read_version);
            if std::iter::once(&self.current)
                .chain(newer)
                .any(|written| written.touches(reads))
            {
                return Verdict::Conflicts;
            }
        }
        self.current.add(writes);
        Verdict::Commits
    }

    /// Ends the group: later ones are judged against it.
    pub(super) fn end(&mut self) {
        let current = std::mem::take(&mut self.current);
        if !current.keys.is_empty() || !current.ranges.is_empty() {
            self.recent.push_back(current);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(keys: &[&'static str]) -> Footprint {
        Footprint {
            keys: keys
                .iter()
                .map(|key| (Space::Rows, Bytes::from_static(key.as_bytes())))
                .collect(),
            ranges: Vec::new(),
        }
    }

    fn range(start: &'static str, end: &'static str) -> Footprint {
        Footprint {
            keys: Vec::new(),
            ranges: vec![(Space::Rows, KeyRange::new(start, end))],
        }
    }

    fn after(writes: Footprint) -> Resolver {
        let mut resolver = Resolver::new(0);
        resolver.begin(1, 0);
        assert_eq!(resolver.resolve(0, &Footprint::default(), writes), Verdict::Commits);
        resolver.end();
        resolver.begin(2, 0);
        resolver
    }

    #[test]
    fn what_was_read_before_a_newer_write_conflicts() {
        let none = Footprint::default;
        for (reads, expected) in [
            (keys(&["b"]), Verdict::Conflicts),
            (keys(&["a", "c"]), Verdict::Commits),
            (range("a", "b"), Verdict::Commits),
            (range("a", "c"), Verdict::Conflicts),
            (range("b", "b"), Verdict::Commits),
        ] {
            assert_eq!(after(keys(&["b"])).resolve(0, &reads, none()), expected, "{reads:?}");
            assert_eq!(
                after(keys(&["b"])).resolve(1, &reads, none()),
                Verdict::Commits,
                "{reads:?}"
            );
        }
        assert_eq!(
            after(range("b", "d")).resolve(0, &keys(&["c"]), none()),
            Verdict::Conflicts
        );
        assert_eq!(
            after(range("b", "d")).resolve(0, &keys(&["d"]), none()),
            Verdict::Commits
        );
        assert_eq!(
            after(range("b", "d")).resolve(0, &range("c", "e"), none()),
            Verdict::Conflicts
        );
        assert_eq!(
            after(range("b", "d")).resolve(0, &range("d", "e"), none()),
            Verdict::Commits
        );
    }

    #[test]
    fn a_later_transaction_of_the_same_group_sees_the_writes_of_an_earlier_one() {
        let mut resolver = Resolver::new(0);
        resolver.begin(1, 0);
        assert_eq!(resolver.resolve(0, &keys(&["a"]), keys(&["a"])), Verdict::Commits);
        assert_eq!(resolver.resolve(0, &keys(&["a"]), keys(&["b"])), Verdict::Conflicts);
        assert_eq!(resolver.resolve(0, &keys(&["b"]), keys(&["c"])), Verdict::Commits);
    }

    #[test]
    fn content_rows_are_not_rows() {
        let content = Footprint {
            keys: vec![(Space::Content, Bytes::from_static(b"b"))],
            ranges: Vec::new(),
        };
        assert_eq!(
            after(content).resolve(0, &keys(&["b"]), Footprint::default()),
            Verdict::Commits
        );
    }

    #[test]
    fn a_state_whose_later_writes_are_forgotten_is_too_old() {
        let mut resolver = after(keys(&["a"]));
        resolver.end();
        resolver.begin(3, 1);
        assert_eq!(
            resolver.resolve(0, &keys(&["z"]), Footprint::default()),
            Verdict::TooOld
        );
        assert_eq!(
            resolver.resolve(0, &Footprint::default(), keys(&["z"])),
            Verdict::Commits
        );
        assert_eq!(
            resolver.resolve(1, &keys(&["a"]), Footprint::default()),
            Verdict::Commits
        );
    }
}
