//! Durable commits of 30 KiB of content and eight rows on the embedded engine: one committer, and 64 at once. On the
//! file system of the temporary directory; `mmsc-load store` sets the same beside the reference append.
#![allow(clippy::unwrap_used, missing_docs, reason = "a bench")]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use mmsc_ports::Ports;
use mmsc_ports::disk::RealDisk;
use mmsc_store::{EmbeddedEngine, EmbeddedOptions, Holder, OperationId, Store, StoreError};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

const COMMITTERS: u64 = 64;

fn open(path: &Path) -> Store {
    let options = EmbeddedOptions {
        reserve_bytes: 0,
        ..EmbeddedOptions::new(path)
    };
    let engine = EmbeddedEngine::open(options, Arc::new(RealDisk), &Ports::real()).unwrap();
    Store::new(Arc::new(engine))
}

/// Content and rows as an accepted message has them.
async fn commit(store: &Store, number: u64, body: &Bytes) {
    let staged = store.stage(body.clone()).await.unwrap();
    let committed = store
        .transact(OperationId([0; 16]), |txn| {
            let staged = staged.clone();
            async move {
                txn.adopt(staged, Holder(Bytes::from_static(b"mm")));
                for row in 0..8_u8 {
                    txn.set([&[row], number.to_be_bytes().as_slice()].concat(), vec![row; 100]);
                }
                Ok::<_, StoreError>(())
            }
        })
        .await
        .unwrap();
    committed.into_value();
}

fn commits(c: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let store = runtime.block_on(async { open(&directory.path().join("store")) });
    let numbers = Arc::new(AtomicU64::new(0));
    let body = Bytes::from(vec![7_u8; 30 * 1024]);
    let mut group = c.benchmark_group("durable commit, 30 KiB and eight rows");
    group.sample_size(20).measurement_time(Duration::from_secs(4));
    group.bench_function("one committer", |b| {
        b.iter(|| runtime.block_on(commit(&store, numbers.fetch_add(1, Ordering::Relaxed), &body)));
    });
    group.throughput(Throughput::Elements(COMMITTERS));
    group.bench_function("64 committers", |b| {
        b.iter(|| {
            runtime.block_on(async {
                let mut all = JoinSet::new();
                for _ in 0..COMMITTERS {
                    let (store, body) = (store.clone(), body.clone());
                    let number = numbers.fetch_add(1, Ordering::Relaxed);
                    all.spawn(async move { commit(&store, number, &body).await });
                }
                all.join_all().await;
            });
        });
    });
    group.finish();
    runtime.block_on(store.close());
}

criterion_group!(benches, commits);
criterion_main!(benches);
