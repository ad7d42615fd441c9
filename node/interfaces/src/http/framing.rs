//! Where an HTTP/1 request ends, read as strictly as its sender's other readers might not.
//!
//! Hyper takes some requests that a proxy in front of us may frame in another way: a length beside a transfer coding, a
//! length twice, codings beside `chunked`, line ends without CR. What one takes for a body the other takes for a further
//! request, with headers that nobody stripped. [`Framing`] follows the octets that come in before hyper does, and finds
//! the first one that leaves two readings (RFC 9112, 2.2, 5.1, 5.2, 6.1, 6.3, 7.1).

/// The opening of HTTP/2, which has frames of its own.
const HTTP2_OPENING: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const CONTENT_LENGTH: &[u8] = b"content-length";
const TRANSFER_ENCODING: &[u8] = b"transfer-encoding";
const CHUNKED: &[u8] = b"chunked";
/// Hexadecimal digits of a chunk's length: what 64 bits hold.
const CHUNK_DIGITS: u8 = 16;

/// Follows the requests of one connection.
#[derive(Debug)]
pub(super) struct Framing {
    at: At,
    /// How many octets of HTTP/2's opening have come, if all so far were of it.
    opening: Option<usize>,
    head: Head,
}

/// An octet that leaves two readings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ambiguous {
    /// Its place among the octets just looked at.
    pub(super) index: usize,
    /// Whether it stands in a head; else in a body or its trailer.
    pub(super) in_head: bool,
}

/// What frames the body of the request whose head is being read.
#[derive(Clone, Copy, Debug, Default)]
struct Head {
    length: Option<u64>,
    chunked: bool,
}

#[derive(Clone, Copy, Debug)]
enum At {
    /// Before a request line; empty lines are passed over.
    Start,
    RequestLine,
    /// At the start of a line of a head.
    Line,
    /// Behind so many octets of a name that may still become one of the two that frame.
    Name {
        octets: usize,
        length: bool,
        coding: bool,
    },
    /// In a value that frames nothing.
    Value,
    Length(Value),
    /// So many octets of `chunked` have come.
    Coding(Value),
    /// Behind a CR: its LF has to follow.
    Lf(After),
    /// So many octets of a body.
    Body(u64),
    ChunkLength {
        octets: u64,
        digits: u8,
    },
    /// Between a chunk's length and the end of its line: blanks or an extension.
    ChunkBlanks(u64),
    ChunkExtension(u64),
    Chunk(u64),
    /// Behind a chunk: its CR.
    ChunkEnd,
    TrailerLine,
    Trailer,
    /// HTTP/2.
    Other,
}

/// Where in a value that frames.
#[derive(Clone, Copy, Debug)]
enum Value {
    Before,
    Within { octets: usize, value: u64 },
    Behind { value: u64 },
}

/// What stands behind a line's end.
#[derive(Clone, Copy, Debug)]
enum After {
    Start,
    Line,
    Head,
    ChunkSize(u64),
    ChunkLength,
    TrailerLine,
    Request,
}

impl At {
    fn is_in_head(self) -> bool {
        match self {
            Self::Start | Self::RequestLine | Self::Line | Self::Name { .. } | Self::Value => true,
            Self::Length(_) | Self::Coding(_) | Self::Lf(After::Start | After::Line | After::Head) => true,
            Self::Lf(After::ChunkSize(_) | After::ChunkLength | After::TrailerLine | After::Request) => false,
            Self::Body(_) | Self::ChunkLength { .. } | Self::ChunkBlanks(_) | Self::ChunkExtension(_) => false,
            Self::Chunk(_) | Self::ChunkEnd | Self::TrailerLine | Self::Trailer | Self::Other => false,
        }
    }
}

impl Framing {
    pub(super) fn new() -> Self {
        Self {
            at: At::Start,
            opening: Some(0),
            head: Head::default(),
        }
    }

    /// Looks at the next octets of the connection.
    ///
    /// # Errors
    /// The first octet that leaves two readings. Nothing behind it may be read as a request.
    pub(super) fn follow(&mut self, octets: &[u8]) -> Result<(), Ambiguous> {
        let mut rest = octets;
        while let Some((first, behind)) = rest.split_first() {
            match self.at {
                At::Other => return Ok(()),
                At::Body(left) => {
                    let (left, behind) = pass(left, rest);
                    self.at = if left == 0 { At::Start } else { At::Body(left) };
                    rest = behind;
                }
                At::Chunk(left) => {
                    let (left, behind) = pass(left, rest);
                    self.at = if left == 0 { At::ChunkEnd } else { At::Chunk(left) };
                    rest = behind;
                }
                at => {
                    let index = octets.len().saturating_sub(rest.len());
                    let in_head = at.is_in_head();
                    self.at = self.step(at, *first).ok_or(Ambiguous { index, in_head })?;
                    rest = behind;
                }
            }
            if let Some(came) = self.opening {
                self.open(*first, came);
            }
        }
        Ok(())
    }

    /// Its opening has no body, so that it comes here octet by octet.
    fn open(&mut self, octet: u8, came: usize) {
        self.opening = (HTTP2_OPENING.get(came) == Some(&octet)).then_some(came + 1);
        if self.opening == Some(HTTP2_OPENING.len()) {
            (self.at, self.opening) = (At::Other, None);
        }
    }

    /// One octet further; none if it leaves two readings.
    fn step(&mut self, at: At, octet: u8) -> Option<At> {
        match (at, octet) {
            (At::Lf(after), b'\n') => Some(self.behind_line(after)),
            (At::Lf(_), _) | (_, b'\n') => None,
            (At::Start, b'\r') => Some(At::Lf(After::Start)),
            (At::Start | At::RequestLine, _) => Some(match octet {
                b'\r' => At::Lf(After::Line),
                _ => At::RequestLine,
            }),
            (At::Line, b'\r') => Some(At::Lf(After::Head)),
            (At::Line, _) => name(octet, 0, true, true),
            (
                At::Name {
                    length: true, octets, ..
                },
                b':',
            ) if octets == CONTENT_LENGTH.len() => {
                (self.head.length.is_none() && !self.head.chunked).then_some(At::Length(Value::Before))
            }
            (
                At::Name {
                    coding: true, octets, ..
                },
                b':',
            ) if octets == TRANSFER_ENCODING.len() => {
                (self.head.length.is_none() && !self.head.chunked).then_some(At::Coding(Value::Before))
            }
            (At::Name { .. }, b':') => Some(At::Value),
            (At::Name { octets, length, coding }, _) => name(octet, octets, length, coding),
            (At::Value, b'\r') => Some(At::Lf(After::Line)),
            (At::Value, _) => Some(At::Value),
            (At::Length(value), _) => self.length(value, octet),
            (At::Coding(value), _) => self.coding(value, octet),
            (At::ChunkLength { .. } | At::ChunkBlanks(_) | At::ChunkExtension(_) | At::ChunkEnd, _) => chunk(at, octet),
            (At::TrailerLine, b'\r') => Some(At::Lf(After::Request)),
            (At::TrailerLine | At::Trailer, _) => Some(match octet {
                b'\r' => At::Lf(After::TrailerLine),
                _ => At::Trailer,
            }),
            // Passed over by the run, not octet by octet.
            (At::Body(_) | At::Chunk(_) | At::Other, _) => Some(at),
        }
    }

    fn behind_line(&mut self, after: After) -> At {
        match after {
            After::Start | After::Request => At::Start,
            After::Line => At::Line,
            After::Head => match std::mem::take(&mut self.head) {
                Head { chunked: true, .. } => CHUNK_LENGTH,
                Head {
                    length: None | Some(0), ..
                } => At::Start,
                Head {
                    length: Some(octets), ..
                } => At::Body(octets),
            },
            After::ChunkSize(0) | After::TrailerLine => At::TrailerLine,
            After::ChunkSize(octets) => At::Chunk(octets),
            After::ChunkLength => CHUNK_LENGTH,
        }
    }

    /// Digits and nothing else, once.
    fn length(&mut self, value: Value, octet: u8) -> Option<At> {
        let next = match (value, octet) {
            (Value::Before, b' ' | b'\t') => Value::Before,
            (Value::Within { value, .. } | Value::Behind { value }, b' ' | b'\t') => Value::Behind { value },
            (Value::Within { value, .. } | Value::Behind { value }, b'\r') => {
                self.head.length = Some(value);
                return Some(At::Lf(After::Line));
            }
            (Value::Before, b'0'..=b'9') => Value::Within {
                octets: 1,
                value: u64::from(octet - b'0'),
            },
            (Value::Within { octets, value }, b'0'..=b'9') => Value::Within {
                octets: octets.saturating_add(1),
                value: value.checked_mul(10)?.checked_add(u64::from(octet - b'0'))?,
            },
            (Value::Before | Value::Within { .. } | Value::Behind { .. }, _) => return None,
        };
        Some(At::Length(next))
    }

    /// `chunked` and nothing else, once: we undo no other coding.
    fn coding(&mut self, value: Value, octet: u8) -> Option<At> {
        let next = match (value, octet) {
            (Value::Before, b' ' | b'\t') => Value::Before,
            (Value::Within { octets, value }, b' ' | b'\t') if octets == CHUNKED.len() => Value::Behind { value },
            (Value::Behind { value }, b' ' | b'\t') => Value::Behind { value },
            (Value::Within { octets, .. }, b'\r') if octets == CHUNKED.len() => return Some(self.coded()),
            (Value::Behind { .. }, b'\r') => return Some(self.coded()),
            (Value::Before, _) => coding_octet(octet, 0)?,
            (Value::Within { octets, .. }, _) => coding_octet(octet, octets)?,
            (Value::Behind { .. }, _) => return None,
        };
        Some(At::Coding(next))
    }

    fn coded(&mut self) -> At {
        self.head.chunked = true;
        At::Lf(After::Line)
    }
}

const CHUNK_LENGTH: At = At::ChunkLength { octets: 0, digits: 0 };

/// Passes over `left` octets at most: how many are still to come, and what stands behind them.
fn pass(left: u64, octets: &[u8]) -> (u64, &[u8]) {
    let taken = usize::try_from(left).unwrap_or(usize::MAX).min(octets.len());
    let behind = octets.get(taken..).unwrap_or_default();
    (left.saturating_sub(u64::try_from(taken).unwrap_or(u64::MAX)), behind)
}

/// One octet of a name, behind `octets` of it. Names consist of tokens: neither blanks nor folded lines (5.1, 5.2).
fn name(octet: u8, octets: usize, length: bool, coding: bool) -> Option<At> {
    let octet = octet.to_ascii_lowercase();
    let is_token = octet.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&octet);
    is_token.then(|| At::Name {
        octets: octets.saturating_add(1),
        length: length && CONTENT_LENGTH.get(octets) == Some(&octet),
        coding: coding && TRANSFER_ENCODING.get(octets) == Some(&octet),
    })
}

fn coding_octet(octet: u8, octets: usize) -> Option<Value> {
    (CHUNKED.get(octets) == Some(&octet.to_ascii_lowercase())).then_some(Value::Within {
        octets: octets + 1,
        value: 0,
    })
}

/// One octet around a chunk (7.1).
fn chunk(at: At, octet: u8) -> Option<At> {
    match (at, octet) {
        (At::ChunkLength { octets, digits: 1.. } | At::ChunkBlanks(octets) | At::ChunkExtension(octets), b'\r') => {
            Some(At::Lf(After::ChunkSize(octets)))
        }
        (At::ChunkLength { octets, digits: 1.. } | At::ChunkBlanks(octets), b' ' | b'\t') => {
            Some(At::ChunkBlanks(octets))
        }
        (At::ChunkLength { octets, digits: 1.. } | At::ChunkBlanks(octets), b';') => Some(At::ChunkExtension(octets)),
        (At::ChunkLength { octets, digits }, _) if digits < CHUNK_DIGITS => {
            let digit = char::from(octet).to_digit(16)?;
            let octets = octets << 4 | u64::from(digit);
            let digits = digits + 1;
            Some(At::ChunkLength { octets, digits })
        }
        (At::ChunkExtension(octets), _) => Some(At::ChunkExtension(octets)),
        (At::ChunkEnd, b'\r') => Some(At::Lf(After::ChunkLength)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HONEST: &[&str] = &[
        "GET / HTTP/1.1\r\nHost: m\r\n\r\n",
        "\r\nPOST / HTTP/1.1\r\nContent-Length: 5 \r\nX: y\r\n\r\na\nb\rc",
        "POST / HTTP/1.1\r\ncontent-LENGTH:0\r\n\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding:\t Chunked\r\n\r\n5;a=b\r\n\n\r\n12\r\n1A \r\n01234567890123456789abcdef\r\n0\r\nT: t\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Lengths: 1\r\nX-Content-Length: 2\r\nTransfer: chunked\r\n\r\n",
    ];

    /// The octets up to which each is taken, and the octet that is not.
    const TWOFOLD: &[(&str, &str)] = &[
        ("GET / HTTP/1.1", "\n"),
        ("GET / HTTP/1.1\r", "X"),
        ("GET / HTTP/1.1\r\nA: b", "\n"),
        ("GET / HTTP/1.1\r\nA: b\r\n", " c"),
        ("GET / HTTP/1.1\r\nA", " : b"),
        ("GET / HTTP/1.1\r\nA: b\r\n", "\n"),
        (
            "POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding",
            ": chunked\r\n",
        ),
        (
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length",
            ": 5\r\n",
        ),
        (
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding",
            ": chunked\r\n",
        ),
        ("POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length", ": 5\r\n"),
        ("POST / HTTP/1.1\r\nContent-Length: 5", ","),
        ("POST / HTTP/1.1\r\nContent-Length: 5 ", "5"),
        ("POST / HTTP/1.1\r\nContent-Length: ", "-1"),
        ("POST / HTTP/1.1\r\nContent-Length: ", "\r\n"),
        ("POST / HTTP/1.1\r\nContent-Length: 1844674407370955161", "6"),
        ("POST / HTTP/1.1\r\nTransfer-Encoding: ", "gzip"),
        ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked", ", chunked"),
        ("POST / HTTP/1.1\r\nTransfer-Encoding: chunke", "\r\n"),
        ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", "\r\n"),
        ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5", "\n"),
        ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na", "\n"),
        (
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0000000000000005",
            "5",
        ),
        ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", "\n"),
        ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1;a", "\n"),
    ];

    #[test]
    fn honest_requests_follow_each_other_however_they_come() {
        let all = HONEST.concat();
        for piece in [1, 2, 3, 7, 64, all.len()] {
            let mut framing = Framing::new();
            for octets in all.as_bytes().chunks(piece) {
                assert_eq!(framing.follow(octets), Ok(()), "{piece}");
            }
            assert!(matches!(framing.at, At::Start), "{piece}: {:?}", framing.at);
        }
    }

    #[test]
    fn the_first_octet_with_two_readings_is_found() {
        for (taken, refused) in TWOFOLD {
            for before in ["", HONEST[3]] {
                let all = [before, taken, refused].concat();
                let index = before.len() + taken.len();
                let in_head = !taken.contains("\r\n\r\n");
                assert_eq!(
                    Framing::new().follow(all.as_bytes()),
                    Err(Ambiguous { index, in_head }),
                    "{all:?}"
                );
            }
        }
    }

    #[test]
    fn http_2_is_left_alone_once_it_is_certain() {
        let mut framing = Framing::new();
        assert_eq!(framing.follow(HTTP2_OPENING), Ok(()));
        assert_eq!(framing.follow(b"\n\n \n"), Ok(()));
        // The same later in a connection is no opening.
        let mut framing = Framing::new();
        assert_eq!(framing.follow(HONEST[0].as_bytes()), Ok(()));
        assert_eq!(framing.follow(HTTP2_OPENING), Ok(()));
        assert_eq!(
            framing.follow(b"\n"),
            Err(Ambiguous {
                index: 0,
                in_head: true
            })
        );
    }
}
