//! What every drill stands on: an SMSC, handsets that receive, connections that send, a node that can be killed.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use mmsc_peers::crowd::Crowd;
use mmsc_peers::handset::Client;
use mmsc_peers::ledger::{Expect, Ledger, Outcome, Verdict};
use mmsc_peers::message::{Mix, Order, Sizes};
use mmsc_peers::node::{Metrics, NodeProcess, NodeSetup, scrape};
use mmsc_peers::ports::{Ports, Task};
use mmsc_peers::sender::{Persistence, submit_until_answered};
use mmsc_peers::smsc::{Smsc, SmscSettings};
use mmsc_peers::{Msisdn, PeerError};

use crate::DrillError;

/// Until a node has to be ready, also after a crash.
const READY: Duration = Duration::from_secs(60);
/// Until it has to be drained.
const DRAINED: Duration = Duration::from_secs(30);
/// For the answer to one request of a sender.
const DEADLINE: Duration = Duration::from_secs(30);
/// Until connections have to be through with what they began.
const ANSWERED: Duration = Duration::from_secs(60);
/// Between two looks while waiting.
pub(crate) const LOOK: Duration = Duration::from_millis(5);
/// First recipient and first sender.
const RECIPIENTS: u64 = 15_560_000_000;
const SENDERS: u64 = 15_550_000_000;
/// Losses that are described.
const SHOWN: usize = 8;
/// How many of each.
const POOL: u64 = 5000;

/// A node, its surroundings, and the ledger.
pub(crate) struct Rig {
    pub(crate) ports: Ports,
    pub(crate) sending: Arc<Sending>,
    mm1: String,
    setup: NodeSetup,
    ops: String,
    node: Option<NodeProcess>,
    smsc: Smsc,
    handsets: Vec<Task>,
}

/// The end of a drill: the audit, and what helps to understand a broken one.
pub(crate) struct Finding {
    pub(crate) verdict: Verdict,
    /// Some of what is lost.
    pub(crate) losses: Vec<String>,
    /// What the last process counted about telling handsets.
    pub(crate) telling: Vec<String>,
}

/// What all sending connections share.
pub(crate) struct Sending {
    pub(crate) ledger: Arc<Ledger>,
    mix: Mix,
    next: AtomicU64,
    stopped: AtomicBool,
    /// Submissions sent and not answered.
    in_flight: AtomicUsize,
    /// Connections that have not ended.
    active: AtomicUsize,
    accepted: AtomicU64,
    /// Answers that are neither an acceptance nor a typed refusal for now, nor a broken connection.
    odd: AtomicU64,
    /// Typed refusals for now.
    refused: AtomicU64,
}

impl Rig {
    /// Starts everything on the binary at `binary`, with the store in `dir`.
    pub(crate) async fn start(
        ports: &Ports,
        binary: &Path,
        dir: &Path,
        settings: &[(&str, &str)],
        seed: u64,
        handsets: usize,
    ) -> Result<Self, DrillError> {
        let any = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
        let (smsc, pushes) = Smsc::start(ports, any, SmscSettings::default()).await?;
        let mut setup = NodeSetup::new(binary, dir, smsc.address()).with("smsc.main.window", 100);
        for (key, value) in settings {
            setup = setup.with(key, value);
        }
        let node = setup.start(ports, READY).await?;
        let (mm1, ops) = (node.address("mm1")?.to_owned(), node.address("ops")?.to_owned());
        // A node that comes back has the addresses that it had: notifications name them.
        let setup = setup.with("mm1.listen", &mm1).with("ops.listen", &ops);
        let ledger = Arc::new(Ledger::in_memory());
        let crowd = Crowd {
            deferred_every: Some(4),
            // Slow enough that a node which comes back tells them again first.
            slow_every: Some((5, Duration::from_millis(400))),
            pause: Duration::from_millis(20),
            ..Crowd::new(ports, mm1.clone(), Arc::clone(&ledger))
        };
        let rig = Self {
            handsets: crowd.start(pushes, handsets),
            ports: ports.clone(),
            sending: Arc::new(Sending::new(ledger, seed)),
            mm1,
            setup,
            ops,
            node: Some(node),
            smsc,
        };
        if !rig.smsc.wait_bound(1, READY).await {
            return Err(rig.late("no bind to the SMSC", READY));
        }
        Ok(rig)
    }

    /// `kill -9`, then a start on the same store.
    pub(crate) async fn crash(&mut self) -> Result<(), DrillError> {
        if let Some(node) = self.node.take() {
            node.kill()?;
        }
        self.node = Some(self.setup.start(&self.ports, READY).await?);
        Ok(())
    }

    /// The node's resident memory, in octets.
    pub(crate) fn resident_bytes(&self) -> Result<u64, DrillError> {
        let node = self
            .node
            .as_ref()
            .ok_or_else(|| PeerError::Process("not running".into()))?;
        Ok(node.usage()?.resident_bytes)
    }

    /// What the node counts.
    pub(crate) async fn metrics(&self) -> Result<Metrics, DrillError> {
        Ok(scrape(&self.ports, &self.ops).await?)
    }

    /// Waits until `reached`; an error names `what` if that takes longer than `within`.
    pub(crate) async fn wait(
        &self,
        what: &str,
        within: Duration,
        look: Duration,
        reached: impl Fn() -> bool,
    ) -> Result<(), DrillError> {
        let clock = &self.ports.clock;
        let started = clock.monotonic();
        while !reached() {
            if clock.monotonic().saturating_sub(started) > within {
                return Err(self.late(what, within));
            }
            clock.sleep(look).await;
        }
        Ok(())
    }

    /// Waits until every accepted message was delivered and reported, or `within` has passed; then drains the node and
    /// audits.
    pub(crate) async fn finish(mut self, within: Duration) -> Result<Finding, DrillError> {
        let ledger = Arc::clone(&self.sending.ledger);
        let done = || ledger.audit(Expect::Delivered).lost == 0;
        // What is late here shows as lost in the verdict.
        let _late = self
            .wait("every message to end", within, Duration::from_millis(200), done)
            .await;
        let telling = self.metrics().await?;
        let telling = telling.starting_with("mmsc_relay_tell_");
        let telling = telling.map(|(name, value)| format!("{name} {value}")).collect();
        if let Some(node) = self.node.take()
            && !node.terminate(&self.ports, DRAINED).await?
        {
            return Err(self.late("no clean end of the node", DRAINED));
        }
        drop(self.smsc);
        for handset in self.handsets {
            handset.join().await;
        }
        Ok(Finding {
            verdict: ledger.audit(Expect::Delivered),
            losses: ledger.look(|book| Verdict::losses(book, Expect::Delivered, SHOWN)),
            telling,
        })
    }

    pub(crate) fn late(&self, what: &str, within: Duration) -> DrillError {
        DrillError::Late {
            what: what.to_owned(),
            seconds: within.as_secs(),
            log: self.setup.log().display().to_string(),
        }
    }

    /// Starts `connections` that send one message after the other. With `persistence` above one attempt a message is
    /// repeated until its outcome is known.
    pub(crate) fn send(&self, connections: usize, persistence: Persistence) {
        for _ in 0..connections {
            let mut client = self.client();
            let (ports, sending) = (self.ports.clone(), Arc::clone(&self.sending));
            self.connection(async move {
                while let Some(number) = sending.next() {
                    sending.send(&ports, &mut client, number, persistence).await?;
                }
                Ok(())
            });
        }
    }

    /// A connection to MM1.
    pub(crate) fn client(&self) -> Client {
        Client::new(self.ports.clone(), self.mm1.clone(), DEADLINE)
    }

    /// Runs a sending connection; an error (of the ledger) ends it.
    pub(crate) fn connection(&self, run: impl Future<Output = Result<(), PeerError>> + Send + 'static) {
        let sending = Arc::clone(&self.sending);
        sending.active.fetch_add(1, Ordering::Relaxed);
        let run = async move {
            let _ended = run.await;
            sending.active.fetch_sub(1, Ordering::Relaxed);
        };
        self.ports.spawn.task("sender", Box::pin(run));
    }

    /// Begins nothing more, and waits until every connection has finished what it began.
    pub(crate) async fn stop_sending(&self) -> Result<(), DrillError> {
        self.sending.stopped.store(true, Ordering::Relaxed);
        let ended = || self.sending.active.load(Ordering::Relaxed) == 0;
        self.wait("submissions without an answer", ANSWERED, LOOK, ended)
            .await?;
        self.sending.stopped.store(false, Ordering::Relaxed);
        Ok(())
    }
}

impl Sending {
    fn new(ledger: Arc<Ledger>, seed: u64) -> Self {
        Self {
            ledger,
            mix: Mix::new(seed, Sizes::Small),
            next: AtomicU64::new(1),
            stopped: AtomicBool::new(false),
            in_flight: AtomicUsize::new(0),
            active: AtomicUsize::new(0),
            accepted: AtomicU64::new(0),
            odd: AtomicU64::new(0),
            refused: AtomicU64::new(0),
        }
    }

    /// The next submission, unless sending was stopped.
    pub(crate) fn next(&self) -> Option<u64> {
        let go_on = !self.stopped.load(Ordering::Relaxed);
        go_on.then(|| self.next.fetch_add(1, Ordering::Relaxed))
    }

    /// Submissions sent and not answered.
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// Messages accepted.
    pub(crate) fn accepted(&self) -> u64 {
        self.accepted.load(Ordering::Relaxed)
    }

    /// Typed refusals for now, and answers that are neither that nor an acceptance.
    pub(crate) fn refusals(&self) -> (u64, u64) {
        (self.refused.load(Ordering::Relaxed), self.odd.load(Ordering::Relaxed))
    }

    /// Submits one message until its outcome is known or the attempts are used up.
    pub(crate) async fn send(
        &self,
        ports: &Ports,
        client: &mut Client,
        number: u64,
        persistence: Persistence,
    ) -> Result<(), PeerError> {
        let order = Order::to_one(number, Msisdn::of_pool(RECIPIENTS, number % POOL));
        let letter = self.mix.letter(&order)?;
        let from = Msisdn::of_pool(SENDERS, number % POOL);
        for _ in 0..persistence.attempts {
            self.in_flight.fetch_add(1, Ordering::Relaxed);
            let pair = (&order, &letter);
            let outcome = submit_until_answered(ports, client, &self.ledger, from, pair, Persistence::ONCE).await;
            self.in_flight.fetch_sub(1, Ordering::Relaxed);
            match outcome? {
                Outcome::Accepted(_) => {
                    self.accepted.fetch_add(1, Ordering::Relaxed);
                    return Ok(());
                }
                Outcome::Refused(0xC0..=0xDF) | Outcome::Http(503) => self.refused.fetch_add(1, Ordering::Relaxed),
                Outcome::Refused(_) | Outcome::Http(_) => self.odd.fetch_add(1, Ordering::Relaxed),
                // The node is away, or was killed before it answered.
                Outcome::Unknown => 0,
            };
            ports.clock.sleep(persistence.pause).await;
        }
        Ok(())
    }
}
