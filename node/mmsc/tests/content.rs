//! What the real binary does with content that handsets would install.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod common;

use common::{Process, get, post};
use mmsc_wire::mms::{self, Content, Limits, Part, PartHead, Pdu, ResponseStatus, SendReq, Version};

const PROGRAM: &[u8] = b"\x7fELF\x02\x01\x01 and the rest";
const PICTURE: &[u8] = b"\xff\xd8\xff\xe0\0\x10JFIF";

fn send(mm1: &str, transaction_id: &'static str, version: Version, media: &'static str, data: &[u8]) -> ResponseStatus {
    let pdu = SendReq {
        transaction_id: transaction_id.into(),
        version,
        to: vec!["+15550100002/TYPE=PLMN".into()],
        content: Content::mixed(vec![Part {
            head: PartHead {
                media: media.into(),
                ..PartHead::default()
            },
            data,
        }]),
        ..SendReq::default()
    };
    let mut octets = Vec::new();
    mms::encode(&pdu.into(), &mut octets).unwrap();
    let (status, answer) = post(mm1, "+15550100001", &octets);
    assert_eq!(status, 200);
    let end = answer.windows(4).position(|octets| octets == b"\r\n\r\n").unwrap();
    match mms::decode(&answer[end + 4..], &Limits::default()).unwrap() {
        Pdu::SendConf(conf) => conf.response_status,
        other => panic!("{other:?}"),
    }
}

#[test]
fn programs_are_refused_by_type_and_by_octets_in_the_words_of_the_version() {
    let directory = tempfile::tempdir().unwrap();
    let sets = [
        "smsc.main.address=127.0.0.1:1",
        "content.refuse_types=installable,video/*",
    ];
    let node = Process::node(directory.path(), &sets);
    let ready = node.ready();
    let (mm1, ops) = (ready["mm1"].as_str().unwrap(), ready["ops"].as_str().unwrap());
    let permanent = ResponseStatus::PermanentContentNotAccepted;
    assert_eq!(send(mm1, "1", Version::V1_2, "image/jpeg", PROGRAM), permanent);
    assert_eq!(
        send(mm1, "2", Version::V1_0, "image/jpeg", PROGRAM),
        ResponseStatus::ContentNotAccepted
    );
    assert_eq!(
        send(mm1, "3", Version::V1_2, "Application/Java-Archive", PICTURE),
        permanent
    );
    assert_eq!(send(mm1, "4", Version::V1_2, "video/3gpp", PICTURE), permanent);
    assert_eq!(send(mm1, "5", Version::V1_2, "image/jpeg", PICTURE), ResponseStatus::Ok);
    let (_, metrics) = get(ops, "/metrics");
    for line in [
        "mmsc_relay_content_refused_total{reason=\"elf\"} 2",
        "mmsc_relay_content_refused_total{reason=\"media_type\"} 2",
    ] {
        assert!(metrics.contains(line), "{line}\n{metrics}");
    }
}

#[test]
fn the_same_content_again_and_again_is_a_service_that_is_denied() {
    let directory = tempfile::tempdir().unwrap();
    let sets = [
        "smsc.main.address=127.0.0.1:1",
        "fanout.action=refuse",
        "fanout.sender_submissions=2",
    ];
    let node = Process::node(directory.path(), &sets);
    let ready = node.ready();
    let (mm1, ops) = (ready["mm1"].as_str().unwrap(), ready["ops"].as_str().unwrap());
    for transaction_id in ["1", "2", "1"] {
        let status = send(mm1, transaction_id, Version::V1_2, "image/jpeg", PICTURE);
        assert_eq!(status, ResponseStatus::Ok, "{transaction_id}");
    }
    let status = send(mm1, "3", Version::V1_2, "image/jpeg", PICTURE);
    assert_eq!(status, ResponseStatus::PermanentServiceDenied);
    let other = send(mm1, "4", Version::V1_2, "image/jpeg", b"\xff\xd8\xff\xe0 another");
    assert_eq!(other, ResponseStatus::Ok);
    let (_, metrics) = get(ops, "/metrics");
    let line = "mmsc_relay_fan_out_total{reason=\"sender_submissions\"} 1";
    assert!(metrics.contains(line), "{metrics}");
}
