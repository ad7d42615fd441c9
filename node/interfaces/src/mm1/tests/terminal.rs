//! What requests say about their handsets comes to the relay now and then.

use mmsc_domain::Token;
use mmsc_domain::terminal::Sighting;

use super::*;

const PHONE: &str = "User-Agent: Phone-X/1.0\r\nX-Wap-Profile: \"http://uaprof.example.test/x.xml\"\r\n";

fn phone(mms_version: Option<u8>) -> Sighting {
    Sighting {
        user_agent: Some("Phone-X/1.0".to_owned()),
        profile_urls: vec!["http://uaprof.example.test/x.xml".to_owned()],
        profile_diff: None,
        mms_version,
    }
}

#[tokio::test]
async fn a_handset_is_looked_at_once_by_what_it_fetches_and_once_by_what_it_says() {
    let bench = Bench::start().await;
    bench.fake.accepting().await;
    let get = format!("GET /{} HTTP/1.1\r\nHost: m\r\n{ALICE}{PHONE}", Token([1; 16]));
    let post = format!("POST / HTTP/1.1\r\nHost: m\r\n{ALICE}{PHONE}");
    for number in ["1", "2"] {
        bench.request(&get, b"").await;
        let pdu = encode(send_req(number, Version::V1_1));
        send_conf(&bench.request(&post, &pdu).await);
    }
    let expected = [(alice(), phone(None)), (alice(), phone(Some(0x91)))];
    assert_eq!(*bench.fake.sighted.lock().unwrap(), expected);
}

#[tokio::test]
async fn whoever_is_not_identified_is_not_looked_at() {
    let bench = Bench::start().await;
    let pdu = encode(send_req("1", Version::V1_1));
    let post = format!("POST / HTTP/1.1\r\nHost: m\r\n{PHONE}");
    bench.request(&post, &pdu).await;
    assert!(bench.fake.sighted.lock().unwrap().is_empty());
}
