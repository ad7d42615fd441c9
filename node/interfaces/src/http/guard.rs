//! The octet stream under hyper. It ends a peer that does not begin, does not read or reads too slowly; it lets nothing
//! through that leaves open where a request ends; it counts octets; and it knows when the last octet of a response was
//! handed to the socket.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use mmsc_ports::net::BoxStream;
use mmsc_ports::{BoxFuture, Clock};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::framing::{Ambiguous, Framing};
use crate::metrics::HttpMetrics;

/// How long a stream may keep us waiting.
#[derive(Clone, Copy, Debug)]
pub(super) struct StreamLimits {
    /// From the connection's start until [`OPENING_OCTETS`] were read (or an answer was given).
    pub(super) opening: Duration,
    /// A write that makes no progress for so long ends the connection.
    pub(super) write_idle: Duration,
    /// Octets per second that a peer has to take on the average once `write_idle` has passed.
    pub(super) write_rate: u32,
}

/// As long as the opening octets of HTTP/2, which tell the two protocols apart; every HTTP/1 request is longer or is
/// answered.
const OPENING_OCTETS: u64 = 24;

pub(super) struct Guarded {
    stream: BoxStream,
    clock: Arc<dyn Clock>,
    limits: StreamLimits,
    opening: Option<BoxFuture<'static, ()>>,
    received: u64,
    incoming: Incoming,
    stall: Option<Stall>,
    departures: Arc<Departures>,
    metrics: Arc<HttpMetrics>,
}

/// What comes in.
enum Incoming {
    Followed(Framing),
    /// Something ambiguous came. Of these octets, what is not read yet is the last that hyper gets.
    Cut(&'static [u8]),
}

/// No octet of a head is NUL. The empty line behind it lets hyper look: it reads no head of which the end is not there.
const NO_HEAD: &[u8] = b"\0\r\n\r\n";
/// The body is not whole then, whatever stood before: with an empty line behind it, it might be.
const NO_BODY: &[u8] = b"\0";

/// A write that waits for its peer.
struct Stall {
    timer: BoxFuture<'static, ()>,
    since: Duration,
    progress_at: Duration,
    octets: u64,
}

impl Guarded {
    pub(super) fn new(
        stream: BoxStream,
        clock: Arc<dyn Clock>,
        limits: StreamLimits,
        departures: Arc<Departures>,
        metrics: Arc<HttpMetrics>,
    ) -> Self {
        let opening = Some(clock.sleep(limits.opening));
        Self {
            stream,
            clock,
            limits,
            opening,
            received: 0,
            incoming: Incoming::Followed(Framing::new()),
            stall: None,
            departures,
            metrics,
        }
    }

    /// Takes the outcome of a write or flush; lets a stalled one time out.
    fn watch<T>(&mut self, cx: &mut Context<'_>, outcome: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            return outcome;
        }
        let now = self.clock.monotonic();
        let idle = self.limits.write_idle;
        let stall = self.stall.get_or_insert_with(|| Stall {
            timer: self.clock.sleep(idle),
            since: now,
            progress_at: now,
            octets: 0,
        });
        while stall.timer.as_mut().poll(cx).is_ready() {
            let Some(left) = stall.left(now, self.limits) else {
                return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the peer does not read")));
            };
            stall.timer = self.clock.sleep(left);
        }
        Poll::Pending
    }

    /// Cuts off what was just read, from `before` on, where two readers may see different requests. In place of the first
    /// such octet hyper gets what no request has, so that it refuses that one; behind it the stream has ended.
    fn cut(&mut self, buf: &mut ReadBuf<'_>, before: usize) {
        let Incoming::Followed(framing) = &mut self.incoming else {
            return;
        };
        let octets = buf.filled().get(before..).unwrap_or_default();
        if let Err(Ambiguous { index, in_head }) = framing.follow(octets) {
            self.metrics.ambiguous_requests.increment();
            self.incoming = Incoming::Cut(if in_head { NO_HEAD } else { NO_BODY });
            buf.set_filled(before + index);
            self.end(buf);
        }
    }

    /// Hands out what is left of the end; whether the stream was cut.
    fn end(&mut self, buf: &mut ReadBuf<'_>) -> bool {
        let Incoming::Cut(end) = &mut self.incoming else {
            return false;
        };
        let (now, later) = end.split_at(end.len().min(buf.remaining()));
        buf.put_slice(now);
        *end = later;
        true
    }

    fn sent(&mut self, octets: usize) {
        let octets = u64::try_from(octets).unwrap_or(u64::MAX);
        self.metrics.sent_octets.add(octets);
        self.opening = None;
        if let Some(stall) = &mut self.stall {
            stall.progress_at = self.clock.monotonic();
            stall.octets = stall.octets.saturating_add(octets);
        }
    }
}

impl Stall {
    /// How long the peer has left; none once its time is over.
    fn left(&self, now: Duration, limits: StreamLimits) -> Option<Duration> {
        let earned = Duration::from_secs(self.octets / u64::from(limits.write_rate.max(1)));
        let deadline = (self.progress_at + limits.write_idle).min(self.since + limits.write_idle + earned);
        deadline.checked_sub(now).filter(|left| !left.is_zero())
    }
}

impl AsyncRead for Guarded {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        if self.end(buf) {
            return Poll::Ready(Ok(()));
        }
        match Pin::new(&mut self.stream).poll_read(cx, buf) {
            Poll::Ready(outcome) => {
                let octets = u64::try_from(buf.filled().len().saturating_sub(before)).unwrap_or(u64::MAX);
                self.metrics.received_octets.add(octets);
                self.received = self.received.saturating_add(octets);
                if self.received >= OPENING_OCTETS {
                    self.opening = None;
                }
                self.cut(buf, before);
                Poll::Ready(outcome)
            }
            Poll::Pending => {
                if let Some(opening) = &mut self.opening {
                    ready!(opening.as_mut().poll(cx));
                    self.opening = None;
                    return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the peer does not begin")));
                }
                Poll::Pending
            }
        }
    }
}

impl AsyncWrite for Guarded {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.departures.writing.store(true, Ordering::Relaxed);
        let outcome = Pin::new(&mut self.stream).poll_write(cx, buf);
        if let Poll::Ready(Ok(octets)) = &outcome {
            self.sent(*octets);
        }
        self.watch(cx, outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.departures.writing.store(true, Ordering::Relaxed);
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        if let Poll::Ready(Ok(octets)) = &outcome {
            self.sent(*octets);
        }
        self.watch(cx, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_flush(cx);
        if let Poll::Ready(Ok(())) = &outcome {
            // Hyper flushes only when it holds nothing back any more.
            self.stall = None;
            self.departures.writing.store(false, Ordering::Relaxed);
            self.departures.flushed();
        }
        self.watch(cx, outcome)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.watch(cx, outcome)
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        self.departures.closed();
    }
}

/// Told whether a response left whole.
pub(super) type Told = Box<dyn FnOnce(bool) + Send>;

/// The responses of one connection whose last octet is on its way to the socket.
///
/// Hyper consumes the last octet of a response when it is written or copied to hyper's own write buffer; the flush
/// after that proves that it was handed to the socket.
#[derive(Default)]
pub struct Departures {
    leaving: Mutex<Leaving>,
    /// Octets were written, or could not be, since the last flush.
    writing: AtomicBool,
}

#[derive(Default)]
struct Leaving {
    told: Vec<Told>,
    closed: bool,
}

impl Departures {
    /// Whether something is on its way to a peer that has not taken all of it yet.
    pub(super) fn is_writing(&self) -> bool {
        self.writing.load(Ordering::Relaxed)
    }

    fn leaves(&self, told: Told) {
        let mut leaving = self.leaving.lock().unwrap_or_else(PoisonError::into_inner);
        if leaving.closed {
            drop(leaving);
            told(false);
        } else {
            leaving.told.push(told);
        }
    }

    fn take(&self, close: bool) -> Vec<Told> {
        let mut leaving = self.leaving.lock().unwrap_or_else(PoisonError::into_inner);
        leaving.closed |= close;
        std::mem::take(&mut leaving.told)
    }

    fn flushed(&self) {
        self.take(false).into_iter().for_each(|told| told(true));
    }

    fn closed(&self) {
        self.take(true).into_iter().for_each(|told| told(false));
    }
}

/// Travels with the last octets of a response. Dropped before they were consumed, it tells that they never left.
pub(super) struct Departure {
    told: Option<Told>,
    departures: Arc<Departures>,
}

impl Departure {
    pub(super) fn new(departures: &Arc<Departures>, told: Told) -> Self {
        Self {
            told: Some(told),
            departures: departures.clone(),
        }
    }

    /// The last octet was consumed: the next flush takes it to the socket.
    pub(super) fn consumed(mut self) {
        if let Some(told) = self.told.take() {
            self.departures.leaves(told);
        }
    }
}

impl std::fmt::Debug for Departure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Departure")
    }
}

impl Drop for Departure {
    fn drop(&mut self) {
        if let Some(told) = self.told.take() {
            told(false);
        }
    }
}
