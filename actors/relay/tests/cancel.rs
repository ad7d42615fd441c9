//! Cancelling a message that handsets have: those that know the PDU are asked to remove it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod common;

use std::time::Duration;

use common::mmbox::{RETRIEVED, provision};
use common::*;
use mmsc_domain::command::HandsetAnswer;
use mmsc_domain::inbox::{Cancel, Telling};
use mmsc_domain::profile::SubscriberProfile;
use mmsc_domain::{Address, Token, Why};
use mmsc_relay::HandsetReply;

const ANSWERED: HandsetAnswer = HandsetAnswer::CancelAnswered;

/// A node that knows that the handset of subscriber `n` speaks 1.`minor`, and tells again every 200 ms.
async fn world(versions: &[(u64, u8)]) -> World {
    let mut world = World::new();
    world.policy.telling.renotify = vec![Duration::from_millis(200)];
    for (n, minor) in versions {
        let profile = SubscriberProfile {
            mms_version: Some(0x90 | minor),
            ..SubscriberProfile::default()
        };
        provision(&world, &phone(*n), profile).await;
    }
    world
}

fn cancels(node: &Node) -> Vec<(Address, Cancel)> {
    let told = node.bearer.told.lock().unwrap();
    told.iter()
        .filter_map(|attempt| match &attempt.telling {
            Telling::Cancel(cancel) => Some((attempt.to.clone(), cancel.clone())),
            Telling::Notification(_) | Telling::DeliveryReport(_) | Telling::ReadReport(_) => None,
        })
        .collect()
}

fn token_of(node: &Node, n: u64) -> Token {
    let told = node.bearer.notifications();
    told.into_iter().find(|told| told.0 == phone(n)).unwrap().1
}

async fn says(node: &Node, n: u64, token: Token, answer: HandsetAnswer) -> HandsetReply {
    node.relay.handset_answer(token, Some(phone(n)), answer).await
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_it_is_asked_to_remove_it_until_it_answers() {
    let world = world(&[(2, 3), (3, 2), (4, 3)]).await;
    let node = world.start().await;
    let recipients = [2, 3, 4, 5].map(|n| to(phone(n))).to_vec();
    let id = accept(&node, submit_to(recipients, "t1")).await;
    eventually("four notifications", || {
        [2, 3, 4, 5]
            .iter()
            .all(|n| node.bearer.notifications().iter().any(|it| it.0 == phone(*n)))
    })
    .await;
    for n in [2, 3, 5] {
        assert_eq!(says(&node, n, token_of(&node, n), RETRIEVED).await, HandsetReply::Done);
    }
    // The one that was only notified ends by it, and has nothing to remove.
    assert_eq!(node.relay.cancel(id).await, Ok(Some(1)));
    let asked = Cancel {
        mm: id,
        token: token_of(&node, 2),
    };
    eventually("asked, and asked again", || cancels(&node).len() >= 2).await;
    assert!(
        cancels(&node).iter().all(|told| *told == (phone(2), asked.clone())),
        "{:?}",
        cancels(&node)
    );
    let trace = node.relay.trace(id).await.unwrap().unwrap();
    let noted = trace.chain.iter().filter(|entry| entry.why == Why::Cancelled).count();
    assert_eq!(noted, 2, "the copy that ended and the one that was asked for");

    assert_eq!(says(&node, 3, asked.token, ANSWERED).await, HandsetReply::NotYours);
    assert_eq!(
        says(&node, 3, token_of(&node, 3), ANSWERED).await,
        HandsetReply::NotThere
    );
    assert_eq!(says(&node, 2, asked.token, ANSWERED).await, HandsetReply::Done);
    let told = cancels(&node).len();
    // One more may have been under way while the answer came.
    a_while().await;
    assert!(cancels(&node).len() <= told + 1, "asked again after its answer");
    assert_eq!(
        says(&node, 2, asked.token, ANSWERED).await,
        HandsetReply::Done,
        "a repeat"
    );
    let told = cancels(&node).len();
    assert_eq!(node.relay.cancel(id).await, Ok(Some(0)));
    a_while().await;
    assert_eq!(cancels(&node).len(), told, "asked once for each cancelled copy");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_whose_copies_have_all_ended_can_be_taken_back() {
    let world = world(&[(2, 3), (3, 3)]).await;
    let node = world.start().await;
    let id = accept(&node, submit_to(vec![to(phone(2))], "t1")).await;
    eventually("a notification", || node.bearer.notifications().len() == 1).await;
    assert_eq!(says(&node, 2, token_of(&node, 2), RETRIEVED).await, HandsetReply::Done);
    assert_eq!(node.relay.cancel(id).await, Ok(Some(0)));
    eventually("asked", || cancels(&node).iter().any(|told| told.0 == phone(2))).await;

    // Served, and no word of the handset yet: the copy ends as cancelled, and the handset has the content.
    let id = accept(&node, submit_to(vec![to(phone(3))], "t2")).await;
    eventually("a notification", || {
        node.bearer.notifications().iter().any(|told| told.0 == phone(3))
    })
    .await;
    node.relay.served(token_of(&node, 3), true).await;
    assert_eq!(node.relay.cancel(id).await, Ok(Some(1)));
    eventually("asked", || cancels(&node).iter().any(|told| told.0 == phone(3))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wish_survives_the_process() {
    let world = world(&[(2, 3)]).await;
    let node = world.start().await;
    let id = accept(&node, submit_to(vec![to(phone(2))], "t1")).await;
    eventually("a notification", || node.bearer.notifications().len() == 1).await;
    let token = token_of(&node, 2);
    assert_eq!(says(&node, 2, token, RETRIEVED).await, HandsetReply::Done);
    node.bearer.behave(Behaviour::Down);
    assert_eq!(node.relay.cancel(id).await, Ok(Some(0)));
    let after = world.start().await;
    // The first may have got as far as to let it wait for its destination.
    after.relay.destination_up("main");
    eventually("asked by the next process", || !cancels(&after).is_empty()).await;
    assert_eq!(cancels(&after)[0], (phone(2), Cancel { mm: id, token }));
}
