//! A backlog: what a node does with very many messages that wait.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use mmsc_peers::handset::Told;
use mmsc_peers::ledger::{Expect, Ledger, Outcome};
use mmsc_peers::message::Sizes;
use mmsc_peers::smsc::Push;
use mmsc_ports::Ports;
use serde::Serialize;
use tokio::sync::mpsc;

use crate::cli::{Backlog, Load};
use crate::modes::{Loop, cycles, finish_tasks, ledger, measure};
use crate::progress::{Goal, Progress};
use crate::target::{Stop, Target};
use crate::traffic::{Shape, Traffic};

/// Deferred delivery of what waits: later than any run ends.
const NOT_DURING_THE_RUN: Duration = Duration::from_secs(5 * 24 * 3600);
/// How long before their moment the expiring messages begin to be submitted.
const BEFORE_EXPIRY: Duration = Duration::from_secs(45);
/// Until all of them have to be expired and reported.
const EXPIRED_WITHIN: Duration = Duration::from_secs(180);
/// Content goes so soon after its message's end, so that the run sees the disk given back.
const RETENTION: &str = "5s";
/// How long the store may take to give the disk back.
const GIVEN_BACK_WITHIN: Duration = Duration::from_secs(60);
/// X-Mms-Status Expired.
const EXPIRED: u8 = 0x80;
/// A submission that is refused so often will not be taken at all.
const TRIES: u32 = 50;
/// Between two looks at the node.
const SAMPLE: Duration = Duration::from_millis(200);

/// What a run found.
#[derive(Debug, Default, Serialize)]
struct Found {
    waiting: u64,
    content_octets: u64,
    fill_rate: f64,
    refused: u64,
    resident_after_fill_bytes: u64,
    store_bytes: u64,
    ready_after_drain_seconds: f64,
    ready_after_kill_seconds: f64,
    resident_idle_bytes: u64,
    cycles_per_second: f64,
    cycles_cpu_ms: f64,
    cycles_commits: f64,
    expiring: u64,
    expired: u64,
    expiry_seconds: f64,
    most_late_seconds: f64,
    store_before_expiry_bytes: u64,
    store_after_expiry_bytes: u64,
    lost: u64,
}

/// Fills, restarts, cycles, expires. Gives whether every promise was kept.
pub async fn backlog(options: &Backlog) -> anyhow::Result<bool> {
    let load = &options.load;
    anyhow::ensure!(load.start, "a backlog needs a node of its own: --start");
    let ports = Ports::real();
    let settings = [("retention.content", RETENTION)];
    let (mut target, mut pushes) = Target::prepare(&ports, load, &settings).await?;
    let book = Arc::new(ledger(load)?);
    let mut found = Found::default();
    let small = Load {
        sizes: Sizes::Tiny,
        ..load.clone()
    };
    fill(options, &small, &ports, &target, &book, &mut found).await?;
    restarts(options, &ports, &mut target, &mut found).await?;
    expire(options, &small, &ports, &target, &mut pushes, &mut found).await?;
    beside(load, &ports, &target, pushes, &book, &mut found).await?;
    found.lost = lost(&small, &ports, &target, &book, options.waiting).await?;
    target.finish(&ports).await?;
    print!("{}", found.table());
    if let Some(path) = &load.json {
        std::fs::write(path, serde_json::to_vec_pretty(&found)?)?;
    }
    Ok(found.lost == 0 && found.expired == found.expiring)
}

fn waiting(load: &Load, ports: &Ports, book: &Arc<Ledger>, count: u64) -> Arc<Traffic> {
    let shape = Shape {
        deliver_after: Some(NOT_DURING_THE_RUN),
        expires_at: None,
    };
    Traffic::shaped(ports, load, Arc::clone(book), shape, 0..count)
}

/// Submits until each is accepted: a refusal for now is repeated, as a handset does.
async fn submit_all(label: &'static str, traffic: &Arc<Traffic>, target: &Target, load: &Load, count: u64) {
    let _progress = Progress::start(&traffic.ports, label, Goal::Count(count), Arc::clone(&traffic.done));
    let one = |_| {
        let (traffic, mut client) = (Arc::clone(traffic), traffic.client(&target.mm1));
        let ports = traffic.ports.clone();
        let run: Loop = Box::pin(async move {
            while let Some(number) = traffic.next() {
                let mut tries = 0;
                loop {
                    let outcome = traffic.submit(&mut client, number).await?;
                    if matches!(outcome, Outcome::Accepted(_)) {
                        break;
                    }
                    tries += 1;
                    anyhow::ensure!(tries < TRIES, "submission {number} is not taken: {outcome:?}");
                    traffic.ports.clock.sleep(SAMPLE).await;
                }
                traffic.done.fetch_add(1, Ordering::Relaxed);
            }
            Ok(())
        });
        let run = async move {
            if let Err(error) = run.await {
                eprintln!("mmsc-load: a connection ended: {error:#}");
            }
        };
        ports.spawn.task("fill", Box::pin(run))
    };
    finish_tasks((0..load.connections).map(one).collect()).await;
}

#[allow(clippy::cast_precision_loss, reason = "rates")]
async fn fill(
    options: &Backlog,
    load: &Load,
    ports: &Ports,
    target: &Target,
    book: &Arc<Ledger>,
    found: &mut Found,
) -> anyhow::Result<()> {
    let traffic = waiting(load, ports, book, options.waiting);
    let (_, _, letter) = traffic.letter(0)?;
    let began = ports.clock.monotonic();
    submit_all("fill", &traffic, target, load, options.waiting).await;
    let took = ports.clock.monotonic().saturating_sub(began);
    found.waiting = traffic.done.load(Ordering::Relaxed);
    found.content_octets = letter.pdu.len() as u64;
    found.fill_rate = found.waiting as f64 / took.as_secs_f64().max(0.001);
    found.refused =
        traffic.counts.refused.load(Ordering::Relaxed) + traffic.counts.refused_http.load(Ordering::Relaxed);
    ports.clock.sleep(options.idle).await;
    found.resident_after_fill_bytes = resident(target);
    found.store_bytes = size_of(target);
    Ok(())
}

async fn restarts(options: &Backlog, ports: &Ports, target: &mut Target, found: &mut Found) -> anyhow::Result<()> {
    let drained = target.restart(ports, Stop::Drained).await?;
    found.ready_after_drain_seconds = drained.as_secs_f64();
    let killed = target.restart(ports, Stop::Killed).await?;
    found.ready_after_kill_seconds = killed.as_secs_f64();
    ports.clock.sleep(options.idle).await;
    found.resident_idle_bytes = resident(target);
    Ok(())
}

/// Handsets that are told and never fetch; at one moment all of their messages expire.
async fn expire(
    options: &Backlog,
    load: &Load,
    ports: &Ports,
    target: &Target,
    pushes: &mut mpsc::Receiver<Push>,
    found: &mut Found,
) -> anyhow::Result<()> {
    if options.expiring == 0 {
        return Ok(());
    }
    let at = ports.clock.monotonic() + BEFORE_EXPIRY;
    let shape = Shape {
        deliver_after: None,
        expires_at: Some(at),
    };
    let numbers = options.waiting..options.waiting + options.expiring;
    let traffic = Traffic::shaped(ports, load, Arc::new(Ledger::in_memory()), shape, numbers);
    let submit = submit_all("expiring", &traffic, target, load, options.expiring);
    let mut expired = 0;
    let mut submit = std::pin::pin!(submit);
    loop {
        tokio::select! {
            () = &mut submit => break,
            push = pushes.recv() => expired += u64::from(push.is_some_and(|push| is_expiry(&push))),
        }
    }
    found.expiring = traffic.done.load(Ordering::Relaxed);
    found.store_before_expiry_bytes = size_of(target);
    let until = at + EXPIRED_WITHIN;
    let mut sampled = ports.clock.monotonic();
    let mut last = at;
    while expired < found.expiring && ports.clock.monotonic() < until {
        tokio::select! {
            push = pushes.recv() => {
                if push.is_some_and(|push| is_expiry(&push)) {
                    expired += 1;
                    last = ports.clock.monotonic();
                }
            }
            () = ports.clock.sleep(SAMPLE) => {}
        }
        let now = ports.clock.monotonic();
        if now.saturating_sub(sampled) >= Duration::from_secs(1) {
            sampled = now;
            let late = target.metrics(ports).await?.sum("mmsc_relay_oldest_due_seconds");
            found.most_late_seconds = found.most_late_seconds.max(late.unwrap_or_default());
        }
    }
    found.expired = expired;
    found.expiry_seconds = last.saturating_sub(at).as_secs_f64();
    let until = ports.clock.monotonic() + GIVEN_BACK_WITHIN;
    found.store_after_expiry_bytes = size_of(target);
    while ports.clock.monotonic() < until {
        ports.clock.sleep(Duration::from_secs(1)).await;
        found.store_after_expiry_bytes = found.store_after_expiry_bytes.min(size_of(target));
    }
    Ok(())
}

fn is_expiry(push: &Push) -> bool {
    matches!(&push.told, Ok(Told::DeliveryReport { status, .. }) if *status == EXPIRED)
}

/// Whole cycles while the backlog lies there.
async fn beside(
    load: &Load,
    ports: &Ports,
    target: &Target,
    pushes: mpsc::Receiver<Push>,
    book: &Arc<Ledger>,
    found: &mut Found,
) -> anyhow::Result<()> {
    // Numbers beyond all others.
    let numbers = 1 << 40..u64::MAX;
    let traffic = Traffic::shaped(ports, load, Arc::clone(book), Shape::default(), numbers);
    let _handsets = traffic.crowd(&target.mm1).start(pushes, load.connections);
    let (between, tasks) = measure("cycle", &traffic, target, load, cycles(load, &traffic, target)).await;
    finish_tasks(tasks).await;
    found.cycles_per_second = between.rate();
    found.cycles_cpu_ms = between.node.cpu_ms_per_message.unwrap_or_default();
    found.cycles_commits = between.node.commits_per_message.unwrap_or_default();
    Ok(())
}

/// Repeats one of a thousand waiting submissions: each must get its first answer. Gives how many promises were broken.
async fn lost(load: &Load, ports: &Ports, target: &Target, book: &Arc<Ledger>, count: u64) -> anyhow::Result<u64> {
    let traffic = waiting(load, ports, book, count);
    let mut client = traffic.client(&target.mm1);
    let mut unanswered = 0;
    for number in (0..count).step_by(1000) {
        let outcome = traffic.submit(&mut client, number).await?;
        unanswered += u64::from(!matches!(outcome, Outcome::Accepted(_)));
    }
    let verdict = book.audit(Expect::Accepted);
    Ok(unanswered + verdict.lost + verdict.accepted_twice)
}

fn resident(target: &Target) -> u64 {
    target.usage().map_or(0, |usage| usage.resident_bytes)
}

/// Octets that the store's files take on the disk.
fn size_of(target: &Target) -> u64 {
    target.store().map_or(0, |store| disk_bytes(&store))
}

fn disk_bytes(dir: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt as _;
    let Ok(entries) = std::fs::read_dir(dir) else { return 0 };
    let sizes = entries.flatten().filter_map(|entry| {
        let metadata = entry.metadata().ok()?;
        if metadata.is_dir() {
            return Some(disk_bytes(&entry.path()));
        }
        Some(metadata.blocks() * 512)
    });
    sizes.sum()
}

impl Found {
    fn table(&self) -> String {
        let mb = |octets: u64| octets >> 20;
        format!(
            "backlog of {} messages of {} octets\n\
             \x20 fill                {:.0}/s through MM1, {} refused for now and repeated; {} MB resident afterwards, {} MB on the disk\n\
             \x20 restart             ready in {:.2} s after a drain, in {:.2} s after kill -9; {} MB resident when idle\n\
             \x20 expiry              {} of {} expired and reported {:.1} s after their moment; due work at most {:.1} s late\n\
             \x20 disk                {} MB before the expiry, {} MB afterwards\n\
             \x20 cycles beside it    {:.0}/s, {:.2} ms CPU, {:.1} commits\n\
             \x20 promises            {} broken\n",
            self.waiting,
            self.content_octets,
            self.fill_rate,
            self.refused,
            mb(self.resident_after_fill_bytes),
            mb(self.store_bytes),
            self.ready_after_drain_seconds,
            self.ready_after_kill_seconds,
            mb(self.resident_idle_bytes),
            self.expired,
            self.expiring,
            self.expiry_seconds,
            self.most_late_seconds,
            mb(self.store_before_expiry_bytes),
            mb(self.store_after_expiry_bytes),
            self.cycles_per_second,
            self.cycles_cpu_ms,
            self.cycles_commits,
            self.lost,
        )
    }
}
