//! Who a request comes from (MM1 digest 12). A PDU proves nothing about its sender: only headers of configured
//! gateways count, and they are taken off every request before anything else reads it.

use std::collections::BTreeSet;
use std::net::IpAddr;

use data_encoding::{BASE64, BASE64_NOPAD, HEXLOWER_PERMISSIVE};
use hyper::HeaderMap;
use hyper::header::{COOKIE, HeaderName};
use mmsc_domain::Address;
use mmsc_domain::address::HomePrefix;

use crate::http::Network;

/// Headers by which gateways name subscribers. They never reach the rest of the adapter, configured or not.
const WELL_KNOWN: &[&str] = &[
    "x-wap-network-client-msisdn",
    "x-wap-network-client-ip",
    "x-msisdn",
    "x-nokia-msisdn",
    "x-up-calling-line-id",
    "msisdn",
    "x-h3g-msisdn",
    "x-fh-msisdn",
    "user-identity-forward-msisdn",
    "x-network-info",
    "x-wap-3gpp-imsi",
    "x-wap-client-ip",
];

/// Gateways whose word is taken, and how they say it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentitySource {
    /// Where they connect from.
    pub trusted: Vec<Network>,
    /// The headers that may name the subscriber; of several the first in this order counts, and the others must
    /// agree with it.
    pub headers: Vec<IdentityHeader>,
}

/// A header that names the subscriber.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityHeader {
    /// Its name, in any case; of [`IdentityForm::Cookie`] the name of the cookie.
    pub name: String,
    /// How the number is written in it.
    pub form: IdentityForm,
}

/// How a gateway writes a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum IdentityForm {
    /// `+46…`, `46…`, `tel:+46…`, `+46…/TYPE=PLMN`.
    #[default]
    Plain,
    /// The same in hexadecimal octets.
    Hex,
    /// The same in base64.
    Base64,
    /// The same in a cookie of that name.
    Cookie,
}

/// Who it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// A trusted gateway says so.
    Known(Address),
    /// Nobody says so.
    Unknown,
    /// A trusted gateway says something that cannot be right.
    Bad(BadIdentity),
}

/// What is wrong with the word of a trusted gateway. Operators should be told: it is misconfigured, or lets
/// subscribers set the header themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum BadIdentity {
    /// A header occurs twice, or names several numbers.
    #[error("a header names more than one subscriber")]
    Repeated,
    /// Two headers name different subscribers.
    #[error("two headers name different subscribers")]
    Contradiction,
    /// A value cannot be read as a number.
    #[error("a header does not name a subscriber")]
    Unreadable,
}

/// The configured sources, ready to use.
#[derive(Debug)]
pub(super) struct Identities {
    sources: Vec<Source>,
    strip: BTreeSet<String>,
    home: Option<HomePrefix>,
}

#[derive(Debug)]
struct Source {
    trusted: Vec<Network>,
    headers: Vec<Header>,
}

#[derive(Debug)]
struct Header {
    name: HeaderName,
    cookie: Option<String>,
    form: IdentityForm,
}

impl Identities {
    /// # Errors
    /// The configured name that cannot be a header's.
    pub(super) fn new(sources: &[IdentitySource], home: Option<HomePrefix>) -> Result<Self, String> {
        let sources = sources.iter().map(Source::new).collect::<Result<Vec<_>, _>>()?;
        let configured = sources.iter().flat_map(|source| &source.headers);
        let strip = configured
            .map(|header| header.name.as_str())
            .chain(WELL_KNOWN.iter().copied())
            .map(str::to_owned)
            .collect();
        Ok(Self { sources, strip, home })
    }

    /// Who a request from `peer` comes from. All identity headers are taken out of `headers`, whoever set them.
    pub(super) fn take(&self, headers: &mut HeaderMap, peer: IpAddr) -> Identity {
        let source = self.sources.iter().find(|source| source.trusts(peer));
        let identity = source.map_or(Identity::Unknown, |source| self.read(source, headers));
        for name in &self.strip {
            headers.remove(name.as_str());
        }
        identity
    }

    fn read(&self, source: &Source, headers: &HeaderMap) -> Identity {
        let mut found: Option<Address> = None;
        for header in &source.headers {
            let text = match header.text(headers) {
                Ok(Some(text)) => text,
                Ok(None) => continue,
                Err(bad) => return Identity::Bad(bad),
            };
            // A gateway vouches for numbers. Whatever else can be an address of a message is none of a subscriber here.
            let Ok(address @ Address::Phone(_)) = Address::parse_identity(&text, self.home.as_ref()) else {
                return Identity::Bad(BadIdentity::Unreadable);
            };
            if found.as_ref().is_some_and(|first| *first != address) {
                return Identity::Bad(BadIdentity::Contradiction);
            }
            found = Some(address);
        }
        found.map_or(Identity::Unknown, Identity::Known)
    }
}

impl Source {
    fn new(source: &IdentitySource) -> Result<Self, String> {
        let headers = source.headers.iter().map(Header::new).collect::<Result<_, _>>()?;
        Ok(Self {
            trusted: source.trusted.clone(),
            headers,
        })
    }

    fn trusts(&self, peer: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(peer))
    }
}

impl Header {
    fn new(header: &IdentityHeader) -> Result<Self, String> {
        let (name, cookie) = match header.form {
            IdentityForm::Cookie => (COOKIE, Some(header.name.clone())),
            IdentityForm::Plain | IdentityForm::Hex | IdentityForm::Base64 => {
                let name = HeaderName::from_bytes(header.name.as_bytes()).map_err(|_| header.name.clone())?;
                (name, None)
            }
        };
        Ok(Self {
            name,
            cookie,
            form: header.form,
        })
    }

    /// The number as text; none if the header is absent or empty.
    fn text(&self, headers: &HeaderMap) -> Result<Option<String>, BadIdentity> {
        let Some(raw) = self.raw(headers)? else { return Ok(None) };
        let text = match self.form {
            IdentityForm::Plain | IdentityForm::Cookie => raw,
            IdentityForm::Hex => decoded(HEXLOWER_PERMISSIVE.decode(raw.as_bytes()))?,
            IdentityForm::Base64 => decoded(
                BASE64
                    .decode(raw.as_bytes())
                    .or_else(|_| BASE64_NOPAD.decode(raw.as_bytes())),
            )?,
        };
        check(&text)?;
        Ok(Some(text))
    }

    fn raw(&self, headers: &HeaderMap) -> Result<Option<String>, BadIdentity> {
        let mut texts = Vec::new();
        for value in headers.get_all(&self.name) {
            let value = value.to_str().map_err(|_| BadIdentity::Unreadable)?;
            match &self.cookie {
                None => texts.push(value.trim()),
                Some(name) => texts.extend(cookies(value, name)),
            }
        }
        texts.retain(|text| !text.is_empty());
        match texts.as_slice() {
            [] => Ok(None),
            [only] => Ok(Some((*only).trim_matches('"').to_owned())),
            [..] => Err(BadIdentity::Repeated),
        }
    }
}

/// One number, and no more beside it that a reader of addresses would pass over: a gateway that appends its own word to
/// what the subscriber set joins both, mostly with a comma.
fn check(text: &str) -> Result<(), BadIdentity> {
    let is_tel = text.get(..4).is_some_and(|scheme| scheme.eq_ignore_ascii_case("tel:"));
    if text.contains([',', '<', '>']) || (text.contains(';') && !is_tel) {
        return Err(BadIdentity::Repeated);
    }
    let upper = text.to_ascii_uppercase();
    match upper.split_once("/TYPE=") {
        Some((_, kind)) if kind.trim() != "PLMN" => Err(BadIdentity::Unreadable),
        Some(_) | None => Ok(()),
    }
}

fn cookies<'a>(value: &'a str, name: &'a str) -> impl Iterator<Item = &'a str> {
    let pairs = value.split(';').filter_map(|pair| pair.trim().split_once('='));
    pairs
        .filter(move |(found, _)| *found == name)
        .map(|(_, text)| text.trim())
}

fn decoded<E>(octets: Result<Vec<u8>, E>) -> Result<String, BadIdentity> {
    let octets = octets.map_err(|_| BadIdentity::Unreadable)?;
    String::from_utf8(octets).map_err(|_| BadIdentity::Unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(name: &str, form: IdentityForm) -> IdentityHeader {
        IdentityHeader {
            name: name.to_owned(),
            form,
        }
    }

    fn identities() -> Identities {
        let source = IdentitySource {
            trusted: vec!["10.0.0.0/8".parse().unwrap()],
            headers: vec![
                header("X-WAP-Network-Client-MSISDN", IdentityForm::Plain),
                header("X-MSISDN", IdentityForm::Plain),
                header("X-Hex", IdentityForm::Hex),
                header("X-Base64", IdentityForm::Base64),
                header("msisdn", IdentityForm::Cookie),
            ],
        };
        Identities::new(&[source], None).unwrap()
    }

    fn take(peer: &str, lines: &[(&str, &str)]) -> (Identity, HeaderMap) {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
        }
        let identity = identities().take(&mut headers, peer.parse().unwrap());
        (identity, headers)
    }

    fn known() -> Identity {
        Identity::Known(Address::Phone("15550100001".to_owned()))
    }

    #[test]
    fn a_trusted_gateway_is_believed_in_every_form() {
        let cases: &[&[(&str, &str)]] = &[
            &[("X-MSISDN", "+15550100001")],
            &[("x-msisdn", "15550100001")],
            &[("X-MSISDN", "tel:+15550100001")],
            &[("X-MSISDN", "+15550100001/TYPE=PLMN")],
            &[("X-MSISDN", "\"+15550100001\"")],
            &[("X-MSISDN", "+15550100001/type=plmn")],
            &[("X-MSISDN", "TEL:+15550100001;phone-context=+1")],
            &[("X-Hex", "2b3135353530313030303031")],
            &[("X-Base64", "KzE1NTUwMTAwMDAx")],
            &[("Cookie", "a=b; msisdn=15550100001; c=d")],
            &[
                ("X-MSISDN", "+15550100001"),
                ("X-WAP-Network-Client-MSISDN", "15550100001"),
            ],
            &[("X-WAP-Network-Client-MSISDN", ""), ("X-MSISDN", "15550100001")],
        ];
        for lines in cases {
            assert_eq!(take("10.1.2.3", lines).0, known(), "{lines:?}");
        }
    }

    #[test]
    fn anybody_else_is_not_and_the_headers_vanish() {
        let lines = [
            ("X-MSISDN", "+15550100001"),
            ("X-Nokia-MSISDN", "+15550100001"),
            ("Accept", "*/*"),
        ];
        for peer in ["192.0.2.1", "11.0.0.1", "::1"] {
            let (identity, headers) = take(peer, &lines);
            assert_eq!(identity, Identity::Unknown, "{peer}");
            assert_eq!(headers.len(), 1, "{headers:?}");
        }
        assert_eq!(take("10.0.0.1", &lines).1.len(), 1);
    }

    #[test]
    fn doubtful_words_of_a_gateway_are_refused() {
        let cases: &[(&[(&str, &str)], BadIdentity)] = &[
            (
                &[("X-MSISDN", "+15550100001"), ("X-MSISDN", "+15550100002")],
                BadIdentity::Repeated,
            ),
            (
                &[("X-MSISDN", "+15550100001"), ("X-MSISDN", "+15550100001")],
                BadIdentity::Repeated,
            ),
            (&[("X-MSISDN", "+15550100001, +15550100002")], BadIdentity::Repeated),
            (
                &[("X-MSISDN", "tel:+15550100001;x=y, +15550100002")],
                BadIdentity::Repeated,
            ),
            (&[("X-MSISDN", "+15550100002 <+15550100001>")], BadIdentity::Repeated),
            (&[("X-MSISDN", "+15550100001/TYPE=IPv4")], BadIdentity::Unreadable),
            (
                &[("X-MSISDN", "+15550100001/TYPE=PLMN/TYPE=PLMN")],
                BadIdentity::Unreadable,
            ),
            (
                &[
                    ("X-MSISDN", "+15550100001"),
                    ("X-WAP-Network-Client-MSISDN", "+15550100002"),
                ],
                BadIdentity::Contradiction,
            ),
            (&[("X-Hex", "zz")], BadIdentity::Unreadable),
            (&[("X-Base64", "*")], BadIdentity::Unreadable),
            (&[("X-MSISDN", "12345678901234567890")], BadIdentity::Unreadable),
        ];
        for (lines, bad) in cases {
            assert_eq!(take("10.1.2.3", lines).0, Identity::Bad(*bad), "{lines:?}");
        }
        assert_eq!(take("10.1.2.3", &[]).0, Identity::Unknown);
    }
}
