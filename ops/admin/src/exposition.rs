//! Families as a Prometheus registry: an explicit one, with one collector for each family.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use mmsc_ports::metrics::{BUCKET_SECONDS, Family, Sample, Source};
use prometheus::core::{Collector, Desc};
use prometheus::proto::{Bucket, Counter, Gauge, Histogram, LabelPair, Metric, MetricFamily, MetricType};
use prometheus::{Encoder as _, Registry, TextEncoder};

use crate::catalogue;
use crate::process::ProcessCollector;

/// Why the exposition cannot be built or written. Each is a bug of this program, never of a peer.
#[derive(Debug, thiserror::Error)]
pub enum ExpositionError {
    /// Families that break the catalogue's rules, one line each.
    #[error("metrics break the catalogue's rules: {}", .0.join("; "))]
    Catalogue(Vec<String>),
    /// The registry refused a family.
    #[error("the metric registry refused: {0}")]
    Registry(#[from] prometheus::Error),
}

/// Everything that a node measures, ready to be scraped.
pub struct Exposition {
    registry: RwLock<Registry>,
}

impl Exposition {
    /// Over `families`, plus what the operating system says about this process.
    ///
    /// # Errors
    /// When a family breaks a rule of the [catalogue], or is declared twice.
    pub fn new(families: Vec<Family>) -> Result<Self, ExpositionError> {
        Ok(Self {
            registry: RwLock::new(registry(families)?),
        })
    }

    /// Exposes `families` from now on, for a part that was started again and measures anew.
    ///
    /// # Errors
    /// As [`Exposition::new`]; what was exposed before stays.
    pub fn replace(&self, families: Vec<Family>) -> Result<(), ExpositionError> {
        let registry = registry(families)?;
        *self.registry.write().unwrap_or_else(PoisonError::into_inner) = registry;
        Ok(())
    }

    /// The text format, as `/metrics` serves it.
    ///
    /// # Errors
    /// When a collector returned something that cannot be written.
    pub fn text(&self) -> Result<Vec<u8>, ExpositionError> {
        let registry = self.registry.read().unwrap_or_else(PoisonError::into_inner).clone();
        let mut out = Vec::with_capacity(64 * 1024);
        TextEncoder::new().encode(&registry.gather(), &mut out)?;
        Ok(out)
    }
}

fn registry(families: Vec<Family>) -> Result<Registry, ExpositionError> {
    let faults = catalogue::faults(&families);
    if !faults.is_empty() {
        return Err(ExpositionError::Catalogue(faults));
    }
    let registry = Registry::new();
    registry.register(Box::new(ProcessCollector::new()?))?;
    for family in families {
        registry.register(Box::new(FamilyCollector::new(family)?))?;
    }
    Ok(registry)
}

/// One family as a collector. A family without series yet (no SMSC configured) exposes nothing.
struct FamilyCollector {
    family: Family,
    description: Desc,
}

impl FamilyCollector {
    fn new(family: Family) -> Result<Self, prometheus::Error> {
        let labels = family.samples.first().map(label_names).unwrap_or_default();
        let description = Desc::new(family.name.to_owned(), family.help.to_owned(), labels, HashMap::new())?;
        Ok(Self { family, description })
    }
}

fn label_names(sample: &Sample) -> Vec<String> {
    sample.labels.iter().map(|(name, _)| (*name).to_owned()).collect()
}

impl Collector for FamilyCollector {
    fn desc(&self) -> Vec<&Desc> {
        vec![&self.description]
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let Some(first) = self.family.samples.first() else {
            return Vec::new();
        };
        let mut out = MetricFamily::default();
        out.set_name(self.family.name.to_owned());
        out.set_help(self.family.help.to_owned());
        out.set_field_type(match &first.source {
            Source::Counter(_) => MetricType::COUNTER,
            Source::Gauge(_) | Source::Probe(_) => MetricType::GAUGE,
            Source::Histogram(_) => MetricType::HISTOGRAM,
        });
        out.set_metric(self.family.samples.iter().map(metric).collect());
        vec![out]
    }
}

#[allow(clippy::cast_precision_loss, reason = "Prometheus values are doubles")]
fn metric(sample: &Sample) -> Metric {
    let mut metric = Metric::default();
    metric.set_label(
        sample
            .labels
            .iter()
            .map(|(name, value)| {
                let mut pair = LabelPair::default();
                pair.set_name((*name).to_owned());
                pair.set_value(value.clone());
                pair
            })
            .collect(),
    );
    match &sample.source {
        Source::Counter(counter) => {
            let mut value = Counter::default();
            value.set_value(counter.value() as f64);
            metric.set_counter(value);
        }
        Source::Gauge(gauge) => metric.set_gauge(gauge_of(gauge.value() as f64)),
        Source::Probe(probe) => metric.set_gauge(gauge_of(probe())),
        Source::Histogram(histogram) => {
            let (counts, sum) = histogram.snapshot();
            metric.set_histogram(histogram_of(&counts, sum));
        }
    }
    metric
}

fn gauge_of(value: f64) -> Gauge {
    let mut gauge = Gauge::default();
    gauge.set_value(value);
    gauge
}

fn histogram_of(counts: &[u64], sum_seconds: f64) -> Histogram {
    let mut histogram = Histogram::default();
    let mut cumulated = 0u64;
    let mut buckets = Vec::with_capacity(BUCKET_SECONDS.len());
    for (bound, count) in BUCKET_SECONDS.iter().zip(counts) {
        cumulated = cumulated.saturating_add(*count);
        let mut bucket = Bucket::default();
        bucket.set_upper_bound(*bound);
        bucket.set_cumulative_count(cumulated);
        buckets.push(bucket);
    }
    // The encoder adds the +Inf bucket from the count.
    histogram.set_bucket(buckets);
    histogram.set_sample_count(counts.iter().sum());
    histogram.set_sample_sum(sum_seconds);
    histogram
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;

    #[test]
    fn every_kind_is_written_in_the_text_format() {
        let counter = Arc::new(mmsc_ports::metrics::Counter::default());
        counter.add(3);
        let histogram = Arc::new(mmsc_ports::metrics::Histogram::default());
        histogram.observe(Duration::from_millis(2));
        histogram.observe(Duration::from_secs(500));
        let exposition = Exposition::new(vec![
            Family::labelled(
                "mmsc_mm_accepted_total",
                "Messages accepted so far.",
                "interface",
                [("mm1".to_owned(), Source::Counter(counter))],
            ),
            Family::single(
                "mmsc_store_commit_seconds",
                "How long commits took.",
                Source::Histogram(histogram),
            ),
            Family::single(
                "mmsc_queue_length",
                "Commands that wait now.",
                Source::Probe(Arc::new(|| 2.5)),
            ),
        ])
        .unwrap();
        let text = String::from_utf8(exposition.text().unwrap()).unwrap();
        for expected in [
            "# TYPE mmsc_mm_accepted_total counter",
            "mmsc_mm_accepted_total{interface=\"mm1\"} 3",
            "mmsc_store_commit_seconds_bucket{le=\"0.001\"} 0",
            "mmsc_store_commit_seconds_bucket{le=\"0.0025\"} 1",
            "mmsc_store_commit_seconds_bucket{le=\"+Inf\"} 2",
            "mmsc_store_commit_seconds_count 2",
            "mmsc_queue_length 2.5",
            "# TYPE mmsc_process_cpu_seconds_total counter",
        ] {
            assert!(text.contains(expected), "{expected:?} is not in\n{text}");
        }
    }

    #[test]
    fn a_family_that_breaks_a_rule_is_refused() {
        let bad = Family::single("queue", "Commands that wait now.", Source::Probe(Arc::new(|| 0.0)));
        assert!(matches!(
            Exposition::new(vec![bad]),
            Err(ExpositionError::Catalogue(faults)) if faults.len() == 1
        ));
    }
}
