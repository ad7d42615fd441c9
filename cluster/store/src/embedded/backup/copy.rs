//! Copying: rows from a checkpoint, then content by the place rows of the copy.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::manifest::{ContentRow, Tally, all_rows};
use super::{BackupError, Pace, log};
use crate::content::{ContentId, Holder};
use crate::embedded::change::{Change, Place, Write};
use crate::embedded::index::{Base, Index, IndexError, Position};
use crate::embedded::recover::read_place;
use crate::embedded::rows::{Space, place_key};
use crate::embedded::segments::Segment;
use crate::embedded::shared::Shared;
use crate::error::StoreError;
use crate::key::{KeyRange, MAX_KEY};
use crate::txn::Row;

/// Octets of rows that are written into the copy's index at a time.
const PORTION: u64 = 4 * 1024 * 1024;
/// About what a row takes beside its octets.
const ROW_OVERHEAD: u64 = 100;
/// Contents whose places are written into the copy's index at a time.
const RUN: usize = 1024;
/// Between two looks whether the store still serves.
const SLICE: Duration = Duration::from_secs(1);

/// Counts what was copied, keeps to the rate, and ends the copying when the store needs it to.
pub(super) struct Meter<'a> {
    shared: &'a Shared,
    pace: &'a Pace<'a>,
    began: Duration,
    copied: u64,
}

impl<'a> Meter<'a> {
    pub(super) fn new(shared: &'a Shared, pace: &'a Pace<'a>) -> Self {
        Self {
            shared,
            pace,
            began: shared.clock.monotonic(),
            copied: 0,
        }
    }

    fn passed(&mut self, octets: u64) -> Result<(), BackupError> {
        self.copied += octets;
        let copied = i64::try_from(self.copied).unwrap_or(i64::MAX);
        self.shared.metrics.backup_running_bytes.set(copied);
        let mut wait = self.wait();
        loop {
            self.shared.check_open()?;
            if self.shared.segments.is_low() {
                return Err(BackupError::LowRoom);
            }
            let slice = wait.min(SLICE);
            (self.pace.pause)(slice);
            wait -= slice;
            if wait.is_zero() {
                return Ok(());
            }
        }
    }

    fn wait(&self) -> Duration {
        let Some(millis) = self.copied.saturating_mul(1000).checked_div(self.pace.bytes_per_second) else {
            return Duration::ZERO;
        };
        let elapsed = self.shared.clock.monotonic().saturating_sub(self.began);
        Duration::from_millis(millis).saturating_sub(elapsed)
    }
}

/// A content's id and where it stands.
type Placed = (ContentId, Place);

/// One copying.
pub(super) struct Copier<'a> {
    shared: &'a Shared,
    index: Index,
    log: log::Writer,
    meter: Meter<'a>,
    pins: BTreeMap<u64, Arc<Segment>>,
    /// Contents that are still to be read from each segment.
    needed: BTreeMap<u64, u64>,
    tally: Tally,
    /// Changes on their way into the copy's index.
    portion: Vec<Change>,
    portion_bytes: u64,
}

impl<'a> Copier<'a> {
    pub(super) fn new(
        shared: &'a Shared,
        index: Index,
        log: log::Writer,
        meter: Meter<'a>,
        pins: BTreeMap<u64, Arc<Segment>>,
    ) -> Self {
        Self {
            shared,
            index,
            log,
            meter,
            pins,
            needed: BTreeMap::new(),
            tally: Tally::default(),
            portion: Vec::new(),
            portion_bytes: 0,
        }
    }

    fn source_failed(&self, error: &IndexError) -> BackupError {
        self.shared.read_failed(error).into()
    }

    /// Copies all rows; places are those of the store for now.
    pub(super) fn rows(&mut self, base: &Base) -> Result<(), BackupError> {
        for space in [Space::Rows, Space::Content] {
            for row in all_rows(base, space).map_err(|error| self.source_failed(&error))? {
                let row = row.map_err(|error| self.source_failed(&error))?;
                self.portion_bytes += (row.0.len() + row.1.len()) as u64 + ROW_OVERHEAD;
                let change = match space {
                    Space::Rows => self.row(row),
                    Space::Content => self.content_row(&row)?,
                };
                self.portion.push(change);
                if self.portion_bytes >= PORTION {
                    self.flush()?;
                }
            }
        }
        self.flush()?;
        let needed = &self.needed;
        self.pins.retain(|segment, _| needed.contains_key(segment));
        Ok(())
    }

    fn row(&mut self, row: Row) -> Change {
        self.tally.row(&row);
        let (key, value) = row;
        Change::Set { key, value }
    }

    fn content_row(&mut self, row: &Row) -> Result<Change, BackupError> {
        let row = ContentRow::read(row)
            .ok_or_else(|| StoreError::Corrupt("a row about content cannot be read".to_owned()))?;
        self.tally.content_row(&row);
        Ok(match row {
            ContentRow::Place(id, place) => {
                *self.needed.entry(place.segment).or_default() += 1;
                Change::Place { id, place }
            }
            ContentRow::Holder(id, holder) => Change::Hold {
                id,
                holder: Holder(holder),
            },
        })
    }

    /// Writes what was gathered into the copy's index. Each portion is durable: what is not stays in memory there.
    fn flush(&mut self) -> Result<(), BackupError> {
        if self.portion.is_empty() {
            return Ok(());
        }
        self.index
            .apply(&self.portion, Position::default(), true)
            .map_err(BackupError::copy)?;
        self.portion.clear();
        let octets = std::mem::take(&mut self.portion_bytes);
        self.meter.passed(octets)
    }

    /// Copies all content, in the order of its ids, which is about that of the log.
    pub(super) fn content(&mut self) -> Result<(), BackupError> {
        let mut from = Bytes::new();
        loop {
            let run = self.next_run(from).map_err(BackupError::copy)?;
            let Some((last, _)) = run.last() else { return Ok(()) };
            from = KeyRange::single(&place_key(*last)).end;
            for frame in self.frames_of(run) {
                self.frame(frame)?;
            }
            self.flush()?;
        }
    }

    /// Places that are still those of the store.
    fn next_run(&self, from: Bytes) -> Result<Vec<Placed>, IndexError> {
        let base = self.index.base()?;
        let rest = KeyRange::new(from, vec![0xFF; MAX_KEY + 1]);
        let mut run = Vec::new();
        for row in base.range(Space::Content, &rest, false)? {
            if let Some(ContentRow::Place(id, place)) = ContentRow::read(&row?) {
                run.push((id, place));
            }
            if run.len() == RUN {
                break;
            }
        }
        Ok(run)
    }

    fn frames_of(&self, run: Vec<Placed>) -> Vec<Vec<Placed>> {
        let most = self.log.frame_bytes();
        let mut frames: Vec<Vec<Placed>> = Vec::new();
        let mut bytes = u64::MAX;
        for placed in run {
            if bytes >= most {
                frames.push(Vec::new());
                bytes = 0;
            }
            bytes += placed.1.len;
            if let Some(frame) = frames.last_mut() {
                frame.push(placed);
            }
        }
        frames
    }

    fn frame(&mut self, frame: Vec<Placed>) -> Result<(), BackupError> {
        let mut writes = Vec::with_capacity(frame.len());
        let mut octets = 0;
        for (id, place) in frame {
            octets += place.len;
            writes.push(Write::Adopt {
                id,
                octets: self.read(id, &place)?,
                sha256: place.sha256,
            });
        }
        let changes = self.log.append(writes);
        self.portion
            .extend(changes.map_err(BackupError::io("writing the backup's log"))?);
        self.meter.passed(octets)
    }

    /// Reads one content of the store, and lets go of its segment if that was the last.
    fn read(&mut self, id: ContentId, place: &Place) -> Result<Bytes, BackupError> {
        let corrupt = |error: Option<std::io::Error>| {
            tracing::error!(%id, segment = place.segment, offset = place.offset, ?error, "content cannot be backed up");
            BackupError::Corrupt(id)
        };
        let segment = self.pins.get(&place.segment).ok_or_else(|| corrupt(None))?;
        let octets = read_place(segment, place).map_err(|error| corrupt(Some(error)))?;
        let octets = octets.ok_or_else(|| corrupt(None))?;
        if let Some(needed) = self.needed.get_mut(&place.segment) {
            *needed -= 1;
            if *needed == 0 {
                self.pins.remove(&place.segment);
            }
        }
        Ok(octets)
    }

    /// Makes log and index durable; what they hold.
    pub(super) fn finish(self) -> Result<Tally, BackupError> {
        let position = self
            .log
            .finish()
            .map_err(BackupError::io("making the backup's log durable"))?;
        self.index.apply([], position, true).map_err(BackupError::copy)?;
        self.index.close().map_err(BackupError::copy)?;
        Ok(self.tally)
    }
}
