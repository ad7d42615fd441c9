//! A node without credit refuses before it reads, and its client gets to read that.

use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use hyper_util::rt::{TokioExecutor, TokioIo};
use mmsc_domain::Token;
use mmsc_relay::admission::Class;
use mmsc_wire::mms::{NotifyRespInd, ResponseStatus, Status};

use super::*;
use crate::metrics::{Mm1Outcome, Mm1Refusal, Mm1Request};

/// Bodies may be larger than what sockets hold.
async fn bench() -> Bench {
    let mut config = config();
    config.limits.max_pdu_octets = 32 * 1024 * 1024;
    let bench = Bench::with(config).await;
    bench.fake.accepting().await;
    bench
}

fn post(length: usize, more: &str) -> String {
    format!("POST / HTTP/1.1\r\nHost: m\r\n{ALICE}{more}Content-Length: {length}\r\n\r\n")
}

fn is_refused(reply: &Reply) {
    assert_eq!((reply.status, reply.header("retry-after")), (503, Some("5")));
    assert_eq!(reply.header("cache-control"), Some("no-store"));
}

/// The head is all that was sent: nothing else was waited for.
#[tokio::test]
async fn without_credit_the_head_is_enough_for_a_refusal() {
    let bench = bench().await;
    *bench.fake.full.lock().unwrap() = vec![Class::Submission];
    for more in ["", "Expect: 100-continue\r\n"] {
        let mut stream = bench.connect().await;
        write(&mut stream, post(300_000, more).as_bytes()).await;
        is_refused(&read_reply(&mut stream, false).await.unwrap());
    }
    assert_eq!(bench.metrics.refusals(Mm1Refusal::Busy), 2);
    assert_eq!(bench.metrics.requests(Mm1Request::Other, Mm1Outcome::Busy), 2);
}

/// Octets that were sent all the same are looked at by nobody: neither a PDU nor nonsense is found in them.
#[tokio::test]
async fn a_refused_body_is_not_decoded() {
    let bench = bench().await;
    *bench.fake.full.lock().unwrap() = vec![Class::Submission, Class::Answer];
    for body in [encode(send_req("T", Version::V1_2)), vec![b'x'; 60_000]] {
        is_refused(&bench.post(&body).await);
    }
    assert_eq!(bench.metrics.requests(Mm1Request::Other, Mm1Outcome::Busy), 2);
    assert_eq!(bench.metrics.refusals(Mm1Refusal::Malformed), 0);
    assert!(bench.fake.submitted.lock().unwrap().is_empty());
}

/// Most clients read nothing before they have sent everything: closing at once would reset what they send, and they
/// would never see the answer. The connection goes on after it.
#[tokio::test]
async fn a_client_that_sends_everything_first_sees_the_refusal() {
    let bench = bench().await;
    *bench.fake.full.lock().unwrap() = vec![Class::Submission];
    let mut stream = bench.connect().await;
    let body = vec![b'x'; 24 * 1024 * 1024];
    write(&mut stream, post(body.len(), "").as_bytes()).await;
    let sent = tokio::time::timeout(PATIENCE, tokio::io::AsyncWriteExt::write_all(&mut stream, &body));
    sent.await.unwrap().unwrap();
    is_refused(&read_reply(&mut stream, false).await.unwrap());

    bench.fake.full.lock().unwrap().clear();
    let body = encode(send_req("T", Version::V1_2));
    send(&mut stream, &format!("POST / HTTP/1.1\r\nHost: m\r\n{ALICE}"), &body).await;
    let reply = read_reply(&mut stream, false).await.unwrap();
    assert_eq!(send_conf(&reply).response_status, ResponseStatus::Ok);
}

/// So does one whose octets find no room on the way, or come in a coding that is not served.
#[tokio::test]
async fn other_refusals_of_a_body_are_seen_too() {
    let mut config = config();
    config.limits.max_pdu_octets = 32 * 1024 * 1024;
    config.limits.max_buffered_octets = 1024;
    let bench = Bench::with(config).await;
    let body = vec![b'x'; 24 * 1024 * 1024];
    for (more, status) in [("", 503), ("Content-Encoding: gzip\r\n", 415)] {
        let mut stream = bench.connect().await;
        write(&mut stream, post(body.len(), more).as_bytes()).await;
        let sent = tokio::time::timeout(PATIENCE, tokio::io::AsyncWriteExt::write_all(&mut stream, &body));
        sent.await.unwrap().unwrap();
        assert_eq!(read_reply(&mut stream, false).await.unwrap().status, status);
    }
}

/// What finishes a message goes before what starts one, also here; and a message that is too large for anything is told
/// so rather than to come back.
#[tokio::test]
async fn words_and_what_is_too_large_are_not_refused_with_submissions() {
    let bench = bench().await;
    *bench.fake.full.lock().unwrap() = vec![Class::Submission];
    let word = NotifyRespInd {
        transaction_id: Token([1; 16]).to_string().into(),
        version: Version::V1_2,
        status: Status::Deferred,
        ..NotifyRespInd::default()
    };
    let reply = bench.post(&encode(word)).await;
    assert_eq!((reply.status, bench.fake.said.lock().unwrap().len()), (200, 1));
    let reply = bench
        .request(
            &format!("POST / HTTP/1.1\r\nHost: m\r\n{ALICE}Expect: 100-continue\r\nContent-Length: 1000000000\r\n"),
            b"",
        )
        .await;
    assert_eq!(reply.status, 413);
}

/// A slow body holds no credit: the command is given, and takes one, when all of it is there.
#[tokio::test]
async fn a_slow_body_gives_no_command() {
    let bench = bench().await;
    let body = encode(send_req("T", Version::V1_2));
    let mut slow = bench.connect().await;
    write(&mut slow, post(body.len(), "Expect: 100-continue\r\n").as_bytes()).await;
    assert_eq!(read_reply(&mut slow, false).await.unwrap().status, 100);
    assert!(bench.fake.submitted.lock().unwrap().is_empty());
    // The credit that was free when the head came is gone when the body has come: refused in the PDU's own words.
    *bench.fake.script.lock().await = fake::Script::Busy;
    write(&mut slow, &body).await;
    let reply = read_reply(&mut slow, false).await.unwrap();
    assert_eq!(send_conf(&reply).response_status, ResponseStatus::TransientFailure);
}

#[tokio::test]
async fn streams_of_http_2_are_refused_each_alone() {
    let bench = bench().await;
    *bench.fake.full.lock().unwrap() = vec![Class::Submission];
    let stream = bench.connect().await;
    let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
    let (mut sender, connection) = handshake.await.unwrap();
    let driver = Ports::real()
        .spawn
        .task("test-http2", Box::pin(async { drop(connection.await) }));
    // Together more than the window of the connection: what is left unread must not stop the others.
    for _ in 0..8 {
        let request = Request::post("http://m/").header("x-msisdn", "+15550100001");
        let request = request.body(Full::new(Bytes::from(vec![b'x'; 1024 * 1024]))).unwrap();
        let reply = tokio::time::timeout(PATIENCE, sender.send_request(request))
            .await
            .unwrap();
        assert_eq!(reply.unwrap().status(), 503);
    }
    bench.fake.full.lock().unwrap().clear();
    let request = Request::post("http://m/").header("x-msisdn", "+15550100001");
    let body = encode(send_req("T", Version::V1_2));
    let reply = sender.send_request(request.body(Full::new(Bytes::from(body))).unwrap());
    let reply = tokio::time::timeout(PATIENCE, reply).await.unwrap();
    assert_eq!(reply.unwrap().status(), 200);
    driver.abort();
}
