//! The node itself: its name, logs, store, operators' port and actor tree.

use super::{DAY, GIB, MIB, MINUTE, Section, key, may};
use crate::config::value::Kind::{Choice, Duration, Integer, Listener, LogFilter, Name, Path, Size, Text};

pub(super) const NODE: Section = Section {
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

pub(super) const LOG: Section = Section {
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

pub(super) const STORE: Section = Section {
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
        may(
            "store.backup_dir",
            Path,
            "Where backups go, each into a directory `backup-YYYYMMDDTHHMMSSZ` of its own; best on another disk. Without it none are made. USR1 asks a running node for one.",
        ),
        key(
            "store.backup_every",
            Duration(0, 30 * DAY),
            "0s",
            "A backup is made so often, also over restarts; 0: only when asked for. At least one second.",
        ),
        key(
            "store.backup_keep",
            Integer(0, 10_000),
            "7",
            "So many of the newest backups are kept, older ones are removed after each success; 0: all are kept.",
        ),
        key(
            "store.backup_rate",
            Size(0, 64 * GIB),
            "32MiB",
            "A backup copies so much in a second, so that traffic goes on; 0: as fast as it goes.",
        ),
    ],
};

pub(super) const OPS: Section = Section {
    title: "Operators' port",
    about: "Plain, read-only HTTP: `/metrics`, `/livez`, `/readyz`. It asks for no credentials; keep it on an inner network.",
    served: true,
    keys: &[key("ops.listen", Listener, "127.0.0.1:9464", "Where it is served.")],
};

pub(super) const RELAY: Section = Section {
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
