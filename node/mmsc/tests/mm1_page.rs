//! `ops/docs/mm1.md` keeps its word: every type of PDU and every field that the codec knows has a row, every row names
//! one, and every test that is named exists.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a test fails by panicking"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use mmsc_wire::mms::{Field, MessageType};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn page() -> String {
    std::fs::read_to_string(repository().join("ops/docs/mm1.md")).unwrap()
}

/// The cells of a table's row.
fn cells(line: &str) -> Option<Vec<&str>> {
    let inner = line.strip_prefix("| ")?.strip_suffix('|')?;
    Some(inner.split(" |").map(str::trim).collect())
}

/// The rows under a heading, without the two that head each table.
fn rows<'a>(page: &'a str, heading: &str) -> Vec<Vec<&'a str>> {
    let lines = page.lines().skip_while(|line| *line != heading).skip(1);
    let section = lines.take_while(|line| !line.starts_with('#'));
    let rows = section.filter_map(cells);
    rows.filter(|row| row.first() != Some(&"field") && row.first() != Some(&"type"))
        .collect()
}

fn fields_named(page: &str, kind: MessageType) -> Vec<(String, String)> {
    let rows = rows(page, &format!("### {}", kind.name()));
    rows.iter().map(|row| (row[0].to_owned(), row[1].to_owned())).collect()
}

fn written(field: Field) -> (String, String) {
    (field.to_string(), format!("{:02X}", field.0))
}

#[test]
fn every_type_has_a_row_and_a_table() {
    let page = page();
    let listed: Vec<_> = rows(&page, "## Types of PDU")
        .into_iter()
        .map(|row| (row[0].to_owned(), row[1].to_owned()))
        .collect();
    let known: Vec<_> = MessageType::ALL
        .iter()
        .map(|kind| (format!("[{0}](#{0})", kind.name()), format!("{:02X}", kind.octet())))
        .collect();
    assert_eq!(listed, known);
}

#[test]
fn every_field_has_a_row_and_every_row_a_field() {
    let page = page();
    let mut everywhere = BTreeSet::new();
    for kind in MessageType::ALL {
        let named = fields_named(&page, *kind);
        let unique: BTreeSet<_> = named.iter().cloned().collect();
        assert_eq!(unique.len(), named.len(), "{}: a field has two rows", kind.name());
        for field in kind.fields() {
            assert!(unique.contains(&written(*field)), "{}: no row for {field}", kind.name());
        }
        everywhere.extend(unique);
    }
    let known: BTreeSet<_> = Field::ALL.iter().copied().map(written).collect();
    assert_eq!(everywhere, known);
}

/// "yes" is a word that has to be shown, "no" one that has to be explained.
#[test]
fn every_row_says_whether_why_and_what_shows_it() {
    let page = page();
    for kind in MessageType::ALL {
        for row in rows(&page, &format!("### {}", kind.name())) {
            let [field, _, receive, send, what, shown] = row[..] else {
                panic!("{}: {row:?}", kind.name())
            };
            let place = format!("{}: {field}", kind.name());
            assert!(["yes", "ignored", "–"].contains(&receive), "{place}: receive {receive}");
            assert!(["yes", "no", "–"].contains(&send), "{place}: send {send}");
            assert!((receive, send) != ("–", "–"), "{place}: goes nowhere");
            assert!(!what.is_empty(), "{place}: nothing is said");
            assert!(shown.contains("::"), "{place}: nothing shows it");
        }
    }
}

/// What the page's short paths stand for.
fn places(page: &str) -> BTreeMap<String, String> {
    let rows = page.lines().filter_map(cells);
    let pairs = rows.filter_map(|row| {
        let [short, long] = row[..] else { return None };
        let plain = |cell: &str| Some(cell.strip_prefix('`')?.strip_suffix("/`")?.to_owned());
        Some((plain(short)?, plain(long)?))
    });
    pairs.collect()
}

#[test]
fn every_test_that_is_named_exists() {
    let page = page();
    let places = places(&page);
    assert!(places.len() > 1);
    let mut files = BTreeMap::new();
    let quoted = page.split('`').skip(1).step_by(2);
    let mut count = 0;
    for (path, test) in quoted.filter_map(|quoted| quoted.split_once(".rs::")) {
        count += 1;
        let (short, rest) = path.split_once('/').unwrap();
        let long = places
            .get(short)
            .unwrap_or_else(|| panic!("`{short}/` is not explained"));
        let file = repository().join(long).join(format!("{rest}.rs"));
        let text = files
            .entry(file.clone())
            .or_insert_with(|| std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{path}.rs: {error}")));
        assert!(is_test(text, test), "{path}.rs has no test `{test}`");
    }
    assert!(
        count > MessageType::ALL.len(),
        "the page names its tests in another way"
    );
}

/// Whether a function of that name stands behind an attribute that makes it a test, or in proptest's block of them.
fn is_test(text: &str, name: &str) -> bool {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let head = format!("fn {name}(");
    lines.iter().enumerate().any(|(at, line)| {
        let named = line.trim_start_matches("async ").starts_with(&head);
        named
            && lines[..at]
                .iter()
                .rev()
                .take_while(|line| line.starts_with("#["))
                .any(|it| it.contains("test"))
    })
}
