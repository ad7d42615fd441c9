//! Durations and sizes as operators write them.

use std::time::Duration;

const MILLIS: [(&str, u64); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1000),
    ("ms", 1),
];

const OCTETS: [(&str, u64); 8] = [
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1000),
    ("B", 1),
];

/// `"10m"`, `"1h30m"`, `"500ms"`, `"7d"`; every number needs its unit.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut millis: u64 = 0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let (number, after) = leading_number(rest)?;
        let end = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
        let (unit, next) = after.split_at_checked(end)?;
        let factor = MILLIS.iter().find(|(name, _)| *name == unit)?.1;
        millis = millis.checked_add(number.checked_mul(factor)?)?;
        rest = next;
    }
    Some(Duration::from_millis(millis))
}

/// `"300KiB"`, `"64MiB"`, `"100kB"`, `"512B"`.
pub(crate) fn size(text: &str) -> Option<u64> {
    let (number, unit) = leading_number(text)?;
    let unit = unit.trim_start();
    let factor = OCTETS.iter().find(|(name, _)| *name == unit)?.1;
    number.checked_mul(factor)
}

fn leading_number(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at_checked(end)?;
    Some((digits.parse().ok()?, rest))
}

/// Whole milliseconds, saturating.
pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Milliseconds in the largest unit that fits.
pub(crate) fn millis_text(millis: u64) -> String {
    let (unit, factor) = MILLIS
        .iter()
        .find(|(_, factor)| millis >= *factor && millis.checked_rem(*factor) == Some(0))
        .copied()
        .unwrap_or(("s", 1000));
    format!("{}{unit}", millis.checked_div(factor).unwrap_or(0))
}

/// Octets in the largest binary unit that fits.
pub(crate) fn size_text(octets: u64) -> String {
    let (unit, factor) = OCTETS
        .iter()
        .filter(|(name, _)| name.contains('i') || *name == "B")
        .find(|(_, factor)| octets >= *factor && octets.checked_rem(*factor) == Some(0))
        .copied()
        .unwrap_or(("B", 1));
    format!("{}{unit}", octets.checked_div(factor).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (text, millis) in [
            ("10m", 600_000),
            ("1h30m", 5_400_000),
            ("500ms", 500),
            ("7d", 604_800_000),
            ("0s", 0),
            ("1m500ms", 60_500),
        ] {
            assert_eq!(duration(text), Some(Duration::from_millis(millis)), "{text}");
        }
        for wrong in [
            "",
            "10",
            "m",
            "10 m",
            "-1s",
            "1.5h",
            "10y",
            "99999999999999999999s",
            "5mö",
        ] {
            assert_eq!(duration(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn sizes() {
        for (text, octets) in [
            ("300KiB", 307_200),
            ("1MiB", 1 << 20),
            ("100kB", 100_000),
            ("5B", 5),
            ("2 GiB", 2 << 30),
        ] {
            assert_eq!(size(text), Some(octets), "{text}");
        }
        for wrong in ["", "300", "KiB", "300K", "300kib", "-1B"] {
            assert_eq!(size(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn texts_read_back() {
        for millis in [1, 1000, 90_000, 604_800_000, 0] {
            assert_eq!(duration(&millis_text(millis)), Some(Duration::from_millis(millis)));
        }
        for octets in [0, 1, 1024, 300 << 10, 1 << 40, 1025] {
            assert_eq!(size(&size_text(octets)), Some(octets));
        }
    }
}
