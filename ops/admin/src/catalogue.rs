//! The rules that every metric obeys, so that a dashboard can rely on them: prefix `mmsc_`, base units, `_total` on
//! counters and on nothing else, labels from closed sets, never a subscriber's number.

use std::collections::BTreeSet;

use mmsc_ports::metrics::{Family, Sample, Source};

/// Label names that exist. A new one is added here, with the closed set that its values come from.
pub const LABELS: &[(&str, &str)] = &[
    ("actor", "kinds of actors"),
    ("bearer", "`smsc`, `ppg`"),
    (
        "class",
        "classes of commands, or of answers of an SMSC or push proxy gateway",
    ),
    ("command", "SMPP commands"),
    ("destination", "configured names of SMSCs and peers"),
    ("direction", "`in`, `out`"),
    ("engine", "`embedded`, `foundationdb`"),
    ("interface", "reference points: `mm1`, `smpp`, …"),
    ("invariant", "named promises (`lifecycle/invariant.rs`)"),
    ("kind", "kinds of errors of one decoder"),
    ("method", "HTTP methods that are served"),
    ("operation", "operations of the store"),
    ("outcome", "how an attempt ended"),
    ("part", "parts of a node that restart alone"),
    ("pdu", "PDU types of MM1"),
    ("ppg", "configured names `[ppg.NAME]`"),
    ("protocol", "protocols with a decoder"),
    ("push", "what a push tells"),
    ("reason", "named reasons (`why.rs`)"),
    ("request", "what a handset asks for"),
    ("result", "`ok` and the kinds of failure"),
    ("smsc", "configured names `[smsc.NAME]`"),
    ("state", "states of a copy or of a link"),
    ("status", "status classes of answers"),
    ("task", "names of tasks and workers"),
    ("version", "the version of this build"),
    ("why", "named reasons (`why.rs`)"),
];

/// The most series that one family may have.
pub const MAX_SERIES: usize = 512;

/// Endings that name something other than a base unit (seconds, bytes, ratio).
const WRONG_UNITS: [&str; 12] = [
    "ms",
    "millis",
    "milliseconds",
    "micros",
    "us",
    "ns",
    "minutes",
    "hours",
    "kb",
    "mb",
    "kilobytes",
    "percent",
];

/// What is wrong with a set of families: one line each, empty when all of them obey.
#[must_use]
pub fn faults<'a>(families: impl IntoIterator<Item = &'a Family>) -> Vec<String> {
    let mut names = BTreeSet::new();
    let mut faults = Vec::new();
    for family in families {
        if !names.insert(family.name) {
            faults.push(format!("{}: declared twice", family.name));
        }
        faults.extend(family_faults(family));
    }
    faults
}

fn family_faults(family: &Family) -> Vec<String> {
    let mut faults: Vec<String> = Vec::new();
    let name = family.name;
    if !name.starts_with("mmsc_") {
        faults.push("lacks the prefix mmsc_".to_owned());
    }
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if !name.chars().all(plain) || name.contains("__") || name.ends_with('_') {
        faults.push("is not lower-case words joined by single underscores".to_owned());
    }
    if let Some(unit) = name.split('_').find(|word| WRONG_UNITS.contains(word)) {
        faults.push(format!("has the unit '{unit}', which is not a base unit"));
    }
    if family.help.len() < 10 || !family.help.ends_with('.') {
        faults.push("has no help sentence".to_owned());
    }
    if family.samples.len() > MAX_SERIES {
        faults.push(format!("has {} series, more than {MAX_SERIES}", family.samples.len()));
    }
    faults.extend(kind_fault(family));
    faults.extend(label_faults(&family.samples));
    faults.into_iter().map(|fault| format!("{name}: {fault}")).collect()
}

fn kind_fault(family: &Family) -> Option<String> {
    let kinds: BTreeSet<&str> = family.samples.iter().map(|sample| kind(&sample.source)).collect();
    let total = family.name.ends_with("_total");
    match kinds.into_iter().collect::<Vec<_>>().as_slice() {
        [] => None,
        ["counter"] if !total => Some("is a counter and does not end in _total".to_owned()),
        ["gauge" | "histogram"] if total => Some("ends in _total and is no counter".to_owned()),
        ["histogram"] if !family.name.ends_with("_seconds") => {
            Some("is a histogram and does not end in _seconds".to_owned())
        }
        [_] => None,
        several => Some(format!("mixes {}", several.join(" and "))),
    }
}

/// `counter`, `gauge` or `histogram`.
#[must_use]
pub fn kind(source: &Source) -> &'static str {
    match source {
        Source::Counter(_) => "counter",
        Source::Gauge(_) | Source::Probe(_) => "gauge",
        Source::Histogram(_) => "histogram",
    }
}

fn label_faults(samples: &[Sample]) -> Vec<String> {
    let mut faults = Vec::new();
    let mut seen = BTreeSet::new();
    for sample in samples {
        let mut names: Vec<&str> = sample.labels.iter().map(|(name, _)| *name).collect();
        for (name, value) in &sample.labels {
            if !LABELS.iter().any(|(known, _)| known == name) {
                faults.push(format!("has the label '{name}', which the catalogue does not know"));
            }
            faults.extend(value_fault(name, value));
        }
        names.sort_unstable();
        if names.windows(2).any(|pair| pair.first() == pair.last()) {
            faults.push("has a label twice in one series".to_owned());
        }
        let mut series = sample.labels.clone();
        series.sort();
        if !seen.insert(series) {
            faults.push("has one series twice".to_owned());
        }
    }
    let shapes: BTreeSet<Vec<&str>> = samples
        .iter()
        .map(|sample| sample.labels.iter().map(|(name, _)| *name).collect())
        .collect();
    if shapes.len() > 1 {
        faults.push("has series with different labels".to_owned());
    }
    faults
}

/// Seven digits in a row look like a subscriber's number, which has no place in a label.
fn value_fault(name: &str, value: &str) -> Option<String> {
    let digits = value
        .split(|c: char| !c.is_ascii_digit())
        .map(str::len)
        .max()
        .unwrap_or(0);
    if digits >= 7 {
        return Some(format!("label '{name}' has a value that looks like a number"));
    }
    (value.is_empty() || value.len() > 64).then(|| format!("label '{name}' has a value of {} octets", value.len()))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use mmsc_ports::metrics::{Counter, Gauge, Histogram};

    use super::*;

    fn counter() -> Source {
        Source::Counter(Arc::new(Counter::default()))
    }

    fn fault_of(family: &Family) -> String {
        faults([family]).join("; ")
    }

    #[test]
    fn good_families_pass() {
        let good = [
            Family::single("mmsc_mm_accepted_total", "Messages accepted so far.", counter()),
            Family::single(
                "mmsc_store_commit_seconds",
                "How long commits took.",
                Source::Histogram(Arc::new(Histogram::default())),
            ),
            Family::labelled(
                "mmsc_smpp_bound",
                "1 while a bind is up.",
                "smsc",
                [("main".to_owned(), Source::Gauge(Arc::new(Gauge::default())))],
            ),
        ];
        assert_eq!(faults(&good), Vec::<String>::new());
    }

    #[test]
    fn each_rule_has_teeth() {
        let gauge = || Source::Gauge(Arc::new(Gauge::default()));
        let help = "A sentence that explains.";
        let cases = [
            (Family::single("accepted_total", help, counter()), "prefix"),
            (Family::single("mmsc_accepted", help, counter()), "_total"),
            (Family::single("mmsc_open_total", help, gauge()), "no counter"),
            (Family::single("mmsc_wait_ms", help, gauge()), "base unit"),
            (Family::single("mmsc_Wait_seconds", help, gauge()), "lower-case"),
            (Family::single("mmsc_wait_seconds", "wait", gauge()), "help"),
            (
                Family::labelled("mmsc_x", help, "msisdn", [("a".to_owned(), gauge())]),
                "catalogue",
            ),
            (
                Family::labelled("mmsc_x", help, "smsc", [("+491700000001".to_owned(), gauge())]),
                "number",
            ),
            (
                Family::labelled(
                    "mmsc_x",
                    help,
                    "smsc",
                    [("a".to_owned(), gauge()), ("a".to_owned(), gauge())],
                ),
                "twice",
            ),
            (
                Family::labelled(
                    "mmsc_x",
                    help,
                    "smsc",
                    [("a".to_owned(), gauge()), ("b".to_owned(), counter())],
                ),
                "mixes",
            ),
        ];
        for (family, expected) in cases {
            let fault = fault_of(&family);
            assert!(
                fault.contains(expected),
                "{}: {fault:?} lacks {expected:?}",
                family.name
            );
        }
        let twice = Family::single("mmsc_a_total", help, counter());
        assert!(faults([&twice, &twice]).join("").contains("declared twice"));
    }
}
