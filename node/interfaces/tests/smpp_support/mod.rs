//! A short-message centre for tests, on a simulated network with paused time: each test plays its part PDU by PDU.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    missing_docs
)]

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::{Buf as _, Bytes, BytesMut};
use mmsc_domain::Address;
use mmsc_interfaces::bearer::{BearerEvents, Push, PushBearer};
use mmsc_interfaces::smpp::{Secret, Smpp, SmscConfig};
use mmsc_ports::net::{BoxStream, Listener, Net};
use mmsc_ports::random::SeededRandom;
use mmsc_ports::{BoxFuture, Clock, Ports, RealSpawn, UnixMillis};
use mmsc_relay::port::{Gate, Receipt, TellOutcome};
use mmsc_wire::smpp::{
    Address as WireAddress, Bind, BindResp, Body, MAX_LENGTH, Pdu, ShortMessage, Status, Tlv, decode, encode,
    esm_class, split, tag,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Longer than anything that the link waits for; paused time makes it short.
pub const PATIENCE: Duration = Duration::from_secs(1000);
pub const HANDSET: &str = "491701234567";

pub struct TestClock(tokio::time::Instant);

impl Clock for TestClock {
    fn now(&self) -> UnixMillis {
        UnixMillis(1_700_000_000_000).plus(self.monotonic())
    }

    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }

    fn sleep(&self, d: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(d))
    }

    fn wall_offset_millis(&self) -> i64 {
        0
    }
}

/// Connects to the SMSCs of the test by name; one that is switched off refuses.
#[derive(Default)]
pub struct TestNet(Mutex<BTreeMap<String, mpsc::Sender<BoxStream>>>);

impl TestNet {
    pub fn switch_off(&self, target: &str) {
        self.0.lock().unwrap().remove(target);
    }

    pub fn switch_on(&self, target: &str) -> mpsc::Receiver<BoxStream> {
        let (sender, receiver) = mpsc::channel(16);
        self.0.lock().unwrap().insert(target.to_owned(), sender);
        receiver
    }
}

impl Net for TestNet {
    fn connect(&self, target: &str) -> BoxFuture<'static, io::Result<BoxStream>> {
        let smsc = self.0.lock().unwrap().get(target).cloned();
        Box::pin(async move {
            let (ours, theirs) = tokio::io::duplex(16 * 1024);
            let smsc = smsc.ok_or(io::ErrorKind::ConnectionRefused)?;
            smsc.send(Box::new(theirs))
                .await
                .map_err(|_| io::ErrorKind::ConnectionRefused)?;
            Ok(Box::new(ours) as BoxStream)
        })
    }

    fn listen(&self, _: SocketAddr) -> BoxFuture<'static, io::Result<Box<dyn Listener>>> {
        panic!("an ESME does not listen")
    }
}

/// What the links told the relay.
pub struct Events {
    receipts: mpsc::Sender<Receipt>,
    pub ups: Mutex<Vec<String>>,
    pub takes: AtomicBool,
    pub hangs: AtomicBool,
}

impl BearerEvents for Events {
    fn receipt(&self, receipt: Receipt) -> BoxFuture<'static, bool> {
        self.receipts.try_send(receipt).expect("a test reads its receipts");
        let (takes, hangs) = (self.takes.load(Ordering::SeqCst), self.hangs.load(Ordering::SeqCst));
        Box::pin(async move {
            if hangs {
                std::future::pending::<()>().await;
            }
            takes
        })
    }

    fn destination_up(&self, destination: &str) {
        self.ups.lock().unwrap().push(destination.to_owned());
    }
}

/// A node's SMPP side with the world around it.
pub struct World {
    pub smpp: Smpp,
    pub net: Arc<TestNet>,
    pub events: Arc<Events>,
    pub receipts: mpsc::Receiver<Receipt>,
    pub smscs: BTreeMap<String, Smsc>,
}

pub fn config(name: &str) -> SmscConfig {
    SmscConfig::new(name, format!("{name}:2775"), "mmsc", Secret::new("secret"))
}

impl World {
    /// Links to these SMSCs, all of them reachable, none accepted yet.
    pub fn start(configs: Vec<SmscConfig>) -> Self {
        let net = Arc::new(TestNet::default());
        let smscs = configs
            .iter()
            .map(|config| {
                let streams = net.switch_on(&config.address);
                (config.name.clone(), Smsc { streams })
            })
            .collect();
        let (sender, receipts) = mpsc::channel(10_000);
        let events = Arc::new(Events {
            receipts: sender,
            ups: Mutex::default(),
            takes: AtomicBool::new(true),
            hangs: AtomicBool::new(false),
        });
        let ports = Ports {
            clock: Arc::new(TestClock(tokio::time::Instant::now())),
            random: Arc::new(SeededRandom::new(1)),
            spawn: Arc::new(RealSpawn::current()),
            net: net.clone(),
        };
        let smpp = Smpp::start(configs, events.clone(), &ports);
        Self {
            smpp,
            net,
            events,
            receipts,
            smscs,
        }
    }

    /// One link named `main`, bound.
    pub async fn bound(change: impl FnOnce(&mut SmscConfig)) -> (Self, Peer) {
        let mut config = config("main");
        change(&mut config);
        let mut world = Self::start(vec![config]);
        let peer = world.accept("main").await;
        (world, peer)
    }

    /// Accepts a connection and its bind.
    pub async fn accept(&mut self, name: &str) -> Peer {
        let mut peer = self.connection(name).await;
        let sequence = peer.expect_bind().await.0;
        peer.accept_bind(sequence).await;
        for _ in 0..1000 {
            if self.smpp.is_bound(name) {
                return peer;
            }
            tokio::task::yield_now().await;
        }
        panic!("not bound");
    }

    pub async fn connection(&mut self, name: &str) -> Peer {
        let smsc = self.smscs.get_mut(name).unwrap();
        let stream = timeout(PATIENCE, smsc.streams.recv()).await.expect("a connection");
        Peer::new(stream.unwrap())
    }

    /// Starts a push and lets it reach its link.
    pub async fn push(&self, octets: usize) -> JoinHandle<TellOutcome> {
        self.push_with(push(octets)).await
    }

    pub async fn push_with(&self, push: Push) -> JoinHandle<TellOutcome> {
        let outcome = tokio::spawn(self.smpp.push(push));
        settle().await;
        outcome
    }

    pub async fn receipt(&mut self) -> Receipt {
        timeout(PATIENCE, self.receipts.recv())
            .await
            .expect("a receipt")
            .unwrap()
    }

    pub fn ups(&self) -> Vec<String> {
        std::mem::take(&mut *self.events.ups.lock().unwrap())
    }
}

pub struct Smsc {
    streams: mpsc::Receiver<BoxStream>,
}

impl Smsc {
    pub fn new(streams: mpsc::Receiver<BoxStream>) -> Self {
        Self { streams }
    }
}

/// Lets every task run until it waits, without letting time pass.
pub async fn settle() {
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
}

pub fn push(octets: usize) -> Push {
    push_to(HANDSET, octets)
}

pub fn push_to(number: &str, octets: usize) -> Push {
    Push {
        to: Address::Phone(number.to_owned()),
        octets: (0..octets).map(|n| u8::try_from(n % 251).unwrap()).collect::<Bytes>(),
        validity: Duration::from_secs(3600),
        gate: Gate::open(),
        number: 1,
    }
}

pub async fn outcome(handle: JoinHandle<TellOutcome>) -> TellOutcome {
    timeout(PATIENCE, handle).await.expect("an outcome").unwrap()
}

pub fn message_ids(outcome: TellOutcome) -> Vec<String> {
    match outcome {
        TellOutcome::Sent(sent) => sent.message_ids,
        other => panic!("not sent: {other:?}"),
    }
}

/// The SMSC's end of one connection.
pub struct Peer {
    stream: BoxStream,
    inbox: BytesMut,
    sequence: u32,
}

impl Peer {
    pub fn new(stream: BoxStream) -> Self {
        Self {
            stream,
            inbox: BytesMut::new(),
            sequence: 1000,
        }
    }

    pub fn into_stream(self) -> BoxStream {
        self.stream
    }

    /// The next PDU; `None` once the link has closed the connection.
    pub async fn next(&mut self) -> Option<Pdu> {
        loop {
            let found = split(&self.inbox, MAX_LENGTH).unwrap();
            if let Some((frame, used)) = found {
                let pdu = decode(&frame).unwrap();
                self.inbox.advance(used);
                return Some(pdu);
            }
            let read = timeout(PATIENCE, self.stream.read_buf(&mut self.inbox)).await;
            if read.expect("a PDU or the end").unwrap_or(0) == 0 {
                return None;
            }
        }
    }

    pub async fn expect(&mut self) -> Pdu {
        self.next().await.expect("a PDU, not the end")
    }

    /// The next PDU apart from enquire_link, which is answered.
    pub async fn expect_busy(&mut self) -> Pdu {
        loop {
            let pdu = self.expect().await;
            if pdu.body != Body::EnquireLink {
                return pdu;
            }
            self.respond(pdu.sequence, 0, Body::EnquireLinkResp).await;
        }
    }

    pub async fn expect_end(&mut self) {
        assert_eq!(self.next().await, None);
    }

    pub async fn expect_bind(&mut self) -> (u32, Bind) {
        let pdu = self.expect().await;
        match pdu.body {
            Body::BindTransceiver(bind) => (pdu.sequence, bind),
            other => panic!("not a bind: {other:?}"),
        }
    }

    pub async fn accept_bind(&mut self, sequence: u32) {
        let response = BindResp {
            system_id: "test".into(),
            sc_interface_version: None,
        };
        self.respond(sequence, 0, Body::BindTransceiverResp(response)).await;
    }

    /// The next submit, without answering it.
    pub async fn submit(&mut self) -> (u32, ShortMessage) {
        let pdu = self.expect_busy().await;
        match pdu.body {
            Body::SubmitSm(message) => (pdu.sequence, message),
            other => panic!("not a submit: {other:?}"),
        }
    }

    pub async fn take(&mut self, sequence: u32, id: &str) {
        self.respond(sequence, 0, Body::SubmitSmResp(Some(id.into()))).await;
    }

    pub async fn refuse(&mut self, sequence: u32, status: u32) {
        self.respond(sequence, status, Body::SubmitSmResp(None)).await;
    }

    pub async fn respond(&mut self, sequence: u32, status: u32, body: Body) {
        self.send(&Pdu::response(sequence, Status(status), body)).await;
    }

    pub async fn request(&mut self, body: Body) -> u32 {
        self.sequence += 1;
        self.send(&Pdu::request(self.sequence, body)).await;
        self.sequence
    }

    pub async fn send(&mut self, pdu: &Pdu) {
        self.send_raw(&octets(pdu)).await;
    }

    pub async fn send_raw(&mut self, octets: &[u8]) {
        self.stream.write_all(octets).await.unwrap();
        self.stream.flush().await.unwrap();
        settle().await;
    }

    /// Sends a receipt and returns its sequence number.
    pub async fn report(&mut self, message: ShortMessage) -> u32 {
        self.request(Body::DeliverSm(message)).await
    }

    /// The status with which a deliver_sm is answered.
    pub async fn deliver_response(&mut self, sequence: u32) -> Status {
        let pdu = self.expect_busy().await;
        assert_eq!((pdu.sequence, &pdu.body), (sequence, &Body::DeliverSmResp));
        pdu.status
    }

    /// Lets `time` pass, keeping the bind alive; nothing else may arrive.
    pub async fn idle(&mut self, time: Duration) {
        let kept = timeout(time, async {
            loop {
                let pdu = self.expect().await;
                assert_eq!(pdu.body, Body::EnquireLink);
                self.respond(pdu.sequence, 0, Body::EnquireLinkResp).await;
            }
        });
        assert!(kept.await.is_err());
    }

    /// Nothing arrives for `time`.
    pub async fn silence(&mut self, time: Duration) {
        let read = timeout(time, self.stream.read_buf(&mut self.inbox)).await;
        assert!(read.is_err(), "expected silence, got {:?}", self.inbox);
    }
}

pub fn octets(pdu: &Pdu) -> Vec<u8> {
    let mut out = Vec::new();
    encode(pdu, &mut out).unwrap();
    out
}

/// A receipt in the usual text form.
pub fn text_receipt(id: &str, stat: &str) -> ShortMessage {
    ShortMessage {
        source: WireAddress::international(HANDSET),
        destination: WireAddress::short_code("1234"),
        esm_class: esm_class::RECEIPT,
        short_message: format!(
            "id:{id} sub:001 dlvrd:001 submit date:2401031200 done date:2401031201 stat:{stat} err:000 text:"
        )
        .into_bytes(),
        ..ShortMessage::default()
    }
}

/// A receipt with everything in optional parameters.
pub fn tlv_receipt(id: &str, state: u8) -> ShortMessage {
    let mut id = id.as_bytes().to_vec();
    id.push(0);
    ShortMessage {
        source: WireAddress::international(HANDSET),
        esm_class: esm_class::RECEIPT,
        tlvs: vec![
            Tlv::new(tag::RECEIPTED_MESSAGE_ID, id),
            Tlv::new(tag::MESSAGE_STATE, [state]),
        ],
        ..ShortMessage::default()
    }
}
