//! From a backup to a store: copied whole, verified whole, and only then named.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use mmsc_ports::disk::{AlignedBuf, Disk, FileUse};

use super::draft::Draft;
use super::manifest::{BACKUP_FILE, ContentRow, Manifest, Tally, all_rows};
use super::{BackupError, BackupReport, CACHE_BYTES};
use crate::embedded::frame::read_frame;
use crate::embedded::index::{INDEX_FILE, Index};
use crate::embedded::meta::{self, META_FILE, Secret};
use crate::embedded::recover::read_place;
use crate::embedded::rows::Space;
use crate::embedded::segments::{SEGMENT_USE, Segment, is_store_file, number_of};

const CHUNK: usize = 1024 * 1024;

/// Copies the backup `from` to `to`, which has to be empty or new, and verifies the copy: the digest of every content,
/// the checksums of index and log, and the counts and the digest of everything that were written with the backup. `from`
/// is only read. Blocks until that is done.
///
/// # Errors
/// [`BackupError`]; nothing stands at `to` then.
pub fn restore(disk: &Arc<dyn Disk>, from: &Path, to: &Path) -> Result<BackupReport, BackupError> {
    let manifest = read_manifest(disk.as_ref(), from)?;
    let draft = Draft::begin(Arc::clone(disk), to)?;
    let made = copy_all(disk.as_ref(), from, draft.path())
        .and_then(|()| verify(disk.as_ref(), draft.path(), &manifest))
        .map(|()| manifest.report());
    draft.end(made)
}

fn read_manifest(disk: &dyn Disk, from: &Path) -> Result<Manifest, BackupError> {
    let has = |name: &str| {
        disk.exists(&from.join(name))
            .map_err(BackupError::io("looking for the backup"))
    };
    let why = match (has(BACKUP_FILE)?, has(META_FILE)?) {
        (true, true) => return Manifest::read(disk, from),
        (true, false) => "it has no file STORE, so it was never finished",
        (false, true) => {
            "it has a file STORE and no file BACKUP, so it is a store, or a backup that was opened as one; \
             a store is copied as it is while nothing runs on it"
        }
        (false, false) => "it has neither a file BACKUP nor a file STORE",
    };
    Err(BackupError::NotABackup {
        path: from.to_owned(),
        why,
    })
}

/// The file STORE comes last: without it nothing is opened.
fn copy_all(disk: &dyn Disk, from: &Path, to: &Path) -> Result<(), BackupError> {
    let names = disk.list(from).map_err(BackupError::io("listing the backup"))?;
    let files = names.iter().map(String::as_str).filter(|name| is_store_file(name));
    for name in files.chain([META_FILE]) {
        copy_file(disk, &from.join(name), &to.join(name))?;
        disk.sync_dir(to).map_err(BackupError::io("naming a file"))?;
    }
    Ok(())
}

fn copy_file(disk: &dyn Disk, from: &Path, to: &Path) -> Result<(), BackupError> {
    let reading = || BackupError::io("reading the backup");
    let writing = || BackupError::io("writing the store");
    let source = disk.open(from, FileUse::EXISTING).map_err(reading())?;
    let target = disk.open(to, FileUse::CREATE).map_err(writing())?;
    let len = source.len().map_err(reading())?;
    target.set_len(len).map_err(writing())?;
    let mut buffer = AlignedBuf::new();
    let mut offset = 0;
    while offset < len {
        let part = usize::try_from(len - offset).unwrap_or(CHUNK).min(CHUNK);
        buffer.resize(part);
        source.read_at(offset, buffer.as_mut_slice()).map_err(reading())?;
        // It is full of zeros already.
        if buffer.as_slice().iter().any(|octet| *octet != 0) {
            target.write_at(offset, buffer.as_slice()).map_err(writing())?;
        }
        offset += part as u64;
    }
    // What is verified afterwards is what the device has.
    target.sync().and_then(|()| target.drop_cache()).map_err(writing())
}

/// Goes through everything and compares.
fn verify(disk: &dyn Disk, directory: &Path, manifest: &Manifest) -> Result<(), BackupError> {
    let secret = meta::read(disk, &directory.join(META_FILE)).map_err(BackupError::damaged)?;
    let segments = segments(disk, directory)?;
    for segment in segments.values() {
        check_frames(segment, &secret)?;
    }
    if !disk
        .exists(&directory.join(INDEX_FILE))
        .map_err(BackupError::io("looking for the index"))?
    {
        return Err(BackupError::Damaged(format!("{INDEX_FILE} is missing")));
    }
    let index = Index::open(disk, directory, CACHE_BYTES).map_err(BackupError::damaged)?;
    let (version, tally) = go_through(&index, &segments)?;
    index.close().map_err(BackupError::damaged)?;
    manifest.compare(version, tally)
}

fn segments(disk: &dyn Disk, directory: &Path) -> Result<BTreeMap<u64, Segment>, BackupError> {
    let opening = || BackupError::io("opening the log");
    let mut segments = BTreeMap::new();
    for name in disk.list(directory).map_err(opening())? {
        let Some(number) = number_of(&name) else { continue };
        let file = disk.open(&directory.join(&name), SEGMENT_USE).map_err(opening())?;
        let len = file.len().map_err(opening())?;
        segments.insert(number, Segment { number, file, len });
    }
    Ok(segments)
}

/// Frames from the start on, and zeros behind them.
fn check_frames(segment: &Segment, secret: &Secret) -> Result<(), BackupError> {
    let reading = || BackupError::io("reading the log");
    let (file, number, len) = (segment.file.as_ref(), segment.number, segment.len);
    let mut buffer = AlignedBuf::new();
    let mut offset = 0;
    while let Some(frame) = read_frame(file, number, offset, len, secret, &mut buffer).map_err(reading())? {
        offset = frame.end();
    }
    while offset < len {
        buffer.clear();
        buffer.resize(usize::try_from(len - offset).unwrap_or(CHUNK).min(CHUNK));
        file.read_at(offset, buffer.as_mut_slice()).map_err(reading())?;
        if let Some(at) = buffer.as_slice().iter().position(|octet| *octet != 0) {
            let at = offset + at as u64;
            return Err(BackupError::Damaged(format!(
                "log segment {number:016x} cannot be read at {at}"
            )));
        }
        offset += buffer.len() as u64;
    }
    Ok(())
}

fn go_through(index: &Index, segments: &BTreeMap<u64, Segment>) -> Result<(u64, Tally), BackupError> {
    let base = index.base().map_err(BackupError::damaged)?;
    let mut tally = Tally::default();
    for row in all_rows(&base, Space::Rows).map_err(BackupError::damaged)? {
        tally.row(&row.map_err(BackupError::damaged)?);
    }
    for row in all_rows(&base, Space::Content).map_err(BackupError::damaged)? {
        let row = ContentRow::read(&row.map_err(BackupError::damaged)?)
            .ok_or_else(|| BackupError::damaged("a row about content cannot be read"))?;
        tally.content_row(&row);
        if let ContentRow::Place(id, place) = &row {
            let segment = segments
                .get(&place.segment)
                .ok_or_else(|| BackupError::Damaged(format!("log segment {:016x} is missing", place.segment)))?;
            let octets = read_place(segment, place).map_err(BackupError::io("reading the log"))?;
            octets.ok_or_else(|| BackupError::Damaged(format!("content {id} does not match its digest")))?;
        }
    }
    Ok((base.position.version, tally))
}
