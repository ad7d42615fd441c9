//! The closed loops.

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use mmsc_peers::ledger::{Expect, Ledger, Outcome};
use mmsc_peers::message::Sizes;
use mmsc_peers::node::Usage;
use mmsc_ports::{Ports, Task};

use crate::cli::Load;
use crate::histogram::Histogram;
use crate::machine::Machine;
use crate::progress::{Goal, Progress};
use crate::reference::{Around, in_own_process};
use crate::report::{Answers, Between, Edge, Report, Step};
use crate::target::Target;
use crate::traffic::{Counts, Traffic};

/// Deferred delivery of the submit mode: later than any run ends.
const NOT_DURING_THE_RUN: Duration = Duration::from_secs(6 * 3600);
/// A cycle that takes longer counts as not done.
const CYCLE_LIMIT: Duration = Duration::from_secs(60);
/// Accepted submissions that the submit mode repeats afterwards.
const RECHECK: u64 = 200;

/// Durable submits and nothing else. Gives whether every promise was kept.
pub async fn submit(load: &Load) -> anyhow::Result<bool> {
    let ports = Ports::real();
    let mut around = Around::default();
    reference(load, &mut around)?;
    let (target, _pushes) = Target::prepare(&ports, load, &[]).await?;
    let traffic = Traffic::new(&ports, load, ledger(load)?, Some(NOT_DURING_THE_RUN));
    let connections = (0..load.connections).map(|_| {
        let (traffic, mut client) = (Arc::clone(&traffic), traffic.client(&target.mm1));
        let run = async move {
            while let Some(number) = traffic.next() {
                if matches!(traffic.submit(&mut client, number).await?, Outcome::Accepted(_)) {
                    traffic.done.fetch_add(1, Ordering::Relaxed);
                }
            }
            Ok(())
        };
        Box::pin(run) as Loop
    });
    let (between, tasks) = measure("submit", &traffic, &target, load, connections.collect()).await;
    finish_tasks(tasks).await;
    let rechecked = recheck(&traffic, &target).await?;
    target.finish(&ports).await?;
    reference(load, &mut around)?;
    let report = report("submit", load, around, &traffic, between, Expect::Accepted, rechecked);
    report.publish(load.json.as_deref())?;
    Ok(report.audit.holds)
}

/// Whole cycles. Gives whether every promise was kept.
pub async fn cycle(load: &Load) -> anyhow::Result<bool> {
    let ports = Ports::real();
    let mut around = Around::default();
    reference(load, &mut around)?;
    let (target, pushes) = Target::prepare(&ports, load, &[]).await?;
    let traffic = Traffic::new(&ports, load, ledger(load)?, None);
    let handsets = traffic.crowd(&target.mm1).start(pushes, load.connections);
    let connections = cycles(load, &traffic, &target);
    let (between, tasks) = measure("cycle", &traffic, &target, load, connections).await;
    finish_tasks(tasks).await;
    target.finish(&ports).await?;
    finish_tasks(handsets).await;
    reference(load, &mut around)?;
    let report = report("cycle", load, around, &traffic, between, Expect::Delivered, 0);
    report.publish(load.json.as_deref())?;
    Ok(report.audit.holds)
}

/// One closed loop of cycles for each connection.
pub fn cycles(load: &Load, traffic: &Arc<Traffic>, target: &Target) -> Vec<Loop> {
    let one = |_| {
        let (traffic, mut client) = (Arc::clone(traffic), traffic.client(&target.mm1));
        let run = async move {
            while let Some(number) = traffic.next() {
                traffic.cycle(&mut client, number, CYCLE_LIMIT).await?;
            }
            Ok(())
        };
        Box::pin(run) as Loop
    };
    (0..load.connections).map(one).collect()
}

/// What one connection does until the run is over. An error ends it, and is printed.
pub type Loop = std::pin::Pin<Box<dyn Future<Output = anyhow::Result<()>> + Send>>;

/// Runs the loops: warm-up, then the measured part. Gives its figures, and the loops that still finish what they began.
pub async fn measure(
    label: &'static str,
    traffic: &Arc<Traffic>,
    target: &Target,
    load: &Load,
    loops: Vec<Loop>,
) -> (Between, Vec<Task>) {
    let ports = &traffic.ports;
    let start = |run: Loop| {
        let run = async move {
            if let Err(error) = run.await {
                eprintln!("mmsc-load: a connection ended: {error:#}");
            }
        };
        ports.spawn.task("connection", Box::pin(run))
    };
    let mut tasks: Vec<Task> = loops.into_iter().map(start).collect();
    if load.count.is_none() {
        let _progress = Progress::start(ports, "warm-up", Goal::Time(load.warm_up), Arc::clone(&traffic.done));
        ports.clock.sleep(load.warm_up).await;
    }
    traffic.measuring.store(true, Ordering::Relaxed);
    let from = edge(traffic, target).await;
    let goal = load.count.map_or(Goal::Time(load.seconds), Goal::Count);
    let progress = Progress::start(ports, label, goal, Arc::clone(&traffic.done));
    match goal {
        Goal::Time(time) => ports.clock.sleep(time).await,
        Goal::Count(_) => finish_tasks(std::mem::take(&mut tasks)).await,
    }
    let to = edge(traffic, target).await;
    drop(progress);
    traffic.measuring.store(false, Ordering::Relaxed);
    traffic.stop();
    (Between::of(&from, &to), tasks)
}

/// Waits for tasks.
pub async fn finish_tasks(tasks: Vec<Task>) {
    for task in tasks {
        task.join().await;
    }
}

/// All readings now.
pub async fn edge(traffic: &Traffic, target: &Target) -> Edge {
    let node = target.reading(&traffic.ports).await;
    Edge {
        at: traffic.ports.clock.monotonic(),
        messages: traffic.done.load(Ordering::Relaxed),
        node,
        generator: Usage::of(std::process::id()).ok(),
        machine: Machine::now(),
    }
}

/// One run of the reference append, where it is wanted.
pub fn reference(load: &Load, around: &mut Around) -> anyhow::Result<()> {
    if load.reference.is_zero() {
        return Ok(());
    }
    // The file system of the store; a temporary store lies where this goes without a directory.
    let temporary = || {
        if load.start {
            std::env::temp_dir()
        } else {
            PathBuf::from(".")
        }
    };
    let dir = load.dir.clone().unwrap_or_else(temporary);
    around.runs.push(in_own_process(&dir, load.reference)?);
    Ok(())
}

/// The run's ledger, on a file where that is asked for.
pub fn ledger(load: &Load) -> anyhow::Result<Ledger> {
    Ok(match &load.ledger {
        Some(path) => Ledger::to_file(path)?,
        None => Ledger::in_memory(),
    })
}

/// Repeats accepted submissions, spread over the run; the ledger sees whether the answers are those given before.
async fn recheck(traffic: &Arc<Traffic>, target: &Target) -> anyhow::Result<u64> {
    let accepted: Vec<u64> = traffic.ledger.look(|book| {
        let accepted = book
            .submissions()
            .iter()
            .filter(|(_, submission)| !submission.accepted.is_empty());
        accepted.map(|(number, _)| *number).collect()
    });
    let step = usize::try_from((accepted.len() as u64).div_ceil(RECHECK))
        .unwrap_or(1)
        .max(1);
    let mut client = traffic.client(&target.mm1);
    let mut same = 0;
    for number in accepted.into_iter().step_by(step) {
        same += u64::from(matches!(
            traffic.submit(&mut client, number).await?,
            Outcome::Accepted(_)
        ));
    }
    Ok(same)
}

/// Puts a report together.
pub fn report(
    mode: &'static str,
    load: &Load,
    reference: Around,
    traffic: &Traffic,
    between: Between,
    expect: Expect,
    rechecked: u64,
) -> Report {
    let rate = between.rate();
    let median = reference.median();
    let latencies = &traffic.latencies;
    let step = |step, histogram: &Histogram| Step {
        step,
        took: histogram.percentiles(),
    };
    Report {
        mode,
        sizes: match load.sizes {
            Sizes::Tiny => "2k",
            Sizes::Small => "30k",
            Sizes::Large => "300k",
            Sizes::Mixed => "mixed",
        },
        connections: load.connections,
        seconds: between.seconds,
        messages: between.messages,
        rate,
        of_reference: (median > 0.0).then(|| rate / median),
        reference,
        latencies: vec![
            step("submit", &latencies.submit),
            step("notified", &latencies.notified),
            step("retrieve", &latencies.retrieve),
            step("cycle", &latencies.cycle),
        ],
        node: between.node,
        machine_busy: between.machine_busy,
        generator_ms_per_message: between.generator_ms_per_message,
        answers: answers(&traffic.counts),
        rechecked,
        audit: traffic.ledger.audit(expect).into(),
        overload: None,
    }
}

fn answers(counts: &Counts) -> Answers {
    Answers {
        offered: counts.offered.load(Ordering::Relaxed),
        accepted: counts.accepted.load(Ordering::Relaxed),
        refused: counts.refused.load(Ordering::Relaxed),
        refused_http: counts.refused_http.load(Ordering::Relaxed),
        failed: counts.failed.load(Ordering::Relaxed),
    }
}
