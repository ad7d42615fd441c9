//! Times of SMPP (SMPP 3.4 7.1.1).

use std::time::Duration;

/// A relative validity period, `YYMMDDhhmmss000R`. Zero gives the empty text, which means the default of the SMSC; more
/// than 99 years counts as 99. Relative, so that no clock of the SMSC matters.
///
/// ```
/// use std::time::Duration;
/// assert_eq!(mmsc_wire::smpp::relative_validity(Duration::from_secs(36_000)), "000000100000000R");
/// ```
pub fn relative_validity(validity: Duration) -> String {
    let seconds = validity.as_secs();
    if seconds == 0 {
        return String::new();
    }
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let (years, days) = (days / 365, days % 365);
    if years > 99 {
        return "991130235959000R".to_owned();
    }
    // A month counts as 30 days, a year as 365: at most 12 months and 4 days.
    let months = days / 30;
    let days = days - months * 30;
    format!(
        "{years:02}{months:02}{days:02}{:02}{:02}{:02}000R",
        rest / 3_600,
        rest / 60 % 60,
        rest % 60
    )
}
