//! Vectors: the hand-built ones of this repository and, where they are, the captured ones beside it.
#![allow(dead_code, reason = "each test binary uses its own part")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};

/// A directory of vectors with its index.
pub struct Set {
    pub directory: PathBuf,
    pub index: String,
}

/// A file of a set.
pub struct Vector {
    pub name: String,
    pub octets: Vec<u8>,
}

/// The hand-built vectors of this repository.
pub fn fixtures() -> Set {
    set(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/mm1")).expect("the fixtures are in the repository")
}

/// The captured vectors: `$MMSC_VECTORS/mm1`, or those in a folder `shared` beside the repository.
pub fn captured() -> Option<Set> {
    let root = match std::env::var_os("MMSC_VECTORS") {
        Some(root) => PathBuf::from(root),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors"),
    };
    let found = set(&root.join("mm1"));
    if found.is_none() {
        println!("skipped: no captured vectors at {}", root.display());
    }
    found
}

fn set(directory: &Path) -> Option<Set> {
    let index = std::fs::read_to_string(directory.join("index.md")).ok()?;
    Some(Set {
        directory: directory.to_owned(),
        index,
    })
}

impl Set {
    /// All files with one of these extensions, by name.
    pub fn files(&self, extensions: &[&str]) -> Vec<Vector> {
        let mut paths: Vec<PathBuf> = std::fs::read_dir(&self.directory)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        paths.sort();
        let wanted = |path: &&PathBuf| {
            path.extension()
                .is_some_and(|found| extensions.iter().any(|wanted| *wanted == found))
        };
        let read = |path: &PathBuf| Vector {
            name: path.file_name().unwrap().to_string_lossy().into_owned(),
            octets: std::fs::read(path).unwrap(),
        };
        paths.iter().filter(wanted).map(read).collect()
    }

    /// Name and lines of each block of the index.
    pub fn blocks(&self) -> Vec<(String, Vec<String>)> {
        let (_, decoded) = self.index.split_once("## Decoded values").unwrap();
        let mut blocks = Vec::new();
        for section in decoded.split("\n### ").skip(1) {
            let name = section.lines().next().unwrap().to_owned();
            let Some(code) = section.split("```").nth(1) else {
                continue;
            };
            let lines = code
                .lines()
                .map(str::to_owned)
                .filter(|line| !line.trim().is_empty())
                .collect();
            blocks.push((name, lines));
        }
        blocks
    }
}

/// Every MMS PDU of both sets, those inside pushes included.
pub fn all_pdus() -> Vec<Vector> {
    let mut found = Vec::new();
    for set in [Some(fixtures()), captured()].into_iter().flatten() {
        found.extend(set.files(&["mms"]));
        for push in set.files(&["wsp"]) {
            let inner = mmsc_wire::push::decode(&push.octets).unwrap().data.to_vec();
            found.push(Vector {
                name: format!("{} (inner)", push.name),
                octets: inner,
            });
        }
    }
    found
}
