//! What the head of a request says about the handset (digest 13): User-Agent, the address of its capability
//! description (`x-wap-profile`, `Profile`, or `NN-Profile` as `Opt` or `Man` announce it), and what differs from it.

use hyper::HeaderMap;
use hyper::header::USER_AGENT;
use mmsc_domain::terminal::Sighting;

/// The name space by which CC/PP headers with a number are announced.
const CCPP: &str = "http://www.w3.org/1999/06/24-CCPPexchange";
/// Characters of a User-Agent that are kept.
const MAX_USER_AGENT: usize = 256;
/// Characters of an address; a longer one is no address.
const MAX_URL: usize = 512;
/// Addresses of one handset.
const MAX_URLS: usize = 4;
/// Characters of what differs; more is left out as a whole, because half of an XML text is none.
const MAX_DIFF: usize = 4096;

/// What the head says; an empty sighting if it says nothing.
pub(super) fn sighting(headers: &HeaderMap) -> Sighting {
    let text = |name: &str| headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    let numbers = numbers(headers);
    let mut profile_urls = Vec::new();
    let mut diffs: Vec<String> = text("x-wap-profile-diff").map(str::to_owned).collect();
    let names = ["x-wap-profile", "profile"].map(str::to_owned);
    let numbered = numbers.iter().map(|number| format!("{number}-profile"));
    for name in names.into_iter().chain(numbered) {
        profile_urls.extend(text(&name).flat_map(urls));
    }
    for number in &numbers {
        // One header for each difference: `NN-Profile-Diff-1`.
        let prefix = format!("{number}-profile-diff-");
        let named = headers.iter().filter(|(name, _)| name.as_str().starts_with(&prefix));
        diffs.extend(named.filter_map(|(_, value)| value.to_str().ok().map(str::to_owned)));
    }
    profile_urls.dedup();
    profile_urls.truncate(MAX_URLS);
    Sighting {
        user_agent: headers.get(USER_AGENT).and_then(|value| user_agent(value.as_bytes())),
        profile_diff: diffs.first().and_then(|diff| difference(diff)),
        profile_urls,
        mms_version: None,
    }
}

/// The numbers that `Opt` or `Man` give to the name space of CC/PP: `"http://…/24-CCPPexchange" ; ns=19`.
fn numbers(headers: &HeaderMap) -> Vec<String> {
    let mut numbers = Vec::new();
    for value in headers.get_all("opt").iter().chain(headers.get_all("man")) {
        for declared in value.to_str().unwrap_or_default().split(',') {
            let mut pieces = declared.split(';').map(str::trim);
            let is_ccpp = pieces.next().is_some_and(|name| name.trim_matches('"') == CCPP);
            let number = pieces.find_map(|piece| piece.strip_prefix("ns")?.trim_start().strip_prefix('='));
            let number = number.map(|number| number.trim().trim_matches('"'));
            numbers.extend(number.filter(|number| is_ccpp && is_number(number)).map(str::to_owned));
        }
    }
    numbers.truncate(MAX_URLS);
    numbers
}

fn is_number(text: &str) -> bool {
    (1..=3).contains(&text.len()) && text.bytes().all(|octet| octet.is_ascii_digit())
}

/// The addresses in a list whose entries are quoted, or should be. Others are digests of differences (`"1-…"`).
fn urls(list: &str) -> impl Iterator<Item = String> {
    let entries = list.split(',').map(|entry| entry.trim().trim_matches('"').trim());
    entries.filter(|entry| is_url(entry)).map(str::to_owned)
}

fn is_url(text: &str) -> bool {
    let head = |scheme: &str| {
        text.get(..scheme.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(scheme))
    };
    (head("http://") || head("https://"))
        && text.len() <= MAX_URL
        && text.bytes().all(|octet| octet.is_ascii_graphic() && octet != b'"')
}

/// Printable ASCII, cut; none if nothing is left of it.
fn user_agent(octets: &[u8]) -> Option<String> {
    let printable = octets.iter().filter(|octet| matches!(octet, b' '..=b'~'));
    let text: String = printable.take(MAX_USER_AGENT).map(|octet| char::from(*octet)).collect();
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// `1;<?xml…>`: the number, and the difference itself.
fn difference(text: &str) -> Option<String> {
    let xml = match text.split_once(';') {
        Some((number, rest)) if is_number(number.trim()) => rest,
        Some(_) | None => text,
    };
    let xml = xml.trim();
    (xml.starts_with('<') && xml.len() <= MAX_DIFF).then(|| xml.to_owned())
}

#[cfg(test)]
mod tests {
    use hyper::header::{HeaderName, HeaderValue};

    use super::*;

    fn head(lines: &[(&str, &str)]) -> HeaderMap {
        let pair = |(name, value): &(&str, &str)| {
            let name: HeaderName = name.parse().unwrap();
            (name, HeaderValue::from_bytes(value.as_bytes()).unwrap())
        };
        lines.iter().map(pair).collect()
    }

    fn found(lines: &[(&str, &str)]) -> Vec<String> {
        sighting(&head(lines)).profile_urls
    }

    #[test]
    fn addresses_in_every_form() {
        const URL: &str = "http://uaprof.example.test/phone-x.xml";
        let opt = ("Opt", "\"http://www.w3.org/1999/06/24-CCPPexchange\" ; ns=19");
        let quoted = format!("\"{URL}\"");
        let list = format!("{quoted}, \"1-Rb0sq/nuUFQU75vAjKyiHw==\"");
        for lines in [
            vec![("x-wap-profile", quoted.as_str())],
            vec![("X-Wap-Profile", URL)],
            vec![("x-wap-profile", list.as_str())],
            vec![("Profile", quoted.as_str())],
            vec![opt, ("19-Profile", quoted.as_str())],
            vec![
                ("Man", "\"http://www.w3.org/1999/06/24-CCPPexchange\"; ns = 7"),
                ("7-profile", URL),
            ],
            vec![("x-wap-profile", URL), ("profile", URL)],
        ] {
            assert_eq!(found(&lines), [URL], "{lines:?}");
        }
        let long = format!("http://x/{}", "y".repeat(MAX_URL));
        for lines in [
            vec![("19-Profile", URL)],
            vec![opt, ("20-Profile", URL)],
            vec![("Opt", "\"http://other\"; ns=19"), ("19-Profile", URL)],
            vec![("x-wap-profile", "\"ftp://x/y\"")],
            vec![("x-wap-profile", "file:///etc/passwd")],
            vec![("x-wap-profile", "http://x/a b")],
            vec![("x-wap-profile", long.as_str())],
            vec![("x-wap-profile", "")],
        ] {
            assert_eq!(found(&lines), [""; 0], "{lines:?}");
        }
        let many = (0..20).map(|n| format!("http://x/{n}")).collect::<Vec<_>>().join(",");
        assert_eq!(found(&[("x-wap-profile", &many)]).len(), MAX_URLS);
    }

    #[test]
    fn differences_and_agents_are_bounded() {
        let diff = |value: &str| sighting(&head(&[("x-wap-profile-diff", value)])).profile_diff;
        assert_eq!(
            diff("1;<?xml version=\"1.0\"?><a/>").as_deref(),
            Some("<?xml version=\"1.0\"?><a/>")
        );
        assert_eq!(diff("<a;b/>").as_deref(), Some("<a;b/>"));
        assert_eq!(diff("1;text"), None);
        assert_eq!(diff(&format!("1;<{}>", "x".repeat(MAX_DIFF))), None);
        let numbered = [
            ("Opt", "\"http://www.w3.org/1999/06/24-CCPPexchange\";ns=19"),
            ("19-Profile-Diff-1", "<b/>"),
        ];
        assert_eq!(sighting(&head(&numbered)).profile_diff.as_deref(), Some("<b/>"));
        let agent = |value: &str| sighting(&head(&[("User-Agent", value)])).user_agent;
        assert_eq!(agent("Phone-X/1.0 (a\tb)").as_deref(), Some("Phone-X/1.0 (ab)"));
        assert_eq!(agent(&"x".repeat(1000)).map(|text| text.len()), Some(MAX_USER_AGENT));
        assert_eq!(agent("\t"), None);
        assert_eq!(sighting(&HeaderMap::new()), Sighting::default());
    }
}
