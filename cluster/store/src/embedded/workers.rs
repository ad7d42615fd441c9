//! Who drives the stages: workers of their own, or the caller.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mmsc_ports::Ports;
use mmsc_ports::disk::DiskLock;

use super::compact::{Compaction, compact_until_stopped};
use super::meta::Secret;
use super::pipeline::{ApplyStage, Failed, Group, LogStage, Pending};
use super::reader::{self, ReadQueue};
use super::shared::{Shared, lock};

/// While nothing is to be done the room on the disk is looked at this often.
const IDLE_TICK: Duration = Duration::from_secs(1);

/// Both stages, driven by whoever commits.
pub(super) struct Inline {
    stages: Mutex<Option<Stages>>,
    secret: Secret,
}

struct Stages {
    log: LogStage,
    apply: ApplyStage,
    _lock: Box<dyn DiskLock>,
}

impl Inline {
    pub(super) fn new(log: LogStage, apply: ApplyStage, lock: Box<dyn DiskLock>, secret: Secret) -> Self {
        let stages = Stages {
            log,
            apply,
            _lock: lock,
        };
        Self {
            stages: Mutex::new(Some(stages)),
            secret,
        }
    }

    /// Takes one transaction all the way.
    pub(super) fn run(&self, shared: &Arc<Shared>, pending: Pending) {
        let mut guard = lock(&self.stages);
        let Some(stages) = guard.as_mut() else {
            return pending.refuse(shared.closed_error());
        };
        if let Err(error) = shared.check_open() {
            return pending.refuse(error);
        }
        // A failure is told to everybody by the stage that meets it.
        if let Ok(true) = stages.run(pending) {
            self.compact(shared, stages);
        }
        if let Err(error) = shared.segments.prepare() {
            tracing::error!(%error, "a log segment could not be prepared ahead");
        }
    }

    fn compact(&self, shared: &Arc<Shared>, stages: &mut Stages) {
        let Some(victim) = shared.segments.victim(stages.apply.checkpoint_segment()) else {
            return;
        };
        let mut compaction = Compaction::new(victim, self.secret.clone());
        while let Ok(Some(request)) = compaction.next_portion(shared) {
            let Ok(snapshot) = shared.newest() else { return };
            let in_flight = shared.admit_always(request.frame_bytes());
            let (pending, _outcome) = Pending::new(request, snapshot, in_flight, 0);
            if stages.run(pending).is_err() {
                return;
            }
        }
        compaction.finish(shared);
    }

    pub(super) fn end(&self, shared: &Shared) {
        if let Some(stages) = lock(&self.stages).take() {
            stages.apply.end();
            shared.ended();
        }
    }
}

impl Stages {
    /// Whether a checkpoint was made.
    fn run(&mut self, pending: Pending) -> Result<bool, Failed> {
        let group = self.log.run(vec![pending])?;
        self.apply.run(group)?;
        self.apply.checkpoint_if_due()
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
    log: LogStage,
    apply: ApplyStage,
    disk_lock: Box<dyn DiskLock>,
    secret: Secret,
) -> ReadQueue {
    // One group may wait while another is applied: more would only hide that the index is slower than the disk.
    let (groups, synced) = mpsc::sync_channel(1);
    let worker = |name: &'static str, work: Box<dyn FnOnce() + Send>| drop(ports.spawn.worker(name, work));

    let of = Arc::clone(shared);
    worker("store-log", Box::new(move || run_log(&of, log, &groups)));
    let of = Arc::clone(shared);
    worker(
        "store-apply",
        Box::new(move || run_apply(&of, apply, &synced, disk_lock)),
    );
    let of = Arc::clone(shared);
    let prepare = move || {
        let _guard = CloseOnPanic(&of, "segment");
        of.segments.prepare_until_stopped();
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

fn run_log(shared: &Shared, mut log: LogStage, groups: &mpsc::SyncSender<Group>) {
    let _guard = CloseOnPanic(shared, "log");
    while let Some(waiting) = shared.take_waiting() {
        if shared.has_failed() {
            refuse_all(shared, waiting);
            continue;
        }
        let Ok(group) = log.run(waiting) else { continue };
        if let Err(mpsc::SendError(group)) = groups.send(group) {
            // The other worker is gone, which it told: this group's outcome is not known.
            drop(group);
        }
    }
}

fn refuse_all(shared: &Shared, waiting: Vec<Pending>) {
    for pending in waiting {
        pending.refuse(shared.closed_error());
    }
}

fn run_apply(shared: &Shared, mut apply: ApplyStage, synced: &mpsc::Receiver<Group>, disk_lock: Box<dyn DiskLock>) {
    let guard = CloseOnPanic(shared, "apply");
    apply_until_closed(shared, &mut apply, synced);
    apply.end();
    drop(guard);
    drop(disk_lock);
    shared.ended();
}

fn apply_until_closed(shared: &Shared, apply: &mut ApplyStage, synced: &mpsc::Receiver<Group>) {
    loop {
        match synced.recv_timeout(apply.due_in().unwrap_or(IDLE_TICK)) {
            Ok(group) => {
                if apply.run(group).is_err() {
                    return;
                }
            }
            Err(RecvTimeoutError::Timeout) => shared.segments.measure_room(),
            Err(RecvTimeoutError::Disconnected) => return,
        }
        if apply.checkpoint_if_due().is_err() {
            return;
        }
    }
}
