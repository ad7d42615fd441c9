//! Rows that are committed and not yet in the index: each key with its recent values and their versions, so that a
//! transaction goes on reading its own state while newer ones come in.
//!
//! One worker writes; what it writes for a version is not looked for by anybody before that version is published.

use std::borrow::Borrow;
use std::cmp::Ordering as Order;
use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use bytes::Bytes;

use super::rows::Space;
use crate::key::KeyRange;

/// A value, or that there is none.
pub(super) type Value = Option<Bytes>;

/// A write of one key.
pub(super) type Cell = (Space, Bytes, Value);

/// Rows that a cursor takes under one lock.
const CURSOR_PORTION: usize = 64;
/// About what an entry takes beside its octets.
const ENTRY_OVERHEAD: usize = 200;
/// From so many older values on, those that nobody can read are dropped.
const PRUNE_AT: usize = 16;

/// A key with its first octets inline: nearly every comparison ends there, without following the pointer.
#[derive(Debug, Clone, PartialEq, Eq)]
struct MemKey {
    head: u128,
    octets: Bytes,
}

/// The first 16 octets, padded with zeros. Where two heads differ, the keys stand in the same order.
fn head_of(octets: &[u8]) -> u128 {
    let mut head = [0u8; 16];
    head.iter_mut().zip(octets).for_each(|(to, from)| *to = *from);
    u128::from_be_bytes(head)
}

/// A key as it is looked for: owned or borrowed.
trait Probe {
    fn head(&self) -> u128;
    fn octets(&self) -> &[u8];
}

impl Probe for MemKey {
    fn head(&self) -> u128 {
        self.head
    }

    fn octets(&self) -> &[u8] {
        &self.octets
    }
}

struct Borrowed<'a> {
    head: u128,
    octets: &'a [u8],
}

impl<'a> Borrowed<'a> {
    fn new(octets: &'a [u8]) -> Self {
        let head = head_of(octets);
        Self { head, octets }
    }
}

impl Probe for Borrowed<'_> {
    fn head(&self) -> u128 {
        self.head
    }

    fn octets(&self) -> &[u8] {
        self.octets
    }
}

fn compare(a: (u128, &[u8]), b: (u128, &[u8])) -> Order {
    a.0.cmp(&b.0).then_with(|| a.1.cmp(b.1))
}

impl Ord for MemKey {
    fn cmp(&self, other: &Self) -> Order {
        compare((self.head, &self.octets), (other.head, &other.octets))
    }
}

impl PartialOrd for MemKey {
    fn partial_cmp(&self, other: &Self) -> Option<Order> {
        Some(self.cmp(other))
    }
}

impl<'a> Borrow<dyn Probe + 'a> for MemKey {
    fn borrow(&self) -> &(dyn Probe + 'a) {
        self
    }
}

impl Ord for dyn Probe + '_ {
    fn cmp(&self, other: &Self) -> Order {
        compare((self.head(), self.octets()), (other.head(), other.octets()))
    }
}

impl PartialOrd for dyn Probe + '_ {
    fn partial_cmp(&self, other: &Self) -> Option<Order> {
        Some(self.cmp(other))
    }
}

impl PartialEq for dyn Probe + '_ {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Order::Equal
    }
}

impl Eq for dyn Probe + '_ {}

/// The values of one key, each with the version that wrote it.
#[derive(Debug)]
struct Versions {
    newest: (u64, Value),
    /// Oldest first.
    older: Vec<(u64, Value)>,
}

impl Versions {
    fn at(&self, version: u64) -> Option<&Value> {
        if self.newest.0 <= version {
            return Some(&self.newest.1);
        }
        let older = self.older.iter().rev();
        older
            .into_iter()
            .find(|(written, _)| *written <= version)
            .map(|(_, value)| value)
    }

    /// `oldest` is the lowest version that anybody still reads.
    fn push(&mut self, version: u64, value: Value, oldest: u64) {
        let before = std::mem::replace(&mut self.newest, (version, value));
        if before.0 == version {
            return;
        }
        self.older.push(before);
        if self.older.len() >= PRUNE_AT {
            let readable = self
                .older
                .iter()
                .rposition(|(written, _)| *written <= oldest)
                .unwrap_or(0);
            self.older.drain(..readable);
        }
    }
}

#[derive(Debug, Default)]
struct Tables {
    rows: BTreeMap<MemKey, Versions>,
    content: BTreeMap<MemKey, Versions>,
}

impl Tables {
    fn of(&self, space: Space) -> &BTreeMap<MemKey, Versions> {
        match space {
            Space::Rows => &self.rows,
            Space::Content => &self.content,
        }
    }
}

/// A table in memory.
#[derive(Debug, Default)]
pub(super) struct Mem {
    tables: RwLock<Tables>,
    bytes: AtomicUsize,
}

impl Mem {
    fn read(&self) -> RwLockReadGuard<'_, Tables> {
        self.tables.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// About how much memory it takes.
    pub(super) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Acquire)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes() == 0
    }

    /// Writes cells of `version`; `oldest` is the lowest version that anybody still reads.
    pub(super) fn write(&self, cells: impl IntoIterator<Item = Cell>, version: u64, oldest: u64) {
        let mut bytes = 0;
        let mut tables = self.tables.write().unwrap_or_else(PoisonError::into_inner);
        for (space, octets, value) in cells {
            bytes += octets.len() + value.as_ref().map_or(0, Bytes::len) + ENTRY_OVERHEAD;
            let key = MemKey {
                head: head_of(&octets),
                octets,
            };
            let table = match space {
                Space::Rows => &mut tables.rows,
                Space::Content => &mut tables.content,
            };
            match table.entry(key) {
                std::collections::btree_map::Entry::Occupied(mut entry) => entry.get_mut().push(version, value, oldest),
                std::collections::btree_map::Entry::Vacant(entry) => {
                    entry.insert(Versions {
                        newest: (version, value),
                        older: Vec::new(),
                    });
                }
            }
        }
        drop(tables);
        self.bytes.fetch_add(bytes, Ordering::AcqRel);
    }

    /// What `key` was at `version`; `None` where this table does not know.
    pub(super) fn get(&self, space: Space, key: &[u8], version: u64) -> Option<Value> {
        if self.is_empty() {
            return None;
        }
        let probe = Borrowed::new(key);
        let tables = self.read();
        tables.of(space).get(&probe as &dyn Probe)?.at(version).cloned()
    }

    /// Calls `take` with the newest value of each key, in key order.
    pub(super) fn each_newest<E>(
        &self,
        space: Space,
        mut take: impl FnMut(&[u8], Option<&[u8]>) -> Result<(), E>,
    ) -> Result<(), E> {
        let tables = self.read();
        for (key, versions) in tables.of(space) {
            take(&key.octets, versions.newest.1.as_deref())?;
        }
        Ok(())
    }
}

/// Goes through what a table knows of a range at one version, without holding its lock in between.
pub(super) struct MemCursor {
    mem: Arc<Mem>,
    space: Space,
    start: Bound<Bytes>,
    end: Bound<Bytes>,
    reverse: bool,
    version: u64,
    portion: VecDeque<(Bytes, Value)>,
    done: bool,
}

impl MemCursor {
    /// Over a range that is not empty.
    pub(super) fn new(mem: Arc<Mem>, space: Space, range: &KeyRange, reverse: bool, version: u64) -> Self {
        Self {
            done: mem.is_empty(),
            mem,
            space,
            start: Bound::Included(range.start.clone()),
            end: Bound::Excluded(range.end.clone()),
            reverse,
            version,
            portion: VecDeque::new(),
        }
    }

    fn fill(&mut self) {
        let tables = self.mem.read();
        let (start, end) = (
            self.start.as_ref().map(|key| Borrowed::new(key)),
            self.end.as_ref().map(|key| Borrowed::new(key)),
        );
        let bounds = (
            start.as_ref().map(|probe| probe as &dyn Probe),
            end.as_ref().map(|probe| probe as &dyn Probe),
        );
        let rows = tables.of(self.space).range::<dyn Probe, _>(bounds);
        let visible = |(key, versions): (&MemKey, &Versions)| {
            let value = versions.at(self.version)?;
            Some((key.octets.clone(), value.clone()))
        };
        let portion: VecDeque<(Bytes, Value)> = if self.reverse {
            rows.rev().filter_map(visible).take(CURSOR_PORTION).collect()
        } else {
            rows.filter_map(visible).take(CURSOR_PORTION).collect()
        };
        drop(tables);
        self.done = portion.len() < CURSOR_PORTION;
        if let Some((last, _)) = portion.back() {
            let beyond = Bound::Excluded(last.clone());
            if self.reverse {
                self.end = beyond;
            } else {
                self.start = beyond;
            }
        }
        self.portion = portion;
    }
}

impl Iterator for MemCursor {
    type Item = (Bytes, Value);

    fn next(&mut self) -> Option<Self::Item> {
        if self.portion.is_empty() && !self.done {
            self.fill();
        }
        self.portion.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(key: &str, value: Option<&str>) -> Cell {
        let value = value.map(|value| Bytes::copy_from_slice(value.as_bytes()));
        (Space::Rows, Bytes::copy_from_slice(key.as_bytes()), value)
    }

    #[test]
    fn a_key_is_seen_as_it_was_at_each_version() {
        let mem = Mem::default();
        mem.write([cell("a", Some("1")), cell("a", Some("one"))], 3, 0);
        mem.write([cell("a", None)], 5, 0);
        let at = |version| mem.get(Space::Rows, b"a", version);
        assert_eq!(at(2), None);
        assert_eq!(at(3), Some(Some("one".into())));
        assert_eq!(at(4), Some(Some("one".into())));
        assert_eq!(at(9), Some(None));
        assert_eq!(mem.get(Space::Content, b"a", 9), None);
    }

    #[test]
    fn values_that_nobody_reads_are_dropped_and_the_others_are_not() {
        let mem = Mem::default();
        for version in 1..=100u64 {
            mem.write(
                [cell("a", Some(&version.to_string()))],
                version,
                version.saturating_sub(5),
            );
        }
        for version in 95..=100u64 {
            assert_eq!(
                mem.get(Space::Rows, b"a", version),
                Some(Some(version.to_string().into()))
            );
        }
        assert!(
            mem.read()
                .rows
                .values()
                .all(|versions| versions.older.len() <= PRUNE_AT)
        );
    }

    #[test]
    fn a_cursor_gives_every_visible_row_once_in_either_direction() {
        let mem = Arc::new(Mem::default());
        let keys: Vec<String> = (0..300).map(|n| format!("a rather long key {n:04}")).collect();
        for (version, key) in (1..).zip(&keys) {
            mem.write([cell(key, Some("x"))], version, 0);
        }
        let range = KeyRange::new("a", "b");
        let seen = |reverse, version| -> Vec<Bytes> {
            MemCursor::new(Arc::clone(&mem), Space::Rows, &range, reverse, version)
                .map(|(key, _)| key)
                .collect()
        };
        assert_eq!(seen(false, 300), keys);
        assert_eq!(seen(false, 128), keys[..128]);
        let mut reversed = keys;
        reversed.reverse();
        assert_eq!(seen(true, 300), reversed);
    }

    #[test]
    fn inline_heads_order_as_the_keys_do() {
        let keys: [&[u8]; 8] = [
            b"",
            b"\0",
            b"a",
            b"a\0",
            b"a\0\x01",
            b"aaaaaaaaaaaaaaaa",
            b"aaaaaaaaaaaaaaaa\0",
            b"b",
        ];
        for a in keys {
            for b in keys {
                let by_head = compare((head_of(a), a), (head_of(b), b));
                assert_eq!(by_head, a.cmp(b), "{a:?} {b:?}");
            }
        }
    }
}
