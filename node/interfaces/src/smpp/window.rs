//! The submits of one bind: which push goes next, which segments wait for a response, how a push ended. No IO: octets
//! are appended to a buffer, time is an argument.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use bytes::BytesMut;
use mmsc_wire::smpp::{Body, Pdu, Status, encode};
use tokio::sync::oneshot;

use super::config::SmscConfig;
use super::correlation::Match;
use super::flight::{Flight, Job};
use super::memory::Around;
use super::replies::{Class, Verdict, class};
use super::sequence::Sequence;
use super::translate;

/// Answers RMSGQFUL in a row from which on it is the SMSC and not the number that is full.
const QUEUES_FULL: u32 = 8;

pub(super) struct Window {
    flights: BTreeMap<u64, Flight>,
    next_flight: u64,
    /// Segments to send, in order.
    ready: VecDeque<(u64, usize)>,
    outstanding: BTreeMap<u32, Outstanding>,
    sequence: Sequence,
}

struct Outstanding {
    flight: u64,
    segment: usize,
    sent_at: Duration,
}

/// What the session has to do after a response.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum After {
    /// Nothing more.
    Done,
    /// The response told the id of a receipt that was there already.
    Receipt { id: String, meaning: Match },
    /// The SMSC says that we are not bound.
    Rebind,
    /// Not an answer to anything outstanding.
    Stray,
}

impl Window {
    /// `sequence` goes on behind the bind's own number.
    pub(super) fn new(sequence: Sequence) -> Self {
        Self {
            flights: BTreeMap::new(),
            next_flight: 0,
            ready: VecDeque::new(),
            outstanding: BTreeMap::new(),
            sequence,
        }
    }

    /// Whether another push may be taken from the queue.
    pub(super) fn has_room(&self, window: usize) -> bool {
        self.ready.is_empty() && self.outstanding.len() < window
    }

    /// Nothing waits, nothing is outstanding.
    pub(super) fn is_idle(&self) -> bool {
        self.flights.is_empty()
    }

    /// Submits without response.
    pub(super) fn outstanding(&self) -> usize {
        self.outstanding.len()
    }

    /// Takes a push from the queue; one that cannot be sent is answered at once.
    pub(super) fn admit(&mut self, job: Job, around: &mut Around<'_>) {
        if job.deadline <= around.now {
            answer(job.reply, Verdict::Held);
            return;
        }
        if let Some(left) = around.memory.number_pause(around.now, &job.number) {
            answer(job.reply, Verdict::NumberPaused(left));
            return;
        }
        let validity = job.push.validity.min(around.config.validity_limit);
        let messages = match translate::submits(around.config, &job, validity, around.memory.optional_parameters) {
            Ok(messages) => messages,
            Err(error) => {
                tracing::error!(smsc = %around.config.name, %error, "a push cannot be submitted");
                around.metrics.faults.increment();
                answer(job.reply, Verdict::Fault);
                return;
            }
        };
        let id = self.next_flight;
        self.next_flight += 1;
        self.ready.extend((0..messages.len()).map(|segment| (id, segment)));
        self.flights.insert(id, Flight::new(job, messages, validity));
    }

    /// Appends to `out` what window and pace allow. The caller writes it at once: the gate was asked for it. Returns
    /// when to call again, if only the pace is in the way.
    pub(super) fn pump(&mut self, around: &mut Around<'_>, out: &mut BytesMut) -> Option<Duration> {
        while self.outstanding.len() < around.config.window {
            let (id, segment) = *self.ready.front()?;
            let Some(flight) = self.flights.get_mut(&id) else {
                self.ready.pop_front();
                continue;
            };
            // Before the pace: what may not go must not wait for its turn, least of all in a drain.
            if let Some(why) = flight.must_not_go() {
                self.settle(id, why, around);
                continue;
            }
            let tokens = flight.tokens(segment);
            if let Some(later) = around.memory.pace.not_before(around.now, tokens) {
                return Some(later);
            }
            self.ready.pop_front();
            around.memory.pace.take(around.now, tokens);
            self.send(id, segment, around, out);
        }
        None
    }

    fn send(&mut self, id: u64, segment: usize, around: &mut Around<'_>, out: &mut BytesMut) {
        let Some(flight) = self.flights.get_mut(&id) else {
            return;
        };
        flight.begin(around);
        let Some(message) = flight.pay(segment) else { return };
        let sequence = Self::number(&mut self.sequence, &self.outstanding);
        let mut octets = Vec::with_capacity(256);
        if let Err(error) = encode(&Pdu::request(sequence, Body::SubmitSm(message)), &mut octets) {
            tracing::error!(smsc = %around.config.name, %error, "a submit cannot be encoded");
            around.metrics.faults.increment();
            self.settle(id, Verdict::Fault, around);
            return;
        }
        flight.outstanding += 1;
        out.extend_from_slice(&octets);
        let sent = Outstanding {
            flight: id,
            segment,
            sent_at: around.now,
        };
        self.outstanding.insert(sequence, sent);
    }

    /// A number for a request that is no submit.
    pub(super) fn next_sequence(&mut self) -> u32 {
        Self::number(&mut self.sequence, &self.outstanding)
    }

    fn number(sequence: &mut Sequence, outstanding: &BTreeMap<u32, Outstanding>) -> u32 {
        sequence.next(|used| outstanding.contains_key(&used))
    }

    /// A response, or a generic_nack in its place.
    pub(super) fn response(&mut self, sequence: u32, answer: &Answer, around: &mut Around<'_>) -> After {
        let Some(sent) = self.outstanding.remove(&sequence) else {
            return After::Stray;
        };
        let Outstanding {
            flight,
            segment,
            sent_at,
        } = sent;
        around
            .metrics
            .response_seconds
            .observe(around.now.saturating_sub(sent_at));
        if let Some(flight) = self.flights.get_mut(&flight) {
            flight.outstanding = flight.outstanding.saturating_sub(1);
        }
        let class = match answer.nack {
            true => Class::Bug,
            false => class(answer.status, around.config.vendor_class(answer.status.0)),
        };
        around.metrics.submitted(class);
        self.act(class, flight, segment, answer, around)
    }

    fn act(&mut self, class: Class, id: u64, segment: usize, answer: &Answer, around: &mut Around<'_>) -> After {
        match class {
            Class::Ok => return self.taken(id, segment, answer, around),
            Class::Throttled => self.throttled(id, segment, around),
            Class::QueueFull => self.queue_full(id, segment, around),
            Class::Transient => self.settle(id, Verdict::Transient, around),
            Class::TransientOnce => {
                let verdict = self.submit_failed(id, around);
                self.settle(id, verdict, around);
            }
            Class::Permanent => self.settle(id, Verdict::Permanent, around),
            Class::Configuration | Class::Bug => {
                tracing::error!(smsc = %around.config.name, status = %answer.status, class = class.label(),
                    "the SMSC refuses what we send; retrying will not help");
                around.metrics.faults.increment();
                self.settle(id, Verdict::Fault, around);
            }
            Class::Session => {
                self.settle(id, Verdict::NotMade, around);
                return After::Rebind;
            }
            Class::Times | Class::OptionalParameters => self.mend(class, id, segment, around),
        }
        After::Done
    }

    fn taken(&mut self, id: u64, segment: usize, answer: &Answer, around: &mut Around<'_>) -> After {
        around.memory.queues_full = 0;
        around.memory.pace.accepted(around.now);
        let message_id = answer
            .message_id
            .as_deref()
            .map(|id| translate::response_id(around.config, id));
        let message_id = message_id.unwrap_or_default();
        let mut after = After::Done;
        let Some(flight) = self.flights.get_mut(&id) else {
            return after;
        };
        flight.take(segment, &message_id);
        if let (Some(push), false) = (flight.correlated, message_id.is_empty()) {
            let correlation = &mut around.memory.correlation;
            let meaning = correlation.answered(around.now, push, segment, &message_id);
            if let Some(meaning) = meaning {
                after = After::Receipt {
                    id: message_id,
                    meaning,
                };
            }
        }
        if let Some(ids) = flight.all_taken() {
            self.settle(id, Verdict::Sent(ids), around);
        } else {
            self.finish(id, around);
        }
        after
    }

    fn throttled(&mut self, id: u64, segment: usize, around: &mut Around<'_>) {
        around
            .metrics
            .slowdowns
            .add(u64::from(around.memory.pace.throttled(around.now)));
        self.again(id, segment, around);
    }

    /// Puts a segment back in front; after its push was decided there is nothing to repeat.
    fn again(&mut self, id: u64, segment: usize, around: &mut Around<'_>) {
        match self.flights.get_mut(&id) {
            Some(flight) if flight.verdict.is_none() => {
                flight.unpay(segment);
                // In the order of the push, also when several of its segments come back.
                let at = self
                    .ready
                    .iter()
                    .take_while(|(other, earlier)| *other < id || (*other == id && *earlier < segment))
                    .count();
                self.ready.insert(at, (id, segment));
            }
            Some(_) => self.finish(id, around),
            None => {}
        }
    }

    fn queue_full(&mut self, id: u64, segment: usize, around: &mut Around<'_>) {
        around.memory.queues_full += 1;
        if around.memory.queues_full >= QUEUES_FULL {
            self.throttled(id, segment, around);
        } else if let Some(flight) = self.flights.get(&id) {
            let pause = around.memory.pause_number(around.now, &flight.job.number);
            self.settle(id, Verdict::NumberPaused(pause), around);
        }
    }

    fn submit_failed(&mut self, id: u64, around: &mut Around<'_>) -> Verdict {
        let number = self.flights.get(&id).map(|flight| flight.job.number.clone());
        match number.is_some_and(|number| around.memory.failed_before(around.now, &number)) {
            true => Verdict::Permanent,
            false => Verdict::Transient,
        }
    }

    /// Sends a segment once more without what was refused.
    fn mend(&mut self, class: Class, id: u64, segment: usize, around: &mut Around<'_>) {
        let leave_out = if class == Class::OptionalParameters {
            around.memory.optional_parameters = false;
            translate::without_optional_parameters
        } else {
            translate::without_validity
        };
        let flight = self.flights.get_mut(&id);
        let mended = flight.is_some_and(|flight| flight.mend(segment, leave_out));
        if mended {
            self.again(id, segment, around);
        } else {
            tracing::error!(smsc = %around.config.name, class = class.label(), "the SMSC refuses a push as it must be");
            around.metrics.faults.increment();
            self.settle(id, Verdict::Fault, around);
        }
    }

    /// The first verdict on a push counts: with one segment refused or lost, the others cannot make it whole. What has
    /// not left stays here.
    fn settle(&mut self, id: u64, verdict: Verdict, around: &mut Around<'_>) {
        self.ready.retain(|(flight, _)| *flight != id);
        if let Some(flight) = self.flights.get_mut(&id) {
            flight.verdict.get_or_insert(verdict);
        }
        self.finish(id, around);
    }

    /// Answers a decided push once nothing of it is outstanding.
    fn finish(&mut self, id: u64, around: &mut Around<'_>) {
        let over = |flight: &Flight| flight.verdict.is_some() && flight.outstanding == 0;
        if !self.flights.get(&id).is_some_and(over) {
            return;
        }
        if let Some(Flight {
            job,
            verdict: Some(verdict),
            correlated,
            ..
        }) = self.flights.remove(&id)
        {
            if let (Some(push), false) = (correlated, matches!(verdict, Verdict::Sent(_))) {
                around.memory.correlation.abandon(push);
            }
            answer(job.reply, verdict);
        }
    }

    /// Gives up what was not answered in time and what waited past its deadline. True if an answer is missing.
    pub(super) fn expire(&mut self, around: &mut Around<'_>) -> bool {
        let limit = around.config.timers.submit_response;
        let now = around.now;
        let late: Vec<u32> = self
            .outstanding
            .iter()
            .filter(|(_, sent)| sent.sent_at + limit <= now)
            .map(|(sequence, _)| *sequence)
            .collect();
        for sequence in &late {
            self.lose(*sequence, around);
        }
        let over: Vec<u64> = self
            .flights
            .iter()
            .filter(|(_, flight)| flight.job.deadline <= now && flight.verdict.is_none())
            .map(|(id, _)| *id)
            .collect();
        for id in over {
            let verdict = self.flights.get(&id).map_or(Verdict::Held, Flight::overdue);
            self.settle(id, verdict, around);
        }
        !late.is_empty()
    }

    fn lose(&mut self, sequence: u32, around: &mut Around<'_>) {
        let Some(sent) = self.outstanding.remove(&sequence) else {
            return;
        };
        around.metrics.unanswered.increment();
        if let Some(flight) = self.flights.get_mut(&sent.flight) {
            flight.outstanding = flight.outstanding.saturating_sub(1);
        }
        self.settle(sent.flight, Verdict::Unknown, around);
    }

    /// The bind is gone: what was out is unknown, what was not was not made.
    pub(super) fn disconnect(&mut self, around: &mut Around<'_>) {
        let sequences: Vec<u32> = self.outstanding.keys().copied().collect();
        for sequence in sequences {
            self.lose(sequence, around);
        }
        self.refuse_waiting(around);
    }

    /// Pushes of which nothing is out are given back; others end with what is known of them.
    pub(super) fn refuse_waiting(&mut self, around: &mut Around<'_>) {
        let waiting: Vec<u64> = self
            .flights
            .iter()
            .filter(|(_, flight)| flight.outstanding == 0)
            .map(|(id, _)| *id)
            .collect();
        for id in waiting {
            let verdict = self.flights.get(&id).map_or(Verdict::NotMade, Flight::cut_off);
            self.settle(id, verdict, around);
        }
    }

    /// When [`Window::expire`] has something to do next.
    pub(super) fn next_expiry(&self, config: &SmscConfig) -> Option<Duration> {
        let limit = config.timers.submit_response;
        let response = self.outstanding.values().map(|sent| sent.sent_at + limit).min();
        let undecided = self.flights.values().filter(|flight| flight.verdict.is_none());
        let deadline = undecided.map(|flight| flight.job.deadline).min();
        [response, deadline].into_iter().flatten().min()
    }

    /// Whether a submit to `number` is unanswered, and whether its push has several segments.
    pub(super) fn unanswered(&self, number: &str) -> Option<bool> {
        self.flights
            .values()
            .filter(|flight| flight.outstanding > 0)
            .find(|flight| same_number(&flight.job.number, number))
            .map(|flight| flight.is_long())
    }
}

/// What came back for a submit.
#[derive(Clone, Debug, Default)]
pub(super) struct Answer {
    pub(super) status: Status,
    /// The answer was a generic_nack.
    pub(super) nack: bool,
    pub(super) message_id: Option<String>,
}

/// SMSCs write a number in a receipt with or without its country code.
fn same_number(a: &str, b: &str) -> bool {
    !a.is_empty() && !b.is_empty() && (a.ends_with(b) || b.ends_with(a))
}

/// The caller may have given up; nobody misses the answer then.
fn answer(reply: oneshot::Sender<Verdict>, verdict: Verdict) {
    let _gone = reply.send(verdict);
}
