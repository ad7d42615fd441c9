//! Who drives the stages: workers of their own, or the caller.

use std::convert::Infallible;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mmsc_ports::Ports;
use mmsc_ports::disk::{AlignedBuf, DiskLock};

use super::apply::{ApplyStage, Frozen, MergeStage};
use super::compact::{Compaction, compact_until_stopped};
use super::meta::Secret;
use super::pipeline::{BuildStage, Failed, Group, Pending, SyncStage, Unsynced};
use super::reader::{self, ReadQueue};
use super::shared::{Shared, lock};

/// While nothing is to be done the room on the disk is looked at this often.
const IDLE_TICK: Duration = Duration::from_secs(1);
const MERGE_TICK: Duration = Duration::from_millis(5);
/// Buffers for frames: one is written while the other is built, or is built and waits. Each keeps the size of the largest
/// frame that was in it.
const FRAMES: usize = 2;

/// All stages, driven by whoever commits.
pub(super) struct Inline {
    stages: Mutex<Option<(Stages, Box<dyn DiskLock>)>>,
    secret: Secret,
}

/// What a group passes on its way.
pub(super) struct Stages {
    pub(super) build: BuildStage,
    pub(super) sync: SyncStage,
    pub(super) apply: ApplyStage,
    pub(super) merge: MergeStage,
}

impl Inline {
    pub(super) fn new(stages: Stages, lock: Box<dyn DiskLock>, secret: Secret) -> Self {
        Self {
            stages: Mutex::new(Some((stages, lock))),
            secret,
        }
    }

    /// Takes one transaction all the way.
    pub(super) fn run(&self, shared: &Arc<Shared>, pending: Pending) {
        let mut guard = lock(&self.stages);
        let Some((stages, _)) = guard.as_mut() else {
            return pending.refuse(shared.closed_error());
        };
        if let Err(error) = shared.check_open() {
            return pending.refuse(error);
        }
        // A failure is told to everybody by the stage that meets it.
        if let Ok(Some(checkpoint)) = stages.run(shared, pending) {
            self.compact(shared, stages, checkpoint);
        }
        if let Err(error) = shared.segments.prepare() {
            tracing::error!(%error, "a log segment could not be prepared ahead");
        }
        if let Some(why) = shared.segments.broken() {
            shared.fail(why);
        }
    }

    /// Makes a checkpoint now, whether or not one is due.
    pub(super) fn checkpoint(&self) {
        if let Some((stages, _)) = lock(&self.stages).as_mut() {
            // A failure is told to everybody by the stage that meets it.
            let _failed = stages.checkpoint();
        }
    }

    fn compact(&self, shared: &Arc<Shared>, stages: &mut Stages, checkpoint: u64) {
        let Some(victim) = shared.segments.victim(checkpoint) else {
            return;
        };
        let mut compaction = Compaction::new(victim, self.secret.clone());
        while let Ok(Some(request)) = compaction.next_portion(shared) {
            let Ok(snapshot) = shared.newest() else { return };
            let in_flight = shared.admit_always(request.frame_bytes());
            let (pending, mut outcome) = Pending::new(request, snapshot, in_flight, 0);
            // A refusal leaves the segment to the next checkpoint.
            if stages.run(shared, pending).is_err() || !matches!(outcome.try_recv(), Ok(Ok(_))) {
                return;
            }
        }
        compaction.finish(shared);
    }

    pub(super) fn end(&self, shared: &Shared) {
        if let Some((mut stages, disk_lock)) = lock(&self.stages).take() {
            if !shared.has_failed() {
                // A failure has been told by then.
                let _failed = stages.checkpoint();
            }
            stages.merge.end();
            drop(disk_lock);
            shared.ended();
        }
    }
}

impl Stages {
    /// The segment up to which the index is durable, if a checkpoint was made.
    fn run(&mut self, shared: &Shared, pending: Pending) -> Result<Option<u64>, Failed> {
        let Ok(unsynced) = self.build.run(vec![pending], AlignedBuf::new()) else {
            return Ok(None);
        };
        let (group, _buffer) = self.sync.run(unsynced);
        self.apply.run(group?)?;
        if self.apply.due_in() == Some(Duration::ZERO) && shared.segments.has_index_room(self.apply.bytes()) {
            return self.checkpoint();
        }
        Ok(None)
    }

    fn checkpoint(&mut self) -> Result<Option<u64>, Failed> {
        let Some(frozen) = self.apply.freeze() else {
            return Ok(None);
        };
        let segment = frozen.position.segment;
        self.merge.run(frozen)?;
        Ok(Some(segment))
    }
}

/// A panic in a worker closes the store instead of leaving everybody waiting.
struct CloseOnPanic<'a>(&'a Shared, &'static str);

impl Drop for CloseOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.fail(format!("the {} worker panicked", self.1));
        }
    }
}

/// Starts the pipeline's workers and the readers.
pub(super) fn start(
    shared: &Arc<Shared>,
    ports: &Ports,
    stages: Stages,
    disk_lock: Box<dyn DiskLock>,
    secret: Secret,
) -> ReadQueue {
    let Stages {
        build,
        sync,
        apply,
        merge,
    } = stages;
    let (frames, unsynced) = mpsc::sync_channel(FRAMES);
    let (buffers, spare) = mpsc::sync_channel(FRAMES);
    for _ in 0..FRAMES {
        // There is room for all of them.
        let _sent = buffers.try_send(AlignedBuf::new());
    }
    // A few groups may wait while one is applied: more would only hide that memory is slower than the disk.
    let (groups, synced) = mpsc::sync_channel(2);
    let (freezes, frozen) = mpsc::sync_channel(1);
    let worker = |name: &'static str, work: Box<dyn FnOnce() + Send>| drop(ports.spawn.worker(name, work));

    let of = Arc::clone(shared);
    worker("store-log", Box::new(move || run_build(&of, build, &spare, &frames)));
    let of = Arc::clone(shared);
    let (at_the_log, left_the_log) = mpsc::sync_channel(1);
    let write = move || {
        let _at_the_log: mpsc::SyncSender<Infallible> = at_the_log;
        run_sync(&of, &sync, &unsynced, &buffers, &groups);
    };
    worker("store-sync", Box::new(write));
    let of = Arc::clone(shared);
    worker(
        "store-apply",
        Box::new(move || run_apply(&of, apply, &synced, &freezes)),
    );
    let of = Arc::clone(shared);
    worker(
        "store-merge",
        Box::new(move || {
            let ending = Ending {
                shared: &of,
                left_the_log,
                disk_lock: Some(disk_lock),
            };
            run_merge(ending, merge, &frozen);
        }),
    );
    let of = Arc::clone(shared);
    let prepare = move || {
        let _guard = CloseOnPanic(&of, "segment");
        of.segments.prepare_until_stopped();
        if let Some(why) = of.segments.broken() {
            of.fail(why);
        }
    };
    worker("store-segment", Box::new(prepare));

    let of = Arc::clone(shared);
    let compact = move || {
        let _guard = CloseOnPanic(&of, "compaction");
        compact_until_stopped(&of, &secret);
    };
    worker("store-compact", Box::new(compact));

    let (queue, jobs) = reader::queue();
    for _ in 0..shared.options.read_workers.max(1) {
        let (of, jobs) = (Arc::clone(shared), Arc::clone(&jobs));
        worker("store-read", Box::new(move || reader::read_until_closed(&of, &jobs)));
    }
    queue
}

fn run_build(
    shared: &Shared,
    mut build: BuildStage,
    spare: &mpsc::Receiver<AlignedBuf>,
    frames: &mpsc::SyncSender<Unsynced>,
) {
    let _refusing = RefuseWaiting(shared);
    let _guard = CloseOnPanic(shared, "log");
    let mut unused = None;
    // The buffer first: what arrives while none is free shares the next frame.
    while let Some(buffer) = unused.take().or_else(|| spare.recv().ok()) {
        let Some(waiting) = shared.take_waiting() else { return };
        if shared.has_failed() {
            return refuse_all(shared, waiting);
        }
        match build.run(waiting, buffer) {
            Ok(unsynced) => {
                if let Err(mpsc::SendError(unsynced)) = frames.send(unsynced) {
                    unsynced.refuse(shared);
                }
            }
            Err(buffer) => unused = Some(buffer),
        }
    }
}

/// However the worker before the log ends, what waits for it gets an answer. (If this is a panic, its guard has told the
/// store to end.)
struct RefuseWaiting<'a>(&'a Shared);

impl Drop for RefuseWaiting<'_> {
    fn drop(&mut self) {
        if self.0.check_open().is_ok() {
            return;
        }
        while let Some(waiting) = self.0.take_waiting() {
            refuse_all(self.0, waiting);
        }
    }
}

fn run_sync(
    shared: &Shared,
    sync: &SyncStage,
    unsynced: &mpsc::Receiver<Unsynced>,
    buffers: &mpsc::SyncSender<AlignedBuf>,
    groups: &mpsc::SyncSender<Group>,
) {
    let _guard = CloseOnPanic(shared, "sync");
    while let Ok(unsynced) = unsynced.recv() {
        let (group, buffer) = sync.run(unsynced);
        // Whoever builds frames may have ended.
        let _ended = buffers.try_send(buffer);
        if let Ok(group) = group {
            // The next worker may have failed, which it told: the outcome of this group is not known then.
            drop(groups.send(group));
        }
    }
}

fn refuse_all(shared: &Shared, waiting: Vec<Pending>) {
    for pending in waiting {
        pending.refuse(shared.closed_error());
    }
}

fn run_apply(
    shared: &Shared,
    mut apply: ApplyStage,
    synced: &mpsc::Receiver<Group>,
    freezes: &mpsc::SyncSender<Frozen>,
) {
    let _guard = CloseOnPanic(shared, "apply");
    let ended = apply_until_closed(shared, &mut apply, synced, freezes);
    // Half a group that could not be applied must not get into the index: replayed, its additions would count twice.
    if ended.is_ok() && shared.begin_merge().is_ok() {
        freeze(shared, &mut apply, freezes);
    }
}

fn apply_until_closed(
    shared: &Shared,
    apply: &mut ApplyStage,
    synced: &mpsc::Receiver<Group>,
    freezes: &mpsc::SyncSender<Frozen>,
) -> Result<(), Failed> {
    loop {
        // While a checkpoint is due and the one before goes on, it is looked for again soon.
        let wait = apply.due_in().unwrap_or(IDLE_TICK).max(MERGE_TICK);
        match synced.recv_timeout(wait) {
            Ok(group) => apply.run(group)?,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
        }
        if apply.due_in() != Some(Duration::ZERO) {
            continue;
        }
        if apply.is_full() {
            shared.begin_merge()?;
        } else if !shared.try_begin_merge() {
            continue;
        }
        freeze(shared, apply, freezes);
    }
}

fn freeze(shared: &Shared, apply: &mut ApplyStage, freezes: &mpsc::SyncSender<Frozen>) {
    let sent = apply.freeze().is_some_and(|frozen| freezes.send(frozen).is_ok());
    if !sent {
        shared.end_merge();
    }
}

/// However the last worker ends, whoever waits for the store's end learns of it, and the lock is given back before.
struct Ending<'a> {
    shared: &'a Shared,
    /// Disconnected once no frame is written any more.
    left_the_log: mpsc::Receiver<Infallible>,
    disk_lock: Option<Box<dyn DiskLock>>,
}

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        // Whoever takes the lock next finds no one else at the files. (If this is a panic, its guard has told it to stop.)
        self.shared.segments.wait_until_stopped();
        let _left = self.left_the_log.recv();
        drop(self.disk_lock.take());
        self.shared.ended();
    }
}

/// Whether a checkpoint may be tried: with room for it, or at the store's end, where a failure takes nothing away.
fn may_merge(shared: &Shared, frozen: &Frozen) -> bool {
    shared.check_open().is_err() || shared.segments.has_index_room(frozen.bytes())
}

fn run_merge(ending: Ending<'_>, mut merge: MergeStage, frozen: &mpsc::Receiver<Frozen>) {
    let shared = ending.shared;
    let _guard = CloseOnPanic(shared, "checkpoint");
    let mut next: Option<Frozen> = None;
    loop {
        if let Some(frozen) = next.take_if(|frozen| may_merge(shared, frozen)) {
            // After a failure nothing is made durable any more.
            let _failed = (!shared.has_failed()).then(|| merge.run(frozen));
            shared.end_merge();
        }
        match frozen.recv_timeout(IDLE_TICK) {
            Ok(frozen) => next = Some(frozen),
            Err(RecvTimeoutError::Timeout) => {
                merge.let_go();
                shared.segments.measure_room();
            }
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    merge.end();
}
