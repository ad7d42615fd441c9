//! Where the tree's rows lie. Every key is `space ‖ shard ‖ …`; what must be found together stands together.

use bytes::Bytes;
use mmsc_domain::inbox::{InboxItemId, InboxKind};
use mmsc_domain::{Address, CopyIndex, MmId, Token, UnixMillis};
use mmsc_ports::UnixMillis as PortMillis;
use mmsc_store::key::split_text;
use mmsc_store::layers::due::{self, Due};
use mmsc_store::{Key, KeyRange, StoreError, Txn};

mod mmbox;

pub use mmbox::{
    EntryPlace, Target, entry_value, mmbox_entries, mmbox_entry, mmbox_totals, parse_token_value, token_value,
};

const MM: u8 = 0x21;
const TOKEN: u8 = 0x22;
const INBOX: u8 = 0x23;
const DUPLICATE: u8 = 0x24;
const WAITING: u8 = 0x25;
const SHELF: u8 = 0x26;
const SUBSCRIBER: u8 = 0x27;
const UNREADABLE: u8 = 0x28;
const TERMINAL: u8 = 0x2A;

/// Something that has an actor.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Entity {
    /// A message.
    Mm(MmId),
    /// A subscriber.
    Subscriber(Address),
}

const ENTITY_MM: u8 = 0x01;
const ENTITY_SUBSCRIBER: u8 = 0x02;

impl Entity {
    fn append(&self, key: Key) -> Key {
        match self {
            Self::Mm(id) => key.u8(ENTITY_MM).raw(&id.0),
            Self::Subscriber(address) => key.u8(ENTITY_SUBSCRIBER).text(&encode_address(address)),
        }
    }

    /// The entity at the start of `octets`, and what follows it.
    fn split(octets: &[u8]) -> Option<(Self, &[u8])> {
        let (&tag, rest) = octets.split_first()?;
        match tag {
            ENTITY_MM => {
                let (id, rest) = rest.split_at_checked(16)?;
                Some((Self::Mm(MmId(id.try_into().ok()?)), rest))
            }
            ENTITY_SUBSCRIBER => {
                let (text, rest) = split_text(rest)?;
                Some((Self::Subscriber(minicbor::decode(&text).ok()?), rest))
            }
            _ => None,
        }
    }
}

/// An address as key octets: its record encoding, which decodes to the same value whatever the parser learns later.
fn encode_address(address: &Address) -> Vec<u8> {
    let mut octets = Vec::with_capacity(24);
    // Writing to a Vec cannot fail.
    let _infallible = minicbor::encode(address, &mut octets);
    octets
}

/// Names an inbox row: when its first due entry stood (so that rows lie in the order in which they were born), and
/// what it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ItemKey {
    /// The born due entry's time.
    pub first_due: UnixMillis,
    /// What the row is about.
    pub id: InboxItemId,
}

impl ItemKey {
    fn append(&self, key: Key) -> Key {
        key.u64(self.first_due.0)
            .u8(kind_octet(self.id.kind))
            .raw(&self.id.mm.0)
            .u32(self.id.copy.0)
    }

    fn parse(octets: &[u8]) -> Option<Self> {
        let (due, rest) = octets.split_at_checked(8)?;
        let (&kind, rest) = rest.split_first()?;
        let (mm, copy) = rest.split_at_checked(16)?;
        Some(Self {
            first_due: UnixMillis(u64::from_be_bytes(due.try_into().ok()?)),
            id: InboxItemId {
                kind: kind_of(kind)?,
                mm: MmId(mm.try_into().ok()?),
                copy: CopyIndex(u32::from_be_bytes(copy.try_into().ok()?)),
            },
        })
    }
}

const KIND_NOTIFICATION: u8 = 0x01;
const KIND_DELIVERY_REPORT: u8 = 0x02;
const KIND_READ_REPORT: u8 = 0x03;
const KIND_CANCEL: u8 = 0x04;
const KIND_TELLING_FAILED: u8 = 0x40;
const KIND_FORWARDED: u8 = 0x41;
const KIND_FORWARDED_IN_SILENCE: u8 = 0x42;

fn kind_octet(kind: InboxKind) -> u8 {
    match kind {
        InboxKind::Notification => KIND_NOTIFICATION,
        InboxKind::DeliveryReport => KIND_DELIVERY_REPORT,
        InboxKind::ReadReport => KIND_READ_REPORT,
        InboxKind::Cancel => KIND_CANCEL,
        InboxKind::TellingFailed => KIND_TELLING_FAILED,
        InboxKind::Forwarded => KIND_FORWARDED,
        InboxKind::ForwardedInSilence => KIND_FORWARDED_IN_SILENCE,
    }
}

fn kind_of(octet: u8) -> Option<InboxKind> {
    match octet {
        KIND_NOTIFICATION => Some(InboxKind::Notification),
        KIND_DELIVERY_REPORT => Some(InboxKind::DeliveryReport),
        KIND_READ_REPORT => Some(InboxKind::ReadReport),
        KIND_CANCEL => Some(InboxKind::Cancel),
        KIND_TELLING_FAILED => Some(InboxKind::TellingFailed),
        KIND_FORWARDED => Some(InboxKind::Forwarded),
        KIND_FORWARDED_IN_SILENCE => Some(InboxKind::ForwardedInSilence),
        _ => None,
    }
}

/// What a due entry is about within its entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DueItem {
    /// The entity as a whole.
    Whole,
    /// One copy of an MM.
    Copy(CopyIndex),
    /// One inbox row.
    Item(ItemKey),
}

/// One entry of the due index.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DueEntry {
    /// When.
    pub at: UnixMillis,
    /// Whom it wakes.
    pub entity: Entity,
    /// What for.
    pub item: DueItem,
}

/// The key of a due entry in the store's due index.
pub fn due(shard: u16, entry: &DueEntry) -> Bytes {
    let item = match entry.item {
        DueItem::Whole => Key::default(),
        DueItem::Copy(copy) => Key::default().u8(0x01).u32(copy.0),
        DueItem::Item(item) => item.append(Key::default().u8(0x02)),
    };
    let entity = entry.entity.append(Key::default());
    Due::new(PortMillis(entry.at.0), entity)
        .with_item(item)
        .key(shard)
        .into()
}

/// A page of the due index: entries of a shard that are due at `now` or before, earliest first.
#[derive(Debug, Default)]
pub struct DuePage {
    /// What is due.
    pub entries: Vec<DueEntry>,
    /// Keys that are no entries of ours.
    pub unreadable: Vec<Bytes>,
    /// Where the next page begins; none: this was the last.
    pub last: Option<Due>,
}

/// The page behind `last`.
pub async fn due_page(
    txn: &Txn,
    shard: u16,
    now: UnixMillis,
    last: Option<&Due>,
    limit: usize,
) -> Result<DuePage, StoreError> {
    let found = due::after(txn, shard, PortMillis(now.0), last, limit).await?;
    let mut page = DuePage {
        last: found.last().filter(|_| found.len() >= limit).cloned(),
        ..DuePage::default()
    };
    for due in &found {
        match parse_due(due) {
            Some(entry) => page.entries.push(entry),
            None => page.unreadable.push(due.key(shard).into()),
        }
    }
    Ok(page)
}

fn parse_due(found: &Due) -> Option<DueEntry> {
    let (entity, rest) = Entity::split(&found.entity)?;
    let item = match found.item.split_first() {
        None => DueItem::Whole,
        Some((0x01, copy)) => DueItem::Copy(CopyIndex(u32::from_be_bytes(copy.try_into().ok()?))),
        Some((0x02, item)) => DueItem::Item(ItemKey::parse(item)?),
        Some(_) => return None,
    };
    rest.is_empty().then_some(DueEntry {
        at: UnixMillis(found.at.0),
        entity,
        item,
    })
}

fn mm(id: MmId) -> Key {
    Key::new(MM, id.shard().0).raw(&id.0)
}

/// Envelope of an MM.
pub fn head(id: MmId) -> Bytes {
    mm(id).u8(0x00).into()
}

/// What changes about an MM as a whole; absent as long as nothing did.
pub fn progress(id: MmId) -> Bytes {
    mm(id).u8(0x01).into()
}

/// One copy.
pub fn copy(id: MmId, copy: CopyIndex) -> Bytes {
    mm(id).u8(0x02).u32(copy.0).into()
}

/// Copies of an MM from `first` on.
pub fn copies_from(id: MmId, first: CopyIndex) -> KeyRange {
    KeyRange::new(mm(id).u8(0x02).u32(first.0), mm(id).u8(0x03))
}

/// Event chain entries written by one commit.
pub fn chain(id: MmId, at: UnixMillis, nonce: u32) -> Bytes {
    mm(id).u8(0x03).u64(at.0).u32(nonce).into()
}

/// The whole event chain.
pub fn chain_range(id: MmId) -> KeyRange {
    mm(id).u8(0x03).prefix_range()
}

/// A numbered chunk of a long, frozen recipient list.
pub fn frozen(id: MmId, number: u32) -> Bytes {
    mm(id).u8(0x04).u32(number).into()
}

/// Who claimed that the originator pays for its reply: one for each copy.
pub fn reply_claim(id: MmId, copy: CopyIndex) -> Bytes {
    mm(id).u8(0x05).u32(copy.0).into()
}

/// Everything about an MM.
pub fn mm_range(id: MmId) -> KeyRange {
    mm(id).prefix_range()
}

/// `(token, shard, token)`: leads to a copy or to an entry of a network store.
pub fn token(token: Token) -> Bytes {
    Key::new(TOKEN, token.shard().0).raw(&token.0).into()
}

fn inbox_of(shard: u16, entity: &Entity) -> Key {
    entity.append(Key::new(INBOX, shard))
}

/// `(inbox, shard, entity, item)`.
pub fn inbox(shard: u16, entity: &Entity, item: &ItemKey) -> Bytes {
    item.append(inbox_of(shard, entity)).into()
}

/// The inbox of an entity, from after `last` on.
pub fn inbox_after(shard: u16, entity: &Entity, last: Option<&ItemKey>) -> KeyRange {
    let whole = inbox_of(shard, entity).prefix_range();
    match last {
        None => whole,
        Some(item) => KeyRange::new(item.append(inbox_of(shard, entity)).u8(0), whole.end),
    }
}

/// The item of an inbox row's key.
pub fn parse_inbox(shard: u16, entity: &Entity, key: &[u8]) -> Option<ItemKey> {
    ItemKey::parse(key.strip_prefix(inbox_of(shard, entity).as_slice())?)
}

/// Days since the epoch: duplicate rows of one day lie together, so that old ones go as one range.
pub fn day(now: UnixMillis) -> u32 {
    u32::try_from(now.seconds() / 86_400).unwrap_or(u32::MAX)
}

/// `(duplicate, shard, day, digest)`.
pub fn duplicate(shard: u16, day: u32, digest: &[u8; 32]) -> Bytes {
    Key::new(DUPLICATE, shard).u32(day).raw(digest).into()
}

/// Duplicate rows of days before `day`.
pub fn duplicates_before(shard: u16, day: u32) -> KeyRange {
    KeyRange::new(Key::new(DUPLICATE, shard), Key::new(DUPLICATE, shard).u32(day))
}

/// `(waiting, shard, destination, entity, item)`.
pub fn waiting(shard: u16, destination: &str, entity: &Entity, item: &ItemKey) -> Bytes {
    item.append(entity.append(Key::new(WAITING, shard).text(destination.as_bytes())))
        .into()
}

/// Rows of a shard that wait for a destination, from after the key `last` on.
pub fn waiting_for(shard: u16, destination: &str, last: Option<&[u8]>) -> KeyRange {
    let whole = Key::new(WAITING, shard).text(destination.as_bytes()).prefix_range();
    match last {
        None => whole,
        Some(last) => {
            let mut start = last.to_vec();
            start.push(0);
            KeyRange::new(start, whole.end)
        }
    }
}

/// Entity and item of a waiting row's key.
pub fn parse_waiting(key: &[u8]) -> Option<(Entity, ItemKey)> {
    let (_space_and_shard, rest) = key.split_at_checked(3)?;
    let (_destination, rest) = split_text(rest)?;
    let (entity, rest) = Entity::split(rest)?;
    Some((entity, ItemKey::parse(rest)?))
}

/// A parked inbox row: `(shelf, shard, entity, item)`.
pub fn shelf_item(shard: u16, entity: &Entity, item: &ItemKey) -> Bytes {
    item.append(entity.append(Key::new(SHELF, shard))).into()
}

/// A parked entity: `(shelf, shard, entity)`.
pub fn shelf_entity(shard: u16, entity: &Entity) -> Bytes {
    entity.append(Key::new(SHELF, shard)).into()
}

/// The shelf of a shard.
pub fn shelf_of(shard: u16) -> KeyRange {
    Key::new(SHELF, shard).prefix_range()
}

/// Entity, and item if it is a parked row, of a shelf row's key.
pub fn parse_shelf(key: &[u8]) -> Option<(Entity, Option<ItemKey>)> {
    let (_space_and_shard, rest) = key.split_at_checked(3)?;
    let (entity, rest) = Entity::split(rest)?;
    if rest.is_empty() {
        return Some((entity, None));
    }
    Some((entity, Some(ItemKey::parse(rest)?)))
}

/// A subscriber's profile.
pub fn subscriber(shard: u16, address: &Address) -> Bytes {
    Key::new(SUBSCRIBER, shard).text(&encode_address(address)).into()
}

/// What is known of a subscriber's handset.
pub fn terminal(shard: u16, address: &Address) -> Bytes {
    Key::new(TERMINAL, shard).text(&encode_address(address)).into()
}

/// Where a record that cannot be decoded is set aside.
pub fn unreadable(shard: u16, key: &[u8]) -> Bytes {
    Key::new(UNREADABLE, shard).raw(key).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use mmsc_domain::ShardId;

    fn item() -> ItemKey {
        let mm = MmId::mint(ShardId(7), UnixMillis(1), [3; 8]);
        let id = InboxItemId {
            kind: InboxKind::Notification,
            mm,
            copy: CopyIndex(4),
        };
        ItemKey {
            first_due: UnixMillis(99),
            id,
        }
    }

    #[test]
    fn keys_lead_back_to_what_they_were_made_of() {
        let subscriber = Entity::Subscriber(Address::Phone("15550100001".to_owned()));
        let mm = Entity::Mm(item().id.mm);
        for entity in [subscriber, mm] {
            for item in [DueItem::Whole, DueItem::Copy(CopyIndex(9)), DueItem::Item(item())] {
                let entry = DueEntry {
                    at: UnixMillis(12345),
                    entity: entity.clone(),
                    item,
                };
                assert_eq!(Due::from_key(&due(3, &entry)).as_ref().and_then(parse_due), Some(entry));
            }
            assert_eq!(parse_inbox(3, &entity, &inbox(3, &entity, &item())), Some(item()));
            assert_eq!(
                parse_waiting(&waiting(3, "smsc", &entity, &item())),
                Some((entity.clone(), item()))
            );
            assert_eq!(parse_shelf(&shelf_entity(3, &entity)), Some((entity.clone(), None)));
            assert_eq!(
                parse_shelf(&shelf_item(3, &entity, &item())),
                Some((entity, Some(item())))
            );
        }
    }

    #[test]
    fn an_inbox_is_in_the_order_of_birth() {
        let entity = Entity::Subscriber(Address::Phone("1".to_owned()));
        let mut later = item();
        later.first_due = UnixMillis(100);
        later.id.mm = MmId::mint(ShardId(0), UnixMillis(0), [0; 8]);
        assert!(inbox(0, &entity, &item()) < inbox(0, &entity, &later));
        let after = inbox_after(0, &entity, Some(&item()));
        assert!(after.start > inbox(0, &entity, &item()));
        assert!(after.start < inbox(0, &entity, &later));
    }
}
