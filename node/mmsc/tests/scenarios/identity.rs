//! Who a request is from: only the header of a trusted gateway says so, once and in one voice.

use std::net::Ipv4Addr;

use crate::pdu::{from, get, post, submission};
use crate::rig::{ALICE, BOB, CAROL, Rig};
use crate::story::Story;
use crate::wire::Wire;

/// The one gateway that is trusted.
const GATEWAY: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
/// Somebody else on the same network.
const STRANGER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 3);

pub async fn run(story: &mut Story) {
    let headers = "X-MSISDN,X-WAP-Network-Client-MSISDN";
    let sets = [
        ("mm1.trusted_networks", "127.0.0.2/32"),
        ("mm1.identity_headers", headers),
        ("mm1.unidentified", "refuse"),
    ];
    let mut rig = Rig::start(&sets).await;
    let mm1 = rig.mm1();
    let other = format!("X-WAP-Network-Client-MSISDN: {CAROL}\r\n");
    let same = format!("X-WAP-Network-Client-MSISDN: {ALICE}\r\n");
    let cases = [
        ("the gateway names alice", GATEWAY, from(ALICE)),
        ("the gateway names alice in two headers", GATEWAY, from(ALICE) + &same),
        ("a stranger says that he is alice", STRANGER, from(ALICE)),
        ("the gateway names nobody", GATEWAY, String::new()),
        ("the gateway's header is empty", GATEWAY, from("")),
        ("the header twice, two numbers", GATEWAY, from(ALICE) + &from(CAROL)),
        ("the header twice, one number", GATEWAY, from(ALICE) + &from(ALICE)),
        ("the header twice, in two cases", GATEWAY, from(ALICE) + "x-msisdn: +15550100003\r\n"),
        ("two numbers in one header", GATEWAY, from(&format!("{ALICE}, {CAROL}"))),
        ("two headers that disagree", GATEWAY, from(ALICE) + &other),
        ("a number that is none", GATEWAY, from("alice")),
        ("an e-mail address", GATEWAY, from("alice@mms.example")),
        ("a header that is not configured", GATEWAY, format!("X-Nokia-MSISDN: {ALICE}\r\n")),
        ("a name with an underscore", GATEWAY, format!("X_MSISDN: {ALICE}\r\n")),
    ];
    for (index, (what, source, lines)) in cases.iter().enumerate() {
        let body = submission(&format!("T{index}"), &[BOB.as_bytes()]);
        let mut wire = Wire::open_from(*source, &mm1).await;
        let answer = wire.ask(&post(lines, &body)).await;
        story.tell(format!("{what}: {answer}"));
        if index < 2 {
            let (push, notification) = rig.notification().await;
            story.tell(format!("  {} is notified: from {:?}", push.to, notification.from));
        }
    }
    let mut wire = Wire::open_from(STRANGER, &mm1).await;
    let answer = wire.ask(&get(&from(BOB), "/AAAAAAAAAAAAAAAAAAAAAA")).await;
    story.tell(format!("a stranger fetches as bob: {answer}"));
    rig.stop().await;
}
