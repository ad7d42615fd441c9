//! The embedded engine: one append-only log is the commit; tables in memory over an ordered index (redb) are what is read.
//!
//! # A commit
//!
//! A transaction reads one state and gathers its writes. At the commit it waits for the log; all that wait together become
//! one *group*. The log's worker resolves their conflicts by FoundationDB's rules and builds one frame of those that commit,
//! with the content that they adopt. A second worker appends it and syncs once; a third puts the group's rows into the
//! active table in memory, each key with the version, publishes the new state, and only then acknowledges. Each is at the
//! next group meanwhile, but no frame is written before the one ahead of it is synced.
//!
//! Every second (or after a bounded amount of log or memory) the active table is frozen and a new one begun, and a fourth
//! worker brings the frozen one into the index in one durable commit: a checkpoint. Commits go on meanwhile. Applying each
//! group to the index itself was measured first: it copies and sums a page of 4 KiB for nearly every row of every group,
//! three times the processor time in all; a second's worth of rows at once shares those pages.
//!
//! A read looks into the active table, the frozen one if there is one, and the index as of its last checkpoint; the newest
//! word at the transaction's version counts. When nothing is written both tables are empty.
//!
//! # The log
//!
//! Segments of 64 MiB, made ahead and used again, so that a sync writes no file-system metadata; only while the log
//! writes more than 64 MiB a second are new ones allocated and not filled with zeros (`segments::prepare`). A frame begins at
//! a multiple of 4 KiB and is padded to one, so that a later write never touches a block that holds acknowledged data:
//!
//! ```text
//! 0   magic (16)         the store's secret, so that no content can look like a frame
//! 16  checksum (4)       CRC-32 over a secret seed and everything after this field, without the padding
//! 20  format (2), 0 (2)
//! 24  segment (8)        number of the segment that it was written for
//! 32  offset (8)         its own
//! 40  version (8)        one more than the frame before it
//! 48  frame length (8)   with padding
//! 56  rows length (8)
//! 64  content length (8)
//! 72  transactions (4), 0 (4)
//! 80  rows               the changes in order, see `change`
//!     content            octets of adopted content, one after the other
//!     zeros
//! ```
//!
//! All numbers are big-endian. Content is found through its place row (segment, offset, length, SHA-256) and its digest
//! is compared at every read.
//!
//! # Recovery
//!
//! Each commit of the index carries the position of the log up to which it goes. Frames after it are replayed as long as
//! they fit: whole, in their own place, and of the next version, here or at the start of a later segment. At the first
//! misfit the log has ended — unless a whole frame of a higher version stands anywhere behind it, which means damage: the
//! store is not opened. What lives in the last frame is copied into the segment after the last used one, the index is
//! made durable, and the log goes on in that segment. It keeps its name, so that a recovery that is cut off in between is
//! repeated as if that frame had always been the log's end. Files are synced and their cached pages dropped before they
//! are read, so that nothing is believed which only the page cache holds.
//!
//! # What is refused
//!
//! Besides a newer frame behind the log's end: a segment that is shorter than it was made, one that is missing though the
//! index needs it, and one that is missing between the index's position and the highest number that was ever prepared
//! (the module `inventory`). What cannot be told from a log that ended there: the last frame, if its octets changed after
//! they were synced (it looks torn), all frames from one on to the last, if the device lost every one of them, and a whole
//! directory that was put back as it stood earlier.
//!
//! # Failure
//!
//! A failed sync, apply or checkpoint closes the store: what is in flight ends as *unknown*, what comes later is refused,
//! and only reopening helps. No sync is repeated.

mod apply;
mod attempt;
mod backup;
mod change;
mod compact;
mod engine;
mod frame;
mod index;
mod inventory;
mod mem;
mod meta;
mod options;
mod overlay;
mod pipeline;
mod reader;
mod recover;
mod resolver;
mod rows;
mod segments;
mod shared;
mod state;
mod txn;
mod workers;

pub use backup::{BackupError, BackupReport, Pace, restore};
pub use engine::EmbeddedEngine;
pub use options::{EmbeddedOptions, OpenError, Pipeline};
