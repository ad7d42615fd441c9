//! What the domain decides by: telling, subscribers, numbers, limits, expiry, retention.

use super::{DAY, GIB, HOUR, KIB, MIB, MINUTE, SECOND, Section, key};
use crate::config::value::Kind::{Boolean, Choice, Digits, Duration, Durations, Integer, Size};

pub(super) const TELLING: Section = Section {
    title: "Telling handsets",
    about: "A handset that does not react to a notification is told again, with the same ids. Waits are spread by `telling.jitter`.",
    served: true,
    keys: &[
        key(
            "telling.renotify",
            Durations,
            "2m,10m,30m,2h,6h",
            "Waits before telling again a handset that was told and did not react; the last one repeats until expiry.",
        ),
        key(
            "telling.failed_backoff",
            Durations,
            "5s,30s,2m",
            "Waits after an attempt that the SMSC refused for now; afterwards those of `telling.renotify`.",
        ),
        key(
            "telling.validity",
            Duration(MINUTE, 28 * DAY),
            "30m",
            "How long an SMSC may try on its own; shorter is better, as this node repeats.",
        ),
        key(
            "telling.subject_characters",
            Integer(0, 255),
            "40",
            "A subject is cut to so many characters in a notification; the message carries it whole.",
        ),
        key(
            "telling.text_content_type",
            Boolean,
            "false",
            "Content type of the push as text instead of code (25 octets more), which some handsets need.",
        ),
        key(
            "telling.attempts",
            Integer(1, 10_000),
            "100",
            "Attempts at most for one notification or report.",
        ),
        key(
            "telling.served_grace",
            Duration(SECOND, DAY),
            "5m",
            "After the whole content was sent, how long the handset's word is awaited before it counts as retrieved.",
        ),
        key(
            "telling.jitter",
            Integer(0, 100),
            "10",
            "Every wait is drawn from so many per cent around its figure.",
        ),
        key(
            "telling.pace",
            Integer(1, 10_000),
            "100",
            "Pushes to one handset in a second, however much waits for it; reports to their sender count as well.",
        ),
        key(
            "telling.waiting_recheck",
            Duration(MINUTE, DAY),
            "1h",
            "What waits for an SMSC that is down looks again after this, in case the word that it is up was lost.",
        ),
    ],
};

pub(super) const SUBSCRIBERS: Section = Section {
    title: "Subscribers",
    about: "",
    served: true,
    keys: &[
        key(
            "subscribers.unknown",
            Choice(&["accept", "refuse"]),
            "accept",
            "Whether a number without a profile of its own is a subscriber with the defaults.",
        ),
        key(
            "subscribers.rate",
            Integer(0, 1_000_000),
            "0",
            "Submissions in a minute for each subscriber; 0: any number.",
        ),
        key(
            "subscribers.burst",
            Integer(1, 1_000_000),
            "10",
            "Submissions at once after a pause, where `rate` limits.",
        ),
    ],
};

pub(super) const NUMBERS: Section = Section {
    title: "Numbers as dialled at home",
    about: "With a country code, national numbers become E.164.",
    served: true,
    keys: &[
        key(
            "numbers.country_code",
            Digits(3),
            "",
            "The operator's country code; empty: numbers stay as they were dialled.",
        ),
        key(
            "numbers.trunk_prefix",
            Digits(3),
            "0",
            "What is dialled before a national number.",
        ),
        key(
            "numbers.international_prefix",
            Digits(5),
            "00",
            "What is dialled before a foreign number.",
        ),
        key(
            "numbers.national_digits_min",
            Integer(4, 14),
            "6",
            "Fewest digits of a national number without trunk prefix.",
        ),
        key(
            "numbers.national_digits_max",
            Integer(4, 14),
            "12",
            "Most digits of a national number without trunk prefix.",
        ),
    ],
};

pub(super) const LIMITS: Section = Section {
    title: "Limits of a message",
    about: "",
    served: true,
    keys: &[
        key(
            "limits.message_size",
            Size(KIB, 30 * MIB),
            "3MiB",
            "Largest content of a message.",
        ),
        key(
            "limits.recipients",
            Integer(1, 10_000),
            "100",
            "Most unique recipients of a message.",
        ),
        key("limits.parts", Integer(1, 10_000), "256", "Most parts of a message."),
        key("limits.subject", Size(40, 4 * KIB), "1KiB", "A longer subject is cut."),
        key(
            "limits.forwards",
            Integer(0, 50),
            "20",
            "How often a message may be passed on in a row.",
        ),
        key(
            "limits.unroutable",
            Choice(&["refuse", "report"]),
            "refuse",
            "Recipients that no interface reaches: named in the answer to the submitter, or reported as undeliverable.",
        ),
    ],
};

pub(super) const EXPIRY: Section = Section {
    title: "Expiry and delivery time",
    about: "",
    served: true,
    keys: &[
        key(
            "expiry.default",
            Duration(MINUTE, 365 * DAY),
            "7d",
            "How long a message without a wish is kept for its recipients.",
        ),
        key(
            "expiry.max",
            Duration(MINUTE, 365 * DAY),
            "14d",
            "The longest wish that is granted; a longer one becomes this.",
        ),
        key(
            "expiry.delivery_time_max",
            Duration(0, 365 * DAY),
            "7d",
            "How far ahead a delivery time may lie; a later one is refused.",
        ),
    ],
};

pub(super) const RETENTION: Section = Section {
    title: "Retention",
    about: "",
    served: true,
    keys: &[
        key(
            "retention.content",
            Duration(0, 30 * DAY),
            "10m",
            "Content is kept so long after the last recipient is done: some handsets fetch twice.",
        ),
        key(
            "retention.record",
            Duration(HOUR, 365 * DAY),
            "7d",
            "Ids, addresses and outcomes are kept so long after expiry, for late reports.",
        ),
    ],
};

pub(super) const MMBOX: Section = Section {
    title: "Network stores (MMBox)",
    about: "A subscriber keeps messages here beyond their retention: what it sends, receives or uploads, until it deletes them.",
    served: true,
    keys: &[
        key(
            "mmbox.offered",
            Boolean,
            "false",
            "Whether there are network stores. Where not, handsets that ask are told so, and what was stored before stays untouched.",
        ),
        key(
            "mmbox.max_messages",
            Integer(1, 10_000),
            "1000",
            "Most messages that one subscriber may store.",
        ),
        key(
            "mmbox.max_octets",
            Size(KIB, 100 * GIB),
            "50MiB",
            "Most content that one subscriber may store. A full store refuses no message, it only does not keep it.",
        ),
        key(
            "mmbox.max_view",
            Integer(1, 1000),
            "100",
            "Most messages described in one answer; the handset asks for the next page.",
        ),
        key(
            "mmbox.max_view_octets",
            Size(16 * KIB, 16 * MIB),
            "1MiB",
            "Most octets of descriptions and content in one answer.",
        ),
    ],
};
