//! `mmsc run`: the ready line, what operators see, and a drain.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod common;

use std::time::Duration;

use common::{LIMIT, Process, get, http, post};
use mmsc_peers::message::{Order, Template};
use serde_json::Value;

fn addresses(ready: &Value) -> (String, String) {
    let text = |name: &str| {
        ready[name]
            .as_str()
            .unwrap_or_else(|| panic!("no {name} in {ready}"))
            .to_owned()
    };
    (text("mm1"), text("ops"))
}

#[test]
fn ready_line_health_metrics_and_drain() {
    let directory = tempfile::tempdir().unwrap();
    // Nobody listens there: a bind that is down does not make a node unready.
    let node = Process::node(
        directory.path(),
        &["smsc.main.address=127.0.0.1:1", "mm4.listen=127.0.0.1:0"],
    );
    let ready = node.ready();
    assert_eq!(ready["ready"], true);
    assert_eq!(ready["node"], "node-1");
    let (mm1, ops) = addresses(&ready);
    assert!(!mm1.ends_with(":0") && !ops.ends_with(":0"), "{ready}");
    assert!(ready.get("mm4").is_none(), "what is not served is not bound: {ready}");

    let (status, report) = get(&ops, "/readyz");
    assert_eq!(status, 200, "{report}");
    assert!(report.contains("{\"ready\":true}"), "{report}");
    assert!(
        report.contains("\"check\":\"smsc.main\"") && report.contains("\"state\":\"degraded\""),
        "{report}"
    );
    assert_eq!(get(&ops, "/livez").0, 200);
    let (status, metrics) = get(&ops, "/metrics");
    assert_eq!(status, 200);
    for name in [
        "mmsc_node_info{version=",
        "mmsc_process_resident_memory_bytes",
        "mmsc_store_commits_total",
        "mmsc_relay_accepted_total 0",
        "mmsc_mm1_requests_total{",
        "mmsc_smpp_",
    ] {
        assert!(metrics.contains(name), "{name} is not in\n{metrics}");
    }
    let refused = http(
        &ops,
        b"POST /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
    );
    assert_eq!(refused.0, 405);

    // Any path takes a POST; what is no PDU is refused in HTTP's words.
    assert_eq!(post(&mm1, "+46701234567", b"not a PDU").0, 400);
    // Memory is given back in the background.
    let threads = std::fs::read_dir(format!("/proc/{}/task", node.id())).unwrap();
    let names: Vec<String> = threads
        .map(|task| std::fs::read_to_string(task.unwrap().path().join("comm")).unwrap_or_default())
        .collect();
    assert!(names.iter().any(|name| name.starts_with("jemalloc_bg")), "{names:?}");

    node.signal("TERM");
    let (status, rest, errors) = node.end();
    assert_eq!(status.code(), Some(0), "{errors}");
    assert_eq!(rest, "", "standard output has the ready line alone");
    assert!(
        errors.contains("mm4 is configured and IS NOT SERVED by this release"),
        "{errors}"
    );
    assert!(errors.contains("drained"), "{errors}");
    assert!(!errors.contains("46701234567"), "a number is not masked: {errors}");
}

#[test]
fn an_accepted_message_is_there_after_a_restart_and_interrupt_drains_too() {
    let directory = tempfile::tempdir().unwrap();
    let sets = ["smsc.main.address=127.0.0.1:1", "log.format=json", "log.level=trace"];
    let node = Process::node(directory.path(), &sets);
    let (mm1, _) = addresses(&node.ready());
    let order = Order::to_one(1, "+15550100002".parse().unwrap());
    let pdu = Template::new(1, 30_000).letter(1, &order).unwrap().pdu;
    let (status, answer) = post(&mm1, "+15550100001", &pdu);
    assert_eq!(status, 200);
    let message_id = message_id(&answer).expect("a Message-ID in the answer");
    node.signal("INT");
    let (status, _, errors) = node.end();
    assert_eq!(status.code(), Some(0), "{errors}");
    let json = errors.lines().all(|line| serde_json::from_str::<Value>(line).is_ok());
    assert!(json, "a line is no JSON: {errors}");
    for number in ["15550100001", "15550100002"] {
        let line = errors.lines().find(|line| line.contains(number));
        assert_eq!(line, None, "a number is not masked");
    }

    // The same submission again after the restart gets the same answer: the first one was durable.
    let node = Process::node(directory.path(), &sets);
    let (mm1, _) = addresses(&node.ready());
    let (status, answer) = post(&mm1, "+15550100001", &pdu);
    assert_eq!(status, 200);
    assert_eq!(self::message_id(&answer), Some(message_id));
}

/// The local part of the Message-ID in an m-send-conf.
fn message_id(answer: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(answer);
    let (before, _) = text.split_once("@mmsc.localdomain")?;
    before
        .rsplit(|c: char| !c.is_ascii_alphanumeric())
        .next()
        .map(str::to_owned)
}

#[test]
fn a_second_signal_quits_at_once() {
    let directory = tempfile::tempdir().unwrap();
    // A request that never ends keeps the drain busy for as long as its limit allows.
    let node = Process::node(
        directory.path(),
        &["smsc.main.address=127.0.0.1:1", "node.drain_limit=10m"],
    );
    let (mm1, ops) = addresses(&node.ready());
    let mut held = std::net::TcpStream::connect(&mm1).unwrap();
    let head = "POST / HTTP/1.1\r\nHost: x\r\nX-MSISDN: +46701234567\r\nContent-Length: 100\r\n\
                Content-Type: application/vnd.wap.mms-message\r\nExpect: 100-continue\r\n\r\n";
    std::io::Write::write_all(&mut held, head.as_bytes()).unwrap();
    // The server asks for the body: the request is in progress.
    held.set_read_timeout(Some(LIMIT)).unwrap();
    std::io::Read::read_exact(&mut held, &mut [0; 12]).unwrap();
    node.signal("TERM");
    assert!(becomes_unready(&ops), "draining is told by readyz");
    node.signal("TERM");
    let (status, _, errors) = node.end();
    assert_eq!(status.code(), Some(1), "{errors}");
    assert!(errors.contains("quitting at once"), "{errors}");
}

/// Asks until the answer changes, at most as often as the limit allows.
fn becomes_unready(ops: &str) -> bool {
    let step = Duration::from_millis(50);
    (0..LIMIT.as_millis() / step.as_millis()).any(|_| {
        let (status, report) = get(ops, "/readyz");
        let unready = status == 503 && report.contains("draining");
        if !unready {
            std::thread::sleep(step);
        }
        unready
    })
}

#[test]
fn what_cannot_run_is_refused_with_a_reason() {
    let directory = tempfile::tempdir().unwrap();
    let refused = |sets: &[&str], reason: &str| {
        let (status, out, errors) = Process::node(directory.path(), sets).end();
        assert_eq!(status.code(), Some(1), "{sets:?}: {errors}");
        assert_eq!(out, "", "no ready line");
        assert!(errors.contains(reason), "{sets:?}: {errors}");
    };
    refused(&["mm1.listn=off", "node.name=a b"], "did you mean mm1.listen?");
    refused(&["store.engine=foundationdb"], "not built into this release");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    refused(
        &[&format!("mm1.listen={address}")],
        &format!("mm1.listen: cannot listen on {address}"),
    );
    refused(
        &[&format!("ops.listen={address}")],
        &format!("ops.listen: cannot listen on {address}"),
    );
    refused(
        &["store.path=/proc/nowhere"],
        "store.path = \"/proc/nowhere\": making the store's directory: ",
    );
}

/// `mmsc docs metrics > ops/docs/metrics.md` writes it.
#[test]
fn the_metrics_page_is_up_to_date() {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ops/docs/metrics.md");
    let written = std::fs::read_to_string(&file).unwrap_or_default();
    let (status, page, _) = Process::start(&["docs", "metrics"]).end();
    assert!(status.success());
    assert!(
        written == page,
        "{} is stale: write it with `cargo run -- docs metrics > ops/docs/metrics.md`",
        file.display()
    );
}
