//! What happened in a scenario, and what it is held against.

use std::fmt::Display;
use std::path::PathBuf;

/// The lines that a scenario tells.
#[derive(Debug, Default)]
pub struct Story(String);

impl Story {
    /// Adds a line.
    pub fn tell(&mut self, line: impl Display) {
        self.0.push_str(&line.to_string());
        self.0.push('\n');
    }

    /// Holds the story against its golden, or makes it the golden.
    pub fn compare(&self, name: &str) {
        assert!(!self.0.is_empty(), "{name} told nothing");
        let golden = goldens().join(format!("{name}.txt"));
        if std::env::var_os("MMSC_BLESS").is_some() {
            std::fs::write(&golden, &self.0).unwrap();
            return;
        }
        let wanted = std::fs::read_to_string(&golden)
            .unwrap_or_else(|error| panic!("{}: {error}; MMSC_BLESS=1 writes it:\n{}", golden.display(), self.0));
        assert!(
            wanted == self.0,
            "{name} went otherwise than {} says.\nexpected:\n{wanted}\ntold:\n{}",
            golden.display(),
            self.0
        );
    }
}

fn goldens() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios/goldens")
}

/// Fails where a golden has a name that is not in `names`.
pub fn no_golden_beside(names: &[&str]) {
    for entry in std::fs::read_dir(goldens()).unwrap() {
        let file = entry.unwrap().file_name().into_string().unwrap();
        let name = file.strip_suffix(".txt");
        assert!(
            name.is_some_and(|name| names.contains(&name)),
            "no scenario tells {file}"
        );
    }
}
