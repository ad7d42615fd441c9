//! Interfaces that this release does not serve: their keys are checked in form.

use super::{Section, key, may, must};
use crate::config::value::Kind::{HostPort, Listener, Networks, Path, Ranges, Secret, Text, Texts, Url};

pub(super) const PEER: Section = Section {
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

pub(super) const CLUSTER: Section = Section {
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

pub(super) const ADMIN: Section = Section {
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

pub(super) const MM3: Section = Section {
    title: "MM3: e-mail",
    about: "Not served by this release; the keys are checked in form.",
    served: false,
    keys: &[key("mm3.listen", Listener, "off", "Where mail comes in (SMTP).")],
};

pub(super) const MM4: Section = Section {
    title: "MM4: other message centres",
    about: "Not served by this release; the keys are checked in form.",
    served: false,
    keys: &[key("mm4.listen", Listener, "off", "Where peers deliver (SMTP).")],
};

pub(super) const MM7: Section = Section {
    title: "MM7: value-added services",
    about: "Not served by this release; the keys are checked in form.",
    served: false,
    keys: &[key("mm7.listen", Listener, "off", "Where providers submit (SOAP).")],
};

pub(super) const API: Section = Section {
    title: "JSON API",
    about: "Not served by this release; the keys are checked in form.",
    served: false,
    keys: &[key("api.listen", Listener, "off", "Where the JSON API is served.")],
};

pub(super) const VASP: Section = Section {
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

pub(super) const OCS: Section = Section {
    title: "Online charging: `[ocs.NAME]`",
    about: "Not served by this release; the keys are checked in form.",
    served: false,
    keys: &[
        must("ocs.*.address", HostPort, "Where the charging system takes Diameter."),
        may("ocs.*.realm", Text(253), "Its realm."),
        may("ocs.*.host", Text(253), "Its host identity."),
    ],
};
