//! Pauses between tries to reach a peer.

use std::time::Duration;

use mmsc_ports::Ports;

/// Pauses that double, spread by a fifth so that nodes do not come back in step.
pub(crate) struct Backoff {
    first: Duration,
    limit: Duration,
    next: Duration,
}

impl Backoff {
    pub(crate) fn new(first: Duration, limit: Duration) -> Self {
        Self {
            first,
            limit,
            next: first,
        }
    }

    pub(crate) fn reset(&mut self) {
        self.next = self.first;
    }

    pub(crate) fn next(&mut self, ports: &Ports) -> Duration {
        let pause = self.next;
        self.next = (pause * 2).min(self.limit);
        pause * (800 + ports.random.below(401)) / 1000
    }
}
