//! Backup and restore: the copy is the state of one version whatever goes on meanwhile, it is whole or it is nothing, and
//! what was changed in it afterwards is found.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

#[path = "common/backups.rs"]
mod backups;
mod common;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use backups::{BACKUP, back_up, engine, look, names_in, no_pause, now, restore_from, unhurried};
use bytes::Bytes;
use common::{Model, Step, body, check_after_crash, history, observe, open_with, options, run, run_all};
use mmsc_ports::Ports;
use mmsc_ports::disk::{Disk, FileUse, RealDisk};
use mmsc_ports::random::SeededRandom;
use mmsc_store::embedded::restore;
use mmsc_store::sim::{Loss, SimDisk};
use mmsc_store::{
    BackupError, BackupReport, EmbeddedEngine, EmbeddedOptions, Engine, KeyRange, OperationId, Pace, Store, StoreError,
};

/// After the history, what follows is put and removed so that segments empty, are compacted and used again.
fn churn() -> impl Iterator<Item = Step> {
    (100..).flat_map(|n: u32| {
        // Some live on among the dead, so that there is something to compact.
        let old = n.checked_sub(4).filter(|old| *old >= 100 && old % 8 != 0);
        let removed = old.map(Step::Remove);
        std::iter::once(Step::Put(n)).chain(removed)
    })
}

#[tokio::test]
async fn a_backup_is_the_state_at_its_beginning_whatever_is_written_dropped_and_compacted_meanwhile() {
    let disk = SimDisk::new();
    let engine = engine(&disk, options());
    let metrics = engine.metrics();
    let store = Store::new(Arc::clone(&engine) as Arc<dyn Engine>);
    run_all(&store, &history()).await;
    let before = observe(&store).await;
    assert!(before.contents.len() > 3, "{before:?}");
    let (compacted, steps) = (metrics.compacted_segments.value(), RefCell::new(churn()));
    // All that is in the backup goes from the store while it is being copied.
    let mut going = before.contents.clone().into_iter();
    let first = Cell::new(true);
    let gone: Vec<Step> = going.by_ref().map(Step::Remove).collect();
    let pause = |_| {
        if first.replace(false) {
            gone.iter().for_each(|step| now(run(&store, *step)).unwrap());
        }
        (0..40).for_each(|_| now(run(&store, steps.borrow_mut().next().unwrap())).unwrap());
    };
    let report = engine.backup(Path::new(BACKUP), &unhurried(&pause)).unwrap();
    assert!(metrics.compacted_segments.value() > compacted, "nothing was compacted");
    assert_eq!(report.contents, before.contents.len() as u64);
    let octets: usize = before.contents.iter().map(|n| body(*n).len()).sum();
    assert_eq!(report.content_bytes, octets as u64);
    assert!(observe(&store).await.contents.iter().all(|n| *n >= 100));
    assert_eq!((metrics.backups.value(), metrics.backup_failures.value()), (1, 0));
    assert_eq!(metrics.backup_running_bytes.value(), 0);
    assert!(metrics.backup_last_success.value() > 0);

    assert_eq!(restore_from(&disk, BACKUP, "/restored").unwrap(), report);
    assert_eq!(look(&disk, "/restored").await, before);
    // Restored once more, from what a restore only read; then opened where it is.
    assert_eq!(restore_from(&disk, BACKUP, "/again").unwrap(), report);
    assert_eq!(look(&disk, BACKUP).await, before);
}

#[tokio::test]
async fn pinned_segments_are_let_go_after_the_backup() {
    let mut counts = Vec::new();
    for backup in [false, true] {
        let disk = SimDisk::new();
        let engine = engine(&disk, options());
        let store = Store::new(Arc::clone(&engine) as Arc<dyn Engine>);
        run_all(&store, &history()).await;
        if backup {
            back_up(&engine).unwrap();
        }
        for step in churn().take(600) {
            run(&store, step).await.unwrap();
        }
        counts.push(names_in(&disk, "/store").len());
    }
    assert!(counts[1] <= counts[0] + 1, "{counts:?}");
}

/// What one writer committed: version, key, value.
type Written = (u64, Bytes, Option<Bytes>);

/// Writes to its own keys until told to stop.
async fn write_until(stop: &AtomicBool, store: &Store, writer: u32, journal: &Mutex<Vec<Written>>) {
    let mut n = 0u32;
    while !stop.load(Ordering::Acquire) {
        let key = Bytes::from(format!("key {writer} {}", n % 97));
        let value = (!n.is_multiple_of(5)).then(|| Bytes::from(n.to_be_bytes().repeat(200)));
        let committed = store.transact(OperationId([2; 16]), |txn| {
            let (key, value) = (key.clone(), value.clone());
            async move {
                match value {
                    Some(value) => txn.set(key, value),
                    None => txn.clear(key),
                }
                Ok::<_, StoreError>(())
            }
        });
        let version = committed.await.unwrap().version().0;
        journal.lock().unwrap().push((version, key, value));
        n += 1;
    }
}

async fn all_rows(store: &Store) -> BTreeMap<Bytes, Bytes> {
    let rows = store
        .read(|txn| async move { txn.range(&KeyRange::prefix(b""), Default::default()).await })
        .await;
    rows.unwrap().into_iter().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn with_workers_and_writers_it_is_the_state_at_the_version_that_it_names() {
    let directory = tempfile::tempdir().unwrap();
    let options = EmbeddedOptions {
        segment_bytes: 1024 * 1024,
        checkpoint_interval: Duration::from_millis(5),
        reserve_bytes: 0,
        ..EmbeddedOptions::new(directory.path().join("store"))
    };
    let ports = Ports::real();
    let disk: Arc<dyn Disk> = Arc::new(RealDisk);
    let engine = Arc::new(EmbeddedEngine::open(options.clone(), Arc::clone(&disk), &ports).unwrap());
    let store = Store::new(Arc::clone(&engine) as Arc<dyn Engine>);
    let (stop, journal) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..4 {
        let (stop, store, journal) = (Arc::clone(&stop), store.clone(), Arc::clone(&journal));
        writers.spawn(async move { write_until(&stop, &store, writer, &journal).await });
    }
    let mut reports = Vec::new();
    for round in 0..5 {
        let path = directory.path().join(format!("backup {round}"));
        let (engine, to, (reply, made)) = (Arc::clone(&engine), path.clone(), tokio::sync::oneshot::channel());
        let acknowledged = journal.lock().unwrap().iter().map(|(version, _, _)| *version).max();
        let work = move || drop(reply.send(engine.backup(&to, &unhurried(&no_pause))));
        ports.spawn.worker("backup", Box::new(work)).join();
        let report = made.await.unwrap().unwrap();
        assert!(Some(report.version) >= acknowledged, "{report:?}");
        reports.push((path, report));
    }
    stop.store(true, Ordering::Release);
    while let Some(ended) = writers.join_next().await {
        ended.unwrap();
    }
    store.close().await;
    let mut journal = journal.lock().unwrap().clone();
    // One writer's are in order; those of different writers touch different keys.
    journal.sort_by_key(|(version, _, _)| *version);
    for (path, report) in reports {
        let restored = path.with_extension("restored");
        assert_eq!(restore(&disk, &path, &restored).unwrap(), report);
        let mut model = BTreeMap::new();
        for (_, key, value) in journal.iter().take_while(|(version, _, _)| *version <= report.version) {
            match value {
                Some(value) => model.insert(key.clone(), value.clone()),
                None => model.remove(key),
            };
        }
        let options = EmbeddedOptions {
            path: restored,
            ..options.clone()
        };
        let store = Store::new(Arc::new(
            EmbeddedEngine::open(options, Arc::clone(&disk), &ports).unwrap(),
        ));
        assert_eq!(report.rows, model.len() as u64);
        assert_eq!(all_rows(&store).await, model);
        store.close().await;
    }
}

/// A history with a backup in its middle, and steps while it runs; how many steps were acknowledged, and whether the
/// backup was.
async fn live_with_backup(disk: &SimDisk) -> (usize, Option<BackupReport>) {
    let ports = Ports {
        random: Arc::new(SeededRandom::new(11)),
        ..Ports::real()
    };
    let Ok(engine) = EmbeddedEngine::open(options(), Arc::new(disk.clone()), &ports) else {
        return (0, None);
    };
    let engine = Arc::new(engine);
    let store = Store::new(Arc::clone(&engine) as Arc<dyn Engine>);
    let steps = history();
    let (before, after) = steps.split_at(BEFORE);
    let mut done = run_all(&store, before).await;
    if done < before.len() {
        return (done, None);
    }
    let mut rest = after.iter();
    let failed = Cell::new(false);
    let counted = Cell::new(0);
    let rest_of = RefCell::new(rest.by_ref());
    let pause = |_| {
        if let Some(step) = (!failed.get()).then(|| rest_of.borrow_mut().next()).flatten() {
            match now(run(&store, *step)) {
                Ok(()) => counted.set(counted.get() + 1),
                Err(_) => failed.set(true),
            }
        }
    };
    let report = engine.backup(Path::new(BACKUP), &unhurried(&pause)).ok();
    done += counted.get();
    if !failed.get() {
        done += run_all(&store, &steps[done..]).await;
    }
    store.close().await;
    (done, report)
}

/// Steps of the history before the backup.
const BEFORE: usize = 18;

async fn cut_everywhere(step: usize, loss_of: impl Fn(u64) -> Loss) {
    let whole = SimDisk::new();
    let (done, report) = live_with_backup(&whole).await;
    assert_eq!(done, history().len());
    let report = report.unwrap();
    let expected = Model::after(&history()[..BEFORE]);
    assert_eq!(look(&whole.fork(), BACKUP).await, expected);
    let (mut finished, mut refused) = (0, 0);
    for cut in (0..whole.changes()).step_by(step) {
        let disk = SimDisk::new();
        disk.cut_at(cut);
        let (acknowledged, made) = live_with_backup(&disk).await;
        let loss = loss_of(cut);
        disk.restore(loss);
        let what = format!("cut {cut} of {}, {loss:?}", whole.changes());
        check_after_crash(&disk, &history(), acknowledged, &what).await;
        for (nth, from) in [BACKUP, "/backups/one.unfinished"].into_iter().enumerate() {
            let to = format!("/restored {nth}");
            match restore_from(&disk, from, &to) {
                Ok(found) => {
                    assert_eq!((found.rows, found.contents), (report.rows, report.contents), "{what}");
                    assert_eq!(look(&disk, &to).await, expected, "{what}");
                    finished += 1;
                }
                Err(error) => {
                    assert!(matches!(error, BackupError::NotABackup { .. }), "{what}: {error}");
                    assert!(made.is_none() || nth == 1, "{what}: it was finished: {error}");
                    assert!(names_in(&disk, &to).is_empty(), "{what}");
                    // By hand it cannot be opened, either, as anything that it is not.
                    let by_hand = EmbeddedOptions {
                        path: from.into(),
                        ..options()
                    };
                    let left = names_in(&disk, from).iter().any(|path| !path.ends_with("rows.new"));
                    if left && let Ok(store) = open_with(&disk, by_hand) {
                        let seen = observe(&store).await;
                        assert!(seen == expected || seen == Model::default(), "{what}: {seen:?}");
                    }
                    refused += 1;
                }
            }
        }
    }
    assert!(finished > 0 && refused > 0, "{finished} {refused}");
}

#[tokio::test]
async fn a_cut_at_any_change_that_loses_everything_unsynced_harms_no_store_and_leaves_no_half_backup() {
    cut_everywhere(1, |_| Loss::All).await;
}

#[tokio::test]
async fn a_cut_that_loses_nothing_or_tears_harms_no_store_and_leaves_no_half_backup() {
    cut_everywhere(2, |cut| if cut % 4 == 0 { Loss::Nothing } else { Loss::Torn(cut) }).await;
}

#[tokio::test]
async fn what_holds_something_is_not_written_into() {
    let disk = SimDisk::new();
    let engine = engine(&disk, options());
    back_up(&engine).unwrap();
    let refused = |made: Result<BackupReport, BackupError>, path: &str| match made {
        Err(BackupError::NotEmpty(found)) => assert_eq!(found, Path::new(path)),
        other => panic!("{other:?}"),
    };
    let files = disk.files();
    refused(back_up(&engine), BACKUP);
    refused(restore_from(&disk, BACKUP, "/store"), "/store");
    refused(restore_from(&disk, BACKUP, BACKUP), BACKUP);
    assert_eq!(disk.files(), files);
    let draft = "/backups/two.unfinished";
    disk.open(Path::new("/backups/two.unfinished/x"), FileUse::CREATE)
        .unwrap();
    let two = engine.backup(Path::new("/backups/two"), &unhurried(&no_pause));
    refused(two, draft);
    let nameless = engine.backup(Path::new("/"), &unhurried(&no_pause));
    assert!(matches!(nameless, Err(BackupError::NoName(_))));
    assert_eq!(engine.metrics().backup_failures.value(), 3);
}

#[tokio::test]
async fn damaged_content_of_the_store_is_not_copied_as_if_it_were_whole() {
    let disk = SimDisk::new();
    let engine = engine(&disk, options());
    let store = Store::new(Arc::clone(&engine) as Arc<dyn Engine>);
    run(&store, Step::Put(1)).await.unwrap();
    let needle = body(1);
    for (path, _) in disk.files() {
        let octets = disk.contents(&path).unwrap();
        if let Some(at) = octets.windows(needle.len()).position(|part| part == needle) {
            disk.flip(&path, at as u64 + 5, 0);
        }
    }
    assert!(matches!(back_up(&engine), Err(BackupError::Corrupt(_))));
    assert!(
        names_in(&disk, "/backups").is_empty(),
        "{:?}",
        names_in(&disk, "/backups")
    );
    assert_eq!(engine.metrics().backup_failures.value(), 1);
    // The store goes on.
    run(&store, Step::Put(2)).await.unwrap();
}

#[tokio::test]
async fn a_backup_gives_way_when_the_store_closes_or_its_disk_fills() {
    let disk = SimDisk::new();
    let engine = engine(&disk, options());
    let store = Store::new(Arc::clone(&engine) as Arc<dyn Engine>);
    run(&store, Step::Put(1)).await.unwrap();
    let pause = |_| now(engine.close());
    let closed = engine.backup(Path::new(BACKUP), &unhurried(&pause));
    assert!(
        matches!(closed, Err(BackupError::Store(StoreError::Closed(_)))),
        "{closed:?}"
    );
    assert!(names_in(&disk, "/backups").is_empty());
    let after = back_up(&engine);
    assert!(
        matches!(after, Err(BackupError::Store(StoreError::Closed(_)))),
        "{after:?}"
    );

    let engine = self::engine(
        &disk,
        EmbeddedOptions {
            reserve_bytes: 64 * 1024 * 1024,
            ..options()
        },
    );
    disk.set_capacity(Some(disk.used() + 32 * 1024 * 1024));
    let low = back_up(&engine);
    assert!(matches!(low, Err(BackupError::LowRoom)), "{low:?}");
    assert!(names_in(&disk, "/backups").is_empty());
    // So little that the backup itself does not fit.
    let engine = {
        drop(engine);
        self::engine(&disk, options())
    };
    disk.set_capacity(Some(disk.used() + 16 * 1024));
    let full = back_up(&engine);
    assert!(full.is_err(), "{full:?}");
    assert!(names_in(&disk, "/backups").is_empty());
    disk.set_capacity(None);
    back_up(&engine).unwrap();
    assert_eq!(restore_from(&disk, BACKUP, "/restored").unwrap().contents, 1);
}

#[tokio::test]
async fn it_keeps_to_its_rate_and_looks_around_every_second() {
    let disk = SimDisk::new();
    let engine = engine(&disk, options());
    let store = Store::new(Arc::clone(&engine) as Arc<dyn Engine>);
    for n in 0..8 {
        run(&store, Step::Put(n)).await.unwrap();
    }
    let octets: usize = (0..8).map(|n| body(n).len()).sum();
    let waited = Cell::new(Duration::ZERO);
    let pause = |slice: Duration| {
        assert!(slice <= Duration::from_secs(1));
        waited.set(waited.get() + slice);
    };
    let slow = Pace {
        bytes_per_second: 100,
        pause: &pause,
    };
    engine.backup(Path::new(BACKUP), &slow).unwrap();
    let least = Duration::from_secs(octets as u64 / 100 / 2);
    assert!(waited.get() > least, "{:?} < {least:?}", waited.get());
}

#[tokio::test]
async fn an_empty_store_is_backed_up_too() {
    let disk = SimDisk::new();
    let engine = engine(&disk, options());
    let report = back_up(&engine).unwrap();
    assert_eq!((report.rows, report.contents), (0, 0));
    assert_eq!(restore_from(&disk, BACKUP, "/restored").unwrap(), report);
    assert_eq!(look(&disk, "/restored").await, Model::default());
}
