//! The ordered index: redb over the disk port. A checkpoint brings a table of rows from memory into it, in one durable
//! commit; recovery applies the log's tail to it. Each of its commits says up to where in the log it goes.

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use mmsc_ports::disk::{Disk, DiskFile, FileUse};
use redb::{
    Database, Durability, ReadOnlyTable, ReadableDatabase as _, ReadableTable as _, StorageBackend, Table,
    TableDefinition,
};

use super::change::{Change, Place, Reader};
use super::mem::Mem;
use super::options::OpenError;
use super::rows::{Space, holder_key, is_place_key, place_key};
use crate::content::ContentId;
use crate::key::KeyRange;
use crate::txn::Row;

/// Name of the index's file.
pub(super) const INDEX_FILE: &str = "rows.redb";
const DRAFT: &str = "rows.new";

type Octets = &'static [u8];
const ROWS: TableDefinition<'static, Octets, Octets> = TableDefinition::new("rows");
const CONTENT: TableDefinition<'static, Octets, Octets> = TableDefinition::new("content");
const META: TableDefinition<'static, Octets, Octets> = TableDefinition::new("meta");
const POSITION: &[u8] = b"position";

/// How far into the log the index goes: the end of the last applied frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Position {
    pub(super) version: u64,
    pub(super) segment: u64,
    pub(super) offset: u64,
}

impl Position {
    fn encode(self) -> Vec<u8> {
        [self.version, self.segment, self.offset]
            .iter()
            .flat_map(|part| part.to_be_bytes())
            .collect()
    }

    fn decode(octets: &[u8]) -> Option<Self> {
        let mut reader = Reader(octets);
        Some(Self {
            version: reader.u64()?,
            segment: reader.u64()?,
            offset: reader.u64()?,
        })
    }
}

/// What the index could not do; the store closes with it.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the index failed: {what}")]
pub(super) struct IndexError {
    what: String,
    /// If it was the disk that refused.
    disk: Option<io::ErrorKind>,
}

impl IndexError {
    pub(super) fn new(what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            disk: None,
        }
    }
}

impl<E: Into<redb::Error>> From<E> for IndexError {
    fn from(error: E) -> Self {
        let error: redb::Error = error.into();
        Self {
            what: error.to_string(),
            disk: match &error {
                redb::Error::Io(error) => Some(error.kind()),
                _ => None,
            },
        }
    }
}

impl From<IndexError> for OpenError {
    fn from(error: IndexError) -> Self {
        match error.disk {
            Some(kind) => Self::io(error.to_string())(kind.into()),
            None => Self::Damaged(error.to_string()),
        }
    }
}

/// What the index held after one of its commits.
pub(super) struct Base {
    /// How far into the log it goes.
    pub(super) position: Position,
    rows: ReadOnlyTable<Octets, Octets>,
    content: ReadOnlyTable<Octets, Octets>,
}

impl Base {
    fn table(&self, space: Space) -> &ReadOnlyTable<Octets, Octets> {
        match space {
            Space::Rows => &self.rows,
            Space::Content => &self.content,
        }
    }

    /// One row.
    pub(super) fn get(&self, space: Space, key: &[u8]) -> Result<Option<Bytes>, IndexError> {
        let row = self.table(space).get(key)?;
        Ok(row.map(|row| Bytes::copy_from_slice(row.value())))
    }

    /// Where a content stands.
    pub(super) fn place(&self, id: ContentId) -> Result<Option<Place>, IndexError> {
        let row = self.content.get(place_key(id).as_ref())?;
        Ok(row.and_then(|row| Place::decode(row.value())))
    }

    /// Rows of a range that is not empty, in key order or from its end.
    pub(super) fn range(
        &self,
        space: Space,
        range: &KeyRange,
        reverse: bool,
    ) -> Result<impl Iterator<Item = Result<Row, IndexError>> + use<>, IndexError> {
        let bounds = range.start.as_ref()..range.end.as_ref();
        let mut rows = self.table(space).range::<&[u8]>(bounds)?;
        Ok(std::iter::from_fn(move || {
            let row = if reverse { rows.next_back() } else { rows.next() };
            row.map(|row| {
                let (key, value) = row?;
                Ok((
                    Bytes::copy_from_slice(key.value()),
                    Bytes::copy_from_slice(value.value()),
                ))
            })
        }))
    }
}

/// Octets that came to live in a segment, or ceased to.
pub(super) type LiveDeltas = HashMap<u64, i64>;

/// The index of one store.
pub(super) struct Index {
    db: Database,
}

impl Index {
    /// Opens the file and checks all of it; makes it where there is none.
    pub(super) fn open(disk: &dyn Disk, directory: &Path, cache_bytes: usize) -> Result<Self, OpenError> {
        let path = directory.join(INDEX_FILE);
        if !disk.exists(&path).map_err(OpenError::io("looking for the index"))? {
            create(disk, directory, cache_bytes)?;
        }
        let file = disk
            .open(&path, FileUse::EXISTING)
            .and_then(|file| {
                // Pages of a sync that failed may be cached as if they were on the device.
                file.sync()?;
                file.drop_cache()?;
                Ok(file)
            })
            .map_err(OpenError::io("opening the index"))?;
        Ok(Self {
            db: open_file(file, cache_bytes)?,
        })
    }

    /// How far into the log the index goes.
    pub(super) fn position(&self) -> Result<Position, IndexError> {
        let txn = self.db.begin_read()?;
        let row = txn.open_table(META)?.get(POSITION)?;
        row.and_then(|row| Position::decode(row.value()))
            .ok_or_else(|| IndexError::new("its log position cannot be read"))
    }

    /// Applies changes in order. Without `durable` they survive nothing until a later durable apply; with it, all that
    /// was applied so far does.
    pub(super) fn apply<'a>(
        &self,
        changes: impl IntoIterator<Item = &'a Change>,
        position: Position,
        durable: bool,
    ) -> Result<LiveDeltas, IndexError> {
        let mut txn = self.db.begin_write()?;
        txn.set_durability(if durable {
            Durability::Immediate
        } else {
            Durability::None
        })
        .map_err(|error| IndexError::new(error.to_string()))?;
        let deltas = {
            let mut applying = Applying {
                rows: txn.open_table(ROWS)?,
                content: txn.open_table(CONTENT)?,
                deltas: LiveDeltas::new(),
            };
            for change in by_key(changes) {
                applying.apply(change)?;
            }
            txn.open_table(META)?.insert(POSITION, position.encode().as_slice())?;
            applying.deltas
        };
        txn.commit()?;
        Ok(deltas)
    }

    /// Brings a table from memory into the index and makes it durable.
    pub(super) fn merge(&self, mem: &Mem, position: Position) -> Result<(), IndexError> {
        let txn = self.db.begin_write()?;
        for (space, definition) in [(Space::Rows, ROWS), (Space::Content, CONTENT)] {
            let mut table = txn.open_table(definition)?;
            mem.each_newest(space, |key, value| {
                match value {
                    Some(value) => drop(table.insert(key, value)?),
                    None => drop(table.remove(key)?),
                }
                Ok::<(), IndexError>(())
            })?;
        }
        txn.open_table(META)?.insert(POSITION, position.encode().as_slice())?;
        Ok(txn.commit()?)
    }

    /// What it holds now.
    pub(super) fn base(&self) -> Result<Base, IndexError> {
        let txn = self.db.begin_read()?;
        Ok(Base {
            // Nobody writes between the two: whoever writes asks for this afterwards.
            position: self.position()?,
            rows: txn.open_table(ROWS)?,
            content: txn.open_table(CONTENT)?,
        })
    }

    /// Octets that live in each segment, counted from all place rows.
    pub(super) fn count_live(&self) -> Result<LiveDeltas, IndexError> {
        let mut live = LiveDeltas::new();
        for row in self.base()?.content.iter()? {
            let (key, value) = row?;
            if is_place_key(key.value()) {
                let place = Place::decode(value.value());
                let place = place.ok_or_else(|| IndexError::new("a place row cannot be read"))?;
                *live.entry(place.segment).or_default() += signed(place.len);
            }
        }
        Ok(live)
    }

    /// Closes the file; what was applied becomes durable if the disk still works.
    pub(super) fn close(self) -> Result<(), IndexError> {
        Ok(self.db.close()?)
    }
}

/// Makes an empty index under another name first: a file whose making was interrupted cannot be opened.
fn create(disk: &dyn Disk, directory: &Path, cache_bytes: usize) -> Result<(), OpenError> {
    let making = || OpenError::io("making the index");
    let names = disk.list(directory).map_err(making())?;
    if let Some(segment) = names.iter().find(|name| super::segments::number_of(name).is_some()) {
        return Err(OpenError::Damaged(format!(
            "{segment} exists but {INDEX_FILE} is missing"
        )));
    }
    let draft = directory.join(DRAFT);
    if disk.exists(&draft).map_err(making())? {
        disk.remove(&draft).map_err(making())?;
    }
    let file = disk.open(&draft, FileUse::CREATE).map_err(making())?;
    let index = Index {
        db: open_file(Arc::clone(&file), cache_bytes)?,
    };
    index.apply([], Position::default(), true)?;
    index.close()?;
    file.sync()
        .and_then(|()| disk.rename(&draft, &directory.join(INDEX_FILE)))
        .and_then(|()| disk.sync_dir(directory))
        .map_err(making())
}

fn open_file(file: Arc<dyn DiskFile>, cache_bytes: usize) -> Result<Database, OpenError> {
    let damaged = |error: String| OpenError::Damaged(format!("the index: {error}"));
    let open = || {
        redb::Builder::new()
            .set_cache_size(cache_bytes)
            .set_check_integrity_on_open(true)
            .create_with_backend(Backend(file))
    };
    // The index's library gives errors for damage that it expects; what it does not expect must not end the process.
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(open)) {
        Ok(Ok(db)) => Ok(db),
        Ok(Err(redb::DatabaseError::Storage(redb::StorageError::Io(source)))) => {
            Err(OpenError::io("opening the index")(source))
        }
        Ok(Err(error)) => Err(damaged(error.to_string())),
        Err(_panic) => Err(damaged("it cannot be read".to_owned())),
    }
}

fn signed(len: u64) -> i64 {
    i64::try_from(len).unwrap_or(i64::MAX)
}

/// The changes in the order of their keys, so that neighbours are written together: what is written to one key stays in
/// order. Where a whole range is cleared, all stay as they are.
fn by_key<'a>(changes: impl IntoIterator<Item = &'a Change>) -> Vec<&'a Change> {
    let mut changes: Vec<&Change> = changes.into_iter().collect();
    if !changes.iter().any(|change| matches!(change, Change::ClearRange { .. })) {
        changes.sort_by(|a, b| a.sort_key().cmp(&b.sort_key()));
    }
    changes
}

struct Applying<'t> {
    rows: Table<'t, Octets, Octets>,
    content: Table<'t, Octets, Octets>,
    deltas: LiveDeltas,
}

impl Applying<'_> {
    fn apply(&mut self, change: &Change) -> Result<(), IndexError> {
        match change {
            Change::Set { key, value } => {
                self.rows.insert(key.as_ref(), value.as_ref())?;
            }
            Change::Clear { key } => {
                self.rows.remove(key.as_ref())?;
            }
            Change::ClearRange { range } => {
                if range.start < range.end {
                    let bounds = range.start.as_ref()..range.end.as_ref();
                    self.rows.retain_in(bounds, |_, _| false)?;
                }
            }
            Change::Add { key, by } => self.add(key, *by)?,
            Change::Place { id, place } => self.place(*id, place)?,
            Change::Hold { id, holder } => {
                self.content.insert(holder_key(*id, holder).as_ref(), [].as_slice())?;
            }
            Change::LetGo { id, holder } => {
                self.content.remove(holder_key(*id, holder).as_ref())?;
            }
            Change::Drop { id } => {
                let old = self
                    .content
                    .remove(place_key(*id).as_ref())?
                    .map(|row| Place::decode(row.value()));
                self.gone(old.flatten());
            }
            Change::Move { id, from, place } => {
                let key = place_key(*id);
                let old = self
                    .content
                    .get(key.as_ref())?
                    .and_then(|row| Place::decode(row.value()));
                if old.is_some_and(|old| (old.segment, old.offset) == *from) {
                    self.place(*id, place)?;
                }
            }
        }
        Ok(())
    }

    fn add(&mut self, key: &Bytes, by: i64) -> Result<(), IndexError> {
        let old = self.rows.get(key.as_ref())?.map_or(0, |row| read_counter(row.value()));
        let sum = old.wrapping_add(by).to_le_bytes();
        self.rows.insert(key.as_ref(), sum.as_slice())?;
        Ok(())
    }

    fn place(&mut self, id: ContentId, place: &Place) -> Result<(), IndexError> {
        let row = place.encode();
        let old = self
            .content
            .insert(place_key(id).as_ref(), row.as_slice())?
            .map(|row| Place::decode(row.value()));
        self.gone(old.flatten());
        *self.deltas.entry(place.segment).or_default() += signed(place.len);
        Ok(())
    }

    fn gone(&mut self, old: Option<Place>) {
        if let Some(old) = old {
            *self.deltas.entry(old.segment).or_default() -= signed(old.len);
        }
    }
}

/// A counter row's value: little-endian, up to eight octets, missing ones zero.
pub(super) fn read_counter(octets: &[u8]) -> i64 {
    let mut value = [0u8; 8];
    value.iter_mut().zip(octets).for_each(|(to, from)| *to = *from);
    i64::from_le_bytes(value)
}

/// redb's file on the disk port.
#[derive(Debug)]
struct Backend(Arc<dyn DiskFile>);

impl StorageBackend for Backend {
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.read_at(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.write_at(offset, data)
    }
}
