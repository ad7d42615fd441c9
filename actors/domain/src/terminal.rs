//! What a handset says about itself in passing (UAProf, User-Agent, MMS version), as it was seen last: a notification
//! is sent before the handset speaks. It never leaves for anybody else.

use std::time::Duration;

use minicbor::{Decode, Encode};

use crate::time::UnixMillis;

/// Between two changes of what was known; what was not known yet is noted at once.
pub const CHANGE_INTERVAL: Duration = Duration::from_secs(3600);

/// What one request said. Adapters bound every length.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sighting {
    /// User-Agent.
    pub user_agent: Option<String>,
    /// Addresses of its capability description (UAProf), the most special last.
    pub profile_urls: Vec<String>,
    /// What differs from that description, as XML.
    pub profile_diff: Option<String>,
    /// MMS version octet that it speaks (0x90 … 0x9F).
    pub mms_version: Option<u8>,
}

/// The row of a subscriber's handset.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Terminal {
    /// User-Agent.
    #[n(0)]
    pub user_agent: Option<String>,
    /// Addresses of its capability description.
    #[n(1)]
    pub profile_urls: Vec<String>,
    /// What differs from that description.
    #[n(2)]
    pub profile_diff: Option<String>,
    /// MMS version octet that it spoke last.
    #[n(3)]
    pub mms_version: Option<u8>,
    /// When what was known last changed.
    #[n(4)]
    pub changed_at: UnixMillis,
}

/// The row after a sighting; none if it need not be written: it says nothing new, or changes what was known too soon
/// after the last change (two handsets with one number must not write at every request).
///
/// What a request does not say stays as it was, except that another User-Agent is another handset, of which nothing
/// else is known.
#[must_use]
pub fn sighted(before: Option<&Terminal>, seen: &Sighting, now: UnixMillis) -> Option<Terminal> {
    let Some(before) = before else {
        let says_something = *seen != Sighting::default();
        return says_something.then(|| Terminal {
            user_agent: seen.user_agent.clone(),
            profile_urls: seen.profile_urls.clone(),
            profile_diff: seen.profile_diff.clone(),
            mms_version: seen.mms_version,
            changed_at: now,
        });
    };
    let is_another = matches!((&before.user_agent, &seen.user_agent), (Some(old), Some(new)) if old != new);
    let kept = |old: &Option<String>| old.clone().filter(|_| !is_another);
    let after = Terminal {
        user_agent: seen.user_agent.clone().or_else(|| before.user_agent.clone()),
        profile_urls: match (seen.profile_urls.is_empty(), is_another) {
            (false, _) => seen.profile_urls.clone(),
            (true, false) => before.profile_urls.clone(),
            (true, true) => Vec::new(),
        },
        profile_diff: if seen.profile_urls.is_empty() {
            kept(&before.profile_diff)
        } else {
            seen.profile_diff.clone()
        },
        mms_version: seen.mms_version.or(before.mms_version.filter(|_| !is_another)),
        changed_at: before.changed_at,
    };
    if after == *before {
        return None;
    }
    if only_adds(before, &after) {
        return Some(after);
    }
    (now.since(before.changed_at) >= CHANGE_INTERVAL).then_some(Terminal {
        changed_at: now,
        ..after
    })
}

/// Whether nothing that was known changed. Each field is added once, so that this is no way to write often.
fn only_adds(before: &Terminal, after: &Terminal) -> bool {
    fn kept<T: PartialEq>(before: Option<&T>, after: Option<&T>) -> bool {
        before.is_none() || before == after
    }
    kept(before.user_agent.as_ref(), after.user_agent.as_ref())
        && (before.profile_urls.is_empty() || before.profile_urls == after.profile_urls)
        && kept(before.profile_diff.as_ref(), after.profile_diff.as_ref())
        && kept(before.mms_version.as_ref(), after.mms_version.as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    const T0: UnixMillis = UnixMillis(1_700_000_000_000);

    fn seen(user_agent: &str, url: &str, version: Option<u8>) -> Sighting {
        let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        Sighting {
            user_agent: text(user_agent),
            profile_urls: text(url).into_iter().collect(),
            profile_diff: None,
            mms_version: version,
        }
    }

    #[test]
    fn what_is_new_is_noted_at_once_and_what_is_known_not_again() {
        assert_eq!(sighted(None, &Sighting::default(), T0), None);
        let first = sighted(None, &seen("phone/1", "", None), T0).unwrap();
        let soon = T0.plus(Duration::from_secs(1));
        assert_eq!(sighted(Some(&first), &seen("phone/1", "", None), soon), None);
        assert_eq!(sighted(Some(&first), &Sighting::default(), soon), None);
        let more = sighted(Some(&first), &seen("phone/1", "http://p/1", Some(0x90)), soon).unwrap();
        assert_eq!((more.mms_version, more.changed_at), (Some(0x90), T0));
        assert_eq!(more.profile_urls, ["http://p/1"]);
        assert_eq!(sighted(Some(&more), &seen("", "", Some(0x90)), soon), None);
    }

    #[test]
    fn what_changes_is_noted_once_in_an_hour() {
        let first = sighted(None, &seen("phone/1", "http://p/1", Some(0x90)), T0).unwrap();
        let other = seen("", "http://p/2", Some(0x92));
        assert_eq!(
            sighted(
                Some(&first),
                &other,
                T0.plus(CHANGE_INTERVAL - Duration::from_millis(1))
            ),
            None
        );
        let later = T0.plus(CHANGE_INTERVAL);
        let changed = sighted(Some(&first), &other, later).unwrap();
        assert_eq!((changed.mms_version, changed.changed_at), (Some(0x92), later));
        assert_eq!(changed.user_agent.as_deref(), Some("phone/1"));
    }

    #[test]
    fn another_handset_begins_anew() {
        let first = sighted(None, &seen("phone/1", "http://p/1", Some(0x93)), T0).unwrap();
        let other = sighted(Some(&first), &seen("phone/2", "", None), T0.plus(CHANGE_INTERVAL)).unwrap();
        assert_eq!(other.user_agent.as_deref(), Some("phone/2"));
        assert_eq!((other.mms_version, other.profile_urls.len()), (None, 0));
    }

    #[test]
    fn a_row_is_read_back() {
        let row = sighted(None, &seen("phone/1", "http://p/1", Some(0x92)), T0).unwrap();
        let octets = minicbor::to_vec(&row).unwrap();
        assert_eq!(minicbor::decode::<Terminal>(&octets).unwrap(), row);
    }
}
