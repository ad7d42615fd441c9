//! MM1 over real sockets, with a relay that only remembers and answers as told.

mod fake;
mod hostile;
mod http;
mod mmbox;
mod mmbox_upload;
mod notify;
mod overload;
mod pdus;
mod recipient;
mod recipients;
mod retrieval;
mod terminal;

use std::net::SocketAddr;
use std::sync::Arc;

use mmsc_ports::Ports;
use mmsc_wire::mms::{self, Limits, Pdu, SendConf, SendReq, Version};
use tokio::net::TcpStream;

use super::*;
use crate::testing::{PATIENCE, Reply, read_reply, write};
use fake::Fake;

/// A running MM1 on loopback with what stands behind it.
struct Bench {
    mm1: Mm1,
    fake: Arc<Fake>,
    metrics: Arc<Mm1Metrics>,
}

/// Loopback is a trusted gateway, and limits are small.
fn config() -> Mm1Config {
    let listen = SocketAddr::from(([127, 0, 0, 1], 0));
    let mut config =
        Mm1Config::new(listen, "http://mms.example/", "mms.example").trusting(vec!["127.0.0.0/8".parse().unwrap()]);
    config.limits.max_pdu_octets = 64 * 1024;
    config.limits.decoder.max_head = 8 * 1024;
    config
}

impl Bench {
    async fn start() -> Self {
        Self::with(config()).await
    }

    async fn with(config: Mm1Config) -> Self {
        let fake = Arc::new(Fake::default());
        let metrics = Arc::new(Mm1Metrics::default());
        let mm1 = Mm1::start_with(config, fake.clone(), metrics.clone(), &Ports::real())
            .await
            .unwrap();
        Self { mm1, fake, metrics }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.mm1.address()).await.unwrap()
    }

    /// One request on a connection of its own.
    async fn request(&self, head: &str, body: &[u8]) -> Reply {
        let mut stream = self.connect().await;
        send(&mut stream, head, body).await;
        read_reply(&mut stream, head.starts_with("HEAD")).await.unwrap()
    }

    /// POSTs a PDU as the handset +15550100001.
    async fn post(&self, body: &[u8]) -> Reply {
        self.request(&format!("POST / HTTP/1.1\r\nHost: m\r\n{ALICE}"), body)
            .await
    }
}

const ALICE: &str = "X-MSISDN: +15550100001\r\n";

fn alice() -> mmsc_domain::Address {
    mmsc_domain::Address::Phone("15550100001".to_owned())
}

/// Writes a head, which lacks its last two line ends, with the length of the body.
async fn send(stream: &mut TcpStream, head: &str, body: &[u8]) {
    let head = if body.is_empty() {
        format!("{head}\r\n")
    } else {
        format!("{head}Content-Length: {}\r\n\r\n", body.len())
    };
    write(stream, &[head.as_bytes(), body].concat()).await;
}

fn send_req(transaction_id: &str, version: Version) -> SendReq<'static> {
    SendReq {
        transaction_id: transaction_id.to_owned().into(),
        version,
        to: vec!["+15550100002/TYPE=PLMN".into()],
        content: mms::Content::mixed(vec![mms::Part {
            head: mms::PartHead {
                media: "text/plain".into(),
                ..mms::PartHead::default()
            },
            data: b"hello",
        }]),
        ..SendReq::default()
    }
}

fn encode<'a>(pdu: impl Into<Pdu<'a>>) -> Vec<u8> {
    let mut octets = Vec::new();
    mms::encode(&pdu.into(), &mut octets).unwrap();
    octets
}

fn decode(octets: &[u8]) -> Pdu<'_> {
    mms::decode(octets, &Limits::default()).unwrap()
}

fn send_conf(reply: &Reply) -> SendConf<'_> {
    assert_eq!(reply.status, 200, "{}", reply.head);
    assert_eq!(reply.header("content-type"), Some("application/vnd.wap.mms-message"));
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    let Pdu::SendConf(conf) = decode(&reply.body) else {
        panic!("not a m-send-conf")
    };
    conf
}
