//! One bind: octets in and out, timers, and which part of the link each event concerns.

use std::time::Duration;

use bytes::Buf as _;
use mmsc_ports::Ports;
use mmsc_wire::smpp::{
    Body, FrameError, MAX_LENGTH, Pdu, ShortMessage, Status, congestion_state, decode, encode, split,
};
use tokio::sync::{mpsc, watch};

use super::flight::Job;
use super::inbound::{Asked, Inbound, Reply, Told};
use super::io::{Io, Turn};
use super::link::{Board, Link};
use super::memory::{Around, Memory};
use super::sequence::Sequence;
use super::translate::{self, Delivery};
use super::window::{After, Answer, Window};

/// How often a session looks for what nobody wakes it for: marks of waiting pushes, receipts that never came.
const LOOK: Duration = Duration::from_secs(1);
/// Missing receipts reported per look.
const MISSING: usize = 100;
/// A peer that takes no more octets is left after this.
const CLOSE: Duration = Duration::from_secs(2);

/// command_id of submit_sm_resp, and the bit that marks responses.
const SUBMIT_SM_RESP: u32 = 0x8000_0004;
const RESPONSE: u32 = 0x8000_0000;

/// Why a session is over.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// Closed or broken.
    Lost(&'static str),
    /// The SMSC unbound us.
    Unbound,
    /// The SMSC says that we are not bound.
    NotBound,
    /// We unbound, because the link is to stop.
    Stopped,
}

enum Phase {
    Serving,
    /// No new pushes; waiting for what is out.
    Draining {
        until: Duration,
    },
    /// unbind was sent.
    Unbinding {
        until: Duration,
    },
}

enum Event {
    Octets(std::io::Result<Turn>),
    Job(Job),
    Told(Told),
    Stop,
    Timer,
}

pub(super) struct Session<'a> {
    link: &'a Link,
    board: &'a Board,
    ports: &'a Ports,
    memory: &'a mut Memory,
    io: Io,
    window: Window,
    inbound: Inbound,
    phase: Phase,
    heard_at: Duration,
    looked_at: Duration,
    /// enquire_link without answer, and since when.
    enquired: Option<Duration>,
    now: Duration,
}

impl<'a> Session<'a> {
    pub(super) fn new(
        link: &'a Link,
        board: &'a Board,
        ports: &'a Ports,
        memory: &'a mut Memory,
        io: Io,
        sequence: Sequence,
    ) -> Self {
        let now = ports.clock.monotonic();
        Self {
            link,
            board,
            ports,
            memory,
            io,
            window: Window::new(sequence),
            inbound: Inbound::new(
                std::sync::Arc::clone(&board.events),
                std::sync::Arc::clone(&ports.clock),
            ),
            phase: Phase::Serving,
            heard_at: now,
            looked_at: now,
            enquired: None,
            now,
        }
    }

    /// Serves until the bind is over. What was out then is unknown, what was not was not made.
    pub(super) async fn run(mut self, jobs: &mut mpsc::Receiver<Job>, stop: &mut watch::Receiver<bool>) -> Ended {
        let mut over = self.read();
        let ended = loop {
            if let Some(ended) = over.take().or_else(|| self.pass_time()) {
                break ended;
            }
            let pace = self.pump(jobs);
            let event = self.next_event(jobs, stop, pace).await;
            self.now = self.ports.clock.monotonic();
            over = self.handle(event);
        };
        self.link.set_open(false);
        let (window, mut around) = self.parts();
        window.disconnect(&mut around);
        self.measure();
        tokio::select! {
            biased;
            () = self.io.close() => {}
            () = self.ports.clock.sleep(CLOSE) => {}
        }
        ended
    }

    fn handle(&mut self, event: Event) -> Option<Ended> {
        match event {
            Event::Octets(Ok(Turn::Read)) => return self.read(),
            Event::Octets(Ok(Turn::Wrote)) | Event::Timer => {}
            Event::Octets(Err(error)) => {
                tracing::debug!(smsc = %self.link.config.name, %error, "connection over");
                return Some(Ended::Lost("the connection is closed"));
            }
            Event::Job(job) => {
                let (window, mut around) = self.parts();
                window.admit(job, &mut around);
            }
            Event::Told(told) => self.told(&told),
            Event::Stop => self.drain(),
        }
        None
    }

    async fn next_event(
        &mut self,
        jobs: &mut mpsc::Receiver<Job>,
        stop: &mut watch::Receiver<bool>,
        pace: Option<Duration>,
    ) -> Event {
        let serving = matches!(self.phase, Phase::Serving);
        let wants_job = serving && pace.is_none() && self.window.has_room(self.link.config.window);
        let wake = self.next_timer(pace).saturating_sub(self.ports.clock.monotonic());
        tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop), if serving => Event::Stop,
            // Before reading, so that a flood of receipts cannot keep those before it from being told.
            told = self.inbound.next_told() => Event::Told(told),
            turn = self.io.turn() => Event::Octets(turn),
            Some(job) = jobs.recv(), if wants_job => Event::Job(job),
            () = self.ports.clock.sleep(wake) => Event::Timer,
        }
    }

    fn next_timer(&self, pace: Option<Duration>) -> Duration {
        let timers = &self.link.config.timers;
        let keep_alive = match self.enquired {
            Some(since) => since + timers.enquire_response,
            None => self.heard_at + timers.idle,
        };
        let phase = match self.phase {
            Phase::Serving => None,
            Phase::Draining { until } | Phase::Unbinding { until } => Some(until),
        };
        let others = [
            pace,
            phase,
            self.window.next_expiry(&self.link.config),
            self.inbound.next_release(),
            Some(self.looked_at + LOOK),
        ];
        others.into_iter().flatten().fold(keep_alive, Duration::min)
    }

    /// Sends what may be sent, taking pushes from the queue as the window empties. Only into an empty buffer, which is
    /// written next: the gate of each push was asked for this moment.
    fn pump(&mut self, jobs: &mut mpsc::Receiver<Job>) -> Option<Duration> {
        let mut later = None;
        if self.io.out.is_empty() && !matches!(self.phase, Phase::Unbinding { .. }) {
            let mut out = std::mem::take(&mut self.io.out);
            loop {
                let size = self.link.config.window;
                let (window, mut around) = self.parts();
                later = window.pump(&mut around, &mut out);
                let may_take = matches!(self.phase, Phase::Serving) && later.is_none() && self.window.has_room(size);
                let Some(job) = may_take.then(|| jobs.try_recv().ok()).flatten() else {
                    break;
                };
                let (window, mut around) = self.parts();
                window.admit(job, &mut around);
            }
            self.io.out = out;
        }
        self.measure();
        self.board.announce_drained(self.link);
        later
    }

    fn measure(&self) {
        let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        self.link.metrics.window_used.set(count(self.window.outstanding()));
        self.link.metrics.remembered.set(count(self.memory.correlation.len()));
        #[allow(clippy::cast_possible_truncation, reason = "a rate is far below 2^63")]
        self.link.metrics.rate.set(self.memory.pace.rate().round() as i64);
        self.link.measure_queue();
    }

    /// Everything that time alone brings about.
    fn pass_time(&mut self) -> Option<Ended> {
        self.now = self.ports.clock.monotonic();
        let (window, mut around) = self.parts();
        let unanswered = window.expire(&mut around);
        for asked in self.release_receipts() {
            self.deliver_response(asked, Status::ROK);
        }
        if self.looked_at + LOOK <= self.now {
            self.looked_at = self.now;
            self.board.announce_awaited(self.link);
            self.report_missing();
        }
        self.keep_alive(unanswered).or_else(|| self.pass_phase())
    }

    fn keep_alive(&mut self, unanswered: bool) -> Option<Ended> {
        let timers = self.link.config.timers;
        match self.enquired {
            Some(since) if since + timers.enquire_response <= self.now => {
                Some(Ended::Lost("enquire_link was not answered"))
            }
            None if unanswered || self.heard_at + timers.idle <= self.now => {
                self.enquired = Some(self.now);
                self.request(Body::EnquireLink);
                None
            }
            Some(_) | None => None,
        }
    }

    fn pass_phase(&mut self) -> Option<Ended> {
        match self.phase {
            Phase::Serving => None,
            Phase::Draining { until } => {
                if (self.window.is_idle() && self.inbound.is_idle()) || until <= self.now {
                    self.phase = Phase::Unbinding {
                        until: self.now + self.link.config.timers.response,
                    };
                    self.request(Body::Unbind);
                }
                None
            }
            Phase::Unbinding { until } => (until <= self.now).then_some(Ended::Stopped),
        }
    }

    fn drain(&mut self) {
        self.link.set_open(false);
        self.phase = Phase::Draining {
            until: self.now + self.link.config.timers.drain,
        };
        let (window, mut around) = self.parts();
        window.refuse_waiting(&mut around);
    }

    /// Interprets every whole PDU in the inbox.
    fn read(&mut self) -> Option<Ended> {
        loop {
            let (frame, used) = match split(&self.io.inbox, MAX_LENGTH) {
                Ok(Some(found)) => found,
                Ok(None) => return None,
                Err(error) => return Some(self.wrong_length(error)),
            };
            let (command, sequence, status) = (frame.command, frame.sequence, Status(frame.status));
            let (pdu, congestion) = (decode(&frame), congestion_state(&frame));
            self.io.inbox.advance(used);
            self.heard_at = self.now;
            if congestion.is_some_and(|state| self.memory.pace.congested(self.now, state)) {
                self.link.metrics.slowdowns.increment();
            }
            let ended = match pdu {
                Ok(pdu) => self.take(pdu),
                Err(error) => {
                    tracing::warn!(smsc = %self.link.config.name, %error, command, "PDU not understood");
                    self.not_understood(command, sequence, status)
                }
            };
            if ended.is_some() {
                return ended;
            }
        }
    }

    /// After a wrong length nothing can be found any more.
    fn wrong_length(&mut self, error: FrameError) -> Ended {
        tracing::warn!(smsc = %self.link.config.name, %error, "wrong PDU length");
        self.link.metrics.protocol_errors.increment();
        self.write(&Pdu::nack(0, Status::RINVCMDLEN));
        Ended::Lost("a PDU had a wrong length")
    }

    /// The header was read, the body was not.
    fn not_understood(&mut self, command: u32, sequence: u32, status: Status) -> Option<Ended> {
        self.link.metrics.protocol_errors.increment();
        if command == SUBMIT_SM_RESP {
            // The status counts; only the id is lost.
            let answer = Answer {
                status,
                ..Answer::default()
            };
            return self.answered(sequence, &answer);
        }
        if command & RESPONSE == 0 {
            self.write(&Pdu::nack(sequence, Status::RINVCMDLEN));
        }
        None
    }

    fn take(&mut self, pdu: Pdu) -> Option<Ended> {
        let Pdu { sequence, status, body } = pdu;
        match body {
            Body::SubmitSmResp(message_id) => {
                let answer = Answer {
                    status,
                    nack: false,
                    message_id,
                };
                return self.answered(sequence, &answer);
            }
            Body::GenericNack => {
                let answer = Answer {
                    status,
                    nack: true,
                    message_id: None,
                };
                return self.answered(sequence, &answer);
            }
            Body::DeliverSm(message) => self.deliver(Asked::deliver_sm(sequence), &message),
            Body::DataSm(message) => self.deliver(Asked::data_sm(sequence), &translate::of_data_sm(message)),
            Body::EnquireLink => self.write(&Pdu::response(sequence, Status::ROK, Body::EnquireLinkResp)),
            Body::EnquireLinkResp => self.enquired = None,
            Body::Unbind => {
                self.write(&Pdu::response(sequence, Status::ROK, Body::UnbindResp));
                return Some(match self.phase {
                    Phase::Serving => Ended::Unbound,
                    Phase::Draining { .. } | Phase::Unbinding { .. } => Ended::Stopped,
                });
            }
            Body::UnbindResp => return matches!(self.phase, Phase::Unbinding { .. }).then_some(Ended::Stopped),
            // A handset is back; MM1 or the next receipt tells the same.
            Body::AlertNotification(_) => {}
            Body::BindReceiver(_)
            | Body::BindTransmitter(_)
            | Body::BindTransceiver(_)
            | Body::SubmitSm(_)
            | Body::Outbind(_)
            | Body::BindReceiverResp(_)
            | Body::BindTransmitterResp(_)
            | Body::BindTransceiverResp(_)
            | Body::DeliverSmResp
            | Body::DataSmResp(_)
            | Body::Other { .. } => self.misplaced(sequence, &body),
        }
        None
    }

    /// Nothing that an SMSC should send us here.
    fn misplaced(&mut self, sequence: u32, body: &Body) {
        self.link.metrics.protocol_errors.increment();
        if !body.is_response() {
            self.write(&Pdu::nack(sequence, Status::RINVCMDID));
        }
    }

    fn answered(&mut self, sequence: u32, answer: &Answer) -> Option<Ended> {
        let (window, mut around) = self.parts();
        match window.response(sequence, answer, &mut around) {
            After::Done => {}
            After::Rebind => return Some(Ended::NotBound),
            After::Receipt { id, meaning } => {
                let (inbound, mut around) = self.inbound_parts();
                if let Some((asked, Reply::Done)) = inbound.response(&id, meaning, &mut around) {
                    self.deliver_response(asked, Status::ROK);
                }
            }
            // An answer after its time, or a generic_nack about nothing that we know.
            After::Stray if answer.nack => self.link.metrics.protocol_errors.increment(),
            After::Stray => {}
        }
        None
    }

    fn deliver(&mut self, asked: Asked, message: &ShortMessage) {
        let metrics = &self.link.metrics;
        match translate::delivery(&self.link.config, message) {
            Delivery::Final(receipt) => {
                let number = receipt.from.as_ref().and_then(translate::number).unwrap_or_default();
                let unanswered = self.window.unanswered(number);
                let (inbound, mut around) = self.inbound_parts();
                match inbound.receipt(asked, receipt, unanswered, &mut around) {
                    Reply::Done => self.deliver_response(asked, Status::ROK),
                    Reply::Busy => self.deliver_response(asked, Status::RTHROTTLED),
                    Reply::Later => {}
                }
                return;
            }
            Delivery::Intermediate => metrics.intermediate.increment(),
            Delivery::Originated => metrics.originated.increment(),
            Delivery::Unreadable => metrics.unmatched.increment(),
        }
        self.deliver_response(asked, Status::ROK);
    }

    fn told(&mut self, told: &Told) {
        let (_, mut around) = self.inbound_parts();
        told.settle(&mut around);
        if let Some(asked) = told.asked {
            let status = if told.taken { Status::ROK } else { Status::RX_T_APPN };
            self.deliver_response(asked, status);
        }
    }

    fn release_receipts(&mut self) -> Vec<Asked> {
        let (inbound, mut around) = self.inbound_parts();
        inbound.release(&mut around)
    }

    fn report_missing(&mut self) {
        for _ in 0..MISSING {
            let (inbound, mut around) = self.inbound_parts();
            if !inbound.has_room() {
                return;
            }
            let Some((address, id)) = around.memory.correlation.expired(around.now) else {
                return;
            };
            inbound.missing(address, &id, &mut around);
        }
    }

    fn deliver_response(&mut self, asked: Asked, status: Status) {
        self.write(&asked.response(status));
    }

    fn request(&mut self, body: Body) {
        let sequence = self.window.next_sequence();
        self.write(&Pdu::request(sequence, body));
    }

    fn write(&mut self, pdu: &Pdu) {
        let mut octets = Vec::with_capacity(32);
        match encode(pdu, &mut octets) {
            Ok(()) => self.io.out.extend_from_slice(&octets),
            Err(error) => tracing::error!(smsc = %self.link.config.name, %error, "a PDU cannot be encoded"),
        }
    }

    fn parts(&mut self) -> (&mut Window, Around<'_>) {
        let (window, _, around) = self.all_parts();
        (window, around)
    }

    fn inbound_parts(&mut self) -> (&mut Inbound, Around<'_>) {
        let (_, inbound, around) = self.all_parts();
        (inbound, around)
    }

    fn all_parts(&mut self) -> (&mut Window, &mut Inbound, Around<'_>) {
        let around = Around {
            config: &self.link.config,
            metrics: &self.link.metrics,
            memory: self.memory,
            now: self.now,
        };
        (&mut self.window, &mut self.inbound, around)
    }
}
