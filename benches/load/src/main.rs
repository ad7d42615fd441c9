//! `mmsc-load`: puts load on a node over its real protocols and says what came of it — throughput, latencies, processor
//! time, commits, losses, duplicates — beside what the disk gives to anybody.
#![forbid(unsafe_code)]

mod backlog;
mod cli;
mod histogram;
mod machine;
mod modes;
mod overload;
mod progress;
mod reference;
mod report;
mod store;
mod target;
mod traffic;

use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::process::ExitCode;

use clap::Parser as _;
use mmsc_peers::ledger::{Book, Expect, Verdict};

use cli::{Cli, Mode};

/// As in the node, so that the store alone is measured as the node runs it.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let result = match Cli::parse().mode {
        Mode::Reference(options) => run_reference(&options),
        Mode::Audit { ledger } => audit(&ledger),
        Mode::Submit(load) => in_runtime(load.threads, modes::submit(&load)),
        Mode::Cycle(load) => in_runtime(load.threads, modes::cycle(&load)),
        Mode::Store(options) => in_runtime(options.threads, store::store(&options)),
        Mode::Backlog(options) => in_runtime(options.load.threads, backlog::backlog(&options)),
        Mode::Overload(options) => in_runtime(options.load.threads, overload::overload(&options)),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(2),
        Err(error) => {
            eprintln!("mmsc-load: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Gives whether every promise was kept.
fn in_runtime(threads: usize, run: impl Future<Output = anyhow::Result<bool>>) -> anyhow::Result<bool> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads.max(1))
        .enable_all()
        .build()?;
    runtime.block_on(run)
}

fn run_reference(options: &cli::Reference) -> anyhow::Result<bool> {
    let result = reference::run(&options.dir, options.seconds)?;
    if options.json_only {
        println!("{}", serde_json::to_string(&result)?);
    } else {
        println!(
            "reference append: {:.0} records of 30 KiB per second over {:.1} s, 64 appenders, one fdatasync per group",
            result.appends_per_second, result.seconds
        );
    }
    Ok(true)
}

fn audit(path: &Path) -> anyhow::Result<bool> {
    let book = Book::read(BufReader::new(File::open(path)?))?;
    let verdict = Verdict::of(&book, Expect::Delivered);
    println!("{verdict}");
    Ok(verdict.holds())
}
