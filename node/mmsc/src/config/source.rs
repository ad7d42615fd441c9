//! From text to keys with places: the TOML file flattened to dotted keys, and `--set key=value` laid over it.

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use super::issue::{Fault, Issue, Place};
use super::value::Raw;

/// Keys as they were written, each with where.
pub(crate) type Written = BTreeMap<String, (Place, Raw)>;

/// Deeper tables are no keys of ours.
const MAX_DEPTH: usize = 4;

/// Flattens a TOML document. What can be read is returned beside the errors, so that all of them can be told at once.
/// Empty tables (`[smsc.main]` without keys) come as `tables`, so that what they lack can be told.
pub(crate) fn read_toml(text: &str) -> (Written, Vec<(String, Place)>, Vec<Issue>) {
    let lines = Lines::new(text);
    let (document, errors) = DeTable::parse_recoverable(text);
    let mut issues: Vec<Issue> = errors
        .iter()
        .map(|error| {
            let line = error.span().map_or(1, |span| lines.of(span.start));
            Issue::new(Place::Line(line), Fault::Syntax, "", error.message())
        })
        .collect();
    let mut flat = Flat {
        lines,
        written: Written::new(),
        tables: Vec::new(),
    };
    flat.table("", document.get_ref(), 0);
    // A value that the parser gave up on would be told a second time as a value of the wrong kind.
    let broken: Vec<Place> = issues.iter().map(|issue| issue.place.clone()).collect();
    flat.written.retain(|_, (place, _)| !broken.contains(place));
    // One mistake often makes the parser stumble twice.
    issues.dedup_by(|later, earlier| later.place == earlier.place);
    (flat.written, flat.tables, issues)
}

struct Lines(Vec<usize>);

impl Lines {
    fn new(text: &str) -> Self {
        Self(text.match_indices('\n').map(|(at, _)| at).collect())
    }

    /// The line of an octet, from 1.
    fn of(&self, at: usize) -> usize {
        self.0.partition_point(|newline| *newline < at) + 1
    }
}

struct Flat {
    lines: Lines,
    written: Written,
    tables: Vec<(String, Place)>,
}

impl Flat {
    fn table(&mut self, prefix: &str, table: &DeTable<'_>, depth: usize) {
        for (key, value) in table {
            let name = if prefix.is_empty() {
                key.get_ref().to_string()
            } else {
                format!("{prefix}.{}", key.get_ref())
            };
            let place = Place::Line(self.lines.of(key.span().start));
            match value.get_ref() {
                DeValue::Table(inner) if depth < MAX_DEPTH => {
                    self.tables.push((name.clone(), place));
                    self.table(&name, inner, depth + 1);
                }
                other => {
                    self.written.insert(name, (place, raw(other)));
                }
            }
        }
    }
}

fn raw(value: &DeValue<'_>) -> Raw {
    match value {
        DeValue::String(text) => Raw::Text(text.to_string()),
        DeValue::Boolean(value) => Raw::Boolean(*value),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_or(Raw::Other("a number out of range"), Raw::Integer),
        DeValue::Array(list) => Raw::List(elements(list)),
        DeValue::Float(_) => Raw::Other("a number with a fraction"),
        DeValue::Datetime(_) => Raw::Other("a date"),
        DeValue::Table(_) => Raw::Other("a table"),
    }
}

fn elements(list: &DeArray<'_>) -> Vec<Raw> {
    list.iter()
        .map(|element: &Spanned<DeValue<'_>>| raw(element.get_ref()))
        .collect()
}

/// Reads one `--set key=value`. The value is text, unless it is written as a TOML string or array.
pub(crate) fn read_set(nth: usize, text: &str) -> Result<(String, Place, Raw), Issue> {
    let place = Place::Set(nth);
    let syntax = |message: &str| Issue::new(place.clone(), Fault::Syntax, "", message);
    let (key, value) = text.split_once('=').ok_or_else(|| syntax("expected key=value"))?;
    let (key, value) = (key.trim(), value.trim());
    if key.is_empty() || key.split('.').any(str::is_empty) {
        return Err(syntax("expected key=value with a dotted key such as mm1.listen"));
    }
    // An IPv6 address begins with a bracket, too.
    let list = value.starts_with('[') && value.ends_with(']');
    let raw = if list || value.starts_with(['"', '\'']) {
        let line = format!("value = {value}");
        let parsed = DeTable::parse(&line).ok().and_then(|document| {
            let value = document.get_ref().get("value").map(|value| raw(value.get_ref()));
            (document.get_ref().len() == 1).then_some(value).flatten()
        });
        parsed.ok_or_else(|| {
            Issue::new(
                place.clone(),
                Fault::Syntax,
                key,
                "the value is not a whole TOML string or list",
            )
        })?
    } else {
        Raw::Bare(value.to_owned())
    };
    Ok((key.to_owned(), place, raw))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_become_dotted_keys_with_lines() {
        let text = "# head\n[mm1]\nlisten = \"off\"\n\n[smsc.main]\nwindow = 5\ntls = true\n[smsc.empty]\n";
        let (written, tables, issues) = read_toml(text);
        assert_eq!(issues, vec![]);
        assert_eq!(
            written.get("mm1.listen"),
            Some(&(Place::Line(3), Raw::Text("off".to_owned())))
        );
        assert_eq!(
            written.get("smsc.main.window"),
            Some(&(Place::Line(6), Raw::Integer(5)))
        );
        assert!(tables.contains(&("smsc.empty".to_owned(), Place::Line(8))));
    }

    #[test]
    fn every_syntax_error_is_told() {
        let text = "[mm1]\nlisten = \n[store]\npath = \"ok\"\nengine = = 1\n";
        let (written, _, issues) = read_toml(text);
        let lines: Vec<&Place> = issues.iter().map(|issue| &issue.place).collect();
        assert!(
            lines.contains(&&Place::Line(2)) && lines.contains(&&Place::Line(5)),
            "{issues:?}"
        );
        assert!(written.contains_key("store.path"));
    }

    #[test]
    fn set_takes_text_strings_and_lists() {
        let read = |text| read_set(1, text).map(|(key, _, raw)| (key, raw));
        assert_eq!(
            read("smsc.main.address=127.0.0.1:1"),
            Ok(("smsc.main.address".to_owned(), Raw::Bare("127.0.0.1:1".to_owned())))
        );
        assert_eq!(read("a.b=\"x=y\"").map(|set| set.1), Ok(Raw::Text("x=y".to_owned())));
        assert_eq!(
            read("a.b=[\"x\", \"y\"]").map(|set| set.1),
            Ok(Raw::List(vec![Raw::Text("x".to_owned()), Raw::Text("y".to_owned())]))
        );
        assert_eq!(
            read("a.b=[::1]:80").map(|set| set.1),
            Ok(Raw::Bare("[::1]:80".to_owned()))
        );
        for wrong in ["nothing", "=1", "a..b=1", "a.b=\"open", "a.b=[1 2]"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
