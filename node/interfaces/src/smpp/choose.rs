//! Which SMSCs may carry a push, in the order in which they are asked.

use super::config::SmscConfig;

/// Indices into `smscs`, best first: longest matching prefix, then priority, then a draw weighted by `weight` that
/// always falls alike for one number, so that a handset's pushes keep to one SMSC while the others share the rest.
pub(super) fn order<'a>(smscs: impl Iterator<Item = &'a SmscConfig>, number: &str) -> Vec<usize> {
    let mut candidates: Vec<(usize, usize, u8, f64)> = smscs
        .enumerate()
        .filter_map(|(index, smsc)| {
            let matched = matched_prefix(smsc, number)?;
            Some((index, matched, smsc.priority, draw(smsc, number)))
        })
        .collect();
    candidates.sort_by(|a, b| {
        b.1.cmp(&a.1)
            .then(a.2.cmp(&b.2))
            .then(b.3.total_cmp(&a.3))
            .then(a.0.cmp(&b.0))
    });
    candidates.into_iter().map(|(index, ..)| index).collect()
}

/// Length of the longest prefix that matches; 0 where any number is served.
fn matched_prefix(smsc: &SmscConfig, number: &str) -> Option<usize> {
    if smsc.prefixes.is_empty() {
        return Some(0);
    }
    smsc.prefixes
        .iter()
        .filter(|prefix| number.starts_with(prefix.as_str()))
        .map(String::len)
        .max()
}

/// Weighted rendezvous hashing: the highest draw wins, in proportion to the weights; an SMSC that comes or goes moves
/// only the numbers that it wins or loses.
fn draw(smsc: &SmscConfig, number: &str) -> f64 {
    let hash = mix(number.bytes().chain([0xff]).chain(smsc.name.bytes()));
    // 53 bits as a number in (0, 1].
    #[allow(clippy::cast_precision_loss, reason = "53 bits fit")]
    let uniform = ((hash >> 11) + 1) as f64 / (1u64 << 53) as f64;
    f64::from(smsc.weight) / -uniform.ln().min(-f64::MIN_POSITIVE)
}

/// FNV-1a with SplitMix64's finish: the same on every node and in every release.
fn mix(octets: impl Iterator<Item = u8>) -> u64 {
    let hash = octets.fold(0xcbf2_9ce4_8422_2325, |hash: u64, octet| {
        (hash ^ u64::from(octet)).wrapping_mul(0x0100_0000_01b3)
    });
    let z = (hash ^ (hash >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::super::config::Secret;
    use super::*;

    fn smsc(name: &str) -> SmscConfig {
        SmscConfig::new(name, "smsc:2775", "mmsc", Secret::new("secret"))
    }

    fn share(smscs: &[SmscConfig], winner: usize) -> usize {
        (0..10_000)
            .filter(|n| order(smscs.iter(), &format!("4917{n:08}")).first() == Some(&winner))
            .count()
    }

    #[test]
    fn weights_share_the_numbers() {
        let mut smscs = [smsc("a"), smsc("b")];
        smscs[1].weight = 3;
        let a = share(&smscs, 0);
        assert!((2300..2700).contains(&a), "{a} of 10,000 for a quarter");
    }

    #[test]
    fn a_number_keeps_its_smsc_when_another_comes() {
        let two = [smsc("a"), smsc("b")];
        let three = [smsc("a"), smsc("b"), smsc("c")];
        for n in 0..1000 {
            let number = format!("4917{n:08}");
            let (before, after) = (order(two.iter(), &number)[0], order(three.iter(), &number)[0]);
            assert!(after == before || after == 2);
        }
    }

    #[test]
    fn longest_prefix_then_priority() {
        let mut smscs = [smsc("any"), smsc("country"), smsc("range"), smsc("backup")];
        smscs[1].prefixes = vec!["49".into()];
        smscs[2].prefixes = vec!["44".into(), "49171".into()];
        smscs[3].priority = 1;
        assert_eq!(order(smscs.iter(), "49171555"), [2, 1, 0, 3]);
        assert_eq!(order(smscs.iter(), "49172555"), [1, 0, 3]);
        assert_eq!(order(smscs.iter(), "33612345"), [0, 3]);
        smscs[0].prefixes = vec!["1".into()];
        smscs[3].prefixes = vec!["1".into()];
        assert!(order(smscs.iter(), "33612345").is_empty());
    }
}
