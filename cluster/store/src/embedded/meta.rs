//! The store's own file: format, secret, and whether it was left in order.

use std::path::Path;

use mmsc_ports::Random;
use mmsc_ports::disk::{Disk, FileUse};

use super::change::Reader;
use super::options::OpenError;

/// Name of the file.
pub(super) const META_FILE: &str = "STORE";
const TITLE: &[u8; 8] = b"MMSCSTOR";
/// The newest format that this version reads, and the one that it writes.
pub(super) const FORMAT: u32 = 1;

/// Known to this store alone: a message's content cannot look like a frame of the log.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Secret {
    magic: [u8; 16],
    seed: [u8; 16],
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl Secret {
    pub(super) fn new(random: &dyn Random) -> Self {
        let mut secret = Self {
            magic: [0; 16],
            seed: [0; 16],
        };
        random.fill(&mut secret.magic);
        random.fill(&mut secret.seed);
        secret
    }

    /// The octets that begin each frame.
    pub(super) fn magic(&self) -> &[u8; 16] {
        &self.magic
    }

    /// What each checksum begins with.
    pub(super) fn seed(&self) -> &[u8; 16] {
        &self.seed
    }
}

/// Reads the store's file, or makes one where nothing of a store exists yet.
pub(super) fn open(disk: &dyn Disk, directory: &Path, random: &dyn Random) -> Result<Secret, OpenError> {
    let path = directory.join(META_FILE);
    let exists = disk
        .exists(&path)
        .map_err(OpenError::io("looking for the store's file"))?;
    if exists {
        return read(disk, &path);
    }
    let names = disk
        .list(directory)
        .map_err(OpenError::io("listing the store's directory"))?;
    if let Some(name) = names.iter().find(|name| super::segments::is_store_file(name)) {
        return Err(OpenError::Damaged(format!("{name} exists but {META_FILE} is missing")));
    }
    let secret = Secret::new(random);
    write(disk, directory, &secret).map_err(OpenError::io("writing the store's file"))?;
    Ok(secret)
}

/// Reads the file of an existing store.
pub(super) fn read(disk: &dyn Disk, path: &Path) -> Result<Secret, OpenError> {
    let damaged = || OpenError::Damaged(format!("{META_FILE} is not the file of a store"));
    let file = disk
        .open(path, FileUse::EXISTING)
        .map_err(OpenError::io("opening the store's file"))?;
    let mut octets = [0u8; ENCODED];
    file.read_at(0, &mut octets)
        .map_err(OpenError::io("reading the store's file"))?;
    let mut reader = Reader(&octets);
    let title: [u8; 8] = reader.array().ok_or_else(damaged)?;
    let found = reader.u32().ok_or_else(damaged)?;
    if &title != TITLE {
        return Err(damaged());
    }
    if found > FORMAT {
        return Err(OpenError::Format {
            found,
            supported: FORMAT,
        });
    }
    let secret = Secret {
        magic: reader.array().ok_or_else(damaged)?,
        seed: reader.array().ok_or_else(damaged)?,
    };
    if reader.u32() != Some(crc32fast::hash(octets.get(..ENCODED - 4).unwrap_or_default())) {
        return Err(damaged());
    }
    Ok(secret)
}

const ENCODED: usize = 8 + 4 + 32 + 4;

/// Writes the file under another name first: where it stands, it is whole.
pub(super) fn write(disk: &dyn Disk, directory: &Path, secret: &Secret) -> std::io::Result<()> {
    let mut octets = Vec::with_capacity(ENCODED);
    octets.extend_from_slice(TITLE);
    octets.extend_from_slice(&FORMAT.to_be_bytes());
    octets.extend_from_slice(&secret.magic);
    octets.extend_from_slice(&secret.seed);
    octets.extend_from_slice(&crc32fast::hash(&octets).to_be_bytes());
    let draft = directory.join("STORE.new");
    let file = disk.open(&draft, FileUse::CREATE)?;
    file.write_at(0, &octets)?;
    file.sync()?;
    disk.rename(&draft, &directory.join(META_FILE))?;
    disk.sync_dir(directory)
}
