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
#[derive(Clone, Copy)]
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

const SETS: [&str; 3] = [
    "smsc.main.address=127.0.0.1:1",
    "mmbox.offered=true",
    "mmbox.max_messages=3",
];

fn handsets(mm1: &str) -> (Handset<'_>, Handset<'_>) {
    let handset = |number| Handset { mm1, number };
    (handset(ALICE), handset(BOB))
}

/// The path of a location: after a restart the node has another port.
fn path(location: &str) -> String {
    location.rsplit('/').next().unwrap().to_owned()
}

fn sent(handset: Handset<'_>, pdu: SendReq<'_>) -> (ResponseStatus, Option<StoreStatus>, Option<String>) {
    let answer = handset.ask(pdu);
    let Pdu::SendConf(conf) = decode(&answer) else { panic!() };
    let location = conf.content_location.map(|it| it.to_str().into_owned());
    (conf.response_status, conf.store_status, location)
}

fn uploaded(handset: Handset<'_>) -> String {
    let mut descr = Vec::new();
    let draft = MboxDescr {
        content: Some(content()),
        ..MboxDescr::default()
    };
    mms::encode(&draft.into(), &mut descr).unwrap();
    let answer = handset.ask(MboxUploadReq {
        transaction_id: "U".into(),
        version: Version::V1_2,
        mm_state: None,
        mm_flags: Vec::new(),
        content: Content {
            media: MediaType::mms_message(),
            body: mms::Body::Single(&descr),
        },
    });
    let Pdu::MboxUploadConf(conf) = decode(&answer) else {
        panic!()
    };
    assert_eq!(conf.store_status, StoreStatus::Success);
    conf.content_location.unwrap().to_str().into_owned()
}

fn passed_on(handset: Handset<'_>, location: &str) -> (ResponseStatus, Option<StoreStatus>) {
    let answer = handset.ask(ForwardReq {
        transaction_id: "F".into(),
        version: Version::V1_2,
        to: vec![format!("{BOB}/TYPE=PLMN").into()],
        content_location: location.to_owned().into(),
        store: Some(true),
        ..ForwardReq::default()
    });
    let Pdu::ForwardConf(conf) = decode(&answer) else {
        panic!()
    };
    (conf.response_status, conf.store_status)
}

fn deleted(handset: Handset<'_>, locations: &[&str]) -> Vec<ResponseStatus> {
    let answer = handset.ask(MboxDeleteReq {
        transaction_id: "D".into(),
        version: Version::V1_2,
        content_locations: locations.iter().map(|it| (*it).to_owned().into()).collect(),
    });
    let Pdu::MboxDeleteConf(conf) = decode(&answer) else {
        panic!()
    };
    conf.response_statuses.iter().map(|it| it.status).collect()
}

#[test]
fn a_store_outlives_the_process() {
    let directory = tempfile::tempdir().unwrap();
    let node = Process::node(directory.path(), &SETS);
    let address = mm1(&node);
    let (alice, _) = handsets(&address);
    let (status, stored, kept) = sent(alice, send(true));
    assert_eq!((status, stored), (ResponseStatus::Ok, Some(StoreStatus::Success)));
    let (kept, draft) = (kept.unwrap(), uploaded(alice));
    node.signal("TERM");
    assert_eq!(node.end().0.code(), Some(0));

    let node = Process::node(directory.path(), &SETS);
    let address = mm1(&node);
    let (alice, bob) = handsets(&address);
    let list = alice.list().into_iter();
    let list: Vec<_> = list.map(|(at, state, octets)| (path(&at), state, octets)).collect();
    let held = Some(CONTENT.to_vec());
    let draft = (path(&draft), MmState::Draft, held.clone());
    assert_eq!(list, [draft, (path(&kept), MmState::Sent, held)]);
    let (_, _, again) = sent(alice, send(true));
    assert_eq!(path(&again.unwrap()), path(&kept), "a repeat names the same address");

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
}

#[test]
fn a_store_is_filled_sent_from_and_emptied() {
    let directory = tempfile::tempdir().unwrap();
    let node = Process::node(directory.path(), &SETS);
    let address = mm1(&node);
    let (alice, bob) = handsets(&address);
    let (_, _, kept) = sent(alice, send(true));
    let (kept, draft) = (kept.unwrap(), uploaded(alice));
    // The draft is sent out of the store; what it became is stored in the third and last place.
    let done = (ResponseStatus::Ok, Some(StoreStatus::Success));
    assert_eq!(passed_on(alice, &draft), done);
    let next = SendReq {
        transaction_id: "T2".into(),
        ..send(true)
    };
    let full = (ResponseStatus::Ok, Some(StoreStatus::MmboxFull), None);
    assert_eq!(sent(alice, next), full);
    let states: Vec<_> = alice.list().into_iter().map(|(_, state, _)| state).collect();
    assert_eq!(states, [MmState::Sent; 3]);

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
    assert_eq!(deleted(bob, &[&kept]), [ResponseStatus::PermanentServiceDenied]);
    assert_eq!(deleted(alice, &[&kept, &draft]), [ResponseStatus::Ok; 2]);
    assert_eq!(deleted(alice, &[&kept]), [ResponseStatus::PermanentNotFound]);
    assert_eq!(alice.list().len(), 1);
}
