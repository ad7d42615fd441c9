//! One line of the ledger.

use std::fmt::{self, Write as _};

use thiserror::Error;

use crate::msisdn::Msisdn;

/// SHA-256 over the parts of a message: each part's length as eight octets, then its octets.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest(pub [u8; 32]);

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// How one attempt to submit ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// `m-send-conf` Ok with this Message-ID: from here on the system answers for the message.
    Accepted(String),
    /// `m-send-conf` with another X-Mms-Response-Status.
    Refused(u8),
    /// An HTTP status other than 200, for instance 503.
    Http(u16),
    /// No answer, or a broken one: the message may have been accepted or not.
    Unknown,
}

/// Something that a stub handset did or saw. `number` is the peer's own number of the submission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// About to be submitted.
    Submitted {
        /// The submission.
        number: u64,
        /// To whom.
        recipients: Vec<Msisdn>,
        /// What.
        digest: Digest,
        /// Whether a delivery report was asked for.
        report: bool,
    },
    /// An attempt to submit ended; several attempts of one submission may follow each other.
    Answered {
        /// The submission.
        number: u64,
        /// How.
        outcome: Outcome,
    },
    /// A push told the recipient about the message.
    Notified {
        /// The submission, as its subject says.
        number: u64,
        /// Whom.
        recipient: Msisdn,
        /// X-Mms-Transaction-Id.
        transaction_id: String,
        /// X-Mms-Content-Location.
        location: String,
    },
    /// The content was fetched whole.
    Retrieved {
        /// The submission.
        number: u64,
        /// By whom.
        recipient: Msisdn,
        /// What came.
        digest: Digest,
        /// The Message-ID that came with it; empty if there was none.
        message_id: String,
    },
    /// The retrieval was answered, but without the message.
    NotServed {
        /// The submission.
        number: u64,
        /// To whom.
        recipient: Msisdn,
        /// X-Mms-Retrieve-Status.
        status: u8,
    },
    /// `m-notifyresp-ind` or `m-acknowledge-ind` was answered with success.
    Acknowledged {
        /// The submission.
        number: u64,
        /// By whom.
        recipient: Msisdn,
    },
    /// A delivery report reached the sender.
    Reported {
        /// Message-ID, as the report says.
        message_id: String,
        /// The recipient that it is about.
        recipient: Msisdn,
        /// X-Mms-Status.
        status: u8,
    },
    /// A push that belongs to nothing that was submitted.
    Stranger {
        /// Whom it told.
        recipient: Msisdn,
        /// What it was.
        what: String,
    },
}

/// A line that is no entry.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("no ledger entry: {0:?}")]
pub struct ParseError(pub String);

impl Entry {
    /// Appends the entry as one line: fields separated by tabs, the kind first.
    pub fn write_line(&self, out: &mut String) {
        // Writing to a String cannot fail.
        let _infallible = match self {
            Self::Submitted {
                number,
                recipients,
                digest,
                report,
            } => {
                let list: Vec<String> = recipients.iter().map(Msisdn::to_string).collect();
                writeln!(
                    out,
                    "submitted\t{number}\t{}\t{digest}\t{}",
                    list.join(","),
                    u8::from(*report)
                )
            }
            Self::Answered { number, outcome } => match outcome {
                Outcome::Accepted(id) => writeln!(out, "accepted\t{number}\t{}", plain(id)),
                Outcome::Refused(status) => writeln!(out, "refused\t{number}\t{status}"),
                Outcome::Http(status) => writeln!(out, "http\t{number}\t{status}"),
                Outcome::Unknown => writeln!(out, "unknown\t{number}"),
            },
            Self::Notified {
                number,
                recipient,
                transaction_id,
                location,
            } => {
                let (id, place) = (plain(transaction_id), plain(location));
                writeln!(out, "notified\t{number}\t{recipient}\t{id}\t{place}")
            }
            Self::Retrieved {
                number,
                recipient,
                digest,
                message_id,
            } => writeln!(out, "retrieved\t{number}\t{recipient}\t{digest}\t{}", plain(message_id)),
            Self::NotServed {
                number,
                recipient,
                status,
            } => writeln!(out, "not-served\t{number}\t{recipient}\t{status}"),
            Self::Acknowledged { number, recipient } => writeln!(out, "acknowledged\t{number}\t{recipient}"),
            Self::Reported {
                message_id,
                recipient,
                status,
            } => writeln!(out, "reported\t{}\t{recipient}\t{status}", plain(message_id)),
            Self::Stranger { recipient, what } => writeln!(out, "stranger\t{recipient}\t{}", plain(what)),
        };
    }

    /// Reads a line that [`Entry::write_line`] wrote.
    pub fn parse(line: &str) -> Result<Self, ParseError> {
        let mut fields = line.split('\t');
        let kind = fields.next().unwrap_or_default();
        parse_fields(kind, &mut fields)
            .filter(|_| fields.next().is_none())
            .ok_or_else(|| ParseError(line.to_owned()))
    }
}

/// Ids are opaque; one with a tab or a line end in it is kept readable, not exact.
fn plain(text: &str) -> String {
    text.replace(|c: char| c.is_control(), "\u{fffd}")
}

type Fields<'a> = std::str::Split<'a, char>;

fn parse_fields(kind: &str, fields: &mut Fields<'_>) -> Option<Entry> {
    let entry = match kind {
        "submitted" => Entry::Submitted {
            number: value(fields)?,
            recipients: fields
                .next()?
                .split(',')
                .map(|n| n.parse().ok())
                .collect::<Option<_>>()?,
            digest: digest(fields)?,
            report: value::<u8>(fields)? != 0,
        },
        "accepted" => answered(value(fields)?, Outcome::Accepted(fields.next()?.to_owned())),
        "refused" => answered(value(fields)?, Outcome::Refused(value(fields)?)),
        "http" => answered(value(fields)?, Outcome::Http(value(fields)?)),
        "unknown" => answered(value(fields)?, Outcome::Unknown),
        "notified" => Entry::Notified {
            number: value(fields)?,
            recipient: value(fields)?,
            transaction_id: fields.next()?.to_owned(),
            location: fields.next()?.to_owned(),
        },
        "retrieved" => Entry::Retrieved {
            number: value(fields)?,
            recipient: value(fields)?,
            digest: digest(fields)?,
            message_id: fields.next()?.to_owned(),
        },
        "not-served" => Entry::NotServed {
            number: value(fields)?,
            recipient: value(fields)?,
            status: value(fields)?,
        },
        "acknowledged" => Entry::Acknowledged {
            number: value(fields)?,
            recipient: value(fields)?,
        },
        "reported" => Entry::Reported {
            message_id: fields.next()?.to_owned(),
            recipient: value(fields)?,
            status: value(fields)?,
        },
        "stranger" => Entry::Stranger {
            recipient: value(fields)?,
            what: fields.next()?.to_owned(),
        },
        _ => return None,
    };
    Some(entry)
}

fn answered(number: u64, outcome: Outcome) -> Entry {
    Entry::Answered { number, outcome }
}

fn value<T: std::str::FromStr>(fields: &mut Fields<'_>) -> Option<T> {
    fields.next()?.parse().ok()
}

fn digest(fields: &mut Fields<'_>) -> Option<Digest> {
    let text = fields.next()?;
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    let mut octets = [0; 32];
    for (octet, pair) in octets.iter_mut().zip(text.as_bytes().chunks(2)) {
        *octet = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(Digest(octets))
}
