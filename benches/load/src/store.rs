//! The store alone: durable commits of 30 KiB of content and eight rows by many committers in closed loops, on the
//! embedded engine with its defaults, beside the reference append. What one accepted message writes, without protocols.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use mmsc_peers::node::Usage;
use mmsc_ports::Ports;
use mmsc_ports::disk::RealDisk;
use mmsc_store::{ContentId, EmbeddedEngine, EmbeddedOptions, Holder, OperationId, Store, StoreError};
use serde::Serialize;

use crate::cli::StoreLoad;
use crate::histogram::{Histogram, Percentiles};
use crate::machine::Machine;
use crate::modes::finish_tasks;
use crate::progress::{Goal, Progress};
use crate::reference::{Around, in_own_process};

const CONTENT: usize = 30 * 1024;
const ROWS: u8 = 8;
const ROW: usize = 100;
const HOLDER: &[u8] = b"mm";
/// Commits that are read back, octet for octet.
const CHECKED: usize = 200;

/// What a run found.
#[derive(Debug, Serialize)]
struct StoreReport {
    mode: &'static str,
    committers: usize,
    seconds: f64,
    commits: u64,
    rate: f64,
    reference: Around,
    of_reference: Option<f64>,
    commit: Percentiles,
    cpu_ms_per_commit: Option<f64>,
    machine_busy: f64,
    refused: u64,
    checked: usize,
    wrong: usize,
}

struct Shared {
    store: Store,
    ports: Ports,
    body: Bytes,
    next: AtomicU64,
    done: Arc<AtomicU64>,
    refused: AtomicU64,
    measuring: AtomicBool,
    stopped: AtomicBool,
    took: Histogram,
    ids: std::sync::Mutex<Vec<(u64, ContentId)>>,
}

/// Runs it. Gives whether what was read back afterwards is what was committed.
pub async fn store(options: &StoreLoad) -> anyhow::Result<bool> {
    let ports = Ports::real();
    let temporary = tempfile::Builder::new().prefix("mmsc-load-").tempdir()?;
    let dir: PathBuf = options.dir.clone().unwrap_or_else(|| temporary.path().to_owned());
    let mut reference = Around::default();
    run_reference(options, &dir, &mut reference)?;
    let engine = EmbeddedEngine::open(EmbeddedOptions::new(dir.join("store")), Arc::new(RealDisk), &ports)?;
    let mut body = vec![0; CONTENT];
    ports.random.fill(&mut body);
    let shared = Arc::new(Shared {
        store: Store::new(Arc::new(engine)),
        ports: ports.clone(),
        body: body.into(),
        next: AtomicU64::new(0),
        done: Arc::default(),
        refused: AtomicU64::new(0),
        measuring: AtomicBool::new(false),
        stopped: AtomicBool::new(false),
        took: Histogram::default(),
        ids: std::sync::Mutex::default(),
    });
    let mut report = measure(&shared, options).await;
    (report.checked, report.wrong) = check(&shared).await;
    shared.store.close().await;
    run_reference(options, &dir, &mut reference)?;
    let median = reference.median();
    report.of_reference = (median > 0.0).then(|| report.rate / median);
    report.reference = reference;
    report.publish(options.json.as_deref())?;
    Ok(report.wrong == 0)
}

fn run_reference(options: &StoreLoad, dir: &Path, around: &mut Around) -> anyhow::Result<()> {
    if !options.reference.is_zero() {
        around.runs.push(in_own_process(dir, options.reference)?);
    }
    Ok(())
}

async fn measure(shared: &Arc<Shared>, options: &StoreLoad) -> StoreReport {
    let clock = &shared.ports.clock;
    let spawn = |_| {
        shared
            .ports
            .spawn
            .task("committer", Box::pin(committer(Arc::clone(shared))))
    };
    let tasks = (0..options.committers).map(spawn).collect();
    clock.sleep(options.warm_up).await;
    shared.measuring.store(true, Ordering::Relaxed);
    let edge = || {
        let processor = Usage::of(std::process::id()).ok().map(|usage| usage.processor);
        (
            clock.monotonic(),
            shared.done.load(Ordering::Relaxed),
            processor,
            Machine::now(),
        )
    };
    let from = edge();
    let progress = Progress::start(
        &shared.ports,
        "store",
        Goal::Time(options.seconds),
        Arc::clone(&shared.done),
    );
    clock.sleep(options.seconds).await;
    let to = edge();
    drop(progress);
    shared.stopped.store(true, Ordering::Relaxed);
    finish_tasks(tasks).await;
    let seconds = to.0.saturating_sub(from.0).as_secs_f64();
    let commits = to.1 - from.1;
    #[allow(clippy::cast_precision_loss, reason = "rates")]
    StoreReport {
        mode: "store",
        committers: options.committers,
        seconds,
        commits,
        rate: commits as f64 / seconds,
        reference: Around::default(),
        of_reference: None,
        commit: shared.took.percentiles(),
        cpu_ms_per_commit: from.2.zip(to.2).map(|(from, to): (Duration, Duration)| {
            to.saturating_sub(from).as_secs_f64() * 1000.0 / (commits as f64).max(1.0)
        }),
        machine_busy: to.3.busy_since(from.3),
        refused: shared.refused.load(Ordering::Relaxed),
        checked: 0,
        wrong: 0,
    }
}

async fn committer(shared: Arc<Shared>) {
    let clock = Arc::clone(&shared.ports.clock);
    while !shared.stopped.load(Ordering::Relaxed) {
        let number = shared.next.fetch_add(1, Ordering::Relaxed);
        let started = clock.monotonic();
        match commit(&shared, number).await {
            Some(id) => {
                let took = clock.monotonic().saturating_sub(started);
                shared.done.fetch_add(1, Ordering::Relaxed);
                if shared.measuring.load(Ordering::Relaxed) {
                    shared.took.record(took);
                }
                shared
                    .ids
                    .lock()
                    .unwrap_or_else(std::sync::PoisonError::into_inner)
                    .push((number, id));
            }
            None => {
                shared.refused.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

async fn commit(shared: &Shared, number: u64) -> Option<ContentId> {
    let staged = shared.store.stage(body_of(&shared.body, number)).await.ok()?;
    let id = staged.id;
    let committed = shared.store.transact(OperationId([0; 16]), |txn| {
        let staged = staged.clone();
        async move {
            txn.adopt(staged, Holder(Bytes::from_static(HOLDER)));
            for row in 0..ROWS {
                txn.set([&[row], number.to_be_bytes().as_slice()].concat(), vec![row; ROW]);
            }
            Ok::<_, StoreError>(())
        }
    });
    committed.await.ok().map(|committed| {
        committed.into_value();
        id
    })
}

/// The common octets with the number in front.
fn body_of(common: &Bytes, number: u64) -> Bytes {
    let mut body = Vec::with_capacity(CONTENT);
    body.extend_from_slice(&number.to_be_bytes());
    body.extend_from_slice(common.get(8..).unwrap_or_default());
    body.into()
}

/// Reads some of what was committed back; gives how many, and how many were wrong.
async fn check(shared: &Shared) -> (usize, usize) {
    let ids = std::mem::take(&mut *shared.ids.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
    let step = (ids.len() / CHECKED).max(1);
    let (mut checked, mut wrong) = (0, 0);
    for (number, id) in ids.iter().step_by(step) {
        checked += 1;
        let read = shared.store.content(*id, 0..u64::MAX).await;
        wrong += usize::from(read.ok() != Some(body_of(&shared.body, *number)));
    }
    (checked, wrong)
}

impl StoreReport {
    fn publish(&self, json: Option<&Path>) -> anyhow::Result<()> {
        let part = self.of_reference.map_or("no reference append".to_owned(), |part| {
            format!("{:.2} x the reference append ({:.0}/s)", part, self.reference.median())
        });
        println!(
            "store, 30 KiB and {ROWS} rows, {} committers, {:.1} s\n  rate                {:.0} durable commits/s, {part}\n  \
             latency, ms         p50 {:.2}, p90 {:.2}, p99 {:.2}, p99.9 {:.2}, max {:.2}\n  \
             processor           {:.3} ms per commit, machine {:.0} % busy\n  \
             checked             {} read back, {} wrong; {} refused",
            self.committers,
            self.seconds,
            self.rate,
            self.commit.p50_ms,
            self.commit.p90_ms,
            self.commit.p99_ms,
            self.commit.p999_ms,
            self.commit.max_ms,
            self.cpu_ms_per_commit.unwrap_or_default(),
            self.machine_busy * 100.0,
            self.checked,
            self.wrong,
            self.refused,
        );
        if let Some(path) = json {
            std::fs::write(path, serde_json::to_vec_pretty(self)?)?;
        }
        Ok(())
    }
}
