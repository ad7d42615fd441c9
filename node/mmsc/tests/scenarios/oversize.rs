//! Bodies beyond the limit are refused in MM1's words, from what their head says or where they pass it; the node does
//! not grow by what it refuses.

use mmsc_peers::node::Usage;

use crate::pdu::{from, post_framed, submission, submission_with};
use crate::rig::{ALICE, BOB, Rig};
use crate::story::Story;
use crate::wire::Wire;

const MIB: usize = 1024 * 1024;
/// What a node takes in this scenario; it reads and drops four times as much, and then ends the connection.
const LIMIT_MIB: usize = 1;
/// Beyond everything that is read and dropped.
const SENT_MIB: usize = 64;
/// Read of chunks without end at most: those four MiB, and a buffer.
const READ_MIB: usize = 5;
/// What refusing may cost at most, in resident memory: far less than was sent.
const ALLOWED_GROWTH: u64 = 16 * MIB as u64;

pub async fn run(story: &mut Story) {
    let rig = Rig::start(&[("limits.message_size", "1MiB")]).await;
    let mm1 = rig.mm1();
    let identity = from(ALICE);
    // The node has done all of this once before it is measured.
    let warm = submission("warm", &[BOB.as_bytes()]);
    let answer = crate::wire::ask(&mm1, &crate::pdu::post(&identity, &warm)).await;
    story.tell(format!("a small one: {answer}"));
    let before = fresh_peak(&rig);
    by_its_head(story, &mm1, &identity).await;
    in_chunks(story, &rig, &mm1, &identity).await;
    let after = rig.node.usage().unwrap().peak_resident_bytes;
    let grown = after.saturating_sub(before);
    println!("resident before {} KiB, at most {} KiB", before / 1024, after / 1024);
    assert!(grown < ALLOWED_GROWTH, "grew by {grown} octets");
    story.tell("the node's memory did not grow by what it refused");
    let answer = crate::wire::ask(&mm1, &crate::pdu::post(&identity, &warm)).await;
    story.tell(format!("a small one again: {answer}"));
    rig.stop().await;
}

/// Lets the kernel count the peak anew; the resident memory now.
fn fresh_peak(rig: &Rig) -> u64 {
    let path = format!("/proc/{}/clear_refs", rig.node.pid());
    std::fs::write(path, "5").unwrap();
    let Usage {
        resident_bytes,
        peak_resident_bytes,
        ..
    } = rig.node.usage().unwrap();
    assert!(peak_resident_bytes < resident_bytes + MIB as u64, "the peak is an old one");
    resident_bytes
}

async fn by_its_head(story: &mut Story, mm1: &str, identity: &str) {
    let opening = submission_with("head", &[BOB.as_bytes()], &[b'x'; 128 * 1024]);
    // A client that asks first is refused before it has sent anything.
    let lines = format!("{identity}Expect: 100-continue\r\nContent-Length: {}\r\n", 2 * MIB);
    let mut wire = Wire::open(mm1).await;
    wire.send(&post_framed(&lines, b"")).await;
    story.tell(format!("2 MiB announced, asked first: {}", wire.until_closed().await));
    // One that claims more than is ever read is refused once the opening of its PDU is there.
    let lines = format!("{identity}Content-Length: {}\r\n", 1u64 << 40);
    let mut wire = Wire::open(mm1).await;
    wire.send(&post_framed(&lines, &opening)).await;
    story.tell(format!("1 TiB announced, 128 KiB sent: {}", wire.until_closed().await));
    // What is only somewhat too long is read to its end, so that the client reads its answer; and kept nowhere.
    let body = submission_with("long", &[BOB.as_bytes()], &vec![b'x'; 3 * MIB]);
    let answer = crate::wire::ask(mm1, &crate::pdu::post(identity, &body)).await;
    story.tell(format!("3 MiB announced and sent: {answer}"));
    let body = submission_with("over", &[BOB.as_bytes()], &vec![b'x'; LIMIT_MIB * MIB + 1]);
    let answer = crate::wire::ask(mm1, &crate::pdu::post(identity, &body)).await;
    story.tell(format!("one octet of content too much: {answer}"));
}

async fn in_chunks(story: &mut Story, rig: &Rig, mm1: &str, identity: &str) {
    let lines = format!("{identity}Transfer-Encoding: chunked\r\n");
    let opening = submission("chunks", &[BOB.as_bytes()]);
    let mut first = format!("{:x}\r\n", opening.len()).into_bytes();
    first.extend_from_slice(&opening);
    let mut chunk = format!("\r\n{MIB:x}\r\n").into_bytes();
    chunk.extend_from_slice(&vec![b'x'; MIB]);
    let received = "mmsc_mm1_received_bytes_total";
    let before = rig.metrics().await.sum(received).unwrap();
    let mut wire = Wire::open(mm1).await;
    wire.send(&post_framed(&lines, &first)).await;
    let mut sent = 0;
    while sent < SENT_MIB && wire.send(&chunk).await {
        sent += 1;
    }
    assert!(sent < SENT_MIB, "the node took everything");
    let read = rig.metrics().await.sum(received).unwrap() - before;
    println!("of chunks without end {} KiB were read", read / 1024.0);
    assert!(read < (READ_MIB * MIB) as f64, "{read} octets were read");
    story.tell("chunks without end: cut off where nothing more is read");
    let mut wire = Wire::open(mm1).await;
    wire.send(&post_framed(&lines, &first)).await;
    for _ in 0..3 {
        wire.send(&chunk).await;
    }
    let answer = wire.ask(b"\r\n0\r\n\r\n").await;
    story.tell(format!("3 MiB in chunks: {answer}"));
}
