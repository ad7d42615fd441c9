//! Client addresses of the push framework (WAP-249): `WAPPUSH=+4915112345/TYPE=PLMN@ppg.example`.

/// How a gateway wants numbers written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AddressForm {
    /// `WAPPUSH=+NUMBER/TYPE=PLMN@HOST`, the standard's.
    Plmn {
        /// The gateway's own name.
        host: String,
    },
    /// `WAPPUSH=NUMBER` and nothing more.
    Bare,
}

impl AddressForm {
    /// The address of a number, given as digits. `international` puts the plus sign where the form has one.
    #[must_use]
    pub fn write(&self, digits: &str, international: bool) -> String {
        match self {
            Self::Plmn { host } => {
                let plus = if international { "+" } else { "" };
                format!("WAPPUSH={plus}{digits}/TYPE=PLMN@{host}")
            }
            Self::Bare => format!("WAPPUSH={digits}"),
        }
    }
}

/// The digits of an address in any of these forms; `None` if it is none.
#[must_use]
pub fn number_of(address: &str) -> Option<&str> {
    let (word, rest) = address.split_once('=')?;
    let value = rest.split(['/', '@']).next()?;
    let digits = value.strip_prefix('+').unwrap_or(value);
    let sound = word.eq_ignore_ascii_case("wappush")
        && (1..=20).contains(&digits.len())
        && digits.bytes().all(|octet| octet.is_ascii_digit());
    sound.then_some(digits)
}
