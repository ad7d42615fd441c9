//! A disk that fills up: the log leaves the index its room, so that a checkpoint never fails for want of it, and a store
//! opens on a full disk (history 12).
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::{Step, observe, open_with, options, run};
use mmsc_ports::Ports;
use mmsc_store::embedded::Pipeline;
use mmsc_store::sim::{Loss, SimDisk};
use mmsc_store::{EmbeddedEngine, EmbeddedOptions, KeyRange, OperationId, Store, StoreError, TransactError};

const MIB: u64 = 1024 * 1024;

/// A reserve of 32 MiB, of which 8 MiB are the index's.
fn reserved() -> EmbeddedOptions {
    EmbeddedOptions {
        segment_bytes: MIB,
        reserve_bytes: 32 * MIB,
        memory_bytes: 2 * MIB as usize,
        checkpoint_bytes: MIB,
        checkpoint_interval: Duration::from_millis(20),
        ready_segments: 2,
        spare_segments: 4,
        ..options()
    }
}

/// A commit without content, of about 20 KB.
async fn small(store: &Store, n: u32) -> Result<(), TransactError<StoreError>> {
    let set = store.transact(OperationId([3; 16]), |txn| async move {
        txn.set(format!("note {:02}", n % 20), vec![n as u8; 20_000]);
        Ok::<_, StoreError>(())
    });
    set.await.map(drop)
}

/// Puts content until it is refused; how many were taken.
async fn fill(store: &Store) -> u32 {
    for n in 0..100_000 {
        match run(store, Step::Put(n)).await {
            Ok(()) => {}
            Err(TransactError::Store(StoreError::Busy(_))) => return n,
            Err(other) => panic!("{other:?} after {n}"),
        }
    }
    panic!("never full")
}

#[tokio::test(flavor = "multi_thread")]
async fn h12_the_log_leaves_the_index_its_room_and_small_commits_go_on() {
    for pipeline in [Pipeline::Inline, Pipeline::Workers] {
        let options = EmbeddedOptions { pipeline, ..reserved() };
        let disk = SimDisk::new();
        disk.set_capacity(Some(64 * MIB));
        let store = open_with(&disk, options.clone()).unwrap();
        grow_index(&store).await;
        let taken = fill(&store).await;
        assert!(taken > 500, "{taken}");
        // As much log as the disk has room in all: emptied segments are used again.
        for n in 0..2_500 {
            if let Err(error) = small(&store, n).await {
                panic!("{pipeline:?}: small commit {n}: {error:?}, {:?}", store.health());
            }
        }
        assert!(disk.used() <= 60 * MIB, "{}", disk.used());
        for n in 0..taken {
            run(&store, Step::Remove(n)).await.unwrap();
        }
        store.health().unwrap();
        store.close().await;
        let store = open_with(&disk, options).unwrap();
        assert!(observe(&store).await.contents.is_empty());
        run(&store, Step::Put(90_000)).await.unwrap();
    }
}

/// The index's file has free pages after that: on the simulated disk it doubles when it has none, which takes room that
/// is not written.
async fn grow_index(store: &Store) {
    for n in 0..20 {
        small(store, n).await.unwrap();
    }
    let cleared = store.transact(OperationId([3; 16]), |txn| async move {
        txn.clear_range(KeyRange::prefix(b"note "));
        Ok::<_, StoreError>(())
    });
    drop(cleared.await.unwrap());
}

#[tokio::test]
async fn h12_a_store_opens_on_a_disk_without_room_for_a_segment() {
    for megabytes in 1..4 {
        let options = EmbeddedOptions {
            ready_segments: 2,
            ..options()
        };
        let disk = SimDisk::new();
        let store = open_with(&disk, options.clone()).unwrap();
        grow_index(&store).await;
        store.close().await;
        let store = open_with(&disk, options.clone()).unwrap();
        // Something lives in every segment then, and the log has come to the end of the last one.
        disk.set_capacity(Some(disk.used() + megabytes * MIB));
        let taken = fill(&store).await;
        let crashed = disk.fork();
        crashed.restore(Loss::Nothing);
        drop(store);
        crashed.set_capacity(Some(crashed.used() + 64 * 1024));
        let store = open_with(&crashed, options.clone()).unwrap();
        assert_eq!(observe(&store).await.contents, Vec::from_iter(0..taken));
        assert!(crashed.used() > disk.used(), "a short segment was made");
        crashed.set_capacity(None);
        run(&store, Step::Put(90_000)).await.unwrap();
        store.close().await;
        let store = open_with(&crashed, options).unwrap();
        assert!(observe(&store).await.contents.contains(&90_000));
    }
}

#[tokio::test]
async fn h12_commits_are_refused_before_the_index_has_no_room_for_its_checkpoint() {
    let options = EmbeddedOptions {
        memory_bytes: 64 * MIB as usize,
        checkpoint_bytes: 256 * MIB,
        checkpoint_interval: Duration::from_secs(100_000),
        ..reserved()
    };
    let disk = SimDisk::new();
    disk.set_capacity(Some(64 * MIB));
    let engine = Arc::new(EmbeddedEngine::open(options.clone(), Arc::new(disk.clone()), &Ports::real()).unwrap());
    let metrics = engine.metrics();
    let store = Store::new(engine);
    let mut taken = 0;
    while small(&store, taken).await.is_ok() {
        taken += 1;
        assert!(taken < 10_000, "never full");
    }
    assert!(matches!(
        small(&store, taken).await,
        Err(TransactError::Store(StoreError::Busy(_)))
    ));
    assert!(taken > 1_000, "{taken}");
    assert!(disk.used() <= 56 * MIB, "{}", disk.used());
    store.health().unwrap();
    store.close().await;
    assert_eq!(metrics.failures.value(), 0, "the last checkpoint had room");
}

/// Looks again and again, for a minute at most.
async fn until(holds: impl Fn() -> bool) {
    for _ in 0..6_000 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it never came to that")
}

#[tokio::test(flavor = "multi_thread")]
async fn h12_a_checkpoint_waits_for_room_that_somebody_else_took() {
    let disk = SimDisk::new();
    let options = EmbeddedOptions {
        pipeline: Pipeline::Workers,
        ..reserved()
    };
    let engine = Arc::new(EmbeddedEngine::open(options.clone(), Arc::new(disk.clone()), &Ports::real()).unwrap());
    let metrics = engine.metrics();
    let store = Store::new(engine);
    run(&store, Step::Put(1)).await.unwrap();
    disk.set_capacity(Some(disk.used()));
    // More rows than the index has pages for.
    for n in 0..40 {
        small(&store, n).await.unwrap();
    }
    until(|| metrics.low_room.value() == 1).await;
    assert!(matches!(
        run(&store, Step::Put(3)).await,
        Err(TransactError::Store(StoreError::Busy(_)))
    ));
    assert_eq!(observe(&store).await.contents, [1]);
    disk.set_capacity(None);
    until(|| metrics.low_room.value() == 0).await;
    run(&store, Step::Put(3)).await.unwrap();
    store.close().await;
    assert_eq!(metrics.failures.value(), 0);
    assert_eq!(observe(&open_with(&disk, options).unwrap()).await.contents, [1, 3]);
}
