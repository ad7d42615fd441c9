//! One file of the simulated disk.

use std::io;

use mmsc_ports::disk::DiskFile;

use super::{SECTOR, SimDisk, power_off};

/// A change to a file that is not durable yet.
#[derive(Debug, Clone)]
enum Unsynced {
    Write { offset: usize, octets: Vec<u8> },
    Length(usize),
}

/// A file's octets: on the device, and as they are read.
#[derive(Debug, Clone, Default)]
pub(super) struct Inode {
    device: Vec<u8>,
    cached: Vec<u8>,
    unsynced: Vec<Unsynced>,
}

impl Inode {
    pub(super) fn len(&self) -> u64 {
        self.cached.len() as u64
    }

    pub(super) fn seen(&self) -> &[u8] {
        &self.cached
    }

    pub(super) fn flip(&mut self, offset: u64, bit: u8) {
        let at = usize::try_from(offset).unwrap_or(usize::MAX);
        for octets in [&mut self.device, &mut self.cached] {
            if let Some(octet) = octets.get_mut(at) {
                *octet ^= 1 << (bit % 8);
            }
        }
    }

    /// Ends the unsynced changes: of each, the sectors that `survives` grants reach the device.
    pub(super) fn lose(&mut self, mut survives: impl FnMut() -> bool) {
        for change in std::mem::take(&mut self.unsynced) {
            match change {
                Unsynced::Length(len) => {
                    if survives() {
                        self.device.resize(len, 0);
                    }
                }
                Unsynced::Write { offset, octets } => {
                    let mut at = offset;
                    for part in sectors(offset, &octets) {
                        if survives() {
                            put(&mut self.device, at, part);
                        }
                        at += part.len();
                    }
                }
            }
        }
        self.cached = self.device.clone();
    }

    /// Writes of it that are not durable yet.
    pub(super) fn unsynced_writes(&self) -> usize {
        let is_write = |change: &&Unsynced| matches!(change, Unsynced::Write { .. });
        self.unsynced.iter().filter(is_write).count()
    }

    fn sync(&mut self) {
        self.unsynced.clear();
        self.device.clone_from(&self.cached);
    }

    /// What Linux does with a sync that failed: the pages count as clean, whether or not they are on the device.
    fn fail_sync(&mut self) {
        self.unsynced.clear();
    }

    fn drop_cache(&mut self) {
        self.cached.clone_from(&self.device);
        for change in &self.unsynced {
            match change {
                Unsynced::Length(len) => self.cached.resize(*len, 0),
                Unsynced::Write { offset, octets } => put(&mut self.cached, *offset, octets),
            }
        }
    }
}

/// `octets` cut where sectors of the file end.
fn sectors(offset: usize, octets: &[u8]) -> Vec<&[u8]> {
    let first = (SECTOR - offset % SECTOR).min(octets.len());
    let (head, rest) = octets.split_at(first);
    std::iter::once(head).chain(rest.chunks(SECTOR)).collect()
}

fn put(to: &mut Vec<u8>, offset: usize, octets: &[u8]) {
    let end = offset + octets.len();
    if to.len() < end {
        to.resize(end, 0);
    }
    if let Some(place) = to.get_mut(offset..end) {
        place.copy_from_slice(octets);
    }
}

/// A handle on a file, of one life of the machine.
#[derive(Debug)]
pub(super) struct SimFile {
    disk: SimDisk,
    inode: u64,
    life: u64,
}

impl SimFile {
    pub(super) fn new(disk: SimDisk, inode: u64, life: u64) -> Self {
        Self { disk, inode, life }
    }

    fn with<T>(&self, work: impl FnOnce(&mut Inode) -> io::Result<T>) -> io::Result<T> {
        let mut state = self.disk.state();
        state.check_life(self.life)?;
        match state.inodes.get_mut(&self.inode) {
            Some(inode) => work(inode),
            None => Err(power_off()),
        }
    }

    fn change(&self, grown_to: usize, work: impl FnOnce(&mut Inode)) -> io::Result<()> {
        let mut state = self.disk.state();
        state.change(self.life)?;
        let len = state.inodes.get(&self.inode).map_or(0, |inode| inode.cached.len());
        state.check_room(grown_to.saturating_sub(len) as u64)?;
        match state.inodes.get_mut(&self.inode) {
            Some(inode) => work(inode),
            None => return Err(power_off()),
        }
        state.count_unsynced();
        Ok(())
    }
}

fn index(offset: u64) -> io::Result<usize> {
    usize::try_from(offset).map_err(|_| io::ErrorKind::InvalidInput.into())
}

impl DiskFile for SimFile {
    fn len(&self) -> io::Result<u64> {
        self.with(|inode| Ok(inode.len()))
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let offset = index(offset)?;
        self.with(|inode| match inode.cached.get(offset..offset + out.len()) {
            Some(octets) => {
                out.copy_from_slice(octets);
                Ok(())
            }
            None => Err(io::ErrorKind::UnexpectedEof.into()),
        })
    }

    fn write_at(&self, offset: u64, octets: &[u8]) -> io::Result<()> {
        let offset = index(offset)?;
        self.change(offset + octets.len(), |inode| {
            put(&mut inode.cached, offset, octets);
            inode.unsynced.push(Unsynced::Write {
                offset,
                octets: octets.to_vec(),
            });
        })
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let len = index(len)?;
        self.change(len, |inode| {
            inode.cached.resize(len, 0);
            inode.unsynced.push(Unsynced::Length(len));
        })
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        self.disk.state().allocate()?;
        self.set_len(len)
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.disk.state_when_not_held(self.inode);
        state.change(self.life)?;
        let fails = state.sync_fails(self.inode);
        match state.inodes.get_mut(&self.inode) {
            Some(inode) if fails => {
                inode.fail_sync();
                Err(io::Error::other("the device reported an error (simulated)"))
            }
            Some(inode) => {
                inode.sync();
                Ok(())
            }
            None => Err(power_off()),
        }
    }

    fn drop_cache(&self) -> io::Result<()> {
        self.with(|inode| {
            inode.drop_cache();
            Ok(())
        })
    }
}
