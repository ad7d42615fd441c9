//! Recipients' addresses that mean harm or nothing: refused with the address named where it can be, never told twofold.

use crate::pdu::{from, post, submission};
use crate::rig::{ALICE, BOB, Rig};
use crate::story::Story;

/// Comes last.
const DAVE: &str = "+15550100004";

pub async fn run(story: &mut Story) {
    let mut rig = Rig::start(&[]).await;
    let mm1 = rig.mm1();
    let identity = from(ALICE);
    let digits = b"9".repeat(312);
    let long = b"9".repeat(313);
    let longer = b"9".repeat(50_000);
    let mail = [b"a".repeat(250).as_slice(), b"@mms.example"].concat();
    let cases: &[(&str, &[u8])] = &[
        ("empty", b""),
        ("blank", b" "),
        ("only a type", b"/TYPE=PLMN"),
        ("only a plus sign", b"+/TYPE=PLMN"),
        ("a line end", b"+15550100002\r\nX-A: b/TYPE=PLMN"),
        ("a line feed", b"+1555\n0100002/TYPE=PLMN"),
        ("a control character", b"+15550100002\x01/TYPE=PLMN"),
        ("a delete character", b"bob\x7f@mms.example"),
        ("a C1 control character", "+15550100002\u{85}/TYPE=PLMN".as_bytes()),
        ("no UTF-8", b"+1555\xff\xfe/TYPE=PLMN"),
        ("digits of another script", "+１５５５０１００００２/TYPE=PLMN".as_bytes()),
        ("a right-to-left override", "bob\u{202e}@mms.example".as_bytes()),
        ("two types", b"+15550100002/TYPE=PLMN/TYPE=IPv4"),
        ("an unknown type", b"+15550100002/TYPE=XYZ"),
        ("a type that does not fit", b"+15550100002/TYPE=IPv6"),
        ("two at signs", b"bob@a@mms.example"),
        ("two addresses in one", b"+15550100002,+15550100003/TYPE=PLMN"),
        ("a name around an address", b"Bob <+15550100003/TYPE=PLMN>"),
        ("a path", b"../../etc/passwd"),
        ("16 digits", b"+1555010000200000/TYPE=PLMN"),
        ("312 digits", &digits),
        ("313 digits", &long),
        ("50,000 digits", &longer),
        ("a long local part", &mail),
    ];
    for (index, (what, address)) in cases.iter().enumerate() {
        let body = submission(&format!("T{index}"), &[address]);
        let answer = crate::wire::ask(&mm1, &post(&identity, &body)).await;
        story.tell(format!("{what}: {answer}"));
    }
    // What is good beside a bad one is served, and the answer says that not all of it was.
    let body = submission("both", &[BOB.as_bytes(), b"+1\x01555"]);
    let answer = crate::wire::ask(&mm1, &post(&identity, &body)).await;
    story.tell(format!("bob beside a bad one: {answer}"));
    // The two that were accepted, and nobody else before somebody who is told after all of them.
    let mut told = vec![rig.notification().await.0.to, rig.notification().await.0.to];
    told.sort();
    rig.submitted(1, DAVE, 2_000).await;
    told.push(rig.notification().await.0.to);
    story.tell(format!("notified: {told:?}"));
    rig.stop().await;
}
