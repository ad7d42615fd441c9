//! A store that is being closed fails like any other: no sync is repeated, and nothing is acknowledged after a failure.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod common;
#[path = "common/unreadable.rs"]
mod unreadable;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use common::{Step, observe, open_with, options, run};
use futures_util::FutureExt as _;
use futures_util::future::join_all;
use mmsc_ports::Ports;
use mmsc_store::embedded::Pipeline;
use mmsc_store::sim::{Loss, SimDisk};
use mmsc_store::{EmbeddedEngine, EmbeddedOptions, OperationId, Store, StoreError, TransactError};
use unreadable::Unreadable;

/// Every transaction is a group of its own.
fn one_by_one() -> EmbeddedOptions {
    EmbeddedOptions {
        segment_bytes: 512 * 1024,
        group_bytes: 1,
        pipeline: Pipeline::Workers,
        ..options()
    }
}

#[tokio::test]
async fn a_sync_that_fails_while_the_store_closes_is_not_repeated() {
    let disk = SimDisk::new();
    let engine = Arc::new(EmbeddedEngine::open(one_by_one(), Arc::new(disk.clone()), &Ports::real()).unwrap());
    let metrics = engine.metrics();
    let store = Store::new(engine);
    run(&store, Step::Put(0)).await.unwrap();

    // One transaction is at its sync, ten wait behind it, and the store is told to close.
    disk.hold_syncs("log-");
    let mut first = Box::pin(run(&store, Step::Put(1)));
    assert!((&mut first).now_or_never().is_none());
    disk.wait_until_held();
    let mut others = Box::pin(join_all((2..12).map(|n| run(&store, Step::Put(n)))));
    assert!((&mut others).now_or_never().is_none());
    let mut closing = Box::pin(store.close());
    assert!((&mut closing).now_or_never().is_none());
    disk.fail_syncs("log-", 0);
    disk.let_go();

    assert_eq!(first.await, Err(TransactError::Unknown));
    for other in others.await {
        let Err(TransactError::Store(StoreError::Closed(why))) = other else {
            panic!("{other:?}")
        };
        assert!(why.contains("could not be synced"), "{why}");
    }
    closing.await;
    assert_eq!(metrics.failures.value(), 1);
    disk.restore(Loss::Nothing);
    let seen = observe(&open_with(&disk, one_by_one()).unwrap()).await;
    assert!(seen.contents == [0] || seen.contents == [0, 1], "{seen:?}");
}

const COUNTERS: u32 = 200;

fn counter(n: u32) -> Bytes {
    Bytes::from(format!("counter {n:04} {}", "x".repeat(200)))
}

async fn count_up(store: &Store) -> Result<(), TransactError<StoreError>> {
    let counted = store.transact(OperationId([2; 16]), |txn| async move {
        (0..COUNTERS).for_each(|n| txn.atomic_add(counter(n), 1));
        Ok::<_, StoreError>(())
    });
    counted.await.map(drop)
}

/// Half of a group is applied when the index cannot be read: nothing of that half gets into the index, or the additions
/// would count twice when the log is replayed.
#[tokio::test]
async fn a_group_that_is_half_applied_while_the_store_closes_counts_once_after_reopening() {
    let mut failed = 0;
    for reads in 0..12 {
        let sim = SimDisk::new();
        let store = open_with(&sim, one_by_one()).unwrap();
        count_up(&store).await.unwrap();
        store.close().await;

        let disk = Unreadable::new(&sim);
        let uncached = EmbeddedOptions {
            cache_bytes: 0,
            ..one_by_one()
        };
        let engine = EmbeddedEngine::open(uncached, Arc::new(disk.clone()), &Ports::real()).unwrap();
        let store = Store::new(Arc::new(engine));
        sim.hold_syncs("log-");
        let mut counting = Box::pin(count_up(&store));
        assert!((&mut counting).now_or_never().is_none());
        sim.wait_until_held();
        let mut closing = Box::pin(store.close());
        assert!((&mut closing).now_or_never().is_none());
        disk.reads_left.store(reads, Ordering::SeqCst);
        sim.let_go();
        failed += u32::from(counting.await == Err(TransactError::Unknown));
        closing.await;

        let store = open_with(&sim, one_by_one()).unwrap();
        let values = store.read(|txn| async move {
            let range = mmsc_store::KeyRange::prefix(b"counter ");
            txn.range(&range, Default::default()).await
        });
        let values = values.await.map_err(|error: TransactError<StoreError>| error).unwrap();
        assert_eq!(values.len(), 200);
        for (key, value) in values {
            assert_eq!(value, 2i64.to_le_bytes().to_vec(), "{key:?} after {reads} reads");
        }
    }
    assert!(failed > 0, "some of the reads are those of the apply");
}
