//! The log's files: which exist, what lives in them, and how they are prepared ahead and used again.
//!
//! A segment is *ready* (made, named, ahead of the log), then *used* (the log wrote frames into it), then, once
//! the index is durable past it and nothing lives in it, *retired* while a reader still holds it, and *spare* after
//! that: renamed to the next number it is ready again. Numbers only rise, so that a frame of an earlier life of the same
//! file never fits.

mod prepare;
mod room;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mmsc_ports::Clock;
use mmsc_ports::disk::{Disk, DiskFile, FileUse};

use super::index::Position;
use super::inventory::Inventory;
use super::options::{EmbeddedOptions, OpenError, Pipeline};
use crate::metrics::StoreMetrics;

const PREFIX: &str = "log-";
const SUFFIX: &str = ".seg";
const DRAFT: &str = "draft.seg";
/// A log that writes more octets a second than this is in a hurry: 64 MiB.
const HURRY: u64 = 64 * 1024 * 1024;

/// How segments are opened.
pub(super) const SEGMENT_USE: FileUse = FileUse {
    create: true,
    direct: true,
    random: true,
};

/// Whether a file of this name belongs to a store.
pub(super) fn is_store_file(name: &str) -> bool {
    number_of(name).is_some() || name == super::index::INDEX_FILE
}

/// The number in a segment's file name.
pub(super) fn number_of(name: &str) -> Option<u64> {
    let digits = name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?;
    u64::from_str_radix(digits, 16).ok().filter(|_| digits.len() == 16)
}

/// The file name of a segment.
pub(super) fn name_of(number: u64) -> String {
    format!("{PREFIX}{number:016x}{SUFFIX}")
}

/// One segment. Whoever holds a clone of its `Arc` keeps it from being used again.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) number: u64,
    pub(super) file: Arc<dyn DiskFile>,
    pub(super) len: u64,
}

/// Whether that is so much in so short a time that the log is in a hurry.
fn is_hurry(octets: u64, time: Duration) -> bool {
    u128::from(octets) * 1_000_000 > u128::from(HURRY) * time.as_micros()
}

/// No room for another segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NoRoom;

#[derive(Debug, Default)]
struct State {
    used: BTreeMap<u64, Used>,
    ready: VecDeque<Arc<Segment>>,
    retired: Vec<Arc<Segment>>,
    spare: Vec<Segment>,
    next_number: u64,
    /// Backups that are about to pin what they need: until then nothing is freed.
    holds: usize,
    low_room: bool,
    /// A checkpoint waits for room.
    no_index_room: bool,
    /// Nothing is prepared any more: what is durable of the inventory is not known.
    broken: Option<String>,
    /// The last attempt to prepare a segment failed: nobody waits for the next one.
    unprepared: bool,
    /// When the log took its last segment.
    taken_at: Option<Duration>,
    /// The log fills segments so fast that zeros, written ahead, would take the device's time from it.
    in_a_hurry: bool,
    /// The preparer's worker is at files.
    preparing: bool,
    stop: bool,
}

#[derive(Debug)]
struct Used {
    segment: Arc<Segment>,
    live: i64,
    /// Compaction went through it and could not empty it (something in it is damaged): it is kept as it is.
    stuck: bool,
}

impl State {
    /// Retired segments that nobody reads any more are spare.
    fn collect_spare(&mut self) {
        for segment in std::mem::take(&mut self.retired) {
            match Arc::try_unwrap(segment) {
                Ok(segment) => self.spare.push(segment),
                Err(pinned) => self.retired.push(pinned),
            }
        }
    }
}

/// All segments of a store.
pub(super) struct Segments {
    disk: Arc<dyn Disk>,
    directory: PathBuf,
    clock: Arc<dyn Clock>,
    options: EmbeddedOptions,
    metrics: StoreMetrics,
    inventory: Mutex<Option<Inventory>>,
    state: Mutex<State>,
    changed: Condvar,
}

/// Keeps all segments from being freed.
pub(super) struct SegmentHold<'a>(&'a Segments);

impl Drop for SegmentHold<'_> {
    fn drop(&mut self) {
        self.0.lock().holds -= 1;
    }
}

/// A segment that compaction may empty.
#[derive(Debug, Clone)]
pub(super) struct Victim {
    pub(super) segment: Arc<Segment>,
    pub(super) live: u64,
}

impl Segments {
    pub(super) fn new(
        disk: Arc<dyn Disk>,
        clock: Arc<dyn Clock>,
        options: EmbeddedOptions,
        metrics: StoreMetrics,
    ) -> Self {
        Self {
            disk,
            clock,
            directory: options.path.clone(),
            options,
            metrics,
            inventory: Mutex::default(),
            state: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens what is on disk, sorted by number, and compares it with the inventory. `known` is how far the index goes.
    pub(super) fn load(&self, known: Position) -> Result<Vec<Arc<Segment>>, OpenError> {
        let found = self.open_all().map_err(OpenError::io("opening the log"))?;
        let inventory = Inventory::open(self.disk.as_ref(), &self.directory, &found, known)?;
        *self.inventory.lock().unwrap_or_else(PoisonError::into_inner) = Some(inventory);
        let mut state = self.lock();
        state.next_number = found.last().map_or(1, |last| last.number + 1);
        for segment in &found {
            let used = Used {
                segment: Arc::clone(segment),
                live: 0,
                stuck: false,
            };
            state.used.insert(segment.number, used);
        }
        drop(state);
        Ok(found)
    }

    /// All segments, synced and read afresh from the device. Drafts are removed.
    fn open_all(&self) -> io::Result<Vec<Arc<Segment>>> {
        let mut found = Vec::new();
        for name in self.disk.list(&self.directory)? {
            if name == DRAFT {
                self.disk.remove(&self.directory.join(&name))?;
            }
            let Some(number) = number_of(&name) else { continue };
            let file = self.disk.open(&self.directory.join(&name), SEGMENT_USE)?;
            file.sync()?;
            file.drop_cache()?;
            let len = file.len()?;
            found.push(Arc::new(Segment { number, file, len }));
        }
        // A segment may have got its name just before the process ended.
        self.disk.sync_dir(&self.directory)?;
        found.sort_by_key(|segment| segment.number);
        Ok(found)
    }

    /// Segments past that number hold nothing of the log: they are ready for it, as they are.
    pub(super) fn unused_after(&self, number: u64) {
        let mut state = self.lock();
        let unused = state.used.split_off(&(number + 1));
        state.ready.extend(unused.into_values().map(|used| used.segment));
    }

    /// Whether a segment is ready for the log.
    pub(super) fn has_ready(&self) -> bool {
        !self.lock().ready.is_empty()
    }

    /// Segments before `segment` in which nothing lives are free.
    pub(super) fn retire_dead(&self, segment: u64, live: &HashMap<u64, i64>) {
        let mut state = self.lock();
        let dead = |number: &u64| !live.contains_key(number);
        let dead: Vec<u64> = state.used.range(..segment).map(|(of, _)| *of).filter(dead).collect();
        for number in dead {
            if let Some(used) = state.used.remove(&number) {
                state.retired.push(used.segment);
            }
        }
    }

    /// The segment of that number, pinned for as long as the result is held.
    pub(super) fn pin(&self, number: u64) -> Option<Arc<Segment>> {
        self.lock().used.get(&number).map(|used| Arc::clone(&used.segment))
    }

    /// The next segment for the log. Waits while one is being prepared.
    pub(super) fn take_ready(&self) -> Result<Arc<Segment>, NoRoom> {
        let mut state = self.lock();
        loop {
            if let Some(segment) = state.ready.pop_front() {
                let used = Used {
                    segment: Arc::clone(&segment),
                    live: 0,
                    stuck: false,
                };
                state.used.insert(segment.number, used);
                let now = self.clock.monotonic();
                let before = state.taken_at.replace(now);
                state.in_a_hurry = before.is_some_and(|before| is_hurry(segment.len, now.saturating_sub(before)));
                self.changed.notify_all();
                return Ok(segment);
            }
            if state.stop || state.unprepared {
                // There may be room by now: the preparer tries again.
                self.changed.notify_all();
                return Err(NoRoom);
            }
            if self.options.pipeline == Pipeline::Inline {
                drop(state);
                self.prepare_one().map_err(|error| {
                    tracing::error!(%error, "a log segment could not be prepared");
                    NoRoom
                })?;
                state = self.lock();
                continue;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Adds what one group changed in the octets that live in each segment.
    pub(super) fn account(&self, deltas: &HashMap<u64, i64>) {
        if deltas.is_empty() {
            return;
        }
        let mut state = self.lock();
        let mut sum = 0;
        for (number, delta) in deltas {
            if let Some(used) = state.used.get_mut(number) {
                used.live += delta;
                sum += delta;
            }
        }
        drop(state);
        self.metrics.live_content_bytes.add(sum);
    }

    /// The index is durable up to somewhere in `segment`: what lies before it and holds nothing alive is free.
    pub(super) fn checkpointed(&self, segment: u64) {
        let mut state = self.lock();
        let free: Vec<u64> = state
            .used
            .range(..segment)
            .filter(|(_, used)| used.live == 0 && state.holds == 0)
            .map(|(number, _)| *number)
            .collect();
        for number in free {
            if let Some(used) = state.used.remove(&number) {
                state.retired.push(used.segment);
            }
        }
        state.collect_spare();
        drop(state);
        self.changed.notify_all();
    }

    /// Until the result is dropped no segment is freed.
    pub(super) fn hold(&self) -> SegmentHold<'_> {
        self.lock().holds += 1;
        SegmentHold(self)
    }

    /// All used segments, pinned for as long as the result holds them.
    pub(super) fn pin_all(&self) -> BTreeMap<u64, Arc<Segment>> {
        let state = self.lock();
        let pinned = state.used.iter();
        pinned
            .map(|(number, used)| (*number, Arc::clone(&used.segment)))
            .collect()
    }

    /// The segment that compaction gains most from, if the disk holds clearly more than what lives: segments before
    /// `checkpoint` only, the emptiest first, and none that is three quarters full.
    pub(super) fn victim(&self, checkpoint: u64) -> Option<Victim> {
        let state = self.lock();
        let live: i64 = state.used.values().map(|used| used.live).sum();
        let on_disk = state.used.len() as u64 * self.options.segment_bytes;
        let wanted = u64::try_from(live).unwrap_or(0).saturating_mul(2) + 4 * self.options.segment_bytes;
        if on_disk <= wanted {
            return None;
        }
        let (_, emptiest) = state
            .used
            .range(..checkpoint)
            .filter(|(_, used)| used.live > 0 && !used.stuck)
            .min_by_key(|(_, used)| used.live)?;
        let live = u64::try_from(emptiest.live).unwrap_or(0);
        (live < self.options.segment_bytes / 4 * 3).then(|| Victim {
            segment: Arc::clone(&emptiest.segment),
            live,
        })
    }

    /// Compaction has gone through the segment. Whether nothing lives in it now; otherwise it is not tried again before
    /// the next start.
    pub(super) fn finished(&self, number: u64) -> bool {
        match self.lock().used.get_mut(&number) {
            Some(used) if used.live > 0 => {
                used.stuck = true;
                false
            }
            _ => true,
        }
    }

    /// Ends the preparer and whoever waits for it.
    pub(super) fn stop(&self) {
        self.lock().stop = true;
        self.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hurry_is_a_rate_whatever_the_size_of_a_segment() {
        const MIB: u64 = 1024 * 1024;
        for size in [4 * MIB, 64 * MIB, 1024 * MIB] {
            let at_the_limit = Duration::from_micros(size * 1_000_000 / HURRY);
            assert!(is_hurry(size, at_the_limit - Duration::from_micros(1)));
            assert!(!is_hurry(size, at_the_limit));
        }
        assert!(is_hurry(1, Duration::ZERO));
    }
}
