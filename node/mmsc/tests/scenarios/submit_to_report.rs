//! A message from one handset to another: confirmed, notified, fetched, acknowledged, reported.

use mmsc_peers::handset::{Fetched, SubmitReply, Told, acknowledge, retrieve, submit};
use mmsc_peers::message::{Order, Template, subject};
use mmsc_wire::mms::Status;

use crate::rig::{ALICE, BOB, Rig, number_of};
use crate::story::Story;

pub async fn run(story: &mut Story) {
    let mut rig = Rig::start(&[]).await;
    let mut client = rig.client();
    let order = Order::to_one(1, number_of(BOB));
    let letter = Template::new(1, 30_000).letter(1, &order).unwrap();
    let reply = submit(&mut client, number_of(ALICE), letter.pdu.clone()).await.unwrap();
    let SubmitReply::Confirmed {
        status,
        message_id: Some(message_id),
        transaction_id,
        ..
    } = reply
    else {
        panic!("{reply:?}");
    };
    assert_eq!(transaction_id, letter.transaction_id);
    story.tell(format!("alice submits to bob: status {status:#04x}, with a Message-ID"));

    let (push, notification) = rig.notification().await;
    assert_eq!(notification.subject, Some(subject(1)));
    let from = notification.from.as_deref();
    story.tell(format!("{} is notified of a message from {from:?}", push.to));

    let fetched = retrieve(&mut client, number_of(BOB), &notification.location).await.unwrap();
    let Fetched::Message {
        transaction_id: Some(transaction),
        digest,
        ..
    } = fetched
    else {
        panic!("{fetched:?}");
    };
    assert_eq!(digest, letter.digest, "other octets");
    story.tell("bob fetches the octets that alice sent");

    let status = acknowledge(&mut client, number_of(BOB), &transaction).await.unwrap();
    story.tell(format!("bob acknowledges: {status}"));

    // A handset that is told again before its answer was committed gets the same notification.
    let report = loop {
        let push = rig.push().await;
        match push.told {
            Ok(Told::Notification(again)) => assert_eq!(again, notification),
            _ => break push,
        }
    };
    let Ok(Told::DeliveryReport {
        message_id: about,
        to,
        status,
        ..
    }) = report.told
    else {
        panic!("{:?}", report.told);
    };
    assert_eq!(about.split('@').next(), message_id.split('@').next());
    assert_eq!(status, Status::Retrieved.octet());
    story.tell(format!("{} is told that {to} retrieved it", report.to));

    let again = submit(&mut client, number_of(ALICE), letter.pdu).await.unwrap();
    let same = matches!(&again, SubmitReply::Confirmed { message_id: Some(id), .. } if *id == message_id);
    story.tell(format!("alice repeats her submission: the same Message-ID: {same}"));
    rig.stop().await;
}
