//! Passing on, deleting, read reports (digest 7.8, 7.10, 7.19).

use mmsc_domain::command::HandsetAnswer;
use mmsc_domain::inbox::ReadStatus;
use mmsc_domain::record::PreviouslySent;
use mmsc_domain::why::Refusal;
use mmsc_domain::{MmId, ShardId, Token, UnixMillis};
use mmsc_relay::{Busy, HandsetReply};
use mmsc_wire::mms::{
    DeleteConf, DeleteReq, ForwardConf, ForwardReq, Pdu, ReadRecInd, ReplyCharging, ResponseStatus, StoreStatus,
    Version,
};

use super::fake::Script;
use super::*;
use crate::metrics::{Mm1Outcome, Mm1Refusal, Mm1Request};

const HEAD: &str = "POST / HTTP/1.1\r\nHost: m\r\n";

fn forward_req(location: &str) -> ForwardReq<'static> {
    ForwardReq {
        transaction_id: "F-1".into(),
        version: Version::V1_2,
        to: vec!["+15550100003/TYPE=PLMN".into()],
        content_location: location.to_owned().into(),
        ..ForwardReq::default()
    }
}

fn forward_conf(reply: &Reply) -> ForwardConf<'_> {
    assert_eq!(reply.status, 200, "{}", reply.head);
    let Pdu::ForwardConf(conf) = decode(&reply.body) else {
        panic!("not a m-forward-conf")
    };
    assert_eq!(conf.transaction_id, "F-1".into());
    conf
}

fn delete_conf(reply: &Reply) -> DeleteConf<'_> {
    assert_eq!(reply.status, 200, "{}", reply.head);
    let Pdu::DeleteConf(conf) = decode(&reply.body) else {
        panic!("not a m-delete-conf")
    };
    conf
}

#[tokio::test]
async fn a_message_is_passed_on_by_its_location() {
    let bench = Bench::start().await;
    bench.fake.accepting().await;
    let token = Token([8; 16]);
    let wish = ForwardReq {
        report_allowed: Some(false),
        delivery_report: Some(true),
        store: Some(true),
        ..forward_req(&format!("http://mms.example/{token}?x=1"))
    };
    let reply = bench.post(&encode(wish)).await;
    let conf = forward_conf(&reply);
    assert_eq!(conf.response_status, ResponseStatus::Ok);
    assert!(conf.message_id.unwrap().to_str().ends_with("@mms.example"));
    assert_eq!(conf.store_status, Some(StoreStatus::PermanentServiceDenied));
    let forwarded = bench.fake.forwarded.lock().unwrap();
    let [wish] = forwarded.as_slice() else {
        panic!("{forwarded:?}")
    };
    assert_eq!((wish.token, wish.forwarder.clone()), (token, alice()));
    assert!(!wish.report_allowed && wish.delivery_report && !wish.read_report);
    assert_eq!(wish.duplicate.as_ref().unwrap().transaction_id, b"F-1");
    assert_eq!(bench.metrics.requests(Mm1Request::ForwardReq, Mm1Outcome::Ok), 1);
}

#[tokio::test]
async fn what_may_not_be_passed_on() {
    let bench = Bench::start().await;
    let token = Token([8; 16]).to_string();
    let status = async |wish: ForwardReq<'_>| forward_conf(&bench.post(&encode(wish)).await).response_status;
    assert_eq!(
        status(forward_req("http://m/none-of-ours")).await,
        ResponseStatus::PermanentNotFound
    );
    let nobody = ForwardReq {
        to: Vec::new(),
        ..forward_req(&token)
    };
    assert_eq!(status(nobody).await, ResponseStatus::PermanentFormatCorrupt);
    let charged = ForwardReq {
        reply_charging: Some(ReplyCharging::Requested),
        ..forward_req(&token)
    };
    assert_eq!(status(charged).await, ResponseStatus::ReplyChargingNotSupported);
    assert_eq!(status(forward_req(&token)).await, ResponseStatus::TransientFailure);
    for (refusal, expected) in [
        (Refusal::UnknownMessage, ResponseStatus::PermanentNotFound),
        (Refusal::MayNotBeForwarded, ResponseStatus::PermanentServiceDenied),
    ] {
        *bench.fake.script.lock().await = Script::Refuse(refusal);
        assert_eq!(status(forward_req(&token)).await, expected);
    }
    assert_eq!(bench.metrics.refusals(Mm1Refusal::UnknownMessage), 2);
    let reply = bench.request(HEAD, &encode(forward_req(&token))).await;
    assert_eq!(
        forward_conf(&reply).response_status,
        ResponseStatus::PermanentServiceDenied
    );
}

#[tokio::test]
async fn each_location_is_deleted_by_itself() {
    let bench = Bench::start().await;
    let tokens = [1, 2, 3, 4, 5].map(|octet| Token([octet; 16]));
    let replies = [
        HandsetReply::Done,
        HandsetReply::NotThere,
        HandsetReply::NotYours,
        HandsetReply::TooLate,
        HandsetReply::Busy(Busy::Store),
    ];
    bench
        .fake
        .replies
        .lock()
        .unwrap()
        .extend(tokens.into_iter().zip(replies));
    let mut locations: Vec<_> = tokens.iter().map(|token| format!("http://m/{token}").into()).collect();
    locations.push("http://m/none-of-ours".into());
    let delete = DeleteReq {
        transaction_id: "D".into(),
        version: Version::V1_3,
        content_locations: locations.clone(),
    };
    let octets = encode(delete);
    let reply = bench.post(&octets).await;
    let conf = delete_conf(&reply);
    let told: Vec<_> = conf
        .content_locations
        .iter()
        .map(|it| (it.count, it.location.clone()))
        .collect();
    assert_eq!(told, (0..).zip(locations).collect::<Vec<_>>());
    let statuses: Vec<_> = conf.response_statuses.iter().map(|it| (it.count, it.status)).collect();
    let expected = [
        ResponseStatus::Ok,
        ResponseStatus::PermanentNotFound,
        ResponseStatus::PermanentServiceDenied,
        ResponseStatus::PermanentNotFound,
        ResponseStatus::TransientNetworkProblem,
        ResponseStatus::PermanentNotFound,
    ];
    assert_eq!(statuses, (0..).zip(expected).collect::<Vec<_>>());
    assert!(conf.response_texts.is_empty());
    let said = bench.fake.said.lock().unwrap().clone();
    assert_eq!(said.len(), 5);
    assert!(
        said.iter()
            .all(|(_, who, what)| *who == Some(alice()) && *what == HandsetAnswer::Deleted)
    );
    // A location is an address, not a key: nobody deletes without being known.
    let reply = bench.request(HEAD, &octets).await;
    assert!(
        delete_conf(&reply)
            .response_statuses
            .iter()
            .all(|it| it.status == ResponseStatus::PermanentServiceDenied)
    );
    assert_eq!(bench.fake.said.lock().unwrap().len(), 5);
}

#[tokio::test]
async fn a_deletion_names_something_and_not_too_much() {
    let bench = Bench::start().await;
    for count in [101usize, 0] {
        let delete = DeleteReq {
            transaction_id: "D".into(),
            version: Version::V1_3,
            content_locations: vec![format!("http://m/{}", Token([1; 16])).into(); count],
        };
        let mut octets = Vec::new();
        if mmsc_wire::mms::encode(&delete.into(), &mut octets).is_err() {
            // The codec itself refuses an empty one; sent raw.
            octets = b"\x8c\x94\x98D\0\x8d\x93".to_vec();
        }
        let reply = bench.post(&octets).await;
        let conf = delete_conf(&reply);
        assert!(
            conf.response_statuses
                .iter()
                .all(|it| it.status == ResponseStatus::PermanentFormatCorrupt),
            "{count}"
        );
    }
    assert!(bench.fake.said.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_read_report_counts_from_whoever_the_network_names() {
    let bench = Bench::start().await;
    let mm = MmId::mint(ShardId(1), UnixMillis(7), [3; 8]);
    let report = |id: String| {
        encode(ReadRecInd {
            version: Version::V1_1,
            message_id: id.into(),
            to: "+15550100002/TYPE=PLMN".into(),
            date: Some(mmsc_wire::mms::Date(1_704_067_200)),
            ..ReadRecInd::default()
        })
    };
    let octets = report(format!("<{}>", mm.message_id("mms.example")));
    let reply = bench.post(&octets).await;
    assert_eq!((reply.status, reply.body.len()), (200, 0));
    assert_eq!(
        *bench.fake.read.lock().unwrap(),
        [(mm, alice(), ReadStatus::Read, Some(UnixMillis(1_704_067_200_000)))]
    );
    // A foreign id, and nobody: answered and dropped.
    assert_eq!(bench.post(&report("m@x".to_owned())).await.status, 200);
    assert_eq!(bench.request(HEAD, &octets).await.status, 200);
    assert_eq!(bench.fake.read.lock().unwrap().len(), 1);
    assert_eq!(bench.metrics.requests(Mm1Request::ReadRecInd, Mm1Outcome::Ok), 1);
    assert_eq!(bench.metrics.requests(Mm1Request::ReadRecInd, Mm1Outcome::Dropped), 2);
}

#[tokio::test]
async fn who_sent_it_before_is_shown_and_a_hidden_one_is_not() {
    let bench = Bench::start().await;
    let token = Token([1; 16]);
    bench.fake.hold(token, 10);
    if let Some((retrieval, _)) = bench.fake.messages.lock().unwrap().get_mut(&token) {
        retrieval.head.previously_sent = vec![
            PreviouslySent {
                by: None,
                at: UnixMillis(1_000_000),
            },
            PreviouslySent {
                by: Some(alice()),
                at: UnixMillis(2_000_000),
            },
        ];
    }
    let reply = bench
        .request(&format!("GET /{token} HTTP/1.1\r\nHost: m\r\n{ALICE}"), b"")
        .await;
    let Pdu::RetrieveConf(conf) = decode(&reply.body) else {
        panic!()
    };
    let by: Vec<_> = conf
        .previously_sent_by
        .iter()
        .map(|it| (it.count, it.address.to_str()))
        .collect();
    assert_eq!(by, [(2, "+15550100001/TYPE=PLMN".into())]);
    let dates: Vec<_> = conf
        .previously_sent_date
        .iter()
        .map(|it| (it.count, it.date.0))
        .collect();
    assert_eq!(dates, [(1, 1000), (2, 2000)]);
}
