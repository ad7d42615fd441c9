use std::sync::atomic::Ordering;

use mmsc_wire::pap::{
    Code, Dialect, Limits, Message, MessageState, Part, PushMessage, Related, ResultNotificationResponse, decode,
    encode,
};
use mmsc_wire::push;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;

const PDU: &[u8] = b"\x8c\x82\x98T1\0\x8d\x90\x8a\x80\x8e\x01\x7b\x88\x03\x81\x01\x3c\x83http://m/t\0";

fn any() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

async fn post(ports: &Ports, ppg: &Ppg, push_id: &str, address: &str, pdu: &[u8]) -> Option<(u16, Vec<u8>)> {
    let push = PushMessage {
        push_id: push_id.into(),
        address: address.into(),
        ..PushMessage::default()
    };
    let (mut control, mut body) = (Vec::new(), Vec::new());
    encode(&Message::Push(push), Dialect::V2_0, &mut control).unwrap();
    let content_type = Related {
        control: &control,
        content: Part {
            content_type: "application/vnd.wap.mms-message",
            application_id: None,
            octets: pdu,
        },
    }
    .encode(&mut body);
    let head = format!(
        "POST /wappush HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let mut stream = ports.net.connect(&ppg.address().to_string()).await.unwrap();
    stream.write_all(&[head.as_bytes(), &body].concat()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.ok()?;
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n")?;
    let status = String::from_utf8_lossy(&answer[9..12]).parse().unwrap();
    Some((status, answer[end + 4..].to_vec()))
}

fn code(answer: Option<(u16, Vec<u8>)>) -> u16 {
    let (status, body) = answer.unwrap();
    assert_eq!(status, 202);
    match decode(&body, &Limits::default()).unwrap() {
        Message::PushResponse(response) => response.result.unwrap().code.0,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn pushes_are_taken_as_pdus_or_as_wsp_and_treated_as_planned() {
    let ports = Ports::real();
    let (ppg, mut pushes) = Ppg::start(&ports, any(), PpgSettings::default()).await.unwrap();
    let to = "WAPPUSH=+15550100002/TYPE=PLMN@ppg";
    assert_eq!(code(post(&ports, &ppg, "1", to, PDU).await), 1001);
    let mut wsp = Vec::new();
    push::encode(&push::Push::mms(1, PDU), &mut wsp).unwrap();
    assert_eq!(code(post(&ports, &ppg, "2", "WAPPUSH=15550100002", &wsp).await), 1001);
    for _ in 0..2 {
        let push = pushes.recv().await.unwrap();
        assert_eq!((push.to.as_str(), push.pdu.as_slice()), ("15550100002", PDU));
        assert!(matches!(push.told, Ok(Told::Notification(_))), "{:?}", push.told);
    }
    assert_eq!(code(post(&ports, &ppg, "1", to, PDU).await), 2007);
    assert_eq!(code(post(&ports, &ppg, "3", "nobody", PDU).await), 2002);
    ppg.treat_next([
        Treatment::Refuse(Code::SERVICE_FAILURE),
        Treatment::Status(503),
        Treatment::Close,
        Treatment::LoseAnswer,
    ]);
    assert_eq!(code(post(&ports, &ppg, "4", to, PDU).await), 4000);
    assert_eq!(
        post(&ports, &ppg, "4", to, PDU).await.map(|(status, _)| status),
        Some(503)
    );
    assert_eq!(post(&ports, &ppg, "4", to, PDU).await, None);
    assert!(pushes.try_recv().is_err());
    assert_eq!(post(&ports, &ppg, "4", to, PDU).await, None);
    assert_eq!(pushes.recv().await.unwrap().push_id, "4");
    ppg.treat_number("15550100002", Some(Treatment::Refuse(Code::ADDRESS_NOT_FOUND)));
    assert_eq!(code(post(&ports, &ppg, "5", to, PDU).await), 2003);
    assert_eq!(ppg.counts().accepted.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn reports_are_posted_and_their_answers_read() {
    let ports = Ports::real();
    let (ppg, _pushes) = Ppg::start(&ports, any(), PpgSettings::default()).await.unwrap();
    let listener = ports.net.listen(any()).await.unwrap();
    let push = PpgPush {
        at: Duration::ZERO,
        push_id: "7".into(),
        to: "1".into(),
        address: "WAPPUSH=1".into(),
        notify_to: Some(format!("http://{}/pap", listener.local_addr().unwrap())),
        source_reference: None,
        pdu: Vec::new(),
        told: Err("none".into()),
    };
    let answering = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"</pap>\n") {
            assert_ne!(stream.read_buf(&mut request).await.unwrap(), 0);
        }
        assert!(request.starts_with(b"POST /pap HTTP/1.1\r\n"));
        let mut body = Vec::new();
        let response = ResultNotificationResponse {
            push_id: "7".into(),
            code: Code::OK,
        };
        encode(&Message::ResultResponse(response), Dialect::V2_0, &mut body).unwrap();
        let head = format!("HTTP/1.1 202 Accepted\r\nContent-Length: {}\r\n\r\n", body.len());
        stream.write_all(&[head.as_bytes(), &body].concat()).await.unwrap();
        String::from_utf8(request).unwrap()
    };
    let (reported, request) = tokio::join!(ppg.report(&push, MessageState::Expired), answering);
    assert!(request.contains("message-state=\"expired\""), "{request}");
    let expected = Reported {
        status: 202,
        code: Some(Code::OK),
    };
    assert_eq!(reported.unwrap(), expected);
}
