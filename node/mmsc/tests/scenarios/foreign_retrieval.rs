//! A message is for its recipient: who has its address but is somebody else learns no more than who made one up.

use std::collections::BTreeSet;

use mmsc_wire::mms::{self, AcknowledgeInd, NotifyRespInd, Pdu, Status, Version};

use crate::pdu::{from, get, path, post};
use crate::rig::{BOB, CAROL, Rig};
use crate::story::Story;
use crate::wire::{Answer, Wire};

const GUESSES: usize = 2_000;

pub async fn run(story: &mut Story) {
    let mut rig = Rig::start(&[("mm1.seen_interval", "1h")]).await;
    let mm1 = rig.mm1();
    rig.submitted(1, BOB, 3_000).await;
    let (_, notification) = rig.notification().await;
    let location = path(&notification.location).to_owned();
    let token = location.trim_start_matches('/').to_owned();
    let mut wire = Wire::open(&mm1).await;

    let unknown = wire.ask(&get(&from(CAROL), "/AAAAAAAAAAAAAAAAAAAAAA")).await;
    story.tell(format!("carol makes an address up: {unknown}"));
    let foreign = wire.ask(&get(&from(CAROL), &location)).await;
    assert_eq!(without_date(&foreign), without_date(&unknown), "tells more than for an unknown one");
    story.tell(format!("carol has bob's address: {foreign}"));
    for (what, path) in [
        ("with the token twice", format!("/{token}{token}")),
        ("in a folder", format!("/mms/{token}")),
        ("with a query", format!("/{token}?x=1")),
        ("with the last character changed", changed(&token)),
        ("cut short", format!("/{}", token.split_at(21).0)),
        ("a path upwards", format!("/../{token}")),
        ("no token", "/index.html".to_owned()),
    ] {
        let answer = wire.ask(&get(&from(CAROL), &path)).await;
        let same = without_date(&answer) == without_date(&unknown);
        story.tell(format!("the same {what}: {answer}; as for an unknown one: {same}"));
    }
    guess(story, &mut wire, &token).await;
    speak_for_bob(story, &mut wire, &token).await;
    let retrieved = wire.ask(&get(&from(BOB), &location)).await;
    story.tell(format!("bob fetches: {retrieved}"));
    let foreign = wire.ask(&get(&from(CAROL), &location)).await;
    assert_eq!(without_date(&foreign), without_date(&unknown));
    story.tell(format!("carol after bob: {foreign}"));
    rig.stop().await;
}

/// Everything of an answer but its dates, which tell the time and nothing else.
fn without_date(answer: &Answer) -> (Answer, usize) {
    let mut answer = answer.clone();
    let octets = answer.body.len();
    answer.headers.remove("date");
    let Some(Pdu::RetrieveConf(mut conf)) = answer.pdu() else {
        panic!("{answer}");
    };
    conf.date = Default::default();
    let mut body = Vec::new();
    mms::encode(&Pdu::RetrieveConf(conf), &mut body).unwrap();
    answer.body = body;
    (answer, octets)
}

fn changed(token: &str) -> String {
    let last = if token.ends_with('A') { 'Q' } else { 'A' };
    format!("/{}{last}", token.split_at(21).0)
}

/// Tokens beside a real one, in its shard, on one connection: all unknown.
async fn guess(story: &mut Story, wire: &mut Wire, token: &str) {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut answers = BTreeSet::new();
    for batch in 0..GUESSES / 100 {
        let mut requests = Vec::new();
        for index in batch * 100..(batch + 1) * 100 {
            let mut guessed = token.as_bytes().to_vec();
            // Never the token itself: both characters move by less than the alphabet has.
            for (at, step) in [(8, 1 + index % 63), (12, index / 63)] {
                let now = alphabet.iter().position(|letter| *letter == guessed[at]).unwrap();
                guessed[at] = alphabet[(now + step) % 64];
            }
            let path = format!("/{}", String::from_utf8(guessed).unwrap());
            requests.extend(get(&from(CAROL), &path));
        }
        wire.send(&requests).await;
        for _ in 0..100 {
            answers.insert(wire.answer().await.unwrap().to_string());
        }
    }
    story.tell(format!("{GUESSES} guessed addresses: {answers:?}"));
}

/// What Carol says about Bob's message changes nothing, and is answered like what she says about none.
async fn speak_for_bob(story: &mut Story, wire: &mut Wire, token: &str) {
    for status in [Status::Rejected, Status::Retrieved] {
        let mut answers = Vec::new();
        for about in [token, "AAAAAAAAAAAAAAAAAAAAAA"] {
            let response = NotifyRespInd {
                transaction_id: about.to_owned().into(),
                version: Version::V1_2,
                status,
                report_allowed: Some(true),
            };
            let pdu = encoded(Pdu::NotifyRespInd(response));
            answers.push(wire.ask(&post(&from(CAROL), &pdu)).await.to_string());
        }
        assert_eq!(answers[0], answers[1], "tells more than about an unknown one");
        story.tell(format!("carol says {} about bob's message: {}", status.name(), answers[0]));
    }
    let acknowledgement = AcknowledgeInd {
        transaction_id: token.to_owned().into(),
        version: Version::V1_2,
        report_allowed: Some(true),
    };
    let pdu = encoded(Pdu::AcknowledgeInd(acknowledgement));
    let answer = wire.ask(&post(&from(CAROL), &pdu)).await;
    story.tell(format!("carol acknowledges bob's message: {answer}"));
}

fn encoded(pdu: Pdu<'_>) -> Vec<u8> {
    let mut octets = Vec::new();
    mms::encode(&pdu, &mut octets).unwrap();
    octets
}
