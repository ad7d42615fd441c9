//! How a push is submitted and how it ends: segments, statuses, pace, window, gate.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod smpp_support;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use mmsc_domain::Address;
use mmsc_interfaces::smpp::{Class, DataCoding, LongForm, OptionalParameters, SourceAddress};
use mmsc_relay::port::{Gate, TellOutcome};
use mmsc_wire::push::segment::{Assembly, Reference, UserDataHeader};
use mmsc_wire::smpp::{Body, Pdu, ShortMessage, Status, tag};
use smpp_support::{HANDSET, Peer, World, message_ids, outcome, push, push_to, settle};
use tokio::task::JoinHandle;
use tokio::time::Instant;

fn unavailable() -> TellOutcome {
    TellOutcome::Unavailable {
        destination: "main".into(),
    }
}

fn failed(seconds: u64) -> TellOutcome {
    TellOutcome::Failed {
        retry_after: Some(Duration::from_secs(seconds)),
    }
}

const FAULT: TellOutcome = TellOutcome::Failed { retry_after: None };

#[allow(clippy::disallowed_methods, reason = "paused time")]
fn now() -> Instant {
    Instant::now()
}

#[tokio::test(start_paused = true)]
async fn one_segment_as_the_digest_has_it() {
    let (world, mut peer) = World::bound(|config| {
        config.source = SourceAddress {
            ton: 5,
            npi: 0,
            address: "MMS".into(),
        };
        config.service_type = "WAP".into();
    })
    .await;
    let pushed = world.push(133).await;
    let (sequence, message) = peer.submit().await;
    assert_eq!(sequence, 2);
    assert_eq!(
        (message.source.ton, message.source.npi, message.source.addr.as_str()),
        (5, 0, "MMS")
    );
    let to = &message.destination;
    assert_eq!((to.ton, to.npi, to.addr.as_str()), (1, 1, HANDSET));
    assert_eq!(message.short_message[..7], [0x06, 0x05, 0x04, 0x0b, 0x84, 0x23, 0xf0]);
    assert_eq!(message.short_message[7..], push(133).octets[..]);
    let expected = ShortMessage {
        service_type: "WAP".into(),
        source: message.source.clone(),
        destination: message.destination.clone(),
        esm_class: 0x40,
        validity_period: "000000010000000R".into(),
        registered_delivery: 1,
        data_coding: 0x04,
        short_message: message.short_message.clone(),
        ..ShortMessage::default()
    };
    assert_eq!(message, expected);
    peer.take(sequence, "00Ab").await;
    assert_eq!(message_ids(outcome(pushed).await), ["ab"]);
}

fn whole(messages: &[ShortMessage]) -> (Reference, Vec<u8>) {
    let (first, _) = UserDataHeader::decode(&messages[0].short_message).unwrap();
    let mut assembly = Assembly::new(first.concatenation.unwrap());
    let mut datagram = None;
    for message in messages {
        assert!(message.short_message.len() <= 140);
        let (header, data) = UserDataHeader::decode(&message.short_message).unwrap();
        assert_eq!(header.ports, first.ports);
        datagram = assembly.insert(header.concatenation.unwrap(), data).unwrap();
    }
    (first.concatenation.unwrap().reference, datagram.unwrap())
}

#[tokio::test(start_paused = true)]
async fn three_segments_in_order_with_a_counter_per_number() {
    let (world, mut peer) = World::bound(|_| {}).await;
    let mut references = Vec::new();
    for number in [HANDSET, HANDSET, "491709999999", HANDSET] {
        let pushed = world.push_with(push_to(number, 300)).await;
        let mut messages = Vec::new();
        for id in ["1", "2", "3"] {
            let (sequence, message) = peer.submit().await;
            peer.take(sequence, id).await;
            messages.push(message);
        }
        assert_eq!(message_ids(outcome(pushed).await), ["1", "2", "3"]);
        let more: Vec<_> = messages
            .iter()
            .map(|m| m.tlv(tag::MORE_MESSAGES_TO_SEND).map(<[u8]>::to_vec))
            .collect();
        assert_eq!(more, [Some(vec![1]), Some(vec![1]), None]);
        let (reference, datagram) = whole(&messages);
        assert_eq!(datagram, push(300).octets);
        let Reference::Octet(reference) = reference else {
            panic!()
        };
        references.push(reference);
    }
    assert_eq!(references[1], references[0].wrapping_add(1));
    assert_eq!(references[3], references[0].wrapping_add(2));
}

#[tokio::test(start_paused = true)]
async fn other_forms_of_a_long_push() {
    let (world, mut peer) = World::bound(|config| {
        config.concatenation = LongForm::Payload;
        config.data_coding = DataCoding::Class1;
    })
    .await;
    let pushed = world.push(300).await;
    let (sequence, message) = peer.submit().await;
    assert_eq!((message.esm_class, message.data_coding), (0x40, 0xf5));
    assert!(message.short_message.is_empty());
    assert_eq!(message.tlv(tag::MESSAGE_PAYLOAD).unwrap()[7..], push(300).octets[..]);
    peer.take(sequence, "1").await;
    assert_eq!(message_ids(outcome(pushed).await), ["1"]);

    let (world, mut peer) = World::bound(|config| config.concatenation = LongForm::PortTlvs).await;
    let pushed = world.push(300).await;
    for number in 1..=3 {
        let (sequence, message) = peer.submit().await;
        assert_eq!(
            (message.esm_class, message.tlv(tag::SAR_SEGMENT_SEQNUM)),
            (0, Some(&[number][..]))
        );
        peer.take(sequence, "1").await;
    }
    assert_eq!(message_ids(outcome(pushed).await).len(), 3);

    let (world, mut peer) = World::bound(|config| {
        config.wide_reference = true;
        config.optional_parameters = OptionalParameters::IfAnnounced;
    })
    .await;
    let _pushed = world.push(300).await;
    let messages = [peer.submit().await.1, peer.submit().await.1, peer.submit().await.1];
    assert!(
        messages.iter().all(|message| message.tlvs.is_empty()),
        "the SMSC announced no version"
    );
    let (reference, datagram) = whole(&messages);
    assert!(matches!(reference, Reference::Word(_)));
    assert_eq!(datagram, push(300).octets);
}

/// Answers every submit of a push of three segments, the second with `status`.
async fn one_bad_segment(world: &World, peer: &mut Peer, status: u32) -> TellOutcome {
    let pushed = world.push(300).await;
    let sequences = [peer.submit().await.0, peer.submit().await.0, peer.submit().await.0];
    peer.refuse(sequences[1], status).await;
    peer.take(sequences[0], "1").await;
    assert!(!pushed.is_finished(), "one segment is still outstanding");
    peer.take(sequences[2], "3").await;
    outcome(pushed).await
}

#[tokio::test(start_paused = true)]
async fn one_failing_segment_of_three_fails_the_push_once() {
    let (world, mut peer) = World::bound(|_| {}).await;
    assert_eq!(one_bad_segment(&world, &mut peer, 0x08).await, failed(5));
    assert_eq!(one_bad_segment(&world, &mut peer, 0x0b).await, TellOutcome::Refused);
    assert_eq!(one_bad_segment(&world, &mut peer, 0x0a).await, FAULT);
    // What follows is a whole push with a reference of its own.
    let pushed = world.push(300).await;
    for id in ["4", "5", "6"] {
        let (sequence, _) = peer.submit().await;
        peer.take(sequence, id).await;
    }
    assert_eq!(message_ids(outcome(pushed).await).len(), 3);
    // Receipts of a push that failed are answered and not passed on.
    let asked = peer.report(smpp_support::text_receipt("1", "DELIVRD")).await;
    assert_eq!(peer.deliver_response(asked).await, Status::ROK);
    assert_eq!(world.smpp.metrics("main").unwrap().dropped.value(), 1);
}

#[tokio::test(start_paused = true)]
async fn nothing_more_is_sent_of_a_push_that_failed() {
    let (world, mut peer) = World::bound(|config| config.window = 1).await;
    let pushed = world.push(300).await;
    let (sequence, _) = peer.submit().await;
    peer.refuse(sequence, 0x65).await;
    assert_eq!(outcome(pushed).await, TellOutcome::Refused);
    peer.silence(Duration::from_secs(5)).await;
}

#[tokio::test(start_paused = true)]
async fn each_status_has_its_outcome() {
    let cases = [
        (0x08, failed(5), Class::Transient),
        (0x64, failed(5), Class::Transient),
        (0xfe, failed(5), Class::Transient),
        (0xff, failed(5), Class::Transient),
        (0x0102, failed(5), Class::Transient),
        (0x0401, failed(5), Class::Transient),
        (0x0402, TellOutcome::Refused, Class::Permanent),
        (0x1234, failed(5), Class::Transient),
        (0x0b, TellOutcome::Refused, Class::Permanent),
        (0x65, TellOutcome::Refused, Class::Permanent),
        (0x66, TellOutcome::Refused, Class::Permanent),
        (0x0a, FAULT, Class::Configuration),
        (0x15, FAULT, Class::Configuration),
        (0x48, FAULT, Class::Configuration),
        (0x0101, FAULT, Class::Configuration),
        (0x01, FAULT, Class::Bug),
        (0x07, FAULT, Class::Bug),
        (0x43, FAULT, Class::Bug),
        (0x0104, FAULT, Class::Bug),
        (0x14, failed(60), Class::QueueFull),
    ];
    let (world, mut peer) = World::bound(|config| config.vendor_statuses = vec![(0x0402, Class::Permanent)]).await;
    let mut seen: BTreeMap<&str, u64> = BTreeMap::new();
    for (status, expected, class) in cases {
        let pushed = world.push(10).await;
        let (sequence, _) = peer.submit().await;
        peer.refuse(sequence, status).await;
        assert_eq!(outcome(pushed).await, expected, "{status:#x}");
        *seen.entry(class.label()).or_default() += 1;
    }
    let metrics = world.smpp.metrics("main").unwrap();
    for (class, counter) in Class::ALL.iter().zip(&metrics.submits) {
        let expected = seen.get(class.label()).copied().unwrap_or(0);
        assert_eq!(counter.value(), expected, "{}", class.label());
    }
    assert_eq!(metrics.faults.value(), 8, "each is an alarm");
}

#[tokio::test(start_paused = true)]
async fn pauses_between_attempts_grow_and_a_second_submit_failure_is_final() {
    let (world, mut peer) = World::bound(|_| {}).await;
    for (number, pause) in [(1, 5), (2, 30), (3, 120), (9, 120)] {
        let mut attempt = push(10);
        attempt.number = number;
        let pushed = world.push_with(attempt).await;
        let (sequence, _) = peer.submit().await;
        peer.refuse(sequence, 0x08).await;
        assert_eq!(outcome(pushed).await, failed(pause));
    }
    for expected in [failed(5), TellOutcome::Refused] {
        let pushed = world.push(10).await;
        let (sequence, _) = peer.submit().await;
        peer.refuse(sequence, 0x45).await;
        assert_eq!(outcome(pushed).await, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_generic_nack_is_our_fault() {
    let (world, mut peer) = World::bound(|_| {}).await;
    let pushed = world.push(10).await;
    let (sequence, _) = peer.submit().await;
    peer.send(&Pdu::nack(sequence, Status::RINVCMDID)).await;
    assert_eq!(outcome(pushed).await, FAULT);
}

#[tokio::test(start_paused = true)]
async fn refused_times_and_optional_parameters_are_left_out_once() {
    let (world, mut peer) = World::bound(|_| {}).await;
    let pushed = world.push(10).await;
    let (sequence, first) = peer.submit().await;
    assert!(!first.validity_period.is_empty());
    peer.refuse(sequence, 0x62).await;
    let (sequence, second) = peer.submit().await;
    assert!(second.validity_period.is_empty());
    assert_eq!(second.short_message, first.short_message);
    peer.refuse(sequence, 0x62).await;
    assert_eq!(outcome(pushed).await, FAULT);

    let pushed = world.push(200).await;
    let (one, two) = (peer.submit().await, peer.submit().await);
    assert!(one.1.tlv(tag::MORE_MESSAGES_TO_SEND).is_some());
    peer.refuse(one.0, 0xc1).await;
    let (again, message) = peer.submit().await;
    assert!(message.tlvs.is_empty() && message.short_message == one.1.short_message);
    peer.take(two.0, "2").await;
    peer.take(again, "1").await;
    assert_eq!(message_ids(outcome(pushed).await), ["1", "2"]);
    let _pushed = world.push(200).await;
    assert!(peer.submit().await.1.tlvs.is_empty(), "remembered");
}

/// An SMSC that throttles every submit before `open_at`, and takes at most one a `gap` after.
async fn storm(peer: &mut Peer, pushes: usize, open_at: Instant, gap: Duration) -> (BTreeMap<String, u32>, u32) {
    let (mut taken, mut refused, mut next) = (BTreeMap::new(), 0, open_at);
    while taken.values().sum::<u32>() < u32::try_from(pushes).unwrap() {
        let (sequence, message) = peer.submit().await;
        if now() < next {
            refused += 1;
            assert!(refused < 10_000);
            peer.refuse(sequence, 0x58).await;
        } else {
            next = now() + gap;
            *taken.entry(message.destination.addr).or_default() += 1;
            peer.take(sequence, &sequence.to_string()).await;
        }
    }
    (taken, refused)
}

#[tokio::test(start_paused = true)]
async fn a_storm_of_throttling_loses_and_doubles_nothing() {
    let (world, mut peer) = World::bound(|config| config.rate_per_second = 100).await;
    let numbers: Vec<String> = (0..40).map(|n| format!("4917000000{n:02}")).collect();
    let mut pushed: Vec<JoinHandle<TellOutcome>> = Vec::new();
    for number in &numbers {
        pushed.push(world.push_with(push_to(number, 10)).await);
    }
    let (taken, refused) = storm(
        &mut peer,
        40,
        now() + Duration::from_secs(5),
        Duration::from_millis(200),
    )
    .await;
    assert!(refused < 100, "{refused} were sent in vain: the pause does not hold");
    assert_eq!(
        taken.into_iter().collect::<Vec<_>>(),
        numbers.iter().map(|n| (n.clone(), 1)).collect::<Vec<_>>()
    );
    for handle in pushed {
        assert!(matches!(outcome(handle).await, TellOutcome::Sent(_)));
    }
    let metrics = world.smpp.metrics("main").unwrap();
    assert!(metrics.slowdowns.value() >= 2 && metrics.rate.value() < 100);
}

#[tokio::test(start_paused = true)]
async fn throttled_segments_come_again_in_order_and_unchanged() {
    let (world, mut peer) = World::bound(|config| config.window = 3).await;
    let pushed = world.push(300).await;
    let _behind = world.push_with(push_to("491700000002", 10)).await;
    let mut first = Vec::new();
    for _ in 0..3 {
        first.push(peer.submit().await);
    }
    for (sequence, _) in first.iter().rev() {
        peer.refuse(*sequence, 0x58).await;
    }
    for (_, message) in &first {
        let (sequence, again) = peer.submit().await;
        assert_eq!(again, *message);
        peer.take(sequence, &sequence.to_string()).await;
    }
    assert_eq!(message_ids(outcome(pushed).await).len(), 3);
}

#[tokio::test(start_paused = true)]
async fn congestion_told_by_the_smsc_halves_the_rate() {
    let (world, mut peer) = World::bound(|config| config.rate_per_second = 100).await;
    let pushed = world.push(10).await;
    let (sequence, _) = peer.submit().await;
    let mut response = vec![0, 0, 0, 23, 0x80, 0, 0, 4, 0, 0, 0, 0];
    response.extend(sequence.to_be_bytes());
    response.extend([b'1', 0, 0x04, 0x28, 0, 1, 90]);
    peer.send_raw(&response).await;
    assert_eq!(message_ids(outcome(pushed).await), ["1"]);
    let metrics = world.smpp.metrics("main").unwrap();
    assert_eq!(metrics.slowdowns.value(), 1);
    assert!(metrics.rate.value() <= 50, "{}", metrics.rate.value());
}

#[tokio::test(start_paused = true)]
async fn a_window_that_stays_closed_costs_no_attempt() {
    let (world, mut peer) = World::bound(|_| {}).await;
    world.ups();
    let since = now();
    let mut pushed = world.push(10).await;
    let ended = loop {
        tokio::select! {
            ended = &mut pushed => break ended.unwrap(),
            (sequence, _) = peer.submit() => peer.refuse(sequence, 0x58).await,
        }
        assert!(now() - since <= Duration::from_secs(61));
    };
    assert_eq!(ended, unavailable());
    assert!(now() - since <= Duration::from_secs(61));
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(world.ups(), ["main"], "what waits for an open link is tried again");
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_pauses_its_number_alone() {
    let (world, mut peer) = World::bound(|_| {}).await;
    let pushed = world.push(10).await;
    let (sequence, _) = peer.submit().await;
    peer.refuse(sequence, 0x14).await;
    assert_eq!(outcome(pushed).await, failed(60));
    peer.idle(Duration::from_secs(20)).await;
    assert_eq!(
        outcome(world.push(10).await).await,
        failed(40),
        "not asked again before"
    );
    let other = world.push_with(push_to("491700000002", 10)).await;
    let (sequence, _) = peer.submit().await;
    peer.take(sequence, "1").await;
    assert!(matches!(outcome(other).await, TellOutcome::Sent(_)));
    peer.idle(Duration::from_secs(41)).await;
    let _pushed = world.push(10).await;
    peer.submit().await;
}

#[tokio::test(start_paused = true)]
async fn full_queues_of_many_numbers_are_throttling() {
    let (world, mut peer) = World::bound(|_| {}).await;
    for n in 0..7 {
        let pushed = world.push_with(push_to(&format!("49170000000{n}"), 10)).await;
        let (sequence, _) = peer.submit().await;
        peer.refuse(sequence, 0x14).await;
        assert_eq!(outcome(pushed).await, failed(60));
    }
    let pushed = world.push_with(push_to("491700000008", 10)).await;
    let (sequence, _) = peer.submit().await;
    peer.refuse(sequence, 0x14).await;
    let since = now();
    let (sequence, _) = peer.submit().await;
    assert!(now() - since >= Duration::from_secs(1));
    peer.take(sequence, "1").await;
    assert!(matches!(outcome(pushed).await, TellOutcome::Sent(_)));
}

#[tokio::test(start_paused = true)]
async fn no_answer_is_unknown_and_asks_whether_the_peer_lives() {
    let (world, mut peer) = World::bound(|_| {}).await;
    let pushed = world.push(10).await;
    let (late, _) = peer.submit().await;
    let since = now();
    let enquiry = peer.expect().await;
    assert_eq!(enquiry.body, Body::EnquireLink);
    assert!((now() - since).abs_diff(Duration::from_secs(10)) < Duration::from_millis(50));
    peer.respond(enquiry.sequence, 0, Body::EnquireLinkResp).await;
    assert_eq!(outcome(pushed).await, TellOutcome::Unknown);
    // The late answer disturbs nobody, and the window is free again.
    peer.take(late, "1").await;
    let pushed = world.push(10).await;
    let (sequence, _) = peer.submit().await;
    peer.take(sequence, "2").await;
    assert_eq!(message_ids(outcome(pushed).await), ["2"]);
    assert_eq!(world.smpp.metrics("main").unwrap().unanswered.value(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_ok_without_an_id_or_a_body_is_ok() {
    let (world, mut peer) = World::bound(|_| {}).await;
    let pushed = world.push(10).await;
    let (sequence, _) = peer.submit().await;
    let mut bare = vec![0, 0, 0, 16, 0x80, 0, 0, 4, 0, 0, 0, 0];
    bare.extend(sequence.to_be_bytes());
    peer.send_raw(&bare).await;
    assert!(matches!(outcome(pushed).await, TellOutcome::Sent(_)));
}

#[tokio::test(start_paused = true)]
async fn the_window_holds_back_and_the_queue_overflows_into_unavailable() {
    let (world, mut peer) = World::bound(|config| {
        config.window = 3;
        config.queue = 4;
    })
    .await;
    world.ups();
    let mut pushed = Vec::new();
    for n in 0..3 + 4 {
        pushed.push(world.push_with(push_to(&format!("49170000000{n}"), 10)).await);
    }
    assert_eq!(outcome(world.push(10).await).await, unavailable());
    let mut outstanding = Vec::new();
    for _ in 0..3 {
        outstanding.push(peer.submit().await.0);
    }
    peer.silence(Duration::from_millis(500)).await;
    let metrics = world.smpp.metrics("main").unwrap();
    assert_eq!((metrics.window_used.value(), metrics.queued.value()), (3, 4));
    assert!(world.ups().is_empty());
    for (n, handle) in pushed.into_iter().enumerate() {
        let sequence = outstanding.remove(0);
        peer.take(sequence, &n.to_string()).await;
        assert!(matches!(outcome(handle).await, TellOutcome::Sent(_)));
        if n < 4 {
            outstanding.push(peer.submit().await.0);
        }
        assert!(world.smpp.metrics("main").unwrap().window_used.value() <= 3);
    }
    assert_eq!(world.ups(), ["main"], "the drained queue is announced, once");
}

#[tokio::test(start_paused = true)]
async fn the_gate_is_asked_when_octets_are_about_to_leave() {
    let (world, mut peer) = World::bound(|config| config.window = 1).await;
    let _first = world.push(10).await;
    let (sequence, _) = peer.submit().await;
    let open = Arc::new(AtomicBool::new(true));
    let mut gated = push_to("491700000002", 10);
    let asked = Arc::clone(&open);
    gated.gate = Gate(Arc::new(move || asked.load(Ordering::SeqCst)));
    let waiting = world.push_with(gated.clone()).await;
    open.store(false, Ordering::SeqCst);
    peer.take(sequence, "1").await;
    assert_eq!(outcome(waiting).await, unavailable());
    peer.silence(Duration::from_secs(1)).await;
    open.store(true, Ordering::SeqCst);
    let again = world.push_with(gated).await;
    let (sequence, _) = peer.submit().await;
    peer.take(sequence, "2").await;
    assert!(matches!(outcome(again).await, TellOutcome::Sent(_)));
}

#[tokio::test(start_paused = true)]
async fn a_gate_that_closes_between_segments_leaves_the_push_unknown() {
    let (world, mut peer) = World::bound(|config| config.window = 1).await;
    let open = Arc::new(AtomicBool::new(true));
    let asked = Arc::clone(&open);
    let mut gated = push(300);
    gated.gate = Gate(Arc::new(move || asked.load(Ordering::SeqCst)));
    let pushed = world.push_with(gated).await;
    let (sequence, _) = peer.submit().await;
    open.store(false, Ordering::SeqCst);
    peer.take(sequence, "1").await;
    assert_eq!(outcome(pushed).await, TellOutcome::Unknown);
    peer.silence(Duration::from_secs(1)).await;
}

#[tokio::test(start_paused = true)]
async fn a_push_that_nobody_waits_for_any_more_is_not_sent() {
    let (world, mut peer) = World::bound(|config| config.window = 1).await;
    let _first = world.push(10).await;
    let (sequence, _) = peer.submit().await;
    let given_up = world.push_with(push_to("491700000002", 10)).await;
    given_up.abort();
    settle().await;
    peer.take(sequence, "1").await;
    peer.silence(Duration::from_secs(5)).await;
}

#[tokio::test(start_paused = true)]
async fn sequence_numbers_wrap_and_pass_over_what_is_outstanding() {
    let (world, mut peer) = World::bound(|config| config.first_sequence = 0x7fff_fffd).await;
    let mut handles = Vec::new();
    let mut sequences = Vec::new();
    for n in 0..4 {
        handles.push(world.push_with(push_to(&format!("49170000000{n}"), 10)).await);
        sequences.push(peer.submit().await.0);
    }
    assert_eq!(sequences, [0x7fff_fffe, 0x7fff_ffff, 1, 2]);
    for (sequence, handle) in sequences.into_iter().zip(handles) {
        peer.take(sequence, &sequence.to_string()).await;
        assert_eq!(message_ids(outcome(handle).await), [sequence.to_string()]);
    }
}

#[tokio::test(start_paused = true)]
async fn the_contract_rate_is_kept_and_a_long_push_not_torn() {
    let (world, mut peer) = World::bound(|config| config.rate_per_second = 2).await;
    let since = now();
    let mut handles = Vec::new();
    for n in 0..3 {
        handles.push(world.push_with(push_to(&format!("49170000000{n}"), 200)).await);
    }
    for second in 0..3u64 {
        let (one, two) = (peer.submit().await, peer.submit().await);
        assert_eq!(one.1.destination, two.1.destination);
        assert!((now() - since).abs_diff(Duration::from_secs(second)) < Duration::from_millis(100));
        peer.take(one.0, "1").await;
        peer.take(two.0, "2").await;
    }
    for handle in handles {
        assert!(matches!(outcome(handle).await, TellOutcome::Sent(_)));
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_no_number_cannot_be_told() {
    let (world, mut peer) = World::bound(|_| {}).await;
    let mut push = push(10);
    push.to = Address::Email("a@b.example".into());
    assert_eq!(outcome(world.push_with(push).await).await, TellOutcome::Refused);
    peer.silence(Duration::from_secs(1)).await;
}

#[tokio::test(start_paused = true)]
async fn a_push_beyond_all_segments_is_a_fault_not_a_panic() {
    let (world, mut peer) = World::bound(|_| {}).await;
    assert_eq!(outcome(world.push(128 * 255 + 1).await).await, FAULT);
    peer.silence(Duration::from_secs(1)).await;
}
