//! Keys of network stores, and the two kinds of token.

use bytes::Bytes;
use mmsc_domain::{Address, CopyIndex, MmId, Token, UnixMillis};
use mmsc_store::{Key, KeyRange};

use super::encode_address;

const MMBOX: u8 = 0x29;
const TOTALS: u8 = 0x00;
const ENTRIES: u8 = 0x01;

fn mmbox(shard: u16, owner: &Address) -> Key {
    Key::new(MMBOX, shard).text(&encode_address(owner))
}

/// `(mmbox, shard, owner, 0x00)`: what is stored, in messages and octets.
pub fn mmbox_totals(shard: u16, owner: &Address) -> Bytes {
    mmbox(shard, owner).u8(TOTALS).into()
}

/// `(mmbox, shard, owner, 0x01, inverted time, token)`: one stored message; the newest comes first.
pub fn mmbox_entry(shard: u16, place: &EntryPlace) -> Bytes {
    mmbox(shard, &place.owner)
        .u8(ENTRIES)
        .u64(!place.stored_at.0)
        .raw(&place.token.0)
        .into()
}

/// Stored messages from after the key `last` on.
pub fn mmbox_entries(shard: u16, owner: &Address, last: Option<&[u8]>) -> KeyRange {
    let whole = mmbox(shard, owner).u8(ENTRIES).prefix_range();
    match last {
        None => whole,
        Some(last) => KeyRange::new([last, &[0]].concat(), whole.end),
    }
}

/// Where a stored message lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryPlace {
    /// Whose it is.
    pub owner: Address,
    /// When it was stored.
    pub stored_at: UnixMillis,
    /// Its token.
    pub token: Token,
}

/// What a token row points to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A copy of an MM.
    Copy(MmId, CopyIndex),
    /// A message in a network store.
    Entry(EntryPlace),
}

/// Octets of a value that points to a copy. Values that point to entries are longer.
const COPY_LEN: usize = 20;
const TAG_ENTRY: u8 = 0x01;

/// The value of a copy's token row.
pub fn token_value(id: MmId, copy: CopyIndex) -> Bytes {
    let mut octets = id.0.to_vec();
    octets.extend_from_slice(&copy.0.to_be_bytes());
    octets.into()
}

/// The value of an entry's token row. The token is in it again: however short an address is, the value is longer than
/// a copy's.
pub fn entry_value(place: &EntryPlace) -> Bytes {
    let mut octets = vec![TAG_ENTRY];
    octets.extend_from_slice(&place.stored_at.0.to_be_bytes());
    octets.extend_from_slice(&place.token.0);
    octets.extend(encode_address(&place.owner));
    octets.into()
}

/// What a token row points to; none if it is no value of ours.
pub fn parse_token_value(value: &[u8]) -> Option<Target> {
    if value.len() <= COPY_LEN {
        let (id, copy) = value.split_at_checked(16)?;
        let copy = CopyIndex(u32::from_be_bytes(copy.try_into().ok()?));
        return Some(Target::Copy(MmId(id.try_into().ok()?), copy));
    }
    let (&tag, rest) = value.split_first()?;
    let (stored_at, rest) = rest.split_at_checked(8)?;
    let (token, owner) = rest.split_at_checked(16)?;
    (tag == TAG_ENTRY).then_some(Target::Entry(EntryPlace {
        owner: minicbor::decode(owner).ok()?,
        stored_at: UnixMillis(u64::from_be_bytes(stored_at.try_into().ok()?)),
        token: Token(token.try_into().ok()?),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(owner: Address, stored_at: u64) -> EntryPlace {
        EntryPlace {
            owner,
            stored_at: UnixMillis(stored_at),
            token: Token([7; 16]),
        }
    }

    #[test]
    fn the_two_kinds_of_token_are_told_apart() {
        let copy = Target::Copy(MmId([1; 16]), CopyIndex(9));
        assert_eq!(parse_token_value(&token_value(MmId([1; 16]), CopyIndex(9))), Some(copy));
        for owner in [
            Address::ShortCode(String::new()),
            Address::ShortCode("123456".to_owned()),
            Address::Phone("15550100001".to_owned()),
            Address::Email(format!("{}@b.example", "a".repeat(300))),
        ] {
            let place = place(owner, 12_345);
            let value = entry_value(&place);
            assert!(value.len() > COPY_LEN);
            assert_eq!(parse_token_value(&value), Some(Target::Entry(place)));
        }
        for foreign in [&[0; 3][..], &[0; 19], &[0; 21], &[1; 40]] {
            assert_eq!(parse_token_value(foreign), None, "{foreign:?}");
        }
    }

    #[test]
    fn the_newest_comes_first_and_owners_lie_apart() {
        let (one, two) = (Address::Phone("1".to_owned()), Address::Phone("12".to_owned()));
        let (old, new) = (place(one.clone(), 10), place(one.clone(), 11));
        let (old, new) = (mmbox_entry(3, &old), mmbox_entry(3, &new));
        assert!(new < old);
        let range = mmbox_entries(3, &one, None);
        assert!(range.start <= new && old < range.end);
        let after = mmbox_entries(3, &one, Some(&new));
        assert!(after.start > new && after.start < old);
        let foreign = mmbox_entry(3, &place(two, 10));
        assert!(foreign < range.start || foreign >= range.end);
        let totals = mmbox_totals(3, &one);
        assert!(totals < range.start || totals >= range.end);
    }
}
