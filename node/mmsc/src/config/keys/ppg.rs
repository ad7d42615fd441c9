//! Push proxy gateways, the listener for their reports, and the choice of a bearer.

use super::{DAY, HOUR, MINUTE, SECOND, Section, key, may, must};
use crate::config::value::Kind::{Choice, Duration, Integer, Listener, Networks, Path, Ranges, Secret, Text, Url};

pub(super) const PPG: Section = Section {
    title: "Push proxy gateways: `[ppg.NAME]`",
    about: "Each table is a gateway that carries notifications and reports to handsets by PAP 2.0. The NAME must not be that of an SMSC.",
    served: true,
    keys: &[
        must(
            "ppg.*.url",
            Url,
            "Where pushes are posted; `https` needs `tls_ca` beside it.",
        ),
        may(
            "ppg.*.tls_name",
            Text(253),
            "Name that the gateway's certificate must carry; not written: the host of `url`.",
        ),
        may("ppg.*.tls_ca", Path, "Trusted authorities in PEM."),
        may(
            "ppg.*.tls_cert",
            Path,
            "Our certificate chain in PEM, if the gateway wants one.",
        ),
        may("ppg.*.tls_key", Path, "Our private key in PEM."),
        may(
            "ppg.*.username",
            Text(64),
            "Account for basic authentication; needs `password` or `password_file`.",
        ),
        may("ppg.*.password", Secret(128), "Its password."),
        may(
            "ppg.*.password_file",
            Path,
            "File that holds the password; a newline at its end does not count.",
        ),
        key(
            "ppg.*.allow",
            Networks,
            "",
            "Addresses that the gateway's result notifications may come from; empty: none are asked for.",
        ),
        may(
            "ppg.*.notify_url",
            Url,
            "Where the gateway is asked to post results. Not set: the bound address of `pap.listen` and `pap.path`.",
        ),
        key(
            "ppg.*.address_form",
            Choice(&["plmn", "number"]),
            "plmn",
            "`plmn`: `WAPPUSH=+NUMBER/TYPE=PLMN@HOST`; `number`: the bare `WAPPUSH=NUMBER`.",
        ),
        may(
            "ppg.*.address_host",
            Text(253),
            "HOST of the address form; not written: the host of `url`.",
        ),
        key(
            "ppg.*.source_reference",
            Text(64),
            "",
            "What the gateway is told of the initiator; empty: nothing.",
        ),
        key(
            "ppg.*.pap_version",
            Choice(&["2.0", "1.0"]),
            "2.0",
            "Document type of the requests.",
        ),
        key(
            "ppg.*.network",
            Text(32),
            "",
            "Network that the gateway has to use (`GSM`); empty: its own choice.",
        ),
        key(
            "ppg.*.bearer",
            Text(32),
            "",
            "Bearer that the gateway has to use (`SMS`); empty: its own choice.",
        ),
        key(
            "ppg.*.ranges",
            Ranges,
            "",
            "Numbers that the gateway serves; empty: any number.",
        ),
        key(
            "ppg.*.priority",
            Integer(0, 255),
            "0",
            "Lower is asked first among equally close ranges; the others when it fails.",
        ),
        key(
            "ppg.*.window",
            Integer(1, 10_000),
            "16",
            "Requests without answer at a time, and connections.",
        ),
        key(
            "ppg.*.queue",
            Integer(1, 1_000_000),
            "1000",
            "Pushes that may wait in front of the window.",
        ),
        key(
            "ppg.*.deadline",
            Duration(100, 45 * SECOND),
            "15s",
            "Longest wait for the answer to a push; then it counts as perhaps taken over.",
        ),
        key(
            "ppg.*.connect_timeout",
            Duration(100, MINUTE),
            "10s",
            "Connecting, TLS included.",
        ),
        key(
            "ppg.*.idle_timeout",
            Duration(0, HOUR),
            "10s",
            "A connection that was idle for so long is not used again; shorter than the gateway's own limit.",
        ),
        key(
            "ppg.*.reconnect",
            Duration(100, HOUR),
            "1s",
            "First pause before a gateway that is down is tried again; it doubles.",
        ),
        key(
            "ppg.*.reconnect_limit",
            Duration(100, DAY),
            "60s",
            "Longest pause before that.",
        ),
    ],
};

pub(super) const PAP: Section = Section {
    title: "Result notifications of push proxy gateways",
    about: "A listener of its own: gateways stand in another network than handsets. It answers the addresses in `ppg.NAME.allow` alone.",
    served: true,
    keys: &[
        key(
            "pap.listen",
            Listener,
            "off",
            "Where gateways post what became of a push.",
        ),
        key("pap.path", Text(100), "/pap", "The one path that is answered."),
        may(
            "pap.cert",
            Path,
            "Certificate chain in PEM; with `pap.key` the listener speaks TLS.",
        ),
        may("pap.key", Path, "Private key in PEM."),
        key(
            "pap.connections",
            Integer(1, 10_000),
            "100",
            "Open connections at a time; more are answered 503.",
        ),
    ],
};

pub(super) const BEARER: Section = Section {
    title: "Choice of a bearer",
    about: "The closest range in any `ppg.NAME.ranges` or `smsc.NAME.prefixes` decides whether gateways or short-message centres carry a push; among them, the table's own order does. A push does not change over to the other kind when all of the chosen kind are down: it waits.",
    served: true,
    keys: &[
        key(
            "bearer.prefer",
            Choice(&["smsc", "ppg"]),
            "smsc",
            "Who carries pushes to numbers in no range, or in equally close ranges of both.",
        ),
        key(
            "bearer.rate",
            Integer(0, 1_000_000),
            "120",
            "Pushes in a minute to one number; more wait without losing an attempt. 0: any number.",
        ),
        key(
            "bearer.burst",
            Integer(1, 1_000_000),
            "120",
            "Pushes to one number at once after a pause, where `rate` limits.",
        ),
        key(
            "bearer.in_flight",
            Integer(1, 1000),
            "2",
            "Pushes to one number that bearers have not answered yet.",
        ),
    ],
};
