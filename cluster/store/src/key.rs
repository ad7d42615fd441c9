//! Keys: a space, a shard, then whatever the layer adds; big-endian, so that order is meaning.

use bytes::Bytes;

/// Longest key in octets (FoundationDB's limit, kept on every engine).
pub const MAX_KEY: usize = 10_000;

/// A key under construction: `space (1) ‖ shard (2) ‖ …`.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(Vec<u8>);

impl Key {
    /// The first three octets that every sharded key has.
    #[must_use]
    pub fn new(space: u8, shard: u16) -> Self {
        let mut octets = Vec::with_capacity(48);
        octets.push(space);
        octets.extend_from_slice(&shard.to_be_bytes());
        Self(octets)
    }

    /// Appends octets of fixed length as they are.
    #[must_use]
    pub fn raw(mut self, octets: &[u8]) -> Self {
        self.0.extend_from_slice(octets);
        self
    }

    /// Appends one octet.
    #[must_use]
    pub fn u8(mut self, value: u8) -> Self {
        self.0.push(value);
        self
    }

    /// Appends two octets, big-endian.
    #[must_use]
    pub fn u16(self, value: u16) -> Self {
        self.raw(&value.to_be_bytes())
    }

    /// Appends four octets, big-endian.
    #[must_use]
    pub fn u32(self, value: u32) -> Self {
        self.raw(&value.to_be_bytes())
    }

    /// Appends eight octets, big-endian.
    #[must_use]
    pub fn u64(self, value: u64) -> Self {
        self.raw(&value.to_be_bytes())
    }

    /// Appends octets of variable length so that no such key is a prefix of another: 00 becomes 00 FF, end is 00 00.
    #[must_use]
    pub fn text(mut self, octets: &[u8]) -> Self {
        for &octet in octets {
            self.0.push(octet);
            if octet == 0 {
                self.0.push(0xFF);
            }
        }
        self.0.extend_from_slice(&[0, 0]);
        self
    }

    /// All keys that begin with this one.
    #[must_use]
    pub fn prefix_range(&self) -> KeyRange {
        KeyRange::prefix(&self.0)
    }

    /// The octets.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        &self.0
    }
}

/// Reads what [`Key::text`] wrote, and gives what follows it; `None` if it was not written so.
#[must_use]
pub fn split_text(mut octets: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut text = Vec::new();
    loop {
        match octets {
            [0, 0, rest @ ..] => return Some((text, rest)),
            [0, 0xFF, rest @ ..] => {
                text.push(0);
                octets = rest;
            }
            [0, ..] | [] => return None,
            [octet, rest @ ..] => {
                text.push(*octet);
                octets = rest;
            }
        }
    }
}

impl AsRef<[u8]> for Key {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl From<Key> for Bytes {
    fn from(key: Key) -> Self {
        Self::from(key.0)
    }
}

/// Keys from `start` (included) to `end` (not included).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRange {
    /// First key.
    pub start: Bytes,
    /// First key after it.
    pub end: Bytes,
}

impl KeyRange {
    /// From `start` to before `end`.
    pub fn new(start: impl Into<Bytes>, end: impl Into<Bytes>) -> Self {
        Self {
            start: start.into(),
            end: end.into(),
        }
    }

    /// All keys that begin with `prefix`.
    #[must_use]
    pub fn prefix(prefix: &[u8]) -> Self {
        let mut end = prefix.to_vec();
        while let Some(last) = end.pop() {
            if last < 0xFF {
                end.push(last + 1);
                return Self::new(prefix.to_vec(), end);
            }
        }
        Self::new(prefix.to_vec(), vec![0xFF; MAX_KEY])
    }

    /// Just this key.
    #[must_use]
    pub fn single(key: &[u8]) -> Self {
        let mut end = key.to_vec();
        end.push(0);
        Self::new(key.to_vec(), end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_range_ends_after_its_last_key() {
        let range = KeyRange::prefix(&[1, 0xFF]);
        assert_eq!(range.end.as_ref(), &[2]);
        assert!([1u8, 0xFF, 0xFF, 0xFF].as_slice() < range.end.as_ref());
    }

    #[test]
    fn no_text_key_is_a_prefix_of_another() {
        let short = Key::new(1, 0).text(b"a");
        let long = Key::new(1, 0).text(b"a\0b");
        assert!(!long.as_slice().starts_with(short.as_slice()));
        assert!(short < long);
    }
}
