//! Commits of 30 KB content and 8 rows by 64 committers, beside the reference append of the same run.
//!
//! `commit_bench DIRECTORY [SECONDS] [--live N] [--committers N] [--no-reference]`: with `--live`, each committer
//! releases its oldest content once N are alive in all, as a store in steady state does. The reference is measured before
//! and after, by the example `reference_append` that stands beside this one. Prints `name value` lines.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a measuring program: it stops at the first surprise, and time is the machine's"
)]

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use mmsc_ports::Ports;
use mmsc_ports::disk::RealDisk;
use mmsc_store::{ContentId, EmbeddedEngine, EmbeddedOptions, Holder, Key, OperationId, Store, StoreError};

/// As in the product.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const CONTENT: usize = 30 * 1024;
const ROWS: u8 = 8;

struct Arguments {
    directory: PathBuf,
    seconds: u64,
    live: usize,
    committers: usize,
    reference: bool,
}

fn arguments() -> Arguments {
    let mut arguments = Arguments {
        directory: PathBuf::new(),
        seconds: 5,
        live: usize::MAX,
        committers: 64,
        reference: true,
    };
    let mut given = std::env::args().skip(1);
    arguments.directory = given.next().unwrap().into();
    while let Some(argument) = given.next() {
        match argument.as_str() {
            "--live" => arguments.live = given.next().unwrap().parse().unwrap(),
            "--committers" => arguments.committers = given.next().unwrap().parse().unwrap(),
            "--no-reference" => arguments.reference = false,
            seconds => arguments.seconds = seconds.parse().unwrap(),
        }
    }
    arguments
}

fn main() {
    let arguments = arguments();
    let reference = || {
        if arguments.reference {
            reference(&arguments)
        } else {
            0.0
        }
    };
    let before = reference();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let rate = runtime.block_on(run(&arguments));
    let after = reference();
    if arguments.reference {
        println!("reference_before {before:.0}");
        println!("reference_after {after:.0}");
        println!("ratio {:.2}", rate / before.midpoint(after));
    }
}

fn reference(arguments: &Arguments) -> f64 {
    let program = std::env::current_exe().unwrap().with_file_name("reference_append");
    let output = std::process::Command::new(program)
        .arg(arguments.directory.join("reference"))
        .arg(arguments.seconds.to_string())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("commits_per_second "));
    line.unwrap().parse().unwrap()
}

/// Processor seconds of this process so far.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let after_name = stat.rsplit(')').next().unwrap();
    let ticks: f64 = after_name
        .split_whitespace()
        .skip(11)
        .take(2)
        .map(|n| n.parse::<f64>().unwrap())
        .sum();
    ticks / 100.0
}

async fn run(arguments: &Arguments) -> f64 {
    let path = arguments.directory.join("store");
    let _ = std::fs::remove_dir_all(&path);
    let engine = EmbeddedEngine::open(EmbeddedOptions::new(&path), Arc::new(RealDisk), &Ports::real()).unwrap();
    let metrics = engine.metrics();
    let store = Store::new(Arc::new(engine));
    let stop = Arc::new(AtomicBool::new(false));
    let (cpu, began) = (cpu_seconds(), Instant::now());
    let live = arguments.live / arguments.committers;
    let tasks: Vec<_> = (0..arguments.committers)
        .map(|task| tokio::spawn(commit_until(store.clone(), task as u16, live, Arc::clone(&stop))))
        .collect();
    tokio::time::sleep(Duration::from_secs(arguments.seconds)).await;
    stop.store(true, Ordering::Relaxed);
    let mut latencies = Vec::new();
    for task in tasks {
        latencies.extend(task.await.unwrap());
    }
    let (took, cpu) = (began.elapsed().as_secs_f64(), cpu_seconds() - cpu);
    latencies.sort_unstable();
    let commits = latencies.len() as f64;
    let at = |share: f64| latencies[((commits * share) as usize).min(latencies.len() - 1)].as_secs_f64() * 1e3;
    println!("commits_per_second {:.0}", commits / took);
    println!("p50_ms {:.2}\np99_ms {:.2}\nmax_ms {:.2}", at(0.5), at(0.99), at(1.0));
    println!("cpu_ms_per_commit {:.4}", cpu * 1e3 / commits);
    println!("commits_per_group {:.1}", commits / metrics.groups.value() as f64);
    println!("sync_seconds {:.2}", metrics.sync_seconds.snapshot().1);
    println!("apply_seconds {:.2}", metrics.apply_seconds.snapshot().1);
    println!("checkpoint_seconds {:.2}", metrics.checkpoint_seconds.snapshot().1);
    println!("bytes_on_disk {}", size_of(&path));
    store.close().await;
    let reopened = Instant::now();
    let engine = EmbeddedEngine::open(EmbeddedOptions::new(&path), Arc::new(RealDisk), &Ports::real()).unwrap();
    println!("reopen_seconds {:.2}", reopened.elapsed().as_secs_f64());
    Store::new(Arc::new(engine)).close().await;
    std::fs::remove_dir_all(&path).unwrap();
    commits / took
}

fn size_of(path: &Path) -> u64 {
    std::fs::read_dir(path)
        .unwrap()
        .map(|entry| entry.unwrap().metadata().unwrap().len())
        .sum()
}

async fn commit_until(store: Store, task: u16, live: usize, stop: Arc<AtomicBool>) -> Vec<Duration> {
    let body = Bytes::from(vec![task as u8; CONTENT]);
    let mut alive: VecDeque<ContentId> = VecDeque::new();
    let mut latencies = Vec::new();
    let mut n = 0u64;
    while !stop.load(Ordering::Relaxed) {
        let began = Instant::now();
        n += 1;
        let staged = store.stage(body.clone()).await.unwrap();
        let id = staged.id;
        let old = if alive.len() >= live { alive.pop_front() } else { None };
        let committed = store
            .transact(OperationId([0; 16]), |txn| {
                let staged = staged.clone();
                async move {
                    txn.adopt(staged, Holder(Bytes::copy_from_slice(&id.0)));
                    for row in 0..ROWS {
                        // Four kinds of rows: the message's own, and ones that stand by time, by hash and by subscriber.
                        let key = Key::new(0x21 + row, task % 1024).raw(&id.0).u8(row);
                        txn.set(key, Bytes::from(vec![row; 120]));
                    }
                    if let Some(old) = old {
                        for row in 0..ROWS {
                            txn.clear(Key::new(0x21 + row, task % 1024).raw(&old.0).u8(row));
                        }
                        txn.release(old, Holder(Bytes::copy_from_slice(&old.0))).await?;
                    }
                    Ok::<_, StoreError>(())
                }
            })
            .await
            .unwrap();
        drop(committed);
        alive.push_back(id);
        latencies.push(began.elapsed());
    }
    let _ = n;
    latencies
}
