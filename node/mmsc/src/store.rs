//! `mmsc store`: backup of a store that no node runs on, and restore. A running node makes its own backups (`store.backup_dir`).

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use mmsc_ports::disk::{Disk, RealDisk};
use mmsc_ports::{Ports, UnixMillis};
use mmsc_store::embedded::restore;
use mmsc_store::{BackupError, BackupReport, EmbeddedEngine, EmbeddedOptions, Engine as _, OpenError, Pace};
use tokio::sync::oneshot;

use crate::node::backup::names;
use crate::run::runtime;

/// What to do with stores.
#[derive(Debug, clap::Subcommand)]
pub enum StoreCommand {
    /// Write a backup of a store that no node runs on (a running node makes its own: USR1, or store.backup_every).
    /// Exit 0: it is made. Exit 1: it is not, and nothing of it is left.
    Backup {
        /// The store (`store.path`).
        #[arg(long, value_name = "STORE")]
        path: PathBuf,
        /// A directory that is new or empty.
        directory: PathBuf,
    },
    /// Copy a backup to a new place as a store, and verify everything in it. Exit 0: a node can be started on TO.
    /// Exit 1: nothing stands there.
    Restore {
        /// The backup; it is only read.
        from: PathBuf,
        /// The store (`store.path`); a directory that is new or empty.
        to: PathBuf,
    },
}

/// Why not.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("the runtime does not start: {0}")]
    Runtime(std::io::Error),
    #[error("there is no store in {}", .0.display())]
    NoStore(PathBuf),
    #[error("{}: {source}", path.display())]
    Open { path: PathBuf, source: OpenError },
    #[error(transparent)]
    Backup(#[from] BackupError),
    #[error("it ended unexpectedly")]
    Ended,
}

/// Runs the command.
#[must_use]
pub fn run(command: &StoreCommand) -> ExitCode {
    let (what, done) = match command {
        StoreCommand::Backup { path, directory } => (directory, back_up(path, directory)),
        StoreCommand::Restore { from, to } => (to, restore_to(from, to)),
    };
    match done {
        Ok(report) => {
            println!("{}: {}", what.display(), describe(&report));
            ExitCode::SUCCESS
        }
        Err(refusal) => {
            eprintln!("mmsc: {refusal}");
            ExitCode::from(1)
        }
    }
}

fn describe(report: &BackupReport) -> String {
    let BackupReport {
        version,
        made_millis,
        rows,
        row_bytes,
        contents,
        content_bytes,
    } = report;
    let made = names::utc(UnixMillis(*made_millis));
    format!(
        "ok, the state of {made} (version {version}): {rows} rows of {row_bytes} octets, {contents} contents of {content_bytes} octets"
    )
}

fn back_up(path: &Path, directory: &Path) -> Result<BackupReport, Refusal> {
    // A mistyped path must not become a new store.
    if !path.join("STORE").is_file() {
        return Err(Refusal::NoStore(path.to_owned()));
    }
    let options = EmbeddedOptions {
        // Nobody sends anything, so nothing has to be kept free for it.
        reserve_bytes: 0,
        checkpoint_interval: Duration::from_millis(10),
        ..EmbeddedOptions::new(path)
    };
    let directory = directory.to_owned();
    let runtime = runtime(1).map_err(Refusal::Runtime)?;
    runtime.block_on(async {
        let ports = Ports::real();
        let (reply, done) = oneshot::channel();
        let inner = ports.clone();
        let work = move || {
            // The one that waits is this function.
            let _waits = reply.send(open_and_back_up(options, &directory, &inner));
        };
        let _runs_on = ports.spawn.worker("store-backup", Box::new(work));
        let (engine, made) = done.await.map_err(|_| Refusal::Ended)??;
        engine.close().await;
        Ok(made?)
    })
}

type Made = Result<BackupReport, BackupError>;

fn open_and_back_up(
    options: EmbeddedOptions,
    directory: &Path,
    ports: &Ports,
) -> Result<(EmbeddedEngine, Made), Refusal> {
    let path = options.path.clone();
    let engine =
        EmbeddedEngine::open(options, Arc::new(RealDisk), ports).map_err(|source| Refusal::Open { path, source })?;
    let pace = Pace {
        bytes_per_second: 0,
        pause: &|_| {},
    };
    let made = engine.backup(directory, &pace);
    Ok((engine, made))
}

fn restore_to(from: &Path, to: &Path) -> Result<BackupReport, Refusal> {
    // A directory inside would be found only at the end.
    let inside = std::fs::read_dir(to).into_iter().flatten().next();
    if inside.is_some() {
        return Err(BackupError::NotEmpty(to.to_owned()).into());
    }
    let disk: Arc<dyn Disk> = Arc::new(RealDisk);
    Ok(restore(&disk, from, to)?)
}
