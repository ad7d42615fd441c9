//! A map that forgets its oldest entries rather than grow.

use std::collections::{BTreeMap, VecDeque};

/// At most `capacity` entries; the oldest insertion goes first.
#[derive(Debug)]
pub(crate) struct Bounded<K, V> {
    capacity: usize,
    entries: BTreeMap<K, (u64, V)>,
    order: VecDeque<(u64, K)>,
    next: u64,
}

impl<K: Ord + Clone, V> Bounded<K, V> {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            capacity: capacity.max(1),
            entries: BTreeMap::new(),
            order: VecDeque::new(),
            next: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        self.entries.get(key).map(|(_, value)| value)
    }

    pub(crate) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.entries.get_mut(key).map(|(_, value)| value)
    }

    pub(crate) fn remove(&mut self, key: &K) -> Option<V> {
        self.entries.remove(key).map(|(_, value)| value)
    }

    /// Inserts, or replaces and makes young again. Returns what had to go: the entry that it replaces, or the oldest.
    pub(crate) fn insert(&mut self, key: K, value: V) -> Option<V> {
        let stamp = self.next;
        self.next += 1;
        let replaced = self.entries.insert(key.clone(), (stamp, value));
        self.order.push_back((stamp, key));
        let evicted = if self.entries.len() > self.capacity {
            self.pop_oldest()
        } else {
            None
        };
        self.tidy();
        replaced.map(|(_, value)| value).or(evicted)
    }

    fn pop_oldest(&mut self) -> Option<V> {
        while let Some((stamp, key)) = self.order.pop_front() {
            if self.entries.get(&key).is_some_and(|(at, _)| *at == stamp) {
                return self.remove(&key);
            }
        }
        None
    }

    /// Removed and replaced entries leave marks in the order; they may not outgrow what is alive.
    fn tidy(&mut self) {
        if self.order.len() > 2 * self.entries.len() + 64 {
            let entries = &self.entries;
            self.order
                .retain(|(stamp, key)| entries.get(key).is_some_and(|(at, _)| at == stamp));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_goes_and_a_refreshed_one_stays() {
        let mut map = Bounded::new(2);
        assert_eq!(map.insert(1, 'a'), None);
        assert_eq!(map.insert(2, 'b'), None);
        assert_eq!(map.insert(1, 'A'), Some('a'));
        assert_eq!(map.insert(3, 'c'), Some('b'));
        assert_eq!((map.get(&1), map.get(&2), map.get(&3)), (Some(&'A'), None, Some(&'c')));
    }

    #[test]
    fn marks_of_removed_entries_are_bounded() {
        let mut map = Bounded::new(10);
        for key in 0..100_000u32 {
            map.insert(key, ());
            map.remove(&key);
        }
        assert_eq!(map.len(), 0);
        assert!(map.order.len() <= 64);
    }
}
