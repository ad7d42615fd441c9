//! Time limits, on a clock that stands still and a network in memory.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Empty, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use mmsc_ports::BoxFuture;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};

use super::*;
use crate::metrics::HttpMetrics;
use crate::testing::{MemoryNet, TokioClock, memory_ports, read_reply, write};
use mmsc_ports::Clock as _;

/// Answers a POST with the length of its body or with why there is none, a GET with `octets` octets.
struct Echo {
    octets: usize,
    clock: TokioClock,
    budget: BodyBudget,
    complete: AtomicUsize,
    broken: AtomicUsize,
}

const LIMITS: BodyLimits = BodyLimits {
    max_octets: 1000,
    prefix_octets: 10,
    discard_octets: 4000,
    idle: Duration::from_secs(60),
    rate: 10,
};

impl Handler for Echo {
    fn handle(self: Arc<Self>, peer: Peer, request: Request<Incoming>) -> BoxFuture<'static, Response<Chunks>> {
        Box::pin(async move {
            if request.method() == hyper::Method::GET {
                let chunks = vec![Bytes::from(vec![b'x'; self.octets])];
                let told = {
                    let echo = self.clone();
                    Box::new(move |complete| {
                        let count = if complete { &echo.complete } else { &echo.broken };
                        count.fetch_add(1, Ordering::Relaxed);
                    })
                };
                return Response::new(Chunks::tracked(chunks, &peer.departures, told));
            }
            let mut body = request.into_body();
            let read = read_body(&mut body, None, &LIMITS, &self.budget, &self.clock).await;
            let text = match read {
                Ok(octets) => octets.len().to_string(),
                Err(error) => format!("{error:?}"),
            };
            Response::new(Chunks::new(vec![text.into()]))
        })
    }
}

struct Bench {
    net: MemoryNet,
    echo: Arc<Echo>,
    clock: TokioClock,
    metrics: Arc<HttpMetrics>,
    _server: Server,
}

async fn bench(octets: usize) -> Bench {
    let (ports, net) = memory_ports();
    let echo = Arc::new(Echo {
        octets,
        clock: TokioClock::start(),
        budget: BodyBudget::new(1 << 20),
        complete: AtomicUsize::new(0),
        broken: AtomicUsize::new(0),
    });
    let config = ServerConfig {
        listen: ([127, 0, 0, 1], 80).into(),
        tls: None,
        max_connections: 10,
        max_head_octets: 8192,
        head_timeout: Duration::from_secs(30),
        idle_timeout: Duration::from_secs(120),
        write_timeout: Duration::from_secs(60),
        write_rate: 10,
        max_streams: 10,
    };
    let metrics = Arc::new(HttpMetrics::default());
    let server = Server::start(config, echo.clone(), metrics.clone(), &ports)
        .await
        .unwrap();
    Bench {
        net,
        echo,
        clock: TokioClock::start(),
        metrics,
        _server: server,
    }
}

impl Bench {
    async fn dial(&self, window: usize) -> DuplexStream {
        self.net.dial("192.0.2.1", window).await
    }

    /// Seconds after which the server closes, if the client does nothing more.
    async fn closes_after(&self, stream: &mut DuplexStream) -> u64 {
        let before = self.clock.monotonic();
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).await.unwrap();
        (self.clock.monotonic() - before).as_secs()
    }
}

/// Sends `pieces` with `pause` between them, until the server answers or closes.
async fn trickle(stream: &mut DuplexStream, pieces: impl Iterator<Item = &[u8]>, pause: Duration) -> usize {
    let mut sent = 0;
    for piece in pieces {
        if stream.write_all(piece).await.is_err() {
            break;
        }
        sent += 1;
        tokio::time::sleep(pause).await;
    }
    sent
}

#[tokio::test(start_paused = true)]
async fn silence_and_slow_heads_are_closed() {
    let bench = bench(0).await;
    let mut silent = bench.dial(1024).await;
    assert_eq!(bench.closes_after(&mut silent).await, 30);
    // The opening of HTTP/2, never finished.
    let mut opening = bench.dial(1024).await;
    write(&mut opening, b"PRI * HTTP/2.0").await;
    assert_eq!(bench.closes_after(&mut opening).await, 30);
    let mut slow = bench.dial(1024).await;
    let head = b"GET / HTTP/1.1\r\nHost: m\r\nX-Slow: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    let sent = trickle(&mut slow, head.chunks(1), Duration::from_secs(1)).await;
    assert!((25..=35).contains(&sent), "{sent}");
    assert_eq!(bench.metrics.open_connections.value(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_closed() {
    let bench = bench(10).await;
    let mut stream = bench.dial(1024).await;
    write(&mut stream, b"GET / HTTP/1.1\r\nHost: m\r\n\r\n").await;
    assert_eq!(read_reply(&mut stream, false).await.unwrap().body.len(), 10);
    assert_eq!(bench.closes_after(&mut stream).await, 30);
}

#[tokio::test(start_paused = true)]
async fn a_body_may_be_slow_but_not_for_ever() {
    let bench = bench(0).await;
    let post = b"POST / HTTP/1.1\r\nHost: m\r\nContent-Length: 900\r\n\r\n";
    let octets = [b'x'; 900];
    // Nothing more comes.
    let mut stuck = bench.dial(1024).await;
    write(&mut stuck, post).await;
    write(&mut stuck, &octets[..500]).await;
    let before = bench.clock.monotonic();
    assert_eq!(read_reply(&mut stuck, false).await.unwrap().body, b"TooSlow");
    assert_eq!((bench.clock.monotonic() - before).as_secs(), 60);
    // Always a little, never enough: 1 octet in 2 seconds where 10 a second are due after a minute.
    let mut drip = bench.dial(1024).await;
    write(&mut drip, post).await;
    let before = bench.clock.monotonic();
    let sent = trickle(&mut drip, octets.chunks(1).take(100), Duration::from_secs(2)).await;
    assert_eq!(read_reply(&mut drip, false).await.unwrap().body, b"TooSlow");
    let took = (bench.clock.monotonic() - before).as_secs();
    assert!(sent <= 100 && took <= 200, "{sent} {took}");
    // Slow enough to need more than the idle time, fast enough on the average.
    let mut fair = bench.dial(1024).await;
    write(&mut fair, post).await;
    assert_eq!(trickle(&mut fair, octets.chunks(30), Duration::from_secs(2)).await, 30);
    assert_eq!(read_reply(&mut fair, false).await.unwrap().body, b"900");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_is_not_served() {
    let bench = bench(100_000).await;
    let mut stream = bench.dial(1000).await;
    write(&mut stream, b"GET / HTTP/1.1\r\nHost: m\r\n\r\n").await;
    tokio::time::sleep(Duration::from_secs(59)).await;
    assert_eq!(bench.echo.broken.load(Ordering::Relaxed), 0);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(bench.echo.broken.load(Ordering::Relaxed), 1);
    assert_eq!(bench.echo.complete.load(Ordering::Relaxed), 0);
    assert_eq!(bench.metrics.open_connections.value(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_drips_is_not_served_either() {
    let bench = bench(100_000).await;
    let mut stream = bench.dial(100).await;
    write(&mut stream, b"GET / HTTP/1.1\r\nHost: m\r\n\r\n").await;
    // 1 octet a second where 10 are due.
    let mut taken = 0;
    let mut octet = [0; 1];
    while taken < 500 && stream.read_exact(&mut octet).await.is_ok() {
        taken += 1;
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert!(taken < 500, "{taken}");
    assert_eq!(bench.echo.broken.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_is_served_whole() {
    let bench = bench(20_000).await;
    let mut stream = bench.dial(1000).await;
    write(&mut stream, b"GET / HTTP/1.1\r\nHost: m\r\nConnection: close\r\n\r\n").await;
    let mut octets = Vec::new();
    let mut piece = [0; 100];
    // 200 seconds in all: longer than the write time-out, but always with progress.
    loop {
        let read = stream.read(&mut piece).await.unwrap();
        octets.extend_from_slice(&piece[..read]);
        if read == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(octets.len() < 30_000);
    }
    assert!(octets.ends_with(b"xxxx") && octets.len() > 20_000);
    assert_eq!(bench.echo.complete.load(Ordering::Relaxed), 1);
    assert_eq!(bench.echo.broken.load(Ordering::Relaxed), 0);
}

/// The last octet decides: one octet short is broken.
#[tokio::test(start_paused = true)]
async fn complete_means_the_last_octet() {
    for missing in [0, 1] {
        let bench = bench(5000).await;
        let head = "HTTP/1.1 200 OK\r\ncontent-length: 5000\r\ndate: Mon, 01 Jan 2024 00:00:00 GMT\r\n\r\n".len();
        // The window takes all but `missing` octets; the client never reads.
        let mut stream = bench.dial(head + 5000 - missing).await;
        write(&mut stream, b"GET / HTTP/1.1\r\nHost: m\r\n\r\n").await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(bench.echo.complete.load(Ordering::Relaxed), 1 - missing, "{missing}");
        drop(stream);
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(bench.echo.broken.load(Ordering::Relaxed), missing);
    }
}

#[tokio::test(start_paused = true)]
async fn large_bodies_are_cut_to_their_prefix() {
    let bench = bench(0).await;
    let mut stream = bench.dial(64 * 1024).await;
    let head = b"POST / HTTP/1.1\r\nHost: m\r\nContent-Length: 1001\r\n\r\n";
    write(&mut stream, &[head.as_slice(), &[b'y'; 1001]].concat()).await;
    let reply = read_reply(&mut stream, false).await.unwrap();
    assert_eq!(String::from_utf8(reply.body).unwrap(), "TooLarge(b\"yyyyyyyyyy\")");
    write(
        &mut stream,
        b"POST / HTTP/1.1\r\nHost: m\r\nContent-Length: 1000\r\n\r\n",
    )
    .await;
    write(&mut stream, &[b'y'; 1000]).await;
    assert_eq!(read_reply(&mut stream, false).await.unwrap().body, b"1000");
}

/// Drives a client's connection; completes when it is closed.
fn spawn<F>(connection: F) -> mmsc_ports::Task
where
    F: Future<Output = hyper::Result<()>> + Send + 'static,
{
    mmsc_ports::Ports::real()
        .spawn
        .task("test-http2", Box::pin(async { drop(connection.await) }))
}

/// An HTTP/2 client that answers pings, and sends some, but asks for nothing.
#[tokio::test(start_paused = true)]
async fn an_idle_http_2_connection_is_closed_too() {
    let bench = bench(10).await;
    let stream = TokioIo::new(bench.dial(64 * 1024).await);
    let mut client = hyper::client::conn::http2::Builder::new(TokioExecutor::new());
    client.timer(TokioTimer::new());
    client
        .keep_alive_interval(Duration::from_secs(7))
        .keep_alive_while_idle(true);
    let (mut sender, connection) = client.handshake(stream).await.unwrap();
    let closed = spawn(connection);
    let request = Request::get("http://m/").body(Empty::<Bytes>::new()).unwrap();
    let reply = sender.send_request(request).await.unwrap();
    assert_eq!(reply.into_body().collect().await.unwrap().to_bytes().len(), 10);
    let before = bench.clock.monotonic();
    let limit = Duration::from_secs(3600);
    assert!(
        tokio::time::timeout(limit, closed.join()).await.is_ok(),
        "open for an hour"
    );
    let after = (bench.clock.monotonic() - before).as_secs();
    assert!((120..=360).contains(&after), "{after}");
    assert_eq!(bench.metrics.open_connections.value(), 0);
}

/// Many streams of one connection, each with a body that does not come: all are given up, and none holds another up.
#[tokio::test(start_paused = true)]
async fn slow_bodies_on_streams_are_given_up_each_alone() {
    let bench = bench(10).await;
    let stream = TokioIo::new(bench.dial(64 * 1024).await);
    let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), stream);
    let (mut sender, connection) = handshake.await.unwrap();
    let driver = spawn(connection);
    let mut slow = Vec::new();
    for _ in 0..9 {
        let octets = futures_util::stream::iter([Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"x")))]);
        let never = octets.chain(futures_util::stream::pending());
        let request = Request::post("http://m/")
            .body(BoxBody::new(StreamBody::new(never)))
            .unwrap();
        slow.push(sender.send_request(request));
    }
    // One more stream is served meanwhile.
    let request = Request::get("http://m/").body(BoxBody::new(Empty::new())).unwrap();
    let reply = sender.send_request(request).await.unwrap();
    assert_eq!(reply.into_body().collect().await.unwrap().to_bytes().len(), 10);
    let before = bench.clock.monotonic();
    for reply in slow {
        let body = reply.await.unwrap().into_body().collect().await.unwrap().to_bytes();
        assert_eq!(body, "TooSlow");
    }
    assert!((bench.clock.monotonic() - before).as_secs() <= 61);
    driver.abort();
}

/// What is left of a refused body is read for as long as its sender behaves, and no longer.
#[tokio::test(start_paused = true)]
async fn a_body_is_not_discarded_for_ever() {
    let clock = TokioClock::start();
    let pieces = |octets: u64, then_silent: bool| {
        let taken = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&taken);
        let pieces = futures_util::stream::iter((0..octets / 100).map(move |_| {
            counter.fetch_add(100, Ordering::Relaxed);
            Ok::<_, Infallible>(Frame::data(Bytes::from_static(&[b'x'; 100])))
        }));
        let silence = futures_util::stream::pending().take(usize::from(then_silent));
        (StreamBody::new(pieces.chain(silence)), taken)
    };
    // To its end, up to the measure, until the sender falls silent; a claim beyond the measure is not begun with.
    for (octets, silent, claimed, read, seconds) in [
        (3000, false, None, 3000, 0),
        (1_000_000, false, None, 4100, 0),
        (500, true, Some(3000), 500, 60),
        (1_000_000, false, Some(1_000_000), 0, 0),
    ] {
        let (body, taken) = pieces(octets, silent);
        let before = clock.monotonic();
        discard_body(body, claimed, &LIMITS, &clock).await;
        let took = (clock.monotonic() - before).as_secs();
        assert_eq!((taken.load(Ordering::Relaxed), took), (read, seconds), "{octets}");
    }
}

/// However small the pieces are in which it is read, the end of a stream that was cut comes whole, and nothing behind it.
#[tokio::test]
async fn what_is_cut_ends_the_same_for_every_buffer() {
    for (request, read) in [
        ("GET / HTTP/1.1\nX: y\r\n\r\n", "GET / HTTP/1.1\0\r\n\r\n"),
        (
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0;a\n\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0;a\0",
        ),
    ] {
        for room in [1, 3, 16, 1024] {
            let (mut near, far) = tokio::io::duplex(1024);
            let limits = guard::StreamLimits {
                opening: Duration::from_secs(30),
                write_idle: Duration::from_secs(30),
                write_rate: 1,
            };
            let metrics = Arc::new(HttpMetrics::default());
            let clock = Arc::new(TokioClock::start());
            let mut stream = guard::Guarded::new(Box::new(far), clock, limits, Arc::default(), metrics.clone());
            near.write_all(request.as_bytes()).await.unwrap();
            let mut octets = Vec::new();
            let mut piece = vec![0; room];
            loop {
                match stream.read(&mut piece).await.unwrap() {
                    0 => break,
                    count => octets.extend_from_slice(&piece[..count]),
                }
            }
            assert_eq!(String::from_utf8_lossy(&octets), read, "{room}");
            assert_eq!(metrics.ambiguous_requests.value(), 1, "{room}");
        }
    }
}
