//! What the operating system says about this process, read from `/proc` when it is asked for.

use std::fs;

use prometheus::core::{Collector, Desc};
use prometheus::proto::{Counter, Gauge, Metric, MetricFamily, MetricType};

/// Name, kind, help: also the rows of the reference page.
pub(crate) const FAMILIES: [(&str, &str, &str); 4] = [
    (
        "mmsc_process_resident_memory_bytes",
        "gauge",
        "Memory of this process that is in RAM.",
    ),
    (
        "mmsc_process_open_fds",
        "gauge",
        "File descriptors that this process has open.",
    ),
    (
        "mmsc_process_cpu_seconds_total",
        "counter",
        "CPU time that this process has used, user and system together.",
    ),
    ("mmsc_process_threads", "gauge", "Threads of this process."),
];

/// The kernel counts CPU time in ticks of 1/100 s on every Linux that has a stable interface (USER_HZ).
const TICKS_PER_SECOND: f64 = 100.0;

/// Reads `/proc/self` at each scrape; a value that cannot be read is left out rather than told as zero.
pub(crate) struct ProcessCollector {
    descriptions: Vec<Desc>,
}

impl ProcessCollector {
    pub(crate) fn new() -> Result<Self, prometheus::Error> {
        let descriptions = FAMILIES
            .iter()
            .map(|(name, _, help)| {
                Desc::new(
                    (*name).to_owned(),
                    (*help).to_owned(),
                    Vec::new(),
                    std::collections::HashMap::new(),
                )
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { descriptions })
    }
}

impl Collector for ProcessCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.descriptions.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        FAMILIES
            .iter()
            .filter_map(|(name, kind, help)| {
                let value = match *name {
                    "mmsc_process_resident_memory_bytes" => resident_bytes(&status),
                    "mmsc_process_open_fds" => open_descriptors(),
                    "mmsc_process_cpu_seconds_total" => cpu_seconds(&stat),
                    _ => status_number(&status, "Threads:"),
                };
                value.map(|value| family(name, kind, help, value))
            })
            .collect()
    }
}

fn family(name: &str, kind: &str, help: &str, value: f64) -> MetricFamily {
    let mut family = MetricFamily::default();
    let mut metric = Metric::default();
    family.set_name(name.to_owned());
    family.set_help(help.to_owned());
    if kind == "counter" {
        let mut counter = Counter::default();
        counter.set_value(value);
        metric.set_counter(counter);
        family.set_field_type(MetricType::COUNTER);
    } else {
        let mut gauge = Gauge::default();
        gauge.set_value(value);
        metric.set_gauge(gauge);
        family.set_field_type(MetricType::GAUGE);
    }
    family.set_metric(vec![metric]);
    family
}

fn status_number(status: &str, field: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    line.split_whitespace().next()?.parse().ok()
}

fn resident_bytes(status: &str) -> Option<f64> {
    status_number(status, "VmRSS:").map(|kibibytes| kibibytes * 1024.0)
}

#[allow(clippy::cast_precision_loss, reason = "a count of descriptors is far below 2^52")]
fn open_descriptors() -> Option<f64> {
    let entries = fs::read_dir("/proc/self/fd").ok()?;
    // The directory itself is open while it is counted.
    Some(entries.count().saturating_sub(1) as f64)
}

/// Fields 14 and 15 of `/proc/self/stat`; the second field, a name in brackets, may hold spaces.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / TICKS_PER_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_behind_odd_names() {
        let stat = "42 (a ) b) S 1 42 42 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 3 0 1 1 1";
        assert_eq!(cpu_seconds(stat), Some(3.0));
        assert_eq!(cpu_seconds("nonsense"), None);
        assert_eq!(resident_bytes("Name:\tx\nVmRSS:\t    2048 kB\n"), Some(2048.0 * 1024.0));
    }

    #[test]
    fn this_process_has_memory_and_descriptors() {
        let families = ProcessCollector::new().unwrap().collect();
        assert_eq!(families.len(), FAMILIES.len());
        for family in &families {
            let metric = family.get_metric().first().unwrap();
            let value = metric.get_gauge().get_value().max(metric.get_counter().get_value());
            assert!(
                value > 0.0 || family.name().ends_with("cpu_seconds_total"),
                "{}",
                family.name()
            );
        }
    }
}
