//! One session: bind, submits, receipts, until either side ends it.

use std::collections::BTreeMap;
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use mmsc_ports::net::{BoxStream, Listener};
use mmsc_wire::push;
use mmsc_wire::smpp::{Bind, BindResp, Body, MAX_LENGTH, MIN_LENGTH, Pdu, ShortMessage, Status, decode, encode, split};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, ReadHalf, WriteHalf};
use tokio::sync::mpsc;

use super::assemble::Piece;
use super::behaviour::{Behaviour, Timing};
use super::receipt::receipt;
use super::{Push, Shared};
use crate::handset::Told;

/// `deliver_sm` that may wait for a session.
const INWARD: usize = 1024;

/// Takes connections until the listener fails or the task is ended.
pub(super) async fn accept(shared: Arc<Shared>, listener: Box<dyn Listener>) {
    let numbers = AtomicU64::new(0);
    while let Ok((stream, _)) = listener.accept().await {
        let number = numbers.fetch_add(1, Ordering::Relaxed);
        let session = Session::new(Arc::clone(&shared), number, stream);
        shared.ports.spawn.task("smsc-session", Box::pin(session.run()));
    }
}

/// What a session does next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    GoOn,
    /// Write what is pending, then close.
    Close,
    /// Close at once.
    Drop,
}

struct Session {
    shared: Arc<Shared>,
    number: u64,
    reader: ReadHalf<BoxStream>,
    writer: WriteHalf<BoxStream>,
    input: Vec<u8>,
    output: Vec<u8>,
    /// Answers and receipts for later, by time.
    later: BTreeMap<(Duration, u64), Pdu>,
    /// Counts what was put into `later`.
    put_off: u64,
    inward: Option<mpsc::Receiver<Body>>,
    bound: bool,
    receives: bool,
    transmits: bool,
    sequence: u32,
}

impl Session {
    fn new(shared: Arc<Shared>, number: u64, stream: BoxStream) -> Self {
        let (reader, writer) = tokio::io::split(stream);
        Self {
            shared,
            number,
            reader,
            writer,
            input: Vec::with_capacity(16 * 1024),
            output: Vec::new(),
            later: BTreeMap::new(),
            put_off: 0,
            inward: None,
            bound: false,
            receives: false,
            transmits: false,
            sequence: 0,
        }
    }

    async fn run(mut self) {
        let mut closing = self.shared.closing.subscribe();
        loop {
            let next = self.take_input().await;
            if next == Next::Drop || !self.flush().await || next == Next::Close {
                break;
            }
            let clock = self.shared.ports.clock.clone();
            let first = self.later.first_key_value().map(|((at, _), _)| *at);
            let wait = first.map(|at| clock.sleep(at.saturating_sub(clock.monotonic())));
            tokio::select! {
                read = self.reader.read_buf(&mut self.input) => match read {
                    Ok(1..) => {}
                    Ok(0) | Err(_) => break,
                },
                () = async { match wait { Some(wait) => wait.await, None => pending().await } } => self.take_due(),
                body = async { match &mut self.inward { Some(inward) => inward.recv().await, None => pending().await } } => {
                    if let Some(body) = body {
                        self.deliver(body);
                    }
                }
                _ = closing.changed() => break,
            }
        }
        self.forget();
    }

    /// Handles every whole PDU that has been read.
    async fn take_input(&mut self) -> Next {
        let mut used = 0;
        let mut next = Next::GoOn;
        while next == Next::GoOn {
            let (pdu, octets) = match split(self.input.get(used..).unwrap_or_default(), MAX_LENGTH) {
                Ok(None) => break,
                Ok(Some((frame, octets))) => (decode(&frame).map_err(|_| frame.sequence), octets),
                Err(_) => {
                    self.put(&Pdu::nack(0, Status::RINVCMDLEN));
                    return Next::Close;
                }
            };
            used += octets.max(MIN_LENGTH as usize);
            next = match pdu {
                Ok(pdu) => self.handle(pdu).await,
                Err(sequence) => {
                    self.put(&Pdu::nack(sequence, Status::RINVMSGLEN));
                    Next::GoOn
                }
            };
        }
        self.input.drain(..used.min(self.input.len()));
        next
    }

    async fn handle(&mut self, pdu: Pdu) -> Next {
        let sequence = pdu.sequence;
        match pdu.body {
            Body::BindReceiver(bind) => self.bind(sequence, &bind, (true, false), Body::BindReceiverResp),
            Body::BindTransmitter(bind) => self.bind(sequence, &bind, (false, true), Body::BindTransmitterResp),
            Body::BindTransceiver(bind) => self.bind(sequence, &bind, (true, true), Body::BindTransceiverResp),
            Body::SubmitSm(message) => return self.submit(sequence, message).await,
            Body::DeliverSmResp => {
                let counts = &self.shared.counts;
                let count = match pdu.status.is_ok() {
                    true => &counts.receipts_taken,
                    false => &counts.receipts_refused,
                };
                count.fetch_add(1, Ordering::Relaxed);
            }
            Body::EnquireLink => self.answer(sequence, Status::ROK, Body::EnquireLinkResp),
            Body::Unbind => {
                self.answer(sequence, Status::ROK, Body::UnbindResp);
                return Next::Close;
            }
            Body::UnbindResp => return Next::Close,
            Body::EnquireLinkResp | Body::GenericNack | Body::Outbind(_) | Body::AlertNotification(_) => {}
            Body::BindReceiverResp(_) | Body::BindTransmitterResp(_) | Body::BindTransceiverResp(_) => {}
            Body::SubmitSmResp(_) | Body::DataSmResp(_) => {}
            Body::DataSm(_) | Body::DeliverSm(_) => self.put(&Pdu::nack(sequence, Status::RINVCMDID)),
            Body::Other { command, .. } if command & 0x8000_0000 != 0 => {}
            Body::Other { .. } => self.put(&Pdu::nack(sequence, Status::RINVCMDID)),
        }
        Next::GoOn
    }

    fn bind(&mut self, sequence: u32, bind: &Bind, directions: (bool, bool), answer: fn(BindResp) -> Body) {
        let settings = &self.shared.settings;
        let status = if self.bound {
            Status::RALYBND
        } else if bind.system_id != settings.system_id {
            Status::RINVSYSID
        } else if bind.password != settings.password {
            Status::RINVPASWD
        } else {
            Status::ROK
        };
        let resp = BindResp {
            system_id: "smsc".into(),
            sc_interface_version: Some(0x34),
        };
        self.answer(sequence, status, answer(resp));
        if !status.is_ok() {
            self.shared.counts.refused_binds.fetch_add(1, Ordering::Relaxed);
            return;
        }
        self.bound = true;
        (self.receives, self.transmits) = directions;
        if self.receives {
            let (inward, receiver) = mpsc::channel(INWARD);
            self.inward = Some(receiver);
            self.shared.receivers().push((self.number, inward));
        }
        self.shared.counts.binds.fetch_add(1, Ordering::Relaxed);
        self.shared.bound.send_modify(|bound| *bound += 1);
    }

    async fn submit(&mut self, sequence: u32, message: ShortMessage) -> Next {
        if !self.transmits {
            self.answer(sequence, Status::RINVBNDSTS, Body::SubmitSmResp(None));
            return Next::GoOn;
        }
        let behaviour = self.shared.plan().choose(&message.destination.addr);
        let refusal = match behaviour {
            Behaviour::Accept | Behaviour::LoseAnswer | Behaviour::Delay(_) => None,
            Behaviour::Throttle => Some((Some(Status::RTHROTTLED), Next::GoOn)),
            Behaviour::Refuse(status) => Some((Some(status), Next::GoOn)),
            Behaviour::NoAnswer => Some((None, Next::GoOn)),
            Behaviour::Close => Some((None, Next::Drop)),
        };
        if let Some((status, next)) = refusal {
            self.shared.counts.not_accepted.fetch_add(1, Ordering::Relaxed);
            if let Some(status) = status {
                self.answer(sequence, status, Body::SubmitSmResp(None));
            }
            return next;
        }
        self.shared.counts.accepted.fetch_add(1, Ordering::Relaxed);
        let id = self.shared.next_message_id();
        hand_out(&self.shared, &message, id).await;
        self.answer_taken(sequence, &message, id, behaviour);
        Next::GoOn
    }

    /// Response and receipts of a message that was taken over, in the order that the settings ask for.
    fn answer_taken(&mut self, sequence: u32, message: &ShortMessage, id: u64, behaviour: Behaviour) {
        let receipts = self.shared.settings.receipts;
        let wanted = message.registered_delivery & 0x03 != 0;
        let state = receipts.state.filter(|_| wanted);
        let timing = receipts.timing;
        if timing == Timing::BeforeResponse {
            self.receipts(message, id, state);
        }
        let resp = Body::SubmitSmResp(Some(format!("{id:x}")));
        let resp = Pdu::response(sequence, Status::ROK, resp);
        match behaviour {
            Behaviour::Delay(by) => self.put_later(by, resp),
            Behaviour::LoseAnswer => {}
            Behaviour::Accept | Behaviour::Throttle | Behaviour::Refuse(_) | Behaviour::NoAnswer | Behaviour::Close => {
                self.put(&resp)
            }
        }
        if timing != Timing::BeforeResponse {
            self.receipts(message, id, state);
        }
    }

    fn receipts(&mut self, message: &ShortMessage, id: u64, state: Option<mmsc_wire::smpp::MessageState>) {
        let (Some(state), policy) = (state, self.shared.settings.receipts) else {
            return;
        };
        let body = Body::DeliverSm(receipt(message, id, state, policy.form));
        for _ in 0..policy.copies {
            self.shared.counts.receipts.fetch_add(1, Ordering::Relaxed);
            match policy.timing {
                Timing::Later(by) if self.receives => {
                    let pdu = self.request(body.clone());
                    self.put_later(by, pdu);
                }
                Timing::BeforeResponse | Timing::AfterResponse | Timing::Later(_) => self.deliver(body.clone()),
            }
        }
    }

    /// Sends a request here if this session receives, else through one that does.
    fn deliver(&mut self, body: Body) {
        if self.receives {
            let pdu = self.request(body);
            self.put(&pdu);
            return;
        }
        let receivers = self.shared.receivers();
        // A receipt that no receiver has room for is lost, as receipts are now and then.
        let _sent = receivers
            .iter()
            .any(|(_, inward)| inward.try_send(body.clone()).is_ok());
    }

    fn request(&mut self, body: Body) -> Pdu {
        self.sequence = self.sequence % 0x7fff_ffff + 1;
        Pdu::request(self.sequence, body)
    }

    fn answer(&mut self, sequence: u32, status: Status, body: Body) {
        self.put(&Pdu::response(sequence, status, body));
    }

    fn put(&mut self, pdu: &Pdu) {
        // Only echoed addresses could be too long, and those were decoded with the same limits; what cannot be
        // encoded is left out, and its peer sees a missing answer.
        let _left_out = encode(pdu, &mut self.output);
    }

    fn put_later(&mut self, by: Duration, pdu: Pdu) {
        self.put_off += 1;
        let at = self.shared.ports.clock.monotonic().saturating_add(by);
        self.later.insert((at, self.put_off), pdu);
    }

    fn take_due(&mut self) {
        let now = self.shared.ports.clock.monotonic();
        while let Some(entry) = self.later.first_entry().filter(|entry| entry.key().0 <= now) {
            let pdu = entry.remove();
            self.put(&pdu);
        }
    }

    /// Writes what is pending; false when the connection is gone.
    async fn flush(&mut self) -> bool {
        if self.output.is_empty() {
            return true;
        }
        let written = self.writer.write_all(&self.output).await;
        self.output.clear();
        written.is_ok()
    }

    fn forget(&self) {
        self.shared.receivers().retain(|(number, _)| *number != self.number);
        if self.bound {
            self.shared.bound.send_modify(|bound| *bound = bound.saturating_sub(1));
        }
    }
}

/// Puts a segment to its others; a whole push is decoded and handed out.
async fn hand_out(shared: &Shared, message: &ShortMessage, id: u64) {
    let piece = shared
        .assembler
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
        .take(message);
    let (wsp, segments) = match piece {
        Piece::Whole { wsp, segments } => (wsp, segments),
        Piece::Partial => return,
        Piece::Odd(_) => {
            shared.counts.odd.fetch_add(1, Ordering::Relaxed);
            return;
        }
    };
    let told = push::decode(&wsp)
        .map_err(|error| error.to_string())
        .and_then(|push| Told::decode(push.data).map_err(|error| error.to_string()));
    let push = Push {
        arrival: shared.counts.pushes.fetch_add(1, Ordering::Relaxed) + 1,
        at: shared.ports.clock.monotonic(),
        to: message.destination.addr.clone(),
        from: message.source.addr.clone(),
        message_id: format!("{id:x}"),
        segments,
        wsp,
        told,
    };
    // Nobody takes pushes any more: the SMSC goes on as a sink.
    let _sink = shared.pushes.send(push).await;
}
