//! What MM1 can be told.

use std::net::SocketAddr;
use std::time::Duration;

use mmsc_domain::address::HomePrefix;
use mmsc_wire::mms;

use super::identity::{IdentityForm, IdentityHeader, IdentitySource};
use crate::http::{BodyLimits, ServerConfig, TlsFiles};

/// Configuration of MM1. [`Mm1Config::new`] has the defaults.
#[derive(Clone, Debug)]
pub struct Mm1Config {
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Begin of the addresses that handsets retrieve from, as they reach us: `http://mms.example/`. A token of 22
    /// characters is appended; keep it short, it decides whether a notification fits one short message.
    pub public_url: String,
    /// Our domain: right half of every Message-ID.
    pub domain: String,
    /// Gateways whose word about the subscriber is taken. Empty: nobody can submit.
    pub identity: Vec<IdentitySource>,
    /// What a request without identity may do.
    pub unidentified: Unidentified,
    /// What a From that names somebody else leads to.
    pub foreign_from: ForeignFrom,
    /// How numbers are dialled at home; none: numbers are taken as written.
    pub home_prefix: Option<HomePrefix>,
    /// Limits on clients.
    pub limits: Mm1Limits,
    /// Offer TLS instead of plain text.
    pub tls: Option<TlsFiles>,
    /// What an overloaded node tells clients to wait before they try again.
    pub retry_after: Duration,
    /// A handset that shows itself again within this is not reported to the relay again. Zero reports every time: the
    /// relay looks it up in memory, and a handset that was lost in between is found at once.
    pub seen_interval: Duration,
    /// Notifications.
    pub notify: NotifyConfig,
}

/// What a request without identity may do. Submitting always needs an identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Unidentified {
    /// Retrieve, answer and acknowledge with the token of a notification, which cannot be guessed: handsets that
    /// roam without the home gateway have nothing else.
    #[default]
    TokenSuffices,
    /// Nothing: 403.
    Refuse,
}

/// What a From that names somebody else than the authenticated subscriber leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum ForeignFrom {
    /// It is replaced.
    #[default]
    Replace,
    /// The submission is refused with Error-permanent-service-denied.
    Refuse,
}

/// Limits on clients.
#[derive(Clone, Debug)]
pub struct Mm1Limits {
    /// Octets of a PDU.
    pub max_pdu_octets: usize,
    /// Octets of a request's HTTP head (at least 8192).
    pub max_head_octets: usize,
    /// Octets that all request bodies in progress may hold together; beyond it requests are answered 503.
    pub max_buffered_octets: u64,
    /// Time for a request's head, and for a TLS handshake.
    pub head_timeout: Duration,
    /// A request body without progress for so long is given up.
    pub body_idle: Duration,
    /// Octets per second that a body has to come with on the average once `body_idle` has passed.
    pub body_rate: u32,
    /// An answer of which no octet is taken for so long is given up.
    pub write_timeout: Duration,
    /// Octets per second that a client has to take of an answer on the average once `write_timeout` has passed.
    pub write_rate: u32,
    /// A connection without a request for so long is closed.
    pub idle_timeout: Duration,
    /// Connections at one time.
    pub max_connections: usize,
    /// Requests that one HTTP/2 connection may have in progress.
    pub max_streams: u32,
    /// Limits of the PDU decoder; its `max_pdu` is overridden by `max_pdu_octets`.
    pub decoder: mms::Limits,
}

/// How handsets are told.
#[derive(Clone, Copy, Debug)]
pub struct NotifyConfig {
    /// How long a bearer may try on its own; the relay repeats with the same ids, so shorter is better.
    pub validity: Duration,
    /// A subject is cut to so many characters in a notification; the message itself carries it whole.
    pub subject_characters: usize,
    /// Content-Type of the push as text instead of code, which some handsets are said to need (25 octets more).
    pub text_content_type: bool,
}

impl Default for Mm1Limits {
    fn default() -> Self {
        Self {
            max_pdu_octets: 3 * 1024 * 1024,
            max_head_octets: 16 * 1024,
            max_buffered_octets: 256 * 1024 * 1024,
            head_timeout: Duration::from_secs(30),
            body_idle: Duration::from_secs(60),
            body_rate: 256,
            write_timeout: Duration::from_secs(60),
            write_rate: 256,
            idle_timeout: Duration::from_secs(60),
            max_connections: 10_000,
            max_streams: 64,
            decoder: mms::Limits::default(),
        }
    }
}

impl Default for NotifyConfig {
    fn default() -> Self {
        Self {
            validity: Duration::from_secs(30 * 60),
            subject_characters: 40,
            text_content_type: false,
        }
    }
}

impl Mm1Config {
    /// The defaults: no TLS, no trusted gateway, the token suffices to retrieve.
    #[must_use]
    pub fn new(listen: SocketAddr, public_url: impl Into<String>, domain: impl Into<String>) -> Self {
        Self {
            listen,
            public_url: public_url.into(),
            domain: domain.into(),
            identity: Vec::new(),
            unidentified: Unidentified::default(),
            foreign_from: ForeignFrom::default(),
            home_prefix: None,
            limits: Mm1Limits::default(),
            tls: None,
            retry_after: Duration::from_secs(5),
            seen_interval: Duration::ZERO,
            notify: NotifyConfig::default(),
        }
    }

    /// Trusts the usual headers of gateways (MM1 digest 12) when they come from `trusted`.
    #[must_use]
    pub fn trusting(mut self, trusted: Vec<crate::http::Network>) -> Self {
        let names = [
            "x-wap-network-client-msisdn",
            "x-msisdn",
            "x-nokia-msisdn",
            "x-up-calling-line-id",
        ];
        let headers = names.map(|name| IdentityHeader {
            name: name.to_owned(),
            form: IdentityForm::Plain,
        });
        self.identity.push(IdentitySource {
            trusted,
            headers: headers.to_vec(),
        });
        self
    }

    pub(super) fn server(&self) -> ServerConfig {
        let limits = &self.limits;
        ServerConfig {
            listen: self.listen,
            tls: self.tls.clone(),
            max_connections: limits.max_connections,
            max_head_octets: limits.max_head_octets,
            head_timeout: limits.head_timeout,
            idle_timeout: limits.idle_timeout,
            write_timeout: limits.write_timeout,
            write_rate: limits.write_rate,
            max_streams: limits.max_streams,
        }
    }
}

impl Mm1Limits {
    /// A body that is too large is read and dropped up to four times the limit, so that its sender, who often reads
    /// nothing before it has sent everything, gets to read the refusal.
    pub(super) fn body(&self) -> BodyLimits {
        let max = u64::try_from(self.max_pdu_octets).unwrap_or(u64::MAX);
        BodyLimits {
            max_octets: self.max_pdu_octets,
            prefix_octets: self.decoder.max_head.min(self.max_pdu_octets),
            discard_octets: max.saturating_mul(4),
            idle: self.body_idle,
            rate: self.body_rate,
        }
    }

    pub(super) fn decoder(&self) -> mms::Limits {
        mms::Limits {
            max_pdu: self.max_pdu_octets,
            ..self.decoder
        }
    }
}
