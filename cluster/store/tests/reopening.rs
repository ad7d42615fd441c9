//! The embedded engine on the real disk: what was acknowledged is there after a clean end and after none.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::sync::Arc;

use bytes::Bytes;
use mmsc_ports::Ports;
use mmsc_ports::disk::RealDisk;
use mmsc_store::{
    ContentId, EmbeddedEngine, EmbeddedOptions, Holder, OpenError, OperationId, Store, StoreError, TransactError,
};

fn options(directory: &tempfile::TempDir) -> EmbeddedOptions {
    EmbeddedOptions {
        segment_bytes: 1024 * 1024,
        reserve_bytes: 0,
        ..EmbeddedOptions::new(directory.path().join("store"))
    }
}

fn open(options: &EmbeddedOptions) -> Result<Store, OpenError> {
    let engine = EmbeddedEngine::open(options.clone(), Arc::new(RealDisk), &Ports::real())?;
    Ok(Store::new(Arc::new(engine)))
}

async fn submit(store: &Store, n: u32) -> ContentId {
    let staged = store.stage(body(n)).await.unwrap();
    let id = staged.id;
    let committed = store
        .transact(OperationId([0; 16]), |txn| {
            let staged = staged.clone();
            async move {
                txn.adopt(staged, Holder("mm".into()));
                txn.set(key(n), "row");
                txn.atomic_add("count", 1);
                Ok::<_, StoreError>(())
            }
        })
        .await
        .unwrap();
    drop(committed);
    id
}

fn key(n: u32) -> Bytes {
    Bytes::from(format!("row {n:08}"))
}

fn body(n: u32) -> Bytes {
    Bytes::from(n.to_be_bytes().repeat(5_000))
}

async fn check(store: &Store, ids: &[ContentId]) {
    for (n, id) in (0u32..).zip(ids) {
        assert_eq!(store.content(*id, 0..u64::MAX).await.unwrap(), body(n));
    }
    let count = store
        .read(|txn| async move {
            let rows = txn
                .range(&mmsc_store::KeyRange::prefix(b"row "), Default::default())
                .await?;
            assert_eq!(rows.len(), ids.len());
            txn.get("count").await
        })
        .await
        .map_err(|error: TransactError<StoreError>| error)
        .unwrap();
    let expected = (!ids.is_empty()).then(|| Bytes::from((ids.len() as u64).to_le_bytes().to_vec()));
    assert_eq!(count, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_is_there_after_a_clean_end() {
    let directory = tempfile::tempdir().unwrap();
    let options = options(&directory);
    let mut ids = Vec::new();
    for round in 0..3 {
        let store = open(&options).unwrap();
        check(&store, &ids).await;
        for n in 0..100 {
            ids.push(submit(&store, round * 100 + n).await);
        }
        check(&store, &ids).await;
        store.close().await;
        assert!(matches!(store.health(), Err(StoreError::Closed(_))));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_handle_is_refused_while_the_first_is_open() {
    let directory = tempfile::tempdir().unwrap();
    let options = options(&directory);
    let store = open(&options).unwrap();
    assert!(matches!(open(&options), Err(OpenError::InUse(_))));
    store.close().await;
    open(&options).unwrap();
}
