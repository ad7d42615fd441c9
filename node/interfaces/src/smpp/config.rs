//! What an operator says about a short-message centre, with the defaults that suit most of them.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use mmsc_wire::smpp::{IdForm, LongForm};
use rustls::ClientConfig;

use super::replies::Class;

/// One SMSC and the account on it. [`SmscConfig::new`] gives the defaults named at each field.
#[derive(Clone, Debug)]
pub struct SmscConfig {
    /// The configured name: label of metrics, and what [`mmsc_relay::port::TellOutcome::Unavailable`] names.
    pub name: String,
    /// `host:port`; looked up at each connect.
    pub address: String,
    /// TLS from the first octet; default none.
    pub tls: Option<SmscTls>,
    /// Account, at most 15 octets.
    pub system_id: String,
    /// Password, at most 8 octets.
    pub password: Secret,
    /// Kind of client, at most 12 octets; default empty.
    pub system_type: String,
    /// Who the pushes come from; default the SMSC's own choice (TON 0, NPI 0, empty).
    pub source: SourceAddress,
    /// Service type, at most 5 octets; default empty, some SMSCs route on `WAP`.
    pub service_type: String,
    /// Coding of the pushes; default [`DataCoding::Octets`].
    pub data_coding: DataCoding,
    /// How a push longer than one segment travels; default [`LongForm::Concatenated`], which works with every SMSC.
    pub concatenation: LongForm,
    /// Use the 16-bit concatenation reference (127 data octets a segment instead of 128); default false.
    pub wide_reference: bool,
    /// How the ids of receipts differ from those of responses; default [`IdForm::Same`].
    pub receipt_ids: IdForm,
    /// The registered_delivery octet; default 0x01, a receipt on success and on failure.
    pub registered_delivery: u8,
    /// Optional parameters in submits; default [`OptionalParameters::Always`].
    pub optional_parameters: OptionalParameters,
    /// Upper limit of the validity period; default 24 h, at most 28 days.
    pub validity_limit: Duration,
    /// Submits without response at a time; default 10.
    pub window: usize,
    /// Pushes that may wait in front of the window; default 1,000. Beyond it the destination counts as unavailable.
    pub queue: usize,
    /// Submits per second by contract; default 10,000, which leaves the window as the only limit.
    pub rate_per_second: u32,
    /// Number prefixes (digits) that this SMSC serves; default empty, any number.
    pub prefixes: Vec<String>,
    /// Lower is asked first among equally long prefixes; default 0.
    pub priority: u8,
    /// Share among SMSCs of equal prefix and priority; default 1.
    pub weight: u32,
    /// Meaning of vendor statuses (0x0400 to 0x04ff); default all [`Class::Transient`].
    pub vendor_statuses: Vec<(u32, Class)>,
    /// GSM error codes in receipts that mean the number can never be reached; default 1, 5, 11 and 13 (unknown and
    /// unidentified subscriber, teleservice not provisioned, call barred).
    pub permanent_errors: Vec<u16>,
    /// Message ids remembered for receipts; default 100,000. Receipts of forgotten ids go by address.
    pub remembered_ids: usize,
    /// First sequence number of a session, 1 to 0x7fffffff; default 1.
    pub first_sequence: u32,
    /// Timers; see [`Timers`].
    pub timers: Timers,
}

/// The timers of a session (spec defaults; shorten them only for links with an agreed other value).
#[derive(Clone, Copy, Debug)]
pub struct Timers {
    /// Connecting, TLS included: 10 s.
    pub connect: Duration,
    /// Response to a submit: 10 s.
    pub submit_response: Duration,
    /// Response to bind and unbind: 5 s.
    pub response: Duration,
    /// Silence after which enquire_link asks: 30 s.
    pub idle: Duration,
    /// Answer to enquire_link: 10 s.
    pub enquire_response: Duration,
    /// First pause before a reconnect, doubling: 1 s.
    pub reconnect: Duration,
    /// Longest pause before a reconnect: 60 s.
    pub reconnect_limit: Duration,
    /// Pause after a bind that the account does not allow (wrong password …): 5 min.
    pub bind_refused: Duration,
    /// Pause after "already bound": 30 s.
    pub already_bound: Duration,
    /// Pause after the SMSC unbound us: 5 s.
    pub unbound: Duration,
    /// A push is answered at the latest after this, whatever the SMSC does: 50 s.
    pub push_limit: Duration,
    /// Waiting for outstanding responses at shutdown: 10 s.
    pub drain: Duration,
    /// The relay's word about a receipt: 5 s, then the SMSC is asked to repeat it.
    pub receipt: Duration,
    /// How long a receipt that overtakes its response is kept: 60 s.
    pub early_receipt: Duration,
    /// Beyond the validity, how long a receipt is awaited: 10 min; then the push counts as not delivered.
    pub receipt_grace: Duration,
}

impl Default for Timers {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            connect: seconds(10),
            submit_response: seconds(10),
            response: seconds(5),
            idle: seconds(30),
            enquire_response: seconds(10),
            reconnect: seconds(1),
            reconnect_limit: seconds(60),
            bind_refused: seconds(300),
            already_bound: seconds(30),
            unbound: seconds(5),
            push_limit: seconds(50),
            drain: seconds(10),
            receipt: seconds(5),
            early_receipt: seconds(60),
            receipt_grace: seconds(600),
        }
    }
}

/// A password: `Debug` shows that there is one, nothing shows which.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a password.
    #[must_use]
    pub fn new(password: impl Into<String>) -> Self {
        Self(password.into())
    }

    /// The password itself, for the wire alone.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// A source address as the SMSC wants it.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct SourceAddress {
    /// Type of number: 0 short code, 1 international, 5 alphanumeric.
    pub ton: u8,
    /// Numbering plan: 1 with international numbers, otherwise 0.
    pub npi: u8,
    /// The address, at most 20 octets (11 if alphanumeric).
    pub address: String,
}

/// data_coding of pushes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum DataCoding {
    /// 0x04: 8-bit, no class.
    #[default]
    Octets,
    /// 0xf5: 8-bit, class 1, for SMSCs that rewrite 0x04.
    Class1,
}

/// Whether submits carry optional parameters (more_messages_to_send) that work without them, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum OptionalParameters {
    /// Always, until the SMSC refuses one: 3.4 SMSCs rarely announce their version.
    #[default]
    Always,
    /// Only if bind_transceiver_resp announced version 3.4 or later.
    IfAnnounced,
    /// Never.
    Never,
}

/// TLS towards an SMSC.
#[derive(Clone)]
pub struct SmscTls {
    /// The name that the SMSC's certificate must carry.
    pub server_name: String,
    /// Trusted authorities and, if the SMSC wants one, our certificate.
    pub client: Arc<ClientConfig>,
}

impl fmt::Debug for SmscTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmscTls")
            .field("server_name", &self.server_name)
            .finish_non_exhaustive()
    }
}

/// Something that no SMSC would accept; the operator's fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {problem}")]
pub struct ConfigError {
    /// The field of [`SmscConfig`].
    pub key: &'static str,
    /// What is wrong with it.
    pub problem: &'static str,
}

impl SmscConfig {
    /// An SMSC with defaults for everything else.
    #[must_use]
    pub fn new(
        name: impl Into<String>,
        address: impl Into<String>,
        system_id: impl Into<String>,
        password: Secret,
    ) -> Self {
        Self {
            name: name.into(),
            address: address.into(),
            tls: None,
            system_id: system_id.into(),
            password,
            system_type: String::new(),
            source: SourceAddress::default(),
            service_type: String::new(),
            data_coding: DataCoding::default(),
            concatenation: LongForm::default(),
            wide_reference: false,
            receipt_ids: IdForm::default(),
            registered_delivery: 0x01,
            optional_parameters: OptionalParameters::default(),
            validity_limit: Duration::from_secs(24 * 3600),
            window: 10,
            queue: 1000,
            rate_per_second: 10_000,
            prefixes: Vec::new(),
            priority: 0,
            weight: 1,
            vendor_statuses: Vec::new(),
            permanent_errors: vec![1, 5, 11, 13],
            remembered_ids: 100_000,
            first_sequence: 1,
            timers: Timers::default(),
        }
    }

    /// Everything that is wrong with it; empty if it can be used.
    #[must_use]
    pub fn problems(&self) -> Vec<ConfigError> {
        let checks = [
            ("name", self.name.is_empty(), "must not be empty"),
            ("address", !self.address.contains(':'), "must be host:port"),
            ("system_id", unfit(&self.system_id, 15), FIFTEEN),
            ("password", unfit(self.password.reveal(), 8), EIGHT),
            ("system_type", unfit(&self.system_type, 12), TWELVE),
            ("service_type", unfit(&self.service_type, 5), FIVE),
            ("source", unfit(&self.source.address, 20), TWENTY),
            (
                "source",
                self.source.ton == 5 && self.source.address.len() > 11,
                "an alphanumeric source has at most 11 characters",
            ),
            ("window", self.window == 0, "must be at least 1"),
            ("queue", self.queue == 0, "must be at least 1"),
            ("rate_per_second", self.rate_per_second == 0, "must be at least 1"),
            ("weight", self.weight == 0, "must be at least 1"),
            ("remembered_ids", self.remembered_ids == 0, "must be at least 1"),
            (
                "validity_limit",
                self.validity_limit > Duration::from_secs(28 * 24 * 3600),
                "must be at most 28 days",
            ),
            (
                "first_sequence",
                self.first_sequence == 0 || self.first_sequence > 0x7fff_ffff,
                "must be 1 to 0x7fffffff",
            ),
            (
                "prefixes",
                self.prefixes
                    .iter()
                    .any(|prefix| !prefix.bytes().all(|octet| octet.is_ascii_digit())),
                "must be digits, without a plus sign",
            ),
        ];
        checks
            .into_iter()
            .filter(|(_, wrong, _)| *wrong)
            .map(|(key, _, problem)| ConfigError { key, problem })
            .collect()
    }

    /// The class of a vendor status (0x0400 to 0x04ff).
    pub(super) fn vendor_class(&self, status: u32) -> Class {
        self.vendor_statuses
            .iter()
            .find(|(code, _)| *code == status)
            .map_or(Class::Transient, |(_, class)| *class)
    }
}

const FIVE: &str = "at most 5 printable ASCII characters";
const EIGHT: &str = "at most 8 printable ASCII characters";
const TWELVE: &str = "at most 12 printable ASCII characters";
const FIFTEEN: &str = "at most 15 printable ASCII characters";
const TWENTY: &str = "at most 20 printable ASCII characters";

fn unfit(text: &str, limit: usize) -> bool {
    text.len() > limit || !text.bytes().all(|octet| (0x20..0x7f).contains(&octet))
}
