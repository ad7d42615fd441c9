//! Which segments of the log there must be, and how long each is: without that, a file that is gone or was cut looks as
//! if the log had ended there, and what was acknowledged after it would be lost in silence.
//!
//! It is written ahead: a segment is entered once it is made and durably named, and handed to the log only after
//! that. So no change of segments waits for it, and every segment that holds a frame is entered. Numbers rise by one, so
//! the highest one says it all: from the segment up to which the index goes on, each number up to it has a file. (Only
//! what lies before is used again under another number.) Lengths are the same until the options change, so only the
//! changes are kept.
//!
//! It stands in the store's own file, behind what [`super::meta`] keeps there, in two slots that are written in turn: a
//! write that was cut off leaves the other one, which says what was true before.

use std::io;
use std::path::Path;
use std::sync::Arc;

use mmsc_ports::disk::{BLOCK, Disk, DiskFile, FileUse};

use super::change::Reader;
use super::index::Position;
use super::meta::META_FILE;
use super::options::OpenError;
use super::segments::Segment;

/// Changes of the length that are remembered; of segments before the oldest one no length is known.
const LENGTHS: usize = 16;
/// Octets of a slot, which stands in a block of its own.
const SLOT: usize = 8 + 8 + 4 + LENGTHS * 16 + 4;
const SLOTS: u64 = 2;

/// From a segment's number on, the length of all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Length {
    from: u64,
    len: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Record {
    sequence: u64,
    highest: u64,
    lengths: Vec<Length>,
}

impl Record {
    fn encode(&self) -> Vec<u8> {
        let mut octets = Vec::with_capacity(SLOT);
        octets.extend_from_slice(&self.sequence.to_be_bytes());
        octets.extend_from_slice(&self.highest.to_be_bytes());
        let count = u32::try_from(self.lengths.len()).unwrap_or(u32::MAX);
        octets.extend_from_slice(&count.to_be_bytes());
        for length in &self.lengths {
            octets.extend_from_slice(&length.from.to_be_bytes());
            octets.extend_from_slice(&length.len.to_be_bytes());
        }
        octets.resize(SLOT - 4, 0);
        octets.extend_from_slice(&crc32fast::hash(&octets).to_be_bytes());
        octets
    }

    fn decode(octets: &[u8]) -> Option<Self> {
        let (body, crc) = octets.split_at_checked(SLOT - 4)?;
        if crc != crc32fast::hash(body).to_be_bytes() {
            return None;
        }
        let mut reader = Reader(body);
        let (sequence, highest, count) = (reader.u64()?, reader.u64()?, reader.u32()?);
        let mut lengths = Vec::new();
        for _ in 0..usize::try_from(count).unwrap_or(LENGTHS).min(LENGTHS) {
            lengths.push(Length {
                from: reader.u64()?,
                len: reader.u64()?,
            });
        }
        Some(Self {
            sequence,
            highest,
            lengths,
        })
    }

    fn enter(&mut self, number: u64, len: u64) {
        self.sequence += 1;
        self.highest = number;
        if self.lengths.last().is_none_or(|last| last.len != len) {
            self.lengths.push(Length { from: number, len });
        }
        if self.lengths.len() > LENGTHS {
            self.lengths.remove(0);
        }
    }

    fn len_of(&self, number: u64) -> Option<u64> {
        let known = self.lengths.iter().rev().find(|length| length.from <= number);
        known.filter(|_| number <= self.highest).map(|length| length.len)
    }

    /// Refuses segments of another length than they were made with, and a log with a file missing.
    fn check(&self, found: &[Arc<Segment>], known: Position) -> Result<(), OpenError> {
        for segment in found {
            if let Some(len) = self.len_of(segment.number).filter(|len| *len != segment.len) {
                return Err(OpenError::Damaged(format!(
                    "log segment {:016x} has {} octets and was made with {len}",
                    segment.number, segment.len
                )));
            }
        }
        let missing = |number: u64| found.binary_search_by_key(&number, |segment| segment.number).is_err();
        if known.segment > 0 && missing(known.segment) {
            return Err(OpenError::Damaged(format!(
                "log segment {:016x} is missing, and the index goes up to it",
                known.segment
            )));
        }
        let Some(first) = self.lengths.first() else {
            return Ok(());
        };
        match (known.segment.max(first.from)..=self.highest).find(|number| missing(*number)) {
            Some(number) => Err(OpenError::Damaged(format!(
                "log segment {number:016x} is missing: the last one that was made is {:016x}",
                self.highest
            ))),
            None => Ok(()),
        }
    }
}

/// The inventory of an open store.
#[derive(Debug)]
pub(super) struct Inventory {
    file: Arc<dyn DiskFile>,
    record: Record,
}

impl Inventory {
    /// Reads it and compares it with what was found, sorted by number. A store from before there was one has no entries,
    /// and is believed.
    pub(super) fn open(
        disk: &dyn Disk,
        directory: &Path,
        found: &[Arc<Segment>],
        known: Position,
    ) -> Result<Self, OpenError> {
        let reading = || OpenError::io("reading the log's inventory");
        let file = disk
            .open(&directory.join(META_FILE), FileUse::EXISTING)
            .map_err(reading())?;
        file.sync().and_then(|()| file.drop_cache()).map_err(reading())?;
        let record = read(file.as_ref()).map_err(reading())?;
        let record = record.ok_or_else(|| OpenError::Damaged("the log's inventory cannot be read".to_owned()))?;
        record.check(found, known)?;
        let mut inventory = Self { file, record };
        for segment in found {
            // It was named and not entered any more.
            if segment.number > inventory.record.highest && segment.number > known.segment {
                inventory
                    .enter(segment.number, segment.len)
                    .map_err(OpenError::io("writing the log's inventory"))?;
            }
        }
        Ok(inventory)
    }

    /// Enters a segment, durably. After an error nothing is known of the file, and no more is entered.
    pub(super) fn enter(&mut self, number: u64, len: u64) -> io::Result<()> {
        self.record.enter(number, len);
        if self.file.len()? < slot_at(SLOTS) {
            // Room for both, so that later writes need none.
            self.file.write_at(slot_at(0), &vec![0; SLOTS as usize * BLOCK])?;
        }
        self.file
            .write_at(slot_at(self.record.sequence % SLOTS), &self.record.encode())?;
        self.file.sync()
    }
}

fn slot_at(slot: u64) -> u64 {
    (1 + slot) * BLOCK as u64
}

/// The newer slot; an empty record where nothing was ever written, `None` where nothing can be read of what was.
fn read(file: &dyn DiskFile) -> io::Result<Option<Record>> {
    if file.len()? < slot_at(SLOTS) {
        return Ok(Some(Record::default()));
    }
    let mut newest = None;
    let mut written = false;
    for slot in 0..SLOTS {
        let mut octets = [0u8; SLOT];
        file.read_at(slot_at(slot), &mut octets)?;
        written |= octets != [0; SLOT];
        let record = Record::decode(&octets);
        newest = newest
            .into_iter()
            .chain(record)
            .max_by_key(|record: &Record| record.sequence);
    }
    Ok(if written { newest } else { Some(Record::default()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_kept_as_they_change_and_the_oldest_are_forgotten() {
        let mut record = Record::default();
        for number in 1..=40 {
            record.enter(number, 100 * (1 + number / 2));
        }
        assert_eq!(Record::decode(&record.encode()), Some(record.clone()));
        assert_eq!((record.len_of(40), record.len_of(39)), (Some(2_100), Some(2_000)));
        assert_eq!((record.len_of(10), record.len_of(9)), (Some(600), None));
        assert_eq!(record.len_of(41), None);
    }

    #[test]
    fn a_slot_that_was_torn_is_not_believed() {
        let mut record = Record::default();
        record.enter(7, 4096);
        let whole = record.encode();
        for at in 0..whole.len() {
            let mut torn = whole.clone();
            torn.iter_mut().skip(at).take(1).for_each(|octet| *octet ^= 1);
            assert_eq!(Record::decode(&torn), None, "octet {at}");
        }
    }
}
