//! Requests that mean harm: two lengths, heads without measure, claims without octets, borrowed identities.

use bytes::Bytes;
use http_body_util::Empty;
use hyper::Request;
use hyper_util::rt::{TokioExecutor, TokioIo};
use mmsc_wire::mms::ResponseStatus;

use super::*;
use crate::testing::closes;

/// Whoever stands before us may have taken the other length for the true one. What follows the request is then not a
/// request of the same client, and must not be answered on its connection.
#[tokio::test]
async fn a_second_request_is_not_smuggled_in() {
    let bench = Bench::start().await;
    bench.fake.accepting().await;
    let body = encode(send_req("T-smuggled", Version::V1_2));
    let smuggled = format!(
        "POST / HTTP/1.1\r\nHost: m\r\n{ALICE}Content-Length: {}\r\n\r\n",
        body.len()
    );
    for lengths in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Content-Length: 5\r\nTransfer-Encoding: identity, chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding : chunked\r\n",
        "Content-Length: +5\r\n",
        "Content-Length: 5, 5\r\n",
        "Content-Length: 5\r\nContent-Length: 6\r\n",
    ] {
        let mut stream = bench.connect().await;
        let head = format!("POST / HTTP/1.1\r\nHost: m\r\n{lengths}\r\n0\r\n\r\n");
        write(&mut stream, &[head.as_bytes(), smuggled.as_bytes(), &body].concat()).await;
        if let Some(reply) = read_reply(&mut stream, false).await {
            assert!((400..500).contains(&reply.status), "{lengths}: {}", reply.head);
            assert!(closes(&mut stream).await, "{lengths}: answered twice");
        }
        assert!(bench.fake.submitted.lock().unwrap().is_empty(), "{lengths}");
    }
}

#[tokio::test]
async fn heads_have_a_measure() {
    let bench = Bench::start().await;
    let many: String = (0..1000).map(|nth| format!("X-{nth}: x\r\n")).collect();
    let long = format!("GET /{} HTTP/1.1\r\nHost: m\r\n", "x".repeat(64 * 1024));
    for (head, status) in [(format!("GET / HTTP/1.1\r\nHost: m\r\n{many}"), 431), (long, 414)] {
        let mut stream = bench.connect().await;
        write(&mut stream, format!("{head}\r\n").as_bytes()).await;
        if let Some(reply) = read_reply(&mut stream, false).await {
            assert!([status, 431].contains(&reply.status), "{}", reply.head);
        }
    }
    // On HTTP/2 the stream ends, and the connection goes on.
    let stream = bench.connect().await;
    let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
    let (mut sender, connection) = handshake.await.unwrap();
    let driver = Ports::real()
        .spawn
        .task("test-http2", Box::pin(async { drop(connection.await) }));
    let mut ask = async |filler: String| {
        let request = Request::put("http://m/").header("x-filler", filler);
        let reply = sender.send_request(request.body(Empty::<Bytes>::new()).unwrap());
        tokio::time::timeout(PATIENCE, reply).await.unwrap()
    };
    assert_eq!(ask("x".repeat(20 * 1024)).await.unwrap().status(), 431);
    assert_eq!(ask("x".to_owned()).await.unwrap().status(), 405);
    driver.abort();
}

/// Who claims much and sends nothing takes no room from those who send.
#[tokio::test]
async fn claims_alone_take_no_room() {
    let mut config = config();
    config.limits.max_buffered_octets = 64 * 1024;
    let bench = Bench::with(config).await;
    bench.fake.accepting().await;
    let mut held = Vec::new();
    for _ in 0..12 {
        let mut stream = bench.connect().await;
        let head = "POST / HTTP/1.1\r\nHost: m\r\nExpect: 100-continue\r\nContent-Length: 60000\r\n\r\n";
        write(&mut stream, head.as_bytes()).await;
        assert_eq!(read_reply(&mut stream, false).await.unwrap().status, 100);
        held.push(stream);
    }
    let reply = bench.post(&encode(send_req("T", Version::V1_2))).await;
    assert_eq!(send_conf(&reply).response_status, ResponseStatus::Ok);
}

/// A subscriber sets the header, and a careless gateway appends its own to it.
#[tokio::test]
async fn an_identity_is_not_borrowed() {
    let bench = Bench::start().await;
    bench.fake.accepting().await;
    let body = encode(send_req("T", Version::V1_2));
    for value in [
        "tel:+15550100666;x=y, +15550100001",
        "tel:+15550100666,tel:+15550100001",
        "+15550100666;+15550100001",
        "+15550100001 <+15550100666>",
        "+15550100666/TYPE=PLMN, +15550100001/TYPE=PLMN",
        "15550100666/TYPE=IPv4",
    ] {
        let head = format!("POST / HTTP/1.1\r\nHost: m\r\nX-MSISDN: {value}\r\n");
        let reply = bench.request(&head, &body).await;
        let status = send_conf(&reply).response_status;
        assert_eq!(status, ResponseStatus::PermanentServiceDenied, "{value}");
    }
    assert!(bench.fake.submitted.lock().unwrap().is_empty());
    assert!(bench.fake.seen.lock().unwrap().is_empty());
}
