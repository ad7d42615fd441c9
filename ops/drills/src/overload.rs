//! Several times more than the node takes: refusals are typed, memory stays bounded, and everything accepted ends.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use mmsc_peers::ledger::Verdict;
use mmsc_peers::ports::Ports;
use mmsc_peers::sender::Persistence;

use crate::DrillError;
use crate::rig::Rig;

/// The drill.
#[derive(Clone, Debug)]
pub struct OverloadDrill {
    /// The `mmsc` binary.
    pub binary: PathBuf,
    /// For store, configuration and log.
    pub dir: PathBuf,
    /// Commands that the node takes at a time.
    pub credits: usize,
    /// Connections of the overload.
    pub connections: usize,
    /// How many times the measured capacity is offered.
    pub factor: f64,
    /// How long the capacity is measured, and how long the overload lasts.
    pub phase: Duration,
    /// How long everything may take to end afterwards.
    pub drain: Duration,
}

/// What the drill found.
#[derive(Clone, Debug)]
pub struct OverloadReport {
    /// Accepted per second by the closed loop before.
    pub capacity: f64,
    /// Offered per second by the open loop.
    pub offered: f64,
    /// Accepted per second by the open loop.
    pub accepted: f64,
    /// Typed refusals for now.
    pub refused: u64,
    /// Answers that are neither an acceptance nor a typed refusal for now.
    pub odd: u64,
    /// Submissions without any answer.
    pub unanswered: u64,
    /// Resident memory before the overload, in octets.
    pub resident_before_bytes: u64,
    /// Most resident memory during it, in octets.
    pub resident_most_bytes: u64,
    /// The audit.
    pub verdict: Verdict,
}

impl OverloadDrill {
    /// Three times the capacity of a node with few credits, for a few seconds.
    #[must_use]
    pub fn new(binary: impl Into<PathBuf>, dir: impl Into<PathBuf>) -> Self {
        Self {
            binary: binary.into(),
            dir: dir.into(),
            credits: 16,
            connections: 192,
            factor: 3.0,
            phase: Duration::from_secs(4),
            drain: Duration::from_secs(120),
        }
    }

    /// Runs it.
    pub async fn run(&self, ports: &Ports) -> Result<OverloadReport, DrillError> {
        let credits = self.credits.to_string();
        let settings = [("relay.credits", credits.as_str())];
        let rig = Rig::start(ports, &self.binary, &self.dir, &settings, 1, self.credits).await?;
        let capacity = self.capacity(&rig).await?;
        let (before, refused_before) = (rig.resident_bytes()?, rig.sending.refusals().0);
        let accepted_before = rig.sending.accepted();
        let first = rig.sending.next().unwrap_or_default();
        self.open_loop(&rig, capacity);
        let most = self.watch(&rig, before).await?;
        let last = rig.sending.next().unwrap_or_default();
        rig.stop_sending().await?;
        let (refused, odd) = rig.sending.refusals();
        let accepted = rig.sending.accepted() - accepted_before;
        let verdict = rig.finish(self.drain).await?.verdict;
        let seconds = self.phase.as_secs_f64();
        #[allow(clippy::cast_precision_loss, reason = "rates")]
        Ok(OverloadReport {
            capacity,
            offered: last.saturating_sub(first) as f64 / seconds,
            accepted: accepted as f64 / seconds,
            refused: refused - refused_before,
            odd,
            unanswered: verdict.unknown,
            resident_before_bytes: before,
            resident_most_bytes: most,
            verdict,
        })
    }

    /// Accepted per second by as many connections as half the credits: no more than the node takes.
    async fn capacity(&self, rig: &Rig) -> Result<f64, DrillError> {
        rig.send((self.credits / 2).max(1), Persistence::ONCE);
        let from = rig.sending.accepted();
        rig.ports.clock.sleep(self.phase).await;
        let accepted = rig.sending.accepted() - from;
        rig.stop_sending().await?;
        #[allow(clippy::cast_precision_loss, reason = "a rate")]
        Ok(accepted as f64 / self.phase.as_secs_f64())
    }

    /// Connections that are due at fixed times, together `factor` times the capacity; one whose answer comes late goes
    /// on at once.
    fn open_loop(&self, rig: &Rig, capacity: f64) {
        #[allow(clippy::cast_precision_loss, reason = "a period")]
        let period = Duration::from_secs_f64(self.connections as f64 / (capacity * self.factor).max(1.0));
        for index in 0..self.connections {
            let mut client = rig.client();
            let (ports, sending) = (rig.ports.clone(), Arc::clone(&rig.sending));
            #[allow(clippy::cast_precision_loss, reason = "a share of the period")]
            let offset = period.mul_f64(index as f64 / self.connections as f64);
            rig.connection(async move {
                let mut due = ports.clock.monotonic() + offset;
                loop {
                    ports.clock.sleep(due.saturating_sub(ports.clock.monotonic())).await;
                    due += period;
                    let Some(number) = sending.next() else { return Ok(()) };
                    sending.send(&ports, &mut client, number, Persistence::ONCE).await?;
                }
            });
        }
    }

    /// Looks at the node's memory while the overload lasts; gives the most.
    async fn watch(&self, rig: &Rig, before: u64) -> Result<u64, DrillError> {
        let clock = &rig.ports.clock;
        let started = clock.monotonic();
        let mut most = before;
        while clock.monotonic().saturating_sub(started) < self.phase {
            most = most.max(rig.resident_bytes()?);
            clock.sleep(Duration::from_millis(50)).await;
        }
        Ok(most)
    }
}

impl fmt::Display for OverloadReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "overload drill: capacity {:.0}/s, offered {:.0}/s, accepted {:.0}/s, {} typed refusals, {} other answers, \
             {} unanswered; memory {} MB before, {} MB at most; {}",
            self.capacity,
            self.offered,
            self.accepted,
            self.refused,
            self.odd,
            self.unanswered,
            self.resident_before_bytes >> 20,
            self.resident_most_bytes >> 20,
            self.verdict,
        )
    }
}
