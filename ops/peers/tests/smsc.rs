//! The SMSC against a client that speaks SMPP by hand.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::time::Duration;

use mmsc_peers::handset::Told;
use mmsc_peers::smsc::{Behaviour, Push, Receipts, Smsc, SmscSettings, Timing};
use mmsc_ports::Ports;
use mmsc_wire::mms::{self, NotificationInd, Pdu as Mms, Size, TimeValue, Version};
use mmsc_wire::push::Push as WspPush;
use mmsc_wire::push::segment::Reference;
use mmsc_wire::smpp::{
    Address, Bind, Body, MAX_LENGTH, MessageState, Pdu, PushSubmit, Receipt, ShortMessage, Status, decode, encode,
    split, submit_push,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::timeout;

const SOON: Duration = Duration::from_secs(10);

struct Esme {
    stream: TcpStream,
    input: Vec<u8>,
    sequence: u32,
}

impl Esme {
    async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        Self {
            stream,
            input: Vec::new(),
            sequence: 0,
        }
    }

    async fn bound(address: SocketAddr) -> Self {
        let mut esme = Self::connect(address).await;
        let resp = esme.bind("mmsc", "secret").await;
        assert!(resp.status.is_ok(), "{resp:?}");
        esme
    }

    async fn bind(&mut self, system_id: &str, password: &str) -> Pdu {
        let bind = Bind {
            system_id: system_id.into(),
            password: password.into(),
            interface_version: 0x34,
            ..Bind::default()
        };
        self.send(Body::BindTransceiver(bind)).await;
        self.read().await.unwrap()
    }

    async fn send(&mut self, body: Body) -> u32 {
        self.sequence += 1;
        let mut out = Vec::new();
        encode(&Pdu::request(self.sequence, body), &mut out).unwrap();
        self.stream.write_all(&out).await.unwrap();
        self.sequence
    }

    /// The next PDU; none when the SMSC closed.
    async fn read(&mut self) -> Option<Pdu> {
        loop {
            if let Some((frame, used)) = split(&self.input, MAX_LENGTH).unwrap() {
                let pdu = decode(&frame).unwrap();
                self.input.drain(..used);
                return Some(pdu);
            }
            match timeout(SOON, self.stream.read_buf(&mut self.input)).await.unwrap() {
                Ok(0) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    async fn answer(&mut self, sequence: u32, status: Status, body: Body) {
        let mut out = Vec::new();
        encode(&Pdu::response(sequence, status, body), &mut out).unwrap();
        self.stream.write_all(&out).await.unwrap();
    }
}

fn notification(subject: &str) -> Vec<ShortMessage> {
    let ind = NotificationInd {
        transaction_id: "t1".into(),
        version: Version::V1_2,
        subject: Some(subject.into()),
        message_size: Size(31_000),
        expiry: TimeValue::Relative(3600),
        content_location: "http://mmsc.example/t1".into(),
        ..NotificationInd::default()
    };
    let mut pdu = Vec::new();
    mms::encode(&Mms::NotificationInd(ind), &mut pdu).unwrap();
    let mut wsp = Vec::new();
    mmsc_wire::push::encode(&WspPush::mms(1, &pdu), &mut wsp).unwrap();
    let how = PushSubmit::new(
        Address::short_code("7000"),
        Address::international("+15550100001"),
        Reference::Octet(4),
    );
    submit_push(&wsp, &how).unwrap()
}

async fn started(settings: SmscSettings) -> (Smsc, mpsc::Receiver<Push>) {
    Smsc::start(&Ports::real(), "127.0.0.1:0".parse().unwrap(), settings)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_segmented_push_arrives_whole_with_receipts() {
    let (smsc, mut pushes) = started(SmscSettings::default()).await;
    let mut esme = Esme::bound(smsc.address()).await;
    assert!(smsc.wait_bound(1, SOON).await);
    let segments = notification(&format!("Message 17{}", " ".repeat(100)).replace(' ', "x"));
    assert_eq!(segments.len(), 2);
    for segment in segments {
        let sequence = esme.send(Body::SubmitSm(segment)).await;
        let resp = esme.read().await.unwrap();
        assert_eq!((resp.sequence, resp.status), (sequence, Status::ROK));
        let Body::SubmitSmResp(Some(id)) = resp.body else {
            panic!("{resp:?}")
        };
        let receipt = esme.read().await.unwrap();
        let Body::DeliverSm(message) = receipt.body else {
            panic!("{receipt:?}")
        };
        let read = Receipt::read(&message).unwrap();
        assert_eq!(read.message_id, Some(id));
        assert_eq!(read.state, Some(MessageState::Delivered));
        assert_eq!(message.source.addr, "15550100001");
        esme.answer(receipt.sequence, Status::ROK, Body::DeliverSmResp).await;
    }
    let push = timeout(SOON, pushes.recv()).await.unwrap().unwrap();
    assert_eq!((push.arrival, push.segments, push.to.as_str()), (1, 2, "15550100001"));
    let Ok(Told::Notification(told)) = push.told else {
        panic!("{:?}", push.told)
    };
    assert_eq!((told.transaction_id.as_str(), told.size), ("t1", 31_000));
    // The answer to the last receipt has been read once the link test behind it is answered.
    esme.send(Body::EnquireLink).await;
    assert_eq!(esme.read().await.unwrap().body, Body::EnquireLinkResp);
    assert_eq!(smsc.counts().receipts_taken.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn wrong_credentials_and_unbound_submits_are_refused() {
    let (smsc, _pushes) = started(SmscSettings::default()).await;
    let mut esme = Esme::connect(smsc.address()).await;
    esme.send(Body::SubmitSm(notification("Message 1").remove(0))).await;
    assert_eq!(esme.read().await.unwrap().status, Status::RINVBNDSTS);
    assert_eq!(esme.bind("mmsc", "wrong").await.status, Status::RINVPASWD);
    assert_eq!(esme.bind("who", "secret").await.status, Status::RINVSYSID);
    assert!(esme.bind("mmsc", "secret").await.status.is_ok());
    assert_eq!(esme.bind("mmsc", "secret").await.status, Status::RALYBND);
    esme.send(Body::Unbind).await;
    assert_eq!(esme.read().await.unwrap().body, Body::UnbindResp);
    assert!(esme.read().await.is_none());
}

#[tokio::test]
async fn it_behaves_as_badly_as_it_is_told() {
    let settings = SmscSettings {
        receipts: Receipts::none(),
        ..SmscSettings::default()
    };
    let (smsc, mut pushes) = started(settings).await;
    smsc.behave_next([
        Behaviour::Throttle,
        Behaviour::Refuse(Status::RINVDSTADR),
        Behaviour::NoAnswer,
        Behaviour::Delay(Duration::from_millis(1)),
        Behaviour::LoseAnswer,
        Behaviour::Accept,
    ]);
    let mut esme = Esme::bound(smsc.address()).await;
    let mut sequences = Vec::new();
    for number in 0..6 {
        let message = notification(&format!("Message {number}")).remove(0);
        sequences.push(esme.send(Body::SubmitSm(message)).await);
    }
    let mut answers = Vec::new();
    for _ in 0..4 {
        let resp = esme.read().await.unwrap();
        answers.push((resp.sequence, resp.status));
    }
    answers.sort_unstable();
    let expected = [
        (sequences[0], Status::RTHROTTLED),
        (sequences[1], Status::RINVDSTADR),
        (sequences[3], Status::ROK),
        (sequences[5], Status::ROK),
    ];
    assert_eq!(answers, expected);
    // Delayed, lost in answer, and accepted: those three were taken over.
    let mut taken = Vec::new();
    for _ in 0..3 {
        let push = timeout(SOON, pushes.recv()).await.unwrap().unwrap();
        let Ok(Told::Notification(told)) = push.told else {
            panic!("{:?}", push.told)
        };
        taken.push(told.number());
    }
    assert_eq!(taken, [Some(3), Some(4), Some(5)]);
    smsc.behave_towards("15550100001", Some(Behaviour::Close));
    esme.send(Body::SubmitSm(notification("Message 9").remove(0))).await;
    assert!(esme.read().await.is_none());
}

#[tokio::test]
async fn a_receipt_can_overtake_the_response() {
    let settings = SmscSettings {
        receipts: Receipts {
            state: Some(MessageState::Expired),
            timing: Timing::BeforeResponse,
            ..Receipts::delivered()
        },
        ..SmscSettings::default()
    };
    let (smsc, _pushes) = started(settings).await;
    let mut esme = Esme::bound(smsc.address()).await;
    esme.send(Body::SubmitSm(notification("Message 1").remove(0))).await;
    assert!(matches!(esme.read().await.unwrap().body, Body::DeliverSm(_)));
    assert!(matches!(esme.read().await.unwrap().body, Body::SubmitSmResp(Some(_))));
}

#[tokio::test]
async fn a_length_that_no_pdu_has_ends_the_session() {
    let (smsc, _pushes) = started(SmscSettings::default()).await;
    let mut esme = Esme::bound(smsc.address()).await;
    esme.stream.write_all(&[0, 0, 0, 3, 1, 2, 3, 4]).await.unwrap();
    let nack = esme.read().await.unwrap();
    assert_eq!((nack.body, nack.status), (Body::GenericNack, Status::RINVCMDLEN));
    assert!(esme.read().await.is_none());
}

#[tokio::test]
async fn closed_sessions_can_come_back() {
    let (smsc, _pushes) = started(SmscSettings::default()).await;
    let mut esme = Esme::bound(smsc.address()).await;
    assert!(smsc.wait_bound(1, SOON).await);
    smsc.close_sessions();
    assert!(esme.read().await.is_none());
    let _again = Esme::bound(smsc.address()).await;
    assert!(smsc.wait_bound(1, SOON).await);
}
