//! Kannel, an independent ESME, against our SMPP: its pushes are read by our codec and compared with what our own link
//! submits for the same notification, and it puts together what our link submitted.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    missing_docs
)]

mod smpp_support;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use mmsc_domain::Address;
use mmsc_interfaces::bearer::{BearerEvents, Push, PushBearer};
use mmsc_interfaces::pap::{Pap, PapConfig, PpgConfig};
use mmsc_interfaces::smpp::{Secret, Smpp, SmscConfig};
use mmsc_ports::{BoxFuture, Ports};
use mmsc_relay::port::{Gate, Receipt, TellOutcome};
use mmsc_wire::push::segment::{Assembly, UserDataHeader};
use mmsc_wire::push::{ApplicationId, Push as WapPush, decode, encode};
use mmsc_wire::smpp::{BindResp, Body, ShortMessage, Status};
use smpp_support::{HANDSET, Peer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

/// Everything together; each test ends by then, whatever Kannel does.
const LIMIT: Duration = Duration::from_secs(90);

/// A process that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ended = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// The path of an installed program of Kannel.
fn installed(name: &str) -> Option<PathBuf> {
    ["/usr/sbin", "/usr/local/sbin", "/usr/bin"]
        .iter()
        .map(|directory| Path::new(directory).join(name))
        .find(|path| path.exists())
}

/// Kannel's three programs on loopback ports of their own, talking SMPP to `smsc` and HTTP to `web`.
struct Kannel {
    directory: tempfile::TempDir,
    ppg: u16,
    running: Vec<Running>,
}

fn free_ports<const N: usize>() -> [u16; N] {
    let held = [(); N].map(|()| std::net::TcpListener::bind("127.0.0.1:0").unwrap());
    held.each_ref().map(|listener| listener.local_addr().unwrap().port())
}

impl Kannel {
    /// `None`, with a line that says so, where Kannel is not installed.
    async fn start(smsc: SocketAddr, web: SocketAddr) -> Option<Self> {
        let programs = ["bearerbox", "wapbox", "smsbox"].map(|name| (name, installed(name)));
        if let Some((missing, _)) = programs.iter().find(|(_, path)| path.is_none()) {
            println!("skipped: Kannel's {missing} is not installed (Debian package kannel)");
            return None;
        }
        let [admin, smsbox, wapbox, ppg] = free_ports();
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("kannel.conf");
        let log = |name: &str| directory.path().join(name).display().to_string();
        let text = format!(
            "group = core\nadmin-port = {admin}\nadmin-password = test\nadmin-interface = 127.0.0.1\n\
             smsbox-port = {smsbox}\nsmsbox-interface = 127.0.0.1\nwapbox-port = {wapbox}\n\
             box-allow-ip = \"127.0.0.1\"\nlog-file = \"{}\"\nlog-level = 0\n\n\
             group = smsc\nsmsc = smpp\nsmsc-id = test\nhost = {}\nport = {}\ntransceiver-mode = 1\n\
             smsc-username = kannel\nsmsc-password = secret\nsystem-type = VMA\n\n\
             group = wapbox\nbearerbox-host = 127.0.0.1\nlog-file = \"{}\"\n\n\
             group = ppg\nppg-port = {ppg}\nppg-url = /push\ntrusted-pi = true\nglobal-sender = 1234\n\n\
             group = smsbox\nbearerbox-host = 127.0.0.1\nlog-file = \"{}\"\n\n\
             group = sms-service\nkeyword = default\nget-url = \"http://{web}/mo?from=%p&coding=%c&udh=%u&data=%b\"\n\
             max-messages = 0\ncatch-all = true\n",
            log("bearerbox.log"),
            smsc.ip(),
            smsc.port(),
            log("wapbox.log"),
            log("smsbox.log"),
        );
        std::fs::write(&file, text).unwrap();
        let mut kannel = Self {
            directory,
            ppg,
            running: Vec::new(),
        };
        for ((name, path), port) in programs.into_iter().zip([smsbox, ppg, 0]) {
            let child = Command::new(path.unwrap())
                .arg(&file)
                .current_dir(kannel.directory.path())
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn();
            kannel.running.push(Running(child.unwrap()));
            if port != 0 {
                kannel.await_port(name, port).await;
            }
        }
        Some(kannel)
    }

    /// Another program's start can only be polled for.
    async fn await_port(&self, name: &str, port: u16) {
        for _ in 0..200 {
            if TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{name} did not start: {}", self.logs());
    }

    fn logs(&self) -> String {
        ["bearerbox.log", "wapbox.log", "smsbox.log"]
            .map(|name| std::fs::read_to_string(self.directory.path().join(name)).unwrap_or_default())
            .concat()
    }

    /// Asks Kannel's push proxy gateway, over PAP, to push an MMS PDU to the handset.
    async fn push(&self, pdu: &[u8]) {
        let mut body = format!(
            "--b\r\nContent-Type: application/xml\r\n\r\n<?xml version=\"1.0\"?>\
             <!DOCTYPE pap PUBLIC \"-//WAPFORUM//DTD PAP 1.0//EN\" \"http://www.wapforum.org/DTD/pap_1.0.dtd\">\
             <pap><push-message push-id=\"p{}\"><address address-value=\"WAPPUSH=+{HANDSET}/TYPE=PLMN@ppg.example\"/>\
             <quality-of-service delivery-method=\"unconfirmed\" network=\"GSM\" network-required=\"true\" \
             bearer=\"SMS\" bearer-required=\"true\"/></push-message></pap>\r\n\
             --b\r\nContent-Type: application/vnd.wap.mms-message\r\n\
             X-WAP-Application-Id: x-wap-application:mms.ua\r\n\r\n",
            pdu.len()
        )
        .into_bytes();
        body.extend_from_slice(pdu);
        body.extend_from_slice(b"\r\n--b--\r\n");
        let head = format!(
            "POST /push HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Length: {}\r\n\
             Content-Type: multipart/related; type=\"application/xml\"; boundary=b\r\n\r\n",
            body.len()
        );
        let mut stream = TcpStream::connect(("127.0.0.1", self.ppg)).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(&body).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.contains("\"1001\""), "not accepted: {answer}\n{}", self.logs());
    }
}

/// Accepts a connection and its bind, and shows what the client said.
async fn accept(listener: &TcpListener, system_id: &str) -> Peer {
    let (stream, _) = listener.accept().await.unwrap();
    stream.set_nodelay(true).unwrap();
    let mut peer = Peer::new(Box::new(stream));
    let (sequence, bind) = peer.expect_bind().await;
    assert_eq!((bind.system_id.as_str(), bind.password.as_str()), (system_id, "secret"));
    assert_eq!(bind.interface_version, 0x34);
    let response = BindResp {
        system_id: "test".into(),
        sc_interface_version: Some(0x34),
    };
    peer.respond(sequence, 0, Body::BindTransceiverResp(response)).await;
    peer
}

struct NoEvents;

impl BearerEvents for NoEvents {
    fn receipt(&self, _: Receipt) -> BoxFuture<'static, bool> {
        Box::pin(async { true })
    }

    fn destination_up(&self, _: &str) {}
}

/// Our link, bound over a real socket.
async fn our_link(listener: &TcpListener) -> (Smpp, Peer) {
    let address = listener.local_addr().unwrap().to_string();
    let config = SmscConfig::new("main", address, "mmsc", Secret::new("secret"));
    let smpp = Smpp::start(vec![config], Arc::new(NoEvents), &Ports::real());
    let peer = accept(listener, "mmsc").await;
    for _ in 0..200 {
        if smpp.is_bound("main") {
            return (smpp, peer);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("our link did not bind");
}

/// A notification with a content location of `location` octets.
fn notification(location: usize) -> Vec<u8> {
    let mut pdu = vec![0x8c, 0x82, 0x98];
    pdu.extend_from_slice(b"T1\0");
    pdu.extend_from_slice(&[
        0x8d, 0x90, 0x8a, 0x80, 0x8e, 0x01, 0x7b, 0x88, 0x03, 0x81, 0x01, 0x3c, 0x83,
    ]);
    pdu.extend_from_slice(b"http://mmsc.example/");
    pdu.extend(std::iter::repeat_n(b'x', location));
    pdu.push(0);
    pdu
}

/// Reads the submits of one push and takes them.
async fn submits(peer: &mut Peer) -> Vec<ShortMessage> {
    let mut messages = Vec::new();
    for _ in 0..10 {
        let (sequence, message) = peer.submit().await;
        peer.take(sequence, &format!("id{sequence}")).await;
        let (header, _) = UserDataHeader::decode(&message.short_message).unwrap();
        messages.push(message);
        if header
            .concatenation
            .is_none_or(|segment| segment.number == segment.total)
        {
            return messages;
        }
    }
    panic!("a push of more than ten segments");
}

fn push_of(pdu: &[u8]) -> Push {
    let mut octets = Vec::new();
    encode(&WapPush::mms_with_text_type(0x31, pdu), &mut octets).unwrap();
    Push {
        to: Address::Phone(HANDSET.into()),
        octets: Bytes::from(octets),
        validity: Duration::from_secs(3600),
        gate: Gate::open(),
        number: 1,
    }
}

async fn our_submits(smpp: &Smpp, peer: &mut Peer, pdu: &[u8]) -> Vec<ShortMessage> {
    let pushed = tokio::spawn(smpp.push(push_of(pdu)));
    let messages = submits(peer).await;
    assert!(matches!(pushed.await.unwrap(), TellOutcome::Sent(sent) if sent.message_ids.len() == messages.len()));
    messages
}

/// The datagram of some submits.
fn datagram(messages: &[ShortMessage]) -> Vec<u8> {
    let cut = |message| UserDataHeader::decode(message).unwrap();
    let (first, data) = cut(&messages[0].short_message);
    let Some(concatenation) = first.concatenation else {
        return data.to_vec();
    };
    let mut assembly = Assembly::new(concatenation);
    let mut whole = None;
    for message in messages {
        let (header, data) = cut(&message.short_message);
        whole = assembly.insert(header.concatenation.unwrap(), data).unwrap();
    }
    whole.unwrap()
}

#[tokio::test]
async fn kannels_pushes_and_ours_say_the_same() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let web = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addresses = (listener.local_addr().unwrap(), web.local_addr().unwrap());
    let run = async {
        let Some(kannel) = Kannel::start(addresses.0, addresses.1).await else {
            return;
        };
        let mut theirs = accept(&listener, "kannel").await;
        let own_listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (smpp, mut ours) = our_link(&own_listener).await;
        for location in [5, 150, 300] {
            let pdu = notification(location);
            kannel.push(&pdu).await;
            let reference = submits(&mut theirs).await;
            let made = our_submits(&smpp, &mut ours, &pdu).await;
            compare(&reference, &made, &pdu);
        }
        smpp_unbinds(smpp, ours).await;
    };
    timeout(LIMIT, run).await.expect("Kannel and we were done in time");
}

async fn smpp_unbinds(smpp: Smpp, mut peer: Peer) {
    let stopped = tokio::spawn(async move { smpp.shutdown().await });
    let unbind = peer.expect().await;
    assert_eq!(unbind.body, Body::Unbind);
    peer.respond(unbind.sequence, 0, Body::UnbindResp).await;
    stopped.await.unwrap();
}

fn compare(reference: &[ShortMessage], made: &[ShortMessage], pdu: &[u8]) {
    assert_eq!(made.len(), reference.len(), "as many segments as Kannel");
    for (reference, made) in reference.iter().zip(made) {
        assert_eq!(made.destination, reference.destination);
        assert_eq!(made.data_coding, reference.data_coding);
        assert_eq!(made.esm_class & 0x40, reference.esm_class & 0x40);
        assert_eq!(
            (made.protocol_id, made.priority_flag),
            (reference.protocol_id, reference.priority_flag)
        );
        let cut = |message| UserDataHeader::decode(message).unwrap().0;
        let (theirs, ours) = (cut(&reference.short_message), cut(&made.short_message));
        assert_eq!(ours.ports, theirs.ports);
        let place = |header: UserDataHeader| header.concatenation.map(|segment| (segment.number, segment.total));
        assert_eq!(place(ours), place(theirs));
    }
    let (theirs, ours) = (datagram(reference), datagram(made));
    let (theirs, ours) = (decode(&theirs).unwrap(), decode(&ours).unwrap());
    assert_eq!(theirs.data, pdu);
    assert_eq!(ours.data, pdu);
    assert_eq!(theirs.media.media.name(), ours.media.media.name());
    assert_eq!(theirs.application_id, Some(ApplicationId::MMS_UA));
    assert_eq!(ours.application_id, Some(ApplicationId::MMS_UA));
}

/// The next request that Kannel makes for a message from a handset: what it understood.
async fn understood(web: &TcpListener) -> (String, Vec<u8>, Vec<u8>) {
    let (mut stream, _) = web.accept().await.unwrap();
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        assert_ne!(stream.read_buf(&mut head).await.unwrap(), 0);
    }
    stream
        .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        .await
        .unwrap();
    let line = String::from_utf8_lossy(&head).lines().next().unwrap().to_owned();
    let query = line.split([' ', '?']).nth(2).unwrap();
    let value = |key: &str| {
        let pair = query.split('&').find_map(|pair| pair.strip_prefix(key));
        percent_decoded(pair.unwrap_or_else(|| panic!("no {key} in {line}")))
    };
    let from = String::from_utf8(value("from=")).unwrap();
    (from, value("udh="), value("data="))
}

fn percent_decoded(text: &str) -> Vec<u8> {
    let mut octets = text.bytes();
    let mut decoded = Vec::new();
    while let Some(octet) = octets.next() {
        decoded.push(match octet {
            b'%' => {
                let digits = [octets.next().unwrap(), octets.next().unwrap()];
                u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
            }
            b'+' => b' ',
            other => other,
        });
    }
    decoded
}

#[tokio::test]
async fn kannel_puts_our_segments_together() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let web = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addresses = (listener.local_addr().unwrap(), web.local_addr().unwrap());
    let run = async {
        let Some(kannel) = Kannel::start(addresses.0, addresses.1).await else {
            return;
        };
        let mut theirs = accept(&listener, "kannel").await;
        let own_listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (smpp, mut ours) = our_link(&own_listener).await;
        for location in [5, 300] {
            let messages = our_submits(&smpp, &mut ours, &notification(location)).await;
            for message in &messages {
                let delivered = ShortMessage {
                    source: message.destination.clone(),
                    destination: mmsc_wire::smpp::Address::short_code("1234"),
                    validity_period: String::new(),
                    registered_delivery: 0,
                    tlvs: Vec::new(),
                    ..message.clone()
                };
                let asked = theirs.report(delivered).await;
                assert_eq!(theirs.deliver_response(asked).await, Status::ROK, "{}", kannel.logs());
            }
            let (from, udh, data) = understood(&web).await;
            assert!(from.ends_with(HANDSET), "{from}");
            assert_eq!(data, datagram(&messages));
            let ports = [0x05, 0x04, 0x0b, 0x84, 0x23, 0xf0];
            assert!(udh.windows(ports.len()).any(|part| part == ports), "{udh:02x?}");
        }
    };
    timeout(LIMIT, run).await.expect("Kannel and we were done in time");
}

/// Our PAP, with Kannel as the gateway and its SMSC played here. Kannel 1.4 sends no result notifications of unconfirmed
/// pushes, so those are proven elsewhere.
#[tokio::test]
async fn kannels_gateway_carries_our_pushes() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let web = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addresses = (listener.local_addr().unwrap(), web.local_addr().unwrap());
    let run = async {
        let Some(kannel) = Kannel::start(addresses.0, addresses.1).await else {
            return;
        };
        let mut theirs = accept(&listener, "kannel").await;
        let url = format!("http://127.0.0.1:{}/push", kannel.ppg);
        let gateway = PpgConfig {
            network: Some("GSM".into()),
            bearer: Some("SMS".into()),
            ..PpgConfig::new("kannel", url.parse().unwrap())
        };
        let config = PapConfig {
            gateways: vec![gateway],
            listener: None,
            domain: "mmsc.example".into(),
        };
        let pap = Pap::start(config, Arc::new(NoEvents), &Ports::real()).await.unwrap();
        for _ in 0..200 {
            if pap.is_up("kannel") {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        for location in [5, 150, 300] {
            let pdu = notification(location);
            let outcome = pap.push(push_of(&pdu)).await;
            let TellOutcome::Sent(sent) = outcome else {
                panic!("{outcome:?}\n{}", kannel.logs());
            };
            let messages = submits(&mut theirs).await;
            assert!(
                messages
                    .iter()
                    .all(|message| message.destination.addr.ends_with(HANDSET))
            );
            let datagram = datagram(&messages);
            let arrived = decode(&datagram).unwrap();
            assert_eq!(arrived.data, pdu);
            assert_eq!(arrived.application_id, Some(ApplicationId::MMS_UA));
            let [push_id] = &sent.message_ids[..] else {
                panic!("{sent:?}");
            };
            assert!(push_id.contains(".kannel@mmsc.example"), "{push_id}");
        }
        assert!(pap.shutdown(Duration::from_secs(10)).await);
    };
    timeout(LIMIT, run).await.expect("Kannel and we were done in time");
}
