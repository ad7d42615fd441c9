//! The backup's log: frames with content alone, one after the other.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mmsc_ports::disk::{AlignedBuf, Disk, DiskFile};

use crate::embedded::change::{Change, Write};
use crate::embedded::frame::FrameBuilder;
use crate::embedded::index::Position;
use crate::embedded::meta::Secret;
use crate::embedded::segments::{SEGMENT_USE, name_of};

/// A frame takes about so much content.
const FRAME: u64 = 1024 * 1024;

/// Writes segments.
pub(super) struct Writer {
    disk: Arc<dyn Disk>,
    directory: PathBuf,
    secret: Secret,
    segment_bytes: u64,
    version: u64,
    current: Option<Current>,
    buffer: AlignedBuf,
}

struct Current {
    file: Arc<dyn DiskFile>,
    number: u64,
    offset: u64,
    len: u64,
}

impl Writer {
    pub(super) fn new(
        disk: Arc<dyn Disk>,
        directory: &Path,
        secret: &Secret,
        segment_bytes: u64,
        version: u64,
    ) -> Self {
        Self {
            disk,
            directory: directory.to_owned(),
            secret: secret.clone(),
            segment_bytes,
            version,
            current: None,
            buffer: AlignedBuf::new(),
        }
    }

    /// About so much content makes a frame.
    pub(super) fn frame_bytes(&self) -> u64 {
        FRAME.min(self.segment_bytes / 4)
    }

    /// Appends one frame, and says where its content stands.
    ///
    /// Its version is the backup's own: recovery looks only for later ones, behind the index's position.
    pub(super) fn append(&mut self, writes: Vec<Write>) -> io::Result<Vec<Change>> {
        let mut builder = FrameBuilder::new(self.version);
        builder.add(writes);
        let frame_len = builder.frame_len();
        let fits = |current: &Current| current.offset.saturating_add(frame_len) <= current.len;
        if !self.current.as_ref().is_some_and(fits) {
            self.begin_segment(frame_len)?;
        }
        let current = self.current.as_mut().ok_or(io::ErrorKind::NotFound)?;
        let changes = builder.finish(current.number, current.offset, &self.secret, &mut self.buffer);
        current.file.write_at(current.offset, self.buffer.as_slice())?;
        current.offset += frame_len;
        Ok(changes)
    }

    /// A content that was taken when segments were larger gets one that is large enough.
    fn begin_segment(&mut self, frame_len: u64) -> io::Result<()> {
        let number = self.end_segment()? + 1;
        let len = self.segment_bytes.max(frame_len);
        let file = self.disk.open(&self.directory.join(name_of(number)), SEGMENT_USE)?;
        file.set_len(len)?;
        self.current = Some(Current {
            file,
            number,
            offset: 0,
            len,
        });
        Ok(())
    }

    fn end_segment(&mut self) -> io::Result<u64> {
        match &self.current {
            Some(current) => current.file.sync().map(|()| current.number),
            None => Ok(0),
        }
    }

    /// Makes all of it durable; gives where the log goes on.
    pub(super) fn finish(mut self) -> io::Result<Position> {
        self.end_segment()?;
        let (segment, offset) = self
            .current
            .as_ref()
            .map_or((0, 0), |current| (current.number, current.offset));
        Ok(Position {
            version: self.version,
            segment,
            offset,
        })
    }
}
