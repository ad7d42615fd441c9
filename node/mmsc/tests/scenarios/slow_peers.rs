//! Clients that send or read as slowly as they can are ended by the limit that they meet, and others are served
//! meanwhile.

use std::time::Duration;

use crate::pdu::{from, get, path, post_framed, submission};
use crate::rig::{ALICE, BOB, Rig};
use crate::story::Story;
use crate::wire::Wire;

/// Between two octets of a slow client.
const PAUSE: Duration = Duration::from_millis(50);
/// Octets of a slow client at most: more than enough time for every limit here, bounded all the same.
const OCTETS: usize = 600;
/// Octets of the message that nobody reads, and how often it is asked for: more than socket buffers hold.
const MESSAGE: usize = 2 * 1024 * 1024;
const ASKED: usize = 10;

pub async fn run(story: &mut Story) {
    let sets = [
        ("mm1.head_timeout", "2s"),
        ("mm1.body_timeout", "2s"),
        ("mm1.body_rate", "1000"),
        ("mm1.write_timeout", "2s"),
        ("mm1.idle_timeout", "2s"),
    ];
    let mut rig = Rig::start(&sets).await;
    let mm1 = rig.mm1();
    let identity = from(ALICE);
    rig.submitted(1, BOB, MESSAGE).await;
    let (_, notification) = rig.notification().await;
    let location = path(&notification.location).to_owned();
    let body = submission("slow", &[BOB.as_bytes()]);
    let length = format!("{identity}Content-Length: 100000\r\n");
    let coded = format!("{identity}Transfer-Encoding: chunked\r\n");
    let unread = async {
        let mut wire = Wire::open_narrow(&mm1).await;
        wire.send(&get(&from(BOB), &location).repeat(ASKED)).await;
        rig.await_metric("mmsc_mm1_broken_responses_total", |count| count >= 1.0).await;
        "the node gave it up".to_owned()
    };
    let head = format!("GET / HTTP/1.1\r\nHost: m\r\nX-Slow: {}", "x".repeat(OCTETS));
    let cases = tokio::join!(
        silent(&mm1),
        drip(&mm1, Vec::new(), head.as_bytes()),
        drip(&mm1, post_framed(&length, &body), &[b'x'; OCTETS]),
        drip(&mm1, post_framed(&coded, b"5\r\nhello\r\n200\r\n"), &[b'x'; OCTETS]),
        stall(&mm1, post_framed(&length, &body)),
        unread,
        served(&mm1, &identity),
    );
    story.tell(format!("nothing at all: {}", cases.0));
    story.tell(format!("a head, octet by octet: {}", cases.1));
    story.tell(format!("a body, octet by octet: {}", cases.2));
    story.tell(format!("a chunk, octet by octet: {}", cases.3));
    story.tell(format!("a body that stops: {}", cases.4));
    story.tell(format!("answers that nobody reads: {}", cases.5));
    story.tell(format!("another client meanwhile: {}", cases.6));
    rig.stop().await;
}

async fn silent(mm1: &str) -> String {
    Wire::open(mm1).await.until_closed().await
}

async fn stall(mm1: &str, request: Vec<u8>) -> String {
    let mut wire = Wire::open(mm1).await;
    wire.send(&request).await;
    wire.until_closed().await
}

/// Sends `octets` one at a time until the node has said something or closed; what it said.
async fn drip(mm1: &str, request: Vec<u8>, octets: &[u8]) -> String {
    let mut wire = Wire::open(mm1).await;
    wire.send(&request).await;
    for octet in octets {
        if wire.has_spoken() || !wire.send(&[*octet]).await {
            return wire.until_closed().await;
        }
        tokio::time::sleep(PAUSE).await;
    }
    "never ended".to_owned()
}

/// A client that does everything right, again and again while the others are at it.
async fn served(mm1: &str, identity: &str) -> String {
    let mut answers = std::collections::BTreeSet::new();
    for round in 0..20 {
        let body = submission(&format!("T{round}"), &[BOB.as_bytes()]);
        let answer = crate::wire::ask(mm1, &crate::pdu::post(identity, &body)).await;
        answers.insert(answer.to_string());
        tokio::time::sleep(PAUSE).await;
    }
    format!("20 submissions: {answers:?}")
}
