//! What the store's parts share: the newest state, the queue into the log, who watches, and whether it still serves.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use bytes::Bytes;
use mmsc_ports::{Clock, Random};
use tokio::sync::{oneshot, watch};

use super::change::Change;
use super::index::{Base, IndexError};
use super::mem::Mem;
use super::options::EmbeddedOptions;
use super::pipeline::{Failed, Pending, Reply};
use super::segments::Segments;
use super::state::{Layers, Snapshot};
use crate::error::StoreError;
use crate::metrics::StoreMetrics;

/// One store's shared parts.
pub(super) struct Shared {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) random: Arc<dyn Random>,
    pub(super) options: EmbeddedOptions,
    pub(super) metrics: StoreMetrics,
    pub(super) segments: Segments,
    newest: Mutex<Option<Arc<Snapshot>>>,
    /// States that some transaction may still read, oldest first.
    readable: Mutex<VecDeque<(u64, Weak<Snapshot>)>>,
    /// Transactions that met a write of a version that is not visible yet: run again earlier they would meet it again.
    conflicted: Mutex<Vec<(u64, Reply)>>,
    /// The first failure. It counts whether or not the store was being shut down by then.
    failed: OnceLock<String>,
    shut_down: AtomicBool,
    queue: Mutex<Queue>,
    filled: Condvar,
    in_flight: AtomicUsize,
    staged: AtomicUsize,
    watchers: Mutex<BTreeMap<Bytes, Vec<oneshot::Sender<()>>>>,
    /// The compactor waits for it to move.
    checkpoint: Mutex<Checkpoint>,
    checkpoint_made: Condvar,
    ended: watch::Sender<bool>,
    /// Whether a frozen table is on its way into the index.
    merging: Mutex<bool>,
    merged: Condvar,
}

#[derive(Default)]
struct Checkpoint {
    /// The index is durable up to somewhere in this segment.
    segment: u64,
    count: u64,
    ending: bool,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Pending>,
    ending: bool,
}

/// The reason after an orderly end.
const SHUT_DOWN: &str = "shut down";

impl Shared {
    pub(super) fn new(
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        options: EmbeddedOptions,
        metrics: StoreMetrics,
        segments: Segments,
    ) -> Self {
        Self {
            clock,
            random,
            options,
            metrics,
            segments,
            newest: Mutex::default(),
            readable: Mutex::default(),
            conflicted: Mutex::default(),
            failed: OnceLock::new(),
            shut_down: AtomicBool::new(false),
            queue: Mutex::default(),
            filled: Condvar::new(),
            in_flight: AtomicUsize::new(0),
            staged: AtomicUsize::new(0),
            watchers: Mutex::default(),
            checkpoint: Mutex::default(),
            checkpoint_made: Condvar::new(),
            ended: watch::Sender::new(false),
            merging: Mutex::default(),
            merged: Condvar::new(),
        }
    }

    /// Makes a state the newest one.
    pub(super) fn publish(&self, snapshot: Snapshot) {
        let mut newest = lock(&self.newest);
        self.set_newest(&mut newest, snapshot);
    }

    fn set_newest(&self, newest: &mut Option<Arc<Snapshot>>, snapshot: Snapshot) {
        let snapshot = Arc::new(snapshot);
        lock(&self.readable).push_back((snapshot.version, Arc::downgrade(&snapshot)));
        *newest = Some(snapshot);
    }

    /// Changes the newest state: one worker raises the version, another replaces layers.
    fn change_newest<T>(&self, change: impl FnOnce(&mut u64, &mut Layers) -> T) -> Option<T> {
        let mut newest = lock(&self.newest);
        let (mut version, mut layers) = newest.as_ref().map(|now| (now.version, now.layers.clone()))?;
        let result = change(&mut version, &mut layers);
        self.set_newest(&mut newest, Snapshot { version, layers });
        Some(result)
    }

    /// Everything of `version` was applied: it becomes visible.
    pub(super) fn advance(&self, version: u64) {
        self.change_newest(|newest, _| *newest = version);
    }

    /// Freezes the active table and gives it; a new one takes its place.
    pub(super) fn freeze(&self) -> Option<Arc<Mem>> {
        self.change_newest(|_, layers| {
            let frozen = std::mem::take(&mut layers.active);
            layers.frozen = Some(Arc::clone(&frozen));
            frozen
        })
    }

    /// The frozen table is in the index, which holds this now.
    pub(super) fn rebase(&self, base: Arc<Base>) {
        self.change_newest(|_, layers| {
            layers.frozen = None;
            layers.base = base;
        });
    }

    /// The newest layers.
    pub(super) fn layers(&self) -> Option<Layers> {
        lock(&self.newest).as_ref().map(|newest| newest.layers.clone())
    }

    /// Tells each of `replies` to run again once `version` is visible.
    pub(super) fn tell_when_visible(&self, version: u64, replies: Vec<Reply>) {
        if replies.is_empty() {
            return;
        }
        lock(&self.conflicted).extend(replies.into_iter().map(|reply| (version, reply)));
        // It may have become visible meanwhile, without having met these.
        let visible = lock(&self.newest).as_ref().map_or(u64::MAX, |newest| newest.version);
        self.tell_visible(visible);
    }

    /// `version` is visible: who waited for it runs again.
    pub(super) fn tell_visible(&self, version: u64) {
        let mut conflicted = lock(&self.conflicted);
        for (_, reply) in conflicted.extract_if(.., |(met, _)| *met <= version) {
            reply.conflict();
        }
    }

    /// The newest committed state.
    pub(super) fn newest(&self) -> Result<Arc<Snapshot>, StoreError> {
        self.check_open()?;
        lock(&self.newest).clone().ok_or_else(|| self.closed_error())
    }

    /// The oldest version that a running transaction may have read.
    pub(super) fn oldest_readable(&self) -> u64 {
        let mut readable = lock(&self.readable);
        while readable.len() > 1 && readable.front().is_some_and(|(_, state)| state.strong_count() == 0) {
            readable.pop_front();
        }
        readable.front().map_or(0, |(version, _)| *version)
    }

    /// Why nothing is served any more, if so.
    pub(super) fn check_open(&self) -> Result<(), StoreError> {
        if self.has_failed() || self.shut_down.load(Ordering::Acquire) {
            return Err(self.closed_error());
        }
        Ok(())
    }

    /// Whether something failed that must not: nothing is made durable from then on.
    pub(super) fn has_failed(&self) -> bool {
        self.failed.get().is_some()
    }

    pub(super) fn closed_error(&self) -> StoreError {
        StoreError::Closed(self.failed.get().map_or(SHUT_DOWN, String::as_str).to_owned())
    }

    /// Something that must not fail has failed: nothing is acknowledged from here on.
    pub(super) fn fail(&self, reason: String) {
        tracing::error!(reason, "the store closes");
        self.metrics.failures.increment();
        let _first = self.failed.set(reason);
        self.stop();
    }

    /// An orderly end: what waits is still committed, as far as the segments go that are ready for it; the rest is refused
    /// as closed.
    pub(super) fn shut_down(&self) {
        self.shut_down.store(true, Ordering::Release);
        self.stop();
    }

    fn stop(&self) {
        self.metrics.closed.set(1);
        lock(&self.queue).ending = true;
        self.filled.notify_all();
        self.segments.stop();
        lock(&self.checkpoint).ending = true;
        self.checkpoint_made.notify_all();
        // Not between a waiter's look and its wait.
        drop(lock(&self.merging));
        self.merged.notify_all();
        lock(&self.watchers).clear();
    }

    /// A read of the index failed: its library serves nothing more after that.
    pub(super) fn read_failed(&self, error: &IndexError) -> StoreError {
        if self.check_open().is_ok() {
            self.fail(error.to_string());
        }
        self.closed_error()
    }

    /// Puts a transaction before the log.
    pub(super) fn submit(&self, pending: Pending) -> Result<(), StoreError> {
        let mut queue = lock(&self.queue);
        if queue.ending {
            return Err(self.closed_error());
        }
        queue.waiting.push_back(pending);
        drop(queue);
        self.filled.notify_one();
        Ok(())
    }

    /// What waits for the log, up to a frame's worth; `None` once the store ends and nothing waits.
    pub(super) fn take_waiting(&self) -> Option<Vec<Pending>> {
        let mut queue = lock(&self.queue);
        loop {
            if !queue.waiting.is_empty() {
                return Some(self.take_group(&mut queue.waiting));
            }
            if queue.ending {
                return None;
            }
            queue = self.filled.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn take_group(&self, waiting: &mut VecDeque<Pending>) -> Vec<Pending> {
        // A frame fits into a segment: a single transaction takes at most half of one.
        let half = usize::try_from(self.options.segment_bytes / 2).unwrap_or(usize::MAX);
        let most = self.options.group_bytes.min(half);
        let mut bytes = 0usize;
        let mut count = 0usize;
        for pending in waiting.iter() {
            bytes = bytes.saturating_add(pending.frame_bytes());
            if count > 0 && bytes > most || count >= usize::from(u16::MAX) {
                break;
            }
            count += 1;
        }
        waiting.drain(..count).collect()
    }

    /// Counts octets as on their way, or refuses.
    pub(super) fn admit(self: &Arc<Self>, bytes: usize) -> Result<InFlight, StoreError> {
        let before = self.in_flight.load(Ordering::Relaxed);
        if before > 0 && before.saturating_add(bytes) > self.options.in_flight_bytes {
            return Err(self.busy("too many octets are on their way into the log"));
        }
        Ok(self.admit_always(bytes))
    }

    /// Counts octets as on their way: for compaction, which makes room.
    pub(super) fn admit_always(self: &Arc<Self>, bytes: usize) -> InFlight {
        let before = self.in_flight.fetch_add(bytes, Ordering::Relaxed);
        self.metrics
            .in_flight_bytes
            .set(i64::try_from(before + bytes).unwrap_or(i64::MAX));
        InFlight {
            shared: Arc::clone(self),
            bytes,
        }
    }

    /// Counts octets as handed over, or refuses.
    pub(super) fn admit_staged(self: &Arc<Self>, bytes: usize) -> Result<StagedRoom, StoreError> {
        let before = self.staged.fetch_add(bytes, Ordering::Relaxed);
        let guard = StagedRoom {
            shared: Arc::clone(self),
            bytes,
        };
        if before > 0 && before.saturating_add(bytes) > self.options.staged_bytes {
            return Err(self.busy("too much content waits for its transaction"));
        }
        Ok(guard)
    }

    pub(super) fn busy(&self, why: &'static str) -> StoreError {
        self.metrics.busy.increment();
        StoreError::Busy(why)
    }

    /// Registers for the next write of `key`.
    pub(super) fn watch(&self, key: &Bytes) -> oneshot::Receiver<()> {
        let (sender, receiver) = oneshot::channel();
        let mut watchers = lock(&self.watchers);
        let of_key = watchers.entry(key.clone()).or_default();
        of_key.retain(|sender| !sender.is_closed());
        of_key.push(sender);
        receiver
    }

    /// Wakes who watches anything of these changes.
    pub(super) fn wake_watchers(&self, changes: &[Change]) {
        let mut watchers = lock(&self.watchers);
        if watchers.is_empty() {
            return;
        }
        for change in changes {
            match change {
                Change::Set { key, .. } | Change::Clear { key } | Change::Add { key, .. } => {
                    wake(watchers.remove(key));
                }
                Change::ClearRange { range } if range.start < range.end => {
                    let bounds = range.start.clone()..range.end.clone();
                    let inside: Vec<Bytes> = watchers.range(bounds).map(|(key, _)| key.clone()).collect();
                    for key in inside {
                        wake(watchers.remove(&key));
                    }
                }
                _ => {}
            }
        }
    }

    /// Waits for a checkpoint later than the one `seen`, and gives the segment up to which the index is durable; `None`
    /// once the store ends.
    pub(super) fn wait_checkpoint(&self, seen: &mut u64) -> Option<u64> {
        let mut checkpoint = lock(&self.checkpoint);
        while checkpoint.count == *seen && !checkpoint.ending {
            checkpoint = self
                .checkpoint_made
                .wait(checkpoint)
                .unwrap_or_else(PoisonError::into_inner);
        }
        *seen = checkpoint.count;
        (!checkpoint.ending).then_some(checkpoint.segment)
    }

    /// The index is durable up to somewhere in `segment`.
    pub(super) fn checkpointed(&self, segment: u64) {
        self.segments.checkpointed(segment);
        self.segments.measure_room();
        let mut checkpoint = lock(&self.checkpoint);
        checkpoint.segment = segment;
        checkpoint.count += 1;
        drop(checkpoint);
        self.checkpoint_made.notify_all();
    }

    /// Begins a merge unless one is going on or the store has failed; whether it did.
    pub(super) fn try_begin_merge(&self) -> bool {
        !self.has_failed() && !std::mem::replace(&mut *lock(&self.merging), true)
    }

    /// Begins a merge once none is going on, unless the store fails before.
    pub(super) fn begin_merge(&self) -> Result<(), Failed> {
        let mut merging = lock(&self.merging);
        while *merging && !self.has_failed() {
            merging = self.merged.wait(merging).unwrap_or_else(PoisonError::into_inner);
        }
        if self.has_failed() {
            return Err(Failed);
        }
        *merging = true;
        Ok(())
    }

    /// A merge has ended, well or not.
    pub(super) fn end_merge(&self) {
        *lock(&self.merging) = false;
        self.merged.notify_all();
    }

    /// Everything has ended: files are closed, the lock is given back.
    pub(super) fn ended(&self) {
        *lock(&self.newest) = None;
        // Run again, they learn that the store is closed.
        self.tell_visible(u64::MAX);
        self.ended.send_replace(true);
    }

    /// Waits for that.
    pub(super) async fn wait_ended(&self) {
        let mut ended = self.ended.subscribe();
        // The sender lives as long as this.
        let _ended = ended.wait_for(|ended| *ended).await;
    }
}

fn wake(senders: Option<Vec<oneshot::Sender<()>>>) {
    for sender in senders.into_iter().flatten() {
        // Whoever gave up watching needs no news.
        let _gone = sender.send(());
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Octets counted as on their way into the log until this is dropped.
pub(super) struct InFlight {
    shared: Arc<Shared>,
    bytes: usize,
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let before = self.shared.in_flight.fetch_sub(self.bytes, Ordering::Relaxed);
        let left = before.saturating_sub(self.bytes);
        self.shared
            .metrics
            .in_flight_bytes
            .set(i64::try_from(left).unwrap_or(i64::MAX));
    }
}

/// Octets counted as staged until the last clone of their content is dropped.
pub(super) struct StagedRoom {
    shared: Arc<Shared>,
    bytes: usize,
}

impl Drop for StagedRoom {
    fn drop(&mut self) {
        self.shared.staged.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}
