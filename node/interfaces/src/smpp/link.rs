//! Keeps one SMSC connected and bound: connect, TLS, bind, serve, and the pauses between.

use std::io::{Error, ErrorKind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Buf as _;
use mmsc_ports::Ports;
use mmsc_ports::net::BoxStream;
use mmsc_wire::smpp::{Body, MAX_LENGTH, Pdu, Status, decode, encode, split};
use rustls::pki_types::ServerName;
use tokio::sync::{mpsc, watch};
use tokio_rustls::TlsConnector;

use super::config::SmscConfig;
use super::flight::Job;
use super::io::{Io, Turn};
use super::memory::Memory;
use super::metrics::LinkMetrics;
use super::replies::{BindRefusal, Verdict, bind_refusal};
use super::sequence::Sequence;
use super::session::{Ended, Session};
use super::translate;
use crate::backoff::Backoff;
use crate::bearer::BearerEvents;

/// A bind that held this long starts the pauses anew.
const STEADY: Duration = Duration::from_secs(60);

/// One SMSC as pushes see it.
pub(super) struct Link {
    pub(super) config: SmscConfig,
    pub(super) metrics: Arc<LinkMetrics>,
    queue: mpsc::Sender<Job>,
    open: AtomicBool,
    /// The queue refused a push since it was last announced.
    overflowed: AtomicBool,
    /// The relay was told that this destination is unavailable.
    awaited: AtomicBool,
}

impl Link {
    /// The link and the end of its queue.
    pub(super) fn new(config: SmscConfig) -> (Arc<Self>, mpsc::Receiver<Job>) {
        let (queue, jobs) = mpsc::channel(config.queue.max(1));
        let link = Self {
            config,
            metrics: Arc::default(),
            queue,
            open: AtomicBool::new(false),
            overflowed: AtomicBool::new(false),
            awaited: AtomicBool::new(false),
        };
        (Arc::new(link), jobs)
    }

    pub(super) fn is_open(&self) -> bool {
        self.open.load(Ordering::SeqCst)
    }

    /// Opens or closes the link for pushes.
    pub(super) fn set_open(&self, open: bool) {
        self.open.store(open, Ordering::SeqCst);
        self.metrics.bound.set(i64::from(open));
    }

    /// Puts a push into the queue; false if the link is down or the queue full.
    pub(super) fn offer(&self, job: Job) -> bool {
        if !self.is_open() {
            return false;
        }
        let taken = self.queue.try_send(job).is_ok();
        if !taken {
            self.overflowed.store(true, Ordering::SeqCst);
        }
        self.measure_queue();
        taken
    }

    pub(super) fn measure_queue(&self) {
        let queued = self.queue.max_capacity() - self.queue.capacity();
        self.metrics.queued.set(i64::try_from(queued).unwrap_or(i64::MAX));
    }

    /// Half of the queue is free (again).
    fn has_room(&self) -> bool {
        self.queue.capacity() * 2 >= self.queue.max_capacity()
    }
}

/// All links, and whom they tell.
pub(super) struct Board {
    pub(super) links: Vec<Arc<Link>>,
    pub(super) events: Arc<dyn BearerEvents>,
}

impl Board {
    /// The relay is about to hear that `link` is unavailable: it is announced when a link can take pushes again. Also
    /// when that was a moment ago: the next look of a bound link finds the mark.
    pub(super) fn waits_for(&self, link: &Link) {
        link.awaited.store(true, Ordering::SeqCst);
    }

    /// `link` is bound: what waits for it flows, and what waits for others may fail over to it.
    pub(super) fn bound(&self, link: &Link) {
        self.events.destination_up(&link.config.name);
        link.awaited.store(false, Ordering::SeqCst);
        self.announce_awaited(link);
    }

    /// A bound link looks, once a second, whether somebody waits in vain.
    pub(super) fn announce_awaited(&self, by: &Link) {
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
    pub(super) fn announce_drained(&self, link: &Link) {
        if link.is_open() && link.has_room() && link.overflowed.swap(false, Ordering::SeqCst) {
            link.awaited.store(false, Ordering::SeqCst);
            self.events.destination_up(&link.config.name);
        }
    }
}

/// Why there is no bind.
enum Failure {
    /// No connection, no TLS, no answer, nonsense.
    Connection(Error),
    Refused(Status),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Connection(error)
    }
}

/// Serves one SMSC until `stop` says so.
pub(super) async fn run(
    link: Arc<Link>,
    mut jobs: mpsc::Receiver<Job>,
    board: Arc<Board>,
    ports: Ports,
    mut stop: watch::Receiver<bool>,
) {
    let mut memory = Memory::new(&link.config, ports.clock.monotonic());
    let mut backoff = Backoff::new(link.config.timers.reconnect, link.config.timers.reconnect_limit);
    loop {
        let pause = match while_down(&mut jobs, &mut stop, open(&link, &ports)).await {
            None => break,
            Some(Err(failure)) => refused(&link, &failure, &mut backoff, &ports),
            Some(Ok((io, sequence, version))) => {
                let since = ports.clock.monotonic();
                memory.bound(&link.config, version);
                link.set_open(true);
                board.bound(&link);
                tracing::info!(smsc = %link.config.name, "bound");
                let session = Session::new(&link, &board, &ports, &mut memory, io, sequence);
                let ended = session.run(&mut jobs, &mut stop).await;
                link.set_open(false);
                let held = ports.clock.monotonic().saturating_sub(since);
                match after(&link, &ended, held, &mut backoff, &ports) {
                    Some(pause) => pause,
                    None => break,
                }
            }
        };
        if while_down(&mut jobs, &mut stop, ports.clock.sleep(pause))
            .await
            .is_none()
        {
            break;
        }
        link.metrics.reconnects.increment();
    }
    jobs.close();
    while let Ok(job) = jobs.try_recv() {
        give_back(job);
    }
}

/// Waits for `what`, giving pushes back meanwhile; `None` if the link is to stop.
async fn while_down<T>(
    jobs: &mut mpsc::Receiver<Job>,
    stop: &mut watch::Receiver<bool>,
    what: impl Future<Output = T>,
) -> Option<T> {
    let mut what = std::pin::pin!(what);
    loop {
        tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => return None,
            result = &mut what => return Some(result),
            // The link holds a sender itself, so the queue cannot end.
            Some(job) = jobs.recv() => give_back(job),
        }
    }
}

fn give_back(job: Job) {
    let _gone = job.reply.send(Verdict::NotMade);
}

/// The pause after a bind that did not come about.
fn refused(link: &Link, failure: &Failure, backoff: &mut Backoff, ports: &Ports) -> Duration {
    let smsc = &link.config.name;
    match failure {
        Failure::Connection(error) => {
            let pause = backoff.next(ports);
            tracing::warn!(%smsc, %error, pause_ms = millis(pause), "not connected");
            pause
        }
        Failure::Refused(status) => {
            link.metrics.bind_refusals.increment();
            let pause = match bind_refusal(*status) {
                BindRefusal::AlreadyBound => link.config.timers.already_bound,
                BindRefusal::Account => {
                    link.metrics.faults.increment();
                    link.config.timers.bind_refused
                }
                BindRefusal::Other => backoff.next(ports),
            };
            tracing::error!(%smsc, %status, pause_ms = millis(pause), "the SMSC refuses our bind");
            pause
        }
    }
}

/// The pause after a session; `None` if the link is to stop.
fn after(link: &Link, ended: &Ended, held: Duration, backoff: &mut Backoff, ports: &Ports) -> Option<Duration> {
    if held >= STEADY {
        backoff.reset();
    }
    let (why, pause) = match ended {
        Ended::Stopped => return None,
        Ended::Unbound => ("unbound by the SMSC", link.config.timers.unbound),
        Ended::NotBound => ("the SMSC says that we are not bound", backoff.next(ports)),
        Ended::Lost(why) => (*why, backoff.next(ports)),
    };
    tracing::warn!(smsc = %link.config.name, why, pause_ms = millis(pause), "bind lost");
    Some(pause)
}

fn millis(pause: Duration) -> u64 {
    u64::try_from(pause.as_millis()).unwrap_or(u64::MAX)
}

/// Connects and binds: the connection, its sequence numbers, and the SMSC's version if it told one.
async fn open(link: &Link, ports: &Ports) -> Result<(Io, Sequence, Option<u8>), Failure> {
    let timers = &link.config.timers;
    let stream = tokio::select! {
        biased;
        stream = connect(&link.config, ports) => stream?,
        () = ports.clock.sleep(timers.connect) => return Err(timed_out("connecting").into()),
    };
    let mut io = Io::new(stream);
    let mut sequence = Sequence::new(link.config.first_sequence);
    let request = Pdu::request(
        sequence.next(|_| false),
        Body::BindTransceiver(translate::bind(&link.config)),
    );
    write(&mut io, &request)?;
    let version = tokio::select! {
        biased;
        version = bind_response(&mut io, request.sequence) => version?,
        () = ports.clock.sleep(timers.response) => return Err(timed_out("binding").into()),
    };
    Ok((io, sequence, version))
}

async fn connect(config: &SmscConfig, ports: &Ports) -> Result<BoxStream, Error> {
    let stream = ports.net.connect(&config.address).await?;
    let Some(tls) = &config.tls else { return Ok(stream) };
    let name = ServerName::try_from(tls.server_name.clone())
        .map_err(|_| Error::new(ErrorKind::InvalidInput, "the TLS server name is none"))?;
    let stream = TlsConnector::from(Arc::clone(&tls.client))
        .connect(name, stream)
        .await?;
    Ok(Box::new(stream))
}

fn timed_out(what: &'static str) -> Error {
    Error::new(ErrorKind::TimedOut, what)
}

fn write(io: &mut Io, pdu: &Pdu) -> Result<(), Error> {
    let mut octets = Vec::with_capacity(128);
    encode(pdu, &mut octets).map_err(|error| Error::new(ErrorKind::InvalidInput, error))?;
    io.out.extend_from_slice(&octets);
    Ok(())
}

/// Reads up to the answer to our bind, which may be a generic_nack.
async fn bind_response(io: &mut Io, sequence: u32) -> Result<Option<u8>, Failure> {
    loop {
        let invalid = |error: &dyn std::fmt::Display| Error::new(ErrorKind::InvalidData, error.to_string());
        let pdu = match split(&io.inbox, MAX_LENGTH).map_err(|error| invalid(&error))? {
            None => {
                while io.turn().await? != Turn::Read {}
                continue;
            }
            Some((frame, used)) => {
                let pdu = decode(&frame).map_err(|error| invalid(&error))?;
                io.inbox.advance(used);
                pdu
            }
        };
        match pdu.body {
            Body::BindTransceiverResp(response) if pdu.sequence == sequence && pdu.status.is_ok() => {
                return Ok(response.sc_interface_version);
            }
            Body::BindTransceiverResp(_) if pdu.sequence == sequence => return Err(Failure::Refused(pdu.status)),
            Body::GenericNack => return Err(Failure::Refused(pdu.status)),
            Body::EnquireLink => {
                let response = Pdu::response(pdu.sequence, Status::ROK, Body::EnquireLinkResp);
                write(io, &response)?;
            }
            Body::Unbind => return Err(invalid(&"unbind before the bind was answered").into()),
            // Nothing else is allowed before the bind, and nothing of it matters.
            _ => {}
        }
    }
}
