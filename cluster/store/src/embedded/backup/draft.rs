//! A directory that gets its name when everything in it is durable.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mmsc_ports::disk::{Disk, DiskLock};

use super::BackupError;
use crate::embedded::engine::LOCK_FILE;

const SUFFIX: &str = ".unfinished";

/// A directory under another name.
pub(super) struct Draft {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    target: PathBuf,
    parent: PathBuf,
    _lock: Box<dyn DiskLock>,
}

impl Draft {
    /// Begins what will be `target`. That has to be empty or new, and so has the draft.
    pub(super) fn begin(disk: Arc<dyn Disk>, target: &Path) -> Result<Self, BackupError> {
        let making = || BackupError::io("making the directory");
        let mut name = target
            .file_name()
            .ok_or_else(|| BackupError::NoName(target.to_owned()))?
            .to_owned();
        name.push(SUFFIX);
        let path = target.with_file_name(name);
        let parent = match target.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        require_empty(disk.as_ref(), target)?;
        // One after the other, because only the last name is made durable.
        disk.create_dirs(&parent)
            .and_then(|()| disk.create_dirs(&path))
            .map_err(making())?;
        let lock = disk.lock(&path.join(LOCK_FILE)).map_err(|error| match error.kind() {
            io::ErrorKind::WouldBlock => BackupError::InUse(path.clone()),
            _ => making()(error),
        })?;
        require_empty(disk.as_ref(), &path)?;
        Ok(Self {
            disk,
            path,
            target: target.to_owned(),
            parent,
            _lock: lock,
        })
    }

    /// Where it grows.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Gives it its name if all went well, and removes it otherwise.
    pub(super) fn end<T>(self, made: Result<T, BackupError>) -> Result<T, BackupError> {
        let named = made.and_then(|made| {
            self.disk
                .rename(&self.path, &self.target)
                .and_then(|()| self.disk.sync_dir(&self.parent))
                .map_err(BackupError::io("naming the finished directory"))?;
            Ok(made)
        });
        if named.is_err() {
            self.discard();
        }
        named
    }

    /// What cannot be removed is not taken for anything whole, either.
    fn discard(&self) {
        for name in self.disk.list(&self.path).unwrap_or_default() {
            if let Err(error) = self.disk.remove(&self.path.join(&name)) {
                tracing::warn!(%error, name, directory = %self.path.display(), "what is left of it stays");
            }
        }
    }
}

/// A lock file is left by whoever looked before.
fn require_empty(disk: &dyn Disk, directory: &Path) -> Result<(), BackupError> {
    let names = match disk.list(directory) {
        Ok(names) => names,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(BackupError::io("listing the directory")(error)),
    };
    if names.iter().any(|name| name != LOCK_FILE) {
        return Err(BackupError::NotEmpty(directory.to_owned()));
    }
    Ok(())
}
