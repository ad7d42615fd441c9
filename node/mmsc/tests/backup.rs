//! Backup under load, loss of the store, restore: everything accepted before the backup began is delivered.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod common;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use common::{LIMIT, Process, get, shipped_config};
use mmsc_peers::Msisdn;
use mmsc_peers::crowd::Crowd;
use mmsc_peers::handset::Client;
use mmsc_peers::ledger::{Expect, Ledger, Outcome};
use mmsc_peers::message::{Order, Template};
use mmsc_peers::sender::{Persistence, submit_until_answered};
use mmsc_peers::smsc::{Smsc, SmscSettings};
use mmsc_ports::Ports;

const SENDERS: u64 = 15_550_000_000;
const RECIPIENTS: u64 = 15_560_000_000;
/// Accepted before the backup.
const BEFORE: u64 = 60;
/// Numbers of what is sent while it is made.
const LATER: u64 = 1_000_000;
const STEP: Duration = Duration::from_millis(20);

/// Submits one message of 30 KiB; whether it was accepted.
async fn submit(ports: &Ports, client: &mut Client, ledger: &Ledger, number: u64) -> bool {
    let order = Order::to_one(number, Msisdn::of_pool(RECIPIENTS, number % 1000));
    let letter = Template::new(1, 30_000).letter(number, &order).unwrap();
    let from = Msisdn::of_pool(SENDERS, number % 1000);
    let pair = (&order, &letter);
    let outcome = submit_until_answered(ports, client, ledger, from, pair, Persistence::ONCE).await;
    matches!(outcome.unwrap(), Outcome::Accepted(_))
}

/// Sends until told to stop; how much was accepted is counted.
fn load(ports: &Ports, mm1: &str, stop: &Arc<AtomicBool>, accepted: &Arc<AtomicU64>) -> tokio::task::JoinSet<()> {
    let mut connections = tokio::task::JoinSet::new();
    for connection in 0..8 {
        let (ports, stop, accepted) = (ports.clone(), Arc::clone(stop), Arc::clone(accepted));
        let mut client = Client::new(ports.clone(), mm1.to_owned(), LIMIT);
        connections.spawn(async move {
            let ledger = Ledger::in_memory();
            for number in (LATER + connection..).step_by(8) {
                if stop.load(Ordering::Acquire) || !submit(&ports, &mut client, &ledger, number).await {
                    return;
                }
                accepted.fetch_add(1, Ordering::AcqRel);
            }
        });
    }
    connections
}

fn backups(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).into_iter().flatten();
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut finished: Vec<PathBuf> = paths.filter(|path| path.extension().is_none()).collect();
    finished.sort();
    finished
}

/// Looks again and again until it is so, at most as long as the limit allows.
async fn until(ports: &Ports, what: &str, is_so: impl Fn() -> bool) {
    for _ in 0..LIMIT.as_millis() / STEP.as_millis() {
        if is_so() {
            return;
        }
        ports.clock.sleep(STEP).await;
    }
    panic!("{what}: not within {LIMIT:?}");
}

fn metric(ops: &str, name: &str) -> f64 {
    let (_, page) = get(ops, "/metrics");
    let line = page.lines().find(|line| line.split(' ').next() == Some(name));
    let value = line.and_then(|line| line.rsplit(' ').next()).map(str::parse);
    value.unwrap_or_else(|| panic!("no {name} in {page}")).unwrap()
}

fn store_command(arguments: &[&str]) -> (Option<i32>, String, String) {
    let (status, out, errors) = Process::start(&[&["store"], arguments].concat()).end();
    (status.code(), out, errors)
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_accepted_before_the_backup_is_delivered_from_the_restored_store() {
    let directory = tempfile::tempdir().unwrap();
    let (kept, store) = (directory.path().join("kept"), directory.path().join("store"));
    let ports = Ports::real();
    let ledger = Arc::new(Ledger::in_memory());

    // No SMSC yet: what is accepted stays undelivered.
    let to = format!("store.backup_dir={}", kept.display());
    let node = Process::node(directory.path(), &["smsc.main.address=127.0.0.1:1", &to]);
    let ready = node.ready();
    let (mm1, ops) = (ready["mm1"].as_str().unwrap(), ready["ops"].as_str().unwrap());
    let mut client = Client::new(ports.clone(), mm1.to_owned(), LIMIT);
    for number in 0..BEFORE {
        assert!(submit(&ports, &mut client, &ledger, number).await);
    }
    let (stop, accepted) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let connections = load(&ports, mm1, &stop, &accepted);
    until(&ports, "load", || accepted.load(Ordering::Acquire) > 50).await;
    node.signal("USR1");
    until(&ports, "a backup", || !backups(&kept).is_empty()).await;
    until(&ports, "its metric", || metric(ops, "mmsc_store_backups_total") > 0.0).await;
    let at_backup = accepted.load(Ordering::Acquire);
    until(&ports, "more load", || {
        accepted.load(Ordering::Acquire) > at_backup + 50
    })
    .await;
    assert_eq!(metric(ops, "mmsc_store_backup_failures_total"), 0.0);
    assert!(metric(ops, "mmsc_store_backup_last_success_timestamp_seconds") > 1e9);
    assert!(metric(ops, "mmsc_store_backup_bytes") > 30_000.0 * BEFORE as f64);
    node.signal("KILL");
    drop(node.end());
    stop.store(true, Ordering::Release);
    connections.join_all().await;

    std::fs::remove_dir_all(&store).unwrap();
    let backup = backups(&kept).pop().unwrap();
    let (code, out, errors) = store_command(&["restore", text(&backup), text(&store)]);
    assert_eq!(code, Some(0), "{errors}");
    assert!(
        out.contains("ok, the state of ") && out.contains(" contents of "),
        "{out}"
    );
    // Twice into one place is refused, and the first one is untouched.
    let (code, _, errors) = store_command(&["restore", text(&backup), text(&store)]);
    assert!(code == Some(1) && errors.contains("is not empty"), "{errors}");

    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let (smsc, pushes) = Smsc::start(&ports, any, SmscSettings::default()).await.unwrap();
    let smsc_at = format!("smsc.main.address={}", smsc.address());
    // Notifications name the address that the node has now.
    let node = Process::node(directory.path(), &[&smsc_at]);
    let mm1 = node.ready()["mm1"].as_str().unwrap().to_owned();
    let handsets = Crowd::new(&ports, mm1, Arc::clone(&ledger)).start(pushes, 8);
    until(&ports, "everything delivered", || {
        ledger.audit(Expect::Delivered).lost == 0
    })
    .await;
    let verdict = ledger.audit(Expect::Delivered);
    assert_eq!((verdict.accepted, verdict.lost), (BEFORE, 0), "{verdict}");
    node.signal("TERM");
    let (status, _, errors) = node.end();
    assert_eq!(status.code(), Some(0), "{errors}");
    drop(smsc);
    drop(handsets);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn backups_are_made_by_schedule_and_the_newest_are_kept() {
    let directory = tempfile::tempdir().unwrap();
    let kept = directory.path().join("kept");
    std::fs::create_dir_all(kept.join("backup-20260101T000000Z")).unwrap();
    std::fs::create_dir_all(kept.join("backup-20260102T000000Z.unfinished")).unwrap();
    std::fs::create_dir_all(kept.join("mine")).unwrap();
    let to = format!("store.backup_dir={}", kept.display());
    let sets = [
        "smsc.main.address=127.0.0.1:1",
        &to,
        "store.backup_every=1s",
        "store.backup_keep=2",
    ];
    let ports = Ports::real();
    let node = Process::node(directory.path(), &sets);
    let ops = node.ready()["ops"].as_str().unwrap().to_owned();
    until(&ports, "three backups", || {
        metric(&ops, "mmsc_store_backups_total") >= 3.0
    })
    .await;
    node.signal("TERM");
    let (status, _, errors) = node.end();
    assert_eq!(status.code(), Some(0), "{errors}");
    assert!(errors.contains("a backup was made"), "{errors}");
    let left = backups(&kept);
    assert!(left.contains(&kept.join("mine")), "{left:?}");
    assert!(!left.contains(&kept.join("backup-20260101T000000Z")), "{left:?}");
    assert!(!kept.join("backup-20260102T000000Z.unfinished").exists());
    // The end may have come between a backup and the removal of an older one.
    assert!((3..=4).contains(&left.len()), "{left:?}");
}

#[test]
fn a_stopped_store_is_backed_up_by_command_and_a_running_one_is_not() {
    let directory = tempfile::tempdir().unwrap();
    let (store, backup) = (directory.path().join("store"), directory.path().join("backup"));
    let sets = ["smsc.main.address=127.0.0.1:1"];
    let node = Process::node(directory.path(), &sets);
    node.ready();
    let command = ["backup", "--path", text(&store), text(&backup)];
    let (code, _, errors) = store_command(&command);
    assert!(
        code == Some(1) && errors.contains("in use by another process"),
        "{errors}"
    );
    // Without a directory for it the signal is answered in the log, and nothing else happens.
    node.signal("USR1");
    let told = (0..LIMIT.as_millis() / STEP.as_millis()).any(|_| {
        std::thread::sleep(STEP);
        node.errors_so_far().contains("store.backup_dir is not set")
    });
    assert!(told);
    node.signal("TERM");
    let (status, _, errors) = node.end();
    assert_eq!(status.code(), Some(0), "{errors}");

    let (code, out, errors) = store_command(&command);
    assert_eq!(code, Some(0), "{errors}");
    assert!(out.starts_with(&format!("{}: ok, ", backup.display())), "{out}");
    let (code, _, errors) = store_command(&["backup", "--path", text(directory.path()), "/tmp/none"]);
    assert!(code == Some(1) && errors.contains("there is no store in"), "{errors}");
    let restored = directory.path().join("restored");
    assert_eq!(store_command(&["restore", text(&backup), text(&restored)]).0, Some(0));
    // Damage is named, and nothing of it is left.
    let segment = backup.join("rows.redb");
    let mut octets = std::fs::read(&segment).unwrap();
    let middle = octets.len() / 2;
    octets[..middle].fill(0);
    std::fs::write(&segment, octets).unwrap();
    let other = directory.path().join("other");
    let (code, _, errors) = store_command(&["restore", text(&backup), text(&other)]);
    assert!(code == Some(1) && errors.contains("the backup is damaged"), "{errors}");
    assert!(!other.exists());
    let (code, _, errors) = store_command(&["restore", text(&store), text(&other)]);
    assert!(
        code == Some(1) && errors.contains("is not a finished backup"),
        "{errors}"
    );

    let moved = format!("store.path={}", restored.display());
    let node = Process::start(&[
        "run",
        "--config",
        text(&shipped_config()),
        "--set",
        &moved,
        "--set",
        "mm1.listen=127.0.0.1:0",
        "--set",
        "ops.listen=127.0.0.1:0",
        "--set",
        sets[0],
    ]);
    assert_eq!(node.ready()["ready"], true);
}

#[test]
fn a_schedule_needs_a_place() {
    let directory = tempfile::tempdir().unwrap();
    let refused = |sets: &[&str], reason: &str| {
        let (status, _, errors) = Process::node(directory.path(), sets).end();
        assert!(status.code() == Some(1) && errors.contains(reason), "{errors}");
    };
    refused(&["store.backup_every=1h"], "needs store.backup_dir beside it");
    refused(
        &["store.backup_dir=x", "store.backup_every=10ms"],
        "is 0 or at least one second",
    );
}
