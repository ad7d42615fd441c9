use mmsc_relay::port::ReceiptState;
use mmsc_wire::pap::{MessageState, ResultNotification};

use super::*;

const PPG: &str = "192.0.2.1";

fn result(push_id: &str, state: MessageState, address: Option<&str>) -> Vec<u8> {
    document(&Message::Result(ResultNotification {
        push_id: push_id.to_owned(),
        state,
        outcome: Outcome {
            code: Code(1000),
            desc: None,
        },
        sender_name: Some("ppg".into()),
        event_time: None,
        address: address.map(str::to_owned),
    }))
}

/// The code of a resultnotification-response about this push.
fn code(reply: &Reply, push_id: &str) -> u16 {
    assert_eq!(reply.status, 202);
    assert_eq!(reply.header("content-type"), Some("application/xml"));
    match decode(&reply.body, &Limits::default()) {
        Ok(Message::ResultResponse(response)) => {
            assert_eq!(response.push_id, push_id);
            response.code.0
        }
        other => panic!("{other:?}"),
    }
}

async fn taken(world: &World, peer: &mut Peer) -> String {
    let pushed = world.push();
    let id = peer.take().await;
    assert!(matches!(outcome(pushed).await, TellOutcome::Sent(_)));
    id
}

#[tokio::test(start_paused = true)]
async fn results_become_receipts_and_are_answered_once_the_relay_has_them() {
    let (mut world, _streams, mut peer) = one(|_| {}).await;
    let id = taken(&world, &mut peer).await;
    let address = format!("WAPPUSH=+{HANDSET}/TYPE=PLMN@main.example");
    for (state, expected) in [
        (MessageState::Delivered, ReceiptState::Reached),
        (MessageState::Expired, ReceiptState::NotReached),
        (MessageState::Undeliverable, ReceiptState::NotReached),
        (MessageState::Timeout, ReceiptState::NotReached),
    ] {
        let reply = world.report(PPG, &result(&id, state, Some(&address))).await;
        assert_eq!(code(&reply, &id), 1000);
        let expected = Receipt {
            address: Address::Phone(HANDSET.into()),
            destination: "main".into(),
            message_id: id.clone(),
            state: expected,
        };
        assert_eq!(world.receipts.try_recv(), Ok(expected));
    }
    let reply = world.report(PPG, &result(&id, MessageState::Pending, None)).await;
    assert_eq!(code(&reply, &id), 1000);
    assert!(world.receipts.try_recv().is_err(), "on its way is no result");
    world.events.takes.store(false, Ordering::SeqCst);
    let reply = world.report(PPG, &result(&id, MessageState::Expired, None)).await;
    assert_eq!((reply.status, reply.header("retry-after")), (503, Some("5")));
    let metrics = world.pap.metrics("main").unwrap();
    assert_eq!(metrics.results[0].value(), 1);
    assert_eq!(metrics.results[1].value(), 3);
    assert_eq!((metrics.pending.value(), metrics.postponed.value()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn forged_results_reach_nobody() {
    let other = PpgConfig {
        allow: vec!["198.51.100.7".parse().unwrap()],
        ..gateway("other")
    };
    let (mut world, mut streams) = world(vec![gateway("main"), other]).await;
    let mut peer = Peer::accept(&mut streams[0]).await;
    world.is_up("main").await;
    let id = taken(&world, &mut peer).await;
    let delivered = result(&id, MessageState::Undeliverable, None);
    assert_eq!(world.report("203.0.113.1", &delivered).await.status, 403, "a stranger");
    let foreign = [
        // Another gateway's push, another handset's number, somebody else's ids.
        ("198.51.100.7", id.clone(), None),
        (PPG, id.clone(), Some("WAPPUSH=+15550100003/TYPE=PLMN@main.example")),
        (PPG, id.replace(".main@", ".gone@"), None),
        (PPG, "1234".to_owned(), None),
    ];
    for (from, id, address) in foreign {
        let reply = world
            .report(from, &result(&id, MessageState::Undeliverable, address))
            .await;
        assert_eq!(code(&reply, &id), 2000, "{from} {id}");
    }
    assert!(world.receipts.try_recv().is_err());
    let metrics = world.pap.listener_metrics();
    assert_eq!((metrics.strangers.value(), metrics.foreign.value()), (1, 4));
}

#[tokio::test(start_paused = true)]
async fn what_is_no_result_is_refused_in_paps_words() {
    let (mut world, _streams, _peer) = one(|_| {}).await;
    let bad: [&[u8]; 4] = [
        b"",
        b"nonsense",
        b"<!DOCTYPE pap [<!ENTITY a SYSTEM \"file:///etc/passwd\">]><pap><resultnotification-message \
          push-id=\"&a;\" message-state=\"delivered\" code=\"1000\"/></pap>",
        &document(&Message::Cancel(mmsc_wire::pap::CancelMessage {
            push_id: "a".into(),
            address: None,
        })),
    ];
    for document in bad {
        let reply = world.report(PPG, document).await;
        assert_eq!(reply.status, 400);
        assert!(matches!(decode(&reply.body, &Limits::default()), Ok(Message::Bad(_))));
    }
    assert_eq!(world.report(PPG, &vec![b' '; 40_000]).await.status, 400);
    assert_eq!(world.request(PPG, "POST /", b"").await.status, 404);
    assert_eq!(world.request(PPG, "GET /pap", b"").await.status, 405);
    assert!(world.receipts.try_recv().is_err());
    assert_eq!(world.pap.listener_metrics().malformed.value(), 5);
}

/// A report that overtakes the answer to its push waits for it: before, the relay does not know the push-id.
#[tokio::test(start_paused = true)]
async fn a_result_that_overtakes_the_answer_waits_for_it() {
    let (mut world, _streams, mut peer) = one(|_| {}).await;
    let pushed = world.push();
    let asked = peer.asked().await;
    let id = asked.push.push_id;
    let document = result(&id, MessageState::Expired, None);
    let net = world.net.clone();
    let reporting = tokio::spawn(async move { report(&net, PPG, "POST /pap", &document).await });
    settle().await;
    assert!(!reporting.is_finished(), "answered before the push was");
    assert!(world.receipts.try_recv().is_err());
    peer.answer(&id, 1001).await;
    assert!(matches!(outcome(pushed).await, TellOutcome::Sent(_)));
    assert_eq!(code(&reporting.await.unwrap(), &id), 1000);
    assert_eq!(world.receipts.recv().await.unwrap().state, ReceiptState::NotReached);
}

/// Lets tasks run until this holds, which real sockets decide.
async fn becomes(holds: impl Fn() -> bool) {
    for _ in 0..1_000_000 {
        if holds() {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("it does not come about");
}

/// What a restart of the part does: the address is free although a push of the one before is still in flight.
#[tokio::test]
async fn a_closed_one_leaves_its_address_to_the_next() {
    let ports = Ports::real();
    let gateway = ports.net.listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let url = format!("http://{}/", gateway.local_addr().unwrap());
    let start = |listen| {
        let config = PapConfig {
            gateways: vec![PpgConfig::new("main", url.parse().unwrap())],
            listener: Some(ListenerConfig::new(listen)),
            domain: "mmsc.example".into(),
        };
        let (receipts, _) = mpsc::channel(1);
        let events = Events {
            receipts,
            ups: Mutex::default(),
            takes: AtomicBool::new(true),
        };
        Pap::start(config, Arc::new(events), &ports)
    };
    let first = start("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let address = first.listening().unwrap();
    let (_held, _) = gateway.accept().await.unwrap();
    becomes(|| first.is_up("main")).await;
    let _in_flight = tokio::spawn(first.push(a_push(HANDSET)));
    becomes(|| first.metrics("main").unwrap().in_flight.value() == 1).await;
    assert!(start(address).await.is_err(), "it is taken");
    first.close();
    assert!(!first.is_up("main"));
    drop(first);
    for _ in 0..10_000 {
        if start(address).await.is_ok() {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("the address stays taken");
}
