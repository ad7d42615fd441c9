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
        // What stands in a table that is told as wrong is not told again, word by word.
        let mut wrong: Vec<&str> = Vec::new();
        let inside = |wrong: &[&str], path: &str| {
            let within = |table: &&str| path.strip_prefix(*table).is_some_and(|rest| rest.starts_with('.'));
            wrong.iter().any(within)
        };
        for (path, place) in tables {
            if inside(&wrong, path) {
                continue;
            }
            match wrong_table(path, place) {
                Some(issue) => {
                    wrong.push(path);
                    issues.push(issue);
                }
                None => values.note_table(path, place),
            }
        }
        for (path, (place, raw)) in written {
            values.note_table(path.rsplit_once('.').map_or("", |(table, _)| table), &place);
            match keys::find(&path) {
                None if matches!(place, Place::Line(_)) && inside(&wrong, &path) => {}
                None => issues.push(unknown("key", &path, place)),
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

    /// Remembers the NAME of a table that can be there several times.
    fn note_table(&mut self, path: &str, place: &Place) {
        let Some((first, name)) = path.split_once('.') else {
            return;
        };
        if keys::is_repeated(first) && super::value::is_name(name) {
            self.names.entry(first.to_owned()).or_default().insert(name.to_owned());
            self.places.entry(path.to_owned()).or_insert_with(|| place.clone());
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

/// What is wrong with a table, whether or not there is a key in it.
fn wrong_table(path: &str, place: &Place) -> Option<Issue> {
    if keys::is_table(path) {
        return None;
    }
    if let Some(key) = keys::find(path) {
        let message = format!("expected {}, found a table", key.kind.describe());
        return Some(Issue::new(place.clone(), Fault::BadValue, path, message));
    }
    let named = path.split_once('.');
    if named
        .is_some_and(|(first, name)| keys::is_repeated(first) && !super::value::is_name(name) && !name.contains('.'))
    {
        let message = "the NAME of a table has letters, digits, '-' and '_', at most 64";
        return Some(Issue::new(place.clone(), Fault::BadValue, path, message));
    }
    Some(unknown("table", path, place.clone()))
}

fn unknown(what: &str, path: &str, place: Place) -> Issue {
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
        || format!("unknown {what}"),
        |near| format!("unknown {what}; did you mean {near}?"),
    );
    Issue::new(place, Fault::UnknownKey, path, message)
}
