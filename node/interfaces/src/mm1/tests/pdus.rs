//! What each PDU is answered with: served, refused, malformed (digest 11.2, 18, 19).

use std::time::Duration;

use mmsc_domain::command::{HandsetAnswer, TimeWish};
use mmsc_domain::mmbox::NotStored;
use mmsc_domain::why::Refusal;
use mmsc_domain::{MmId, ShardId, Token, UnixMillis};
use mmsc_wire::mms::{
    AcknowledgeInd, CancelConf, MboxViewReq, NotificationInd, NotifyRespInd, Pdu, ReplyCharging, ResponseStatus,
    SendReq, Sender, Status, StoreStatus, TimeValue, Version,
};

use super::fake::Script;
use super::*;
use crate::metrics::{Mm1Outcome, Mm1Request};

#[tokio::test]
async fn a_submission_is_confirmed_once_it_is_committed() {
    let bench = Bench::start().await;
    bench.fake.accepting().await;
    let reply = bench.post(&encode(send_req("T-1", Version::V1_2))).await;
    let conf = send_conf(&reply);
    assert_eq!(conf.response_status, ResponseStatus::Ok);
    assert_eq!(conf.transaction_id, "T-1".into());
    assert_eq!(conf.version, Version::V1_2);
    assert!(conf.message_id.unwrap().to_str().ends_with("@mms.example"));
    let submitted = bench.fake.submitted.lock().unwrap();
    let [(submit, octets)] = submitted.as_slice() else {
        panic!("{submitted:?}")
    };
    assert_eq!(submit.originator, alice());
    assert_eq!(octets, "hello");
    assert_eq!(bench.metrics.requests(Mm1Request::SendReq, Mm1Outcome::Ok), 1);
    assert_eq!(*bench.fake.seen.lock().unwrap(), [alice()]);
}

#[tokio::test]
async fn the_relays_no_is_told_in_the_clients_version() {
    let bench = Bench::start().await;
    let status = async |version| {
        let reply = bench.post(&encode(send_req("T", version))).await;
        send_conf(&reply).response_status
    };
    assert_eq!(status(Version::V1_2).await, ResponseStatus::TransientFailure);
    assert_eq!(status(Version::V1_0).await, ResponseStatus::Unspecified);
    *bench.fake.script.lock().await = Script::Refuse(Refusal::ServiceDenied);
    assert_eq!(status(Version::V1_1).await, ResponseStatus::PermanentServiceDenied);
    assert_eq!(status(Version::V1_0).await, ResponseStatus::ServiceDenied);
}

#[tokio::test]
async fn what_the_adapter_itself_refuses() {
    let bench = Bench::start().await;
    bench.fake.accepting().await;
    let nobody = SendReq {
        to: vec!["a@@b".into()],
        ..send_req("T", Version::V1_2)
    };
    let reply = bench.post(&encode(nobody)).await;
    assert_eq!(
        send_conf(&reply).response_status,
        ResponseStatus::PermanentAddressUnresolved
    );
    assert!(bench.fake.submitted.lock().unwrap().is_empty());
    let stored = SendReq {
        store: Some(true),
        to: vec!["+15550100002/TYPE=PLMN".into(), "a@@b".into()],
        ..send_req("T", Version::V1_2)
    };
    let reply = bench.post(&encode(stored)).await;
    let conf = send_conf(&reply);
    assert_eq!(conf.response_status, ResponseStatus::PartialSuccess);
    assert_eq!(conf.store_status, Some(StoreStatus::PermanentServiceDenied));
}

#[tokio::test]
async fn a_paid_reply_is_offered_and_claimed() {
    let bench = Bench::start().await;
    bench.fake.accepting().await;
    let original = MmId::mint(ShardId(1), UnixMillis(7), [3; 8]);
    let charged = SendReq {
        reply_charging: Some(ReplyCharging::RequestedTextOnly),
        reply_charging_deadline: Some(TimeValue::Relative(3600)),
        reply_charging_size: Some(mms::Size(1000)),
        reply_charging_id: Some(original.message_id("mms.example").into()),
        ..send_req("T", Version::V1_2)
    };
    assert_eq!(
        send_conf(&bench.post(&encode(charged)).await).response_status,
        ResponseStatus::Ok
    );
    let charging = bench.fake.submitted.lock().unwrap()[0].0.charging.clone();
    assert_eq!(charging.reply_to, Some(original));
    let offer = charging.offer.unwrap();
    assert!(offer.text_only);
    assert_eq!(
        (offer.deadline, offer.size),
        (Some(TimeWish::After(Duration::from_secs(3600))), Some(1000))
    );
    // A handset has nothing to accept on somebody's behalf.
    let odd = SendReq {
        reply_charging: Some(ReplyCharging::Accepted),
        ..send_req("T2", Version::V1_2)
    };
    bench.post(&encode(odd)).await;
    assert_eq!(bench.fake.submitted.lock().unwrap()[1].0.charging.offer, None);
    for (refusal, expected) in [
        (
            Refusal::ReplyChargingNotSupported,
            ResponseStatus::ReplyChargingNotSupported,
        ),
        (
            Refusal::ReplyLimitsNotMet,
            ResponseStatus::ReplyChargingLimitationsNotMet,
        ),
    ] {
        *bench.fake.script.lock().await = Script::Refuse(refusal);
        let reply = bench.post(&encode(send_req("T3", Version::V1_2))).await;
        assert_eq!(send_conf(&reply).response_status, expected);
    }
}

#[tokio::test]
async fn from_is_only_a_hint() {
    let foreign = || SendReq {
        from: Sender::Address("+15550100666/TYPE=PLMN".into()),
        ..send_req("T", Version::V1_2)
    };
    let bench = Bench::start().await;
    bench.fake.accepting().await;
    let reply = bench.post(&encode(foreign())).await;
    assert_eq!(send_conf(&reply).response_status, ResponseStatus::Ok);
    assert_eq!(bench.fake.submitted.lock().unwrap()[0].0.originator, alice());
    let strict = Mm1Config {
        foreign_from: ForeignFrom::Refuse,
        ..config()
    };
    let bench = Bench::with(strict).await;
    bench.fake.accepting().await;
    let reply = bench.post(&encode(foreign())).await;
    assert_eq!(
        send_conf(&reply).response_status,
        ResponseStatus::PermanentServiceDenied
    );
    let own = SendReq {
        from: Sender::Address("+1 (555) 010-0001".into()),
        ..send_req("T", Version::V1_2)
    };
    let reply = bench.post(&encode(own)).await;
    assert_eq!(send_conf(&reply).response_status, ResponseStatus::Ok);
}

#[tokio::test]
async fn nobody_submits_without_an_identity() {
    let bench = Bench::start().await;
    bench.fake.accepting().await;
    let body = encode(send_req("T", Version::V1_2));
    let heads = [
        "",
        "X-MSISDN: +15550100001\r\nX-MSISDN: +15550100002\r\n",
        "X-MSISDN: +15550100001\r\nX-WAP-Network-Client-MSISDN: +15550100002\r\n",
        "X-MSISDN: nobody at all\r\n",
    ];
    for head in heads {
        let reply = bench
            .request(&format!("POST / HTTP/1.1\r\nHost: m\r\n{head}"), &body)
            .await;
        assert_eq!(
            send_conf(&reply).response_status,
            ResponseStatus::PermanentServiceDenied,
            "{head}"
        );
    }
    // A source that is no gateway may claim what it likes.
    let mut untrusting = config();
    untrusting.identity.clear();
    let bench = Bench::with(untrusting.trusting(vec!["192.0.2.0/24".parse().unwrap()])).await;
    bench.fake.accepting().await;
    let reply = bench.post(&body).await;
    assert_eq!(
        send_conf(&reply).response_status,
        ResponseStatus::PermanentServiceDenied
    );
    assert!(bench.fake.submitted.lock().unwrap().is_empty());
    assert!(bench.fake.seen.lock().unwrap().is_empty());
}

fn answers(transaction_id: &str) -> Vec<(Vec<u8>, Option<HandsetAnswer>)> {
    let response = |status, report_allowed| {
        encode(NotifyRespInd {
            transaction_id: transaction_id.to_owned().into(),
            version: Version::V1_1,
            status,
            report_allowed,
        })
    };
    let acknowledge = encode(AcknowledgeInd {
        transaction_id: transaction_id.to_owned().into(),
        version: Version::V1_1,
        report_allowed: Some(false),
    });
    let cancelled = encode(CancelConf {
        transaction_id: transaction_id.to_owned().into(),
        version: Version::V1_3,
        ..CancelConf::default()
    });
    let allowed = true;
    vec![
        (cancelled, Some(HandsetAnswer::CancelAnswered)),
        (
            response(Status::Retrieved, None),
            Some(HandsetAnswer::Retrieved {
                report_allowed: allowed,
            }),
        ),
        (
            response(Status::Deferred, Some(false)),
            Some(HandsetAnswer::Deferred { report_allowed: false }),
        ),
        (
            response(Status::Rejected, Some(true)),
            Some(HandsetAnswer::Rejected {
                report_allowed: allowed,
            }),
        ),
        (response(Status::Unrecognised, None), Some(HandsetAnswer::Unrecognised)),
        (response(Status::Expired, None), None),
        (acknowledge, Some(HandsetAnswer::Retrieved { report_allowed: false })),
    ]
}

#[tokio::test]
async fn words_of_a_handset_reach_the_copy() {
    let bench = Bench::start().await;
    let token = Token([5; 16]);
    for (octets, said) in answers(&token.to_string()) {
        let reply = bench.post(&octets).await;
        assert_eq!((reply.status, reply.body.len()), (200, 0));
        assert_eq!(reply.header("content-length"), Some("0"));
        let expected: Vec<_> = said.map(|answer| (token, Some(alice()), answer)).into_iter().collect();
        assert_eq!(std::mem::take(&mut *bench.fake.said.lock().unwrap()), expected);
    }
    *bench.fake.handset_busy.lock().unwrap() = true;
    let (octets, _) = answers(&token.to_string()).remove(1);
    let reply = bench.post(&octets).await;
    assert_eq!((reply.status, reply.header("retry-after")), (503, Some("5")));
}

#[tokio::test]
async fn words_with_foreign_ids_or_to_the_message_itself() {
    let bench = Bench::start().await;
    let (octets, _) = answers("not one of ours").remove(0);
    assert_eq!(bench.post(&octets).await.status, 200);
    assert!(bench.fake.said.lock().unwrap().is_empty());
    // Posted to the Content-Location, which names the copy as well.
    let token = Token([6; 16]);
    let head = format!("POST /{token} HTTP/1.1\r\nHost: m\r\n");
    assert_eq!(bench.request(&head, &octets).await.status, 200);
    let said = bench.fake.said.lock().unwrap();
    assert_eq!(said[0].0, token);
    assert_eq!(said[0].1, None);
}

#[tokio::test]
async fn without_identity_the_token_may_not_suffice() {
    let strict = Mm1Config {
        unidentified: Unidentified::Refuse,
        ..config()
    };
    let bench = Bench::with(strict).await;
    let (octets, _) = answers(&Token([5; 16]).to_string()).remove(0);
    let reply = bench.request("POST / HTTP/1.1\r\nHost: m\r\n", &octets).await;
    assert_eq!(reply.status, 403);
    assert!(bench.fake.said.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_service_that_is_not_offered_is_denied() {
    let bench = Bench::start().await;
    *bench.fake.box_says.lock().unwrap() = Some(NotStored::NotOffered);
    let view = MboxViewReq {
        transaction_id: "V".into(),
        version: Version::V1_2,
        ..MboxViewReq::default()
    };
    let reply = bench.post(&encode(view)).await;
    let Pdu::MboxViewConf(conf) = decode(&reply.body) else {
        panic!()
    };
    assert_eq!(conf.response_status, ResponseStatus::PermanentServiceDenied);
}

#[tokio::test]
async fn an_answer_to_no_cancellation_is_dropped() {
    let bench = Bench::start().await;
    let cancel = CancelConf {
        transaction_id: "C".into(),
        version: Version::V1_3,
        ..CancelConf::default()
    };
    let reply = bench.post(&encode(cancel)).await;
    assert_eq!((reply.status, reply.body.len()), (200, 0));
    assert_eq!(bench.metrics.requests(Mm1Request::CancelConf, Mm1Outcome::Dropped), 1);
}

#[tokio::test]
async fn what_only_a_relay_sends_is_unsupported() {
    let bench = Bench::start().await;
    let notification = NotificationInd {
        transaction_id: "N".into(),
        version: Version::V1_0,
        content_location: "http://m/1".into(),
        ..NotificationInd::default()
    };
    let reply = bench.post(&encode(notification)).await;
    let conf = send_conf(&reply);
    assert_eq!(conf.response_status, ResponseStatus::UnsupportedMessage);
    assert_eq!((conf.transaction_id, conf.version), ("N".into(), Version::V1_0));
    // m-delivery-ind has no transaction id to answer to.
    let delivery = b"\x8c\x86\x8d\x92\x8ba1@m\0\x97+1/TYPE=PLMN\0\x85\x04\x65\x92\x00\x80\x95\x81";
    assert_eq!(bench.post(delivery).await.status, 400);
}

/// Digest 19: octets, and the status of the m-send-conf or of HTTP.
#[tokio::test]
async fn malformed_input_gets_the_right_answer() {
    use ResponseStatus as S;
    let bench = Bench::start().await;
    bench.fake.accepting().await;
    let tail = b"\x97+15550100002/TYPE=PLMN\0\x84\xa3\x00";
    let with = |head: &[u8], tail: &[u8]| [head, tail].concat();
    let normal = b"\x8c\x80\x98T\0\x8d\x92\x89\x01\x81";
    let cases: Vec<(&str, Vec<u8>, Result<S, u16>)> = vec![
        ("normal", with(normal, tail), Ok(S::Ok)),
        ("no From", with(b"\x8c\x80\x98T\0\x8d\x92", tail), Ok(S::Ok)),
        (
            "From as bare text",
            with(b"\x8c\x80\x98T\0\x8d\x92\x89+1555/TYPE=PLMN\0", tail),
            Ok(S::Ok),
        ),
        (
            "Date of length 0",
            with(b"\x8c\x80\x98T\0\x8d\x92\x85\x00\x89\x01\x81", tail),
            Ok(S::Ok),
        ),
        ("missing version", with(b"\x8c\x80\x98T\0\x89\x01\x81", tail), Ok(S::Ok)),
        (
            "higher minor",
            with(b"\x8c\x80\x98T\0\x8d\x99\x89\x01\x81", tail),
            Ok(S::Ok),
        ),
        (
            "unknown field",
            with(b"\x8c\x80\x98T\0\x8d\x92\xf0\x02ab\x89\x01\x81", tail),
            Ok(S::Ok),
        ),
        (
            "textual field",
            with(b"\x8c\x80\x98T\0\x8d\x92X-a\0b\0\x89\x01\x81", tail),
            Ok(S::Ok),
        ),
        (
            "version 2.0",
            with(b"\x8c\x80\x98T\0\x8d\xa0\x89\x01\x81", tail),
            Ok(S::UnsupportedMessage),
        ),
        (
            "version 0.1",
            with(b"\x8c\x80\x98T\0\x8d\x81\x89\x01\x81", tail),
            Ok(S::UnsupportedMessage),
        ),
        (
            "reserved type",
            b"\x8c\xb0\x98T\0\x8d\x92".to_vec(),
            Ok(S::UnsupportedMessage),
        ),
        ("reserved type without id", b"\x8c\xb0\x8d\x92".to_vec(), Err(400)),
        (
            "no transaction id",
            with(b"\x8c\x80\x8d\x92\x89\x01\x81", tail),
            Err(400),
        ),
        (
            "no recipient",
            with(normal, b"\x84\xa3\x00"),
            Ok(S::PermanentFormatCorrupt),
        ),
        (
            "no content type",
            with(normal, b"\x97+1555010/TYPE=PLMN\0"),
            Ok(S::PermanentFormatCorrupt),
        ),
        (
            "part past the end",
            with(normal, b"\x97+15550100002\0\x84\xa3\x01\x01\x7f\x83"),
            Ok(S::PermanentFormatCorrupt),
        ),
        (
            "length past the end",
            with(normal, b"\x96\x1e\xea"),
            Ok(S::PermanentFormatCorrupt),
        ),
        (
            "unterminated text",
            with(normal, b"\x97+1555"),
            Ok(S::PermanentFormatCorrupt),
        ),
        (
            "1.0 client",
            with(b"\x8c\x80\x98T\0\x8d\x90\x89\x01\x81", b"\x84\xa3\x00"),
            Ok(S::FormatCorrupt),
        ),
        ("html", b"<html><body>no</body></html>".to_vec(), Err(400)),
        ("text", b"hello".to_vec(), Err(400)),
        ("one octet", b"\x8c".to_vec(), Err(400)),
        ("type only", b"\x8c\x80".to_vec(), Err(400)),
        ("bad notifyresp", b"\x8c\x83\x98T\0\x8d\x92".to_vec(), Err(400)),
    ];
    for (name, octets, expected) in cases {
        let reply = bench.post(&octets).await;
        match expected {
            Ok(status) => {
                let conf = send_conf(&reply);
                assert_eq!(
                    (conf.response_status, conf.transaction_id),
                    (status, "T".into()),
                    "{name}"
                );
            }
            Err(status) => assert_eq!(reply.status, status, "{name}"),
        }
    }
    assert_eq!(bench.post(b"").await.status, 400);
}

/// No prefix and no changed octet of a PDU leaves the client without an answer.
#[tokio::test]
async fn every_prefix_and_change_is_answered() {
    let bench = Bench::start().await;
    let octets = encode(send_req("T-1", Version::V1_2));
    let mut stream = bench.connect().await;
    let head = format!("POST / HTTP/1.1\r\nHost: m\r\n{ALICE}");
    let prefixes = (0..octets.len()).map(|end| octets[..end].to_vec());
    let changes = (0..octets.len()).map(|at| {
        let mut changed = octets.clone();
        changed[at] ^= 0x80;
        changed
    });
    for octets in prefixes.chain(changes) {
        send(&mut stream, &head, &octets).await;
        let reply = read_reply(&mut stream, false).await.unwrap();
        assert!(matches!(reply.status, 200 | 400), "{octets:?}: {}", reply.head);
    }
}

/// Captured and synthetic PDUs, posted as they are.
#[tokio::test]
async fn every_vector_is_answered() {
    let mut roomy = config();
    roomy.limits.max_pdu_octets = 1024 * 1024;
    let bench = Bench::with(roomy).await;
    bench.fake.accepting().await;
    for folder in [".", "synthetic"] {
        for (name, octets) in crate::testing::vectors(folder) {
            let reply = bench.post(&octets).await;
            if name.starts_with("send-req") {
                let status = send_conf(&reply).response_status;
                assert_eq!(status, ResponseStatus::Ok, "{name}");
            }
            assert!(matches!(reply.status, 200 | 400), "{name}: {}", reply.head);
        }
    }
}
