//! A store that is being closed fails like any other: no sync is repeated, and nothing is acknowledged after a failure.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod common;
#[path = "common/unreadable.rs"]
mod unreadable;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use common::{Step, observe, open_with, options, run};
use futures_util::FutureExt as _;
use futures_util::future::join_all;
use mmsc_ports::{BoxFuture, Clock, Ports, UnixMillis};
use mmsc_store::embedded::Pipeline;
use mmsc_store::sim::{Loss, SimDisk};
use mmsc_store::{EmbeddedEngine, EmbeddedOptions, OpenError, OperationId, Store, StoreError, TransactError};
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

/// A store whose counters are in the index and nowhere in memory.
async fn counted_and_uncached() -> (SimDisk, Unreadable, Store) {
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
    (sim, disk, Store::new(Arc::new(engine)))
}

/// Half of a group is applied when the index cannot be read: nothing of that half gets into the index, or the additions
/// would count twice when the log is replayed.
#[tokio::test]
async fn a_group_that_is_half_applied_while_the_store_closes_counts_once_after_reopening() {
    let mut failed = 0;
    for reads in 0..12 {
        let (sim, disk, store) = counted_and_uncached().await;
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

fn blind(store: &Store, key: &'static str, len: usize) -> impl Future<Output = Result<(), TransactError<StoreError>>> {
    let store = store.clone();
    async move {
        let put = store.transact(OperationId([3; 16]), |txn| async move {
            txn.set(key, vec![9; len]);
            Ok::<_, StoreError>(())
        });
        put.await.map(drop)
    }
}

fn refused_as_closed(outcome: &Result<(), TransactError<StoreError>>) -> bool {
    matches!(outcome, Err(TransactError::Store(StoreError::Closed(_))))
}

/// A frame is at its sync; the next transaction needs a segment that is not ready. What it is told is what happened to
/// the store and not that there is no room.
#[tokio::test]
async fn who_waits_for_a_segment_while_the_store_ends_is_refused_as_closed() {
    for fails in [true, false] {
        let disk = SimDisk::new();
        let options = EmbeddedOptions {
            segment_bytes: 192 * 1024,
            checkpoint_bytes: 64 * 1024 * 1024,
            ready_segments: 1,
            ..one_by_one()
        };
        let store = open_with(&disk, options.clone()).unwrap();
        for _ in 0..2 {
            blind(&store, "a", 90_000).await.unwrap();
        }
        let segments = || {
            disk.files()
                .iter()
                .filter(|(path, _)| path.to_string_lossy().contains("log-"))
                .count()
        };
        for _ in 0..1_000 {
            if segments() == 2 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(segments(), 2);
        // This one takes the segment that was ready, and another is not made before the syncs are let go.
        disk.hold_syncs("draft");
        blind(&store, "a", 90_000).await.unwrap();
        disk.wait_until_held();
        disk.hold_syncs(".seg");
        let mut at_its_sync = Box::pin(blind(&store, "b", 90_000));
        assert!((&mut at_its_sync).now_or_never().is_none());
        let mut waiting = Box::pin(blind(&store, "c", 90_000));
        assert!((&mut waiting).now_or_never().is_none());
        if fails {
            disk.fail_syncs("log-", 0);
            disk.let_go();
            assert_eq!(at_its_sync.await, Err(TransactError::Unknown));
            assert!(refused_as_closed(&waiting.await));
            store.close().await;
            disk.restore(Loss::All);
        } else {
            let mut closing = Box::pin(store.close());
            assert!((&mut closing).now_or_never().is_none());
            assert!(refused_as_closed(&waiting.await));
            disk.let_go();
            at_its_sync.await.unwrap();
            closing.await;
        }
        open_with(&disk, options).unwrap().close().await;
    }
}

/// The apply of one group fails while the frame behind it is at its sync: the store ends, and its lock is given back,
/// only when nobody is at the log any more.
#[tokio::test]
async fn the_lock_is_kept_until_the_frame_that_is_being_written_is_done() {
    let (sim, disk, store) = counted_and_uncached().await;
    disk.reads_left.store(0, Ordering::SeqCst);
    disk.hold_reads(true);
    // Its apply waits at the index; what comes behind it goes on to its sync.
    let mut counting = Box::pin(count_up(&store));
    assert!((&mut counting).now_or_never().is_none());
    disk.wait_until_held().await;
    sim.hold_syncs("log-");
    let mut behind = Box::pin(blind(&store, "late", 3_000));
    assert!((&mut behind).now_or_never().is_none());
    sim.wait_until_held();
    disk.hold_reads(false);
    assert_eq!(counting.await, Err(TransactError::Unknown));
    let mut closing = Box::pin(store.close());
    for _ in 0..20 {
        assert!(
            (&mut closing).now_or_never().is_none(),
            "closed while a frame is being synced"
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let held = EmbeddedEngine::open(one_by_one(), Arc::new(sim.clone()), &Ports::real());
    assert!(matches!(held, Err(OpenError::InUse(_))));
    sim.let_go();
    closing.await;
    assert!(matches!(
        behind.await,
        Err(TransactError::Unknown | TransactError::Store(_))
    ));
    open_with(&sim, one_by_one()).unwrap().close().await;
}

/// Panics when the worker that builds frames asks for the time, once it is told to.
struct PanickingClock(Arc<dyn Clock>, Arc<AtomicBool>);

impl Clock for PanickingClock {
    fn now(&self) -> UnixMillis {
        self.0.now()
    }

    fn monotonic(&self) -> Duration {
        let at_the_log = std::thread::current().name() == Some("store-log");
        assert!(!(at_the_log && self.1.load(Ordering::SeqCst)), "the clock panics");
        self.0.monotonic()
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()> {
        self.0.sleep(time)
    }

    fn wall_offset_millis(&self) -> i64 {
        self.0.wall_offset_millis()
    }
}

#[tokio::test]
async fn who_waits_behind_a_worker_that_panics_gets_an_answer() {
    let disk = SimDisk::new();
    let options = EmbeddedOptions {
        segment_bytes: 192 * 1024,
        ..one_by_one()
    };
    let (real, armed) = (Ports::real(), Arc::new(AtomicBool::new(false)));
    let ports = Ports {
        clock: Arc::new(PanickingClock(Arc::clone(&real.clock), Arc::clone(&armed))),
        ..real
    };
    let engine = EmbeddedEngine::open(options, Arc::new(disk), &ports).unwrap();
    let store = Store::new(Arc::new(engine));
    for _ in 0..2 {
        blind(&store, "a", 90_000).await.unwrap();
    }
    // The next one needs another segment, and the clock is asked when it is taken.
    armed.store(true, Ordering::SeqCst);
    let all = join_all((0..8).map(|_| blind(&store, "b", 90_000)));
    let outcomes = tokio::time::timeout(Duration::from_secs(60), all).await.unwrap();
    let (unknown, rest): (Vec<_>, Vec<_>) = outcomes
        .into_iter()
        .partition(|outcome| *outcome == Err(TransactError::Unknown));
    assert_eq!(unknown.len(), 1, "the one that it was at");
    assert!(rest.iter().all(refused_as_closed), "{rest:?}");
    store.close().await;
}
