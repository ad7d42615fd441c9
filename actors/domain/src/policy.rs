//! The operator's rules: one value per node, from the configuration.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::address::HomePrefix;
use crate::content::ContentPolicy;
use crate::fan_out::FanOutPolicy;
use crate::lifecycle::{Leads, Timers};
use crate::mmbox::MmBoxPolicy;
use crate::profile::SubscriberProfile;
use crate::rate::Rate;
use crate::routing::{PeerName, RoutingTable};
use crate::telling::TellingPolicy;
use crate::why::{Refusal, Why};

/// What to do with addresses of our own ranges that have no subscriber record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum UnknownSubscribers {
    /// They are served by the policy's defaults.
    #[default]
    AcceptWithDefaults,
    /// They may not send, and copies for them are undeliverable.
    Refuse,
}

/// What to do with recipients that no interface reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Unroutable {
    /// The submitter learns of it in the answer; there is no copy. A submission with no other recipient is refused
    /// (MM1 digest 10, 19: "recipient syntax or routing impossible").
    #[default]
    Refuse,
    /// There is a copy that is undeliverable from the start, and a delivery report says so if one was asked for.
    Report,
}

/// The operator's rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServicePolicy {
    /// Our domain: right half of every Message-ID.
    pub domain: String,
    /// Most unique recipients of one submission (100 suits handsets; lists up to 10,000 are frozen and expanded).
    pub max_recipients: usize,
    /// Largest content in octets.
    pub max_content_bytes: u64,
    /// Most body parts.
    pub max_parts: usize,
    /// Most octets of everything else that a submission carries: names and headers of parts, application fields.
    /// Keeps an envelope within one value of the store.
    pub max_envelope_bytes: usize,
    /// A longer subject is cut, in octets, between two characters.
    pub max_subject_bytes: usize,
    /// Content that is not let through.
    pub content: ContentPolicy,
    /// The same content to many; none: not counted.
    pub fan_out: Option<FanOutPolicy>,
    /// Lifetime where the submitter names none; counted from the delivery time.
    pub default_expiry: Duration,
    /// A longer lifetime is cut to this; counted from the delivery time.
    pub max_expiry: Duration,
    /// A later delivery time is refused: cutting it would deliver earlier than was asked.
    pub max_deferral: Duration,
    /// Submissions of one subscriber in a minute; `None`: no limit.
    pub submit_rate: Option<Rate>,
    /// Who is served where.
    pub routing: RoutingTable,
    /// Recipients that no interface reaches.
    pub unroutable: Unroutable,
    /// Peers that keep a hidden sender hidden; a message with a hidden sender goes to no other peer.
    pub hiding_peers: BTreeSet<PeerName>,
    /// Waiting times of copies.
    pub timers: Timers,
    /// When handsets are told.
    pub telling: TellingPolicy,
    /// How long content outlives the last final copy (some handsets fetch twice).
    pub retention_content: Duration,
    /// How long a tombstone outlives expiry.
    pub retention_record: Duration,
    /// How numbers are dialled at home; `None`: numbers are taken as written.
    pub home_prefix: Option<HomePrefix>,
    /// Our addresses without a record.
    pub unknown_subscribers: UnknownSubscribers,
    /// How often a message may be passed on in a row.
    pub max_forwards: usize,
    /// Originators may pay for replies.
    pub reply_charging: bool,
    /// Network stores; none: not offered.
    pub mmbox: Option<MmBoxPolicy>,
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

impl Default for ServicePolicy {
    fn default() -> Self {
        Self {
            domain: "mmsc.invalid".to_owned(),
            max_recipients: 100,
            max_content_bytes: 3 * 1024 * 1024,
            max_parts: 256,
            max_envelope_bytes: 48 * 1024,
            max_subject_bytes: 1024,
            content: ContentPolicy::default(),
            fan_out: Some(FanOutPolicy::default()),
            default_expiry: 7 * DAY,
            max_expiry: 14 * DAY,
            max_deferral: 7 * DAY,
            submit_rate: None,
            routing: RoutingTable::default(),
            unroutable: Unroutable::default(),
            hiding_peers: BTreeSet::new(),
            timers: Timers::default(),
            telling: TellingPolicy::default(),
            retention_content: Duration::from_secs(600),
            retention_record: 7 * DAY,
            home_prefix: None,
            unknown_subscribers: UnknownSubscribers::default(),
            max_forwards: 20,
            reply_charging: false,
            mmbox: None,
        }
    }
}

impl ServicePolicy {
    /// The rules for a sender: its record, or the defaults where it has none.
    ///
    /// # Errors
    /// [`Refusal::ServiceDenied`] for an unknown sender where those are refused.
    pub fn sender(&self, record: Option<SubscriberProfile>) -> Result<SubscriberProfile, Refusal> {
        match (record, self.unknown_subscribers) {
            (Some(profile), _) => Ok(profile),
            (None, UnknownSubscribers::AcceptWithDefaults) => Ok(SubscriberProfile::default()),
            (None, UnknownSubscribers::Refuse) => Err(Refusal::ServiceDenied),
        }
    }

    /// Where a copy leads once the recipient's own record (`None`: it has none) was looked at.
    #[must_use]
    pub fn recipient_leads(&self, routed: Leads, record: Option<&SubscriberProfile>) -> Leads {
        match (routed, record, self.unknown_subscribers) {
            (Leads::Here, Some(profile), _) if profile.barred_receiving => Leads::Nowhere(Why::RecipientPolicy),
            (Leads::Here, None, UnknownSubscribers::Refuse) => Leads::Nowhere(Why::UnknownSubscriber),
            (Leads::Here | Leads::Peer | Leads::Nowhere(_), Some(_) | None, _) => routed,
        }
    }

    /// How fast a subscriber may send: its own figure, else the service's; `None`: as fast as it likes.
    #[must_use]
    pub fn rate_of(&self, sender: &SubscriberProfile) -> Option<Rate> {
        match sender.submits_per_minute {
            Some(per_minute) => Some(Rate {
                per_minute,
                burst: self.submit_rate.map_or(per_minute, |rate| rate.burst),
            }),
            None => self.submit_rate,
        }
    }
}
