//! Requests that come at once on one connection are answered one after the other, in their order.

use mmsc_wire::mms::Pdu;

use crate::pdu::{from, get, post, submission};
use crate::rig::{ALICE, BOB, Rig};
use crate::story::Story;
use crate::wire::Wire;

const SUBMISSIONS: usize = 30;

pub async fn run(story: &mut Story) {
    let mut rig = Rig::start(&[]).await;
    let identity = from(ALICE);
    let mut octets = Vec::new();
    for index in 0..SUBMISSIONS {
        // Every third one is refused, which takes less time than to accept one.
        let to: &[u8] = if index % 3 == 1 { b"a@@b" } else { BOB.as_bytes() };
        octets.extend(post(&identity, &submission(&format!("T{index:02}"), &[to])));
    }
    octets.extend(get(&identity, "/AAAAAAAAAAAAAAAAAAAAAA"));
    octets.extend(get(&(identity.clone() + "Connection: close\r\n"), "/"));
    let mut wire = Wire::open(&rig.mm1()).await;
    wire.send(&octets).await;
    let mut ids = std::collections::BTreeSet::new();
    for _ in 0..SUBMISSIONS {
        let answer = wire.answer().await.unwrap();
        let Some(Pdu::SendConf(conf)) = answer.pdu() else {
            panic!("{answer}");
        };
        story.tell(format!("{}: {answer}", conf.transaction_id.to_str()));
        ids.extend(conf.message_id.map(|id| id.to_str().into_owned()));
    }
    story.tell(format!("{} messages, each with an id of its own", ids.len()));
    story.tell(format!("a GET behind them: {}", wire.answer().await.unwrap()));
    story.tell(format!("the last one: {}", wire.until_closed().await));
    for _ in 0..ids.len() {
        rig.notification().await;
    }
    story.tell(format!("bob is notified of {}", ids.len()));
    rig.stop().await;
}
