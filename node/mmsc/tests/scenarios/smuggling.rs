//! Requests that two readers could frame differently are refused, and nothing behind them is read as a request.

use crate::pdu::{from, post, post_framed, submission};
use crate::rig::{ALICE, BOB, Rig};
use crate::story::Story;
use crate::wire::Wire;

/// What, and a head of which only the end is missing. Each has a body of `0 CRLF CRLF`: five octets, or no chunk at all.
const FRAMED: &[(&str, &str)] = &[
    ("length, then coding", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"),
    ("coding, then length", "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"),
    ("coding, then no length", "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n"),
    ("two lengths", "Content-Length: 5\r\nContent-Length: 6\r\n"),
    ("one length twice", "Content-Length: 5\r\nContent-Length: 5\r\n"),
    ("two lengths in one", "Content-Length: 5, 5\r\n"),
    ("a signed length", "Content-Length: +5\r\n"),
    ("a length in hexadecimal", "Content-Length: 0x5\r\n"),
    ("an empty length", "Content-Length: \r\n"),
    ("a length beyond measure", "Content-Length: 99999999999999999999\r\n"),
    ("two codings", "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n"),
    ("coding twice", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
    ("coding twice in one", "Transfer-Encoding: chunked, chunked\r\n"),
    ("a coding before chunked", "Transfer-Encoding: identity, chunked\r\n"),
    ("an unknown coding", "Transfer-Encoding: xchunked\r\n"),
    ("a coding in quotes", "Transfer-Encoding: \"chunked\"\r\n"),
    ("a space before the colon", "Transfer-Encoding : chunked\r\n"),
    ("a tab before the colon", "Content-Length\t: 5\r\n"),
    ("a folded coding", "Transfer-Encoding:\r\n chunked\r\n"),
    ("a folded header", "X-A: b\r\n c\r\nContent-Length: 5\r\n"),
    ("a header folded by a tab", "X-A: b\r\n\tContent-Length: 5\r\n"),
    ("a space before the first name", " Content-Length: 5\r\n"),
    ("a line end without CR", "X-A: b\nContent-Length: 5\r\n"),
    ("a line end without LF", "X-A: b\rContent-Length: 5\r\n"),
    ("a CR in a name", "X-\rA: b\r\nContent-Length: 5\r\n"),
    ("a NUL in a value", "X-A: b\0c\r\nContent-Length: 5\r\n"),
    ("a line without colon", "X-A\r\nContent-Length: 5\r\n"),
    ("a name that is empty", ": b\r\nContent-Length: 5\r\n"),
];

/// What, and a chunked body.
const CHUNKED: &[(&str, &[u8])] = &[
    ("a chunk's length ends without CR", b"5\nhello\r\n0\r\n\r\n"),
    ("a chunk ends without CR", b"5\r\nhello\n0\r\n\r\n"),
    ("a chunk is longer than its length", b"4\r\nhello\r\n0\r\n\r\n"),
    ("a signed chunk length", b"+5\r\nhello\r\n0\r\n\r\n"),
    ("a chunk length of 17 digits", b"00000000000000005\r\nhello\r\n0\r\n\r\n"),
    ("a chunk length beyond measure", b"ffffffffffffffffff\r\nhello\r\n0\r\n\r\n"),
    ("no chunk length", b"\r\nhello\r\n0\r\n\r\n"),
    ("a bare LF in an extension", b"5;a\nb\r\nhello\r\n0\r\n\r\n"),
    ("the end without CR", b"0\r\n\n"),
    ("a trailer line without CR", b"0\r\nX-A: b\n\r\n"),
];

pub async fn run(story: &mut Story) {
    let mut rig = Rig::start(&[]).await;
    let mm1 = rig.mm1();
    let identity = from(ALICE);
    let smuggled = post(&identity, &submission("smuggled", &[BOB.as_bytes()]));
    for (what, lines) in FRAMED {
        let first = post_framed(&(identity.clone() + lines), b"0\r\n\r\n");
        let mut wire = Wire::open(&mm1).await;
        wire.send(&[first, smuggled.clone()].concat()).await;
        story.tell(format!("{what}: {}", wire.until_closed().await));
    }
    let coded = identity.clone() + "Transfer-Encoding: chunked\r\n";
    for (what, body) in CHUNKED {
        let mut wire = Wire::open(&mm1).await;
        wire.send(&[post_framed(&coded, body), smuggled.clone()].concat()).await;
        story.tell(format!("{what}: {}", wire.until_closed().await));
    }
    for (what, line) in [
        ("a request line that ends without CR", "POST / HTTP/1.1\n"),
        ("a request line with a CR", "POST /\r HTTP/1.1\r\n"),
        ("a request line without version", "GET /\r\n"),
        ("coding in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n"),
    ] {
        let first = format!("{line}Host: m\r\n{identity}\r\n0\r\n\r\n").into_bytes();
        let mut wire = Wire::open(&mm1).await;
        wire.send(&[first, smuggled.clone()].concat()).await;
        story.tell(format!("{what}: {}", wire.until_closed().await));
    }
    // Octet by octet, the same is refused: nothing depends on how the octets come.
    let mut wire = Wire::open(&mm1).await;
    let first = post_framed(&(identity.clone() + FRAMED[0].1), b"0\r\n\r\n");
    for octet in [first, smuggled.clone()].concat() {
        if wire.has_spoken() || !wire.send(&[octet]).await {
            break;
        }
    }
    story.tell(format!("the first of these, octet by octet: {}", wire.until_closed().await));
    honest(story, &mm1, &identity).await;
    rig.notification().await;
    // Twice five octets: the honest submission and its repeat, nothing that was smuggled.
    let submitted = rig.metrics().await.sum("mmsc_mm1_submitted_bytes_total");
    story.tell(format!("octets of content that were accepted in all: {submitted:?}"));
    rig.stop().await;
}

/// What is framed well is served, chunks and all: a guard that refused everything would pass the rest.
async fn honest(story: &mut Story, mm1: &str, identity: &str) {
    let pdu = submission("honest", &[BOB.as_bytes()]);
    let (head, tail) = pdu.split_at(10);
    let mut body = format!("{:X};part=\"1\"\r\n", head.len()).into_bytes();
    body.extend_from_slice(head);
    body.extend_from_slice(format!("\r\n{:x} \r\n", tail.len()).as_bytes());
    body.extend_from_slice(tail);
    body.extend_from_slice(b"\r\n0\r\nX-Trailer: t\r\n\r\n");
    let coded = identity.to_owned() + "Transfer-Encoding: Chunked\r\n";
    let mut wire = Wire::open(mm1).await;
    wire.send(b"\r\n").await;
    let chunked = wire.ask(&post_framed(&coded, &body)).await;
    story.tell(format!("chunks with extension and trailer, after an empty line: {chunked}"));
    let again = wire.ask(&post(identity, &pdu)).await;
    story.tell(format!("the same with its length, on the same connection: {again}"));
    assert_eq!(chunked.body, again.body, "a repeat has the first answer");
}
