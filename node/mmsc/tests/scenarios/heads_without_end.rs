//! Heads without measure: too many headers, too long ones, one that never ends. And headers that occur twice.

use crate::pdu::{from, get, post, submission};
use crate::rig::{ALICE, BOB, Rig};
use crate::story::Story;
use crate::wire::Wire;

const KIB: usize = 1024;

pub async fn run(story: &mut Story) {
    let rig = Rig::start(&[]).await;
    let mm1 = rig.mm1();
    let identity = from(ALICE);
    let body = submission("heads", &[BOB.as_bytes()]);
    let headers = |count: usize| (0..count).map(|nth| format!("X-{nth}: x\r\n")).collect::<String>();
    let long = |octets: usize| format!("X-Long: {}\r\n", "x".repeat(octets));
    for (what, lines) in [
        ("90 headers", headers(90)),
        ("1,000 headers", headers(1000)),
        ("a header of 4 KiB", long(4 * KIB)),
        ("a header of 64 KiB", long(64 * KIB)),
        ("the type of content twice", "Content-Type: text/plain\r\n".to_owned()),
        ("the host twice", "Host: other\r\n".to_owned()),
        ("compressed, it says", "Content-Encoding: gzip\r\n".to_owned()),
    ] {
        let mut wire = Wire::open(&mm1).await;
        wire.send(&post(&(identity.clone() + &lines), &body)).await;
        story.tell(format!("{what}: {}", said(&mut wire).await));
    }
    let mut wire = Wire::open(&mm1).await;
    wire.send(&get(&identity, &format!("/{}", "x".repeat(64 * KIB)))).await;
    story.tell(format!("a path of 64 KiB: {}", said(&mut wire).await));
    let mut wire = Wire::open(&mm1).await;
    wire.send(b"GET / HTTP/1.1\r\n").await;
    let line = long(KIB);
    let mut sent = 0;
    while sent < 64 * KIB && wire.send(line.as_bytes()).await {
        sent += 1;
    }
    assert!(sent < 64 * KIB, "the node reads on and on");
    story.tell("a head without end: cut off");
    let answer = crate::wire::ask(&mm1, &post(&identity, &body)).await;
    story.tell(format!("an honest one: {answer}"));
    rig.stop().await;
}

/// The node closes while more is on its way; its answer may be lost by that, but nothing else can come.
async fn said(wire: &mut Wire) -> String {
    match wire.answer().await {
        Some(answer) if answer.status == 200 => answer.to_string(),
        Some(answer) if matches!(answer.status, 414 | 431) => "too large, or closed".to_owned(),
        Some(answer) => answer.to_string(),
        None => "too large, or closed".to_owned(),
    }
}
