//! The real binary with a push proxy gateway instead of an SMSC: notification, retrieval and report by PAP, and what a
//! gateway's reports change.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    missing_docs
)]

mod common;

use std::sync::atomic::Ordering;
use std::time::Duration;

use common::{LIMIT, Process, get};
use mmsc_peers::Msisdn;
use mmsc_peers::handset::{Client, Fetched, SubmitReply, Told, acknowledge, retrieve, submit};
use mmsc_peers::message::{Order, Template};
use mmsc_peers::ports::Ports;
use mmsc_peers::ppg::{Ppg, PpgPush, PpgSettings};
use mmsc_wire::mms::Status;
use mmsc_wire::pap::{Code, MessageState};
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::time::timeout;

const ALICE: &str = "+15550100001";
const BOB: &str = "+15550100002";

fn number(text: &str) -> Msisdn {
    text.parse().unwrap()
}

/// A node whose only bearer is a gateway at `url`.
fn node(directory: &std::path::Path, url: &str) -> (Process, Value) {
    let config = directory.join("node.toml");
    let text = format!(
        "[node]\ndomain = \"mmsc.example\"\n[store]\npath = \"{}\"\nsegment_size = \"16MiB\"\nreserve = \"64MiB\"\n\
         [mm1]\nlisten = \"127.0.0.1:0\"\n[ops]\nlisten = \"127.0.0.1:0\"\n[pap]\nlisten = \"127.0.0.1:0\"\n\
         [ppg.main]\nurl = \"{url}\"\nallow = [\"127.0.0.1\"]\nsource_reference = \"mmsc\"\nreconnect = \"100ms\"\n\
         reconnect_limit = \"500ms\"\n[telling]\nrenotify = [\"1s\"]\n",
        directory.join("store").display()
    );
    std::fs::write(&config, text).unwrap();
    let node = Process::start(&["run", "--config", config.to_str().unwrap()]);
    let ready = node.ready();
    (node, ready)
}

fn address(ready: &Value, name: &str) -> String {
    ready[name]
        .as_str()
        .unwrap_or_else(|| panic!("no {name} in {ready}"))
        .to_owned()
}

async fn pushed(pushes: &mut mpsc::Receiver<PpgPush>) -> PpgPush {
    timeout(LIMIT, pushes.recv()).await.expect("a push").unwrap()
}

async fn submitted(client: &mut Client, index: u64) -> String {
    let order = Order::to_one(index, number(BOB));
    let letter = Template::new(index, 3000).letter(index, &order).unwrap();
    match submit(client, number(ALICE), letter.pdu).await.unwrap() {
        SubmitReply::Confirmed {
            message_id: Some(id), ..
        } => id,
        other => panic!("{other:?}"),
    }
}

/// Polls a page of the operators' port until it has `text`; another process's state can only be polled for.
async fn await_page(ops: &str, path: &str, text: &str) -> String {
    let step = Duration::from_millis(50);
    let mut page = String::new();
    for _ in 0..LIMIT.as_millis() / step.as_millis() {
        page = get(ops, path).1;
        if page.contains(text) {
            return page;
        }
        tokio::time::sleep(step).await;
    }
    panic!("no {text:?} in\n{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_travels_by_pap_alone() {
    let ports = Ports::real();
    let any = "127.0.0.1:0".parse().unwrap();
    let (ppg, mut pushes) = Ppg::start(&ports, any, PpgSettings::default()).await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let (node, ready) = node(directory.path(), &ppg.url());
    let (mm1, ops, pap) = (address(&ready, "mm1"), address(&ready, "ops"), address(&ready, "pap"));
    let mut handset = Client::new(ports.clone(), mm1, LIMIT);

    let message_id = submitted(&mut handset, 1).await;
    let push = pushed(&mut pushes).await;
    assert_eq!(push.to, "15550100002");
    assert_eq!(push.address, "WAPPUSH=+15550100002/TYPE=PLMN@127.0.0.1");
    assert_eq!(push.notify_to, Some(format!("http://{pap}/pap")));
    assert!(
        push.push_id.contains(".p15550100002.main@mmsc.example"),
        "{}",
        push.push_id
    );
    let Ok(Told::Notification(notification)) = &push.told else {
        panic!("{:?}", push.told);
    };
    let fetched = retrieve(&mut handset, number(BOB), &notification.location)
        .await
        .unwrap();
    let Fetched::Message {
        transaction_id: Some(transaction),
        ..
    } = fetched
    else {
        panic!("{fetched:?}");
    };
    assert_eq!(acknowledge(&mut handset, number(BOB), &transaction).await.unwrap(), 200);
    // A handset that is told again before its answer was committed gets the same notification.
    let report = loop {
        let push = pushed(&mut pushes).await;
        match &push.told {
            Ok(Told::Notification(again)) => assert_eq!(again, notification),
            _ => break push,
        }
    };
    assert_eq!(report.to, "15550100001");
    match report.told {
        Ok(Told::DeliveryReport {
            message_id: about,
            status,
            ..
        }) => {
            assert_eq!(about.split('@').next(), message_id.split('@').next());
            assert_eq!(status, Status::Retrieved.octet());
        }
        other => panic!("{other:?}"),
    }
    let metrics = await_page(
        &ops,
        "/metrics",
        "mmsc_pap_results_total{ppg=\"main\",state=\"reached\"}",
    )
    .await;
    assert!(metrics.contains("mmsc_pap_up{ppg=\"main\"} 1"), "{metrics}");
    assert!(metrics.contains("mmsc_push_routed_total{bearer=\"ppg\"}"), "{metrics}");
    let ready = get(&ops, "/readyz").1;
    assert!(
        ready.contains("\"check\":\"ppg.main\"") && ready.contains("\"check\":\"pap\""),
        "{ready}"
    );
    node.signal("TERM");
    let (status, _, errors) = node.end();
    assert_eq!(status.code(), Some(0), "{errors}");
    assert!(
        !errors.contains("15550100002") && !errors.contains("15550100001"),
        "{errors}"
    );
}

/// Down: the message waits without an attempt and is told when the gateway is back. "Expired": told again. Forged: nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_comes_back_and_what_its_reports_change() {
    let ports = Ports::real();
    let any = "127.0.0.1:0".parse().unwrap();
    let silent = PpgSettings {
        result: None,
        ..PpgSettings::default()
    };
    let (ppg, pushes) = Ppg::start(&ports, any, silent).await.unwrap();
    let (address_of_ppg, url) = (ppg.address(), ppg.url());
    drop((ppg, pushes));
    let directory = tempfile::tempdir().unwrap();
    let (node, ready) = node(directory.path(), &url);
    let (mm1, ops) = (address(&ready, "mm1"), address(&ready, "ops"));
    let (status, report) = get(&ops, "/readyz");
    assert_eq!(status, 200, "a gateway that is down degrades");
    assert!(report.contains("not reached"), "{report}");
    let mut handset = Client::new(ports.clone(), mm1, LIMIT);
    submitted(&mut handset, 2).await;
    await_page(
        &ops,
        "/metrics",
        "mmsc_mm1_pushes_total{push=\"notification\",outcome=\"unavailable\"} 1",
    )
    .await;

    let (ppg, mut pushes) = Ppg::start(&ports, address_of_ppg, silent).await.unwrap();
    let first = pushed(&mut pushes).await;
    let Ok(Told::Notification(told)) = first.told.clone() else {
        panic!("{:?}", first.told);
    };
    // A made-up id for the same handset is taken and changes nothing.
    let (_, known) = first.push_id.split_once('.').unwrap();
    let forged = PpgPush {
        push_id: format!("{}.{known}", "0".repeat(32)),
        ..first.clone()
    };
    let reported = ppg.report(&forged, MessageState::Undeliverable).await.unwrap();
    assert_eq!(reported.code, Some(Code::OK));
    let stranger = PpgPush {
        push_id: "somebody@else.example".into(),
        ..first.clone()
    };
    let reported = ppg.report(&stranger, MessageState::Undeliverable).await.unwrap();
    assert_eq!(reported.code, Some(Code::BAD_REQUEST));
    // The real one: not reached, so told again, under another push-id and with the same transaction.
    let reported = ppg.report(&first, MessageState::Expired).await.unwrap();
    assert_eq!(reported.code, Some(Code::OK));
    let again = pushed(&mut pushes).await;
    assert_ne!(again.push_id, first.push_id);
    assert_eq!(again.told, Ok(Told::Notification(told)));
    assert_eq!(ppg.counts().not_accepted.load(Ordering::Relaxed), 0);
    node.signal("TERM");
    let (status, _, errors) = node.end();
    assert_eq!(status.code(), Some(0), "{errors}");
}
