//! Subscriber numbers of the stub handsets.

use std::fmt;
use std::str::FromStr;

use crate::error::PeerError;

/// An E.164 number, 1 to 15 digits without a leading zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Msisdn(u64);

/// The longest E.164 number.
const MAX: u64 = 999_999_999_999_999;

impl Msisdn {
    /// A number of a pool: `index` counted up from `first`, wrapping within E.164.
    #[must_use]
    pub fn of_pool(first: u64, index: u64) -> Self {
        Self(first.wrapping_add(index) % MAX + 1)
    }

    /// The digits as a number.
    #[must_use]
    pub fn digits(self) -> u64 {
        self.0
    }

    /// The MMS address form, `+15550100001/TYPE=PLMN` (digest 10).
    #[must_use]
    pub fn plmn(self) -> String {
        format!("{self}/TYPE=PLMN")
    }
}

impl fmt::Display for Msisdn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "+{}", self.0)
    }
}

impl FromStr for Msisdn {
    type Err = PeerError;

    /// Reads `+digits`, `digits` and both with `/TYPE=PLMN`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bare = text.split('/').next().unwrap_or_default();
        let digits = bare.strip_prefix('+').unwrap_or(bare);
        match digits.parse::<u64>() {
            Ok(number) if (1..=MAX).contains(&number) && !digits.starts_with(['+', '0']) => Ok(Self(number)),
            _ => Err(PeerError::NotANumber(text.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_forms_of_one_number_are_one_number() {
        let number: Msisdn = "+15550100001".parse().unwrap();
        assert_eq!("15550100001".parse::<Msisdn>().unwrap(), number);
        assert_eq!("+15550100001/TYPE=PLMN".parse::<Msisdn>().unwrap(), number);
        assert_eq!(number.plmn(), "+15550100001/TYPE=PLMN");
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in ["", "+", "++1", "0123", "a@b.example", "1234567890123456"] {
            assert!(text.parse::<Msisdn>().is_err(), "{text}");
        }
    }
}
