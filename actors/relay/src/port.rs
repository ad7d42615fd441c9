//! What the tree wants of the outside, as traits that adapters implement.

use std::sync::Arc;
use std::time::Duration;

use mmsc_domain::inbox::{Sent, Telling};
use mmsc_domain::{Address, UnixMillis};
use mmsc_ports::BoxFuture;

/// Tells a handset something by push.
pub trait Bearer: Send + Sync + 'static {
    /// Makes one attempt. Resolves when the bearer's answer is known or its deadline passed; never later than a
    /// minute. Dropping the future gives the attempt up (its outcome is then unknown).
    fn tell(&self, attempt: TellAttempt) -> BoxFuture<'static, TellOutcome>;
}

/// One attempt to tell a handset.
#[derive(Clone, Debug)]
pub struct TellAttempt {
    /// Whom.
    pub to: Address,
    /// What.
    pub telling: Telling,
    /// Which attempt, from 1. All attempts carry the same ids.
    pub number: u32,
    /// After this the bearer need not try any more.
    pub expires_at: UnixMillis,
    /// MMS version octet to speak (0x90 … 0x93).
    pub mms_version: u8,
    /// Asked right before octets leave: false means that this node may no longer act for the subscriber.
    pub gate: Gate,
}

/// May an attempt still go out? (`consistency.md` 20)
#[derive(Clone)]
pub struct Gate(pub Arc<dyn Fn() -> bool + Send + Sync>);

impl Gate {
    /// Always open (one node, tests).
    #[must_use]
    pub fn open() -> Self {
        Self(Arc::new(|| true))
    }

    /// Whether octets may leave now.
    #[must_use]
    pub fn is_open(&self) -> bool {
        (self.0)()
    }
}

impl std::fmt::Debug for Gate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Gate")
    }
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TellOutcome {
    /// The bearer took it over.
    Sent(Sent),
    /// Refused for now.
    Failed {
        /// The bearer asked for this pause.
        retry_after: Option<Duration>,
    },
    /// Refused for good: this handset cannot be told.
    Refused,
    /// The destination is down or closed its window; no octet left. The row waits for it and loses no attempt.
    Unavailable {
        /// The destination's configured name.
        destination: String,
    },
    /// The answer was lost: octets may have left.
    Unknown,
}

/// What a bearer reports later about a push that it had taken over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The handset's address.
    pub address: Address,
    /// The destination that reports.
    pub destination: String,
    /// The id that it gave at submission.
    pub message_id: String,
    /// What it says.
    pub state: ReceiptState,
}

/// What a receipt says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReceiptState {
    /// The push reached the handset; no message was retrieved by that.
    Reached,
    /// Not reached now (absent, memory full, expired in the SMSC): told again later.
    NotReached,
    /// Never reachable (unknown subscriber, barred).
    NeverReachable,
}

/// Lets a submission pass or not, before it is accepted (profile, trigger, charge). Answers at once; a party that
/// has to be asked over a network needs the two transactions of `consistency.md` 13 and is not served yet.
pub trait Screening: Send + Sync + 'static {
    /// The answer for one submission.
    fn screen(&self, submit: &mmsc_domain::command::Submit) -> Screened;
}

/// What screening says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Screened {
    /// Let it pass.
    Granted,
    /// Refuse it, for this reason.
    Denied(&'static str),
}

/// No outside party is configured: everything passes.
pub struct NoScreening;

impl Screening for NoScreening {
    fn screen(&self, _submit: &mmsc_domain::command::Submit) -> Screened {
        Screened::Granted
    }
}
