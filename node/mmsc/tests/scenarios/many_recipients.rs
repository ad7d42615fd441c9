//! Recipients without end: refused in MM1's words, none of them is told; as many as are allowed are accepted.

use std::collections::BTreeSet;

use crate::pdu::{from, post, submission};
use crate::rig::{ALICE, Rig};
use crate::story::Story;

const ALLOWED: usize = 10;

pub async fn run(story: &mut Story) {
    let mut rig = Rig::start(&[("limits.recipients", "10")]).await;
    let mm1 = rig.mm1();
    let identity = from(ALICE);
    for count in [0, ALLOWED + 1, 100, 2_000, 2_001, 20_000] {
        let answer = crate::wire::ask(&mm1, &post(&identity, &to_many(count, count))).await;
        story.tell(format!("{count} recipients: {answer}"));
    }
    // One address over and over is one recipient.
    let answer = crate::wire::ask(&mm1, &post(&identity, &to_many(500, 1))).await;
    story.tell(format!("500 times the same: {answer}"));
    let answer = crate::wire::ask(&mm1, &post(&identity, &to_many(ALLOWED, ALLOWED))).await;
    story.tell(format!("{ALLOWED} recipients: {answer}"));
    let mut told = BTreeSet::new();
    for _ in 0..=ALLOWED {
        told.insert(rig.notification().await.0.to);
    }
    story.tell(format!("notified: {} numbers", told.len()));
    let submissions = rig.smsc.counts().pushes.load(std::sync::atomic::Ordering::Relaxed);
    story.tell(format!("pushes in all: {submissions}"));
    rig.stop().await;
}

/// To `count` addresses, of which `unique` differ.
fn to_many(count: usize, unique: usize) -> Vec<u8> {
    let numbers: Vec<String> = (0..count)
        .map(|index| format!("+1555020{:04}/TYPE=PLMN", index % unique))
        .collect();
    let addresses: Vec<&[u8]> = numbers.iter().map(String::as_bytes).collect();
    submission(&format!("T{count}"), &addresses)
}
