//! What an SMSC's command_status means for a push (SMPP 3.4 clause 5.1.3, 5.0 clause 4.7.6), and how a push ended
//! in the relay's words.

use std::time::Duration;

use mmsc_domain::inbox::Sent;
use mmsc_relay::port::TellOutcome;
use mmsc_wire::smpp::{Class as StatusClass, Status};

use crate::bearer::LinkVerdict;

/// What to do about a command_status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// Taken over.
    Ok,
    /// Too fast: halve the rate, pause, send the same again; no attempt is counted.
    Throttled,
    /// The queue for this number is full: leave the number alone for a minute.
    QueueFull,
    /// Refused for now.
    Transient,
    /// Refused for now the first time, for good the second.
    TransientOnce,
    /// This number, for good.
    Permanent,
    /// The account, the source address or another agreed value: nothing but a person helps.
    Configuration,
    /// A PDU of ours was not understood or not supported.
    Bug,
    /// The bind is gone: bind again, send again.
    Session,
    /// The times: send once more without a validity period.
    Times,
    /// The optional parameters: send once more without them, and leave them out from now on.
    OptionalParameters,
}

impl Class {
    /// Every class.
    pub const ALL: [Self; 11] = [
        Self::Ok,
        Self::Throttled,
        Self::QueueFull,
        Self::Transient,
        Self::TransientOnce,
        Self::Permanent,
        Self::Configuration,
        Self::Bug,
        Self::Session,
        Self::Times,
        Self::OptionalParameters,
    ];

    /// The label value in metrics.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Throttled => "throttled",
            Self::QueueFull => "queue_full",
            Self::Transient => "transient",
            Self::TransientOnce => "submit_failed",
            Self::Permanent => "permanent",
            Self::Configuration => "configuration",
            Self::Bug => "bug",
            Self::Session => "session",
            Self::Times => "times",
            Self::OptionalParameters => "optional_parameters",
        }
    }
}

/// What a command_status in a submit_sm_resp means here. The codes themselves are sorted in [`mmsc_wire::smpp`];
/// `vendor` is what configuration says of a vendor's own.
#[must_use]
pub fn class(status: Status, vendor: Class) -> Class {
    match status.class() {
        StatusClass::Ok => Class::Ok,
        StatusClass::Throttled => Class::Throttled,
        StatusClass::QueueFull => Class::QueueFull,
        StatusClass::Transient => Class::Transient,
        StatusClass::TransientOnce => Class::TransientOnce,
        StatusClass::InvalidRecipient | StatusClass::Rejected => Class::Permanent,
        StatusClass::Configuration => Class::Configuration,
        StatusClass::Unsupported => Class::Bug,
        StatusClass::TimeFormat => Class::Times,
        StatusClass::TlvRefused => Class::OptionalParameters,
        // The bind errors, too, when they come later than at the bind.
        StatusClass::NotBound | StatusClass::AlreadyBound | StatusClass::BindRefused => Class::Session,
        // Answers to what we never ask.
        StatusClass::Unrelated => Class::Bug,
        StatusClass::Vendor => vendor,
        // Reserved: nothing says that it will stay refused.
        StatusClass::Unknown => Class::Transient,
    }
}

/// How a bind was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BindRefusal {
    /// An old session lingers (RALYBND).
    AlreadyBound,
    /// The account: binding again quickly gets it locked (RBINDFAIL, RINVPASWD, RINVSYSID, RINVSYSTYP …).
    Account,
    /// Anything else, tried again with the usual backoff.
    Other,
}

/// What a refused bind means.
#[must_use]
pub fn bind_refusal(status: Status) -> BindRefusal {
    match status.class() {
        StatusClass::AlreadyBound => BindRefusal::AlreadyBound,
        StatusClass::BindRefused | StatusClass::Configuration => BindRefusal::Account,
        StatusClass::Ok
        | StatusClass::Throttled
        | StatusClass::QueueFull
        | StatusClass::Transient
        | StatusClass::TransientOnce
        | StatusClass::InvalidRecipient
        | StatusClass::Rejected
        | StatusClass::Unsupported
        | StatusClass::TimeFormat
        | StatusClass::TlvRefused
        | StatusClass::NotBound
        | StatusClass::Unrelated
        | StatusClass::Vendor
        | StatusClass::Unknown => BindRefusal::Other,
    }
}

/// How a push ended on one link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Every segment was taken over.
    Sent(Vec<String>),
    /// No octet left: the link is down, its queue full, or the bind turned out to be gone.
    NotMade,
    /// No octet left: this node may not act for the handset now.
    GateClosed,
    /// The SMSC held its window closed until the deadline.
    Held,
    /// The number's queue in the SMSC is full.
    NumberPaused(Duration),
    /// Refused for now.
    Transient,
    /// Refused for good.
    Permanent,
    /// Configuration or bug: operators were alarmed.
    Fault,
    /// Octets left and no answer came.
    Unknown,
}

impl LinkVerdict for Verdict {
    const NOT_MADE: Self = Self::NotMade;

    fn wants_other_route(&self) -> bool {
        match self {
            Self::NotMade | Self::Transient | Self::Fault => true,
            Self::Sent(_) | Self::GateClosed | Self::Held | Self::NumberPaused(_) | Self::Permanent | Self::Unknown => {
                false
            }
        }
    }
}

impl Verdict {
    /// In the relay's words; `number` is the attempt, which sets the pause before the next.
    pub(super) fn outcome(self, destination: &str, number: u32) -> TellOutcome {
        let destination = destination.to_owned();
        match self {
            Self::Sent(message_ids) => TellOutcome::Sent(Sent {
                destination,
                message_ids,
            }),
            Self::NotMade | Self::GateClosed | Self::Held => TellOutcome::Unavailable { destination },
            Self::NumberPaused(pause) => TellOutcome::Failed {
                retry_after: Some(pause),
            },
            Self::Transient => TellOutcome::Failed {
                retry_after: Some(transient_pause(number)),
            },
            Self::Fault => TellOutcome::Failed { retry_after: None },
            Self::Permanent => TellOutcome::Refused,
            Self::Unknown => TellOutcome::Unknown,
        }
    }
}

/// 5 s, 30 s, then 2 min.
fn transient_pause(number: u32) -> Duration {
    Duration::from_secs(match number {
        0 | 1 => 5,
        2 => 30,
        _ => 120,
    })
}
