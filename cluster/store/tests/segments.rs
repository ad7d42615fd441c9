//! The log's files: what may be wrong with them is refused, and what is merely unusual is not.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

mod common;

use bytes::Bytes;
use common::{open_with, options, ready};
use mmsc_store::sim::{Loss, SimDisk};
use mmsc_store::{ContentId, EmbeddedOptions, Holder, OperationId, Store, StoreError};

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
