//! From numbers as they are dialled at home to E.164.

use std::ops::RangeInclusive;

/// How the operator's own country dials: turns national numbers into E.164.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HomePrefix {
    country_code: String,
    trunk_prefix: String,
    international_prefix: String,
    national_digits: RangeInclusive<usize>,
}

/// A rule that cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum HomePrefixError {
    /// The country code is not one to three digits that begin with 1 to 9.
    #[error("the country code must be one to three digits and not begin with 0")]
    CountryCode,
    /// The trunk prefix is not up to three digits.
    #[error("the trunk prefix must be at most three digits")]
    TrunkPrefix,
    /// The international prefix is not one to five digits.
    #[error("the international prefix must be one to five digits")]
    InternationalPrefix,
    /// No number has so many digits.
    #[error("a national number has between 4 and 14 digits, the smaller figure first")]
    NationalDigits,
}

impl HomePrefix {
    /// Rules of a country: its code (`46`), what is dialled before a national number (`0`; may be empty), what is
    /// dialled before a foreign one (`00`), and how many digits a national number has without its trunk prefix.
    ///
    /// # Errors
    /// Names the rule that cannot be.
    pub fn new(
        country_code: &str,
        trunk_prefix: &str,
        international_prefix: &str,
        national_digits: RangeInclusive<usize>,
    ) -> Result<Self, HomePrefixError> {
        let digits = |text: &str, sizes: RangeInclusive<usize>| {
            sizes.contains(&text.len()) && text.bytes().all(|octet| octet.is_ascii_digit())
        };
        if !digits(country_code, 1..=3) || country_code.starts_with('0') {
            return Err(HomePrefixError::CountryCode);
        }
        if !digits(trunk_prefix, 0..=3) {
            return Err(HomePrefixError::TrunkPrefix);
        }
        if !digits(international_prefix, 1..=5) {
            return Err(HomePrefixError::InternationalPrefix);
        }
        if national_digits.is_empty() || *national_digits.start() < 4 || *national_digits.end() > 14 {
            return Err(HomePrefixError::NationalDigits);
        }
        Ok(Self {
            country_code: country_code.to_owned(),
            trunk_prefix: trunk_prefix.to_owned(),
            international_prefix: international_prefix.to_owned(),
            national_digits,
        })
    }

    /// A national number with its country code; `None` if it is not one.
    fn internationalise(&self, digits: &str) -> Option<String> {
        let significant = match digits.strip_prefix(self.trunk_prefix.as_str()) {
            Some(rest) if self.national_digits.contains(&rest.len()) => rest,
            // Where the trunk prefix equals the country code (North America) it is often left out.
            Some(_) | None
                if (self.trunk_prefix == self.country_code || self.trunk_prefix.is_empty())
                    && self.national_digits.contains(&digits.len()) =>
            {
                digits
            }
            Some(_) | None => return None,
        };
        let whole = format!("{}{significant}", self.country_code);
        is_e164(&whole).then_some(whole)
    }
}

/// The shortest number that can be E.164; anything shorter is a service number and stays as dialled.
const SHORTEST: usize = 7;

/// 7 to 15 digits that do not begin with 0: no country code does.
pub(super) fn is_e164(digits: &str) -> bool {
    (SHORTEST..=15).contains(&digits.len()) && !digits.starts_with('0')
}

/// Digits written without a plus sign, as E.164 where the rules lead there, otherwise unchanged.
pub(super) fn to_e164(digits: &str, home: Option<&HomePrefix>) -> String {
    if digits.len() < SHORTEST {
        return digits.to_owned();
    }
    let international = home.map_or("00", |home| home.international_prefix.as_str());
    if let Some(rest) = digits.strip_prefix(international)
        && is_e164(rest)
    {
        return rest.to_owned();
    }
    home.and_then(|home| home.internationalise(digits))
        .unwrap_or_else(|| digits.to_owned())
}
