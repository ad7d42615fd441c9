//! A client that writes octets as they are, and says in words what it gets.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use mmsc_wire::mms::{self, Limits, Pdu};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use crate::rig::LIMIT;

/// A connection to MM1.
pub struct Wire {
    stream: TcpStream,
    /// Octets that came beyond the last answer.
    ahead: Vec<u8>,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    /// By lower-case name.
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

impl Wire {
    pub async fn open(address: &str) -> Self {
        Self::open_from(Ipv4Addr::LOCALHOST, address).await
    }

    /// From an address of this machine's loopback network.
    pub async fn open_from(source: Ipv4Addr, address: &str) -> Self {
        Self::connect(TcpSocket::new_v4().unwrap(), source, address).await
    }

    /// With a receive buffer as small as the system lets it be.
    pub async fn open_narrow(address: &str) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        Self::connect(socket, Ipv4Addr::LOCALHOST, address).await
    }

    async fn connect(socket: TcpSocket, source: Ipv4Addr, address: &str) -> Self {
        socket.bind(SocketAddr::new(IpAddr::V4(source), 0)).unwrap();
        let connecting = socket.connect(address.parse().unwrap());
        let stream = timeout(LIMIT, connecting).await.expect("connects").unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            stream,
            ahead: Vec::new(),
        }
    }

    /// Writes octets; whether the peer took them. One that has closed is no failure here.
    pub async fn send(&mut self, octets: &[u8]) -> bool {
        let sent = timeout(LIMIT, self.stream.write_all(octets)).await;
        sent.expect("the node neither reads nor closes").is_ok()
    }

    /// Whether something came, or the end.
    pub fn has_spoken(&mut self) -> bool {
        let mut octets = [0; 1024];
        match self.stream.try_read(&mut octets) {
            Ok(read) => {
                self.ahead.extend_from_slice(&octets[..read]);
                true
            }
            Err(error) => error.kind() != std::io::ErrorKind::WouldBlock,
        }
    }

    /// The next answer; none if the peer closes (or resets) instead.
    pub async fn answer(&mut self) -> Option<Answer> {
        timeout(LIMIT, self.read_answer()).await.expect("an answer or an end")
    }

    async fn read_answer(&mut self) -> Option<Answer> {
        let end = loop {
            let end = self.ahead.windows(4).position(|octets| octets == b"\r\n\r\n");
            if let Some(end) = end {
                break end + 4;
            }
            self.read_more().await?;
        };
        let head = String::from_utf8(self.ahead.drain(..end).collect()).unwrap();
        let (line, rest) = head.split_once("\r\n").unwrap();
        let headers = rest.lines().filter_map(|line| line.split_once(": "));
        let headers: BTreeMap<_, _> = headers
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let length = headers.get("content-length").map_or("0", String::as_str);
        let length: usize = length.parse().unwrap();
        while self.ahead.len() < length {
            self.read_more().await?;
        }
        Some(Answer {
            status: line.split(' ').nth(1).unwrap().parse().unwrap(),
            headers,
            body: self.ahead.drain(..length).collect(),
        })
    }

    async fn read_more(&mut self) -> Option<()> {
        let read = self.stream.read_buf(&mut self.ahead).await.unwrap_or(0);
        (read > 0).then_some(())
    }

    /// Answers until the peer closes: what it said, and that it closed.
    pub async fn until_closed(&mut self) -> String {
        let mut told = Vec::new();
        while let Some(answer) = self.answer().await {
            told.push(answer.to_string());
        }
        told.push("closed".to_owned());
        told.join(", ")
    }

    /// Sends and takes one answer.
    pub async fn ask(&mut self, request: &[u8]) -> Answer {
        self.send(request).await;
        self.answer().await.expect("an answer")
    }
}

/// One request on a connection of its own.
pub async fn ask(address: &str, request: &[u8]) -> Answer {
    Wire::open(address).await.ask(request).await
}

impl Answer {
    /// The PDU that it carries.
    pub fn pdu(&self) -> Option<Pdu<'_>> {
        mms::decode(&self.body, &Limits::default()).ok()
    }
}

/// In words, without what varies.
impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.status)?;
        match self.pdu() {
            Some(Pdu::SendConf(conf)) => {
                write!(f, " m-send-conf {}", conf.response_status.name())?;
                if let Some(text) = &conf.response_text {
                    write!(f, " {:?}", text.to_str())?;
                }
            }
            Some(Pdu::RetrieveConf(conf)) => {
                let status = conf
                    .retrieve_status
                    .map_or("with the message", mms::RetrieveStatus::name);
                write!(f, " m-retrieve-conf {status}")?;
                if let Some(text) = &conf.retrieve_text {
                    write!(f, " {:?}", text.to_str())?;
                }
            }
            Some(pdu) => write!(f, " {}", pdu.message_type().name())?,
            None if self.body.is_empty() => write!(f, " empty")?,
            None => write!(f, " {:?}", String::from_utf8_lossy(&self.body))?,
        }
        if let Some(seconds) = self.headers.get("retry-after") {
            write!(f, " retry-after {seconds}")?;
        }
        if self.headers.get("connection").is_some_and(|value| value == "close") {
            write!(f, " connection: close")?;
        }
        Ok(())
    }
}
