//! HTTP itself: methods, limits, framing, connections, HTTP/2, TLS, drain.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper_util::rt::{TokioExecutor, TokioIo};
use mmsc_domain::Token;
use mmsc_wire::mms::ResponseStatus;
use tokio::io::AsyncWriteExt as _;

use super::fake::Script;
use super::*;
use crate::http::TlsFiles;
use crate::metrics::{Mm1Outcome, Mm1Request};
use crate::testing::closes;

#[tokio::test]
async fn other_methods_and_compressed_bodies_are_refused() {
    let bench = Bench::start().await;
    for method in ["PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"] {
        let reply = bench.request(&format!("{method} / HTTP/1.1\r\nHost: m\r\n"), b"").await;
        assert_eq!(
            (reply.status, reply.header("allow")),
            (405, Some("GET, HEAD, POST")),
            "{method}"
        );
        assert_eq!(reply.header("cache-control"), Some("no-store"));
    }
    for coding in ["gzip", "deflate", "identity, gzip"] {
        let head = format!("POST / HTTP/1.1\r\nHost: m\r\nContent-Encoding: {coding}\r\n");
        assert_eq!(bench.request(&head, b"x").await.status, 415, "{coding}");
    }
    let head = "POST / HTTP/1.1\r\nHost: m\r\nContent-Encoding: Identity\r\n";
    assert_eq!(bench.request(head, b"x").await.status, 400);
}

#[tokio::test]
async fn any_path_and_any_content_type_take_a_post() {
    let bench = Bench::start().await;
    bench.fake.accepting().await;
    let body = encode(send_req("T", Version::V1_2));
    for (path, kind) in [
        ("/", "application/vnd.wap.mms-message"),
        ("/mms/wapenc", "Application/VND.wap.mms-message; charset=utf-8"),
        ("http://mmsc.example:8080/a?b=c", "application/x-www-form-urlencoded"),
    ] {
        let head = format!("POST {path} HTTP/1.1\r\nHost: m\r\n{ALICE}Content-Type: {kind}\r\n");
        let reply = bench.request(&head, &body).await;
        assert_eq!(send_conf(&reply).response_status, ResponseStatus::Ok, "{path}");
    }
}

/// A message of `len` octets.
fn large(len: usize) -> Vec<u8> {
    let data = vec![0x41; len];
    let mut request = send_req("T-large", Version::V1_2);
    request.content = mms::Content::mixed(vec![mms::Part {
        data: &data,
        ..mms::Part::default()
    }]);
    encode(request)
}

#[tokio::test]
async fn what_is_too_large_is_refused_in_mm1s_words() {
    let bench = Bench::start().await;
    bench.fake.accepting().await;
    // At the limit, a little over it, over what is read at all.
    for (len, status) in [
        (60 * 1024, ResponseStatus::Ok),
        (70 * 1024, ResponseStatus::PermanentContentNotAccepted),
        (200 * 1024, ResponseStatus::PermanentContentNotAccepted),
    ] {
        let reply = bench.post(&large(len)).await;
        let conf = send_conf(&reply);
        assert_eq!(
            (conf.response_status, conf.transaction_id),
            (status, "T-large".into()),
            "{len}"
        );
    }
    assert_eq!(bench.post(&vec![b'x'; 70 * 1024]).await.status, 413);
    assert_eq!(bench.fake.submitted.lock().unwrap().len(), 1);
}

/// More than would ever be read: answered from the first octets, then closed.
#[tokio::test]
async fn a_hopeless_length_is_not_waited_for() {
    let bench = Bench::start().await;
    let mut stream = bench.connect().await;
    let head = format!("POST / HTTP/1.1\r\nHost: m\r\n{ALICE}Content-Length: 1000000000\r\n\r\n");
    write(&mut stream, head.as_bytes()).await;
    write(&mut stream, &large(32 * 1024)).await;
    let reply = read_reply(&mut stream, false).await.unwrap();
    assert_eq!(
        send_conf(&reply).response_status,
        ResponseStatus::PermanentContentNotAccepted
    );
}

#[tokio::test]
async fn expect_continue() {
    let bench = Bench::start().await;
    bench.fake.accepting().await;
    let body = encode(send_req("T", Version::V1_2));
    let mut stream = bench.connect().await;
    let head =
        |len| format!("POST / HTTP/1.1\r\nHost: m\r\n{ALICE}Expect: 100-continue\r\nContent-Length: {len}\r\n\r\n");
    write(&mut stream, head(body.len()).as_bytes()).await;
    assert_eq!(read_reply(&mut stream, false).await.unwrap().status, 100);
    write(&mut stream, &body).await;
    let reply = read_reply(&mut stream, false).await.unwrap();
    assert_eq!(send_conf(&reply).response_status, ResponseStatus::Ok);
    // Too large: refused before a single octet of it was sent.
    write(&mut stream, head(10_000_000).as_bytes()).await;
    assert_eq!(read_reply(&mut stream, false).await.unwrap().status, 413);
}

#[tokio::test]
async fn chunked_bodies_keep_alive_and_pipelining() {
    let bench = Bench::start().await;
    bench.fake.accepting().await;
    let body = encode(send_req("T", Version::V1_2));
    let mut stream = bench.connect().await;
    let mut chunked = format!("POST / HTTP/1.1\r\nHost: m\r\n{ALICE}Transfer-Encoding: chunked\r\n\r\n").into_bytes();
    for piece in body.chunks(7) {
        chunked.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
        chunked.extend_from_slice(piece);
        chunked.extend_from_slice(b"\r\n");
    }
    chunked.extend_from_slice(b"0\r\n\r\n");
    let plain = format!(
        "POST / HTTP/1.1\r\nHost: m\r\n{ALICE}Content-Length: {}\r\n\r\n",
        body.len()
    );
    let plain = [plain.as_bytes(), &body].concat();
    write(&mut stream, &[chunked.clone(), plain.clone(), chunked, plain].concat()).await;
    for turn in 0..4 {
        let reply = read_reply(&mut stream, false).await.unwrap();
        assert_eq!(send_conf(&reply).response_status, ResponseStatus::Ok, "{turn}");
    }
    assert_eq!(bench.fake.submitted.lock().unwrap().len(), 4);
    assert_eq!(bench.metrics.http.connections.value(), 1);
}

#[tokio::test]
async fn http_1_0_and_half_closed_connections() {
    let bench = Bench::start().await;
    bench.fake.accepting().await;
    let body = encode(send_req("T", Version::V1_2));
    let mut stream = bench.connect().await;
    send(&mut stream, &format!("POST / HTTP/1.0\r\n{ALICE}"), &body).await;
    stream.shutdown().await.unwrap();
    let reply = read_reply(&mut stream, false).await.unwrap();
    assert_eq!(send_conf(&reply).response_status, ResponseStatus::Ok);
    assert!(closes(&mut stream).await);
}

#[tokio::test]
async fn nonsense_is_answered_or_closed() {
    let bench = Bench::start().await;
    let large = format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(64 * 1024));
    let cases = [
        ("\x16\x03\x01\x02\x00\x01\x00\x01\x7c\x03\x03 a TLS client's hello", 400),
        ("GET\r\n\r\nGET / HTTP/1.1 and more of it\r\n\r\n", 400),
        (large.as_str(), 431),
        (
            "POST / HTTP/1.1\r\nHost: m\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
            400,
        ),
    ];
    for (text, status) in cases {
        let mut stream = bench.connect().await;
        write(&mut stream, text.as_bytes()).await;
        if let Some(reply) = read_reply(&mut stream, false).await {
            assert_eq!(reply.status, status, "{text:.20}");
        }
    }
    // A body that breaks off: nothing was submitted, and the service goes on.
    let mut stream = bench.connect().await;
    write(
        &mut stream,
        b"POST / HTTP/1.1\r\nHost: m\r\nContent-Length: 50\r\n\r\nhalf",
    )
    .await;
    drop(stream);
    assert_eq!(bench.request("PUT / HTTP/1.1\r\nHost: m\r\n", b"").await.status, 405);
    assert!(bench.fake.submitted.lock().unwrap().is_empty());
}

/// A bug that hits one request costs that connection and no other.
#[tokio::test]
async fn a_panic_ends_one_connection_only() {
    let bench = Bench::start().await;
    *bench.fake.script.lock().await = Script::Panic;
    let body = encode(send_req("T", Version::V1_2));
    let mut stream = bench.connect().await;
    send(&mut stream, &format!("POST / HTTP/1.1\r\nHost: m\r\n{ALICE}"), &body).await;
    assert!(read_reply(&mut stream, false).await.is_none());
    bench.fake.accepting().await;
    assert_eq!(send_conf(&bench.post(&body).await).response_status, ResponseStatus::Ok);
}

#[tokio::test]
async fn connections_beyond_the_cap_are_told_so() {
    let mut small = config();
    small.limits.max_connections = 2;
    let bench = Bench::with(small).await;
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut stream = bench.connect().await;
        send(&mut stream, "PUT / HTTP/1.1\r\nHost: m\r\n", b"").await;
        assert_eq!(read_reply(&mut stream, false).await.unwrap().status, 405);
        held.push(stream);
    }
    let mut third = bench.connect().await;
    let reply = read_reply(&mut third, false).await.unwrap();
    assert_eq!((reply.status, reply.header("retry-after")), (503, Some("5")));
    assert_eq!(bench.metrics.http.connections_refused.value(), 1);
    assert_eq!(bench.metrics.http.open_connections.value(), 2);
}

#[tokio::test]
async fn bodies_share_a_budget() {
    let mut small = config();
    small.limits.max_buffered_octets = 1024;
    let bench = Bench::with(small).await;
    bench.fake.accepting().await;
    let reply = bench.post(&large(2048)).await;
    assert_eq!((reply.status, reply.header("retry-after")), (503, Some("5")));
    // What was held is free again.
    let reply = bench.post(&encode(send_req("T", Version::V1_2))).await;
    assert_eq!(send_conf(&reply).response_status, ResponseStatus::Ok);
}

#[tokio::test]
async fn drain_finishes_what_runs_and_takes_no_more() {
    let bench = Bench::start().await;
    bench.fake.accepting().await;
    let mut idle = bench.connect().await;
    send(&mut idle, "PUT / HTTP/1.1\r\nHost: m\r\n", b"").await;
    assert_eq!(read_reply(&mut idle, false).await.unwrap().status, 405);
    let body = encode(send_req("T", Version::V1_2));
    let mut busy = bench.connect().await;
    let head = format!(
        "POST / HTTP/1.1\r\nHost: m\r\n{ALICE}Expect: 100-continue\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    write(&mut busy, head.as_bytes()).await;
    assert_eq!(read_reply(&mut busy, false).await.unwrap().status, 100);
    let address = bench.mm1.address();
    let finish = async {
        assert!(closes(&mut idle).await);
        write(&mut busy, &body).await;
        let reply = read_reply(&mut busy, false).await.unwrap();
        assert_eq!(send_conf(&reply).response_status, ResponseStatus::Ok);
        assert!(closes(&mut busy).await);
    };
    let (drained, ()) = tokio::join!(bench.mm1.drain(PATIENCE), finish);
    assert!(drained);
    let refused = async {
        // The listener goes with its task; until then a connection is closed unanswered.
        match TcpStream::connect(address).await {
            Ok(mut stream) => closes(&mut stream).await,
            Err(_) => true,
        }
    };
    assert!(refused.await);
}

#[tokio::test]
async fn drain_has_a_limit() {
    let bench = Bench::start().await;
    let mut stuck = bench.connect().await;
    let head = "POST / HTTP/1.1\r\nHost: m\r\nExpect: 100-continue\r\nContent-Length: 50\r\n\r\n";
    write(&mut stuck, head.as_bytes()).await;
    assert_eq!(read_reply(&mut stuck, false).await.unwrap().status, 100);
    assert!(!bench.mm1.drain(std::time::Duration::from_millis(10)).await);
    assert!(closes(&mut stuck).await);
}

/// Retrievals and submissions as streams of one connection.
async fn speak_http2<S>(stream: S, bench: &Bench)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let token = Token([1; 16]);
    let content = bench.fake.hold(token, 300_000);
    let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
    let (sender, connection) = handshake.await.unwrap();
    let driver = Ports::real()
        .spawn
        .task("test-http2", Box::pin(async { drop(connection.await) }));
    let request = |method, path: &str, body: Vec<u8>| {
        let request = Request::builder().method(method).uri(format!("http://m{path}"));
        request
            .header("x-msisdn", "+15550100001")
            .body(Full::new(Bytes::from(body)))
            .unwrap()
    };
    let path = format!("/{token}");
    let mut senders = [sender.clone(), sender.clone(), sender.clone()];
    let [one, two, three] = &mut senders;
    let (got, head, posted) = tokio::join!(
        one.send_request(request("GET", &path, Vec::new())),
        two.send_request(request("HEAD", &path, Vec::new())),
        three.send_request(request("POST", "/", encode(send_req("T", Version::V1_2)))),
    );
    let got = got.unwrap();
    let length = got.headers()["content-length"].clone();
    let octets = got.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(length.to_str().unwrap(), octets.len().to_string());
    assert!(octets.ends_with(&content[7..]));
    let head = head.unwrap();
    assert_eq!(head.headers()["content-length"], length);
    assert!(head.into_body().collect().await.unwrap().to_bytes().is_empty());
    let posted = posted.unwrap().into_body().collect().await.unwrap().to_bytes();
    let Pdu::SendConf(conf) = decode(&posted) else { panic!() };
    assert_eq!(conf.response_status, ResponseStatus::Ok);
    assert_eq!(bench.fake.next_served().await, (token, true));
    // A stream that the client resets is not served.
    bench.fake.hold(token, 8 * 1024 * 1024);
    let broken = senders[0]
        .send_request(request("GET", &path, Vec::new()))
        .await
        .unwrap();
    drop(broken);
    assert_eq!(bench.fake.next_served().await, (token, false));
    assert_eq!(bench.metrics.requests(Mm1Request::Retrieve, Mm1Outcome::Ok), 2);
    driver.abort();
}

#[tokio::test]
async fn http_2_with_prior_knowledge() {
    let bench = Bench::start().await;
    bench.fake.accepting().await;
    let stream = bench.connect().await;
    tokio::time::timeout(PATIENCE, speak_http2(stream, &bench))
        .await
        .unwrap();
}

#[tokio::test]
async fn tls_with_both_protocols() {
    let directory = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let files = TlsFiles {
        certificate: directory.path().join("cert.pem"),
        key: directory.path().join("key.pem"),
    };
    std::fs::write(&files.certificate, made.cert.pem()).unwrap();
    std::fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
    let bench = Bench::with(Mm1Config {
        tls: Some(files),
        ..config()
    })
    .await;
    bench.fake.accepting().await;
    let mut roots = rustls::RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let connect = async |protocol: &[u8]| {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = rustls::ClientConfig::builder_with_provider(provider);
        let builder = builder.with_safe_default_protocol_versions().unwrap();
        let mut client = builder.with_root_certificates(roots.clone()).with_no_client_auth();
        client.alpn_protocols = vec![protocol.to_vec()];
        let connector = tokio_rustls::TlsConnector::from(Arc::new(client));
        let stream = bench.connect().await;
        connector
            .connect("localhost".try_into().unwrap(), stream)
            .await
            .unwrap()
    };
    let http2 = connect(b"h2").await;
    tokio::time::timeout(PATIENCE, speak_http2(http2, &bench))
        .await
        .unwrap();
    let mut http1 = connect(b"http/1.1").await;
    write(&mut http1, b"PUT / HTTP/1.1\r\nHost: m\r\n\r\n").await;
    assert_eq!(read_reply(&mut http1, false).await.unwrap().status, 405);
    // Plain text where TLS is due.
    let mut plain = bench.connect().await;
    write(&mut plain, b"GET / HTTP/1.1\r\nHost: m\r\n\r\n").await;
    let mut octets = Vec::new();
    let read = tokio::io::AsyncReadExt::read_to_end(&mut plain, &mut octets);
    let _reset = tokio::time::timeout(PATIENCE, read).await.unwrap();
    assert!(!octets.starts_with(b"HTTP"));
}

#[tokio::test]
async fn what_cannot_start_says_why() {
    let start = async |config| {
        let fake = Arc::new(Fake::default());
        let started = Mm1::start_with(config, fake, Arc::default(), &Ports::real()).await;
        started.err().map(|error| error.to_string()).unwrap()
    };
    let url = |url: &str| Mm1Config {
        public_url: url.to_owned(),
        ..config()
    };
    assert!(start(url("mms.example/")).await.contains("http://"));
    assert!(start(url("http://mms example/")).await.contains("spaces"));
    assert!(start(url(&format!("http://{}/", "m".repeat(80)))).await.contains("77"));
    let tls = Mm1Config {
        tls: Some(TlsFiles {
            certificate: "/nowhere/cert.pem".into(),
            key: "/nowhere/key.pem".into(),
        }),
        ..config()
    };
    assert!(start(tls).await.contains("/nowhere/cert.pem"));
    let mut named = config();
    named.identity[0].headers[0].name = "no header".to_owned();
    assert!(start(named).await.contains("no header"));
    let bench = Bench::start().await;
    let taken = Mm1Config {
        listen: bench.mm1.address(),
        ..config()
    };
    assert!(start(taken).await.contains("cannot listen"));
}
