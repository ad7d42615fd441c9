//! Room on the disk, and who may have it: the index before the log, small commits before content.
//!
//! The log cannot be written without ready segments, and the index cannot be made durable without room for its pages; a
//! commit that is refused can be tried again, but a checkpoint that fails closes the store. So no segment is made from
//! the last [`EmbeddedOptions::index_room`], and content is refused while the log may still take the rest of the reserve:
//! what makes room (acknowledgements, expiry, compaction) goes on with that.
//!
//! [`EmbeddedOptions::index_room`]: super::super::options::EmbeddedOptions::index_room

use std::io;

use super::{Segments, State};

/// The least that a checkpoint is thought to need.
const LEAST: u64 = 1024 * 1024;

impl Segments {
    fn free(&self) -> u64 {
        self.disk.free_bytes(&self.directory).unwrap_or_else(|error| {
            tracing::error!(%error, "the free room of the store's disk cannot be read");
            0
        })
    }

    /// Refuses a new segment that would take what the index may need.
    pub(super) fn leave_room(&self, len: u64) -> io::Result<()> {
        let room = self.options.index_room();
        if room > 0 && len >= self.options.segment_bytes && self.free() < len.saturating_add(room) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }

    /// Whether no segment can be made.
    pub(in super::super) fn is_full(&self) -> bool {
        self.leave_room(self.options.segment_bytes).is_err() || self.free() < self.options.segment_bytes
    }

    /// Whether the disk is below its reserve, so that content has to wait outside.
    pub(in super::super) fn is_low(&self) -> bool {
        self.lock().low_room
    }

    /// Whether there is room for a checkpoint of so many octets of rows. Spare segments are given up for it.
    pub(in super::super) fn has_index_room(&self, bytes: usize) -> bool {
        let room = self.options.index_room();
        let needed = (bytes as u64).saturating_mul(4).saturating_add(LEAST).min(room);
        let has_room = loop {
            if room == 0 || self.free() >= needed {
                break true;
            }
            let mut state = self.lock();
            state.collect_spare();
            let Some(spare) = state.spare.pop() else { break false };
            drop(state);
            if let Err(error) = self.remove(&spare) {
                tracing::error!(%error, "a spare log segment could not be removed");
                break false;
            }
        };
        let mut state = self.lock();
        if !has_room && !state.no_index_room {
            tracing::error!(needed, "the disk has no room for a checkpoint: it waits for some");
        }
        state.no_index_room = !has_room;
        drop(state);
        has_room
    }

    /// Looks at the room on the disk.
    pub(in super::super) fn measure_room(&self) {
        let free = self.free();
        let mut state = self.lock();
        let low = state.no_index_room || self.log_room(&state, free) < self.content_reserve();
        if low && !state.low_room {
            tracing::error!("the store's disk is below its reserve: content is refused until there is room");
        }
        state.low_room = low;
        self.metrics.low_room.set(i64::from(low));
        let all = state.used.len() + state.ready.len() + state.retired.len() + state.spare.len();
        self.metrics.segments.set(i64::try_from(all).unwrap_or(i64::MAX));
    }

    /// What the log may still take, in whole segments.
    fn log_room(&self, state: &State, free: u64) -> u64 {
        let segment = self.options.segment_bytes.max(1);
        let new = free.saturating_sub(self.options.index_room()) / segment;
        let prepared = (state.spare.len() + state.ready.len()) as u64;
        new.saturating_add(prepared).saturating_mul(segment)
    }

    /// What the log has to have left for content to be taken.
    fn content_reserve(&self) -> u64 {
        self.options.reserve_bytes - self.options.index_room()
    }
}
