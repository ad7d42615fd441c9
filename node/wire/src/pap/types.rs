//! PAP documents as values.

use super::Timestamp;

/// A control document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// push-message: deliver the content that comes with it.
    Push(PushMessage),
    /// push-response.
    PushResponse(PushResponse),
    /// cancel-message: do not deliver a push that still waits.
    Cancel(CancelMessage),
    /// cancel-response.
    CancelResponse(CancelResponse),
    /// resultnotification-message: what became of a push.
    Result(ResultNotification),
    /// resultnotification-response.
    ResultResponse(ResultNotificationResponse),
    /// badmessage-response: the peer could not read what was sent.
    Bad(BadMessage),
}

/// push-message.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PushMessage {
    /// push-id, unique for the initiator.
    pub push_id: String,
    /// replace-push-id and replace-method (2.0).
    pub replace: Option<Replace>,
    /// deliver-before-timestamp.
    pub deliver_before: Option<Timestamp>,
    /// source-reference: who the initiator is.
    pub source_reference: Option<String>,
    /// ppg-notify-requested-to: where the result is to be posted.
    pub notify_to: Option<String>,
    /// address-value of the one address.
    pub address: String,
    /// quality-of-service.
    pub quality: Option<Quality>,
}

/// Which earlier push a push replaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replace {
    /// Its push-id.
    pub push_id: String,
    /// How.
    pub method: ReplaceMethod,
}

/// replace-method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplaceMethod {
    /// Only what was not delivered yet.
    PendingOnly,
    /// Also what was delivered.
    All,
}

/// quality-of-service.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Quality {
    /// delivery-method.
    pub delivery_method: DeliveryMethod,
    /// priority.
    pub priority: Priority,
    /// network, which then is required (`GSM`).
    pub network: Option<String>,
    /// bearer, which then is required (`SMS`).
    pub bearer: Option<String>,
}

/// delivery-method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DeliveryMethod {
    /// unconfirmed.
    #[default]
    Unconfirmed,
    /// confirmed.
    Confirmed,
    /// preferconfirmed.
    PreferConfirmed,
    /// notspecified.
    NotSpecified,
}

/// priority.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Priority {
    /// high.
    High,
    /// medium.
    #[default]
    Medium,
    /// low.
    Low,
}

/// A status code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Code(pub u16);

impl Code {
    /// OK.
    pub const OK: Self = Self(1000);
    /// Accepted for processing.
    pub const ACCEPTED: Self = Self(1001);
    /// Bad request.
    pub const BAD_REQUEST: Self = Self(2000);
    /// Forbidden.
    pub const FORBIDDEN: Self = Self(2001);
    /// Address error.
    pub const ADDRESS_ERROR: Self = Self(2002);
    /// Address not found.
    pub const ADDRESS_NOT_FOUND: Self = Self(2003);
    /// Push id not found.
    pub const PUSH_ID_NOT_FOUND: Self = Self(2004);
    /// Duplicate push id.
    pub const DUPLICATE_PUSH_ID: Self = Self(2007);
    /// Internal server error.
    pub const INTERNAL_ERROR: Self = Self(3000);
    /// Service failure.
    pub const SERVICE_FAILURE: Self = Self(4000);
    /// Service unavailable.
    pub const SERVICE_UNAVAILABLE: Self = Self(4001);

    /// Whose word it is.
    #[must_use]
    pub fn class(self) -> CodeClass {
        match self.0 {
            1000..=1999 => CodeClass::Good,
            2000..=2999 => CodeClass::Request,
            3000..=3999 => CodeClass::Gateway,
            4000..=4999 => CodeClass::Service,
            5000..=5999 => CodeClass::Handset,
            _ => CodeClass::Unknown,
        }
    }
}

/// The first digit of a [`Code`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CodeClass {
    /// 1xxx: done, or taken over.
    Good,
    /// 2xxx: the request is wrong; not to be repeated unchanged.
    Request,
    /// 3xxx: the gateway cannot.
    Gateway,
    /// 4xxx: the service failed for now.
    Service,
    /// 5xxx: the handset aborted.
    Handset,
    /// Anything else.
    Unknown,
}

/// A code and its explanation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// code.
    pub code: Code,
    /// desc.
    pub desc: Option<String>,
}

/// push-response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushResponse {
    /// push-id.
    pub push_id: String,
    /// sender-name.
    pub sender_name: Option<String>,
    /// reply-time.
    pub reply_time: Option<Timestamp>,
    /// response-result; some gateways send progress notes alone.
    pub result: Option<Outcome>,
}

/// cancel-message.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CancelMessage {
    /// push-id of what is cancelled.
    pub push_id: String,
    /// address-value; without one the push is cancelled for all.
    pub address: Option<String>,
}

/// cancel-response with its first cancel-result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CancelResponse {
    /// push-id.
    pub push_id: String,
    /// cancel-result.
    pub result: Outcome,
}

/// resultnotification-message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResultNotification {
    /// push-id.
    pub push_id: String,
    /// message-state.
    pub state: MessageState,
    /// code and desc.
    pub outcome: Outcome,
    /// sender-name.
    pub sender_name: Option<String>,
    /// event-time.
    pub event_time: Option<Timestamp>,
    /// address-value.
    pub address: Option<String>,
}

/// message-state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MessageState {
    /// rejected.
    Rejected,
    /// pending: on its way.
    Pending,
    /// delivered: the push reached the handset.
    Delivered,
    /// undeliverable.
    Undeliverable,
    /// expired.
    Expired,
    /// aborted by the handset.
    Aborted,
    /// timeout.
    Timeout,
    /// cancelled.
    Cancelled,
    /// unknown.
    Unknown,
}

/// resultnotification-response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResultNotificationResponse {
    /// push-id.
    pub push_id: String,
    /// code.
    pub code: Code,
}

/// badmessage-response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadMessage {
    /// code and desc.
    pub outcome: Outcome,
}

/// Names of the values of an attribute.
macro_rules! words {
    ($($type:ty { $($variant:ident = $word:literal,)* })*) => {$(
        impl $type {
            /// The word on the wire.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }

            /// The value of a word.
            #[must_use]
            pub fn of_word(word: &str) -> Option<Self> {
                match word {
                    $($word => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }
    )*};
}

words! {
    ReplaceMethod {
        PendingOnly = "pending-only",
        All = "all",
    }
    DeliveryMethod {
        Unconfirmed = "unconfirmed",
        Confirmed = "confirmed",
        PreferConfirmed = "preferconfirmed",
        NotSpecified = "notspecified",
    }
    Priority {
        High = "high",
        Medium = "medium",
        Low = "low",
    }
    MessageState {
        Rejected = "rejected",
        Pending = "pending",
        Delivered = "delivered",
        Undeliverable = "undeliverable",
        Expired = "expired",
        Aborted = "aborted",
        Timeout = "timeout",
        Cancelled = "cancelled",
        Unknown = "unknown",
    }
}
