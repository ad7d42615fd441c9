//! `content.*`.

use mmsc_domain::content::{ContentPolicy, INSTALLABLE_TYPES, MediaPattern};

use super::{Fault, Reader};

/// Stands for the types that are refused by default.
const INSTALLABLE: &str = "installable";

pub(super) fn content(reader: &mut Reader<'_>) -> ContentPolicy {
    let mut refused_types = Vec::new();
    for path in ["content.refuse_types", "limits.refused_media_types"] {
        for (nth, text) in (1..).zip(reader.take::<Vec<String>>(path)) {
            if path == "content.refuse_types" && text == INSTALLABLE {
                refused_types.extend(INSTALLABLE_TYPES.iter().map(|name| MediaPattern::new(name)));
            } else if text.contains(['/', '*']) {
                refused_types.push(MediaPattern::new(&text));
            } else {
                let message = format!("element {nth} is \"{text}\", which is no media type");
                reader.issue(path, Fault::BadValue, &message);
            }
        }
    }
    ContentPolicy {
        refused_types,
        check_magic: reader.take("content.check_magic"),
    }
}
