//! The disk: files that are read and written at offsets, made durable by an explicit sync — so that a simulated disk
//! with lost, torn and reordered writes can stand in.
//!
//! Everything here blocks; it is called from workers, or from whoever opens a store.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::sync::Arc;

use memmap2::{Advice, MmapMut};

/// Blocks of this size are written whole: a log frame starts at a multiple of it, and so does a direct write.
pub const BLOCK: usize = 4096;

/// How a file is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FileUse {
    /// Create the file if there is none.
    pub create: bool,
    /// Writes of whole aligned blocks go past the page cache where the file system can do that.
    pub direct: bool,
    /// Reads come from anywhere in the file: read nothing ahead.
    pub random: bool,
}

impl FileUse {
    /// An existing file, buffered.
    pub const EXISTING: Self = Self {
        create: false,
        direct: false,
        random: false,
    };
    /// A file that is created where there is none, buffered.
    pub const CREATE: Self = Self {
        create: true,
        direct: false,
        random: false,
    };
}

/// One open file.
pub trait DiskFile: Send + Sync + fmt::Debug + 'static {
    /// Its length in octets.
    fn len(&self) -> io::Result<u64>;

    /// Whether it has no octets.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Fills `out` from `offset`; `UnexpectedEof` when the file ends before that.
    fn read_at(&self, offset: u64, out: &mut [u8]) -> io::Result<()>;

    /// Writes all of `octets` at `offset`, growing the file as needed. Durable only after [`DiskFile::sync`].
    fn write_at(&self, offset: u64, octets: &[u8]) -> io::Result<()>;

    /// Cuts the file or grows it with zeros.
    fn set_len(&self, len: u64) -> io::Result<()>;

    /// Grows the file to `len` octets that have their room on the device, and are zeros until they are written. It costs
    /// no writing, but the first write of each octet is a change of the file's metadata, which its sync makes durable
    /// too. `Unsupported` where the file system cannot do it.
    fn allocate(&self, len: u64) -> io::Result<()>;

    /// Makes everything written so far durable, with the metadata that is needed to read it back. After an error the
    /// state of what was written since the last success is unknown, and a second sync proves nothing.
    fn sync(&self) -> io::Result<()>;

    /// Forgets cached pages that are clean, so that the next read comes from the device.
    fn drop_cache(&self) -> io::Result<()>;
}

/// A held lock; dropping it lets go.
pub trait DiskLock: Send + Sync + fmt::Debug + 'static {}

/// The directories and files of one machine.
pub trait Disk: Send + Sync + 'static {
    /// Opens a file.
    fn open(&self, path: &Path, how: FileUse) -> io::Result<Arc<dyn DiskFile>>;
    /// Whether something stands at `path`.
    fn exists(&self, path: &Path) -> io::Result<bool>;
    /// Makes a directory and those above it.
    fn create_dirs(&self, path: &Path) -> io::Result<()>;
    /// Names of the files in a directory, sorted.
    fn list(&self, directory: &Path) -> io::Result<Vec<String>>;
    /// Removes a file. Durable only after [`Disk::sync_dir`].
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Renames a file, replacing what stood at `to`. Durable only after [`Disk::sync_dir`].
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Makes creations, removals and renames in a directory durable.
    fn sync_dir(&self, directory: &Path) -> io::Result<()>;
    /// Octets that may still be written on the file system of `directory`.
    fn free_bytes(&self, directory: &Path) -> io::Result<u64>;
    /// Takes the exclusive lock `path` (created as needed), or ends with `WouldBlock` when another holds it. The
    /// operating system lets go when the process ends, however it ends.
    fn lock(&self, path: &Path) -> io::Result<Box<dyn DiskLock>>;
}

/// The operating system's file systems.
#[derive(Debug, Clone, Copy, Default)]
pub struct RealDisk;

impl Disk for RealDisk {
    fn open(&self, path: &Path, how: FileUse) -> io::Result<Arc<dyn DiskFile>> {
        let buffered = OpenOptions::new()
            .read(true)
            .write(true)
            .create(how.create)
            .truncate(false)
            .open(path)
            .or_else(|error| open_to_read(path, how, error))?;
        if how.random {
            rustix::fs::fadvise(&buffered, 0, None, rustix::fs::Advice::Random)?;
        }
        // Not every file system can write past the cache (some network and memory ones cannot): then buffered.
        let direct = how.direct.then(|| open_direct(path).ok()).flatten();
        Ok(Arc::new(RealFile { buffered, direct }))
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        path.try_exists()
    }

    fn create_dirs(&self, path: &Path) -> io::Result<()> {
        std::fs::create_dir_all(path)?;
        match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => self.sync_dir(parent),
            _ => Ok(()),
        }
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(directory)? {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                names.push(entry.file_name().to_string_lossy().into_owned());
            }
        }
        names.sort();
        Ok(names)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    fn sync_dir(&self, directory: &Path) -> io::Result<()> {
        File::open(directory)?.sync_all()
    }

    fn free_bytes(&self, directory: &Path) -> io::Result<u64> {
        let stat = rustix::fs::statvfs(directory)?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn DiskLock>> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Box::new(RealLock { _file: file })),
            Err(std::fs::TryLockError::WouldBlock) => Err(io::ErrorKind::WouldBlock.into()),
            Err(std::fs::TryLockError::Error(error)) => Err(error),
        }
    }
}

/// What may not be written can still be read: a backup on a medium that is mounted read-only.
fn open_to_read(path: &Path, how: FileUse, error: io::Error) -> io::Result<File> {
    match error.kind() {
        io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied if !how.create => File::open(path),
        _ => Err(error),
    }
}

fn open_direct(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).custom_flags(libc::O_DIRECT).open(path)
}

#[derive(Debug)]
struct RealLock {
    _file: File,
}

impl DiskLock for RealLock {}

#[derive(Debug)]
struct RealFile {
    buffered: File,
    direct: Option<File>,
}

impl DiskFile for RealFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.buffered.metadata()?.len())
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.buffered.read_exact_at(out, offset)
    }

    fn write_at(&self, offset: u64, octets: &[u8]) -> io::Result<()> {
        match &self.direct {
            Some(direct) if is_aligned(offset, octets) => direct.write_all_at(octets, offset),
            _ => self.buffered.write_all_at(octets, offset),
        }
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.buffered.set_len(len)
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        rustix::fs::fallocate(&self.buffered, rustix::fs::FallocateFlags::empty(), 0, len)?;
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        self.buffered.sync_data()
    }

    fn drop_cache(&self) -> io::Result<()> {
        rustix::fs::fadvise(&self.buffered, 0, None, rustix::fs::Advice::DontNeed)?;
        Ok(())
    }
}

fn is_aligned(offset: u64, octets: &[u8]) -> bool {
    let block = BLOCK as u64;
    offset.is_multiple_of(block) && octets.len().is_multiple_of(BLOCK) && octets.as_ptr().addr().is_multiple_of(BLOCK)
}

/// Large buffers take memory of their own in pages of this size, where the system gives such: a direct write then hands
/// the device one address instead of 512. Writes of 700 KiB to 1 MiB were measured 1.2 to 1.5 times as fast.
const HUGE_PAGE: usize = 2 * 1024 * 1024;
/// Smaller buffers are not worth a huge page.
const SMALL: usize = 128 * 1024;

/// Zeros that begin at any address, or pages of the system.
#[derive(Debug)]
enum Memory {
    Heap(Vec<u8>),
    Pages(MmapMut),
}

impl Memory {
    /// At least `len` octets from the first multiple of [`BLOCK`] on.
    fn zeroed(len: usize) -> Self {
        if len <= SMALL {
            return Self::Heap(vec![0; len + BLOCK]);
        }
        match MmapMut::map_anon(len.next_multiple_of(HUGE_PAGE)) {
            Ok(pages) => {
                // Only a hint.
                let _taken = pages.advise(Advice::HugePage);
                Self::Pages(pages)
            }
            Err(_) => Self::Heap(vec![0; len + BLOCK]),
        }
    }

    fn octets(&self) -> &[u8] {
        match self {
            Self::Heap(octets) => octets,
            Self::Pages(pages) => pages,
        }
    }

    fn octets_mut(&mut self) -> &mut [u8] {
        match self {
            Self::Heap(octets) => octets,
            Self::Pages(pages) => pages,
        }
    }
}

/// A buffer whose octets start at a multiple of [`BLOCK`] in memory, as direct writes need. It grows in whole blocks
/// and keeps its memory over [`AlignedBuf::clear`].
#[derive(Debug)]
pub struct AlignedBuf {
    memory: Memory,
    start: usize,
    len: usize,
}

impl Default for AlignedBuf {
    fn default() -> Self {
        Self {
            memory: Memory::Heap(Vec::new()),
            start: 0,
            len: 0,
        }
    }
}

impl AlignedBuf {
    /// An empty buffer.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Zeros of length `len`.
    #[must_use]
    pub fn zeroed(len: usize) -> Self {
        let mut buffer = Self::new();
        buffer.resize(len);
        buffer
    }

    /// Octets in it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Forgets the octets and keeps the memory.
    pub fn clear(&mut self) {
        self.len = 0;
    }

    /// Makes it `len` octets long; what is added is zero.
    pub fn resize(&mut self, len: usize) {
        self.reserve(len);
        if len > self.len {
            let (from, to) = (self.start + self.len, self.start + len);
            if let Some(added) = self.memory.octets_mut().get_mut(from..to) {
                added.fill(0);
            }
        }
        self.len = len;
    }

    /// Appends octets.
    pub fn extend_from_slice(&mut self, octets: &[u8]) {
        let from = self.len;
        self.reserve(from + octets.len());
        self.len += octets.len();
        let start = self.start + from;
        if let Some(room) = self.memory.octets_mut().get_mut(start..start + octets.len()) {
            room.copy_from_slice(octets);
        }
    }

    /// The octets.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        self.memory
            .octets()
            .get(self.start..self.start + self.len)
            .unwrap_or_default()
    }

    /// The octets, to change.
    pub fn as_mut_slice(&mut self) -> &mut [u8] {
        self.memory
            .octets_mut()
            .get_mut(self.start..self.start + self.len)
            .unwrap_or_default()
    }

    fn reserve(&mut self, len: usize) {
        let room = self.memory.octets().len();
        if self.start + len <= room {
            return;
        }
        let mut memory = Memory::zeroed(len.next_multiple_of(BLOCK).max(room.saturating_mul(2)));
        let start = memory.octets().as_ptr().align_offset(BLOCK).min(BLOCK);
        let kept = self.as_slice();
        if let Some(place) = memory.octets_mut().get_mut(start..start + kept.len()) {
            place.copy_from_slice(kept);
        }
        self.memory = memory;
        self.start = start;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_aligned_buffer_stays_aligned_while_it_grows() {
        let mut buffer = AlignedBuf::new();
        let mut expected = Vec::new();
        for step in 0..200usize {
            let octets = vec![u8::try_from(step).unwrap(); step * 37];
            buffer.extend_from_slice(&octets);
            expected.extend_from_slice(&octets);
        }
        assert_eq!(buffer.as_slice(), expected.as_slice());
        buffer.resize(expected.len().next_multiple_of(BLOCK));
        assert!(is_aligned(0, buffer.as_slice()));
        assert!(buffer.as_slice().iter().skip(expected.len()).all(|octet| *octet == 0));
    }

    #[test]
    fn memory_that_is_used_again_holds_nothing_old() {
        let mut buffer = AlignedBuf::new();
        buffer.extend_from_slice(&[7; 5000]);
        buffer.clear();
        buffer.resize(BLOCK);
        assert!(buffer.as_slice().iter().all(|octet| *octet == 0));
    }

    #[test]
    fn what_was_written_directly_is_read_back_and_a_lock_is_exclusive() {
        let directory = std::env::temp_dir().join(format!("mmsc-disk-{}", std::process::id()));
        let disk = RealDisk;
        disk.create_dirs(&directory).unwrap();
        let how = FileUse {
            create: true,
            direct: true,
            random: true,
        };
        let file = disk.open(&directory.join("a"), how).unwrap();
        let mut buffer = AlignedBuf::zeroed(2 * BLOCK);
        buffer.as_mut_slice().fill(3);
        file.write_at(BLOCK as u64, buffer.as_slice()).unwrap();
        file.write_at(10, b"unaligned").unwrap();
        file.sync().unwrap();
        file.drop_cache().unwrap();
        let mut read = [0u8; 9];
        file.read_at(10, &mut read).unwrap();
        assert_eq!(&read, b"unaligned");
        file.read_at(3 * BLOCK as u64 - 9, &mut read).unwrap();
        assert_eq!(read, [3; 9]);
        assert!(file.read_at(3 * BLOCK as u64 - 8, &mut read).is_err());

        let held = disk.lock(&directory.join("LOCK")).unwrap();
        assert_eq!(
            disk.lock(&directory.join("LOCK")).unwrap_err().kind(),
            io::ErrorKind::WouldBlock
        );
        drop(held);
        disk.lock(&directory.join("LOCK")).unwrap();
        assert!(disk.free_bytes(&directory).unwrap() > 0);
        assert_eq!(disk.list(&directory).unwrap(), ["LOCK", "a"]);
        std::fs::remove_dir_all(&directory).unwrap();
    }
}
