//! The ledger: what the stub handsets did and saw, written down as it happens, and audited at the end.
//!
//! It lives in the peer's process, so a crash of the system under test cannot touch it. With a file behind it every
//! entry is one line, handed to the operating system before the call returns; [`Book::read`] builds the same book from
//! the file again. The auditing rules are in `verdict.rs`.

mod book;
mod entry;
mod verdict;

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

pub use book::{Book, CopyRecord, Submission};
pub use entry::{Digest, Entry, Outcome, ParseError};
pub use verdict::{Expect, Verdict};

use crate::error::PeerError;

/// An append-only record, shared by all stub handsets of a run.
#[derive(Default)]
pub struct Ledger {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    book: Book,
    file: Option<File>,
    line: String,
}

impl Ledger {
    /// A ledger in memory only.
    #[must_use]
    pub fn in_memory() -> Self {
        Self::default()
    }

    /// A ledger whose entries are also lines of a new file at `path`.
    pub fn to_file(path: &Path) -> Result<Self, PeerError> {
        let file =
            File::create_new(path).map_err(|error| PeerError::io(format!("ledger {}", path.display()), error))?;
        let state = State {
            file: Some(file),
            ..State::default()
        };
        Ok(Self {
            state: Mutex::new(state),
        })
    }

    /// Adds an entry. With a file behind the ledger, the line has left this process when the call returns.
    pub fn record(&self, entry: &Entry) -> Result<(), PeerError> {
        let mut guard = self.lock();
        let state = &mut *guard;
        if let Some(file) = &mut state.file {
            state.line.clear();
            entry.write_line(&mut state.line);
            file.write_all(state.line.as_bytes())
                .map_err(|error| PeerError::io("ledger", error))?;
        }
        state.book.apply(entry);
        Ok(())
    }

    /// Looks something up in the book.
    pub fn look<T>(&self, look: impl FnOnce(&Book) -> T) -> T {
        look(&self.lock().book)
    }

    /// Holds the book against what was promised.
    #[must_use]
    pub fn audit(&self, expect: Expect) -> Verdict {
        self.look(|book| Verdict::of(book, expect))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
