//! Push transports: how WSP push octets reach a handset. [`crate::smpp`] and [`crate::pap`] are two; a [`Chooser`] decides
//! which of them carries a push, and how many a handset gets.

mod choose;
mod failover;
mod metrics;
mod pace;
mod range;

use std::time::Duration;

use bytes::Bytes;
use mmsc_domain::Address;
use mmsc_ports::BoxFuture;
use mmsc_relay::Relay;
use mmsc_relay::port::{Gate, Receipt, TellOutcome};

pub use choose::{Chooser, Kind, Routes, Rules};
pub(crate) use failover::{Failover, LinkVerdict};
pub use metrics::ChooserMetrics;
pub use pace::{PACED, PaceConfig};
pub use range::Range;
pub(crate) use range::closest;

/// A push transport: WSP push octets to a handset.
pub trait PushBearer: Send + Sync + 'static {
    /// Makes one attempt. Resolves when the transport's answer is known or its deadline passed; never later than a
    /// minute. Dropping the future gives the attempt up.
    fn push(&self, push: Push) -> BoxFuture<'static, TellOutcome>;
}

/// One push.
#[derive(Clone, Debug)]
pub struct Push {
    /// The handset.
    pub to: Address,
    /// A whole WSP push PDU: the payload of a WDP datagram for port 2948.
    pub octets: Bytes,
    /// How long the transport may keep trying on its own.
    pub validity: Duration,
    /// Asked right before octets leave; closed means that this node may no longer act for the handset.
    pub gate: Gate,
    /// Which attempt of the same telling this is, from 1.
    pub number: u32,
}

/// What transports tell the relay.
pub trait BearerEvents: Send + Sync + 'static {
    /// A push was reported on. True once the relay has it; false: the transport should be asked to report again.
    fn receipt(&self, receipt: Receipt) -> BoxFuture<'static, bool>;
    /// What waits for this destination may be tried (again).
    fn destination_up(&self, destination: &str);
}

impl BearerEvents for Relay {
    fn receipt(&self, receipt: Receipt) -> BoxFuture<'static, bool> {
        let relay = self.clone();
        Box::pin(async move { relay.receipt(receipt).await })
    }

    fn destination_up(&self, destination: &str) {
        Relay::destination_up(self, destination);
    }
}

/// The digits to push to; `None` for what is no number (SMPP 3.4 clause 5.2.9: at most 20).
pub(crate) fn number(to: &Address) -> Option<&str> {
    let digits = match to {
        Address::Phone(digits) | Address::ShortCode(digits) => digits,
        Address::Email(_) | Address::Ipv4(_) | Address::Ipv6(_) | Address::Other(..) => return None,
    };
    let fits = (1..=20).contains(&digits.len()) && digits.bytes().all(|octet| octet.is_ascii_digit());
    fits.then_some(digits)
}
