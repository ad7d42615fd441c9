//! The file BACKUP: what the backup holds, for people and for whoever restores it.

use std::fmt::Write as _;
use std::path::Path;

use mmsc_ports::disk::{Disk, FileUse};
use sha2::{Digest as _, Sha256};

use super::{BackupError, BackupReport};
use crate::content::ContentId;
use crate::embedded::change::Place;
use crate::embedded::index::{Base, IndexError};
use crate::embedded::rows::{Space, is_place_key};
use crate::key::{KeyRange, MAX_KEY};
use crate::txn::Row;

/// Its name.
pub(super) const BACKUP_FILE: &str = "BACKUP";
const TITLE: &str = "mmsc backup";
/// The newest format that this version reads, and the one that it writes.
const FORMAT: u32 = 1;
/// It is much shorter.
const MOST: usize = 4096;

/// All rows of either space, in key order.
pub(super) fn all_rows(
    base: &Base,
    space: Space,
) -> Result<impl Iterator<Item = Result<Row, IndexError>> + use<>, IndexError> {
    base.range(space, &KeyRange::new(Vec::new(), vec![0xFF; MAX_KEY + 1]), false)
}

/// A row about content, taken apart.
pub(super) enum ContentRow {
    Place(ContentId, Place),
    Holder(ContentId, bytes::Bytes),
}

impl ContentRow {
    /// `None` where the store never wrote such a row.
    pub(super) fn read((key, value): &Row) -> Option<Self> {
        let id = ContentId(key.get(..16)?.try_into().ok()?);
        if is_place_key(key) {
            return Some(Self::Place(id, Place::decode(value)?));
        }
        (key.len() > 17).then(|| Self::Holder(id, key.slice(17..)))
    }
}

/// Counts rows and contents, and sums them up in their order.
#[derive(Default)]
pub(super) struct Tally {
    digest: Sha256,
    rows: u64,
    row_bytes: u64,
    contents: u64,
    content_bytes: u64,
}

impl Tally {
    pub(super) fn row(&mut self, (key, value): &Row) {
        self.rows += 1;
        self.row_bytes += (key.len() + value.len()) as u64;
        self.sum(b'r', &[key, value]);
    }

    /// Where a content stands is no part of what it is.
    pub(super) fn content_row(&mut self, row: &ContentRow) {
        match row {
            ContentRow::Place(id, place) => {
                self.contents += 1;
                self.content_bytes += place.len;
                self.sum(b'c', &[&id.0, &place.len.to_be_bytes(), &place.sha256]);
            }
            ContentRow::Holder(id, holder) => self.sum(b'h', &[&id.0, holder]),
        }
    }

    fn sum(&mut self, tag: u8, parts: &[&[u8]]) {
        self.digest.update([tag]);
        for part in parts {
            self.digest.update((part.len() as u64).to_be_bytes());
            self.digest.update(part);
        }
    }
}

/// What stands in the file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Manifest {
    report: BackupReport,
    digest: String,
}

impl Manifest {
    pub(super) fn new(made_millis: u64, version: u64, tally: Tally) -> Self {
        let mut digest = String::new();
        for octet in tally.digest.finalize() {
            // Writing to a string does not fail.
            let _infallible = write!(digest, "{octet:02x}");
        }
        Self {
            report: BackupReport {
                version,
                made_millis,
                rows: tally.rows,
                row_bytes: tally.row_bytes,
                contents: tally.contents,
                content_bytes: tally.content_bytes,
            },
            digest,
        }
    }

    pub(super) fn report(&self) -> BackupReport {
        self.report
    }

    fn body(&self) -> String {
        let BackupReport {
            version,
            made_millis,
            rows,
            row_bytes,
            contents,
            content_bytes,
        } = self.report;
        format!(
            "{TITLE} {FORMAT}\nmade {made_millis}\nversion {version}\nrows {rows}\nrow-octets {row_bytes}\n\
             contents {contents}\ncontent-octets {content_bytes}\nsha256 {}\n",
            self.digest
        )
    }

    fn encode(&self) -> String {
        let body = self.body();
        let crc = crc32fast::hash(body.as_bytes());
        format!("{body}crc32 {crc:08x}\n")
    }

    fn decode(text: &str) -> Result<Self, BackupError> {
        let damaged = || BackupError::Damaged(format!("{BACKUP_FILE} cannot be read"));
        let mut lines = text.lines().map(|line| line.rsplit_once(' '));
        let mut next = |name: &str| {
            let (found, value) = lines.next().flatten().ok_or_else(damaged)?;
            if found == name { Ok(value) } else { Err(damaged()) }
        };
        let found: u32 = next(TITLE)?.parse().map_err(|_| damaged())?;
        if found > FORMAT {
            return Err(BackupError::Format {
                found,
                supported: FORMAT,
            });
        }
        let mut number = |name: &str| next(name)?.parse::<u64>().map_err(|_| damaged());
        let report = BackupReport {
            made_millis: number("made")?,
            version: number("version")?,
            rows: number("rows")?,
            row_bytes: number("row-octets")?,
            contents: number("contents")?,
            content_bytes: number("content-octets")?,
        };
        let digest = next("sha256")?.to_owned();
        let manifest = Self { report, digest };
        // It is what we would write, to the last octet.
        if manifest.encode() == text {
            Ok(manifest)
        } else {
            Err(damaged())
        }
    }

    /// Writes it, durably with all names of the directory.
    pub(super) fn write(&self, disk: &dyn Disk, directory: &Path) -> std::io::Result<()> {
        let file = disk.open(&directory.join(BACKUP_FILE), FileUse::CREATE)?;
        file.write_at(0, self.encode().as_bytes())?;
        file.sync()?;
        disk.sync_dir(directory)
    }

    pub(super) fn read(disk: &dyn Disk, directory: &Path) -> Result<Self, BackupError> {
        let reading = || BackupError::io("reading the file BACKUP");
        let file = disk
            .open(&directory.join(BACKUP_FILE), FileUse::EXISTING)
            .map_err(reading())?;
        let len = usize::try_from(file.len().map_err(reading())?).unwrap_or(MOST);
        let mut octets = vec![0; len.min(MOST)];
        file.read_at(0, &mut octets).map_err(reading())?;
        Self::decode(&String::from_utf8_lossy(&octets))
    }

    /// Says what of `found` is not as it was written.
    pub(super) fn compare(&self, version: u64, tally: Tally) -> Result<(), BackupError> {
        let found = Self::new(self.report.made_millis, version, tally);
        if found == *self {
            return Ok(());
        }
        Err(BackupError::Damaged(format!(
            "{BACKUP_FILE} says\n{}and this was found\n{}",
            self.body(),
            found.body()
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> Manifest {
        let mut tally = Tally::default();
        tally.row(&("key".into(), "value".into()));
        Manifest::new(1_700_000_000_000, 42, tally)
    }

    #[test]
    fn it_comes_back_as_it_was_written_and_every_changed_octet_is_noticed() {
        let text = manifest().encode();
        assert_eq!(Manifest::decode(&text).unwrap(), manifest());
        for at in 0..text.len() {
            let mut octets = text.clone().into_bytes();
            octets[at] ^= 1;
            let changed = String::from_utf8_lossy(&octets).into_owned();
            assert!(Manifest::decode(&changed).is_err(), "{changed}");
            assert!(Manifest::decode(text.split_at(at).0).is_err());
        }
    }

    #[test]
    fn where_one_row_ends_and_the_next_begins_counts() {
        let tally = |rows: &[(&'static str, &'static str)]| {
            let mut tally = Tally::default();
            rows.iter()
                .for_each(|(key, value)| tally.row(&((*key).into(), (*value).into())));
            Manifest::new(0, 0, tally).digest
        };
        assert_ne!(tally(&[("ab", "c")]), tally(&[("a", "bc")]));
        assert_ne!(tally(&[("a", "b"), ("c", "d")]), tally(&[("c", "d"), ("a", "b")]));
    }
}
