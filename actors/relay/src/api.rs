//! The commands that adapters give, and their answers.

mod retrieve;

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use mmsc_domain::command::{Accepted, Forward, Gone, HandsetAnswer, Retrieval, Submit};
use mmsc_domain::content::note_installables;
use mmsc_domain::inbox::ReadStatus;
use mmsc_domain::mmbox::MmBoxEntry;
use mmsc_domain::policy::ServicePolicy;
use mmsc_domain::record::{ChainEntry, CopyRecord, MmHead, MmProgress, PartEntry};
use mmsc_domain::why::Refusal;
use mmsc_domain::{Address, CopyIndex, MmId, Token, UnixMillis};
use mmsc_ports::{Ports, Task};
use mmsc_ring::Ring;
use mmsc_store::{Committed, Staged, Store, TransactError};
use ractor::Actor;
use tokio::sync::{oneshot, watch};

use crate::absent::Absent;
use crate::admission::{Admission, AdmissionLimits, Class, Permit};
use crate::context::{Context, Stop, busy};
use crate::fan_outs::FanOuts;
use crate::keys::Target;
use crate::metrics::Metrics;
use crate::mm::{self, AcceptWork, Claims, Incoming, MmMessage, Reply, Work};
use crate::port::{Bearer, NoScreening, Receipt, ReceiptState, Screening};
use crate::rates::Rates;
use crate::subscriber::SubscriberMessage;
use crate::tree::{
    self, AtDueWork, Parked, RelaySupervisor, Router, ShardMessage, ShelfEntry, SupervisorArguments, Waking,
};

/// The tree's face to adapters; cheap to clone.
#[derive(Clone)]
pub struct Relay {
    pub(crate) ctx: Arc<Context>,
    draining: Arc<AtomicBool>,
    scan: Arc<Task>,
    tree_ended: watch::Receiver<bool>,
}

/// How the tree is set up.
pub struct RelayConfig {
    /// The operator's rules.
    pub policy: ServicePolicy,
    /// How much may be in flight.
    pub admission: AdmissionLimits,
    /// Actors of messages and subscribers alive at once; beyond it hints are dropped and the scan waits.
    pub max_live: usize,
    /// Between two looks at what is due.
    pub scan_period: Duration,
    /// Asked before a submission is accepted.
    pub screening: Arc<dyn Screening>,
}

impl Default for RelayConfig {
    fn default() -> Self {
        Self {
            policy: ServicePolicy::default(),
            admission: AdmissionLimits::default(),
            max_live: 50_000,
            scan_period: Duration::from_secs(1),
            screening: Arc::new(NoScreening),
        }
    }
}

/// Why the tree did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Its supervisor did not start.
    #[error("the supervisor did not start: {0}")]
    Supervisor(String),
    /// The shelf could not be read.
    #[error("the shelf could not be read: {0}")]
    Store(String),
}

/// Answer to a submission.
#[derive(Debug)]
pub enum SubmitAnswer {
    /// Durable: accepted now, or accepted before (the same answer again).
    Accepted(Committed<Accepted>),
    /// Not accepted, and will not be if repeated unchanged.
    Refused(Refusal),
    /// Not accepted now.
    Busy(Busy),
}

/// Why a command cannot be taken now. Every interface answers it in its transient words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Busy {
    /// No credit: too much is in flight.
    NoCredit,
    /// The store refuses or is closed.
    Store,
    /// The outcome of the commit is not known; a repeat finds out.
    Unknown,
    /// The node is draining.
    Draining,
}

/// Answer to a retrieval.
#[derive(Debug)]
pub enum FetchAnswer {
    /// Here it is.
    Content(Box<Retrieval>),
    /// The requester's own stored message.
    Stored(Box<MmBoxEntry>),
    /// There is nothing (any more).
    Gone(Gone),
    /// Not yet: its delivery time has not come.
    NotYet,
    /// Not now.
    Busy(Busy),
}

/// Answer to a handset's word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HandsetReply {
    /// Durable, or without effect.
    Done,
    /// Without effect: there is no such message (any more).
    NotThere,
    /// Without effect: it is somebody else's.
    NotYours,
    /// Without effect: it has come to another end before.
    TooLate,
    /// Not stored: the handset should say it again.
    Busy(Busy),
}

/// What is known of one MM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    /// Its envelope.
    pub head: MmHead,
    /// Where it stands as a whole.
    pub progress: MmProgress,
    /// Every move, with its reason.
    pub chain: Vec<ChainEntry>,
    /// Its copies, at most a hundred.
    pub copies: Vec<CopyRecord>,
}

impl Relay {
    /// Starts the tree: a supervised actor per shard that this node owns, and the due scan. Adapters that tell
    /// handsets are added with [`Relay::set_bearer`] once they stand.
    pub async fn start(config: RelayConfig, store: Store, ring: Ring, ports: Ports) -> Result<Self, StartError> {
        // Whatever is recorded later is this process's own.
        let started = mmsc_domain::UnixMillis(ports.clock.now().0);
        let metrics = Arc::new(Metrics::default());
        let ctx = Arc::new(Context {
            policy: config.policy,
            store,
            ring,
            ports,
            metrics: Arc::clone(&metrics),
            admission: Admission::new(config.admission),
            screening: config.screening,
            bearer: OnceLock::new(),
            router: Router::default(),
            absent: Absent::default(),
            rates: Rates::default(),
            fan_outs: FanOuts::default(),
            paces: Rates::default(),
            parked: Parked::default(),
            at_due_work: AtDueWork::new(Arc::clone(&metrics.mms_at_due_work)),
            ups: AtomicU64::new(0),
            waking: Waking::default(),
            chain_rows: AtomicU32::new(0),
            max_live: config.max_live,
        });
        let shelf = tree::list_shelf(&ctx, usize::MAX)
            .await
            .map_err(|error| StartError::Store(error.to_string()))?;
        for entry in shelf.into_iter().filter(|entry| entry.item.is_none()) {
            ctx.parked.insert(entry.entity);
        }
        let args = SupervisorArguments { ctx: Arc::clone(&ctx) };
        let (_supervisor, ended) = Actor::spawn(None, RelaySupervisor, args)
            .await
            .map_err(|error| StartError::Supervisor(error.to_string()))?;
        let (tell_end, tree_ended) = watch::channel(false);
        ctx.ports.spawn.task(
            "relay-end",
            Box::pin(async move {
                let _how = ended.await;
                tell_end.send_replace(true);
            }),
        );
        tree::start_found(&ctx, ctx.ring.owned().to_vec(), started);
        let scan = Arc::new(tree::start_scan(&ctx, config.scan_period));
        Ok(Self {
            ctx,
            draining: Arc::new(AtomicBool::new(false)),
            scan,
            tree_ended,
        })
    }

    /// Who tells handsets. Until it is set, what is to be told waits.
    pub fn set_bearer(&self, bearer: Arc<dyn Bearer>) {
        if self.ctx.bearer.set(bearer).is_ok() {
            self.destination_up(crate::subscriber::NO_BEARER);
        }
    }

    /// What the tree counts.
    #[must_use]
    pub fn metrics(&self) -> Arc<Metrics> {
        Arc::clone(&self.ctx.metrics)
    }

    /// The operator's rules in force.
    #[must_use]
    pub fn policy(&self) -> &ServicePolicy {
        &self.ctx.policy
    }

    pub(crate) fn admit(&self, class: Class, octets: u64) -> Result<Permit, Busy> {
        if class == Class::Submission && self.draining.load(Ordering::Acquire) {
            return Err(Busy::Draining);
        }
        if class == Class::Submission && tree::live_is_full(&self.ctx) {
            self.ctx.metrics.count_no_credit(class);
            return Err(Busy::NoCredit);
        }
        self.ctx.admission.admit(class, octets).ok_or_else(|| {
            self.ctx.metrics.count_no_credit(class);
            Busy::NoCredit
        })
    }

    /// Whether a command of this class with `octets` of content would be let in now. Nothing is kept for it: an adapter
    /// asks before it goes to the trouble of reading a request, and takes its credit once it has read it. A no is
    /// counted like any other.
    ///
    /// # Errors
    /// Why not.
    pub fn room(&self, class: Class, octets: u64) -> Result<(), Busy> {
        self.admit(class, octets).map(drop)
    }

    /// Submits a message; `octets` holds the parts' octets one after another.
    pub async fn submit(&self, mut submit: Submit, octets: Bytes) -> SubmitAnswer {
        let started = self.ctx.ports.clock.monotonic();
        let permit = match self.admit(Class::Submission, u64::try_from(octets.len()).unwrap_or(u64::MAX)) {
            Ok(permit) => permit,
            Err(busy) => return SubmitAnswer::Busy(busy),
        };
        let limit = self.ctx.policy.max_content_bytes;
        let found = u64::try_from(octets.len()).unwrap_or(u64::MAX);
        if found > limit {
            self.ctx.metrics.refused.increment();
            return SubmitAnswer::Refused(Refusal::TooLarge { found, limit });
        }
        let Some((id, _fence)) = self.ctx.mint() else {
            return SubmitAnswer::Busy(Busy::Store);
        };
        let staged = match self.stage(&mut submit.parts, octets).await {
            Ok(staged) => staged,
            Err(busy) => return SubmitAnswer::Busy(busy),
        };
        let claims = match self.claims(&submit).await {
            Ok(claims) => claims,
            Err(error) => return SubmitAnswer::Busy(busy(&error)),
        };
        let answer = self.accept(id, Incoming::Submit(submit, staged), claims, permit).await;
        self.ctx
            .metrics
            .accept_seconds
            .observe(self.ctx.ports.clock.monotonic().saturating_sub(started));
        answer
    }

    /// Looks at what its parts are and hands content over for a transaction to adopt; none if there is none.
    pub(crate) async fn stage(&self, parts: &mut [PartEntry], octets: Bytes) -> Result<Option<Staged>, Busy> {
        note_installables(parts, &octets);
        if octets.is_empty() {
            return Ok(None);
        }
        self.ctx.store.stage(octets).await.map(Some).map_err(|error| {
            tracing::warn!(%error, "content could not be staged");
            Busy::Store
        })
    }

    /// Which copy a reply answers that its sender is not to pay for. Where that is not offered, such a reply is a message
    /// like any other (MM1 digest 15).
    async fn claims(&self, submit: &Submit) -> Result<Option<Claims>, TransactError<Stop>> {
        let Some(original) = submit.charging.reply_to.filter(|_| self.ctx.policy.reply_charging) else {
            return Ok(None);
        };
        let known = original.shard().0 < self.ctx.ring.shard_count();
        let copy = if known {
            self.find_copy(original, &submit.originator).await?
        } else {
            None
        };
        Ok(Some(Claims { original, copy }))
    }

    async fn accept(&self, id: MmId, incoming: Incoming, claims: Option<Claims>, permit: Permit) -> SubmitAnswer {
        let work = Box::new(AcceptWork::new(incoming, claims));
        let (reply, answer) = oneshot::channel();
        if !self.ctx.router.mm(id, MmMessage::Accept(work, reply, permit)) {
            return SubmitAnswer::Busy(Busy::Store);
        }
        answer.await.unwrap_or(SubmitAnswer::Busy(Busy::Unknown))
    }

    /// Passes a message on without its having been retrieved: a new MM that shares the content of the original.
    pub async fn forward(&self, forward: Forward) -> SubmitAnswer {
        let started = self.ctx.ports.clock.monotonic();
        let permit = match self.admit(Class::Submission, 0) {
            Ok(permit) => permit,
            Err(busy) => return SubmitAnswer::Busy(busy),
        };
        let Some((id, _fence)) = self.ctx.mint() else {
            return SubmitAnswer::Busy(Busy::Store);
        };
        let answer = self.accept(id, Incoming::Forward(forward), None, permit).await;
        let took = self.ctx.ports.clock.monotonic().saturating_sub(started);
        self.ctx.metrics.accept_seconds.observe(took);
        answer
    }

    /// What `recipient` did with a message that it has; dropped if nobody wants to know (MM1 digest 14.7).
    pub async fn read_report(
        &self,
        id: MmId,
        recipient: Address,
        status: ReadStatus,
        at: Option<UnixMillis>,
    ) -> HandsetReply {
        let permit = match self.admit(Class::Answer, 0) {
            Ok(permit) => permit,
            Err(busy) => return HandsetReply::Busy(busy),
        };
        if id.shard().0 >= self.ctx.ring.shard_count() {
            return HandsetReply::NotThere;
        }
        let copy = match self.find_copy(id, &recipient).await {
            Ok(Some(copy)) => copy,
            Ok(None) => return HandsetReply::NotThere,
            Err(error) => return HandsetReply::Busy(busy(&error)),
        };
        let (reply, done) = oneshot::channel();
        let work = Work::ReadReport {
            copy,
            recipient,
            status,
            at,
        };
        let message = MmMessage::Work(work, Reply::Handset(reply), Some(permit));
        if !self.ctx.router.mm(id, message) {
            return HandsetReply::Busy(Busy::Store);
        }
        done.await.unwrap_or(HandsetReply::Busy(Busy::Unknown))
    }

    async fn find_copy(&self, id: MmId, recipient: &Address) -> Result<Option<CopyIndex>, TransactError<Stop>> {
        let mut from = Some(CopyIndex(0));
        while let Some(first) = from {
            let page = self
                .ctx
                .store
                .read(|txn| async move { mm::copy_of(&txn, id, recipient, first).await });
            let (found, next) = page.await?;
            if found.is_some() {
                return Ok(found);
            }
            from = next;
        }
        Ok(None)
    }

    /// What a handset says about a message; idempotent, also for unknown tokens.
    pub async fn handset_answer(
        &self,
        token: Token,
        requester: Option<Address>,
        answer: HandsetAnswer,
    ) -> HandsetReply {
        let permit = match self.admit(Class::Answer, 0) {
            Ok(permit) => permit,
            Err(busy) => return HandsetReply::Busy(busy),
        };
        let (id, copy) = match self.resolve(token).await {
            Ok(Some(Target::Copy(id, copy))) => (id, copy),
            // What is stored waits for no word of its owner's handset.
            Ok(Some(Target::Entry(_)) | None) => return HandsetReply::NotThere,
            Err(error) => return HandsetReply::Busy(busy(&error)),
        };
        let (reply, done) = oneshot::channel();
        let work = Work::Handset {
            copy,
            requester,
            answer,
        };
        if !self
            .ctx
            .router
            .mm(id, MmMessage::Work(work, Reply::Handset(reply), Some(permit)))
        {
            return HandsetReply::Busy(Busy::Store);
        }
        done.await.unwrap_or(HandsetReply::Busy(Busy::Unknown))
    }

    /// A bearer reports about a push. Returns once the subscriber's actor has it (after its commit if it says that
    /// the handset was not reached); false: it could not be taken, so the peer should send it again.
    pub async fn receipt(&self, receipt: Receipt) -> bool {
        if receipt.state != ReceiptState::Reached {
            self.ctx.absent.note(&receipt.address, self.ctx.now());
        }
        let (reply, done) = oneshot::channel();
        // The credit covers the way into the tree alone. A link that stops polling this future because its peer does not
        // read must not starve the handsets whose answers would make that peer read again.
        let sent = self.admit(Class::Answer, 0).is_ok_and(|_credit| {
            let address = receipt.address.clone();
            let message = SubscriberMessage::Receipt(receipt, reply);
            self.ctx
                .router
                .subscriber(self.ctx.shard_of(&address), address, message)
        });
        sent && done.await.unwrap_or(false)
    }

    /// A destination is up (again): what waited for it flows.
    pub fn destination_up(&self, destination: &str) {
        // Counted before the waiting rows are read: a row that is written too late to be read sees the count.
        self.ctx.ups.fetch_add(1, Ordering::AcqRel);
        if self.ctx.waking.begin(destination) {
            let (ctx, destination) = (Arc::clone(&self.ctx), Arc::from(destination));
            let wake = tree::destination_up(ctx, destination);
            self.ctx.ports.spawn.task("destination-up", Box::pin(wake));
        }
    }

    /// A handset showed itself on MM1: what waits for it because it was not reached is told.
    pub fn subscriber_seen(&self, address: Address) {
        if self.ctx.absent.seen(&address, self.ctx.now()) && !tree::live_is_full(&self.ctx) {
            let shard = self.ctx.shard_of(&address);
            let _unserved = self.ctx.router.subscriber(shard, address, SubscriberMessage::Seen);
        }
    }

    /// Cancels every copy of an MM that is not final; more than a hundred go on in the background. `None`: no such MM.
    pub async fn cancel(&self, id: MmId) -> Result<Option<u32>, Busy> {
        let permit = self.admit(Class::Answer, 0)?;
        if id.shard().0 >= self.ctx.ring.shard_count() {
            return Ok(None);
        }
        let (reply, done) = oneshot::channel();
        if !self
            .ctx
            .router
            .mm(id, MmMessage::Work(Work::Cancel, Reply::Cancel(reply), Some(permit)))
        {
            return Err(Busy::Store);
        }
        done.await.unwrap_or(Err(Busy::Unknown))
    }

    /// What happened to an MM: its event chain in the order of time, and where each of its first hundred copies stands.
    /// `None`: no such MM.
    pub async fn trace(&self, id: MmId) -> Result<Option<Trace>, String> {
        let read = self.ctx.store.read(|txn| async move { mm::trace(&txn, id).await });
        read.await.map_err(|error| error.to_string())
    }

    /// What lies on the shelf of this node, at most `limit` entries.
    pub async fn shelf(&self, limit: usize) -> Result<Vec<ShelfEntry>, String> {
        tree::list_shelf(&self.ctx, limit)
            .await
            .map_err(|error| error.to_string())
    }

    /// Takes something off the shelf and lets it go on.
    pub async fn release(&self, entry: &ShelfEntry) -> Result<(), String> {
        tree::release_from_shelf(&self.ctx, entry)
            .await
            .map_err(|error| error.to_string())
    }

    /// Whether the tree of actors stands. It ends by [`Relay::drain`], or when a shard can no longer be started; then
    /// only a new process helps.
    #[must_use]
    pub fn is_standing(&self) -> bool {
        !*self.tree_ended.borrow()
    }

    /// Completes when the tree has ended.
    pub async fn ended(&self) {
        let mut ended = self.tree_ended.clone();
        // The other end lives until it has told the end.
        let _ended = ended.wait_for(|ended| *ended).await;
    }

    /// Ends well: no new submissions, what waits is written, and the tree stops once nothing is outstanding or
    /// `limit` is over. True if nothing was left.
    pub async fn drain(&self, limit: Duration) -> bool {
        self.draining.store(true, Ordering::Release);
        self.scan.abort();
        let clock = &self.ctx.ports.clock;
        let started = clock.monotonic();
        let until = started.saturating_add(limit);
        let last_attempts = started.saturating_add(LAST_ATTEMPTS.min(limit / 2));
        loop {
            self.ctx.router.broadcast(|| ShardMessage::Flush);
            clock.sleep(DRAIN_STEP).await;
            if clock.monotonic() >= last_attempts {
                // What still waits for its turn at a slow SMSC comes back as not made, and is told after the restart.
                self.ctx.ring.close_gate();
            }
            let quiet = self.ctx.metrics.live.value() <= 0 && self.ctx.admission.in_flight() == 0;
            if quiet || clock.monotonic() >= until {
                self.ctx.ring.close_gate();
                self.ctx.router.stop();
                return quiet;
            }
        }
    }
}

/// So long after the beginning of a drain attempts may still leave.
const LAST_ATTEMPTS: Duration = Duration::from_secs(2);
/// Between two looks at what is still outstanding.
const DRAIN_STEP: Duration = Duration::from_millis(50);
