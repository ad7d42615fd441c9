//! Ranges of numbers.

/// Numbers with a prefix, or from one number to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Range {
    /// `4670`.
    Prefix(String),
    /// `46700000000-46709999999`: numbers of as many digits, both ends included.
    Between(String, String),
}

impl Range {
    /// Reads `4670` or `46700000000-46709999999`; a plus sign in front is skipped.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = |text: &str| {
            let bare = text.trim();
            let bare = bare.strip_prefix('+').unwrap_or(bare);
            let sound = (1..=20).contains(&bare.len()) && bare.bytes().all(|octet| octet.is_ascii_digit());
            sound.then(|| bare.to_owned())
        };
        match text.split_once('-') {
            None => digits(text).map(Self::Prefix),
            Some((from, to)) => {
                let (from, to) = (digits(from)?, digits(to)?);
                (from.len() == to.len() && from <= to).then_some(Self::Between(from, to))
            }
        }
    }

    /// How many leading digits the range fixes, if `number` lies in it: the more, the closer it fits.
    #[must_use]
    pub fn matched(&self, number: &str) -> Option<usize> {
        match self {
            Self::Prefix(prefix) => number.starts_with(prefix.as_str()).then_some(prefix.len()),
            Self::Between(from, to) => {
                let inside = number.len() == from.len() && (from.as_str()..=to.as_str()).contains(&number);
                let fixed = from.bytes().zip(to.bytes()).take_while(|(from, to)| from == to);
                inside.then(|| fixed.count())
            }
        }
    }
}

/// The closest fit of any of `ranges`.
pub(crate) fn closest(ranges: &[Range], number: &str) -> Option<usize> {
    ranges.iter().filter_map(|range| range.matched(number)).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_and_ranges() {
        let fits = |range: &str, number| Range::parse(range).unwrap().matched(number);
        assert_eq!(fits("+4670", "467012345"), Some(4));
        assert_eq!(fits("4670", "4671"), None);
        assert_eq!(fits("100-199", "150"), Some(1));
        assert_eq!(fits("100-199", "1500"), None);
        assert_eq!(fits("100-199", "200"), None);
        assert_eq!(fits("100-100", "100"), Some(3));
        for wrong in ["", "+", "x", "2-1", "1-22", "1-2-3", "++1"] {
            assert_eq!(Range::parse(wrong), None, "{wrong}");
        }
    }
}
