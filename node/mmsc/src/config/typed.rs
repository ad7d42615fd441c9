//! From values to what the parts of a node take.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use mmsc_domain::address::HomePrefix;
use mmsc_domain::mmbox::MmBoxPolicy;
use mmsc_domain::policy::{ServicePolicy, UnknownSubscribers, Unroutable};
use mmsc_domain::rate::Rate;
use mmsc_domain::routing::{PeerName, RoutingTable};
use mmsc_interfaces::http::TlsFiles;
use mmsc_interfaces::mm1::{ForeignFrom, IdentitySource, Mm1Limits, NotifyConfig, Unidentified};
use mmsc_relay::AdmissionLimits;
use mmsc_store::embedded::EmbeddedOptions;

use super::issue::{Fault, Issue};
use super::keys;
use super::value::Value;
use super::values::Values;

mod backup;
mod content;
mod mm1;
mod ppg;
mod smsc;

pub use backup::BackupSettings;
pub use ppg::{BearerSettings, PapSettings, PpgSettings};
pub use smsc::{SmscSettings, TlsClientFiles};

/// A configuration that can be run.
#[derive(Clone, Debug)]
pub struct Config {
    /// `node.*`.
    pub node: NodeSettings,
    /// `log.*`.
    pub log: LogSettings,
    /// `store.*` of the embedded engine.
    pub store: EmbeddedOptions,
    /// `store.backup_*`; `None`: no backups.
    pub backup: Option<BackupSettings>,
    /// `mm1.*`.
    pub mm1: Mm1Settings,
    /// `ops.listen`; `None`: off.
    pub ops: Option<SocketAddr>,
    /// `[smsc.NAME]`, sorted by name.
    pub smscs: Vec<SmscSettings>,
    /// `[ppg.NAME]`, sorted by name.
    pub ppgs: Vec<PpgSettings>,
    /// `pap.*`.
    pub pap: PapSettings,
    /// `bearer.*`.
    pub bearer: BearerSettings,
    /// Everything that the domain decides by.
    pub policy: ServicePolicy,
    /// `relay.*`.
    pub relay: RelaySettings,
    /// What was configured and is not served by this release: the first words or `listener` keys, each once.
    pub unserved: Vec<String>,
}

/// `node.*`.
#[derive(Clone, Debug)]
pub struct NodeSettings {
    /// Its name.
    pub name: String,
    /// Longest drain.
    pub drain_limit: Duration,
    /// Serving threads; 0: one for each core.
    pub threads: usize,
}

/// `log.*`.
#[derive(Clone, Debug)]
pub struct LogSettings {
    /// One JSON object for each line.
    pub json: bool,
    /// Level or directives.
    pub level: String,
}

/// `mm1.*`, and of `telling.*` what its notifications are made with.
#[derive(Clone, Debug)]
pub struct Mm1Settings {
    /// `None`: off.
    pub listen: Option<SocketAddr>,
    /// Start of retrieval addresses; `None`: made from the bound address.
    pub public_url: Option<String>,
    /// Certificate chain and key; plain HTTP without.
    pub tls: Option<TlsFiles>,
    /// Gateways and their headers.
    pub identity: IdentitySource,
    /// Requests without identity.
    pub unidentified: Unidentified,
    /// A From of somebody else.
    pub foreign_from: ForeignFrom,
    /// Limits on clients.
    pub limits: Mm1Limits,
    /// What overload tells clients.
    pub retry_after: Duration,
    /// How often a handset that shows itself is reported.
    pub seen_interval: Duration,
    /// How handsets are told.
    pub notify: NotifyConfig,
}

/// `relay.*`.
#[derive(Clone, Copy, Debug)]
pub struct RelaySettings {
    /// Commands and content in flight.
    pub limits: AdmissionLimits,
    /// Live actors of entities.
    pub live_entities: usize,
    /// Between two looks at what is due.
    pub scan_period: Duration,
    /// Shards of a new store.
    pub shards: u16,
}

/// Builds the typed form. Values that contradict each other are issues.
pub(super) fn build(values: &Values) -> Result<Config, Vec<Issue>> {
    let mut reader = Reader::new(values);
    let smscs = smsc::all(&mut reader);
    let pap = ppg::listener(&mut reader);
    let ppgs = ppg::all(&mut reader, pap.listen.is_some());
    let config = Config {
        node: NodeSettings {
            name: reader.take("node.name"),
            drain_limit: reader.take("node.drain_limit"),
            threads: reader.take("node.threads"),
        },
        log: LogSettings {
            json: reader.take::<String>("log.format") == "json",
            level: reader.take("log.level"),
        },
        store: store(&mut reader),
        backup: backup::settings(&mut reader),
        mm1: mm1::settings(&mut reader),
        ops: reader.take("ops.listen"),
        bearer: ppg::bearer(&mut reader, &smscs, &ppgs),
        smscs,
        ppgs,
        pap,
        policy: policy(&mut reader),
        relay: RelaySettings {
            limits: AdmissionLimits {
                commands: reader.take("relay.credits"),
                octets: reader.take("relay.content_in_flight"),
            },
            live_entities: reader.take("relay.live_entities"),
            scan_period: reader.take("relay.scan_period"),
            shards: reader.take("relay.shards"),
        },
        unserved: unserved(values),
    };
    listeners(&mut reader);
    pair(&mut reader, "cluster.cert", "cluster.key");
    for vasp in values.names("vasp") {
        reader.secret(&format!("vasp.{vasp}"));
    }
    if reader.issues.is_empty() {
        Ok(config)
    } else {
        Err(reader.issues)
    }
}

fn store(reader: &mut Reader<'_>) -> EmbeddedOptions {
    if reader.take::<String>("store.engine") == "foundationdb" {
        let message = "\"foundationdb\" is not built into this release; use \"embedded\"";
        reader.issue("store.engine", Fault::NotBuilt, message);
    }
    let mut options = EmbeddedOptions::new(reader.take::<PathBuf>("store.path"));
    options.reserve_bytes = reader.take("store.reserve");
    options.cache_bytes = reader.take("store.cache");
    options.segment_bytes = reader.take("store.segment_size");
    options.checkpoint_interval = reader.take("store.checkpoint_interval");
    options.checkpoint_bytes = reader.take("store.checkpoint_size");
    options.in_flight_bytes = reader.take("store.in_flight");
    options.staged_bytes = reader.take("store.staged");
    options.read_workers = reader.take("store.read_workers");
    options.spare_segments = reader.take("store.spare_segments");
    let largest: u64 = reader.take("limits.message_size");
    if options.segment_bytes / 2 < largest.saturating_add(256 * 1024) {
        let message = "half a segment has to hold the largest message (limits.message_size) and 256KiB more";
        reader.issue("store.segment_size", Fault::Contradiction, message);
    }
    options
}

fn policy(reader: &mut Reader<'_>) -> ServicePolicy {
    let mut policy = ServicePolicy {
        domain: reader.take("node.domain"),
        max_recipients: reader.take("limits.recipients"),
        max_content_bytes: reader.take("limits.message_size"),
        max_parts: reader.take("limits.parts"),
        reply_charging: reader.take("mm1.reply_charging"),
        max_subject_bytes: reader.take("limits.subject"),
        max_forwards: reader.take("limits.forwards"),
        content: content::content(reader),
        fan_out: content::fan_out(reader),
        default_expiry: reader.take("expiry.default"),
        max_expiry: reader.take("expiry.max"),
        max_deferral: reader.take("expiry.delivery_time_max"),
        submit_rate: submit_rate(reader),
        routing: routing(reader),
        unroutable: match reader.take::<String>("limits.unroutable").as_str() {
            "report" => Unroutable::Report,
            _ => Unroutable::Refuse,
        },
        retention_content: reader.take("retention.content"),
        retention_record: reader.take("retention.record"),
        home_prefix: home_prefix(reader),
        unknown_subscribers: match reader.take::<String>("subscribers.unknown").as_str() {
            "refuse" => UnknownSubscribers::Refuse,
            _ => UnknownSubscribers::AcceptWithDefaults,
        },
        mmbox: mmbox(reader),
        ..ServicePolicy::default()
    };
    policy.timers.served_grace = reader.take("telling.served_grace");
    policy.telling.renotify = reader.take("telling.renotify");
    policy.telling.failed_backoff = reader.take("telling.failed_backoff");
    policy.telling.max_attempts = reader.take("telling.attempts");
    policy.telling.jitter_percent = reader.take("telling.jitter");
    let pace: u32 = reader.take("telling.pace");
    policy.telling.pace = Rate {
        per_minute: pace.saturating_mul(60),
        burst: pace,
    };
    policy.telling.waiting_recheck = reader.take("telling.waiting_recheck");
    if policy.telling.renotify.is_empty() {
        reader.issue("telling.renotify", Fault::BadValue, "needs at least one wait");
    }
    if policy.default_expiry > policy.max_expiry {
        reader.issue("expiry.default", Fault::Contradiction, "is longer than expiry.max");
    }
    policy
}

fn mmbox(reader: &mut Reader<'_>) -> Option<MmBoxPolicy> {
    let offered = reader.take("mmbox.offered");
    let policy = MmBoxPolicy {
        max_messages: reader.take("mmbox.max_messages"),
        max_octets: reader.take("mmbox.max_octets"),
        max_view: reader.take("mmbox.max_view"),
        max_view_octets: reader.take("mmbox.max_view_octets"),
    };
    if offered && policy.max_view_octets > reader.take("relay.content_in_flight") {
        let message = "is more than relay.content_in_flight, so that no list could carry content";
        reader.issue("mmbox.max_view_octets", Fault::Contradiction, message);
    }
    offered.then_some(policy)
}

fn submit_rate(reader: &mut Reader<'_>) -> Option<Rate> {
    let per_minute: u32 = reader.take("subscribers.rate");
    let burst = reader.take("subscribers.burst");
    (per_minute > 0).then_some(Rate { per_minute, burst })
}

fn home_prefix(reader: &mut Reader<'_>) -> Option<HomePrefix> {
    let country: String = reader.take("numbers.country_code");
    let trunk: String = reader.take("numbers.trunk_prefix");
    let international: String = reader.take("numbers.international_prefix");
    let least = reader.take("numbers.national_digits_min");
    let most = reader.take("numbers.national_digits_max");
    if country.is_empty() {
        return None;
    }
    HomePrefix::new(&country, &trunk, &international, least..=most)
        .map_err(|error| reader.issue("numbers.country_code", Fault::Contradiction, &error.to_string()))
        .ok()
}

fn routing(reader: &mut Reader<'_>) -> RoutingTable {
    let mut table = RoutingTable::default();
    for name in reader.values.names("peer") {
        let path = format!("peer.{name}.ranges");
        let peer = PeerName(name);
        for (nth, range) in (1..).zip(reader.take::<Vec<String>>(&path)) {
            if let Err(error) = table.add_range(&range, &peer) {
                reader.issue(
                    &path,
                    Fault::Contradiction,
                    &format!("element {nth} is \"{range}\": {error}"),
                );
            }
        }
    }
    table
}

/// Both or neither.
fn pair(reader: &mut Reader<'_>, one: &str, other: &str) {
    let (has_one, has_other) = (reader.values.get(one).is_some(), reader.values.get(other).is_some());
    match (has_one, has_other) {
        (true, false) => reader.issue(one, Fault::Contradiction, &format!("needs {other} beside it")),
        (false, true) => reader.issue(other, Fault::Contradiction, &format!("needs {one} beside it")),
        (true, true) | (false, false) => {}
    }
}

/// Two listeners on one address would only be found when the second one starts.
fn listeners(reader: &mut Reader<'_>) {
    let mut taken: Vec<(SocketAddr, &str)> = Vec::new();
    for key in keys::all() {
        let Some(Value::Listener(Some(address))) = reader.values.get(key.path) else {
            continue;
        };
        let clash = taken.iter().find(|(other, _)| other == address && address.port() != 0);
        if let Some((_, other)) = clash {
            let message = format!("{address} is taken by {other}");
            reader.issue(key.path, Fault::Contradiction, &message);
        }
        taken.push((*address, key.path));
    }
}

/// What was written and belongs to a section that is not served; a listener that is `off` asks for nothing.
fn unserved(values: &Values) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for path in values.written() {
        let asked = !matches!(values.get(path), Some(Value::Listener(None)));
        let Some(section) = keys::section_of(path) else {
            continue;
        };
        if section.served || !asked {
            continue;
        }
        let mut words = path.split('.');
        let first = words.next().unwrap_or_default();
        let name = if keys::is_repeated(first) {
            format!("{first}.{}", words.next().unwrap_or_default())
        } else {
            first.to_owned()
        };
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// Takes values by key and collects what does not fit.
pub(super) struct Reader<'a> {
    values: &'a Values,
    issues: Vec<Issue>,
}

impl<'a> Reader<'a> {
    fn new(values: &'a Values) -> Self {
        Self {
            values,
            issues: Vec::new(),
        }
    }

    fn issue(&mut self, path: &str, fault: Fault, message: &str) {
        self.issues
            .push(Issue::new(self.values.place(path), fault, path, message));
    }

    /// The value of a key that has a default or is required; a mistake of ours otherwise, which is told as one.
    fn take<T: FromValue + std::default::Default>(&mut self, path: &str) -> T {
        self.optional(path).unwrap_or_else(|| {
            self.issue(
                path,
                Fault::Bug,
                "is missing from the table of keys, or has another type there",
            );
            T::default()
        })
    }

    fn optional<T: FromValue>(&mut self, path: &str) -> Option<T> {
        self.values.get(path).and_then(T::from_value)
    }

    /// `TABLE.password`, or the content of `TABLE.password_file`.
    fn secret(&mut self, table: &str) -> Option<String> {
        let (inline, file) = (format!("{table}.password"), format!("{table}.password_file"));
        let written: Option<String> = self.optional(&inline);
        let Some(path) = self.optional::<PathBuf>(&file) else {
            return written;
        };
        if written.is_some() {
            self.issue(
                &file,
                Fault::Contradiction,
                "stands beside password; one of them has to go",
            );
        }
        match read_secret(&path) {
            Ok(secret) => Some(secret),
            Err(message) => {
                self.issue(&file, Fault::Unreadable, &message);
                None
            }
        }
    }
}

fn read_secret(path: &Path) -> Result<String, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let secret = text.trim_end_matches(['\r', '\n']);
    if secret.is_empty() || secret.chars().any(char::is_control) {
        return Err(format!("{} holds no password on one line", path.display()));
    }
    Ok(secret.to_owned())
}

/// What a value can become.
pub(super) trait FromValue: Sized {
    /// `None` where the value is of another kind or too large.
    fn from_value(value: &Value) -> Option<Self>;
}

macro_rules! from_integer {
    ($($type:ty)*) => {$(
        impl FromValue for $type {
            fn from_value(value: &Value) -> Option<Self> {
                if let Value::Integer(number) = value { Self::try_from(*number).ok() } else { None }
            }
        }
    )*};
}

from_integer!(u8 u16 u32 u64 usize);

macro_rules! from_variant {
    ($($variant:ident => $type:ty),* $(,)?) => {$(
        impl FromValue for $type {
            fn from_value(value: &Value) -> Option<Self> {
                if let Value::$variant(inner) = value { Some(inner.clone()) } else { None }
            }
        }
    )*};
}

from_variant! {
    Text => String,
    Boolean => bool,
    Duration => Duration,
    Listener => Option<SocketAddr>,
    Texts => Vec<String>,
    Durations => Vec<Duration>,
    Integers => Vec<u64>,
}

impl FromValue for PathBuf {
    fn from_value(value: &Value) -> Option<Self> {
        String::from_value(value).map(Self::from)
    }
}
