//! `[smsc.NAME]`.

use std::path::PathBuf;
use std::time::Duration;

use mmsc_interfaces::smpp::{
    DataCoding, IdForm, LongForm, OptionalParameters, Secret, SmscConfig, SourceAddress, Timers,
};

use super::{Fault, Reader, pair};

/// One SMSC: what its link takes, and the files that its TLS needs.
#[derive(Clone, Debug)]
pub struct SmscSettings {
    /// Everything but TLS, which is loaded when the node starts.
    pub link: SmscConfig,
    /// TLS, where configured.
    pub tls: Option<TlsClientFiles>,
}

/// What TLS towards a server needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsClientFiles {
    /// The name that the server's certificate must carry.
    pub server_name: String,
    /// Trusted authorities, PEM.
    pub authorities: PathBuf,
    /// Our certificate chain and key, PEM, if the server wants them.
    pub identity: Option<(PathBuf, PathBuf)>,
}

/// Every SMSC, sorted by name.
pub(super) fn all(reader: &mut Reader<'_>) -> Vec<SmscSettings> {
    let names = reader.values.names("smsc");
    names.iter().map(|name| one(reader, name)).collect()
}

fn one(reader: &mut Reader<'_>, name: &str) -> SmscSettings {
    let table = format!("smsc.{name}");
    let at = |leaf: &str| format!("{table}.{leaf}");
    let password = reader.secret(&table).unwrap_or_else(|| {
        // A file that cannot be read, or a password of the wrong form, is told already.
        let wanted = reader.values.get(&at("password_file")).is_none()
            && reader.issues.iter().all(|i| i.key.as_deref() != Some(&at("password")));
        if wanted {
            let place = reader.values.place(&table);
            reader.issues.push(super::Issue::new(
                place,
                Fault::Missing,
                &at("password"),
                "has to be set (or password_file)",
            ));
        }
        String::new()
    });
    let mut link = SmscConfig::new(
        name,
        reader.take::<String>(&at("address")),
        reader.take::<String>(&at("system_id")),
        Secret::new(password),
    );
    link.system_type = reader.take(&at("system_type"));
    link.source = SourceAddress {
        ton: reader.take(&at("source_ton")),
        npi: reader.take(&at("source_npi")),
        address: reader.take(&at("source")),
    };
    link.service_type = reader.take(&at("service_type"));
    link.wide_reference = reader.take(&at("wide_reference"));
    link.registered_delivery = reader.take(&at("registered_delivery"));
    link.validity_limit = reader.take(&at("validity"));
    link.window = reader.take(&at("window"));
    link.queue = reader.take(&at("queue"));
    link.rate_per_second = reader.take(&at("rate"));
    link.prefixes = reader
        .take::<Vec<String>>(&at("prefixes"))
        .iter()
        .map(|p| p.trim_start_matches('+').to_owned())
        .collect();
    link.priority = reader.take(&at("priority"));
    link.weight = reader.take(&at("weight"));
    link.permanent_errors = permanent_errors(reader, &at("permanent_errors"));
    choices(reader, &table, &mut link);
    link.timers = timers(reader, &table);
    for problem in link.problems() {
        let path = at(problem.key);
        if reader.issues.iter().all(|issue| issue.key.as_deref() != Some(&path)) {
            reader.issue(&path, Fault::BadValue, problem.problem);
        }
    }
    let tls = tls(reader, &table, &link.address);
    SmscSettings { link, tls }
}

fn permanent_errors(reader: &mut Reader<'_>, path: &str) -> Vec<u16> {
    let codes: Vec<u64> = reader.take(path);
    codes.into_iter().filter_map(|code| u16::try_from(code).ok()).collect()
}

fn choices(reader: &mut Reader<'_>, table: &str, link: &mut SmscConfig) {
    let mut word = |leaf: &str| reader.take::<String>(&format!("{table}.{leaf}"));
    link.data_coding = match word("data_coding").as_str() {
        "class1" => DataCoding::Class1,
        _ => DataCoding::Octets,
    };
    link.concatenation = match word("concatenation").as_str() {
        "message_payload" => LongForm::Payload,
        "sar" => LongForm::PortTlvs,
        _ => LongForm::Concatenated,
    };
    link.receipt_ids = match word("receipt_ids").as_str() {
        "hex_to_decimal" => IdForm::HexToDecimal,
        "decimal_to_hex" => IdForm::DecimalToHex,
        _ => IdForm::Same,
    };
    link.optional_parameters = match word("optional_parameters").as_str() {
        "if_announced" => OptionalParameters::IfAnnounced,
        "never" => OptionalParameters::Never,
        _ => OptionalParameters::Always,
    };
}

fn timers(reader: &mut Reader<'_>, table: &str) -> Timers {
    let mut time = |leaf: &str| reader.take::<Duration>(&format!("{table}.{leaf}"));
    let timers = Timers {
        connect: time("connect_timeout"),
        submit_response: time("response_timeout"),
        idle: time("enquire_interval"),
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

fn tls(reader: &mut Reader<'_>, table: &str, address: &str) -> Option<TlsClientFiles> {
    let at = |leaf: &str| format!("{table}.{leaf}");
    pair(reader, &at("tls_cert"), &at("tls_key"));
    if !reader.take::<bool>(&at("tls")) {
        for leaf in ["tls_name", "tls_ca", "tls_cert"] {
            if reader.values.get(&at(leaf)).is_some() {
                reader.issue(&at(leaf), Fault::Contradiction, "stands there without tls = true");
            }
        }
        return None;
    }
    let authorities: Option<PathBuf> = reader.optional(&at("tls_ca"));
    if authorities.is_none() {
        reader.issue(
            &at("tls"),
            Fault::Missing,
            "needs tls_ca beside it: nobody would be trusted without",
        );
    }
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    let cert: Option<PathBuf> = reader.optional(&at("tls_cert"));
    let key: Option<PathBuf> = reader.optional(&at("tls_key"));
    Some(TlsClientFiles {
        server_name: reader
            .optional(&at("tls_name"))
            .unwrap_or_else(|| host.trim_matches(['[', ']']).to_owned()),
        authorities: authorities?,
        identity: cert.zip(key),
    })
}
