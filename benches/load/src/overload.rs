//! Open loop: messages are offered at a fixed rate above what the node can do, whether or not it keeps up.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use mmsc_peers::ledger::{Expect, Outcome};
use mmsc_ports::{Ports, Task};

use crate::cli::{Load, Overload};
use crate::modes::{Loop, cycles, edge, finish_tasks, ledger, measure, reference, report};
use crate::progress::{Goal, Progress};
use crate::reference::Around;
use crate::report::{Between, Edge, OverloadPart};
use crate::target::Target;
use crate::traffic::Traffic;

/// Connections of the open loop: enough that the offered rate does not wait for answers.
const OPEN_CONNECTIONS: usize = 512;
/// With so few credits in a node started here, that many connections can ask for more than there is.
const CREDITS: &str = "128";
/// Between two looks at the node's memory.
const SAMPLE: Duration = Duration::from_millis(100);

/// Measures the capacity of whole cycles, offers a multiple of it, and waits until everything accepted has ended.
/// Gives whether every promise was kept.
pub async fn overload(options: &Overload) -> anyhow::Result<bool> {
    let load = &options.load;
    let ports = Ports::real();
    let mut around = Around::default();
    reference(load, &mut around)?;
    let (target, pushes) = Target::prepare(&ports, load, &[("relay.credits", CREDITS)]).await?;
    let target = Arc::new(target);
    let closed = Traffic::new(&ports, load, ledger(load)?, None);
    let handsets = closed.crowd(&target.mm1).start(pushes, load.connections);
    let loops = cycles(load, &closed, &target);
    let (capacity, tasks) = measure("capacity", &closed, &target, load, loops).await;
    finish_tasks(tasks).await;

    let open = OpenLoop::new(closed, Arc::clone(&target), options, capacity.rate());
    let (part, between) = open.run(load, options.drain).await;
    let traffic = Arc::clone(&open.traffic);
    drop(open);
    if let Ok(target) = Arc::try_unwrap(target).map_err(|_| ()) {
        target.finish(&ports).await?;
    }
    finish_tasks(handsets).await;
    reference(load, &mut around)?;
    let mut report = report("overload", load, around, &traffic, between, Expect::Delivered, 0);
    let holds = report.audit.holds && part.all_final;
    report.overload = Some(part);
    report.publish(load.json.as_deref())?;
    Ok(holds)
}

struct OpenLoop {
    traffic: Arc<Traffic>,
    target: Arc<Target>,
    capacity: f64,
    wanted: f64,
    memory: Arc<Memory>,
}

/// The most resident memory that was sampled.
#[derive(Default)]
struct Memory {
    most: AtomicU64,
    ended: AtomicBool,
}

impl OpenLoop {
    fn new(traffic: Arc<Traffic>, target: Arc<Target>, options: &Overload, capacity: f64) -> Self {
        Self {
            traffic,
            target,
            capacity,
            wanted: capacity * options.factor,
            memory: Arc::default(),
        }
    }

    async fn run(&self, load: &Load, drain: Duration) -> (OverloadPart, Between) {
        let ports = &self.traffic.ports;
        let before = self.target.usage().map_or(0, |usage| usage.resident_bytes);
        let sampler = self.sample();
        let counts = &self.traffic.counts;
        let offered_before = counts.offered.load(Ordering::Relaxed);
        let accepted_before = counts.accepted.load(Ordering::Relaxed);
        self.traffic.go_on();
        self.traffic.measuring.store(true, Ordering::Relaxed);
        let from = edge(&self.traffic, &self.target).await;
        let progress = Progress::start(
            ports,
            "overload",
            Goal::Time(load.seconds),
            Arc::clone(&self.traffic.done),
        );
        let connections: Vec<Task> = (0..OPEN_CONNECTIONS).map(|index| self.start(index)).collect();
        ports.clock.sleep(load.seconds).await;
        let to = edge(&self.traffic, &self.target).await;
        let offered = counts.offered.load(Ordering::Relaxed) - offered_before;
        let accepted = counts.accepted.load(Ordering::Relaxed) - accepted_before;
        drop(progress);
        self.traffic.measuring.store(false, Ordering::Relaxed);
        self.traffic.stop();
        finish_tasks(connections).await;
        let drained = self.drain(drain).await;
        self.memory.ended.store(true, Ordering::Relaxed);
        sampler.join().await;
        let between = Between::of(&from, &to);
        (
            self.part(&between, &from, before, (offered, accepted), drained),
            between,
        )
    }

    /// One connection: it is due at fixed times, and when an answer comes late it catches up at once.
    fn start(&self, index: usize) -> Task {
        let traffic = Arc::clone(&self.traffic);
        let mut client = traffic.client(&self.target.mm1);
        #[allow(clippy::cast_precision_loss, reason = "a period")]
        let period = Duration::from_secs_f64(OPEN_CONNECTIONS as f64 / self.wanted.max(1.0));
        let offset = period.mul_f64(index as f64 / OPEN_CONNECTIONS as f64);
        let run: Loop = Box::pin(async move {
            let clock = Arc::clone(&traffic.ports.clock);
            let mut due = clock.monotonic() + offset;
            while let Some(number) = traffic.next() {
                clock.sleep(due.saturating_sub(clock.monotonic())).await;
                due += period;
                let _nobody_waits = traffic.expect(number);
                if !matches!(traffic.submit(&mut client, number).await?, Outcome::Accepted(_)) {
                    traffic.forget(number);
                } else if traffic.is_reported(number) {
                    traffic.reported(number);
                }
            }
            Ok(())
        });
        let run = async move {
            if let Err(error) = run.await {
                eprintln!("mmsc-load: a connection ended: {error:#}");
            }
        };
        self.traffic.ports.spawn.task("open-connection", Box::pin(run))
    }

    fn sample(&self) -> Task {
        let (target, memory) = (Arc::clone(&self.target), Arc::clone(&self.memory));
        let clock = Arc::clone(&self.traffic.ports.clock);
        let run = async move {
            while !memory.ended.load(Ordering::Relaxed) {
                let resident = target.usage().map_or(0, |usage| usage.resident_bytes);
                memory.most.fetch_max(resident, Ordering::Relaxed);
                clock.sleep(SAMPLE).await;
            }
        };
        self.traffic.ports.spawn.task("memory", Box::pin(run))
    }

    /// Waits until every accepted message has been delivered and reported; gives how long that took and whether it
    /// came to that.
    async fn drain(&self, limit: Duration) -> (Duration, bool) {
        let clock = &self.traffic.ports.clock;
        let started = clock.monotonic();
        let _progress = Progress::start(
            &self.traffic.ports,
            "drain",
            Goal::Time(limit),
            Arc::clone(&self.traffic.done),
        );
        loop {
            let elapsed = clock.monotonic().saturating_sub(started);
            if self.traffic.ledger.audit(Expect::Delivered).lost == 0 {
                return (elapsed, true);
            }
            if elapsed >= limit {
                return (elapsed, false);
            }
            clock.sleep(Duration::from_millis(500)).await;
        }
    }

    #[allow(clippy::cast_precision_loss, reason = "rates")]
    fn part(
        &self,
        between: &Between,
        from: &Edge,
        resident_before_bytes: u64,
        (offered, accepted): (u64, u64),
        (drain, all_final): (Duration, bool),
    ) -> OverloadPart {
        let seconds = between.seconds.max(0.001);
        let (accepted, completed) = (accepted as f64 / seconds, between.rate());
        let capacity = self.capacity.max(0.001);
        OverloadPart {
            capacity: self.capacity,
            wanted: self.wanted,
            offered: offered as f64 / seconds,
            accepted,
            completed,
            goodput_accepted: accepted / capacity,
            goodput_completed: completed / capacity,
            resident_before_bytes: from
                .node
                .usage
                .map_or(resident_before_bytes, |usage| usage.resident_bytes),
            resident_most_bytes: self.memory.most.load(Ordering::Relaxed),
            drain_seconds: drain.as_secs_f64(),
            all_final,
        }
    }
}
