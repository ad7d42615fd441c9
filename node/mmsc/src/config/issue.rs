//! What is wrong with a configuration: all of it at once, each with where it stands.

use std::fmt;
use std::path::{Path, PathBuf};

/// Where something was said.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// In the file as a whole: something is missing.
    File,
    /// In this line of the file, from 1.
    Line(usize),
    /// In the n-th `--set`, from 1.
    Set(usize),
}

/// What kind of fault an issue is; scripts and tests tell them apart by this and not by the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// Not TOML, or not `key=value`.
    Syntax,
    /// No such key.
    UnknownKey,
    /// The value does not fit the key.
    BadValue,
    /// A key that has to be there is not.
    Missing,
    /// Two values contradict each other.
    Contradiction,
    /// Known, but not part of this build.
    NotBuilt,
    /// A file that the configuration names cannot be read.
    Unreadable,
    /// A mistake of this program: its tables disagree.
    Bug,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issue {
    /// Where.
    pub place: Place,
    /// Of which kind.
    pub fault: Fault,
    /// The key, where there is one.
    pub key: Option<String>,
    /// What is wrong and what would be right.
    pub message: String,
}

impl Issue {
    pub(crate) fn new(place: Place, fault: Fault, key: &str, message: impl Into<String>) -> Self {
        Self {
            place,
            fault,
            key: (!key.is_empty()).then(|| key.to_owned()),
            message: message.into(),
        }
    }
}

/// Everything that is wrong with one configuration, in the order of its lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigErrors {
    /// The file.
    pub file: PathBuf,
    /// At least one.
    pub issues: Vec<Issue>,
}

impl ConfigErrors {
    pub(crate) fn new(file: &Path, mut issues: Vec<Issue>) -> Self {
        issues.sort_by(|a, b| a.place.cmp(&b.place));
        Self {
            file: file.to_owned(),
            issues,
        }
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, issue) in self.issues.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            match issue.place {
                Place::File => write!(f, "{}: ", self.file.display())?,
                Place::Line(line) => write!(f, "{}:{line}: ", self.file.display())?,
                Place::Set(nth) => write!(f, "--set #{nth}: ")?,
            }
            if let Some(key) = &issue.key {
                write!(f, "{key}: ")?;
            }
            f.write_str(&issue.message)?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}
