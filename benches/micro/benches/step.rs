//! The decisions over the life of one copy that is told, served, acknowledged and reported.
#![allow(clippy::unwrap_used, missing_docs, reason = "a bench")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use mmsc_domain::UnixMillis;
use mmsc_domain::lifecycle::{CopyEvent, CopyState, Facts, Leads, Timers, step};

fn life(c: &mut Criterion) {
    let facts = Facts {
        leads: Leads::Here,
        expires_at: UnixMillis(1_000_000_000),
        deliver_at: None,
        due_at: None,
        report_wanted: true,
        report_refused: false,
        timers: Timers::default(),
    };
    let events = [
        CopyEvent::Granted,
        CopyEvent::ContentServed,
        CopyEvent::HandsetRetrieved,
    ];
    let run = || {
        events.iter().fold(CopyState::Screening, |state, event| {
            step(black_box(&state), *event, UnixMillis(1), &facts).unwrap().next
        })
    };
    assert!(run().is_final());
    c.bench_function("step: the three decisions of a copy's life", |b| b.iter(run));
}

criterion_group!(benches, life);
criterion_main!(benches);
