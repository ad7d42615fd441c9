//! GET and HEAD of messages, and when one counts as served (digest 11.4).

use mmsc_domain::Token;
use mmsc_wire::mms::{Pdu, RetrieveConf, RetrieveStatus};

use super::*;
use crate::metrics::{Mm1Outcome, Mm1Request};

fn conf(reply: &Reply) -> RetrieveConf<'_> {
    assert_eq!(reply.status, 200, "{}", reply.head);
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    let Pdu::RetrieveConf(conf) = decode(&reply.body) else {
        panic!("not a m-retrieve-conf")
    };
    conf
}

fn get(token: Token) -> String {
    format!("GET /{token} HTTP/1.1\r\nHost: m\r\n{ALICE}")
}

#[tokio::test]
async fn a_message_is_served_whole() {
    let bench = Bench::start().await;
    let token = Token([1; 16]);
    let content = bench.fake.hold(token, 300_000);
    let reply = bench.request(&get(token), b"").await;
    let conf = conf(&reply);
    assert_eq!(
        reply.header("content-length"),
        Some(reply.body.len().to_string().as_str())
    );
    assert_eq!(conf.transaction_id, Some(token.to_string().into()));
    assert_eq!(conf.subject.as_ref().unwrap().to_str(), "Grüße");
    assert_eq!(conf.from.as_ref().unwrap().0.to_str(), "+15550100001/TYPE=PLMN");
    assert_eq!(conf.retrieve_status, None);
    let octets: Vec<u8> = conf
        .content
        .parts()
        .iter()
        .flat_map(|part| part.data)
        .copied()
        .collect();
    assert!(octets == content);
    assert_eq!(conf.content.root(), Some(0));
    assert_eq!(bench.fake.next_served().await, (token, true));
    assert_eq!(*bench.fake.fetched.lock().unwrap(), [(token, Some(alice()))]);
}

#[tokio::test]
async fn a_target_may_be_absolute_have_a_query_or_the_id_appended() {
    let bench = Bench::start().await;
    let token = Token([1; 16]);
    bench.fake.hold(token, 10);
    for target in [
        format!("http://mms.example/{token}"),
        format!("/{token}?a=b"),
        format!("/{token}{token}"),
        format!("/any/path/{token}"),
    ] {
        let reply = bench
            .request(&format!("GET {target} HTTP/1.1\r\nHost: m\r\n"), b"")
            .await;
        assert!(conf(&reply).message_id.is_some(), "{target}");
    }
    let reply = bench.request(&format!("GET /{token} HTTP/1.0\r\n"), b"").await;
    assert!(conf(&reply).message_id.is_some());
    // Without identity the token alone was shown.
    assert!(
        bench
            .fake
            .fetched
            .lock()
            .unwrap()
            .iter()
            .all(|(_, requester)| requester.is_none())
    );
}

#[tokio::test]
async fn head_is_get_without_octets_and_effect() {
    let bench = Bench::start().await;
    let token = Token([1; 16]);
    bench.fake.hold(token, 50_000);
    let whole = bench.request(&get(token), b"").await;
    assert_eq!(bench.fake.next_served().await, (token, true));
    let mut stream = bench.connect().await;
    send(&mut stream, &get(token).replace("GET", "HEAD"), b"").await;
    let head = read_reply(&mut stream, true).await.unwrap();
    assert_eq!(head.header("content-length"), whole.header("content-length"));
    assert_eq!(head.header("content-type"), whole.header("content-type"));
    // Nothing but the head came: the next answer on the connection starts right behind it.
    let missing = get(Token([2; 16])).replace("GET", "HEAD");
    send(&mut stream, &missing, b"").await;
    let head = read_reply(&mut stream, true).await.unwrap();
    assert_eq!(head.status, 200);
    assert_eq!(bench.metrics.requests(Mm1Request::RetrieveHead, Mm1Outcome::Gone), 1);
    assert!(bench.fake.served.lock().unwrap().is_empty());
}

#[tokio::test]
async fn what_is_not_there_is_said_in_mm1s_words() {
    let bench = Bench::start().await;
    let token = Token([1; 16]);
    let status = |reply: &Reply| {
        let conf = conf(reply);
        assert!(conf.content.media.media.is("text/plain"));
        conf.retrieve_status.unwrap()
    };
    for target in [token.to_string(), "no-token".to_owned()] {
        let reply = bench
            .request(&format!("GET /{target} HTTP/1.1\r\nHost: m\r\n"), b"")
            .await;
        assert_eq!(status(&reply), RetrieveStatus::PermanentNotFound);
    }
    *bench.fake.not_yet.lock().unwrap() = true;
    assert_eq!(
        status(&bench.request(&get(token), b"").await),
        RetrieveStatus::TransientNotFound
    );
    *bench.fake.fetch_busy.lock().unwrap() = true;
    let reply = bench.request(&get(token), b"").await;
    assert_eq!((reply.status, reply.header("retry-after")), (503, Some("5")));
    assert_eq!(bench.request("GET / HTTP/1.1\r\nHost: m\r\n", b"").await.status, 404);
}

#[tokio::test]
async fn who_may_retrieve() {
    let strict = Mm1Config {
        unidentified: Unidentified::Refuse,
        ..config()
    };
    let bench = Bench::with(strict).await;
    let token = Token([1; 16]);
    bench.fake.hold(token, 10);
    let anonymous = get(token).replace(ALICE, "");
    assert_eq!(bench.request(&anonymous, b"").await.status, 403);
    let doubtful = format!("{}X-WAP-Network-Client-MSISDN: +15550100002\r\n", get(token));
    assert_eq!(bench.request(&doubtful, b"").await.status, 403);
    assert!(bench.fake.fetched.lock().unwrap().is_empty());
    assert_eq!(bench.request(&get(token), b"").await.status, 200);
}

/// A client that goes away while octets are still to be sent has not been served.
#[tokio::test]
async fn a_broken_response_is_no_retrieval() {
    let bench = Bench::start().await;
    let token = Token([1; 16]);
    // More than the socket buffers of both sides hold.
    bench.fake.hold(token, 32 * 1024 * 1024);
    let mut stream = bench.connect().await;
    send(&mut stream, &get(token), b"").await;
    let mut first = [0; 1024];
    tokio::io::AsyncReadExt::read_exact(&mut stream, &mut first)
        .await
        .unwrap();
    drop(stream);
    assert_eq!(bench.fake.next_served().await, (token, false));
    assert_eq!(bench.metrics.broken_responses.value(), 1);
}

#[tokio::test]
async fn a_copy_that_was_final_before_changes_nothing() {
    let bench = Bench::start().await;
    let token = Token([1; 16]);
    bench.fake.hold(token, 10);
    bench.fake.messages.lock().unwrap().get_mut(&token).unwrap().0.repeated = true;
    let reply = bench.request(&get(token), b"").await;
    assert!(conf(&reply).message_id.is_some());
    // The next message's word comes first and alone.
    let other = Token([2; 16]);
    bench.fake.hold(other, 10);
    bench.request(&get(other), b"").await;
    assert_eq!(bench.fake.next_served().await, (other, true));
    assert!(bench.fake.served.lock().unwrap().is_empty());
}
