//! The PDUs of the main path: a submission of 30 KiB, and its notification in a push.
#![allow(clippy::unwrap_used, missing_docs, reason = "a bench")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use mmsc_peers::Msisdn;
use mmsc_peers::message::{Mix, Order, Sizes};
use mmsc_wire::mms::{self, Limits, NotificationInd, Pdu, Size, TimeValue, Version};
use mmsc_wire::push::{self, Push};

fn submission(c: &mut Criterion) {
    let mix = Mix::new(1, Sizes::Small);
    let order = Order::to_one(1, Msisdn::of_pool(15_550_100_000, 0));
    let letter = mix.letter(&order).unwrap();
    let limits = Limits::default();
    let mut group = c.benchmark_group("m-send-req of 30 KiB");
    group.throughput(Throughput::Bytes(letter.pdu.len() as u64));
    group.bench_function("decode", |b| {
        b.iter(|| mms::decode(black_box(&letter.pdu), &limits).unwrap())
    });
    let pdu = mms::decode(&letter.pdu, &limits).unwrap();
    let mut out = Vec::new();
    group.bench_function("encode", |b| {
        b.iter(|| {
            out.clear();
            mms::encode(black_box(&pdu), &mut out).unwrap();
        });
    });
    group.finish();
}

fn notification(c: &mut Criterion) {
    let ind = Pdu::NotificationInd(NotificationInd {
        transaction_id: "AAECAwQFBgcICQoLDA0ODw".into(),
        version: Version::V1_2,
        from: Some("+15550100001/TYPE=PLMN".into()),
        subject: Some("Message 1".into()),
        message_size: Size(31_000),
        expiry: TimeValue::Relative(604_800),
        content_location: "http://mmsc.example:8081/AAECAwQFBgcICQoLDA0ODw".into(),
        ..NotificationInd::default()
    });
    let limits = Limits::default();
    let (mut pdu, mut wsp) = (Vec::new(), Vec::new());
    let mut group = c.benchmark_group("push of an m-notification-ind");
    group.bench_function("encode", |b| {
        b.iter(|| {
            pdu.clear();
            wsp.clear();
            mms::encode(black_box(&ind), &mut pdu).unwrap();
            push::encode(&Push::mms(1, &pdu), &mut wsp).unwrap();
        });
    });
    group.bench_function("decode", |b| {
        b.iter(|| {
            mms::decode(push::decode(black_box(&wsp)).unwrap().data, &limits)
                .unwrap()
                .message_type()
        });
    });
    group.finish();
}

criterion_group!(benches, submission, notification);
criterion_main!(benches);
