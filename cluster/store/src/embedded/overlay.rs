//! A transaction's own writes, laid over the state that it reads.

use std::collections::BTreeMap;
use std::ops::Bound;

use bytes::Bytes;

use super::index::read_counter;
use crate::key::KeyRange;
use crate::txn::Row;

/// What the transaction itself knows about one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Own {
    /// It is this.
    Value(Bytes),
    /// It is gone.
    Cleared,
    /// It is whatever the state says, plus this.
    Plus(i64),
}

/// The writes so far, by key.
#[derive(Debug, Default)]
pub(super) struct Overlay {
    keys: BTreeMap<Bytes, Own>,
    cleared: Vec<KeyRange>,
}

impl Overlay {
    pub(super) fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.cleared.is_empty()
    }

    pub(super) fn set(&mut self, key: Bytes, value: Bytes) {
        self.keys.insert(key, Own::Value(value));
    }

    pub(super) fn clear(&mut self, key: Bytes) {
        self.keys.insert(key, Own::Cleared);
    }

    pub(super) fn clear_range(&mut self, range: KeyRange) {
        if range.start >= range.end {
            return;
        }
        let bounds = range.start.clone()..range.end.clone();
        let inside: Vec<Bytes> = self.keys.range(bounds).map(|(key, _)| key.clone()).collect();
        for key in inside {
            self.keys.remove(&key);
        }
        self.cleared.push(range);
    }

    pub(super) fn add(&mut self, key: Bytes, by: i64) {
        let own = match self.get(&key) {
            Some(Own::Value(value)) => Own::Value(counter(read_counter(&value).wrapping_add(by))),
            Some(Own::Cleared) => Own::Value(counter(by)),
            Some(Own::Plus(before)) => Own::Plus(before.wrapping_add(by)),
            None => Own::Plus(by),
        };
        self.keys.insert(key, own);
    }

    /// What is known about `key` without the state.
    pub(super) fn get(&self, key: &[u8]) -> Option<Own> {
        match self.keys.get(key) {
            Some(own) => Some(own.clone()),
            None if self.is_cleared(key) => Some(Own::Cleared),
            None => None,
        }
    }

    fn is_cleared(&self, key: &[u8]) -> bool {
        self.cleared
            .iter()
            .any(|range| range.start.as_ref() <= key && key < range.end.as_ref())
    }

    /// Rows of a range: those of `state`, which come in the order wanted, under these writes.
    pub(super) fn merge<E>(
        &self,
        range: &KeyRange,
        reverse: bool,
        limit: usize,
        state: impl Iterator<Item = Result<Row, E>>,
    ) -> Result<Vec<Row>, E> {
        let bounds = (Bound::Included(range.start.clone()), Bound::Excluded(range.end.clone()));
        let own: Vec<(&Bytes, &Own)> = match (range.start < range.end, reverse) {
            (false, _) => Vec::new(),
            (true, false) => self.keys.range(bounds).collect(),
            (true, true) => self.keys.range(bounds).rev().collect(),
        };
        let before = |a: &Bytes, b: &Bytes| if reverse { a > b } else { a < b };
        let mut own = own.into_iter().peekable();
        let mut state = state.peekable();
        let mut rows = Vec::new();
        while rows.len() < limit {
            let base = match state.peek() {
                Some(Ok((key, _))) => Some(key.clone()),
                Some(Err(_)) => None,
                None if own.peek().is_none() => break,
                None => None,
            };
            if let Some(Err(_)) = state.peek() {
                state.next().transpose()?;
                continue;
            }
            let own_first = match (&base, own.peek()) {
                (None, _) => true,
                (Some(_), None) => false,
                (Some(base), Some((key, _))) => !before(base, key),
            };
            if !own_first {
                let row = state.next().transpose()?;
                rows.extend(row.filter(|(key, _)| !self.is_cleared(key)));
                continue;
            }
            let Some((key, change)) = own.next() else { break };
            let under = if base.as_ref() == Some(key) {
                state.next().transpose()?
            } else {
                None
            };
            rows.extend(laid_over(key, change, under));
        }
        Ok(rows)
    }
}

fn laid_over(key: &Bytes, own: &Own, under: Option<Row>) -> Option<Row> {
    match own {
        Own::Value(value) => Some((key.clone(), value.clone())),
        Own::Cleared => None,
        Own::Plus(by) => {
            let base = under.map_or(0, |(_, value)| read_counter(&value));
            Some((key.clone(), counter(base.wrapping_add(*by))))
        }
    }
}

/// A counter row's value.
pub(super) fn counter(value: i64) -> Bytes {
    Bytes::copy_from_slice(&value.to_le_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(key: &'static str, value: &'static str) -> Row {
        (Bytes::from_static(key.as_bytes()), Bytes::from_static(value.as_bytes()))
    }

    fn merged(overlay: &Overlay, reverse: bool, limit: usize) -> Vec<Row> {
        let mut state = vec![row("a", "1"), row("c", "3"), row("e", "5"), row("g", "7")];
        if reverse {
            state.reverse();
        }
        let rows = state.into_iter().map(Ok::<Row, ()>);
        overlay.merge(&KeyRange::new("a", "z"), reverse, limit, rows).unwrap()
    }

    #[test]
    fn own_writes_lie_over_the_state_in_both_directions() {
        let mut overlay = Overlay::default();
        overlay.set("b".into(), "2".into());
        overlay.set("c".into(), "three".into());
        overlay.clear("e".into());
        overlay.set("zz".into(), "outside".into());
        let mut expected = vec![row("a", "1"), row("b", "2"), row("c", "three"), row("g", "7")];
        assert_eq!(merged(&overlay, false, 10), expected);
        assert_eq!(merged(&overlay, false, 2), expected[..2]);
        expected.reverse();
        assert_eq!(merged(&overlay, true, 10), expected);
        assert_eq!(merged(&overlay, true, 3), expected[..3]);
    }

    #[test]
    fn a_cleared_range_hides_the_state_and_earlier_writes_but_not_later_ones() {
        let mut overlay = Overlay::default();
        overlay.set("d".into(), "old".into());
        overlay.clear_range(KeyRange::new("b", "f"));
        overlay.set("c".into(), "new".into());
        assert_eq!(
            merged(&overlay, false, 10),
            [row("a", "1"), row("c", "new"), row("g", "7")]
        );
        assert_eq!(overlay.get(b"d"), Some(Own::Cleared));
        assert_eq!(overlay.get(b"f"), None);
    }

    #[test]
    fn adding_lies_over_whatever_is_there() {
        let mut overlay = Overlay::default();
        overlay.add("n".into(), 5);
        assert_eq!(overlay.get(b"n"), Some(Own::Plus(5)));
        overlay.add("n".into(), -7);
        assert_eq!(overlay.get(b"n"), Some(Own::Plus(-2)));
        overlay.clear("n".into());
        overlay.add("n".into(), 3);
        assert_eq!(overlay.get(b"n"), Some(Own::Value(counter(3))));
        overlay.set("m".into(), counter(10));
        overlay.add("m".into(), 1);
        assert_eq!(overlay.get(b"m"), Some(Own::Value(counter(11))));
    }
}
