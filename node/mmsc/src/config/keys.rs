//! The table of keys: the one place that knows what may be configured. Parsing, refusal of unknown keys, hints and the
//! reference page all read it.

use super::value::Kind;
use super::value::Kind::{
    Boolean, Choice, Digits, Duration, Durations, HostPort, Integer, Integers, Listener, LogFilter, Name, Networks,
    Path, Ranges, Secret, Size, Text, Texts, Url,
};

/// What stands where nothing is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Default {
    /// This value, written as after `--set`.
    Is(&'static str),
    /// Nothing; the help says what that means.
    Nothing,
    /// It has to be written.
    Required,
}

/// One key.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Its dotted name; `*` stands for the NAME of a table.
    pub path: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// What stands where nothing is written.
    pub default: Default,
    /// What it does, in words of an operator.
    pub help: &'static str,
}

/// A run of keys about one thing.
#[derive(Clone, Copy, Debug)]
pub struct Section {
    /// Heading of the reference page.
    pub title: &'static str,
    /// What the reader should know first.
    pub about: &'static str,
    /// Whether this release serves it. Where not, the keys are checked in form and the node says so at start.
    pub served: bool,
    /// Its keys.
    pub keys: &'static [Key],
}

const fn key(path: &'static str, kind: Kind, default: &'static str, help: &'static str) -> Key {
    Key {
        path,
        kind,
        default: Default::Is(default),
        help,
    }
}

const fn may(path: &'static str, kind: Kind, help: &'static str) -> Key {
    Key {
        path,
        kind,
        default: Default::Nothing,
        help,
    }
}

const fn must(path: &'static str, kind: Kind, help: &'static str) -> Key {
    Key {
        path,
        kind,
        default: Default::Required,
        help,
    }
}

const SECOND: u64 = 1000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;
const GIB: u64 = 1024 * MIB;

/// Every key, in the order of the reference page.
pub const SECTIONS: &[Section] = &[
    NODE,
    LOG,
    STORE,
    MM1,
    OPS,
    SMSC,
    TELLING,
    SUBSCRIBERS,
    NUMBERS,
    LIMITS,
    EXPIRY,
    RETENTION,
    RELAY,
    PEER,
    CLUSTER,
    ADMIN,
    MM3,
    MM4,
    MM7,
    API,
    VASP,
    OCS,
];

const NODE: Section = Section {
    title: "The node",
    about: "",
    served: true,
    keys: &[
        key(
            "node.name",
            Name,
            "node-1",
            "Name of this node, unique in its cluster; in logs and in owner rows.",
        ),
        key(
            "node.domain",
            Text(100),
            "mmsc.localdomain",
            "Domain of the Message-IDs that this node gives out.",
        ),
        key(
            "node.drain_limit",
            Duration(0, 10 * MINUTE),
            "30s",
            "How long a drain (TERM or INT) may take before what is left is cut off. A second signal quits at once.",
        ),
        key(
            "node.threads",
            Integer(0, 256),
            "0",
            "Threads that serve traffic; 0: one for each core.",
        ),
    ],
};

const LOG: Section = Section {
    title: "Logs",
    about: "Logs go to standard error. Subscriber numbers are always masked in them.",
    served: true,
    keys: &[
        key(
            "log.format",
            Choice(&["text", "json"]),
            "text",
            "`json` writes one object for each line.",
        ),
        key(
            "log.level",
            LogFilter,
            "info",
            "Level, or directives such as `info,mmsc_store=debug`.",
        ),
    ],
};

const STORE: Section = Section {
    title: "The store",
    about: "",
    served: true,
    keys: &[
        key(
            "store.engine",
            Choice(&["embedded", "foundationdb"]),
            "embedded",
            "`embedded` needs nothing else and serves one node. `foundationdb` is not built into this release.",
        ),
        key(
            "store.path",
            Path,
            "mmsc-data",
            "Directory of this node's own files (with either engine); made as needed.",
        ),
        may("store.cluster_file", Path, "FoundationDB's cluster file."),
        key(
            "store.prefix",
            Text(64),
            "",
            "Key prefix that separates clusters on one FoundationDB.",
        ),
        key(
            "store.reserve",
            Size(16 * MIB, 1024 * GIB),
            "1GiB",
            "Below this much free room new content is refused, while acknowledgements, expiry and compaction go on.",
        ),
        key(
            "store.cache",
            Size(8 * MIB, 256 * GIB),
            "192MiB",
            "Memory for the pages of the index.",
        ),
        key(
            "store.segment_size",
            Size(4 * MIB, GIB),
            "64MiB",
            "Size of a log segment: larger ones mean fewer files and coarser compaction. One message has to fit into half of one.",
        ),
        key(
            "store.checkpoint_interval",
            Duration(100, MINUTE),
            "1s",
            "The index is made durable at least so often while there are commits.",
        ),
        key(
            "store.checkpoint_size",
            Size(16 * MIB, 64 * GIB),
            "512MiB",
            "… and after so much log: what a restart has to read again, about a second for each 600 MiB.",
        ),
        key(
            "store.in_flight",
            Size(MIB, 64 * GIB),
            "128MiB",
            "More than this on its way into the log is refused as busy.",
        ),
        key(
            "store.staged",
            Size(MIB, 64 * GIB),
            "512MiB",
            "More content than this handed over and not committed yet is refused as busy.",
        ),
        key("store.read_workers", Integer(1, 64), "2", "Threads that read content."),
        key(
            "store.spare_segments",
            Integer(0, 1000),
            "16",
            "Emptied log segments that are kept for use again.",
        ),
    ],
};

const MM1: Section = Section {
    title: "MM1: handsets",
    about: "HTTP/1.1 and HTTP/2. Any path takes a POST of a client's PDU; a GET of `public_url/TOKEN` retrieves a message.",
    served: true,
    keys: &[
        key(
            "mm1.listen",
            Listener,
            "127.0.0.1:8081",
            "Where handsets or their gateway connect.",
        ),
        may(
            "mm1.public_url",
            Url,
            "Start of the retrieval addresses that notifications carry, as handsets reach it. Keep it short: it decides whether a notification fits one short message. Not set: `http://` (with a certificate `https://`) and the bound address.",
        ),
        may(
            "mm1.cert",
            Path,
            "Certificate chain in PEM; with `mm1.key` the listener speaks TLS.",
        ),
        may("mm1.key", Path, "Private key in PEM."),
        key(
            "mm1.identity_headers",
            Texts,
            "X-MSISDN,X-WAP-Network-Client-MSISDN,X-Nokia-MSISDN,X-Up-Calling-Line-ID",
            "Request headers that carry the subscriber's number, in order of preference; two that disagree are refused. A suffix says how the number is written: `X-Id:hex`, `X-Id:base64`, `User-Identity:cookie` (a cookie of that name).",
        ),
        key(
            "mm1.trusted_networks",
            Networks,
            "127.0.0.0/8,::1",
            "Where identity headers are believed: the addresses of the gateways. From anywhere else they are stripped.",
        ),
        key(
            "mm1.unidentified",
            Choice(&["token", "refuse"]),
            "token",
            "What a request without identity may do: retrieve and acknowledge with the token of a notification, or nothing. Submitting always needs an identity.",
        ),
        key(
            "mm1.foreign_from",
            Choice(&["replace", "refuse"]),
            "replace",
            "What becomes of a From that names somebody else than the identified subscriber.",
        ),
        key(
            "mm1.connections",
            Integer(1, 1_000_000),
            "10000",
            "Open connections at a time; more are answered 503.",
        ),
        key(
            "mm1.streams",
            Integer(1, 10_000),
            "64",
            "Requests in progress on one HTTP/2 connection.",
        ),
        key(
            "mm1.buffers",
            Size(MIB, 64 * GIB),
            "256MiB",
            "Memory that all request bodies together may hold; beyond it requests are answered 503.",
        ),
        key(
            "mm1.head_timeout",
            Duration(SECOND, 10 * MINUTE),
            "30s",
            "Request line and headers (and a TLS handshake) have to arrive within this.",
        ),
        key(
            "mm1.body_timeout",
            Duration(SECOND, 10 * MINUTE),
            "60s",
            "A request body without progress for so long is given up.",
        ),
        key(
            "mm1.body_rate",
            Integer(0, 1_000_000_000),
            "256",
            "Octets per second that a body has to come with on the average after `body_timeout`.",
        ),
        key(
            "mm1.write_timeout",
            Duration(SECOND, 10 * MINUTE),
            "60s",
            "An answer of which nothing is taken for so long is given up.",
        ),
        key(
            "mm1.write_rate",
            Integer(0, 1_000_000_000),
            "256",
            "Octets per second that a client has to take on the average after `write_timeout`.",
        ),
        key(
            "mm1.idle_timeout",
            Duration(SECOND, HOUR),
            "60s",
            "A connection without requests is closed after this.",
        ),
        key(
            "mm1.retry_after",
            Duration(SECOND, HOUR),
            "5s",
            "What an overloaded node tells clients to wait.",
        ),
        key(
            "mm1.seen_interval",
            Duration(SECOND, HOUR),
            "30s",
            "A handset that shows itself again within this does not wake its waiting messages again.",
        ),
    ],
};

const OPS: Section = Section {
    title: "Operators' port",
    about: "Plain, read-only HTTP: `/metrics`, `/livez`, `/readyz`. It asks for no credentials; keep it on an inner network.",
    served: true,
    keys: &[key("ops.listen", Listener, "127.0.0.1:9464", "Where it is served.")],
};

const SMSC: Section = Section {
    title: "Short-message centres: `[smsc.NAME]`",
    about: "Each table is one transceiver bind (SMPP 3.4) that carries notifications and reports to handsets.",
    served: true,
    keys: &[
        must("smsc.*.address", HostPort, "Where the SMSC listens."),
        must("smsc.*.system_id", Text(15), "Account."),
        may(
            "smsc.*.password",
            Secret(8),
            "Password; either this or `password_file` has to be there.",
        ),
        may(
            "smsc.*.password_file",
            Path,
            "File that holds the password; a newline at its end does not count.",
        ),
        key(
            "smsc.*.system_type",
            Text(12),
            "",
            "Kind of client, where the SMSC asks for one.",
        ),
        key("smsc.*.tls", Boolean, "false", "TLS from the first octet."),
        may(
            "smsc.*.tls_name",
            Text(253),
            "Name that the SMSC's certificate must carry; not written: the host of `address`.",
        ),
        may(
            "smsc.*.tls_ca",
            Path,
            "Trusted authorities in PEM; has to be there with `tls`.",
        ),
        may(
            "smsc.*.tls_cert",
            Path,
            "Our certificate chain in PEM, if the SMSC wants one.",
        ),
        may("smsc.*.tls_key", Path, "Our private key in PEM."),
        key(
            "smsc.*.source",
            Text(20),
            "",
            "Address that pushes come from; empty: the SMSC's own choice.",
        ),
        key(
            "smsc.*.source_ton",
            Integer(0, 6),
            "0",
            "Type of number of `source`: 0 short code, 1 international, 5 alphanumeric.",
        ),
        key(
            "smsc.*.source_npi",
            Integer(0, 18),
            "0",
            "Numbering plan of `source`: 1 with international numbers.",
        ),
        key(
            "smsc.*.service_type",
            Text(5),
            "",
            "Service type; some SMSCs route on `WAP`.",
        ),
        key(
            "smsc.*.data_coding",
            Choice(&["octets", "class1"]),
            "octets",
            "`octets`: 0x04; `class1`: 0xF5, for SMSCs that rewrite 0x04.",
        ),
        key(
            "smsc.*.concatenation",
            Choice(&["udh", "message_payload", "sar"]),
            "udh",
            "How a long push travels: own segments (works everywhere), whole in message_payload, or with sar parameters.",
        ),
        key(
            "smsc.*.wide_reference",
            Boolean,
            "false",
            "16-bit concatenation references.",
        ),
        key(
            "smsc.*.receipt_ids",
            Choice(&["same", "hex_to_decimal", "decimal_to_hex"]),
            "same",
            "How message ids differ between responses and receipts.",
        ),
        key(
            "smsc.*.registered_delivery",
            Integer(0, 255),
            "1",
            "The octet of that name: 1 asks for a receipt on success and failure.",
        ),
        key(
            "smsc.*.optional_parameters",
            Choice(&["always", "if_announced", "never"]),
            "always",
            "Whether submits carry optional parameters.",
        ),
        key(
            "smsc.*.validity",
            Duration(MINUTE, 28 * DAY),
            "24h",
            "Longest validity period asked for.",
        ),
        key(
            "smsc.*.window",
            Integer(1, 10_000),
            "10",
            "Submits without response at a time.",
        ),
        key(
            "smsc.*.queue",
            Integer(1, 1_000_000),
            "1000",
            "Pushes that may wait in front of the window.",
        ),
        key(
            "smsc.*.rate",
            Integer(1, 1_000_000),
            "10000",
            "Submits per second by contract.",
        ),
        key(
            "smsc.*.prefixes",
            Ranges,
            "",
            "Number prefixes that this SMSC serves; empty: any number.",
        ),
        key(
            "smsc.*.priority",
            Integer(0, 255),
            "0",
            "Lower is asked first among equally long prefixes.",
        ),
        key(
            "smsc.*.weight",
            Integer(1, 1_000_000),
            "1",
            "Share among SMSCs of equal prefix and priority.",
        ),
        key(
            "smsc.*.permanent_errors",
            Integers,
            "1,5,11,13",
            "GSM error codes in receipts that mean: this number can never be reached.",
        ),
        key(
            "smsc.*.connect_timeout",
            Duration(100, 10 * MINUTE),
            "10s",
            "Connecting, TLS included.",
        ),
        key(
            "smsc.*.response_timeout",
            Duration(100, 10 * MINUTE),
            "10s",
            "Response to a submit.",
        ),
        key(
            "smsc.*.enquire_interval",
            Duration(SECOND, HOUR),
            "30s",
            "Silence after which the link is checked.",
        ),
        key(
            "smsc.*.reconnect",
            Duration(100, HOUR),
            "1s",
            "First pause before a reconnect; it doubles.",
        ),
        key(
            "smsc.*.reconnect_limit",
            Duration(100, HOUR),
            "60s",
            "Longest pause before a reconnect.",
        ),
    ],
};

const TELLING: Section = Section {
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
            "telling.waiting_recheck",
            Duration(MINUTE, DAY),
            "1h",
            "What waits for an SMSC that is down looks again after this, in case the word that it is up was lost.",
        ),
    ],
};

const SUBSCRIBERS: Section = Section {
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

const NUMBERS: Section = Section {
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

const LIMITS: Section = Section {
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
            "limits.refused_media_types",
            Texts,
            "",
            "Media types (`type/subtype`) that are not let through.",
        ),
        key(
            "limits.unroutable",
            Choice(&["refuse", "report"]),
            "refuse",
            "Recipients that no interface reaches: named in the answer to the submitter, or reported as undeliverable.",
        ),
    ],
};

const EXPIRY: Section = Section {
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

const RETENTION: Section = Section {
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

const RELAY: Section = Section {
    title: "The actor tree",
    about: "",
    served: true,
    keys: &[
        key(
            "relay.credits",
            Integer(16, 1_000_000),
            "4096",
            "Commands in flight at a time; beyond it interfaces refuse in their own words.",
        ),
        key(
            "relay.content_in_flight",
            Size(MIB, 64 * GIB),
            "256MiB",
            "Content of submissions that are not committed yet.",
        ),
        key(
            "relay.scan_period",
            Duration(10, MINUTE),
            "1s",
            "Between two looks at what is due.",
        ),
        key(
            "relay.live_entities",
            Integer(100, 10_000_000),
            "50000",
            "Actors of messages and subscribers alive at a time (about 10 KB each).",
        ),
        key(
            "relay.shards",
            Integer(1, 16_384),
            "1024",
            "Shards of a new store; an existing store keeps its number.",
        ),
    ],
};

const PEER: Section = Section {
    title: "Peers: `[peer.NAME]`",
    about: "Other message centres. **MM4 is not part of this release**: the ranges are used for routing, so that a number of a peer gets a typed \"no route\" instead of being taken for a subscriber; nothing is sent to the peer.",
    served: false,
    keys: &[
        must("peer.*.address", HostPort, "Where the peer takes MM4."),
        key(
            "peer.*.allow",
            Networks,
            "",
            "Addresses that the peer may connect from.",
        ),
        key(
            "peer.*.ranges",
            Ranges,
            "",
            "Numbers that the peer serves: prefixes or ranges.",
        ),
    ],
};

const CLUSTER: Section = Section {
    title: "Cluster",
    about: "Not served by this release; the keys are checked in form.",
    served: false,
    keys: &[
        key(
            "cluster.listen",
            Listener,
            "off",
            "Where other nodes connect (mutual TLS).",
        ),
        may("cluster.cert", Path, "This node's certificate chain in PEM."),
        may("cluster.key", Path, "This node's private key in PEM."),
        may("cluster.ca", Path, "Authority of the nodes' certificates in PEM."),
    ],
};

const ADMIN: Section = Section {
    title: "Admin API",
    about: "Not served by this release; the keys are checked in form.",
    served: false,
    keys: &[key(
        "admin.listen",
        Listener,
        "off",
        "Where the admin API and its page are served.",
    )],
};

const MM3: Section = Section {
    title: "MM3: e-mail",
    about: "Not served by this release; the keys are checked in form.",
    served: false,
    keys: &[key("mm3.listen", Listener, "off", "Where mail comes in (SMTP).")],
};

const MM4: Section = Section {
    title: "MM4: other message centres",
    about: "Not served by this release; the keys are checked in form.",
    served: false,
    keys: &[key("mm4.listen", Listener, "off", "Where peers deliver (SMTP).")],
};

const MM7: Section = Section {
    title: "MM7: value-added services",
    about: "Not served by this release; the keys are checked in form.",
    served: false,
    keys: &[key("mm7.listen", Listener, "off", "Where providers submit (SOAP).")],
};

const API: Section = Section {
    title: "JSON API",
    about: "Not served by this release; the keys are checked in form.",
    served: false,
    keys: &[key("api.listen", Listener, "off", "Where the JSON API is served.")],
};

const VASP: Section = Section {
    title: "Value-added service providers: `[vasp.NAME]`",
    about: "Not served by this release; the keys are checked in form.",
    served: false,
    keys: &[
        may("vasp.*.address", Url, "Where messages for the provider are posted."),
        may("vasp.*.system_id", Text(64), "Account of the provider."),
        may("vasp.*.password", Secret(128), "Its password."),
        may("vasp.*.password_file", Path, "File that holds the password."),
        key(
            "vasp.*.allow",
            Networks,
            "",
            "Addresses that the provider may connect from.",
        ),
        key(
            "vasp.*.short_codes",
            Texts,
            "",
            "Short codes that belong to the provider.",
        ),
    ],
};

const OCS: Section = Section {
    title: "Online charging: `[ocs.NAME]`",
    about: "Not served by this release; the keys are checked in form.",
    served: false,
    keys: &[
        must("ocs.*.address", HostPort, "Where the charging system takes Diameter."),
        may("ocs.*.realm", Text(253), "Its realm."),
        may("ocs.*.host", Text(253), "Its host identity."),
    ],
};

/// Every key.
pub fn all() -> impl Iterator<Item = &'static Key> {
    SECTIONS.iter().flat_map(|section| section.keys)
}

/// The section that a written key belongs to.
pub(crate) fn section_of(path: &str) -> Option<&'static Section> {
    SECTIONS
        .iter()
        .find(|section| section.keys.iter().any(|key| matches(key.path, path)))
}

/// The key under which `path` is known; `smsc.main.address` is known as `smsc.*.address`.
pub(crate) fn find(path: &str) -> Option<&'static Key> {
    all().find(|key| matches(key.path, path))
}

/// Whether there are tables by name under this first word.
pub(crate) fn is_repeated(first: &str) -> bool {
    all().any(|key| key.path.split_once(".*.").is_some_and(|(table, _)| table == first))
}

fn matches(pattern: &str, path: &str) -> bool {
    let mut words = path.split('.');
    pattern.split('.').all(|expected| {
        words.next().is_some_and(|word| {
            if expected == "*" {
                super::value::is_name(word)
            } else {
                word == expected
            }
        })
    }) && words.next().is_none()
}
