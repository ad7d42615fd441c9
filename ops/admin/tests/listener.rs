//! The ops listener over a real socket.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use mmsc_admin::health::CheckFn;
use mmsc_admin::{Condition, Exposition, Health, OpsListener, OpsPages, ServeError};
use mmsc_ports::Ports;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

const LIMIT: Duration = Duration::from_secs(20);

async fn exchange(address: SocketAddr, request: &str) -> String {
    let talk = async {
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    };
    tokio::time::timeout(LIMIT, talk).await.expect("an answer in time")
}

async fn get(address: SocketAddr, method: &str, path: &str) -> String {
    exchange(
        address,
        &format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
    )
    .await
}

async fn start(store_open: Arc<AtomicBool>) -> (Ports, OpsListener) {
    let ports = Ports::real();
    let store = CheckFn("store".to_owned(), move || {
        if store_open.load(Ordering::SeqCst) {
            Condition::Ok
        } else {
            Condition::Failed("closed".to_owned())
        }
    });
    let bind = CheckFn("smsc.main".to_owned(), || Condition::Degraded("not bound".to_owned()));
    let pages = OpsPages {
        exposition: Exposition::new(Vec::new()).unwrap(),
        health: Health::new(Vec::new(), vec![Arc::new(store), Arc::new(bind)]),
    };
    let listener = OpsListener::start(&ports, "127.0.0.1:0".parse().unwrap(), Arc::new(pages))
        .await
        .unwrap();
    (ports, listener)
}

#[tokio::test]
async fn the_three_pages_and_nothing_else() {
    let open = Arc::new(AtomicBool::new(true));
    let (_ports, listener) = start(Arc::clone(&open)).await;
    let address = listener.address();

    let metrics = get(address, "GET", "/metrics").await;
    assert!(metrics.starts_with("HTTP/1.1 200 OK\r\n"), "{metrics}");
    assert!(metrics.contains("content-type: text/plain; version=0.0.4"), "{metrics}");
    assert!(metrics.contains("mmsc_process_resident_memory_bytes "), "{metrics}");

    let ready = get(address, "GET", "/readyz").await;
    assert!(
        ready.starts_with("HTTP/1.1 200 OK\r\n"),
        "a bind that is down leaves it ready: {ready}"
    );
    assert!(ready.contains("\"reason\":\"not bound\""), "{ready}");

    open.store(false, Ordering::SeqCst);
    let unready = get(address, "GET", "/readyz").await;
    assert!(unready.starts_with("HTTP/1.1 503 "), "{unready}");
    assert!(unready.contains("{\"ready\":false}"), "{unready}");
    let live = get(address, "GET", "/livez").await;
    assert!(live.starts_with("HTTP/1.1 200 OK\r\n"), "{live}");

    let head = get(address, "HEAD", "/readyz").await;
    assert!(
        head.starts_with("HTTP/1.1 503 ") && head.ends_with("\r\n\r\n"),
        "{head}"
    );

    for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
        let refused = get(address, method, "/metrics").await;
        assert!(refused.starts_with("HTTP/1.1 405 "), "{method}: {refused}");
        assert!(refused.contains("allow: GET, HEAD"), "{refused}");
    }
    assert!(get(address, "GET", "/").await.starts_with("HTTP/1.1 404 "));
    assert!(exchange(address, "rubbish\r\n\r\n").await.starts_with("HTTP/1.1 400 "));
    listener.stop().await;
}

#[tokio::test]
async fn a_header_without_end_is_refused() {
    let (_ports, listener) = start(Arc::new(AtomicBool::new(true))).await;
    let endless = format!("GET /metrics HTTP/1.1\r\nX: {}", "a".repeat(64 * 1024));
    let talk = async {
        let mut stream = tokio::net::TcpStream::connect(listener.address()).await.unwrap();
        // The listener may close before all of it is written.
        let _written = stream.write_all(endless.as_bytes()).await;
        let mut answer = Vec::new();
        let _read = stream.read_to_end(&mut answer).await;
        String::from_utf8_lossy(&answer).into_owned()
    };
    let answer = tokio::time::timeout(LIMIT, talk).await.expect("an end in time");
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431 "), "{answer}");
    listener.stop().await;
}

#[tokio::test]
async fn an_address_in_use_is_named_and_stop_unbinds() {
    let (ports, listener) = start(Arc::new(AtomicBool::new(true))).await;
    let address = listener.address();
    let pages = || {
        Arc::new(OpsPages {
            exposition: Exposition::new(Vec::new()).unwrap(),
            health: Health::default(),
        })
    };
    let ServeError::Bind { address: named, .. } = OpsListener::start(&ports, address, pages())
        .await
        .err()
        .expect("the address is taken");
    assert_eq!(named, address);
    listener.stop().await;
    let again = OpsListener::start(&ports, address, pages()).await.unwrap();
    assert_eq!(again.address(), address);
    again.stop().await;
}
