//! The table of keys: the one place that knows what may be configured. Parsing, refusal of unknown keys, hints and the
//! reference page all read it.

mod content;
mod interfaces;
mod later;
mod node;
mod policy;
mod ppg;

use super::value::Kind;
use content::{CONTENT, FANOUT};
use interfaces::{MM1, SMSC};
use later::{ADMIN, API, CLUSTER, MM3, MM4, MM7, OCS, PEER, VASP};
use node::{LOG, NODE, OPS, RELAY, STORE};
use policy::{EXPIRY, LIMITS, MMBOX, NUMBERS, RETENTION, SUBSCRIBERS, TELLING};
use ppg::{BEARER, PAP, PPG};

/// What stands where nothing is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Default {
    /// This value, written as after `--set`.
    Is(&'static str),
    /// Nothing; the help says what that means.
    Nothing,
    /// It has to be written.
    Required,
}

/// One key.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Its dotted name; `*` stands for the NAME of a table.
    pub path: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// What stands where nothing is written.
    pub default: Default,
    /// What it does, in words of an operator.
    pub help: &'static str,
}

/// A run of keys about one thing.
#[derive(Clone, Copy, Debug)]
pub struct Section {
    /// Heading of the reference page.
    pub title: &'static str,
    /// What the reader should know first.
    pub about: &'static str,
    /// Whether this release serves it. Where not, the keys are checked in form and the node says so at start.
    pub served: bool,
    /// Its keys.
    pub keys: &'static [Key],
}

const fn key(path: &'static str, kind: Kind, default: &'static str, help: &'static str) -> Key {
    Key {
        path,
        kind,
        default: Default::Is(default),
        help,
    }
}

const fn may(path: &'static str, kind: Kind, help: &'static str) -> Key {
    Key {
        path,
        kind,
        default: Default::Nothing,
        help,
    }
}

const fn must(path: &'static str, kind: Kind, help: &'static str) -> Key {
    Key {
        path,
        kind,
        default: Default::Required,
        help,
    }
}

const SECOND: u64 = 1000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;
const GIB: u64 = 1024 * MIB;

/// Every key, in the order of the reference page.
pub const SECTIONS: &[Section] = &[
    NODE,
    LOG,
    STORE,
    MM1,
    OPS,
    SMSC,
    PPG,
    PAP,
    BEARER,
    TELLING,
    SUBSCRIBERS,
    NUMBERS,
    LIMITS,
    CONTENT,
    FANOUT,
    EXPIRY,
    RETENTION,
    MMBOX,
    RELAY,
    PEER,
    CLUSTER,
    ADMIN,
    MM3,
    MM4,
    MM7,
    API,
    VASP,
    OCS,
];

/// Every key.
pub fn all() -> impl Iterator<Item = &'static Key> {
    SECTIONS.iter().flat_map(|section| section.keys)
}

/// The section that a written key belongs to.
pub(crate) fn section_of(path: &str) -> Option<&'static Section> {
    SECTIONS
        .iter()
        .find(|section| section.keys.iter().any(|key| matches(key.path, path)))
}

/// The key under which `path` is known; `smsc.main.address` is known as `smsc.*.address`.
pub(crate) fn find(path: &str) -> Option<&'static Key> {
    all().find(|key| matches(key.path, path))
}

/// Whether there are tables by name under this first word.
pub(crate) fn is_repeated(first: &str) -> bool {
    all().any(|key| key.path.split_once(".*.").is_some_and(|(table, _)| table == first))
}

/// Whether keys may stand in a table of this dotted name.
pub(crate) fn is_table(path: &str) -> bool {
    all().any(|key| {
        let mut expected = key.path.split('.');
        path.split('.')
            .all(|word| expected.next().is_some_and(|expected| fits(expected, word)))
            && expected.next().is_some()
    })
}

fn matches(pattern: &str, path: &str) -> bool {
    let mut words = path.split('.');
    pattern
        .split('.')
        .all(|expected| words.next().is_some_and(|word| fits(expected, word)))
        && words.next().is_none()
}

fn fits(expected: &str, word: &str) -> bool {
    if expected == "*" {
        super::value::is_name(word)
    } else {
        word == expected
    }
}
