//! What the tests of backup and restore share.
#![allow(clippy::unwrap_used, dead_code, reason = "a test")]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use mmsc_ports::Ports;
use mmsc_ports::disk::Disk;
use mmsc_ports::random::SeededRandom;
use mmsc_store::embedded::restore;
use mmsc_store::sim::SimDisk;
use mmsc_store::{BackupError, BackupReport, EmbeddedEngine, EmbeddedOptions, Pace};

use crate::common::{Model, Step, observe, open_with, options, run};

pub const BACKUP: &str = "/backups/one";

pub fn engine(disk: &SimDisk, options: EmbeddedOptions) -> Arc<EmbeddedEngine> {
    let ports = Ports {
        random: Arc::new(SeededRandom::new(11)),
        ..Ports::real()
    };
    Arc::new(EmbeddedEngine::open(options, Arc::new(disk.clone()), &ports).unwrap())
}

pub fn no_pause(_: Duration) {}

pub fn unhurried(pause: &dyn Fn(Duration)) -> Pace<'_> {
    Pace {
        bytes_per_second: 0,
        pause,
    }
}

pub fn back_up(engine: &EmbeddedEngine) -> Result<BackupReport, BackupError> {
    engine.backup(Path::new(BACKUP), &unhurried(&no_pause))
}

pub fn restore_from(disk: &SimDisk, from: &str, to: &str) -> Result<BackupReport, BackupError> {
    let disk: Arc<dyn Disk> = Arc::new(disk.clone());
    restore(&disk, Path::new(from), Path::new(to))
}

/// Without workers nothing is ever waited for.
pub fn now<T>(future: impl Future<Output = T>) -> T {
    tokio::task::unconstrained(future).now_or_never().unwrap()
}

/// Opens a store and looks at all of it; then it has to go on.
pub async fn look(disk: &SimDisk, path: &str) -> Model {
    let options = EmbeddedOptions {
        path: path.into(),
        ..options()
    };
    let store = open_with(disk, options).unwrap();
    let seen = observe(&store).await;
    run(&store, Step::Put(901)).await.unwrap();
    store.close().await;
    seen
}

pub fn names_in(disk: &SimDisk, directory: &str) -> Vec<PathBuf> {
    let all = disk.files().into_iter().map(|(path, _)| path);
    all.filter(|path| path.starts_with(directory)).collect()
}
