//! The interfaces that are served: MM1 and the short-message centres.

use super::{DAY, GIB, HOUR, MIB, MINUTE, SECOND, Section, key, may, must};
use crate::config::value::Kind::{
    Boolean, Choice, Duration, HostPort, Integer, Integers, Listener, Networks, Path, Ranges, Secret, Size, Text,
    Texts, Url,
};

pub(super) const MM1: Section = Section {
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
            "mm1.reply_charging",
            Boolean,
            "false",
            "Whether senders may offer to pay for one reply of each recipient. Off: an offer is refused, and a reply is charged like any message.",
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

pub(super) const SMSC: Section = Section {
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
