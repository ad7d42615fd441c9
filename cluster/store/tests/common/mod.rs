//! A short history of transactions with a model beside it: after any crash the store has to be in the state after what
//! was acknowledged, or in the one after the transaction that was on its way.
#![allow(clippy::unwrap_used, clippy::expect_used, dead_code, reason = "tests")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use mmsc_ports::Ports;
use mmsc_ports::random::SeededRandom;
use mmsc_store::embedded::Pipeline;
use mmsc_store::sim::SimDisk;
use mmsc_store::{
    ContentId, EmbeddedEngine, EmbeddedOptions, Holder, KeyRange, OpenError, OperationId, Store, StoreError,
    TransactError,
};

/// Small segments and frequent checkpoints, so that a short history meets all of them.
pub fn options() -> EmbeddedOptions {
    EmbeddedOptions {
        segment_bytes: 128 * 1024,
        checkpoint_bytes: 96 * 1024,
        checkpoint_interval: Duration::from_secs(100_000),
        ready_segments: 1,
        spare_segments: 1,
        reserve_bytes: 0,
        cache_bytes: 1024 * 1024,
        pipeline: Pipeline::Inline,
        ..EmbeddedOptions::new("/store")
    }
}

/// The same with so many segments kept ready ahead of the log.
pub fn ready(segments: usize) -> EmbeddedOptions {
    EmbeddedOptions {
        ready_segments: segments,
        ..options()
    }
}

pub fn open_with(disk: &SimDisk, options: EmbeddedOptions) -> Result<Store, OpenError> {
    let ports = Ports {
        random: Arc::new(SeededRandom::new(11)),
        ..Ports::real()
    };
    let engine = EmbeddedEngine::open(options, Arc::new(disk.clone()), &ports)?;
    Ok(Store::new(Arc::new(engine)))
}

pub fn open(disk: &SimDisk) -> Result<Store, OpenError> {
    open_with(disk, options())
}

/// One transaction of the history.
#[derive(Debug, Clone, Copy)]
pub enum Step {
    /// Content with rows.
    Put(u32),
    /// Its last holder goes, and its rows.
    Remove(u32),
    /// A second holder comes and the first goes.
    Rehold(u32),
    /// All small rows go.
    ClearSmall,
}

pub fn body(n: u32) -> Bytes {
    let len = [9_000, 700, 17_000, 30_000][n as usize % 4];
    (0..len)
        .map(|at: u32| (at.wrapping_mul(n + 3) >> 3) as u8)
        .collect::<Vec<u8>>()
        .into()
}

/// Puts, with removals behind them, so that segments empty and survivors are left.
pub fn history() -> Vec<Step> {
    let mut steps = Vec::new();
    for n in 0..16u32 {
        steps.push(Step::Put(n));
        match n {
            4 => steps.push(Step::Rehold(1)),
            9 => steps.push(Step::ClearSmall),
            _ => {}
        }
        if n >= 5 && n % 4 != 1 {
            steps.push(Step::Remove(n - 5));
        }
    }
    steps
}

/// What the store should hold: rows, and which contents.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Model {
    pub small: BTreeMap<u32, u32>,
    pub contents: Vec<u32>,
    pub count: i64,
}

impl Model {
    pub fn apply(&mut self, step: Step) {
        match step {
            Step::Put(n) => {
                self.contents.push(n);
                self.contents.sort_unstable();
                self.small.insert(n, n);
                self.count += 1;
            }
            Step::Remove(n) => {
                self.contents.retain(|of| *of != n);
                self.count -= 1;
            }
            Step::Rehold(n) => {
                self.small.insert(n, n + 1000);
            }
            Step::ClearSmall => self.small.clear(),
        }
    }

    /// The state after so many steps.
    pub fn after(steps: &[Step]) -> Self {
        let mut model = Self::default();
        steps.iter().for_each(|step| model.apply(*step));
        model
    }
}

fn content_key(n: u32) -> Bytes {
    Bytes::from(format!("content {n:04}"))
}

fn small_key(n: u32) -> Bytes {
    Bytes::from(format!("small {n:04}"))
}

fn holder(name: &'static str) -> Holder {
    Holder(Bytes::from_static(name.as_bytes()))
}

pub async fn run(store: &Store, step: Step) -> Result<(), TransactError<StoreError>> {
    let staged = match step {
        Step::Put(n) => Some(store.stage(body(n)).await?),
        _ => None,
    };
    let committed = store
        .transact(OperationId([1; 16]), |txn| {
            let staged = staged.clone();
            async move {
                match step {
                    Step::Put(n) => {
                        let staged = staged.expect("staged above");
                        txn.set(content_key(n), staged.id.0.to_vec());
                        txn.adopt(staged, holder("first"));
                        txn.set(small_key(n), n.to_be_bytes().to_vec());
                        txn.atomic_add("count", 1);
                    }
                    Step::Remove(n) => {
                        let id = id_of(&txn.get(content_key(n)).await?.expect("put before"));
                        txn.release(id, holder("first")).await?;
                        txn.release(id, holder("second")).await?;
                        txn.clear(content_key(n));
                        txn.atomic_add("count", -1);
                    }
                    Step::Rehold(n) => {
                        let id = id_of(&txn.get(content_key(n)).await?.expect("put before"));
                        txn.hold(id, holder("second")).await?;
                        txn.release(id, holder("first")).await?;
                        txn.set(small_key(n), (n + 1000).to_be_bytes().to_vec());
                    }
                    Step::ClearSmall => txn.clear_range(KeyRange::prefix(b"small ")),
                }
                Ok::<_, StoreError>(())
            }
        })
        .await?;
    drop(committed);
    Ok(())
}

fn id_of(value: &Bytes) -> ContentId {
    ContentId(value.as_ref().try_into().unwrap())
}

/// Runs steps until one is not acknowledged; how many were.
pub async fn run_all(store: &Store, steps: &[Step]) -> usize {
    for (done, step) in steps.iter().enumerate() {
        if run(store, *step).await.is_err() {
            return done;
        }
    }
    steps.len()
}

/// What the store does hold; every content is read whole and compared.
pub async fn observe(store: &Store) -> Model {
    let (rows, count) = store
        .read(|txn| async move {
            let rows = txn.range(&KeyRange::prefix(b"content "), Default::default()).await?;
            let small = txn.range(&KeyRange::prefix(b"small "), Default::default()).await?;
            Ok::<_, StoreError>(((rows, small), txn.get("count").await?))
        })
        .await
        .unwrap();
    let mut model = Model {
        count: count.map_or(0, |value| i64::from_le_bytes(value.as_ref().try_into().unwrap())),
        ..Model::default()
    };
    let number = |key: &Bytes| {
        String::from_utf8_lossy(key)
            .rsplit(' ')
            .next()
            .unwrap()
            .parse::<u32>()
            .unwrap()
    };
    for (key, value) in rows.0 {
        let n = number(&key);
        let octets = store.content(id_of(&value), 0..u64::MAX).await.unwrap();
        assert_eq!(octets, body(n), "content {n}");
        model.contents.push(n);
    }
    for (key, value) in rows.1 {
        model
            .small
            .insert(number(&key), u32::from_be_bytes(value.as_ref().try_into().unwrap()));
    }
    model
}

/// Opens the store after a crash and checks its state; it has to go on, too.
pub async fn check_after_crash(disk: &SimDisk, steps: &[Step], acknowledged: usize, what: &str) -> Model {
    check_after_crash_with(&options(), disk, steps, acknowledged, what).await
}

pub async fn check_after_crash_with(
    options: &EmbeddedOptions,
    disk: &SimDisk,
    steps: &[Step],
    acknowledged: usize,
    what: &str,
) -> Model {
    let store = open_with(disk, options.clone()).unwrap_or_else(|error| panic_with(what, &error.to_string()));
    let seen = observe(&store).await;
    let expected = Model::after(&steps[..acknowledged]);
    let on_its_way = Model::after(&steps[..(acknowledged + 1).min(steps.len())]);
    assert!(
        seen == expected || seen == on_its_way,
        "{what}: {acknowledged} acknowledged\n{seen:?}\n{expected:?}\n{on_its_way:?}"
    );
    run(&store, Step::Put(900))
        .await
        .unwrap_or_else(|error| panic_with(what, &error.to_string()));
    run(&store, Step::Remove(900)).await.unwrap();
    run(&store, Step::Put(902)).await.unwrap();
    run(&store, Step::Remove(902)).await.unwrap();
    store.close().await;
    seen
}

#[allow(clippy::panic, reason = "a test")]
pub fn panic_with(what: &str, error: &str) -> ! {
    panic!("{what}: {error}")
}
