//! A checkpoint that does not come to an end: commits wait once the bounds are reached, later ones are refused as busy,
//! reads go on, and nothing grows without end.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::{Step, observe, open_with, options, run};
use futures_util::FutureExt as _;
use mmsc_ports::Ports;
use mmsc_store::embedded::Pipeline;
use mmsc_store::sim::SimDisk;
use mmsc_store::{EmbeddedEngine, EmbeddedOptions, Store, StoreError, TransactError};

#[tokio::test]
async fn while_a_checkpoint_stalls_commits_wait_and_are_refused_as_busy_and_reads_go_on() {
    // By log, then by memory.
    for (checkpoint_bytes, memory_bytes) in [(128 * 1024, 64 * 1024 * 1024), (64 * 1024 * 1024, 4 * 1024)] {
        let options = EmbeddedOptions {
            segment_bytes: 512 * 1024,
            pipeline: Pipeline::Workers,
            checkpoint_interval: Duration::from_millis(1),
            checkpoint_bytes,
            memory_bytes,
            group_bytes: 32 * 1024,
            in_flight_bytes: 512 * 1024,
            ..options()
        };
        let disk = SimDisk::new();
        let engine = Arc::new(EmbeddedEngine::open(options.clone(), Arc::new(disk.clone()), &Ports::real()).unwrap());
        let metrics = engine.metrics();
        let store = Store::new(engine);
        disk.hold_syncs("rows.redb");
        run(&store, Step::Put(0)).await.unwrap();
        disk.wait_until_held();

        let mut puts = 1;
        let mut waiting = Vec::new();
        loop {
            assert!(puts < 200, "nothing holds commits back");
            let mut put = Box::pin(run(&store, Step::Put(puts)));
            match (&mut put).now_or_never() {
                None => waiting.push(put),
                Some(Ok(())) => {}
                Some(Err(TransactError::Store(StoreError::Busy(_)))) => break,
                Some(other) => panic!("{other:?}"),
            }
            puts += 1;
        }
        assert!(!waiting.is_empty());
        assert!(store.health().is_ok());
        assert!(observe(&store).await.contents.contains(&0));
        assert!(metrics.in_flight_bytes.value() <= 512 * 1024);

        disk.let_go();
        for put in waiting {
            put.await.unwrap();
        }
        run(&store, Step::Put(90_000)).await.unwrap();
        store.close().await;
        let seen = observe(&open_with(&disk, options).unwrap()).await;
        assert_eq!(seen.contents, Vec::from_iter((0..puts).chain([90_000])));
    }
}
