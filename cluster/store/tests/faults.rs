//! A failing device, a full disk, flipped bits: nothing acknowledged is lost, nothing half is served, and the store says
//! what happened.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod common;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use common::{Model, Step, body, check_after_crash, history, observe, open, open_with, options, run, run_all};
use mmsc_ports::Ports;
use mmsc_store::embedded::Pipeline;
use mmsc_store::sim::{Loss, SimDisk};
use mmsc_store::{EmbeddedEngine, EmbeddedOptions, OpenError, Store, StoreError, TransactError};

fn with_workers() -> EmbeddedOptions {
    EmbeddedOptions {
        segment_bytes: 512 * 1024,
        pipeline: Pipeline::Workers,
        checkpoint_interval: Duration::from_millis(20),
        ..options()
    }
}

/// How 64 committers fared: which puts were acknowledged, which ended unknown, and with what the others were refused.
#[derive(Default)]
struct Fates {
    acknowledged: Vec<u32>,
    unknown: Vec<u32>,
    refused: Vec<StoreError>,
}

/// 64 tasks put content, one after the other, until the store refuses; `after` of them per task at most.
async fn commit_until_refused(store: &Store, after: u32) -> Fates {
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..64u32 {
        let store = store.clone();
        tasks.spawn(async move {
            let mut fates = Fates::default();
            for round in 0..after {
                // Bodies of 700 octets to 30 KB, a different one for each.
                let n = task + 64 * round;
                match run(&store, Step::Put(n)).await {
                    Ok(()) => fates.acknowledged.push(n),
                    Err(TransactError::Unknown) => fates.unknown.push(n),
                    Err(TransactError::Store(error) | TransactError::Aborted(error)) => {
                        fates.refused.push(error);
                        break;
                    }
                }
            }
            fates
        });
    }
    let mut all = Fates::default();
    while let Some(fates) = tasks.join_next().await {
        let fates = fates.unwrap();
        all.acknowledged.extend(fates.acknowledged);
        all.unknown.extend(fates.unknown);
        all.refused.extend(fates.refused);
    }
    all
}

/// Everything acknowledged is there, whole; nothing else is but what ended unknown.
async fn check(store: &Store, fates: &Fates) {
    let seen = observe(store).await;
    for n in &fates.acknowledged {
        assert!(seen.contents.contains(n), "{n} was acknowledged");
    }
    for n in &seen.contents {
        assert!(
            fates.acknowledged.contains(n) || fates.unknown.contains(n),
            "{n} was refused"
        );
        assert_eq!(seen.small.get(n), Some(n), "half of {n}");
    }
    assert_eq!(seen.small.len(), seen.contents.len());
    assert_eq!(seen.count, i64::try_from(seen.contents.len()).unwrap());
}

fn open_engine(disk: &SimDisk, options: EmbeddedOptions) -> Arc<EmbeddedEngine> {
    Arc::new(EmbeddedEngine::open(options, Arc::new(disk.clone()), &Ports::real()).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn h12_eio_at_a_sync_with_64_commits_in_flight_closes_the_store_and_loses_nothing() {
    for (after, loss) in [
        (1, Loss::All),
        (7, Loss::Torn(3)),
        (7, Loss::Nothing),
        (25, Loss::Torn(9)),
    ] {
        let disk = SimDisk::new();
        let engine = open_engine(&disk, with_workers());
        let metrics = engine.metrics();
        let store = Store::new(engine);
        disk.fail_syncs("log-", after);
        let fates = commit_until_refused(&store, 1_000).await;
        assert_eq!(
            disk.most_unsynced(),
            1,
            "a frame is written only when the one ahead of it is synced"
        );
        assert!(
            !fates.unknown.is_empty(),
            "those in the failed group do not know their outcome"
        );
        assert_eq!(fates.refused.len(), 64, "every task ends refused");
        assert!(fates.refused.iter().all(|error| matches!(error, StoreError::Closed(_))));
        let Err(StoreError::Closed(why)) = store.health() else {
            panic!("the store says that it is well")
        };
        assert!(why.contains("could not be synced"), "{why}");
        assert!(matches!(
            run(&store, Step::Put(9_999)).await,
            Err(TransactError::Store(StoreError::Closed(_)))
        ));
        assert_eq!((metrics.failures.value(), metrics.closed.value()), (1, 1));
        store.close().await;
        disk.restore(loss);
        let store = open_with(&disk, with_workers()).unwrap();
        check(&store, &fates).await;
        store.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn h12_eio_at_a_sync_is_recovered_by_reopening_in_the_same_process() {
    let disk = SimDisk::new();
    let store = open_with(&disk, with_workers()).unwrap();
    disk.fail_syncs("log-", 5);
    let fates = commit_until_refused(&store, 1_000).await;
    store.close().await;
    // The machine went on: what the failed sync left in the page cache looks written but is not.
    disk.fail_syncs("no file", 0);
    let store = open_with(&disk, with_workers()).unwrap();
    check(&store, &fates).await;
    store.close().await;
    disk.restore(Loss::All);
    check(&open_with(&disk, with_workers()).unwrap(), &fates).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn h12_a_disk_below_its_reserve_refuses_content_while_small_commits_go_on() {
    let disk = SimDisk::new();
    disk.set_capacity(Some(24 * 1024 * 1024));
    let options = EmbeddedOptions {
        reserve_bytes: 8 * 1024 * 1024,
        ..with_workers()
    };
    let store = open_with(&disk, options.clone()).unwrap();
    let fates = commit_until_refused(&store, 1_000).await;
    assert!(fates.unknown.is_empty());
    assert!(
        fates.refused.iter().all(|error| matches!(error, StoreError::Busy(_))),
        "{:?}",
        fates.refused
    );
    assert!(store.health().is_ok(), "full is not broken");
    assert!(fates.acknowledged.len() > 64);
    // Acknowledgements, expiry and what else makes room go on, until there is room again.
    for n in &fates.acknowledged {
        run(&store, Step::Remove(*n)).await.unwrap();
    }
    run(&store, Step::ClearSmall).await.unwrap();
    let mut room = false;
    for _ in 0..200 {
        room = run(&store, Step::Put(5_000)).await.is_ok();
        if room {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(room, "emptied segments are used again");
    store.close().await;
    let store = open_with(&disk, options).unwrap();
    assert_eq!(observe(&store).await.contents, [5_000]);
}

#[tokio::test(flavor = "multi_thread")]
async fn h12_a_disk_that_is_full_before_the_reserve_shows_it_loses_nothing() {
    for megabytes in [6u64, 9, 12] {
        let disk = SimDisk::new();
        let store = open_with(&disk, with_workers()).unwrap();
        disk.set_capacity(Some(megabytes * 1024 * 1024));
        let fates = commit_until_refused(&store, 1_000).await;
        assert_eq!(fates.refused.len(), 64);
        store.close().await;
        disk.set_capacity(None);
        let store = open_with(&disk, with_workers()).unwrap();
        check(&store, &fates).await;
        run(&store, Step::Put(90_000)).await.unwrap();
        store.close().await;
    }
}

#[tokio::test]
async fn h13_a_failed_checkpoint_closes_the_store_and_loses_nothing() {
    let mut failed = 0;
    for after in 0..20 {
        let disk = SimDisk::new();
        let store = open(&disk).unwrap();
        disk.fail_syncs("rows.redb", after);
        let acknowledged = run_all(&store, &history()).await;
        if let Err(StoreError::Closed(why)) = store.health() {
            // The index also syncs when its file grows, which is in the middle of an apply.
            assert!(
                why.contains("checkpoint") || why.contains("could not be applied"),
                "{why}"
            );
            failed += u32::from(why.contains("checkpoint"));
        }
        store.close().await;
        disk.restore(if after % 2 == 0 { Loss::Torn(after) } else { Loss::All });
        check_after_crash(
            &disk,
            &history(),
            acknowledged,
            &format!("checkpoint sync {after} failed"),
        )
        .await;
    }
    assert!(failed >= 2, "{failed}");
}

/// A store in the middle of its history, its machine stopped without an end.
async fn stopped(acknowledged: usize) -> SimDisk {
    let disk = SimDisk::new();
    let store = open(&disk).unwrap();
    assert_eq!(run_all(&store, &history()[..acknowledged]).await, acknowledged);
    let copy = disk.fork();
    copy.restore(Loss::All);
    drop(store);
    copy
}

fn segments(disk: &SimDisk) -> Vec<PathBuf> {
    let files = disk.files().into_iter().map(|(path, _)| path);
    files
        .filter(|path| path.extension().is_some_and(|extension| extension == "seg"))
        .collect()
}

#[tokio::test]
async fn a_flipped_bit_in_the_log_is_refused_or_detected_and_never_served() {
    let (mut refused, mut detected, mut torn) = (0, 0, 0);
    let disk = stopped(16).await;
    for path in segments(&disk) {
        let len = disk.contents(&path).unwrap().len() as u64;
        for offset in (0..len).step_by(1_511) {
            let disk = disk.fork();
            disk.flip(&path, offset, (offset % 8) as u8);
            match open(&disk) {
                Err(OpenError::Damaged(_)) => refused += 1,
                Err(other) => panic!("{other}"),
                Ok(store) => match served(&store).await {
                    Served::Detected => detected += 1,
                    // A flip in the newest frame cannot be told from a write that the power cut tore.
                    Served::State(state) if state == Model::after(&history()[..15]) => torn += 1,
                    Served::State(state) => assert_eq!(state, Model::after(&history()[..16])),
                },
            }
        }
    }
    assert!(refused > 0 && detected > 0, "{refused} refused, {detected} detected");
    assert!(torn <= 30_000 / 1_511 + 2, "{torn}");
}

enum Served {
    State(Model),
    Detected,
}

/// The state, or whether a content of it was refused as corrupt: octets that are served are always right.
async fn served(store: &Store) -> Served {
    let rows = store.read(|txn| async move {
        txn.range(&mmsc_store::KeyRange::prefix(b"content "), Default::default())
            .await
    });
    for (key, value) in rows.await.unwrap() {
        let n: u32 = String::from_utf8_lossy(&key)
            .rsplit(' ')
            .next()
            .unwrap()
            .parse()
            .unwrap();
        let id = mmsc_store::ContentId(value.as_ref().try_into().unwrap());
        match store.content(id, 0..u64::MAX).await {
            Ok(octets) => assert_eq!(octets, body(n)),
            Err(StoreError::Corrupt(_)) => return Served::Detected,
            Err(other) => panic!("{other}"),
        }
    }
    Served::State(observe(store).await)
}

#[tokio::test]
async fn a_flipped_bit_in_the_index_is_refused_or_harmless() {
    let disk = stopped(16).await;
    let path = PathBuf::from("/store/rows.redb");
    let len = disk.contents(&path).unwrap().len() as u64;
    let mut refused = 0;
    for offset in (0..len).step_by(2_503) {
        let disk = disk.fork();
        disk.flip(&path, offset, (offset % 8) as u8);
        match open(&disk) {
            Err(_) => refused += 1,
            Ok(store) => assert_eq!(observe(&store).await, Model::after(&history()[..16]), "offset {offset}"),
        }
    }
    assert!(refused > 0, "{refused}");
}

#[tokio::test]
async fn missing_parts_are_refused() {
    let disk = stopped(16).await;
    for missing in ["/store/rows.redb", "/store/STORE"] {
        let disk = disk.fork();
        mmsc_ports::Disk::remove(&disk, &PathBuf::from(missing)).unwrap();
        assert!(matches!(open(&disk), Err(OpenError::Damaged(_))), "{missing:?}");
    }
}

#[tokio::test]
async fn a_newer_format_is_refused() {
    let disk = stopped(1).await;
    disk.flip(&PathBuf::from("/store/STORE"), 11, 1);
    assert!(matches!(open(&disk), Err(OpenError::Format { found: 3, supported: 1 })));
}
