//! `store.backup_*`.

use std::path::PathBuf;
use std::time::Duration;

use super::Reader;
use crate::config::issue::Fault;

/// Shortest time between two scheduled backups.
const LEAST: Duration = Duration::from_secs(1);

/// Where backups go, and when.
#[derive(Clone, Debug)]
pub struct BackupSettings {
    /// Holds one directory for each.
    pub directory: PathBuf,
    /// Between two; zero: only when asked for.
    pub every: Duration,
    /// So many are kept; 0: all.
    pub keep: usize,
    /// Octets in a second; 0: without limit.
    pub bytes_per_second: u64,
}

pub(super) fn settings(reader: &mut Reader<'_>) -> Option<BackupSettings> {
    let every: Duration = reader.take("store.backup_every");
    let (keep, bytes_per_second) = (reader.take("store.backup_keep"), reader.take("store.backup_rate"));
    let directory: Option<PathBuf> = reader.optional("store.backup_dir");
    if !every.is_zero() && every < LEAST {
        reader.issue("store.backup_every", Fault::BadValue, "is 0 or at least one second");
    }
    if !every.is_zero() && directory.is_none() {
        let message = "needs store.backup_dir beside it";
        reader.issue("store.backup_every", Fault::Contradiction, message);
    }
    Some(BackupSettings {
        directory: directory?,
        every,
        keep,
        bytes_per_second,
    })
}
