//! Requests and PDUs, octet by octet where an encoder would refuse to write them.

/// m-send-req, version 1.2, with a text of one line, to whatever `to` says.
pub fn submission(transaction: &str, to: &[&[u8]]) -> Vec<u8> {
    submission_with(transaction, to, b"hello")
}

pub fn submission_with(transaction: &str, to: &[&[u8]], content: &[u8]) -> Vec<u8> {
    let mut octets = vec![0x8C, 0x80, 0x98];
    octets.extend_from_slice(transaction.as_bytes());
    // X-Mms-MMS-Version 1.2, From: the relay inserts it.
    octets.extend_from_slice(&[0, 0x8D, 0x92, 0x89, 0x01, 0x81]);
    for address in to {
        octets.push(0x97);
        octets.extend_from_slice(address);
        octets.push(0);
    }
    // Content-Type text/plain.
    octets.extend_from_slice(&[0x84, 0x83]);
    octets.extend_from_slice(content);
    octets
}

/// A POST with these further header lines (each with its end), and the length of its body.
pub fn post(lines: &str, body: &[u8]) -> Vec<u8> {
    let length = format!("{lines}Content-Length: {}\r\n", body.len());
    post_framed(&length, body)
}

/// A POST with these header lines and nothing else that frames it.
pub fn post_framed(lines: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("POST / HTTP/1.1\r\nHost: m\r\nContent-Type: application/vnd.wap.mms-message\r\n{lines}\r\n");
    [head.as_bytes(), body].concat()
}

pub fn get(lines: &str, path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: m\r\n{lines}\r\n").into_bytes()
}

/// The line by which a gateway names a subscriber.
pub fn from(number: &str) -> String {
    format!("X-MSISDN: {number}\r\n")
}

/// The path of a Content-Location.
pub fn path(location: &str) -> &str {
    location.split_at(location.rfind('/').unwrap()).1
}
