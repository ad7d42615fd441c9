//! Receipts: whom they reach, when they are answered, and every way in which SMSCs bend them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod smpp_support;

use std::sync::atomic::Ordering;
use std::time::Duration;

use mmsc_domain::Address;
use mmsc_interfaces::smpp::{IdForm, SmscConfig};
use mmsc_relay::port::{Receipt, ReceiptState, TellOutcome};
use mmsc_wire::smpp::{Address as WireAddress, Body, DataSm, ShortMessage, Status, Tlv, esm_class, tag};
use smpp_support::{HANDSET, Peer, World, message_ids, outcome, push_to, text_receipt, tlv_receipt};

fn receipt(id: &str, state: ReceiptState) -> Receipt {
    Receipt {
        address: Address::Phone(HANDSET.into()),
        destination: "main".into(),
        message_id: id.into(),
        state,
    }
}

const REACHED: ReceiptState = ReceiptState::Reached;
const NOT_REACHED: ReceiptState = ReceiptState::NotReached;

/// A push of one segment, taken under `id`; the ids as the relay keeps them.
async fn sent(world: &World, peer: &mut Peer, id: &str) -> Vec<String> {
    let pushed = world.push(10).await;
    let (sequence, message) = peer.submit().await;
    assert_eq!(message.registered_delivery, 1);
    peer.take(sequence, id).await;
    message_ids(outcome(pushed).await)
}

async fn told(world: &mut World, peer: &mut Peer, message: ShortMessage) -> Receipt {
    let asked = peer.report(message).await;
    let receipt = world.receipt().await;
    assert_eq!(peer.deliver_response(asked).await, Status::ROK);
    receipt
}

/// Answered, and nothing of it reaches the relay.
async fn swallowed(world: &mut World, peer: &mut Peer, message: ShortMessage) {
    let asked = peer.report(message).await;
    assert_eq!(peer.deliver_response(asked).await, Status::ROK);
    assert!(world.receipts.try_recv().is_err());
}

#[tokio::test(start_paused = true)]
async fn delivered_expired_and_refused() {
    let (mut world, mut peer) = World::bound(|_| {}).await;
    for (id, stat, state) in [
        ("a1", "DELIVRD", REACHED),
        ("a2", "EXPIRED", NOT_REACHED),
        ("a3", "UNDELIV", NOT_REACHED),
        ("a4", "REJECTD", ReceiptState::NeverReachable),
    ] {
        assert_eq!(sent(&world, &mut peer, id).await, [id]);
        assert_eq!(
            told(&mut world, &mut peer, text_receipt(id, stat)).await,
            receipt(id, state)
        );
    }
    let metrics = world.smpp.metrics("main").unwrap();
    let counts: Vec<u64> = metrics.receipts.iter().map(|counter| counter.value()).collect();
    assert_eq!(counts, [1, 2, 1]);
    assert_eq!(metrics.unmatched.value(), 0);
}

#[tokio::test(start_paused = true)]
async fn everything_in_optional_parameters_or_in_the_payload() {
    let (mut world, mut peer) = World::bound(|_| {}).await;
    sent(&world, &mut peer, "a1").await;
    assert_eq!(
        told(&mut world, &mut peer, tlv_receipt("a1", 2)).await,
        receipt("a1", REACHED)
    );
    sent(&world, &mut peer, "a2").await;
    let mut moved = text_receipt("a2", "DELIVRD");
    moved.tlvs = vec![Tlv::new(tag::MESSAGE_PAYLOAD, std::mem::take(&mut moved.short_message))];
    assert_eq!(told(&mut world, &mut peer, moved).await, receipt("a2", REACHED));
}

#[tokio::test(start_paused = true)]
async fn ids_in_another_base_case_or_length() {
    type Change = fn(&mut SmscConfig);
    let cases: [(Change, &str, &str, &str); 4] = [
        (
            |config| config.receipt_ids = IdForm::HexToDecimal,
            "0000001F",
            "31",
            "31",
        ),
        (
            |config| config.receipt_ids = IdForm::DecimalToHex,
            "0000000031",
            "1f",
            "1F",
        ),
        (|_| {}, "000012aB", "12ab", "12AB"),
        (|_| {}, "77", "77", "0000000077"),
    ];
    for (change, answered, kept, reported) in cases {
        let (mut world, mut peer) = World::bound(change).await;
        assert_eq!(sent(&world, &mut peer, answered).await, [kept]);
        assert_eq!(
            told(&mut world, &mut peer, text_receipt(reported, "DELIVRD")).await,
            receipt(kept, REACHED)
        );
        assert_eq!(
            world.smpp.metrics("main").unwrap().unmatched.value(),
            0,
            "{answered} {reported}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_receipt_that_overtakes_its_response_waits_for_it() {
    let (mut world, mut peer) = World::bound(|_| {}).await;
    let pushed = world.push(10).await;
    let (sequence, _) = peer.submit().await;
    let asked = peer.report(text_receipt("a1", "DELIVRD")).await;
    assert!(world.receipts.try_recv().is_err());
    peer.take(sequence, "a1").await;
    assert_eq!(world.receipt().await, receipt("a1", REACHED));
    assert_eq!(peer.deliver_response(asked).await, Status::ROK);
    assert_eq!(message_ids(outcome(pushed).await), ["a1"]);
    assert_eq!(world.smpp.metrics("main").unwrap().unmatched.value(), 0);
    swallowed(&mut world, &mut peer, text_receipt("a1", "DELIVRD")).await;
}

/// Some SMSCs send nothing more before their deliver_sm is answered.
#[tokio::test(start_paused = true)]
async fn an_overtaking_receipt_is_answered_within_a_second_or_so() {
    let (mut world, mut peer) = World::bound(|_| {}).await;
    let pushed = world.push(10).await;
    let (sequence, _) = peer.submit().await;
    let asked = peer.report(text_receipt("a1", "EXPIRED")).await;
    assert_eq!(world.receipt().await, receipt("a1", NOT_REACHED));
    assert_eq!(peer.deliver_response(asked).await, Status::ROK);
    assert!(!pushed.is_finished());
    peer.take(sequence, "a1").await;
    assert_eq!(message_ids(outcome(pushed).await), ["a1"]);
}

#[tokio::test(start_paused = true)]
async fn an_overtaking_receipt_of_one_segment_is_kept_until_the_others_come() {
    let (mut world, mut peer) = World::bound(|_| {}).await;
    let pushed = world.push(200).await;
    let (one, two) = (peer.submit().await.0, peer.submit().await.0);
    // Answered after its second of waiting, but not told: it is no result yet.
    swallowed(&mut world, &mut peer, text_receipt("a1", "DELIVRD")).await;
    peer.take(one, "a1").await;
    peer.take(two, "a2").await;
    assert_eq!(message_ids(outcome(pushed).await), ["a1", "a2"]);
    assert_eq!(
        told(&mut world, &mut peer, text_receipt("a2", "DELIVRD")).await,
        receipt("a2", REACHED)
    );
}

#[tokio::test(start_paused = true)]
async fn three_segments_one_result() {
    let (mut world, mut peer) = World::bound(|_| {}).await;
    for last in ["DELIVRD", "EXPIRED"] {
        let pushed = world.push(300).await;
        let ids: Vec<String> = (1..=3).map(|n| format!("{last}{n}").to_lowercase()).collect();
        for id in &ids {
            let (sequence, _) = peer.submit().await;
            peer.take(sequence, id).await;
        }
        assert_eq!(message_ids(outcome(pushed).await), ids);
        swallowed(&mut world, &mut peer, text_receipt(&ids[1], "DELIVRD")).await;
        swallowed(&mut world, &mut peer, text_receipt(&ids[0], "DELIVRD")).await;
        let state = if last == "DELIVRD" { REACHED } else { NOT_REACHED };
        assert_eq!(
            told(&mut world, &mut peer, text_receipt(&ids[2], last)).await,
            receipt(&ids[2], state)
        );
        swallowed(&mut world, &mut peer, text_receipt(&ids[2], last)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn duplicates_are_answered_and_dropped() {
    let (mut world, mut peer) = World::bound(|_| {}).await;
    sent(&world, &mut peer, "a1").await;
    told(&mut world, &mut peer, text_receipt("a1", "DELIVRD")).await;
    swallowed(&mut world, &mut peer, text_receipt("a1", "DELIVRD")).await;
    swallowed(&mut world, &mut peer, tlv_receipt("A1", 2)).await;
    assert_eq!(world.smpp.metrics("main").unwrap().dropped.value(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_the_relay_cannot_take_is_asked_for_again() {
    let (mut world, mut peer) = World::bound(|_| {}).await;
    sent(&world, &mut peer, "a1").await;
    world.events.takes.store(false, Ordering::SeqCst);
    let asked = peer.report(text_receipt("a1", "EXPIRED")).await;
    assert_eq!(peer.deliver_response(asked).await, Status::RX_T_APPN);
    world.events.takes.store(true, Ordering::SeqCst);
    world.events.hangs.store(true, Ordering::SeqCst);
    let asked = peer.report(text_receipt("a1", "EXPIRED")).await;
    assert_eq!(peer.deliver_response(asked).await, Status::RX_T_APPN);
    world.events.hangs.store(false, Ordering::SeqCst);
    let asked = peer.report(text_receipt("a1", "EXPIRED")).await;
    assert_eq!(peer.deliver_response(asked).await, Status::ROK);
    for _ in 0..3 {
        assert_eq!(world.receipt().await, receipt("a1", NOT_REACHED));
    }
    assert_eq!(world.smpp.metrics("main").unwrap().postponed.value(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_receipt_is_not_answered_before_the_relay_has_it() {
    let (mut world, mut peer) = World::bound(|_| {}).await;
    sent(&world, &mut peer, "a1").await;
    world.events.hangs.store(true, Ordering::SeqCst);
    let asked = peer.report(text_receipt("a1", "DELIVRD")).await;
    assert_eq!(world.receipt().await, receipt("a1", REACHED));
    peer.silence(Duration::from_secs(4)).await;
    assert_eq!(peer.deliver_response(asked).await, Status::RX_T_APPN);
}

#[tokio::test(start_paused = true)]
async fn too_many_at_once_are_throttled_and_the_bind_goes_on() {
    let (mut world, mut peer) = World::bound(|_| {}).await;
    world.events.hangs.store(true, Ordering::SeqCst);
    for n in 0..1000 {
        peer.report(text_receipt(&format!("b{n}"), "DELIVRD")).await;
    }
    let asked = peer.report(text_receipt("one-too-many", "DELIVRD")).await;
    assert_eq!(peer.deliver_response(asked).await, Status::RTHROTTLED);
    world.events.hangs.store(false, Ordering::SeqCst);
    for _ in 0..1000 {
        assert_eq!(peer.expect_busy().await.status, Status::RX_T_APPN);
    }
    for _ in 0..1000 {
        world.receipt().await;
    }
    told(&mut world, &mut peer, text_receipt("one-too-many", "DELIVRD")).await;
}

#[tokio::test(start_paused = true)]
async fn a_missing_receipt_counts_as_not_reached_when_its_time_is_over() {
    let (mut world, mut peer) = World::bound(|_| {}).await;
    sent(&world, &mut peer, "a1").await;
    sent(&world, &mut peer, "a2").await;
    told(&mut world, &mut peer, text_receipt("a2", "DELIVRD")).await;
    // Validity is an hour, and ten minutes more.
    peer.idle(Duration::from_secs(70 * 60 - 10)).await;
    assert!(world.receipts.try_recv().is_err());
    peer.idle(Duration::from_secs(20)).await;
    assert_eq!(world.receipts.try_recv().unwrap(), receipt("a1", NOT_REACHED));
    assert!(world.receipts.try_recv().is_err());
    assert_eq!(world.smpp.metrics("main").unwrap().missing.value(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_id_goes_by_address() {
    let (mut world, mut peer) = World::bound(|_| {}).await;
    // A submit to another number is out; this receipt is none of its.
    let _other = world.push_with(push_to("33612345678", 10)).await;
    peer.submit().await;
    assert_eq!(
        told(&mut world, &mut peer, text_receipt("OLD1", "EXPIRED")).await,
        receipt("old1", NOT_REACHED)
    );
    let mut without_id = text_receipt("x", "UNDELIV");
    without_id.short_message = b"stat:UNDELIV err:001".to_vec();
    assert_eq!(
        told(&mut world, &mut peer, without_id).await,
        receipt("", ReceiptState::NeverReachable)
    );
    assert_eq!(world.smpp.metrics("main").unwrap().unmatched.value(), 2);
    let mut from_nobody = text_receipt("x", "DELIVRD");
    from_nobody.source = WireAddress::alphanumeric("Bank");
    swallowed(&mut world, &mut peer, from_nobody).await;
}

#[tokio::test(start_paused = true)]
async fn receipts_survive_the_bind_that_sent() {
    let (mut world, mut peer) = World::bound(|_| {}).await;
    sent(&world, &mut peer, "a1").await;
    drop(peer);
    let mut peer = world.accept("main").await;
    let mut national = text_receipt("a1", "DELIVRD");
    national.source = WireAddress {
        ton: 2,
        npi: 1,
        addr: HANDSET.trim_start_matches("49").into(),
    };
    assert_eq!(told(&mut world, &mut peer, national).await, receipt("a1", REACHED));
    assert_eq!(world.smpp.metrics("main").unwrap().unmatched.value(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_receipt_of_a_push_whose_answer_was_lost_goes_by_address() {
    let (mut world, mut peer) = World::bound(|_| {}).await;
    let pushed = world.push(10).await;
    peer.submit().await;
    peer.idle(Duration::from_secs(11)).await;
    assert_eq!(outcome(pushed).await, TellOutcome::Unknown);
    assert_eq!(
        told(&mut world, &mut peer, text_receipt("a1", "DELIVRD")).await,
        receipt("a1", REACHED)
    );
}

#[tokio::test(start_paused = true)]
async fn intermediate_states_and_messages_from_handsets_are_answered_and_counted() {
    let (mut world, mut peer) = World::bound(|_| {}).await;
    sent(&world, &mut peer, "a1").await;
    for stat in ["ENROUTE", "ACCEPTD"] {
        swallowed(&mut world, &mut peer, text_receipt("a1", stat)).await;
    }
    let mut notification = text_receipt("a1", "EXPIRED");
    notification.esm_class = esm_class::INTERMEDIATE;
    swallowed(&mut world, &mut peer, notification).await;
    let mut originated = text_receipt("a1", "DELIVRD");
    originated.esm_class = 0;
    swallowed(&mut world, &mut peer, originated).await;
    let mut unreadable = text_receipt("a1", "DELIVRD");
    unreadable.short_message = b"what is this".to_vec();
    swallowed(&mut world, &mut peer, unreadable).await;
    let metrics = world.smpp.metrics("main").unwrap();
    assert_eq!((metrics.intermediate.value(), metrics.originated.value()), (3, 1));
    assert_eq!(
        told(&mut world, &mut peer, text_receipt("a1", "DELIVRD")).await,
        receipt("a1", REACHED)
    );
}

#[tokio::test(start_paused = true)]
async fn receipts_in_data_sm() {
    let (mut world, mut peer) = World::bound(|_| {}).await;
    sent(&world, &mut peer, "a1").await;
    let message = tlv_receipt("a1", 2);
    let asked = peer
        .request(Body::DataSm(DataSm {
            source: message.source,
            esm_class: message.esm_class,
            tlvs: message.tlvs,
            ..DataSm::default()
        }))
        .await;
    assert_eq!(world.receipt().await, receipt("a1", REACHED));
    let answer = peer.expect().await;
    assert_eq!((answer.sequence, answer.status), (asked, Status::ROK));
    assert!(matches!(answer.body, Body::DataSmResp(_)));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_awaited_where_no_receipt_was_asked_for() {
    let (world, mut peer) = World::bound(|config| config.registered_delivery = 0).await;
    let pushed = world.push(10).await;
    let (sequence, message) = peer.submit().await;
    assert_eq!(message.registered_delivery, 0);
    peer.take(sequence, "a1").await;
    assert_eq!(message_ids(outcome(pushed).await), ["a1"]);
    peer.idle(Duration::from_secs(2 * 3600)).await;
    assert_eq!(world.smpp.metrics("main").unwrap().missing.value(), 0);
    assert_eq!(world.smpp.metrics("main").unwrap().remembered.value(), 0);
}
