//! Request bodies with limits, response bodies without copies.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use futures_util::future::{Either, select};
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame, SizeHint};
use mmsc_ports::Clock;

use super::guard::{Departure, Departures, Told};

/// What a request body may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyLimits {
    /// Octets that are kept.
    pub max_octets: usize,
    /// Of a body that is larger: octets that are kept, so that it can be refused in its own terms.
    pub prefix_octets: usize,
    /// Of a body that is larger: octets that are read and dropped, so that its sender gets to read the answer.
    pub discard_octets: u64,
    /// A body that makes no progress for so long is given up.
    pub idle: Duration,
    /// Octets per second that a body has to come with on the average once `idle` has passed.
    pub rate: u32,
}

/// Why there is no body.
#[derive(Debug, PartialEq, Eq)]
pub enum BodyError {
    /// The peer sent more than is allowed; its first octets.
    TooLarge(Bytes),
    /// The peer was too slow.
    TooSlow,
    /// The peer broke off, or broke the protocol.
    Broken,
    /// We hold too much already.
    NoRoom,
}

/// Octets that all request bodies together may hold.
#[derive(Debug)]
pub struct BodyBudget {
    held: AtomicU64,
    limit: u64,
}

/// A share of a [`BodyBudget`], given back when dropped.
struct Share<'a> {
    budget: &'a BodyBudget,
    octets: u64,
}

impl BodyBudget {
    /// With `limit` octets in all.
    #[must_use]
    pub fn new(limit: u64) -> Self {
        Self {
            held: AtomicU64::new(0),
            limit,
        }
    }
}

impl Share<'_> {
    /// Takes more until it has `octets`, if there is as much.
    fn grow_to(&mut self, octets: usize) -> bool {
        let more = u64::try_from(octets).unwrap_or(u64::MAX).saturating_sub(self.octets);
        let held = self.budget.held.fetch_add(more, Ordering::Relaxed);
        self.octets = self.octets.saturating_add(more);
        held.saturating_add(more) <= self.budget.limit
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        self.budget.held.fetch_sub(self.octets, Ordering::Relaxed);
    }
}

/// Room for a body of which nothing has come yet, however long its peer says that it is.
const FIRST_ROOM: usize = 4 * 1024;
/// A peer that claims a length gets room for so many times what it has sent, up to its claim.
const CLAIM_TRUSTED: usize = 4;

/// Reads a body to its end. `claimed` is its Content-Length, if it has one.
///
/// # Errors
/// [`BodyError`], each the peer's doing except [`BodyError::NoRoom`].
pub async fn read_body<B>(
    body: &mut B,
    claimed: Option<u64>,
    limits: &BodyLimits,
    budget: &BodyBudget,
    clock: &dyn Clock,
) -> Result<BytesMut, BodyError>
where
    B: Body<Data = Bytes> + Unpin,
{
    let too_large = claimed.is_some_and(|octets| octets > u64::try_from(limits.max_octets).unwrap_or(u64::MAX));
    let hopeless = claimed.is_some_and(|octets| octets > limits.discard_octets);
    let keep = if too_large {
        limits.prefix_octets
    } else {
        limits.max_octets
    };
    let expected = claimed.and_then(|octets| usize::try_from(octets).ok()).unwrap_or(0);
    let expected = expected.min(keep);
    let reserved = expected.min(FIRST_ROOM);
    let mut share = Share { budget, octets: 0 };
    if !share.grow_to(reserved) {
        return Err(BodyError::NoRoom);
    }
    let mut kept = BytesMut::with_capacity(reserved);
    let mut pace = Pace::new(limits, clock);
    while let Some(data) = pace.next(body).await? {
        let room = keep.saturating_sub(kept.len());
        let taken = data.get(..room.min(data.len())).unwrap_or_default();
        let needed = kept.len() + taken.len();
        let room = needed.max(expected.min(needed.saturating_mul(CLAIM_TRUSTED)));
        if !share.grow_to(room) {
            return Err(BodyError::NoRoom);
        }
        kept.reserve(room.saturating_sub(kept.len()));
        kept.extend_from_slice(taken);
        let over = pace.octets > u64::try_from(keep).unwrap_or(u64::MAX);
        if over && (hopeless || pace.octets > limits.discard_octets) {
            break;
        }
    }
    if too_large || pace.octets > u64::try_from(limits.max_octets).unwrap_or(u64::MAX) {
        kept.truncate(limits.prefix_octets);
        return Err(BodyError::TooLarge(kept.freeze()));
    }
    Ok(kept)
}

/// Reads and drops what is left of a body whose request is answered already: a client that reads nothing before it has
/// sent everything then gets to read the answer, where closing the connection would reset it. Costs no memory, and ends
/// by the same limits as [`read_body`].
pub async fn discard_body<B>(mut body: B, claimed: Option<u64>, limits: &BodyLimits, clock: &dyn Clock)
where
    B: Body<Data = Bytes> + Unpin,
{
    if claimed.is_some_and(|octets| octets > limits.discard_octets) {
        return;
    }
    let mut pace = Pace::new(limits, clock);
    while let Ok(Some(_dropped)) = pace.next(&mut body).await {
        if pace.octets > limits.discard_octets {
            return;
        }
    }
}

/// Waits for octets, but not for ever.
struct Pace<'a> {
    limits: &'a BodyLimits,
    clock: &'a dyn Clock,
    started: Duration,
    progress_at: Duration,
    octets: u64,
    timer: Option<mmsc_ports::BoxFuture<'static, ()>>,
}

impl<'a> Pace<'a> {
    fn new(limits: &'a BodyLimits, clock: &'a dyn Clock) -> Self {
        let started = clock.monotonic();
        Self {
            limits,
            clock,
            started,
            progress_at: started,
            octets: 0,
            timer: None,
        }
    }

    /// The next octets; none at the end. Trailers are dropped.
    async fn next<B>(&mut self, body: &mut B) -> Result<Option<Bytes>, BodyError>
    where
        B: Body<Data = Bytes> + Unpin,
    {
        loop {
            let frame = match self.timer.take() {
                None => match futures_util::FutureExt::now_or_never(body.frame()) {
                    Some(frame) => frame,
                    None => {
                        self.timer = Some(self.clock.sleep(self.left()?));
                        continue;
                    }
                },
                Some(timer) => match select(body.frame(), timer).await {
                    Either::Left((frame, timer)) => {
                        self.timer = Some(timer);
                        frame
                    }
                    Either::Right(((), _)) => {
                        self.timer = Some(self.clock.sleep(self.left()?));
                        continue;
                    }
                },
            };
            let Some(frame) = frame else { return Ok(None) };
            let Ok(frame) = frame else {
                return Err(BodyError::Broken);
            };
            if let Ok(data) = frame.into_data() {
                self.octets = self
                    .octets
                    .saturating_add(u64::try_from(data.len()).unwrap_or(u64::MAX));
                self.progress_at = self.clock.monotonic();
                return Ok(Some(data));
            }
        }
    }

    fn left(&self) -> Result<Duration, BodyError> {
        let earned = Duration::from_secs(self.octets / u64::from(self.limits.rate.max(1)));
        let deadline = (self.progress_at + self.limits.idle).min(self.started + self.limits.idle + earned);
        let left = deadline.checked_sub(self.clock.monotonic());
        left.filter(|left| !left.is_zero()).ok_or(BodyError::TooSlow)
    }
}

/// A response body of octets where they lie. Its length is known, so that it travels with a Content-Length.
#[derive(Debug, Default)]
pub struct Chunks {
    queue: VecDeque<Chunk>,
    remaining: u64,
}

/// A run of octets of a response.
#[derive(Debug)]
pub struct Chunk {
    octets: Bytes,
    /// With the last one of a tracked response.
    departure: Option<Departure>,
}

impl Chunks {
    /// No octets.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    /// These octets, one after the other.
    #[must_use]
    pub fn new(chunks: Vec<Bytes>) -> Self {
        let remaining = chunks
            .iter()
            .map(|chunk| u64::try_from(chunk.len()).unwrap_or(u64::MAX))
            .sum();
        let chunks = chunks.into_iter().filter(|chunk| !chunk.is_empty());
        let queue = chunks
            .map(|octets| Chunk {
                octets,
                departure: None,
            })
            .collect();
        Self { queue, remaining }
    }

    /// These octets; `told` is called once: with true when the last one was handed to the socket, with false when the
    /// response broke before (or has no octets).
    #[must_use]
    pub fn tracked(chunks: Vec<Bytes>, departures: &Arc<Departures>, told: Told) -> Self {
        let mut chunks = Self::new(chunks);
        let departure = Departure::new(departures, told);
        if let Some(last) = chunks.queue.back_mut() {
            last.departure = Some(departure);
        }
        chunks
    }

    /// Octets that are left.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.remaining
    }

    /// Whether none are left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.remaining == 0
    }
}

impl Body for Chunks {
    type Data = Chunk;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Chunk>, Infallible>>> {
        let Some(chunk) = self.queue.pop_front() else {
            return Poll::Ready(None);
        };
        let octets = u64::try_from(chunk.remaining()).unwrap_or(u64::MAX);
        self.remaining = self.remaining.saturating_sub(octets);
        Poll::Ready(Some(Ok(Frame::data(chunk))))
    }

    fn is_end_stream(&self) -> bool {
        self.queue.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.remaining)
    }
}

impl Buf for Chunk {
    fn remaining(&self) -> usize {
        self.octets.len()
    }

    fn chunk(&self) -> &[u8] {
        &self.octets
    }

    fn advance(&mut self, count: usize) {
        self.octets.advance(count);
        if self.octets.is_empty()
            && let Some(departure) = self.departure.take()
        {
            departure.consumed();
        }
    }
}
