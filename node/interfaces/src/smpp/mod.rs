//! SMPP 3.4: the relay as ESME on short-message centres, which carry our pushes to handsets (`spec/smpp.md`).
//!
//! One task per SMSC keeps one transceiver bind (`link.rs`); a push chooses an SMSC by prefix, weight and availability
//! and waits in a bounded queue for that bind's window.
//!
//! | file | what it decides |
//! |---|---|
//! | `choose.rs` | which SMSCs may carry a push |
//! | `link.rs` | when to connect, bind, wait and give up |
//! | `session.rs` | what happens on a bind |
//! | `window.rs`, `flight.rs` | which submit goes next, and how a push ended |
//! | `pace.rs` | how fast |
//! | `inbound.rs`, `correlation.rs` | which push a receipt is about, and when it is answered |
//! | `replies.rs` | what a status means |
//! | `translate.rs` | submit_sm and deliver_sm |

mod choose;
mod config;
mod correlation;
mod flight;
mod inbound;
mod io;
mod link;
mod memory;
mod metrics;
mod pace;
mod replies;
mod sequence;
mod session;
mod translate;
mod window;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use mmsc_ports::metrics::Family;
use mmsc_ports::{BoxFuture, Ports, Task};
use mmsc_relay::port::TellOutcome;
use tokio::sync::{oneshot, watch};

pub use config::{ConfigError, DataCoding, OptionalParameters, Secret, SmscConfig, SmscTls, SourceAddress, Timers};
pub use metrics::LinkMetrics;
pub use mmsc_wire::smpp::{IdForm, LongForm};
pub use replies::{BindRefusal, Class, bind_refusal, class};

use self::flight::Job;
use self::link::{Board, Link};
use self::replies::Verdict;
use crate::bearer::{BearerEvents, Failover, Push, PushBearer};
use crate::bounded::Bounded;
use crate::ended::{Ended, Lifelines};

/// Numbers whose concatenation counter is remembered.
const COUNTERS: usize = 65_536;
/// A push whose link does not answer by its deadline and this is unknown.
const ANSWER_GRACE: Duration = Duration::from_secs(5);

/// The short-message centres of this node; cheap to clone.
#[derive(Clone)]
pub struct Smpp(Arc<Inner>);

struct Inner {
    board: Arc<Board>,
    ports: Ports,
    /// Next concatenation reference per number, over all SMSCs: the handset puts together by sender and reference.
    references: Mutex<Bounded<String, u16>>,
    stop: watch::Sender<bool>,
    tasks: Mutex<Vec<Task>>,
    lifelines: Lifelines,
}

impl Smpp {
    /// Starts a link to each SMSC. Configurations must have no [`SmscConfig::problems`].
    #[must_use]
    pub fn start(smscs: Vec<SmscConfig>, events: Arc<dyn BearerEvents>, ports: &Ports) -> Self {
        let (stop, stopped) = watch::channel(false);
        let (links, queues): (Vec<_>, Vec<_>) = smscs.into_iter().map(Link::new).unzip();
        let board = Arc::new(Board { links, events });
        let lifelines = Lifelines::default();
        let start = |(link, queue): (&Arc<Link>, _)| {
            let run = link::run(
                Arc::clone(link),
                queue,
                Arc::clone(&board),
                ports.clone(),
                stopped.clone(),
            );
            let run = lifelines.tie(format!("the link to {}", link.config.name), run);
            ports.spawn.task("smpp link", run)
        };
        let tasks = board.links.iter().zip(queues).map(start).collect();
        Self(Arc::new(Inner {
            board,
            ports: ports.clone(),
            references: Mutex::new(Bounded::new(COUNTERS)),
            stop,
            tasks: Mutex::new(tasks),
            lifelines,
        }))
    }

    /// Completes when one of the links is gone, although nobody called [`Smpp::shutdown`]: a link keeps itself connected,
    /// so this is a bug, and all of them have to be started anew.
    #[must_use]
    pub fn ended(&self) -> BoxFuture<'static, Ended> {
        self.0.lifelines.ended()
    }

    /// Takes no more pushes, waits for outstanding responses (10 s by default), unbinds, closes.
    pub async fn shutdown(&self) {
        self.0.stop.send_replace(true);
        let tasks = std::mem::take(&mut *self.0.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        for task in tasks {
            task.join().await;
        }
    }

    /// Whether the SMSC of this name has accepted our bind.
    #[must_use]
    pub fn is_bound(&self, name: &str) -> bool {
        self.0
            .board
            .links
            .iter()
            .any(|link| link.config.name == name && link.is_open())
    }

    /// What the links measure; label `smsc`.
    #[must_use]
    pub fn families(&self) -> Vec<Family> {
        let links: Vec<_> = self
            .0
            .board
            .links
            .iter()
            .map(|link| (link.config.name.clone(), Arc::clone(&link.metrics)))
            .collect();
        metrics::families(&links)
    }

    /// The measurements of one SMSC.
    #[must_use]
    pub fn metrics(&self, name: &str) -> Option<Arc<LinkMetrics>> {
        let link = self.0.board.links.iter().find(|link| link.config.name == name)?;
        Some(Arc::clone(&link.metrics))
    }
}

impl PushBearer for Smpp {
    fn push(&self, push: Push) -> BoxFuture<'static, TellOutcome> {
        let inner = Arc::clone(&self.0);
        Box::pin(async move { inner.push(push).await })
    }
}

impl Inner {
    /// Asks the SMSCs in order, as [`Failover`] says.
    async fn push(&self, push: Push) -> TellOutcome {
        let Some(number) = translate::number(&push.to).map(str::to_owned) else {
            return TellOutcome::Refused;
        };
        let order = choose::order(self.board.links.iter().map(|link| &link.config), &number);
        let started = self.ports.clock.monotonic();
        let mut failover = Failover::new();
        for link in order.into_iter().filter_map(|index| self.board.links.get(index)) {
            let verdict = self.ask(link, &push, &number, started).await;
            if failover.note(link.as_ref(), verdict) {
                break;
            }
        }
        match failover.ended() {
            Some((link, verdict)) => {
                let outcome = verdict.outcome(&link.config.name, push.number);
                if matches!(outcome, TellOutcome::Unavailable { .. }) {
                    self.board.waits_for(link);
                }
                outcome
            }
            // No SMSC serves this number: a configuration that nothing but a person changes.
            None => TellOutcome::Failed { retry_after: None },
        }
    }

    /// `started`: when the first SMSC was asked; the time limit holds for all of them together.
    async fn ask(&self, link: &Link, push: &Push, number: &str, started: Duration) -> Verdict {
        let (reply, verdict) = oneshot::channel();
        let deadline = started + link.config.timers.push_limit;
        let job = Job {
            push: push.clone(),
            number: number.to_owned(),
            reference: self.next_reference(number),
            deadline,
            reply,
        };
        if !link.offer(job) {
            return Verdict::NotMade;
        }
        let left = (deadline + ANSWER_GRACE).saturating_sub(self.ports.clock.monotonic());
        tokio::select! {
            biased;
            // A link that ends drops what it holds: octets may have left.
            verdict = verdict => verdict.unwrap_or(Verdict::Unknown),
            () = self.ports.clock.sleep(left) => Verdict::Unknown,
        }
    }

    fn next_reference(&self, number: &str) -> u16 {
        let mut references = self.references.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(reference) = references.get_mut(&number.to_owned()) {
            *reference = reference.wrapping_add(1);
            return *reference;
        }
        // Not from zero: after a restart the handset may hold half a push with that reference.
        let mut first = [0; 2];
        self.ports.random.fill(&mut first);
        let first = u16::from_be_bytes(first);
        references.insert(number.to_owned(), first);
        first
    }
}
