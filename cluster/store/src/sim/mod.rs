//! A simulated disk for tests: in memory, on the [`Disk`] port, with everything a disk may do wrong. Never for
//! production.
//!
//! Writes are visible at once and durable at the next successful sync of their file; names are durable at the next sync
//! of their directory. [`SimDisk::cut_at`] ends the power before the n-th change; [`SimDisk::restore`] then decides, by a
//! [`Loss`], what of the unsynced survived, sector by sector. A failed sync leaves its writes readable and clean, as
//! Linux does: only [`DiskFile::drop_cache`] shows that the device never had them.

mod file;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use mmsc_ports::Random as _;
use mmsc_ports::disk::{Disk, DiskFile, DiskLock, FileUse};
use mmsc_ports::random::SeededRandom;

use file::{Inode, SimFile};

/// The unit that a disk writes whole.
pub const SECTOR: usize = 512;

/// What survives of writes that were not synced when the power was cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// Nothing.
    All,
    /// Everything.
    Nothing,
    /// Each sector by the toss of a coin, names up to a point: torn and reordered.
    Torn(u64),
}

#[derive(Debug, Default)]
struct State {
    names: BTreeMap<PathBuf, u64>,
    durable_names: BTreeMap<PathBuf, u64>,
    inodes: BTreeMap<u64, Inode>,
    next_inode: u64,
    locks: BTreeMap<PathBuf, u64>,
    /// Handles of an earlier life of the machine are dead.
    life: u64,
    changes: u64,
    cut_at: Option<u64>,
    off: bool,
    fail_sync_of: Option<String>,
    fail_syncs_after: u64,
    hold_sync_of: Option<String>,
    /// Syncs that are being held.
    held: u64,
    capacity: Option<u64>,
    allocated: u64,
    refuses_allocation: bool,
    most_unsynced: usize,
}

/// The disk of one simulated machine; clones share it.
#[derive(Debug, Clone, Default)]
pub struct SimDisk(Arc<Machine>);

#[derive(Debug, Default)]
struct Machine {
    state: Mutex<State>,
    /// A sync was held or let go.
    moved: Condvar,
}

fn power_off() -> io::Error {
    io::Error::other("the power is off")
}

fn full() -> io::Error {
    io::ErrorKind::StorageFull.into()
}

impl State {
    fn check_life(&self, life: u64) -> io::Result<()> {
        if self.off || self.life != life {
            return Err(power_off());
        }
        Ok(())
    }

    /// Counts one change to the disk; the one at which the power goes does not happen.
    fn change(&mut self, life: u64) -> io::Result<()> {
        self.check_life(life)?;
        if self.cut_at == Some(self.changes) {
            self.off = true;
            return Err(power_off());
        }
        self.changes += 1;
        Ok(())
    }

    fn used(&self) -> u64 {
        self.names
            .values()
            .filter_map(|inode| self.inodes.get(inode))
            .map(Inode::len)
            .sum()
    }

    /// Counts the writes of the log that are not durable.
    fn count_unsynced(&mut self) {
        let is_log = |path: &Path| {
            path.file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with("log-"))
        };
        let logs = self.names.iter().filter(|(path, _)| is_log(path));
        let unsynced = logs
            .filter_map(|(_, inode)| self.inodes.get(inode))
            .map(Inode::unsynced_writes)
            .sum();
        self.most_unsynced = self.most_unsynced.max(unsynced);
    }

    fn allocate(&mut self) -> io::Result<()> {
        if self.refuses_allocation {
            return Err(io::ErrorKind::Unsupported.into());
        }
        self.allocated += 1;
        Ok(())
    }

    fn check_room(&self, grows_by: u64) -> io::Result<()> {
        match self.capacity {
            Some(capacity) if grows_by > 0 && self.used() + grows_by > capacity => Err(full()),
            _ => Ok(()),
        }
    }

    fn name_of(&self, inode: u64) -> String {
        let name = self
            .names
            .iter()
            .find(|(_, of)| **of == inode)
            .and_then(|(path, _)| path.file_name());
        name.map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    }

    /// As the system does it: at once, and not over one that holds anything.
    fn rename_directory(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        if self.names.keys().any(|path| path.starts_with(to)) {
            return Err(io::ErrorKind::DirectoryNotEmpty.into());
        }
        let inside: Vec<PathBuf> = self
            .names
            .keys()
            .filter(|path| path.starts_with(from))
            .cloned()
            .collect();
        if inside.is_empty() {
            return Err(io::ErrorKind::NotFound.into());
        }
        for old in inside {
            if let (Ok(rest), Some(inode)) = (old.strip_prefix(from), self.names.get(&old).copied()) {
                self.names.insert(to.join(rest), inode);
                self.names.remove(&old);
            }
        }
        Ok(())
    }

    /// Whether this sync is one that is to fail.
    fn sync_fails(&mut self, inode: u64) -> bool {
        let Some(wanted) = &self.fail_sync_of else { return false };
        if !self.name_of(inode).contains(wanted.as_str()) {
            return false;
        }
        let fails = self.fail_syncs_after == 0;
        self.fail_syncs_after = self.fail_syncs_after.saturating_sub(1);
        fails
    }
}

impl SimDisk {
    /// An empty disk without limits.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state, once a sync of this file is not held any more.
    fn state_when_not_held(&self, inode: u64) -> MutexGuard<'_, State> {
        let mut state = self.state();
        let held = |state: &State| {
            let wanted = state.hold_sync_of.as_deref();
            wanted.is_some_and(|wanted| state.name_of(inode).contains(wanted))
        };
        if held(&state) {
            state.held += 1;
            self.0.moved.notify_all();
            while held(&state) {
                state = self.0.moved.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            state.held -= 1;
        }
        state
    }

    /// Syncs of files whose name contains `name` do not come back until [`SimDisk::let_go`].
    pub fn hold_syncs(&self, name: &str) {
        self.state().hold_sync_of = Some(name.to_owned());
    }

    /// Ends [`SimDisk::hold_syncs`].
    pub fn let_go(&self) {
        self.state().hold_sync_of = None;
        self.0.moved.notify_all();
    }

    /// Blocks until a sync is being held.
    pub fn wait_until_held(&self) {
        let mut state = self.state();
        while state.held == 0 {
            state = self.0.moved.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Changes so far: writes, syncs, and changes of names and lengths.
    #[must_use]
    pub fn changes(&self) -> u64 {
        self.state().changes
    }

    /// The power goes before the change of that number (counted from 0 over the disk's whole life).
    pub fn cut_at(&self, change: u64) {
        self.state().cut_at = Some(change);
    }

    /// Whether the power is off.
    #[must_use]
    pub fn is_off(&self) -> bool {
        self.state().off
    }

    /// The machine is started again; `loss` says what of the unsynced is still there. Handles and locks from before are
    /// dead, and planned faults are forgotten.
    pub fn restore(&self, loss: Loss) {
        let mut state = self.state();
        let state = &mut *state;
        let coins = match loss {
            Loss::Torn(seed) => Some(SeededRandom::new(seed)),
            _ => None,
        };
        let survives = |_: &()| match (&coins, loss) {
            (Some(coins), _) => coins.below(2) == 0,
            (None, loss) => loss == Loss::Nothing,
        };
        for inode in state.inodes.values_mut() {
            inode.lose(|| survives(&()));
        }
        if survives(&()) {
            state.durable_names = state.names.clone();
        }
        state.names = state.durable_names.clone();
        let named: Vec<u64> = state.names.values().copied().collect();
        state.inodes.retain(|inode, _| named.contains(inode));
        state.locks.clear();
        state.life += 1;
        state.off = false;
        state.cut_at = None;
        state.fail_sync_of = None;
    }

    /// After `after` more successful ones, syncs of files whose name contains `name` fail, each time.
    pub fn fail_syncs(&self, name: &str, after: u64) {
        let mut state = self.state();
        state.fail_sync_of = Some(name.to_owned());
        state.fail_syncs_after = after;
    }

    /// Room for so many octets in all, or without limit.
    pub fn set_capacity(&self, capacity: Option<u64>) {
        self.state().capacity = capacity;
    }

    /// The most writes of files named `log-…` that were unsynced at once.
    #[must_use]
    pub fn most_unsynced(&self) -> usize {
        self.state().most_unsynced
    }

    /// Files cannot be allocated from now on, as on some file systems.
    pub fn refuse_allocation(&self) {
        self.state().refuses_allocation = true;
    }

    /// How often a file was allocated.
    #[must_use]
    pub fn allocated(&self) -> u64 {
        self.state().allocated
    }

    /// Octets in all files.
    #[must_use]
    pub fn used(&self) -> u64 {
        self.state().used()
    }

    /// Paths and lengths of all files.
    #[must_use]
    pub fn files(&self) -> Vec<(PathBuf, u64)> {
        let state = self.state();
        let len = |inode: &u64| state.inodes.get(inode).map_or(0, Inode::len);
        state
            .names
            .iter()
            .map(|(path, inode)| (path.clone(), len(inode)))
            .collect()
    }

    /// The octets of a file as they are read now.
    #[must_use]
    pub fn contents(&self, path: &Path) -> Option<Vec<u8>> {
        let state = self.state();
        let inode = state.names.get(path)?;
        state.inodes.get(inode).map(|inode| inode.seen().to_vec())
    }

    /// Flips one bit on the device and in what is read of it.
    pub fn flip(&self, path: &Path, offset: u64, bit: u8) {
        let mut state = self.state();
        let inode = state.names.get(path).copied();
        if let Some(inode) = inode.and_then(|inode| state.inodes.get_mut(&inode)) {
            inode.flip(offset, bit);
        }
    }

    /// A copy of everything on it, with the same loss of unsynced writes as a power cut: for trying the same moment
    /// several ways.
    #[must_use]
    pub fn fork(&self) -> Self {
        let state = self.state();
        let state = State {
            names: state.names.clone(),
            durable_names: state.durable_names.clone(),
            inodes: state.inodes.clone(),
            next_inode: state.next_inode,
            locks: BTreeMap::new(),
            life: state.life + 1,
            changes: state.changes,
            cut_at: None,
            off: state.off,
            fail_sync_of: None,
            fail_syncs_after: 0,
            hold_sync_of: None,
            held: 0,
            allocated: 0,
            refuses_allocation: state.refuses_allocation,
            most_unsynced: 0,
            capacity: state.capacity,
        };
        Self(Arc::new(Machine {
            state: Mutex::new(state),
            moved: Condvar::new(),
        }))
    }
}

impl Disk for SimDisk {
    fn open(&self, path: &Path, how: FileUse) -> io::Result<Arc<dyn DiskFile>> {
        let mut state = self.state();
        let life = state.life;
        state.check_life(life)?;
        let inode = match state.names.get(path) {
            Some(inode) => *inode,
            None if how.create => {
                state.change(life)?;
                let inode = state.next_inode;
                state.next_inode += 1;
                state.inodes.insert(inode, Inode::default());
                state.names.insert(path.to_owned(), inode);
                inode
            }
            None => return Err(io::ErrorKind::NotFound.into()),
        };
        Ok(Arc::new(SimFile::new(self.clone(), inode, life)))
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        Ok(self.state().names.contains_key(path))
    }

    fn create_dirs(&self, _path: &Path) -> io::Result<()> {
        Ok(())
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<String>> {
        let state = self.state();
        let inside = state.names.keys().filter(|path| path.parent() == Some(directory));
        Ok(inside
            .filter_map(|path| path.file_name())
            .map(|name| name.to_string_lossy().into_owned())
            .collect())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        let life = state.life;
        state.change(life)?;
        state
            .names
            .remove(path)
            .map(|_| ())
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state();
        let life = state.life;
        state.change(life)?;
        if let Some(inode) = state.names.remove(from) {
            state.names.insert(to.to_owned(), inode);
            return Ok(());
        }
        state.rename_directory(from, to)
    }

    fn sync_dir(&self, _directory: &Path) -> io::Result<()> {
        let mut state = self.state();
        let life = state.life;
        state.change(life)?;
        state.durable_names = state.names.clone();
        Ok(())
    }

    fn free_bytes(&self, _directory: &Path) -> io::Result<u64> {
        let state = self.state();
        Ok(state
            .capacity
            .map_or(u64::MAX / 2, |capacity| capacity.saturating_sub(state.used())))
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn DiskLock>> {
        let mut state = self.state();
        let life = state.life;
        state.check_life(life)?;
        if state.locks.contains_key(path) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        state.locks.insert(path.to_owned(), life);
        Ok(Box::new(SimLock {
            disk: self.clone(),
            path: path.to_owned(),
            life,
        }))
    }
}

#[derive(Debug)]
struct SimLock {
    disk: SimDisk,
    path: PathBuf,
    life: u64,
}

impl DiskLock for SimLock {}

impl Drop for SimLock {
    fn drop(&mut self) {
        let mut state = self.disk.state();
        if state.locks.get(&self.path) == Some(&self.life) {
            state.locks.remove(&self.path);
        }
    }
}
