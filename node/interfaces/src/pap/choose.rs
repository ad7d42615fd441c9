//! Which gateways may carry a push, in the order in which they are asked.

use super::config::PpgConfig;
use crate::bearer::closest;

/// Indices into `gateways`, best first: the closest range, then priority, then the order of the configuration.
pub(super) fn order<'a>(gateways: impl Iterator<Item = &'a PpgConfig>, number: &str) -> Vec<usize> {
    let mut candidates: Vec<(usize, usize, u8)> = gateways
        .enumerate()
        .filter_map(|(index, gateway)| {
            let matched = if gateway.ranges.is_empty() {
                0
            } else {
                closest(&gateway.ranges, number)?
            };
            Some((index, matched, gateway.priority))
        })
        .collect();
    candidates.sort_by(|a, b| b.1.cmp(&a.1).then(a.2.cmp(&b.2)).then(a.0.cmp(&b.0)));
    candidates.into_iter().map(|(index, ..)| index).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bearer::Range;

    #[test]
    fn closest_range_then_priority() {
        let gateway = |name: &str, ranges: &[&str], priority| PpgConfig {
            ranges: ranges.iter().map(|range| Range::parse(range).unwrap()).collect(),
            priority,
            ..PpgConfig::new(name, "http://ppg.example/".parse().unwrap())
        };
        let gateways = [
            gateway("backup", &[], 1),
            gateway("any", &[], 0),
            gateway("range", &["1", "4917000-4917999"], 5),
            gateway("country", &["49"], 0),
        ];
        assert_eq!(order(gateways.iter(), "4917555"), [2, 3, 1, 0]);
        assert_eq!(order(gateways.iter(), "491"), [3, 1, 0]);
        assert_eq!(order(gateways.iter(), "44"), [1, 0]);
        assert!(order(gateways.iter().skip(2), "44").is_empty());
    }
}
