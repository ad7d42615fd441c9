//! Push transports: how WSP push octets reach a handset. [`crate::smpp`] is one; a push proxy gateway is another.

use std::time::Duration;

use bytes::Bytes;
use mmsc_domain::Address;
use mmsc_ports::BoxFuture;
use mmsc_relay::port::{Gate, TellOutcome};

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
