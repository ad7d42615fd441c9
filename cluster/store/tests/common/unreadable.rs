//! The simulated disk, with one read of the index that fails.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use mmsc_ports::disk::{Disk, DiskFile, DiskLock, FileUse};
use mmsc_store::sim::SimDisk;

/// Reads of the index until one fails; below zero none does.
#[derive(Debug, Clone)]
pub struct Unreadable {
    pub disk: SimDisk,
    pub reads_left: Arc<AtomicI64>,
    held: Arc<Held>,
}

#[derive(Debug, Default)]
struct Held {
    /// Whether reads of the index are held, and how many are.
    state: Mutex<(bool, u32)>,
    moved: Condvar,
}

#[derive(Debug)]
struct File {
    file: Arc<dyn DiskFile>,
    reads_left: Arc<AtomicI64>,
    held: Arc<Held>,
}

impl Held {
    fn wait(&self) {
        let mut state = self.state.lock().unwrap();
        state.1 += 1;
        while state.0 {
            state = self.moved.wait(state).unwrap();
        }
        state.1 -= 1;
    }
}

impl Unreadable {
    pub fn new(disk: &SimDisk) -> Self {
        Self {
            disk: disk.clone(),
            reads_left: Arc::new(AtomicI64::new(-1)),
            held: Arc::default(),
        }
    }

    /// Whether reads of the index do not come back.
    pub fn hold_reads(&self, hold: bool) {
        self.held.state.lock().unwrap().0 = hold;
        self.held.moved.notify_all();
    }

    /// Until a read is being held.
    pub async fn wait_until_held(&self) {
        for _ in 0..2_000 {
            if self.held.state.lock().unwrap().1 > 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("nothing reads the index");
    }
}

impl DiskFile for File {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.held.wait();
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
            held: Arc::clone(&self.held),
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
