//! A transaction on the embedded engine: reads of one snapshot under its own writes, all of them ready at once.

use std::collections::BTreeMap;
use std::future::ready;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use mmsc_ports::BoxFuture;

use super::change::{WRITE_OVERHEAD, Write};
use super::frame::stamped_key;
use super::index::{IndexError, read_counter};
use super::overlay::{Overlay, Own, counter};
use super::resolver::Footprint;
use super::rows::{Space, holder_key, holder_prefix, place_key};
use super::shared::Shared;
use super::state::Snapshot;
use crate::content::{ContentId, Holder, Staged};
use crate::error::StoreError;
use crate::key::{KeyRange, MAX_KEY};
use crate::limits::{MAX_AGE, MAX_HOLDER, MAX_TRANSACTION, MAX_VALUE};
use crate::txn::{RangeOptions, Row, TxnBackend};

/// One running transaction.
pub(super) struct EmbeddedTxn {
    shared: Arc<Shared>,
    began: Duration,
    state: Mutex<State>,
}

struct State {
    /// Gone once the transaction was committed.
    snapshot: Option<Arc<Snapshot>>,
    overlay: Overlay,
    contents: BTreeMap<ContentId, OwnContent>,
    request: Request,
    /// The first write that was beyond the limits: the commit refuses with it.
    refused: Option<StoreError>,
}

/// What the transaction itself did to one content.
#[derive(Debug, Default)]
struct OwnContent {
    placed: Option<bool>,
    holders: BTreeMap<Holder, bool>,
}

/// What a commit hands to the log.
#[derive(Debug, Default)]
pub(super) struct Request {
    pub(super) writes: Vec<Write>,
    pub(super) reads: Footprint,
    pub(super) written: Footprint,
    /// Octets of keys, values and conflicts: what the limit on transactions counts.
    pub(super) size: usize,
    /// Octets of content.
    pub(super) content: usize,
}

impl Request {
    /// Upper bound of the octets that it takes in the log.
    pub(super) fn frame_bytes(&self) -> usize {
        self.size + self.content + self.writes.len() * WRITE_OVERHEAD
    }
}

/// A transaction that was closed for committing.
pub(super) struct Closing {
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) request: Request,
}

impl EmbeddedTxn {
    pub(super) fn new(shared: Arc<Shared>, snapshot: Arc<Snapshot>) -> Self {
        let began = shared.clock.monotonic();
        Self {
            shared,
            began,
            state: Mutex::new(State {
                snapshot: Some(snapshot),
                overlay: Overlay::default(),
                contents: BTreeMap::new(),
                request: Request::default(),
                refused: None,
            }),
        }
    }

    /// Takes what is to be committed; from here on the handle is useless.
    pub(super) fn close(&self) -> Result<Closing, StoreError> {
        let mut state = self.lock();
        let snapshot = state.snapshot.take().ok_or(StoreError::TooOld)?;
        if let Some(refused) = state.refused.take() {
            return Err(refused);
        }
        self.check_age()?;
        let request = std::mem::take(&mut state.request);
        if request.size > MAX_TRANSACTION {
            return Err(too_large("transaction", request.size, MAX_TRANSACTION));
        }
        Ok(Closing { snapshot, request })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn check_age(&self) -> Result<(), StoreError> {
        if self.shared.clock.monotonic().saturating_sub(self.began) > MAX_AGE {
            return Err(StoreError::TooOld);
        }
        Ok(())
    }

    fn read<T>(&self, read: impl FnOnce(&mut State, &Snapshot) -> Result<T, IndexError>) -> Result<T, StoreError> {
        self.check_age()?;
        let mut state = self.lock();
        let snapshot = state.snapshot.clone().ok_or(StoreError::TooOld)?;
        read(&mut state, &snapshot).map_err(|error| self.shared.read_failed(&error))
    }

    fn write(&self, write: impl FnOnce(&mut State) -> Result<(), StoreError>) {
        let mut state = self.lock();
        if state.refused.is_none()
            && let Err(error) = write(&mut state)
        {
            state.refused = Some(error);
        }
    }

    fn range_now(&self, range: &KeyRange, options: RangeOptions) -> Result<Vec<Row>, StoreError> {
        if range.start >= range.end || options.limit == 0 {
            return Ok(Vec::new());
        }
        self.read(|state, snapshot| {
            let rows = snapshot.range(range, options.reverse)?;
            let rows = if state.overlay.is_empty() {
                rows.take(options.limit).collect::<Result<Vec<Row>, IndexError>>()?
            } else {
                state.overlay.merge(range, options.reverse, options.limit, rows)?
            };
            if !options.snapshot {
                let read = range_read(range, options, &rows);
                state.request.size += read.start.len() + read.end.len();
                state.request.reads.ranges.push((Space::Rows, read));
            }
            Ok(rows)
        })
    }

    fn hold_now(&self, id: ContentId, holder: Holder) -> Result<(), StoreError> {
        check_holder(&holder)?;
        let placed = self.read(|state, snapshot| state.placed(snapshot, id))?;
        if !placed {
            return Err(StoreError::NoContent(id));
        }
        self.write(|state| {
            state.hold(id, holder);
            Ok(())
        });
        Ok(())
    }

    fn release_now(&self, id: ContentId, holder: Holder) -> Result<(), StoreError> {
        self.read(|state, snapshot| state.release(snapshot, id, holder))
    }
}

/// The part of `range` that was read when `rows` came back: with a limit, only up to the last row.
fn range_read(range: &KeyRange, options: RangeOptions, rows: &[Row]) -> KeyRange {
    match rows.last() {
        Some((last, _)) if rows.len() == options.limit => {
            if options.reverse {
                KeyRange::new(last.clone(), range.end.clone())
            } else {
                KeyRange::new(range.start.clone(), KeyRange::single(last).end)
            }
        }
        _ => range.clone(),
    }
}

impl State {
    fn get(&mut self, snapshot: &Snapshot, key: &[u8], no_conflict: bool) -> Result<Option<Bytes>, IndexError> {
        let own = if self.overlay.is_empty() {
            None
        } else {
            self.overlay.get(key)
        };
        let plus = match own {
            Some(Own::Value(value)) => return Ok(Some(value)),
            Some(Own::Cleared) => return Ok(None),
            Some(Own::Plus(by)) => Some(by),
            None => None,
        };
        if !no_conflict {
            self.request.size += key.len();
            self.request.reads.keys.push((Space::Rows, Bytes::copy_from_slice(key)));
        }
        let value = snapshot.get(key)?;
        Ok(match plus {
            None => value,
            Some(by) => Some(counter(value.map_or(0, |value| read_counter(&value)).wrapping_add(by))),
        })
    }

    /// Records a write of one key.
    fn push(&mut self, key: &Bytes, value_len: usize, write: Write) {
        self.request.size += key.len() + value_len;
        self.request.written.keys.push((Space::Rows, key.clone()));
        self.request.writes.push(write);
    }

    /// Whether the content exists for this transaction; read with conflict.
    fn placed(&mut self, snapshot: &Snapshot, id: ContentId) -> Result<bool, IndexError> {
        if let Some(placed) = self.contents.get(&id).and_then(|own| own.placed) {
            return Ok(placed);
        }
        self.request.reads.keys.push((Space::Content, place_key(id)));
        let placed = snapshot.place(id)?.is_some();
        self.contents.entry(id).or_default().placed = Some(placed);
        Ok(placed)
    }

    fn adopt(&mut self, snapshot: &Snapshot, staged: Staged, holder: Holder) -> Result<(), IndexError> {
        let id = staged.id;
        if !self.placed(snapshot, id)? {
            self.contents.entry(id).or_default().placed = Some(true);
            self.request.content += staged.octets.len();
            self.request.written.keys.push((Space::Content, place_key(id)));
            self.request.writes.push(Write::Adopt {
                id,
                octets: staged.octets,
                sha256: staged.sha256,
            });
        }
        self.hold(id, holder);
        Ok(())
    }

    fn hold(&mut self, id: ContentId, holder: Holder) {
        self.contents
            .entry(id)
            .or_default()
            .holders
            .insert(holder.clone(), true);
        self.request.size += holder.0.len();
        self.request
            .written
            .keys
            .push((Space::Content, holder_key(id, &holder)));
        self.request.writes.push(Write::Hold { id, holder });
    }

    fn release(&mut self, snapshot: &Snapshot, id: ContentId, holder: Holder) -> Result<(), IndexError> {
        if !self.placed(snapshot, id)? {
            return Ok(());
        }
        let prefix = holder_prefix(id);
        let range = KeyRange::prefix(&prefix);
        self.request.reads.ranges.push((Space::Content, range.clone()));
        let own = self.contents.entry(id).or_default();
        own.holders.insert(holder.clone(), false);
        let mut others = own.holders.values().any(|held| *held);
        for key in snapshot.holder_keys(&range)? {
            let other = Holder(key?.slice(prefix.len()..));
            others |= *own.holders.get(&other).unwrap_or(&true);
            if others {
                break;
            }
        }
        self.request.size += holder.0.len();
        self.request
            .written
            .keys
            .push((Space::Content, holder_key(id, &holder)));
        self.request.writes.push(Write::LetGo { id, holder });
        if !others {
            self.contents.entry(id).or_default().placed = Some(false);
            self.request.written.keys.push((Space::Content, place_key(id)));
            self.request.writes.push(Write::Drop { id });
        }
        Ok(())
    }
}

impl TxnBackend for EmbeddedTxn {
    fn get<'a>(&'a self, key: &'a [u8], snapshot: bool) -> BoxFuture<'a, Result<Option<Bytes>, StoreError>> {
        let read = check_key(key).and_then(|()| self.read(|state, from| state.get(from, key, snapshot)));
        Box::pin(ready(read))
    }

    fn range<'a>(&'a self, range: &'a KeyRange, options: RangeOptions) -> BoxFuture<'a, Result<Vec<Row>, StoreError>> {
        Box::pin(ready(self.range_now(range, options)))
    }

    fn set(&self, key: Bytes, value: Bytes) {
        self.write(|state| {
            check_key(&key)?;
            check_value(&value)?;
            state.overlay.set(key.clone(), value.clone());
            state.push(&key.clone(), value.len(), Write::Set { key, value });
            Ok(())
        });
    }

    fn clear(&self, key: Bytes) {
        self.write(|state| {
            check_key(&key)?;
            state.overlay.clear(key.clone());
            state.push(&key.clone(), 0, Write::Clear { key });
            Ok(())
        });
    }

    fn clear_range(&self, range: KeyRange) {
        self.write(|state| {
            check_range(&range)?;
            state.overlay.clear_range(range.clone());
            state.request.size += range.start.len() + range.end.len();
            state.request.written.ranges.push((Space::Rows, range.clone()));
            state.request.writes.push(Write::ClearRange { range });
            Ok(())
        });
    }

    fn atomic_add(&self, key: Bytes, by: i64) {
        self.write(|state| {
            check_key(&key)?;
            state.overlay.add(key.clone(), by);
            state.push(&key.clone(), 8, Write::Add { key, by });
            Ok(())
        });
    }

    fn add_read_conflict(&self, range: KeyRange) {
        self.write(|state| {
            check_range(&range)?;
            state.request.size += range.start.len() + range.end.len();
            state.request.reads.ranges.push((Space::Rows, range));
            Ok(())
        });
    }

    fn add_write_conflict(&self, range: KeyRange) {
        self.write(|state| {
            check_range(&range)?;
            state.request.size += range.start.len() + range.end.len();
            state.request.written.ranges.push((Space::Rows, range));
            Ok(())
        });
    }

    fn set_stamped(&self, prefix: Bytes, suffix: Bytes, value: Bytes) {
        self.write(|state| {
            // The key is known only to the log; it is written down there as written.
            check_key(&stamped_key(&prefix, &[0; 10], &suffix))?;
            check_value(&value)?;
            state.request.size += prefix.len() + 10 + suffix.len() + value.len();
            state.request.writes.push(Write::Stamped { prefix, suffix, value });
            Ok(())
        });
    }

    fn adopt(&self, staged: Staged, holder: Holder) {
        if let Err(error) = check_holder(&holder) {
            return self.write(|_| Err(error));
        }
        if let Err(error) = self.read(|state, snapshot| state.adopt(snapshot, staged, holder)) {
            self.write(|_| Err(error));
        }
    }

    fn hold<'a>(&'a self, id: ContentId, holder: Holder) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(ready(self.hold_now(id, holder)))
    }

    fn release<'a>(&'a self, id: ContentId, holder: Holder) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(ready(self.release_now(id, holder)))
    }
}

fn too_large(what: &'static str, size: usize, limit: usize) -> StoreError {
    StoreError::TooLarge { what, size, limit }
}

fn check_key(key: &[u8]) -> Result<(), StoreError> {
    if key.len() > MAX_KEY {
        return Err(too_large("key", key.len(), MAX_KEY));
    }
    Ok(())
}

fn check_range(range: &KeyRange) -> Result<(), StoreError> {
    check_key(&range.start)?;
    // The first key after another is one octet longer.
    if range.end.len() > MAX_KEY + 1 {
        return Err(too_large("key", range.end.len(), MAX_KEY));
    }
    Ok(())
}

fn check_value(value: &[u8]) -> Result<(), StoreError> {
    if value.len() > MAX_VALUE {
        return Err(too_large("value", value.len(), MAX_VALUE));
    }
    Ok(())
}

fn check_holder(holder: &Holder) -> Result<(), StoreError> {
    if holder.0.len() > MAX_HOLDER {
        return Err(too_large("holder", holder.0.len(), MAX_HOLDER));
    }
    Ok(())
}
