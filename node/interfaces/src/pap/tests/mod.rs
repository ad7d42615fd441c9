//! Gateways played request by request, on a network in memory and a clock that stands still.
#![allow(clippy::disallowed_methods, reason = "a test starts its own tasks")]

mod pushes;
mod results;
mod tls;

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use mmsc_domain::Address;
use mmsc_ports::net::BoxStream;
use mmsc_ports::{BoxFuture, Ports};
use mmsc_relay::port::{Gate, Receipt, TellOutcome};
use mmsc_wire::pap::{Code, Limits, Message, Outcome, PushMessage, PushResponse, Related, decode, encode};
use mmsc_wire::push;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::*;
use crate::testing::{MemoryNet, PATIENCE, Reply, memory_ports, read_reply, write};

const HANDSET: &str = "15550100002";
const PDU: &[u8] = b"\x8c\x82\x98T1\0\x8d\x90";

/// What the relay was told.
struct Events {
    receipts: mpsc::Sender<Receipt>,
    ups: Mutex<Vec<String>>,
    takes: AtomicBool,
}

impl BearerEvents for Events {
    fn receipt(&self, receipt: Receipt) -> BoxFuture<'static, bool> {
        self.receipts.try_send(receipt).unwrap();
        Box::pin(std::future::ready(self.takes.load(Ordering::SeqCst)))
    }

    fn destination_up(&self, destination: &str) {
        self.ups.lock().unwrap().push(destination.to_owned());
    }
}

struct World {
    pap: Pap,
    net: MemoryNet,
    events: Arc<Events>,
    receipts: mpsc::Receiver<Receipt>,
    ports: Ports,
}

fn gateway(name: &str) -> PpgConfig {
    PpgConfig {
        allow: vec!["192.0.2.0/24".parse().unwrap()],
        notify_url: Some("http://mmsc.example/pap".into()),
        source_reference: Some("mmsc".into()),
        ..PpgConfig::new(name, format!("http://{name}.example:8080/wappush").parse().unwrap())
    }
}

fn target(name: &str) -> String {
    format!("{name}.example:8080")
}

async fn world(gateways: Vec<PpgConfig>) -> (World, Vec<mpsc::Receiver<BoxStream>>) {
    let (ports, net) = memory_ports();
    let streams = gateways.iter().map(|gateway| net.switch_on(&target(&gateway.name)));
    let streams = streams.collect();
    let (sender, receipts) = mpsc::channel(100);
    let events = Arc::new(Events {
        receipts: sender,
        ups: Mutex::default(),
        takes: AtomicBool::new(true),
    });
    let config = PapConfig {
        gateways,
        listener: Some(ListenerConfig::new(([127, 0, 0, 1], 80).into())),
        domain: "mmsc.example".into(),
    };
    let pap = Pap::start(config, events.clone(), &ports).await.unwrap();
    let world = World {
        pap,
        net,
        events,
        receipts,
        ports,
    };
    (world, streams)
}

/// One gateway named `main` that is up, and the connection that it was reached by.
async fn one(change: impl FnOnce(&mut PpgConfig)) -> (World, mpsc::Receiver<BoxStream>, Peer) {
    let mut config = gateway("main");
    change(&mut config);
    let (world, mut streams) = world(vec![config]).await;
    let mut streams = streams.remove(0);
    let peer = Peer::accept(&mut streams).await;
    world.is_up("main").await;
    (world, streams, peer)
}

impl World {
    async fn is_up(&self, name: &str) {
        for _ in 0..1000 {
            if self.pap.is_up(name) {
                return;
            }
            tokio::task::yield_now().await;
        }
        panic!("{name} is not up");
    }

    fn push(&self) -> JoinHandle<TellOutcome> {
        tokio::spawn(self.pap.push(a_push(HANDSET)))
    }

    fn ups(&self) -> Vec<String> {
        std::mem::take(&mut *self.events.ups.lock().unwrap())
    }

    /// POSTs a document to the listener from an address.
    async fn report(&self, from: &str, document: &[u8]) -> Reply {
        self.request(from, "POST /pap", document).await
    }

    async fn request(&self, from: &str, line: &str, document: &[u8]) -> Reply {
        report(&self.net, from, line, document).await
    }
}

async fn report(net: &MemoryNet, from: &str, line: &str, document: &[u8]) -> Reply {
    assert!(from.parse::<IpAddr>().is_ok());
    let mut stream: DuplexStream = net.dial(from, 64 * 1024).await;
    let head = format!(
        "{line} HTTP/1.1\r\nHost: m\r\nContent-Type: application/xml\r\nContent-Length: {}\r\n\r\n",
        document.len()
    );
    write(&mut stream, &[head.as_bytes(), document].concat()).await;
    read_reply(&mut stream, false).await.unwrap()
}

fn a_push(number: &str) -> Push {
    let mut octets = Vec::new();
    push::encode(&push::Push::mms(1, PDU), &mut octets).unwrap();
    Push {
        to: Address::Phone(number.into()),
        octets: Bytes::from(octets),
        validity: Duration::from_secs(1800),
        gate: Gate::open(),
        number: 1,
    }
}

async fn outcome(handle: JoinHandle<TellOutcome>) -> TellOutcome {
    timeout(PATIENCE, handle).await.expect("an outcome").unwrap()
}

/// Lets every task run until it waits, without letting time pass.
async fn settle() {
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
}

fn document(message: &Message) -> Vec<u8> {
    let mut out = Vec::new();
    encode(message, Dialect::V1_0, &mut out).unwrap();
    out
}

/// A gateway's end of one connection.
struct Peer(BoxStream);

struct Asked {
    head: String,
    push: PushMessage,
    content: Vec<u8>,
}

impl Peer {
    async fn accept(streams: &mut mpsc::Receiver<BoxStream>) -> Self {
        Self(timeout(PATIENCE, streams.recv()).await.expect("a connection").unwrap())
    }

    async fn asked(&mut self) -> Asked {
        timeout(PATIENCE, self.read()).await.expect("a request").unwrap()
    }

    async fn read(&mut self) -> std::io::Result<Asked> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(self.0.read_u8().await?);
        }
        let head = String::from_utf8(head).unwrap();
        let field = |name: &str| {
            head.lines()
                .filter_map(|line| line.split_once(": "))
                .find(|(key, _)| key.eq_ignore_ascii_case(name))
                .map(|(_, value)| value.to_owned())
                .unwrap()
        };
        let mut body = vec![0; field("content-length").parse().unwrap()];
        self.0.read_exact(&mut body).await?;
        let related = Related::decode(&field("content-type"), &body).unwrap();
        assert_eq!(related.content.content_type, "application/vnd.wap.mms-message");
        assert_eq!(related.content.application_id, Some("x-wap-application:mms.ua"));
        let Ok(Message::Push(push)) = decode(related.control, &Limits::default()) else {
            panic!("{}", String::from_utf8_lossy(related.control));
        };
        let content = related.content.octets.to_vec();
        Ok(Asked { head, push, content })
    }

    async fn answer(&mut self, push_id: &str, code: u16) {
        let response = PushResponse {
            push_id: push_id.to_owned(),
            sender_name: None,
            reply_time: None,
            result: Some(Outcome {
                code: Code(code),
                desc: None,
            }),
        };
        self.answer_with("202 Accepted", "", &document(&Message::PushResponse(response)))
            .await;
    }

    async fn answer_with(&mut self, status: &str, fields: &str, body: &[u8]) {
        let head = format!("HTTP/1.1 {status}\r\n{fields}Content-Length: {}\r\n\r\n", body.len());
        self.0.write_all(&[head.as_bytes(), body].concat()).await.unwrap();
    }

    /// Takes one push.
    async fn take(&mut self) -> String {
        let asked = self.asked().await;
        self.answer(&asked.push.push_id, 1001).await;
        asked.push.push_id
    }
}
