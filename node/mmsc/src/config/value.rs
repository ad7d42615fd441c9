//! Typed values: what may stand under a key, with its unit, and what it becomes.

use std::net::SocketAddr;
use std::time::Duration;

use mmsc_interfaces::http::Network;

use super::units;

/// What a key takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text of at most so many characters.
    Text(usize),
    /// A name: letters, digits, `-` and `_`.
    Name,
    /// Text that is never printed, of at most so many characters.
    Secret(usize),
    /// A file or directory.
    Path,
    /// `true` or `false`.
    Boolean,
    /// A whole number between the two.
    Integer(u64, u64),
    /// A duration between the two, in milliseconds; written `"10m"`, `"1h30m"`, `"500ms"`, `"7d"`.
    Duration(u64, u64),
    /// A size between the two, in octets; written `"300KiB"`, `"64MiB"`, or as a number of octets.
    Size(u64, u64),
    /// An IP address with port, or `off`.
    Listener,
    /// `host:port`.
    HostPort,
    /// An `http://` or `https://` address without query.
    Url,
    /// Up to so many digits.
    Digits(usize),
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A log filter: a level, or directives such as `info,mmsc_store=debug`.
    LogFilter,
    /// A list of texts.
    Texts,
    /// A list of durations, each between one second and 30 days.
    Durations,
    /// A list of networks: `"10.0.0.0/8"`, `"2001:db8::/32"`, or single addresses.
    Networks,
    /// A list of numbers (0 to 65535).
    Integers,
    /// A list of number ranges: a prefix `"4670"`, or `"46700000000-46709999999"`.
    Ranges,
}

/// A parsed value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Text, names, secrets, paths, addresses, choices.
    Text(String),
    /// A switch.
    Boolean(bool),
    /// Integers and sizes.
    Integer(u64),
    /// A duration.
    Duration(Duration),
    /// A listener; `None` is `off`.
    Listener(Option<SocketAddr>),
    /// Texts.
    Texts(Vec<String>),
    /// Durations.
    Durations(Vec<Duration>),
    /// Numbers.
    Integers(Vec<u64>),
}

/// A value as it was written.
#[derive(Clone, Debug, PartialEq)]
pub enum Raw {
    /// A TOML string.
    Text(String),
    /// A TOML integer.
    Integer(i64),
    /// A TOML boolean.
    Boolean(bool),
    /// A TOML array.
    List(Vec<Raw>),
    /// Text after `--set key=`: its type is that of the key.
    Bare(String),
    /// A TOML value of a kind that no key takes.
    Other(&'static str),
}

impl Raw {
    fn describe(&self) -> String {
        match self {
            Self::Text(text) => format!("\"{text}\""),
            Self::Bare(text) => format!("'{text}'"),
            Self::Integer(number) => number.to_string(),
            Self::Boolean(value) => value.to_string(),
            Self::List(_) => "a list".to_owned(),
            Self::Other(what) => (*what).to_owned(),
        }
    }

    /// The text, where there is one.
    fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) | Self::Bare(text) => Some(text),
            Self::Integer(_) | Self::Boolean(_) | Self::List(_) | Self::Other(_) => None,
        }
    }

    fn number(&self) -> Option<u64> {
        match self {
            Self::Integer(number) => u64::try_from(*number).ok(),
            Self::Bare(text) => text.replace('_', "").parse().ok(),
            Self::Text(_) | Self::Boolean(_) | Self::List(_) | Self::Other(_) => None,
        }
    }

    /// The elements of a list; after `--set` a comma separates them.
    fn elements(&self) -> Option<Vec<Raw>> {
        match self {
            Self::List(list) => Some(list.clone()),
            Self::Bare(text) if text.is_empty() => Some(Vec::new()),
            Self::Bare(text) => Some(text.split(',').map(|part| Self::Bare(part.trim().to_owned())).collect()),
            Self::Text(_) | Self::Integer(_) | Self::Boolean(_) | Self::Other(_) => None,
        }
    }
}

impl Kind {
    /// What a reader is told that the key takes.
    #[must_use]
    pub fn describe(self) -> String {
        match self {
            Self::Text(most) => format!("text of at most {most} characters"),
            Self::Name => "a name (letters, digits, '-', '_')".to_owned(),
            Self::Secret(most) => format!("a secret of at most {most} characters"),
            Self::Path => "a path".to_owned(),
            Self::Boolean => "true or false".to_owned(),
            Self::Integer(least, most) => format!("a number from {least} to {most}"),
            Self::Duration(least, most) => {
                format!(
                    "a duration from {} to {}",
                    units::millis_text(least),
                    units::millis_text(most)
                )
            }
            Self::Size(least, most) => format!("a size from {} to {}", units::size_text(least), units::size_text(most)),
            Self::Listener => "an IP address with port (0: any), or \"off\"".to_owned(),
            Self::HostPort => "host:port".to_owned(),
            Self::Url => "an http:// or https:// address".to_owned(),
            Self::Digits(most) => format!("at most {most} digits"),
            Self::Choice(words) => format!("one of {}", quoted(words)),
            Self::LogFilter => "a level (error, warn, info, debug, trace) or filter directives".to_owned(),
            Self::Texts => "a list of texts".to_owned(),
            Self::Durations => "a list of durations, each from 1s to 30d".to_owned(),
            Self::Networks => "a list of networks (\"10.0.0.0/8\") or addresses".to_owned(),
            Self::Integers => "a list of numbers".to_owned(),
            Self::Ranges => "a list of number prefixes (\"4670\") or ranges (\"46700000000-46709999999\")".to_owned(),
        }
    }

    /// Whether its values must not be printed.
    #[must_use]
    pub fn is_secret(self) -> bool {
        matches!(self, Self::Secret(_))
    }

    /// Reads a value, or says what was expected and what was found.
    ///
    /// # Errors
    /// The text for the operator. It never repeats a secret.
    pub fn read(self, raw: &Raw) -> Result<Value, String> {
        self.value(raw).ok_or_else(|| {
            let wrong = self.wrong_elements(raw);
            if !wrong.is_empty() {
                return format!("expected {}; {}", self.describe(), wrong.join(", "));
            }
            let found = if self.is_secret() {
                "something else".to_owned()
            } else {
                raw.describe()
            };
            format!("expected {}, found {found}", self.describe())
        })
    }

    /// Which elements of a list do not belong there: each with its place, from 1, and its text.
    fn wrong_elements(self, raw: &Raw) -> Vec<String> {
        let is_list = match self {
            Self::Texts | Self::Durations | Self::Networks | Self::Integers | Self::Ranges => true,
            Self::Text(_)
            | Self::Name
            | Self::Secret(_)
            | Self::Path
            | Self::Boolean
            | Self::Integer(..)
            | Self::Duration(..)
            | Self::Size(..)
            | Self::Listener
            | Self::HostPort
            | Self::Url
            | Self::Digits(_)
            | Self::Choice(_)
            | Self::LogFilter => false,
        };
        let elements = raw.elements().filter(|_| is_list).unwrap_or_default();
        (1..)
            .zip(elements)
            .filter(|(_, element)| self.value(&Raw::List(vec![element.clone()])).is_none())
            .map(|(nth, element)| format!("element {nth} is {}", element.describe()))
            .collect()
    }

    fn value(self, raw: &Raw) -> Option<Value> {
        match self {
            Self::Boolean => match raw {
                Raw::Boolean(value) => Some(Value::Boolean(*value)),
                Raw::Bare(text) => text.parse().ok().map(Value::Boolean),
                Raw::Text(_) | Raw::Integer(_) | Raw::List(_) | Raw::Other(_) => None,
            },
            Self::Integer(least, most) => within(raw.number()?, least, most).map(Value::Integer),
            Self::Duration(least, most) => {
                let duration = units::duration(raw.text()?)?;
                within(units::millis(duration), least, most)?;
                Some(Value::Duration(duration))
            }
            Self::Size(least, most) => {
                let octets = raw.number().or_else(|| units::size(raw.text()?))?;
                within(octets, least, most).map(Value::Integer)
            }
            Self::Listener => listener(raw.text()?).map(Value::Listener),
            Self::Texts => list(raw, |part| part.text().map(str::to_owned)).map(Value::Texts),
            Self::Durations => list(raw, |part| units::duration(part.text()?).filter(sane_pause)).map(Value::Durations),
            Self::Networks => list(raw, |part| network(part.text()?)).map(Value::Texts),
            Self::Integers => list(raw, |part| within(part.number()?, 0, 65_535)).map(Value::Integers),
            Self::Ranges => list(raw, |part| range(part.text()?)).map(Value::Texts),
            Self::Text(_)
            | Self::Name
            | Self::Secret(_)
            | Self::Path
            | Self::HostPort
            | Self::Url
            | Self::Digits(_)
            | Self::Choice(_)
            | Self::LogFilter => {
                let text = raw.text()?;
                self.fits(text).then(|| Value::Text(text.to_owned()))
            }
        }
    }

    /// Whether a text has the form of one of the textual kinds.
    fn fits(self, text: &str) -> bool {
        match self {
            Self::Text(most) | Self::Secret(most) => {
                text.chars().count() <= most && !text.chars().any(char::is_control)
            }
            Self::Name => is_name(text),
            Self::Path => !text.is_empty() && !text.contains('\0'),
            Self::HostPort => is_host_port(text),
            Self::Url => is_url(text),
            Self::Digits(most) => text.len() <= most && text.bytes().all(|octet| octet.is_ascii_digit()),
            Self::Choice(words) => words.contains(&text),
            Self::LogFilter => !text.is_empty() && tracing_subscriber::EnvFilter::try_new(text).is_ok(),
            Self::Boolean
            | Self::Integer(..)
            | Self::Duration(..)
            | Self::Size(..)
            | Self::Listener
            | Self::Texts
            | Self::Durations
            | Self::Networks
            | Self::Integers
            | Self::Ranges => false,
        }
    }
}

fn quoted(words: &[&str]) -> String {
    words
        .iter()
        .map(|word| format!("\"{word}\""))
        .collect::<Vec<_>>()
        .join(", ")
}

fn within(number: u64, least: u64, most: u64) -> Option<u64> {
    (least..=most).contains(&number).then_some(number)
}

fn list<T>(raw: &Raw, read: impl Fn(&Raw) -> Option<T>) -> Option<Vec<T>> {
    raw.elements()?.iter().map(read).collect()
}

fn sane_pause(duration: &Duration) -> bool {
    (1..=30 * 86_400).contains(&duration.as_secs())
}

/// Whether a text can be the NAME of a table, a node, a peer.
pub(crate) fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|octet| octet.is_ascii_alphanumeric() || b"-_".contains(&octet))
}

/// `Some(None)` is `off`.
#[allow(
    clippy::option_option,
    reason = "the outer one is whether the text is a listener at all"
)]
fn listener(text: &str) -> Option<Option<SocketAddr>> {
    if text == "off" {
        return Some(None);
    }
    text.parse().ok().map(Some)
}

fn is_host_port(text: &str) -> bool {
    let Some((host, port)) = text.rsplit_once(':') else {
        return false;
    };
    let bracketed = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .is_some_and(|inside| inside.parse::<std::net::Ipv6Addr>().is_ok());
    let name = !host.is_empty()
        && host.len() <= 253
        && host
            .bytes()
            .all(|octet| octet.is_ascii_alphanumeric() || b".-_".contains(&octet));
    (bracketed || name) && port.parse::<u16>().is_ok_and(|port| port > 0)
}

fn is_url(text: &str) -> bool {
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    rest.is_some_and(|rest| {
        !rest.is_empty()
            && !rest.starts_with('/')
            && text.len() <= 200
            && text
                .bytes()
                .all(|octet| (0x21..0x7f).contains(&octet) && !b"?#\"<>".contains(&octet))
    })
}

/// The text itself if it is a network for those who use it.
fn network(text: &str) -> Option<String> {
    text.parse::<Network>().is_ok().then(|| text.to_owned())
}

/// The text itself if it has the form of a range; who owns it is checked where the routing table is built.
fn range(text: &str) -> Option<String> {
    let digits = |text: &str| {
        let bare = text.trim().trim_start_matches('+').to_owned();
        let sound = (1..=15).contains(&bare.len()) && bare.bytes().all(|octet| octet.is_ascii_digit());
        sound.then_some(bare)
    };
    match text.split_once('-') {
        None => digits(text).map(|_| text.to_owned()),
        Some((from, to)) => {
            let (from, to) = (digits(from)?, digits(to)?);
            (from.len() == to.len() && from <= to).then(|| text.to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Raw {
        Raw::Text(text.to_owned())
    }

    fn bare(text: &str) -> Raw {
        Raw::Bare(text.to_owned())
    }

    #[test]
    fn values_after_set_take_the_type_of_their_key() {
        assert_eq!(Kind::Integer(1, 100).read(&bare("50")), Ok(Value::Integer(50)));
        assert_eq!(Kind::Boolean.read(&bare("true")), Ok(Value::Boolean(true)));
        assert_eq!(Kind::Text(20).read(&bare("50")), Ok(Value::Text("50".to_owned())));
        assert_eq!(
            Kind::Texts.read(&bare("a, b")),
            Ok(Value::Texts(vec!["a".to_owned(), "b".to_owned()]))
        );
        assert_eq!(Kind::Texts.read(&bare("")), Ok(Value::Texts(vec![])));
        assert_eq!(
            Kind::Size(0, u64::MAX).read(&bare("300KiB")),
            Ok(Value::Integer(300 * 1024))
        );
        assert!(
            Kind::Integer(1, 100).read(&text("50")).is_err(),
            "in the file, a number is no text"
        );
    }

    #[test]
    fn listeners() {
        assert_eq!(Kind::Listener.read(&text("off")), Ok(Value::Listener(None)));
        assert_eq!(
            Kind::Listener.read(&text("127.0.0.1:0")),
            Ok(Value::Listener(Some("127.0.0.1:0".parse().unwrap())))
        );
        for wrong in ["127.0.0.1", "localhost:80", ":80", "1.2.3.4:99999"] {
            assert!(Kind::Listener.read(&text(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn networks_and_ranges() {
        assert_eq!(network("10.0.0.0/8").as_deref(), Some("10.0.0.0/8"));
        assert_eq!(network("::1").as_deref(), Some("::1"));
        assert_eq!(network("10.0.0.0/33"), None);
        assert_eq!(range("+4670").as_deref(), Some("+4670"));
        assert_eq!(range("100-199").as_deref(), Some("100-199"));
        for wrong in ["199-100", "1-22", "x", "", "1234567890123456"] {
            assert_eq!(range(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn host_ports_and_urls() {
        for good in ["127.0.0.1:2775", "smsc.example.net:2775", "[::1]:2775"] {
            assert!(is_host_port(good), "{good}");
        }
        for wrong in ["smsc", "smsc:0", "a b:1", "[x]:1", ":1", "::1:2775"] {
            assert!(!is_host_port(wrong), "{wrong}");
        }
        assert!(is_url("http://mms.example.net/m") && is_url("https://x:8443"));
        for wrong in ["ftp://x", "http://", "http:///x", "http://x/?a", "mms.example.net"] {
            assert!(!is_url(wrong), "{wrong}");
        }
    }

    #[test]
    fn a_secret_is_not_repeated() {
        let said = Kind::Secret(8).read(&text("much too long")).unwrap_err();
        assert!(!said.contains("much"), "{said}");
    }
}
