//! Network stores of the real binary, over HTTP: what is sent or uploaded is listed, fetched, passed on and deleted, also
//! after a restart.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod common;

use common::{Process, http, post};
use mmsc_wire::mms::{
    self, Attribute, Content, Field, ForwardReq, Limits, MboxDeleteReq, MboxDescr, MboxStoreReq, MboxUploadReq,
    MboxViewReq, MediaType, MmState, Part, PartHead, Pdu, ResponseStatus, SendReq, StoreStatus, Version,
};

const ALICE: &str = "+15550100001";
const BOB: &str = "+15550100002";
const CONTENT: &[u8] = b"what is kept";

/// A handset that asks a node.
struct Handset<'a> {
    mm1: &'a str,
    number: &'static str,
}

impl Handset<'_> {
    /// The body of the answer to a PDU.
    fn ask<'p>(&self, pdu: impl Into<Pdu<'p>>) -> Vec<u8> {
        let mut octets = Vec::new();
        mms::encode(&pdu.into(), &mut octets).unwrap();
        let (status, answer) = post(self.mm1, self.number, &octets);
        assert_eq!(status, 200);
        body(&answer).to_vec()
    }

    /// The body of the answer to a GET.
    fn fetch(&self, location: &str) -> Vec<u8> {
        let path = location.rsplit('/').next().unwrap();
        let request = format!(
            "GET /{path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-MSISDN: {}\r\n\r\n",
            self.number
        );
        let (status, answer) = http(self.mm1, request.as_bytes());
        assert_eq!(status, 200);
        body(&answer).to_vec()
    }

    /// Address, state and content of each stored message, newest first.
    fn list(&self) -> Vec<(String, MmState, Option<Vec<u8>>)> {
        let answer = self.ask(MboxViewReq {
            transaction_id: "V".into(),
            version: Version::V1_2,
            attributes: vec![Attribute(Field::CONTENT)],
            ..MboxViewReq::default()
        });
        let Pdu::MboxViewConf(conf) = decode(&answer) else {
            panic!()
        };
        assert_eq!(conf.response_status, ResponseStatus::Ok);
        let described = conf.content.descriptions().map(|octets| {
            let Pdu::MboxDescr(descr) = decode(octets) else {
                panic!()
            };
            let content = descr.content.map(|content| content.parts()[0].data.to_vec());
            let location = descr.content_location.unwrap().to_str().into_owned();
            (location, descr.mm_state.unwrap(), content)
        });
        described.collect()
    }
}

fn body(answer: &[u8]) -> &[u8] {
    let end = answer.windows(4).position(|octets| octets == b"\r\n\r\n").unwrap();
    &answer[end + 4..]
}

fn decode(octets: &[u8]) -> Pdu<'_> {
    mms::decode(octets, &Limits::default()).unwrap()
}

fn content() -> Content<'static> {
    Content::mixed(vec![Part {
        head: PartHead {
            media: "text/plain".into(),
            ..PartHead::default()
        },
        data: CONTENT,
    }])
}

fn send(store: bool) -> SendReq<'static> {
    SendReq {
        transaction_id: "T".into(),
        version: Version::V1_2,
        to: vec![format!("{BOB}/TYPE=PLMN").into()],
        store: Some(store),
        content: content(),
        ..SendReq::default()
    }
}

fn mm1(node: &Process) -> String {
    node.ready()["mm1"].as_str().unwrap().to_owned()
}

#[test]
fn a_store_is_filled_listed_fetched_and_emptied() {
    let directory = tempfile::tempdir().unwrap();
    let sets = [
        "smsc.main.address=127.0.0.1:1",
        "mmbox.offered=true",
        "mmbox.max_messages=3",
    ];
    let node = Process::node(directory.path(), &sets);
    let address = mm1(&node);
    let alice = Handset {
        mm1: &address,
        number: ALICE,
    };
    let sent = alice.ask(send(true));
    let Pdu::SendConf(conf) = decode(&sent) else { panic!() };
    assert_eq!(
        (conf.response_status, conf.store_status),
        (ResponseStatus::Ok, Some(StoreStatus::Success))
    );
    let kept = conf.content_location.unwrap().to_str().into_owned();
    let mut descr = Vec::new();
    let draft = MboxDescr {
        content: Some(content()),
        ..MboxDescr::default()
    };
    mms::encode(&draft.into(), &mut descr).unwrap();
    let uploaded = alice.ask(MboxUploadReq {
        transaction_id: "U".into(),
        version: Version::V1_2,
        mm_state: None,
        mm_flags: Vec::new(),
        content: Content {
            media: MediaType::mms_message(),
            body: mms::Body::Single(&descr),
        },
    });
    let Pdu::MboxUploadConf(conf) = decode(&uploaded) else {
        panic!()
    };
    assert_eq!(conf.store_status, StoreStatus::Success);
    let draft = conf.content_location.unwrap().to_str().into_owned();
    node.signal("TERM");
    assert_eq!(node.end().0.code(), Some(0));

    // After a restart everything is there, and the repeat of a submission names the same address.
    let node = Process::node(directory.path(), &sets);
    let address = mm1(&node);
    let (alice, bob) = (
        Handset {
            mm1: &address,
            number: ALICE,
        },
        Handset {
            mm1: &address,
            number: BOB,
        },
    );
    let path = |location: &str| location.rsplit('/').next().unwrap().to_owned();
    let list: Vec<_> = alice
        .list()
        .into_iter()
        .map(|(at, state, octets)| (path(&at), state, octets))
        .collect();
    let held = Some(CONTENT.to_vec());
    assert_eq!(
        list,
        [
            (path(&draft), MmState::Draft, held.clone()),
            (path(&kept), MmState::Sent, held)
        ]
    );
    let repeated = alice.ask(send(true));
    let Pdu::SendConf(conf) = decode(&repeated) else {
        panic!()
    };
    assert_eq!(path(&conf.content_location.unwrap().to_str()), path(&kept));

    let fetched = alice.fetch(&kept);
    let Pdu::RetrieveConf(conf) = decode(&fetched) else {
        panic!()
    };
    assert_eq!(conf.content.parts()[0].data, CONTENT);
    assert_eq!(conf.mm_state, Some(MmState::Sent));
    let foreign = bob.fetch(&kept);
    let Pdu::RetrieveConf(conf) = decode(&foreign) else {
        panic!()
    };
    assert_eq!(conf.retrieve_status, Some(mms::RetrieveStatus::PermanentNotFound));

    // The draft is sent out of the store; the copy of that is stored for the third and last place.
    let forwarded = alice.ask(ForwardReq {
        transaction_id: "F".into(),
        version: Version::V1_2,
        to: vec![format!("{BOB}/TYPE=PLMN").into()],
        content_location: draft.clone().into(),
        store: Some(true),
        ..ForwardReq::default()
    });
    let Pdu::ForwardConf(conf) = decode(&forwarded) else {
        panic!()
    };
    assert_eq!(
        (conf.response_status, conf.store_status),
        (ResponseStatus::Ok, Some(StoreStatus::Success))
    );
    let full = alice.ask(SendReq {
        transaction_id: "T2".into(),
        ..send(true)
    });
    let Pdu::SendConf(conf) = decode(&full) else { panic!() };
    assert_eq!(
        (conf.response_status, conf.store_status),
        (ResponseStatus::Ok, Some(StoreStatus::MmboxFull))
    );
    let states: Vec<_> = alice.list().into_iter().map(|(_, state, _)| state).collect();
    assert_eq!(states, [MmState::Sent, MmState::Sent, MmState::Sent]);

    let stored = bob.ask(MboxStoreReq {
        transaction_id: "S".into(),
        version: Version::V1_2,
        content_location: kept.clone().into(),
        ..MboxStoreReq::default()
    });
    let Pdu::MboxStoreConf(conf) = decode(&stored) else {
        panic!()
    };
    assert_eq!(
        conf.store_status,
        StoreStatus::PermanentServiceDenied,
        "somebody else's"
    );
    let delete = |locations: &[&String]| MboxDeleteReq {
        transaction_id: "D".into(),
        version: Version::V1_2,
        content_locations: locations.iter().map(|it| (*it).clone().into()).collect(),
    };
    let statuses = |answer: &[u8]| match decode(answer) {
        Pdu::MboxDeleteConf(conf) => conf.response_statuses.iter().map(|it| it.status).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    assert_eq!(
        statuses(&bob.ask(delete(&[&kept]))),
        [ResponseStatus::PermanentServiceDenied]
    );
    assert_eq!(
        statuses(&alice.ask(delete(&[&kept, &draft]))),
        [ResponseStatus::Ok, ResponseStatus::Ok]
    );
    assert_eq!(
        statuses(&alice.ask(delete(&[&kept]))),
        [ResponseStatus::PermanentNotFound]
    );
    assert_eq!(alice.list().len(), 1);
}
