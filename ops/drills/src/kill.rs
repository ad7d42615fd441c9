//! `kill -9` at random moments under load: nothing that was accepted is lost, nothing is altered, and nobody is told
//! of one message under two ids.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use mmsc_peers::ledger::Verdict;
use mmsc_peers::ports::Ports;
use mmsc_peers::ports::Random as _;
use mmsc_peers::ports::random::SeededRandom;
use mmsc_peers::sender::Persistence;

use crate::DrillError;
use crate::rig::{LOOK, Rig};

/// Until the load has to be back after a restart, and until all has to be accepted in the end.
const LOADED: Duration = Duration::from_secs(60);

/// The drill.
#[derive(Clone, Debug)]
pub struct KillDrill {
    /// The `mmsc` binary.
    pub binary: PathBuf,
    /// For store, configuration and log.
    pub dir: PathBuf,
    /// Decides the moments and the content.
    pub seed: u64,
    /// How often the node is killed.
    pub kills: u32,
    /// Connections that send; as many handsets receive.
    pub connections: usize,
    /// Submissions that have to be in flight at each kill.
    pub in_flight: usize,
    /// Messages that have to be accepted in all.
    pub accepted: u64,
    /// How long everything may take to end after the last kill.
    pub drain: Duration,
}

/// What the drill found.
#[derive(Clone, Debug)]
pub struct KillReport {
    /// Submissions in flight at each kill.
    pub in_flight: Vec<usize>,
    /// How many messages had been accepted at each kill.
    pub accepted_at: Vec<u64>,
    /// Invariants that the last process saw broken in its own records.
    pub invariant_violations: u64,
    /// The audit.
    pub verdict: Verdict,
    /// Some of what is lost, described.
    pub losses: Vec<String>,
    /// What the last process counted about telling handsets.
    pub telling: Vec<String>,
    /// How long it took.
    pub took: Duration,
}

impl KillDrill {
    /// Twenty kills, each with 50 or more submissions in flight, and 2,000 messages or more.
    #[must_use]
    pub fn new(binary: impl Into<PathBuf>, dir: impl Into<PathBuf>) -> Self {
        Self {
            binary: binary.into(),
            dir: dir.into(),
            seed: 1,
            kills: 20,
            connections: 72,
            in_flight: 50,
            accepted: 2000,
            drain: Duration::from_secs(60),
        }
    }

    /// Runs it.
    pub async fn run(&self, ports: &Ports) -> Result<KillReport, DrillError> {
        let started = ports.clock.monotonic();
        let random = SeededRandom::new(self.seed);
        let mut rig = Rig::start(ports, &self.binary, &self.dir, &[], self.seed, self.connections).await?;
        let persistence = Persistence {
            attempts: 10_000,
            pause: Duration::from_millis(20),
        };
        rig.send(self.connections, persistence);
        let (mut in_flight, mut accepted_at) = (Vec::new(), Vec::new());
        for _ in 0..self.kills {
            let flying = self.kill_moment(&rig, &random).await?;
            rig.crash().await?;
            in_flight.push(flying);
            accepted_at.push(rig.sending.accepted());
        }
        let enough = || rig.sending.accepted() >= self.accepted;
        rig.wait("too few messages accepted", LOADED, LOOK, enough).await?;
        rig.stop_sending().await?;
        let violations = rig.metrics().await?.sum("mmsc_relay_invariant_violations_total");
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
        let invariant_violations = violations.unwrap_or_default() as u64;
        let finding = rig.finish(self.drain).await?;
        Ok(KillReport {
            in_flight,
            accepted_at,
            invariant_violations,
            verdict: finding.verdict,
            losses: finding.losses,
            telling: finding.telling,
            took: ports.clock.monotonic().saturating_sub(started),
        })
    }

    /// Waits for a random moment under load: some messages accepted since the last kill, a random while, and enough in
    /// flight. Gives how many are.
    async fn kill_moment(&self, rig: &Rig, random: &SeededRandom) -> Result<usize, DrillError> {
        let share = u32::try_from(self.accepted / u64::from(self.kills.max(1))).unwrap_or(u32::MAX);
        let goal = rig.sending.accepted() + u64::from(1 + random.below(share.max(1)) + share / 2);
        let loaded = || rig.sending.accepted() >= goal;
        rig.wait("too little load after a restart", LOADED, LOOK, loaded)
            .await?;
        rig.ports
            .clock
            .sleep(Duration::from_micros(u64::from(random.below(20_000))))
            .await;
        let flying = || rig.sending.in_flight() >= self.in_flight;
        rig.wait(
            "too few submissions in flight",
            LOADED,
            Duration::from_micros(200),
            flying,
        )
        .await?;
        Ok(rig.sending.in_flight())
    }
}

impl KillReport {
    /// Whether every promise was kept.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.verdict.holds() && self.invariant_violations == 0
    }
}

impl fmt::Display for KillReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "kill drill, {} x kill -9 with {} or more submissions in flight, {:.1} s: {}; {} invariant violations",
            self.in_flight.len(),
            self.in_flight.iter().min().copied().unwrap_or_default(),
            self.took.as_secs_f64(),
            self.verdict,
            self.invariant_violations,
        )?;
        if self.losses.is_empty() {
            return Ok(());
        }
        write!(f, "\n  {}\n  {}", self.losses.join("\n  "), self.telling.join("\n  "))
    }
}
