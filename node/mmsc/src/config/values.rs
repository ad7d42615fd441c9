//! From what was written to typed values, with defaults filled in; every mistake is collected.

use std::collections::{BTreeMap, BTreeSet};

use super::hint;
use super::issue::{Fault, Issue, Place};
use super::keys::{self, Default};
use super::source::Written;
use super::value::{Raw, Value};

/// Typed values by dotted key, and where each was written.
#[derive(Debug, Default)]
pub(crate) struct Values {
    values: BTreeMap<String, Value>,
    places: BTreeMap<String, Place>,
    /// Names of tables, by their first word.
    names: BTreeMap<String, BTreeSet<String>>,
}

impl Values {
    /// Checks everything that was written against the table of keys.
    pub(crate) fn check(written: Written, tables: &[(String, Place)]) -> (Self, Vec<Issue>) {
        let mut values = Self::default();
        let mut issues = Vec::new();
        for (path, place) in tables {
            values.note_table(path, place, &mut issues);
        }
        for (path, (place, raw)) in written {
            values.note_table(
                path.rsplit_once('.').map_or("", |(table, _)| table),
                &place,
                &mut Vec::new(),
            );
            match keys::find(&path) {
                None => issues.push(unknown(&path, place)),
                Some(key) => match key.kind.read(&raw) {
                    Ok(value) => {
                        values.values.insert(path.clone(), value);
                        values.places.insert(path, place);
                    }
                    Err(message) => issues.push(Issue::new(place, Fault::BadValue, &path, message)),
                },
            }
        }
        values.fill(&mut issues);
        (values, issues)
    }

    fn note_table(&mut self, path: &str, place: &Place, issues: &mut Vec<Issue>) {
        let mut words = path.split('.');
        let (Some(first), name, None) = (words.next(), words.next(), words.next()) else {
            return;
        };
        match name {
            Some(name) if keys::is_repeated(first) => {
                if super::value::is_name(name) {
                    self.names.entry(first.to_owned()).or_default().insert(name.to_owned());
                    self.places.entry(path.to_owned()).or_insert_with(|| place.clone());
                } else {
                    let message = "the NAME of a table has letters, digits, '-' and '_', at most 64";
                    issues.push(Issue::new(place.clone(), Fault::BadValue, path, message));
                }
            }
            Some(_) => {}
            // A table without a key of its own would otherwise pass unseen.
            None => {
                let known = keys::all().any(|key| key.path.split('.').next() == Some(first));
                if !known && !first.is_empty() {
                    issues.push(unknown(first, place.clone()));
                }
            }
        }
    }

    fn fill(&mut self, issues: &mut Vec<Issue>) {
        // A key that was written wrongly is told already, so its absence is not told again.
        let told: BTreeSet<String> = issues.iter().filter_map(|issue| issue.key.clone()).collect();
        for key in keys::all() {
            for path in self.instances(key.path) {
                if self.values.contains_key(&path) {
                    continue;
                }
                match key.default {
                    Default::Nothing => {}
                    Default::Is(text) => match key.kind.read(&Raw::Bare(text.to_owned())) {
                        Ok(value) => {
                            self.values.insert(path, value);
                        }
                        Err(message) => issues.push(Issue::new(Place::File, Fault::Bug, &path, message)),
                    },
                    Default::Required if told.contains(&path) => {}
                    Default::Required => {
                        let table = path.rsplit_once('.').map_or("", |(table, _)| table);
                        let place = self.place(table);
                        issues.push(Issue::new(place, Fault::Missing, &path, "has to be set"));
                    }
                }
            }
        }
    }

    /// The paths that a key of the table stands for here.
    fn instances(&self, pattern: &str) -> Vec<String> {
        match pattern.split_once(".*.") {
            None => vec![pattern.to_owned()],
            Some((table, leaf)) => self
                .names(table)
                .iter()
                .map(|name| format!("{table}.{name}.{leaf}"))
                .collect(),
        }
    }

    /// Names of the tables under a first word, sorted.
    pub(crate) fn names(&self, table: &str) -> Vec<String> {
        self.names
            .get(table)
            .map(|names| names.iter().cloned().collect())
            .unwrap_or_default()
    }

    /// Where a key or table was written.
    pub(crate) fn place(&self, path: &str) -> Place {
        self.places.get(path).cloned().unwrap_or(Place::File)
    }

    /// The value under a key.
    pub(crate) fn get(&self, path: &str) -> Option<&Value> {
        self.values.get(path)
    }

    /// Keys that were written, rather than filled in.
    pub(crate) fn written(&self) -> impl Iterator<Item = &str> {
        self.places.keys().map(String::as_str)
    }
}

fn unknown(path: &str, place: Place) -> Issue {
    // Known keys as they would be written here: `smsc.*.window` under the name that was given.
    let name = path.split('.').nth(1).unwrap_or("NAME");
    let candidates = keys::all().map(|key| key.path.replace('*', name));
    let tables = keys::all()
        .filter_map(|key| key.path.split('.').next())
        .map(str::to_owned);
    let near = if path.contains('.') {
        hint::nearest(path, candidates)
    } else {
        hint::nearest(path, tables)
    };
    let message = near.map_or_else(
        || "unknown key".to_owned(),
        |near| format!("unknown key; did you mean {near}?"),
    );
    Issue::new(place, Fault::UnknownKey, path, message)
}
