//! `[ppg.NAME]`, `pap.*` and `bearer.*`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use mmsc_domain::rate::Rate;
use mmsc_interfaces::bearer::{Kind, PaceConfig, Range, Routes, Rules};
use mmsc_interfaces::http::{Network, TlsFiles};
use mmsc_interfaces::pap::{AddressForm, Credentials, Dialect, Endpoint, PpgConfig, Timers};
use mmsc_interfaces::smpp::Secret;

use super::{Fault, Reader, SmscSettings, TlsClientFiles, pair};

/// One push proxy gateway.
#[derive(Clone, Debug)]
pub struct PpgSettings {
    /// Everything but TLS, which is loaded when the node starts, and a `notify_url` that is made from the bound address.
    pub gateway: PpgConfig,
    /// TLS, where its URL says so.
    pub tls: Option<TlsClientFiles>,
}

/// `pap.*`.
#[derive(Clone, Debug)]
pub struct PapSettings {
    /// `None`: off.
    pub listen: Option<SocketAddr>,
    /// The one path that is answered.
    pub path: String,
    /// Certificate chain and key; plain HTTP without.
    pub tls: Option<TlsFiles>,
    /// Connections at one time.
    pub connections: usize,
}

/// `bearer.*`, with what the tables of bearers say of their numbers.
#[derive(Clone, Debug)]
pub struct BearerSettings {
    /// Who carries which push.
    pub rules: Rules,
    /// How many one number gets.
    pub pace: PaceConfig,
}

pub(super) fn listener(reader: &mut Reader<'_>) -> PapSettings {
    pair(reader, "pap.cert", "pap.key");
    let certificate: Option<PathBuf> = reader.optional("pap.cert");
    let key: Option<PathBuf> = reader.optional("pap.key");
    let path: String = reader.take("pap.path");
    let sound =
        path.starts_with('/') && path.bytes().all(|octet| octet.is_ascii_graphic()) && !path.contains(['?', '#']);
    if !sound {
        let message = "must begin with a slash and be printable ASCII without query";
        reader.issue("pap.path", Fault::BadValue, message);
    }
    PapSettings {
        listen: reader.take("pap.listen"),
        path,
        tls: certificate
            .zip(key)
            .map(|(certificate, key)| TlsFiles { certificate, key }),
        connections: reader.take("pap.connections"),
    }
}

/// Every gateway, sorted by name; `listening` if results can come in.
pub(super) fn all(reader: &mut Reader<'_>, listening: bool) -> Vec<PpgSettings> {
    let names = reader.values.names("ppg");
    names.iter().filter_map(|name| one(reader, name, listening)).collect()
}

/// `None` where its URL is wrong, which is told.
fn one(reader: &mut Reader<'_>, name: &str, listening: bool) -> Option<PpgSettings> {
    let table = format!("ppg.{name}");
    let at = |leaf: &str| format!("{table}.{leaf}");
    if reader.values.names("smsc").iter().any(|smsc| smsc == name) {
        reader.issue(&table, Fault::Contradiction, "an SMSC has the same name");
    }
    let url: String = reader.optional(&at("url"))?;
    let endpoint: Endpoint = match url.parse() {
        Ok(endpoint) => endpoint,
        Err(error) => {
            let message = format!("{error}");
            reader.issue(&at("url"), Fault::BadValue, &message);
            return None;
        }
    };
    let tls = tls(reader, &table, &endpoint);
    let mut gateway = PpgConfig::new(name, endpoint);
    let networks: Vec<String> = reader.take(&at("allow"));
    gateway.allow = networks
        .iter()
        .filter_map(|text| text.parse::<Network>().ok())
        .collect();
    gateway.notify_url = reader.optional(&at("notify_url"));
    if gateway.notify_url.is_some() && (gateway.allow.is_empty() || !listening) {
        let message = "needs allow beside it, and pap.listen: results would be refused";
        reader.issue(&at("notify_url"), Fault::Contradiction, message);
    }
    words(reader, &table, &mut gateway);
    gateway.credentials = credentials(reader, &table);
    gateway.ranges = ranges(&reader.take::<Vec<String>>(&at("ranges")));
    gateway.priority = reader.take(&at("priority"));
    gateway.window = reader.take(&at("window"));
    gateway.queue = reader.take(&at("queue"));
    gateway.timers = timers(reader, &table);
    for problem in gateway.problems() {
        // Without its authorities it cannot be complete yet; that they are missing is told above.
        if problem.key != "url" {
            reader.issue(&at(problem.key), Fault::BadValue, problem.problem);
        }
    }
    Some(PpgSettings { gateway, tls })
}

fn words(reader: &mut Reader<'_>, table: &str, gateway: &mut PpgConfig) {
    let mut word = |leaf: &str| reader.take::<String>(&format!("{table}.{leaf}"));
    let filled = |text: String| (!text.is_empty()).then_some(text);
    gateway.source_reference = filled(word("source_reference"));
    gateway.network = filled(word("network"));
    gateway.bearer = filled(word("bearer"));
    gateway.dialect = match word("pap_version").as_str() {
        "1.0" => Dialect::V1_0,
        _ => Dialect::V2_0,
    };
    let bare = word("address_form") == "number";
    let host: Option<String> = reader.optional(&format!("{table}.address_host"));
    gateway.address_form = match (bare, host) {
        (true, None) => AddressForm::Bare,
        (true, Some(_)) => {
            let path = format!("{table}.address_host");
            reader.issue(&path, Fault::Contradiction, "has no place in address_form = \"number\"");
            AddressForm::Bare
        }
        (false, host) => AddressForm::Plmn {
            host: host.unwrap_or_else(|| gateway.endpoint.host.clone()),
        },
    };
}

fn credentials(reader: &mut Reader<'_>, table: &str) -> Option<Credentials> {
    let user: Option<String> = reader.optional(&format!("{table}.username"));
    let password = reader.secret(table);
    let path = format!("{table}.username");
    match (user, password) {
        (Some(user), Some(password)) => Some(Credentials {
            user,
            password: Secret::new(password),
        }),
        (None, None) => None,
        (Some(_), None) => {
            // A file that cannot be read is told already.
            if reader.values.get(&format!("{table}.password_file")).is_none() {
                reader.issue(&path, Fault::Contradiction, "needs password or password_file beside it");
            }
            None
        }
        (None, Some(_)) => {
            reader.issue(&path, Fault::Missing, "has to be set where there is a password");
            None
        }
    }
}

fn timers(reader: &mut Reader<'_>, table: &str) -> Timers {
    let mut time = |leaf: &str| reader.take::<Duration>(&format!("{table}.{leaf}"));
    let timers = Timers {
        connect: time("connect_timeout"),
        answer: time("deadline"),
        idle: time("idle_timeout"),
        reconnect: time("reconnect"),
        reconnect_limit: time("reconnect_limit"),
        ..Timers::default()
    };
    if timers.reconnect > timers.reconnect_limit {
        let path = format!("{table}.reconnect");
        reader.issue(&path, Fault::Contradiction, "is longer than reconnect_limit");
    }
    timers
}

fn tls(reader: &mut Reader<'_>, table: &str, endpoint: &Endpoint) -> Option<TlsClientFiles> {
    let at = |leaf: &str| format!("{table}.{leaf}");
    pair(reader, &at("tls_cert"), &at("tls_key"));
    if !endpoint.secure {
        for leaf in ["tls_name", "tls_ca", "tls_cert"] {
            if reader.values.get(&at(leaf)).is_some() {
                reader.issue(&at(leaf), Fault::Contradiction, "stands there without an https url");
            }
        }
        return None;
    }
    let authorities: Option<PathBuf> = reader.optional(&at("tls_ca"));
    if authorities.is_none() {
        let message = "needs tls_ca beside it: nobody would be trusted without";
        reader.issue(&at("url"), Fault::Missing, message);
    }
    let cert: Option<PathBuf> = reader.optional(&at("tls_cert"));
    let key: Option<PathBuf> = reader.optional(&at("tls_key"));
    let host = endpoint.host.trim_matches(['[', ']']);
    Some(TlsClientFiles {
        server_name: reader.optional(&at("tls_name")).unwrap_or_else(|| host.to_owned()),
        authorities: authorities?,
        identity: cert.zip(key),
    })
}

fn ranges(texts: &[String]) -> Vec<Range> {
    texts.iter().filter_map(|text| Range::parse(text)).collect()
}

pub(super) fn bearer(reader: &mut Reader<'_>, smscs: &[SmscSettings], ppgs: &[PpgSettings]) -> BearerSettings {
    let per_minute: u32 = reader.take("bearer.rate");
    let burst = reader.take("bearer.burst");
    let prefixes = smscs.iter().flat_map(|smsc| &smsc.link.prefixes);
    BearerSettings {
        rules: Rules {
            smsc: Routes {
                ranges: prefixes.filter_map(|prefix| Range::parse(prefix)).collect(),
                any: smscs.iter().any(|smsc| smsc.link.prefixes.is_empty()),
            },
            ppg: Routes {
                ranges: ppgs.iter().flat_map(|ppg| ppg.gateway.ranges.clone()).collect(),
                any: ppgs.iter().any(|ppg| ppg.gateway.ranges.is_empty()),
            },
            prefer: match reader.take::<String>("bearer.prefer").as_str() {
                "ppg" => Kind::Ppg,
                _ => Kind::Smsc,
            },
        },
        pace: PaceConfig {
            rate: (per_minute > 0).then_some(Rate { per_minute, burst }),
            in_flight: reader.take("bearer.in_flight"),
        },
    }
}
