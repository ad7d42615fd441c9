//! The reference append: 64 closed-loop tasks, 30 KiB each, appended to one growing file, one fdatasync per group of
//! waiters. What a log without any store around it does on the same disk.
//!
//! `reference_append DIRECTORY [SECONDS]`, run as a process of its own; prints `name value` lines.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a measuring program: it stops at the first surprise, and time is the machine's"
)]

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

const TASKS: usize = 64;
const RECORD: usize = 30 * 1024;

type Waiter = (Arc<Vec<u8>>, oneshot::Sender<()>);

fn main() {
    let mut arguments = std::env::args().skip(1);
    let directory = PathBuf::from(arguments.next().unwrap());
    let seconds: u64 = arguments.next().map_or(5, |seconds| seconds.parse().unwrap());
    std::fs::create_dir_all(&directory).unwrap();
    let path = directory.join("reference.log");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let mut latencies = runtime.block_on(run(&path, Duration::from_secs(seconds)));
    std::fs::remove_file(&path).unwrap();
    latencies.sort_unstable();
    let at = |share: f64| latencies[(latencies.len() as f64 * share) as usize].as_secs_f64() * 1e3;
    println!("commits_per_second {:.0}", latencies.len() as f64 / seconds as f64);
    println!("p50_ms {:.2}", at(0.5));
    println!("p99_ms {:.2}", at(0.99));
}

async fn run(path: &std::path::Path, length: Duration) -> Vec<Duration> {
    let (sender, receiver) = mpsc::sync_channel::<Waiter>(TASKS);
    let file = std::fs::OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .open(path)
        .unwrap();
    let writer = std::thread::spawn(move || append(file, &receiver));
    let stop = Arc::new(AtomicBool::new(false));
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| {
            let (sender, stop) = (sender.clone(), Arc::clone(&stop));
            tokio::spawn(async move {
                let record = Arc::new(vec![task as u8; RECORD]);
                let mut latencies = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    let began = Instant::now();
                    let (done, waiting) = oneshot::channel();
                    sender.send((Arc::clone(&record), done)).unwrap();
                    waiting.await.unwrap();
                    latencies.push(began.elapsed());
                }
                latencies
            })
        })
        .collect();
    tokio::time::sleep(length).await;
    stop.store(true, Ordering::Relaxed);
    let mut all = Vec::new();
    for task in tasks {
        all.extend(task.await.unwrap());
    }
    drop(sender);
    writer.join().unwrap();
    all
}

fn append(mut file: std::fs::File, waiting: &mpsc::Receiver<Waiter>) {
    let mut buffer = Vec::new();
    while let Ok(first) = waiting.recv() {
        let group: Vec<Waiter> = std::iter::once(first).chain(waiting.try_iter()).collect();
        buffer.clear();
        for (record, _) in &group {
            buffer.extend_from_slice(record);
        }
        file.write_all(&buffer).unwrap();
        file.sync_data().unwrap();
        for (_, done) in group {
            let _ = done.send(());
        }
    }
}
