//! PDUs of another version, of no known type, cut off, or no PDUs at all: each has an answer of its kind.

use std::collections::BTreeMap;

use crate::pdu::{from, post, submission};
use crate::rig::{ALICE, BOB, Rig};
use crate::story::Story;
use crate::wire::Wire;

/// Offsets into [`submission`] with a transaction id of one octet.
const TYPE: usize = 1;
const VERSION: usize = 6;

pub async fn run(story: &mut Story) {
    let rig = Rig::start(&[]).await;
    let identity = from(ALICE);
    let mut wire = Wire::open(&rig.mm1()).await;
    let good = submission("v", &[BOB.as_bytes()]);
    assert_eq!((good[TYPE], good[VERSION]), (0x80, 0x92));
    for version in [0x80, 0x90, 0x93, 0x94, 0x9F, 0xA0, 0xF0] {
        let mut pdu = good.clone();
        pdu[VERSION] = version;
        let answer = wire.ask(&post(&identity, &pdu)).await;
        story.tell(format!("version {version:#04x}: {answer}"));
    }
    for kind in [0x81, 0x82, 0x84, 0x86, 0x88, 0x8A, 0x93, 0x96, 0x97, 0x98, 0x9F, 0xFF, 0x00] {
        let mut pdu = good.clone();
        pdu[TYPE] = kind;
        let answer = wire.ask(&post(&identity, &pdu)).await;
        story.tell(format!("type {kind:#04x}: {answer}"));
    }
    let whole = good.len() - b"hello".len();
    let mut answers: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let mut order = Vec::new();
    for end in 0..whole {
        let said = wire.ask(&post(&identity, &good[..end])).await.to_string();
        let known = answers.entry(said.clone()).or_insert_with(|| {
            order.push(said);
            (end, end)
        });
        known.1 = end;
    }
    for said in order {
        let (first, last) = answers[&said];
        story.tell(format!("the first {first} to {last} of {} octets: {said}", good.len()));
    }
    for (what, octets) in [
        ("text", &b"hello, is this the MMSC?"[..]),
        ("an e-mail", b"From: alice\r\nTo: bob\r\n\r\nhello"),
        ("zeros", &[0; 100]),
        ("0xFF", &[0xFF; 100]),
    ] {
        let answer = wire.ask(&post(&identity, octets)).await;
        story.tell(format!("{what}: {answer}"));
    }
    rig.stop().await;
}
