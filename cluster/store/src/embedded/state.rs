//! The rows as they were after one group: the index as of its last checkpoint, with the tables in memory over it.

use std::iter::Peekable;
use std::sync::Arc;

use bytes::Bytes;

use super::change::{Change, Place};
use super::index::{Base, IndexError, LiveDeltas, read_counter};
use super::mem::{Cell, Mem, MemCursor, Value};
use super::overlay::counter;
use super::rows::{Space, holder_key, place_key, place_value};
use crate::content::ContentId;
use crate::key::KeyRange;
use crate::txn::Row;

/// What is in memory and what is in the index, newest first.
#[derive(Clone)]
pub(super) struct Layers {
    /// Takes the groups that come.
    pub(super) active: Arc<Mem>,
    /// On its way into the index.
    pub(super) frozen: Option<Arc<Mem>>,
    pub(super) base: Arc<Base>,
}

/// One state. Reads of one transaction all go to one of these.
pub(super) struct Snapshot {
    pub(super) version: u64,
    pub(super) layers: Layers,
}

type BaseRows = Box<dyn Iterator<Item = Result<Row, IndexError>>>;

impl Snapshot {
    /// One row.
    pub(super) fn get(&self, key: &[u8]) -> Result<Option<Bytes>, IndexError> {
        self.get_in(Space::Rows, key)
    }

    fn get_in(&self, space: Space, key: &[u8]) -> Result<Option<Bytes>, IndexError> {
        let Layers { active, frozen, base } = &self.layers;
        for mem in std::iter::once(active).chain(frozen) {
            if let Some(value) = mem.get(space, key, self.version) {
                return Ok(value);
            }
        }
        base.get(space, key)
    }

    /// Rows of a range that is not empty, in key order or from its end.
    pub(super) fn range(&self, range: &KeyRange, reverse: bool) -> Result<Merged, IndexError> {
        self.range_in(Space::Rows, range, reverse)
    }

    /// Keys of holder rows.
    pub(super) fn holder_keys(
        &self,
        range: &KeyRange,
    ) -> Result<impl Iterator<Item = Result<Bytes, IndexError>> + use<>, IndexError> {
        let rows = self.range_in(Space::Content, range, false)?;
        Ok(rows.map(|row| row.map(|(key, _)| key)))
    }

    fn range_in(&self, space: Space, range: &KeyRange, reverse: bool) -> Result<Merged, IndexError> {
        let Layers { active, frozen, base } = &self.layers;
        let tables = std::iter::once(active).chain(frozen).filter(|mem| !mem.is_empty());
        let cursor = |mem: &Arc<Mem>| MemCursor::new(Arc::clone(mem), space, range, reverse, self.version).peekable();
        let base: BaseRows = Box::new(base.range(space, range, reverse)?);
        Ok(Merged {
            tables: tables.map(cursor).collect(),
            base: base.peekable(),
            reverse,
        })
    }

    /// Where a content stands.
    pub(super) fn place(&self, id: ContentId) -> Result<Option<Place>, IndexError> {
        let row = self.get_in(Space::Content, &place_key(id))?;
        let place = row.map(|row| Place::decode(&row));
        match place {
            None => Ok(None),
            Some(None) => Err(IndexError::new(format!("the place row of content {id} cannot be read"))),
            Some(place) => Ok(place),
        }
    }
}

/// Rows of several layers in one order; of one key the newest layer's word counts.
pub(super) struct Merged {
    tables: Vec<Peekable<MemCursor>>,
    base: Peekable<BaseRows>,
    reverse: bool,
}

impl Merged {
    fn first_key(&mut self) -> Result<Option<Bytes>, IndexError> {
        let base = match self.base.peek() {
            Some(Err(error)) => return Err(error.clone()),
            Some(Ok((key, _))) => Some(key.clone()),
            None => None,
        };
        let heads = self
            .tables
            .iter_mut()
            .filter_map(|table| table.peek().map(|(key, _)| key.clone()));
        let all = heads.chain(base);
        Ok(if self.reverse { all.max() } else { all.min() })
    }

    /// The next key with its value, which may be that there is none.
    fn next_cell(&mut self) -> Result<Option<(Bytes, Value)>, IndexError> {
        if self.tables.is_empty() {
            let row = self.base.next().transpose()?;
            return Ok(row.map(|(key, value)| (key, Some(value))));
        }
        let Some(key) = self.first_key()? else { return Ok(None) };
        let mut word: Option<Value> = None;
        for table in &mut self.tables {
            if let Some((_, value)) = table.next_if(|(of, _)| *of == key) {
                word = word.or(Some(value));
            }
        }
        if let Some(row) = self.base.next_if(|row| row.as_ref().is_ok_and(|(of, _)| *of == key)) {
            let (_, value) = row?;
            word = word.or(Some(Some(value)));
        }
        Ok(Some((key, word.flatten())))
    }
}

impl Iterator for Merged {
    type Item = Result<Row, IndexError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.next_cell() {
                Err(error) => return Some(Err(error)),
                Ok(None) => return None,
                Ok(Some((key, Some(value)))) => return Some(Ok((key, value))),
                Ok(Some((_, None))) => {}
            }
        }
    }
}

/// Cells that are written under one lock.
const PORTION: usize = 64;

/// Puts the changes of one group into the active table.
pub(super) struct Applying {
    /// Everything that was applied so far, published or not.
    now: Snapshot,
    version: u64,
    oldest: u64,
    cells: Vec<Cell>,
    deltas: LiveDeltas,
}

impl Applying {
    /// For the group of `version`; `oldest` is the lowest version that anybody still reads.
    pub(super) fn new(layers: Layers, version: u64, oldest: u64) -> Self {
        Self {
            now: Snapshot {
                version: u64::MAX,
                layers,
            },
            version,
            oldest,
            cells: Vec::with_capacity(PORTION),
            deltas: LiveDeltas::new(),
        }
    }

    /// Applies all of them; gives what came to live in each segment, or ceased to.
    pub(super) fn apply(mut self, changes: &[Change]) -> Result<LiveDeltas, IndexError> {
        for change in changes {
            self.change(change)?;
        }
        self.flush();
        Ok(self.deltas)
    }

    fn put(&mut self, space: Space, key: Bytes, value: Value) {
        self.cells.push((space, key, value));
        if self.cells.len() >= PORTION {
            self.flush();
        }
    }

    fn flush(&mut self) {
        let cells = self.cells.drain(..);
        self.now.layers.active.write(cells, self.version, self.oldest);
    }

    fn change(&mut self, change: &Change) -> Result<(), IndexError> {
        match change {
            Change::Set { key, value } => self.put(Space::Rows, key.clone(), Some(value.clone())),
            Change::Clear { key } => self.put(Space::Rows, key.clone(), None),
            Change::ClearRange { range } => self.clear_range(range)?,
            Change::Add { key, by } => {
                self.flush();
                let old = self.now.get(key)?.map_or(0, |value| read_counter(&value));
                self.put(Space::Rows, key.clone(), Some(counter(old.wrapping_add(*by))));
            }
            // A content is placed once: who adopts it has read that it was not there.
            Change::Place { id, place } => self.place(*id, place),
            Change::Hold { id, holder } => self.put(Space::Content, holder_key(*id, holder), Some(Bytes::new())),
            Change::LetGo { id, holder } => self.put(Space::Content, holder_key(*id, holder), None),
            Change::Drop { id } => {
                self.gone(*id)?;
                self.put(Space::Content, place_key(*id), None);
            }
            Change::Move { id, from, place } => {
                if self.gone_from(*id, *from)? {
                    self.place(*id, place);
                }
            }
        }
        Ok(())
    }

    fn clear_range(&mut self, range: &KeyRange) -> Result<(), IndexError> {
        self.flush();
        if range.start < range.end {
            for row in self.now.range(range, false)? {
                let (key, _) = row?;
                // Tombstones are written as the rows come: the cursor has passed them.
                self.put(Space::Rows, key, None);
            }
        }
        Ok(())
    }

    fn place(&mut self, id: ContentId, place: &Place) {
        self.put(Space::Content, place_key(id), Some(place_value(place)));
        *self.deltas.entry(place.segment).or_default() += signed(place.len);
    }

    /// What stood for `id` until now lives no longer.
    fn gone(&mut self, id: ContentId) -> Result<(), IndexError> {
        self.flush();
        if let Some(old) = self.now.place(id)? {
            *self.deltas.entry(old.segment).or_default() -= signed(old.len);
        }
        Ok(())
    }

    /// The same if it still stands at `from`; whether it did.
    fn gone_from(&mut self, id: ContentId, from: (u64, u64)) -> Result<bool, IndexError> {
        self.flush();
        let old = self.now.place(id)?.filter(|old| (old.segment, old.offset) == from);
        if let Some(old) = &old {
            *self.deltas.entry(old.segment).or_default() -= signed(old.len);
        }
        Ok(old.is_some())
    }
}

fn signed(len: u64) -> i64 {
    i64::try_from(len).unwrap_or(i64::MAX)
}
