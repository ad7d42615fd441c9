//! What a node's `/metrics` says.

use std::collections::BTreeMap;
use std::time::Duration;

use mmsc_ports::Ports;

use crate::error::PeerError;
use crate::handset::Client;

/// One scrape: series in exposition order of their names, labels included in the name.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    series: BTreeMap<String, f64>,
}

impl Metrics {
    /// Reads the text exposition; lines that are no samples are left out.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let sample = |line: &str| {
            let (name, value) = line.rsplit_once(' ')?;
            Some((name.to_owned(), value.parse().ok()?))
        };
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        Self {
            series: lines.filter_map(sample).collect(),
        }
    }

    /// The series whose names start with `prefix`, with their values.
    pub fn starting_with<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, f64)> {
        let series = self.series.iter().filter(move |(name, _)| name.starts_with(prefix));
        series.map(|(name, value)| (name.as_str(), *value))
    }

    /// The sum over all series of a family; none if the node does not have it.
    #[must_use]
    pub fn sum(&self, family: &str) -> Option<f64> {
        let mut values = self
            .series
            .iter()
            .filter(|(name, _)| name.split('{').next() == Some(family))
            .map(|(_, value)| *value)
            .peekable();
        values.peek()?;
        Some(values.sum())
    }
}

/// Gets `/metrics` from a node's ops port.
pub async fn scrape(ports: &Ports, ops: &str) -> Result<Metrics, PeerError> {
    let mut client = Client::new(ports.clone(), ops, Duration::from_secs(10));
    let reply = client.get_anonymous("/metrics").await?;
    if reply.status != 200 {
        return Err(PeerError::Protocol(format!("/metrics answered {}", reply.status)));
    }
    Ok(Metrics::parse(&String::from_utf8_lossy(&reply.body)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_are_summed_over_their_labels() {
        let text = "# HELP a_total x\n# TYPE a_total counter\na_total{k=\"v w\"} 2\na_total{k=\"u\"} 3\nb 1.5\nodd\n";
        let metrics = Metrics::parse(text);
        assert_eq!(metrics.sum("a_total"), Some(5.0));
        assert_eq!(metrics.sum("b"), Some(1.5));
        assert_eq!(metrics.sum("a"), None);
    }
}
