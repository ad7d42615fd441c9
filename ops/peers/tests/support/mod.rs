//! A relay of a hundred lines, right or wrong on purpose: it keeps messages in memory, notifies through the SMSC, serves
//! the content and reports. What the ledger makes of its faults shows that the ledger can see them.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use mmsc_wire::mms::{
    self, Date, DeliveryInd, Limits, NotificationInd, Pdu, ResponseStatus, RetrieveConf, SendConf, Size, Status,
    TimeValue, Version,
};
use mmsc_wire::push::Push as WspPush;
use mmsc_wire::push::segment::Reference;
use mmsc_wire::smpp::{self, Address, Bind, Body, MAX_LENGTH, PushSubmit, submit_push};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

/// What the relay does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    Nothing,
    /// One octet of the served content is another.
    Corrupts,
    /// Accepts and forgets.
    Loses,
    /// Tells twice, with the same ids.
    TellsTwice,
    /// Tells twice, with other ids.
    TellsUnderTwoIds,
    /// Repeats of a submission become messages of their own, and the first answer is refused for now.
    AcceptsTwice,
    /// Refuses everything for now.
    Busy,
}

struct Message {
    send: Bytes,
    from: String,
    to: String,
    id: String,
}

type Pushes = mpsc::Sender<(String, Vec<u8>)>;

struct State {
    fault: Fault,
    address: SocketAddr,
    messages: Mutex<HashMap<String, Message>>,
    pushes: Pushes,
}

/// Starts it; gives the address of its MM1.
pub async fn start(fault: Fault, smsc: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (pushes, outward) = mpsc::channel(64);
    let state = Arc::new(State {
        fault,
        address,
        messages: Mutex::default(),
        pushes,
    });
    let runtime = tokio::runtime::Handle::current();
    runtime.spawn(push_all(smsc, outward));
    runtime.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let state = Arc::clone(&state);
            let service = service_fn(move |request| answer(Arc::clone(&state), request));
            let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            tokio::runtime::Handle::current().spawn(connection);
        }
    });
    address
}

async fn answer(state: Arc<State>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let who = request.headers().get("X-MSISDN").unwrap().to_str().unwrap().to_owned();
    let method = request.method().clone();
    let path = request.uri().path().trim_start_matches('/').to_owned();
    let body = request.into_body().collect().await.unwrap().to_bytes();
    let reply = match method {
        Method::GET => Some(state.serve(&path)),
        _ => match mms::decode(&body, &Limits::default()).unwrap() {
            Pdu::SendReq(request) => Some(state.submit(&request, &who, body.clone()).await),
            Pdu::NotifyRespInd(response) => {
                let token = response.transaction_id.to_str().into_owned();
                if response.status == Status::Retrieved {
                    state.report(&token).await;
                }
                None
            }
            Pdu::AcknowledgeInd(ind) => {
                state.report(&ind.transaction_id.to_str()).await;
                None
            }
            other => panic!("{other:?}"),
        },
    };
    Ok(Response::new(Full::new(reply.unwrap_or_default())))
}

impl State {
    async fn submit(&self, request: &mms::SendReq<'_>, from: &str, send: Bytes) -> Bytes {
        let tid = request.transaction_id.to_str().into_owned();
        let known = self.messages.lock().unwrap().len();
        let id = match self.fault {
            Fault::AcceptsTwice => format!("{tid}-{known}@stub"),
            _ => format!("{tid}@stub"),
        };
        let status = match self.fault {
            Fault::Busy => ResponseStatus::TransientFailure,
            _ => ResponseStatus::Ok,
        };
        let to = request.to[0].to_str().into_owned();
        if status == ResponseStatus::Ok && self.fault != Fault::Loses {
            let token = format!("{tid}-{known}");
            let message = Message {
                send: send.clone(),
                from: from.to_owned(),
                to: to.clone(),
                id: id.clone(),
            };
            self.messages.lock().unwrap().insert(token.clone(), message);
            self.notify(&to, &token, request).await;
            match self.fault {
                Fault::TellsTwice => self.notify(&to, &token, request).await,
                Fault::TellsUnderTwoIds => {
                    let message = Message {
                        send,
                        from: from.to_owned(),
                        to: to.clone(),
                        id: id.clone(),
                    };
                    self.messages.lock().unwrap().insert(format!("{token}b"), message);
                    self.notify(&to, &format!("{token}b"), request).await;
                }
                _ => {}
            }
        }
        encoded(SendConf {
            transaction_id: request.transaction_id.clone(),
            version: Version::V1_2,
            response_status: status,
            message_id: (status == ResponseStatus::Ok).then(|| id.as_str().into()),
            ..SendConf::default()
        })
    }

    async fn notify(&self, to: &str, token: &str, request: &mms::SendReq<'_>) {
        let ind = encoded(NotificationInd {
            transaction_id: token.into(),
            version: Version::V1_2,
            subject: request.subject.clone(),
            message_size: Size(1),
            expiry: TimeValue::Relative(60),
            content_location: format!("http://{}/{token}", self.address).into(),
            ..NotificationInd::default()
        });
        self.pushes.send((to.to_owned(), ind.to_vec())).await.unwrap();
    }

    fn serve(&self, token: &str) -> Bytes {
        let messages = self.messages.lock().unwrap();
        let message = &messages[token];
        let Pdu::SendReq(request) = mms::decode(&message.send, &Limits::default()).unwrap() else {
            panic!()
        };
        let conf = encoded(RetrieveConf {
            transaction_id: Some(token.into()),
            version: Version::V1_2,
            message_id: Some(message.id.as_str().into()),
            date: Date(1),
            content: request.content,
            ..RetrieveConf::default()
        });
        match self.fault {
            Fault::Corrupts => {
                let mut octets = conf.to_vec();
                let last = octets.len() - 1;
                octets[last] ^= 1;
                octets.into()
            }
            _ => conf,
        }
    }

    async fn report(&self, token: &str) {
        let (from, ind) = {
            let messages = self.messages.lock().unwrap();
            let message = &messages[token];
            let ind = encoded(DeliveryInd {
                version: Version::V1_2,
                message_id: message.id.as_str().into(),
                to: message.to.as_str().into(),
                date: Date(2),
                status: Status::Retrieved,
                ..DeliveryInd::default()
            });
            (message.from.clone(), ind)
        };
        self.pushes.send((from, ind.to_vec())).await.unwrap();
    }
}

fn encoded<'a>(pdu: impl Into<Pdu<'a>>) -> Bytes {
    let mut out = Vec::new();
    mms::encode(&pdu.into(), &mut out).unwrap();
    out.into()
}

/// One transceiver session that submits push after push and answers receipts.
async fn push_all(smsc: SocketAddr, mut pushes: mpsc::Receiver<(String, Vec<u8>)>) {
    let (mut reader, mut writer) = TcpStream::connect(smsc).await.unwrap().into_split();
    let mut out = Vec::new();
    let bind = Bind {
        system_id: "mmsc".into(),
        password: "secret".into(),
        interface_version: 0x34,
        ..Bind::default()
    };
    smpp::encode(&smpp::Pdu::request(1, Body::BindTransceiver(bind)), &mut out).unwrap();
    writer.write_all(&out).await.unwrap();
    let read = async move {
        let mut input = Vec::new();
        while reader.read_buf(&mut input).await.is_ok_and(|octets| octets > 0) {
            while let Some((_, used)) = smpp::split(&input, MAX_LENGTH).unwrap() {
                input.drain(..used);
            }
        }
    };
    tokio::runtime::Handle::current().spawn(read);
    let mut sequence = 1;
    while let Some((to, pdu)) = pushes.recv().await {
        let mut wsp = Vec::new();
        mmsc_wire::push::encode(&WspPush::mms(1, &pdu), &mut wsp).unwrap();
        let destination = Address::international(to.split('/').next().unwrap());
        let reference = Reference::Word(sequence as u16);
        let how = PushSubmit::new(Address::short_code("1"), destination, reference);
        for message in submit_push(&wsp, &how).unwrap() {
            sequence += 1;
            out.clear();
            smpp::encode(&smpp::Pdu::request(sequence, Body::SubmitSm(message)), &mut out).unwrap();
            writer.write_all(&out).await.unwrap();
        }
    }
}
