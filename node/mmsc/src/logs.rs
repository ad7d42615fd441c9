//! Structured logs on standard error. Whatever an event says, a subscriber's number leaves the process masked.

use std::io::{self, Write};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::config::LogSettings;

/// Starts logging; only the first call in a process counts.
pub fn start(settings: &LogSettings) {
    let filter = EnvFilter::try_new(&settings.level).unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(MaskedStderr)
        .with_ansi(false);
    // A second start (tests) leaves the first one in place.
    let _first = if settings.json {
        builder.json().flatten_event(true).try_init()
    } else {
        builder.try_init()
    };
    // A caught panic is an event like others; its message may quote what came from outside.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let payload = panic.payload();
        let literal = payload.downcast_ref::<&str>().copied();
        let text = literal.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        let text = text.unwrap_or("(no text)");
        tracing::error!(place, "panic: {text}");
    }));
}

/// Standard error behind the mask.
struct MaskedStderr;

impl MakeWriter<'_> for MaskedStderr {
    type Writer = MaskedWriter;

    fn make_writer(&self) -> MaskedWriter {
        MaskedWriter
    }
}

/// The formatter hands over whole events, so a number is never cut in two.
struct MaskedWriter;

impl Write for MaskedWriter {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        let masked = mask_numbers(&String::from_utf8_lossy(octets));
        io::stderr().lock().write_all(masked.as_bytes())?;
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().lock().flush()
    }
}

/// Digits that stay at the start of a number: country and network, which operators need.
const SHOWN_FIRST: usize = 4;
/// Digits that stay at its end.
const SHOWN_LAST: usize = 2;

/// Masks what can be a telephone number: seven to fifteen digits behind a plus sign, ten to fifteen without one.
/// Types mask their own addresses already; this is the net below them.
#[must_use]
pub fn mask_numbers(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut digits = String::new();
    let mut before = ' ';
    let flush = |digits: &mut String, out: &mut String, before: char, after: char| {
        let least = if before == '+' { 7 } else { 10 };
        // Part of a word, an id or a fraction of a second is no number.
        let alone = !before.is_ascii_alphanumeric() && before != '.' && !after.is_ascii_alphabetic();
        if alone && (least..=15).contains(&digits.len()) {
            let hidden = digits.len().saturating_sub(SHOWN_LAST);
            let masked = digits
                .chars()
                .enumerate()
                .map(|(at, c)| if at < SHOWN_FIRST || at >= hidden { c } else { '*' });
            out.extend(masked);
        } else {
            out.push_str(digits);
        }
        digits.clear();
    };
    for c in text.chars() {
        if c.is_ascii_digit() {
            digits.push(c);
            continue;
        }
        flush(&mut digits, &mut out, before, c);
        before = c;
        out.push(c);
    }
    flush(&mut digits, &mut out, before, ' ');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_masked_and_nothing_else() {
        for (text, masked) in [
            ("to +46701234567 now", "to +4670*****67 now"),
            ("number=46701234567/TYPE=PLMN", "number=4670*****67/TYPE=PLMN"),
            ("\"to\":\"+4670123\"", "\"to\":\"+4670*23\""),
            ("2026-11-24T16:41:21.123456Z", "2026-11-24T16:41:21.123456Z"),
            (
                "octets=10485760 port 127.0.0.1:46701",
                "octets=10485760 port 127.0.0.1:46701",
            ),
            ("id ab4670123456789x", "id ab4670123456789x"),
            ("0.12345678901s", "0.12345678901s"),
            ("", ""),
        ] {
            assert_eq!(mask_numbers(text), masked);
        }
    }
}
