//! The simulated disk, with one read of the index that fails.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use mmsc_ports::disk::{Disk, DiskFile, DiskLock, FileUse};
use mmsc_store::sim::SimDisk;

/// Reads of the index until one fails; below zero none does.
#[derive(Debug, Clone)]
pub struct Unreadable {
    pub disk: SimDisk,
    pub reads_left: Arc<AtomicI64>,
}

#[derive(Debug)]
struct File {
    file: Arc<dyn DiskFile>,
    reads_left: Arc<AtomicI64>,
}

impl Unreadable {
    pub fn new(disk: &SimDisk) -> Self {
        Self {
            disk: disk.clone(),
            reads_left: Arc::new(AtomicI64::new(-1)),
        }
    }
}

impl DiskFile for File {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        if self.reads_left.load(Ordering::SeqCst) >= 0 && self.reads_left.fetch_sub(1, Ordering::SeqCst) == 0 {
            return Err(io::Error::other("a bad block (simulated)"));
        }
        self.file.read_at(offset, out)
    }

    fn write_at(&self, offset: u64, octets: &[u8]) -> io::Result<()> {
        self.file.write_at(offset, octets)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        self.file.allocate(len)
    }

    fn sync(&self) -> io::Result<()> {
        self.file.sync()
    }

    fn drop_cache(&self) -> io::Result<()> {
        self.file.drop_cache()
    }
}

impl Disk for Unreadable {
    fn open(&self, path: &Path, how: FileUse) -> io::Result<Arc<dyn DiskFile>> {
        let file = self.disk.open(path, how)?;
        if !path.ends_with("rows.redb") {
            return Ok(file);
        }
        Ok(Arc::new(File {
            file,
            reads_left: Arc::clone(&self.reads_left),
        }))
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        self.disk.exists(path)
    }

    fn create_dirs(&self, path: &Path) -> io::Result<()> {
        self.disk.create_dirs(path)
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<String>> {
        self.disk.list(directory)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.disk.remove(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.disk.rename(from, to)
    }

    fn sync_dir(&self, directory: &Path) -> io::Result<()> {
        self.disk.sync_dir(directory)
    }

    fn free_bytes(&self, directory: &Path) -> io::Result<u64> {
        self.disk.free_bytes(directory)
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn DiskLock>> {
        self.disk.lock(path)
    }
}
