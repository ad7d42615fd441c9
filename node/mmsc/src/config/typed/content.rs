//! `content.*` and `fanout.*`.

use mmsc_domain::content::{ContentPolicy, INSTALLABLE_TYPES, MediaPattern};
use mmsc_domain::fan_out::{FanOutAction, FanOutLimits, FanOutPolicy};

use super::{Fault, Reader};

/// Stands for the types that are refused by default.
const INSTALLABLE: &str = "installable";

pub(super) fn content(reader: &mut Reader<'_>) -> ContentPolicy {
    let mut refused_types = Vec::new();
    let path = "content.refuse_types";
    for (nth, text) in (1..).zip(reader.take::<Vec<String>>(path)) {
        if text == INSTALLABLE {
            refused_types.extend(INSTALLABLE_TYPES.iter().map(|name| MediaPattern::new(name)));
        } else if text.contains(['/', '*']) {
            refused_types.push(MediaPattern::new(&text));
        } else {
            let message = format!("element {nth} is \"{text}\", which is no media type");
            reader.issue(path, Fault::BadValue, &message);
        }
    }
    ContentPolicy {
        refused_types,
        check_magic: reader.take("content.check_magic"),
    }
}

pub(super) fn fan_out(reader: &mut Reader<'_>) -> Option<FanOutPolicy> {
    let action = match reader.take::<String>("fanout.action").as_str() {
        "off" => None,
        "refuse" => Some(FanOutAction::Refuse),
        _ => Some(FanOutAction::Report),
    };
    let mut limit = |path| Some(reader.take::<u64>(path)).filter(|limit| *limit > 0);
    let sender = FanOutLimits {
        submissions: limit("fanout.sender_submissions"),
        recipients: limit("fanout.sender_recipients"),
    };
    let everybody = FanOutLimits {
        submissions: limit("fanout.all_submissions"),
        recipients: limit("fanout.all_recipients"),
    };
    action.map(|action| FanOutPolicy {
        action,
        window: reader.take("fanout.window"),
        sender,
        everybody,
        everybody_min_bytes: reader.take("fanout.all_min_size"),
        contents: reader.take("fanout.contents"),
    })
}
