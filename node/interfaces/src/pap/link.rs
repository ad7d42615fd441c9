//! One gateway as pushes see it: whether it takes them, how many at a time, and when it is tried again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use mmsc_ports::{Clock, Ports};
use mmsc_relay::port::Gate;
use tokio::sync::{Notify, Semaphore, watch};

use super::client::{Client, Exchanged};
use super::config::PpgConfig;
use super::metrics::PpgMetrics;
use super::replies::{Class, Verdict, class};
use super::translate::Body;
use crate::backoff::Backoff;
use crate::bearer::BearerEvents;

/// Requests in a row without an answer after which a gateway counts as down: it takes connections and nothing more.
const SILENT: u32 = 3;
/// How often a gateway that is up looks whether somebody waits in vain.
const LOOK: Duration = Duration::from_secs(1);

/// With less than this left a push is not begun: its answer could not be awaited.
const LEAST: Duration = Duration::from_secs(1);

/// A gateway.
pub(super) struct Link {
    pub(super) config: PpgConfig,
    pub(super) metrics: Arc<PpgMetrics>,
    client: Client,
    clock: Arc<dyn Clock>,
    /// Places in window and queue together.
    room: Semaphore,
    places: u32,
    window: Semaphore,
    open: AtomicBool,
    closed: Notify,
    /// Requests in a row that were not answered.
    silent: AtomicU32,
    /// It answered since it was last opened.
    answered: AtomicBool,
    /// The queue refused a push since that was last announced.
    overflowed: AtomicBool,
    /// The relay was told that this destination is unavailable.
    awaited: AtomicBool,
}

impl Link {
    pub(super) fn new(config: PpgConfig, ports: &Ports) -> Arc<Self> {
        let window = config.window.clamp(1, Semaphore::MAX_PERMITS / 4);
        let places = config.queue.saturating_add(window).min(Semaphore::MAX_PERMITS / 2);
        let places = u32::try_from(places).unwrap_or(u32::MAX);
        Arc::new(Self {
            client: Client::new(&config, ports),
            metrics: Arc::default(),
            clock: Arc::clone(&ports.clock),
            room: Semaphore::new(places as usize),
            places,
            window: Semaphore::new(window),
            open: AtomicBool::new(false),
            closed: Notify::new(),
            silent: AtomicU32::new(0),
            answered: AtomicBool::new(false),
            overflowed: AtomicBool::new(false),
            awaited: AtomicBool::new(false),
            config,
        })
    }

    pub(super) fn is_open(&self) -> bool {
        self.open.load(Ordering::SeqCst)
    }

    /// Opens or closes the link for pushes.
    pub(super) fn set_open(&self, open: bool) {
        let before = self.open.swap(open, Ordering::SeqCst);
        self.metrics.up.set(i64::from(open));
        if before && !open {
            self.closed.notify_one();
        }
    }

    /// Completes when no push is queued or in flight.
    pub(super) async fn idle(&self) {
        // An error would mean that it is closed, which nobody does.
        let _all = self.room.acquire_many(self.places).await;
    }

    /// Half of the queue is free (again).
    fn has_room(&self) -> bool {
        self.room.available_permits().saturating_mul(2) >= self.places as usize
    }

    /// Makes one push, if there is a place for it and the gateway is up.
    pub(super) async fn push(&self, push_id: &str, body: Body, gate: &Gate, deadline: Duration) -> Verdict {
        if !self.is_open() {
            return Verdict::NotMade;
        }
        let Ok(_place) = self.room.try_acquire() else {
            self.overflowed.store(true, Ordering::SeqCst);
            return Verdict::NotMade;
        };
        let left = || deadline.saturating_sub(self.clock.monotonic());
        let queued = self.metrics.queued.hold();
        let window = tokio::select! {
            biased;
            window = self.window.acquire() => window,
            () = self.clock.sleep(left()) => return Verdict::Held,
        };
        drop(queued);
        if left() < LEAST {
            return Verdict::Held;
        }
        // It may have gone down while the push waited.
        let (Ok(_turn), true) = (window, self.is_open()) else {
            return Verdict::NotMade;
        };
        let _in_flight = self.metrics.in_flight.hold();
        let started = self.clock.monotonic();
        match self.client.post(&body, gate, deadline).await {
            Exchanged::Answer(answer) => {
                let took = self.clock.monotonic().saturating_sub(started);
                self.metrics.response_seconds.observe(took);
                self.silent.store(0, Ordering::SeqCst);
                self.answered.store(true, Ordering::SeqCst);
                let class = class(push_id, answer.status, &answer.body);
                self.note(class, answer.status);
                Verdict::of(class, push_id, answer.retry_after)
            }
            Exchanged::NotSent(error) => {
                if self.is_open() {
                    tracing::warn!(ppg = %self.config.name, %error, "the gateway cannot be reached");
                }
                self.set_open(false);
                Verdict::NotMade
            }
            Exchanged::GateClosed => Verdict::GateClosed,
            Exchanged::Lost(why) => {
                self.lost(why);
                Verdict::Unknown
            }
        }
    }

    fn note(&self, class: Class, status: u16) {
        self.metrics.answered(class);
        match class {
            Class::Fault => {
                self.metrics.faults.increment();
                // What the gateway says beside it may name the number.
                tracing::error!(ppg = %self.config.name, status, "the gateway refuses what we send or who we are");
            }
            Class::Unreadable => {
                tracing::warn!(ppg = %self.config.name, status, "the gateway's answer cannot be understood");
            }
            Class::Taken | Class::Address | Class::Transient | Class::Handset => {}
        }
    }

    fn lost(&self, why: &'static str) {
        self.metrics.unanswered.increment();
        let silent = self.silent.fetch_add(1, Ordering::SeqCst).saturating_add(1);
        tracing::warn!(ppg = %self.config.name, why, silent, "a push was not answered");
        if silent >= SILENT {
            self.silent.store(0, Ordering::SeqCst);
            self.set_open(false);
        }
    }

    /// Serves until it is closed.
    async fn serve(&self, board: &Board) {
        loop {
            tokio::select! {
                biased;
                () = self.closed.notified() => return,
                () = self.clock.sleep(LOOK) => {
                    board.announce_drained(self);
                    board.announce_awaited(self);
                }
            }
        }
    }
}

/// All gateways, and whom they tell.
pub(super) struct Board {
    pub(super) links: Vec<Arc<Link>>,
    pub(super) events: Arc<dyn BearerEvents>,
}

impl Board {
    pub(super) fn link(&self, name: &str) -> Option<&Arc<Link>> {
        self.links.iter().find(|link| link.config.name == name)
    }

    /// The relay is about to hear that `link` is unavailable: it is announced when a gateway can take pushes again. Also
    /// when that was a moment ago: the next look of one that is up finds the mark.
    pub(super) fn waits_for(&self, link: &Link) {
        link.awaited.store(true, Ordering::SeqCst);
    }

    /// `link` is up: what waits for it flows, and what waits for others may fail over to it.
    fn up(&self, link: &Link) {
        self.events.destination_up(&link.config.name);
        link.awaited.store(false, Ordering::SeqCst);
        self.announce_awaited(link);
    }

    fn announce_awaited(&self, by: &Link) {
        if !by.is_open() || !by.has_room() {
            return;
        }
        for link in &self.links {
            if link.awaited.swap(false, Ordering::SeqCst) {
                self.events.destination_up(&link.config.name);
            }
        }
    }

    /// A queue that had been full has drained.
    fn announce_drained(&self, link: &Link) {
        if link.is_open() && link.has_room() && link.overflowed.swap(false, Ordering::SeqCst) {
            link.awaited.store(false, Ordering::SeqCst);
            self.events.destination_up(&link.config.name);
        }
    }
}

/// Keeps trying to reach one gateway until `stop` says so.
pub(super) async fn run(link: Arc<Link>, board: Arc<Board>, ports: Ports, mut stop: watch::Receiver<bool>) {
    let timers = link.config.timers;
    let mut backoff = Backoff::new(timers.reconnect, timers.reconnect_limit);
    let ppg = &link.config.name;
    loop {
        match until(&mut stop, link.client.probe()).await {
            None => break,
            Some(Ok(())) => {
                link.answered.store(false, Ordering::SeqCst);
                link.set_open(true);
                tracing::info!(%ppg, "the gateway is reached");
                board.up(&link);
                if until(&mut stop, link.serve(&board)).await.is_none() {
                    break;
                }
                // One that takes connections and never answers is left alone for longer and longer.
                if link.answered.load(Ordering::SeqCst) {
                    backoff.reset();
                }
            }
            Some(Err(error)) => tracing::warn!(%ppg, %error, "the gateway cannot be reached"),
        }
        let pause = backoff.next(&ports);
        if until(&mut stop, ports.clock.sleep(pause)).await.is_none() {
            break;
        }
        link.metrics.probes.increment();
    }
    link.set_open(false);
}

/// Waits for `what`; `None` if the link is to stop.
async fn until<T>(stop: &mut watch::Receiver<bool>, what: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        biased;
        _ = stop.wait_for(|stop| *stop) => None,
        result = what => Some(result),
    }
}
