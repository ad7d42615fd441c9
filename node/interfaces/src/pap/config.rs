//! What an operator says about push proxy gateways and the listener for their reports.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use mmsc_wire::pap::{AddressForm, Dialect};
use rustls::ClientConfig;

use crate::bearer::Range;
use crate::http::{Network, ServerConfig, TlsFiles};
use crate::smpp::Secret;

/// Everything that [`super::Pap`] is started with.
#[derive(Clone, Debug)]
pub struct PapConfig {
    /// The gateways.
    pub gateways: Vec<PpgConfig>,
    /// Where result notifications are taken; none: nowhere.
    pub listener: Option<ListenerConfig>,
    /// Our domain: right half of every push-id.
    pub domain: String,
}

/// One push proxy gateway. [`PpgConfig::new`] gives the defaults named at each field.
#[derive(Clone, Debug)]
pub struct PpgConfig {
    /// The configured name: label of metrics, part of push-ids, and what
    /// [`mmsc_relay::port::TellOutcome::Unavailable`] names.
    pub name: String,
    /// Where pushes are posted.
    pub endpoint: Endpoint,
    /// TLS for `https`; default none.
    pub tls: Option<GatewayTls>,
    /// Addresses that its result notifications may come from; default none.
    pub allow: Vec<Network>,
    /// How it wants numbers written; default [`AddressForm::Plmn`] at the host of `endpoint`.
    pub address_form: AddressForm,
    /// Which document type it wants; default PAP 2.0.
    pub dialect: Dialect,
    /// Basic authentication; default none.
    pub credentials: Option<Credentials>,
    /// source-reference; default none.
    pub source_reference: Option<String>,
    /// Where it is asked to post results; default none, which asks for none.
    pub notify_url: Option<String>,
    /// Network that has to be used (`GSM`); default none.
    pub network: Option<String>,
    /// Bearer that has to be used (`SMS`); default none.
    pub bearer: Option<String>,
    /// Numbers that it serves; default empty, any number.
    pub ranges: Vec<Range>,
    /// Lower is asked first among equally close ranges; default 0.
    pub priority: u8,
    /// Requests without answer at a time, and connections; default 16.
    pub window: usize,
    /// Pushes that may wait in front of the window; default 1,000. Beyond it the gateway counts as unavailable.
    pub queue: usize,
    /// Timers; see [`Timers`].
    pub timers: Timers,
}

/// The timers of a gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timers {
    /// Connecting, TLS included: 10 s.
    pub connect: Duration,
    /// From a request's first octet to the last of its answer: 15 s.
    pub answer: Duration,
    /// A connection that was idle for so long is not used again: 10 s.
    pub idle: Duration,
    /// First pause before a gateway that was down is tried again, doubling: 1 s.
    pub reconnect: Duration,
    /// Longest pause: 60 s.
    pub reconnect_limit: Duration,
    /// A push is answered at the latest after this, whatever the gateway does: 50 s.
    pub push_limit: Duration,
}

impl Default for Timers {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            connect: seconds(10),
            answer: seconds(15),
            idle: seconds(10),
            reconnect: seconds(1),
            reconnect_limit: seconds(60),
            push_limit: seconds(50),
        }
    }
}

/// An account on a gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// Name, without a colon.
    pub user: String,
    /// Password.
    pub password: Secret,
}

/// TLS towards a gateway.
#[derive(Clone)]
pub struct GatewayTls {
    /// The name that its certificate must carry.
    pub server_name: String,
    /// Trusted authorities and, if it wants one, our certificate.
    pub client: Arc<ClientConfig>,
}

impl fmt::Debug for GatewayTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GatewayTls")
            .field("server_name", &self.server_name)
            .finish_non_exhaustive()
    }
}

/// The parts of a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// `https`.
    pub secure: bool,
    /// Host name or address, an IPv6 address in brackets.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Path, at least a slash.
    pub path: String,
}

/// A text that is no such URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be http:// or https:// with host, optional port and path")]
pub struct EndpointError;

impl Endpoint {
    /// `host:port`, to connect to.
    #[must_use]
    pub fn target(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// The Host header: the port stands there unless it is the scheme's own.
    pub(super) fn host_header(&self) -> String {
        let own = if self.secure { 443 } else { 80 };
        if self.port == own {
            self.host.clone()
        } else {
            self.target()
        }
    }
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(url: &str) -> Result<Self, EndpointError> {
        let (secure, rest) = match (url.strip_prefix("http://"), url.strip_prefix("https://")) {
            (Some(rest), _) => (false, rest),
            (None, Some(rest)) => (true, rest),
            (None, None) => return Err(EndpointError),
        };
        let (authority, path) = match rest.find('/').and_then(|slash| rest.split_at_checked(slash)) {
            Some(parts) => parts,
            None => (rest, "/"),
        };
        let bracketed = authority.find(']').map(|end| end + 1);
        let colon = authority.rfind(':').filter(|at| bracketed.is_none_or(|end| *at >= end));
        let (host, port) = match colon.and_then(|at| authority.split_at_checked(at)) {
            Some((host, port)) => (host, port.trim_start_matches(':').parse().map_err(|_| EndpointError)?),
            None => (authority, if secure { 443 } else { 80 }),
        };
        let inside = host.trim_matches(['[', ']']);
        let sound = match bracketed {
            Some(_) => host.starts_with('[') && inside.parse::<std::net::Ipv6Addr>().is_ok(),
            None => host
                .bytes()
                .all(|octet| octet.is_ascii_alphanumeric() || b".-_".contains(&octet)),
        };
        let graphic = path.bytes().all(|octet| octet.is_ascii_graphic() && octet != b'#');
        if host.is_empty() || !sound || !graphic || port == 0 {
            return Err(EndpointError);
        }
        Ok(Self {
            secure,
            host: host.to_owned(),
            port,
            path: path.to_owned(),
        })
    }
}

/// Where result notifications are taken.
#[derive(Clone, Debug)]
pub struct ListenerConfig {
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The one path that is answered.
    pub path: String,
    /// Offer TLS instead of plain text.
    pub tls: Option<TlsFiles>,
    /// Connections at one time.
    pub max_connections: usize,
    /// The relay's word about a report: after this the gateway is asked to repeat it.
    pub receipt: Duration,
}

impl ListenerConfig {
    /// With `/pap`, plain text, 100 connections and 5 s.
    #[must_use]
    pub fn new(listen: SocketAddr) -> Self {
        Self {
            listen,
            path: "/pap".to_owned(),
            tls: None,
            max_connections: 100,
            receipt: Duration::from_secs(5),
        }
    }

    pub(super) fn server(&self) -> ServerConfig {
        ServerConfig {
            listen: self.listen,
            tls: self.tls.clone(),
            max_connections: self.max_connections,
            max_head_octets: 8192,
            head_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(60),
            write_timeout: Duration::from_secs(30),
            write_rate: 256,
            max_streams: 16,
        }
    }
}

/// Something that cannot work; the operator's fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {problem}")]
pub struct ConfigError {
    /// The field of [`PpgConfig`].
    pub key: &'static str,
    /// What is wrong with it.
    pub problem: &'static str,
}

impl PpgConfig {
    /// A gateway with defaults for everything else.
    #[must_use]
    pub fn new(name: impl Into<String>, endpoint: Endpoint) -> Self {
        Self {
            name: name.into(),
            address_form: AddressForm::Plmn {
                host: endpoint.host.clone(),
            },
            endpoint,
            tls: None,
            allow: Vec::new(),
            dialect: Dialect::default(),
            credentials: None,
            source_reference: None,
            notify_url: None,
            network: None,
            bearer: None,
            ranges: Vec::new(),
            priority: 0,
            window: 16,
            queue: 1000,
            timers: Timers::default(),
        }
    }

    /// Everything that is wrong with it; empty if it can be used.
    #[must_use]
    pub fn problems(&self) -> Vec<ConfigError> {
        let name_fits = (1..=64).contains(&self.name.len())
            && self
                .name
                .bytes()
                .all(|octet| octet.is_ascii_alphanumeric() || b"-_".contains(&octet));
        let user_fits = self
            .credentials
            .as_ref()
            .is_none_or(|credentials| !credentials.user.contains(':'));
        let checks = [
            ("name", !name_fits, "must be letters, digits, '-' and '_', at most 64"),
            (
                "url",
                self.endpoint.secure && self.tls.is_none(),
                "https needs trusted authorities",
            ),
            ("username", !user_fits, "must not contain a colon"),
            ("window", self.window == 0, "must be at least 1"),
            ("queue", self.queue == 0, "must be at least 1"),
        ];
        checks
            .into_iter()
            .filter(|(_, wrong, _)| *wrong)
            .map(|(key, _, problem)| ConfigError { key, problem })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints() {
        let read = |url: &str| {
            let endpoint: Endpoint = url.parse().unwrap();
            (
                endpoint.secure,
                endpoint.target(),
                endpoint.path.clone(),
                endpoint.host_header(),
            )
        };
        assert_eq!(
            read("http://ppg.example:8080/wappush"),
            (
                false,
                "ppg.example:8080".into(),
                "/wappush".into(),
                "ppg.example:8080".into()
            )
        );
        assert_eq!(
            read("https://[::1]/a?b=c"),
            (true, "[::1]:443".into(), "/a?b=c".into(), "[::1]".into())
        );
        assert_eq!(
            read("http://192.0.2.1"),
            (false, "192.0.2.1:80".into(), "/".into(), "192.0.2.1".into())
        );
        for wrong in [
            "ftp://x/",
            "http://",
            "http:///x",
            "http://a@b/",
            "http://x:0/",
            "http://x:99999/",
            "http://[x]/",
            "http://::1/",
            "http://x/ y",
        ] {
            assert!(wrong.parse::<Endpoint>().is_err(), "{wrong}");
        }
    }
}
