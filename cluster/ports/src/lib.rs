//! The outside as traits: clock, randomness, spawning, sockets, disk — and, beside each, the real one.
//!
//! Everything in `cluster/`, `actors/relay` and `node/interfaces` reaches the world through [`Ports`], so that a whole
//! node can run on a simulated clock, network and disk. Production passes [`Ports::real`].
#![forbid(unsafe_code)]

pub mod clock;
pub mod disk;
pub mod metrics;
pub mod net;
pub mod random;
pub mod spawn;

use std::sync::Arc;

pub use clock::{Clock, RealClock, UnixMillis};
pub use disk::Disk;
pub use net::{Net, RealNet};
pub use random::{Random, RealRandom};
pub use spawn::{BoxFuture, RealSpawn, Spawn, Task};

/// What one process (or one simulated node) uses to touch the world.
#[derive(Clone)]
pub struct Ports {
    /// Wall and monotonic time, and sleeping.
    pub clock: Arc<dyn Clock>,
    /// Unpredictable octets.
    pub random: Arc<dyn Random>,
    /// Tasks and workers.
    pub spawn: Arc<dyn Spawn>,
    /// Sockets.
    pub net: Arc<dyn Net>,
}

impl Ports {
    /// The real world. Must be called inside a tokio runtime.
    #[must_use]
    pub fn real() -> Self {
        Self {
            clock: Arc::new(RealClock::start()),
            random: Arc::new(RealRandom::new()),
            spawn: Arc::new(RealSpawn::current()),
            net: Arc::new(RealNet),
        }
    }
}
