//! The log's files: what may be wrong with them is refused, and what is merely unusual is not.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

mod common;

use std::path::{Path, PathBuf};

use bytes::Bytes;
use common::{Model, history, observe, open_with, options, ready, run_all};
use mmsc_ports::disk::{Disk as _, FileUse};
use mmsc_store::sim::{Loss, SimDisk};
use mmsc_store::{ContentId, EmbeddedOptions, Holder, OpenError, OperationId, Store, StoreError};

async fn put(store: &Store, octets: &Bytes) -> ContentId {
    let staged = store.stage(octets.clone()).await.unwrap();
    let id = staged.id;
    let put = store.transact(OperationId([1; 16]), |txn| {
        let staged = staged.clone();
        async move {
            txn.adopt(staged, Holder("one".into()));
            Ok::<_, StoreError>(())
        }
    });
    drop(put.await.unwrap());
    id
}

#[tokio::test]
async fn segments_that_became_too_short_are_passed_over() {
    let disk = SimDisk::new();
    let short = EmbeddedOptions {
        segment_bytes: 64 * 1024,
        ..ready(3)
    };
    let store = open_with(&disk, short).unwrap();
    let small = Bytes::from(vec![1; 3_000]);
    let first = put(&store, &small).await;
    store.close().await;

    let long = EmbeddedOptions {
        segment_bytes: 1024 * 1024,
        checkpoint_bytes: 64 * 1024 * 1024,
        ..options()
    };
    let store = open_with(&disk, long.clone()).unwrap();
    let large = Bytes::from(vec![2; 200_000]);
    let second = put(&store, &large).await;
    assert_eq!(store.content(second, 0..u64::MAX).await.unwrap(), large);
    // No checkpoint was made since: the frame is found behind the short ones.
    let crashed = disk.fork();
    crashed.restore(Loss::All);
    let store = open_with(&crashed, long).unwrap();
    assert_eq!(store.content(first, 0..u64::MAX).await.unwrap(), small);
    assert_eq!(store.content(second, 0..u64::MAX).await.unwrap(), large);
}

#[tokio::test]
async fn a_store_from_before_the_inventory_is_believed_and_gets_one() {
    let disk = stopped(&ready(2), 9).await;
    let file = disk.open(Path::new("/store/STORE"), FileUse::EXISTING).unwrap();
    file.set_len(48).unwrap();
    file.sync().unwrap();
    let store = open_with(&disk, ready(2)).unwrap();
    assert_eq!(observe(&store).await, Model::after(&history()[..9]));
    store.close().await;
    assert!(file.len().unwrap() > 48);
    let newest = segments(&disk).pop().unwrap();
    disk.remove(&newest).unwrap();
    assert!(matches!(open_with(&disk, ready(2)), Err(OpenError::Damaged(_))));
}

/// A store in the middle of its history, its machine stopped without an end: what was acknowledged is partly in the log
/// alone.
async fn stopped(options: &EmbeddedOptions, acknowledged: usize) -> SimDisk {
    let disk = SimDisk::new();
    let store = open_with(&disk, options.clone()).unwrap();
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
async fn a_segment_that_is_missing_is_refused_unless_nothing_is_lost_with_it() {
    let mut refused = 0;
    for checkpoint_bytes in [96 * 1024, 64 * 1024 * 1024] {
        let options = EmbeddedOptions {
            checkpoint_bytes,
            ..ready(2)
        };
        for acknowledged in 1..=history().len() {
            let disk = stopped(&options, acknowledged).await;
            for missing in segments(&disk) {
                let disk = disk.fork();
                disk.remove(&missing).unwrap();
                match open_with(&disk, options.clone()) {
                    Err(OpenError::Damaged(_)) => refused += 1,
                    Err(other) => panic!("{other}"),
                    Ok(store) => assert_eq!(
                        observe(&store).await,
                        Model::after(&history()[..acknowledged]),
                        "{acknowledged} acknowledged, {missing:?} missing"
                    ),
                }
            }
        }
    }
    assert!(refused > 100, "{refused}");
}

#[tokio::test]
async fn a_segment_that_was_cut_is_refused() {
    for acknowledged in [1, 9, 20] {
        let disk = stopped(&ready(2), acknowledged).await;
        for (path, whole) in segments(&disk).into_iter().zip(std::iter::repeat(128 * 1024)) {
            for len in [0, 4096, whole / 2, whole - 4096, whole - 1, whole + 4096] {
                let disk = disk.fork();
                let file = disk.open(&path, FileUse::EXISTING).unwrap();
                file.set_len(len).unwrap();
                let opened = open_with(&disk, ready(2));
                assert!(
                    matches!(opened, Err(OpenError::Damaged(_))),
                    "{path:?} with {len} octets, after {acknowledged}: {:?}",
                    opened.err()
                );
            }
        }
    }
}

#[tokio::test]
async fn what_the_inventory_cannot_say_closes_the_store() {
    let disk = SimDisk::new();
    let store = open_with(&disk, ready(2)).unwrap();
    disk.fail_syncs("STORE", 0);
    let acknowledged = run_all(&store, &history()).await;
    assert!(acknowledged < history().len());
    let Err(StoreError::Closed(why)) = store.health() else {
        panic!("the store says that it is well")
    };
    assert!(why.contains("inventory"), "{why}");
    store.close().await;
    disk.restore(Loss::All);
    let store = open_with(&disk, ready(2)).unwrap();
    assert_eq!(observe(&store).await, Model::after(&history()[..acknowledged]));
}

#[tokio::test]
async fn a_log_in_a_hurry_gets_segments_that_are_allocated_and_not_filled_where_that_can_be_done() {
    let options = EmbeddedOptions {
        segment_bytes: 64 * 1024,
        ..ready(2)
    };
    for can_allocate in [true, false] {
        let disk = SimDisk::new();
        if !can_allocate {
            disk.refuse_allocation();
        }
        let store = open_with(&disk, options.clone()).unwrap();
        assert_eq!(disk.allocated(), 0, "there was time to fill the first ones");
        let octets = Bytes::from(vec![7; 16_000]);
        let mut put_ids = Vec::new();
        for _ in 0..40 {
            put_ids.push(put(&store, &octets).await);
        }
        assert_eq!(disk.allocated() > 0, can_allocate);
        disk.restore(Loss::Nothing);
        let store = open_with(&disk, options.clone()).unwrap();
        for id in put_ids {
            assert_eq!(store.content(id, 0..u64::MAX).await.unwrap(), octets);
        }
    }
}
