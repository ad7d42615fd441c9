//! What a gateway's answer means for a push (MM1 digest 20.4), and how a push ended in the relay's words.

use std::time::Duration;

use mmsc_domain::inbox::Sent;
use mmsc_relay::port::TellOutcome;
use mmsc_wire::pap::{Code, CodeClass, Limits, Message, decode};

use crate::bearer::LinkVerdict;

/// What an answer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// Taken over.
    Taken,
    /// This number, for good.
    Address,
    /// What we sent, our account, the URL: nothing but a person helps.
    Fault,
    /// Refused for now.
    Transient,
    /// The handset or its owner refused.
    Handset,
    /// Not to be understood: it may have been taken over.
    Unreadable,
}

impl Class {
    /// Every class.
    pub const ALL: [Self; 6] = [
        Self::Taken,
        Self::Address,
        Self::Fault,
        Self::Transient,
        Self::Handset,
        Self::Unreadable,
    ];

    /// The label value in metrics.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Taken => "taken",
            Self::Address => "address",
            Self::Fault => "fault",
            Self::Transient => "transient",
            Self::Handset => "handset",
            Self::Unreadable => "unreadable",
        }
    }
}

/// What the answer to the push of this id means: its document where it has one, else its HTTP status.
#[must_use]
pub fn class(push_id: &str, status: u16, body: &[u8]) -> Class {
    match decode(body, &Limits::default()) {
        // A word about another push says nothing about this one.
        Ok(Message::PushResponse(response)) if response.push_id != push_id => Class::Unreadable,
        Ok(Message::PushResponse(response)) => match response.result {
            Some(result) => of_code(result.code),
            None => of_status(status),
        },
        Ok(Message::Bad(_)) => Class::Fault,
        Ok(
            Message::Push(_)
            | Message::Cancel(_)
            | Message::CancelResponse(_)
            | Message::Result(_)
            | Message::ResultResponse(_),
        )
        | Err(_) => of_status(status),
    }
}

fn of_code(code: Code) -> Class {
    match code {
        // Our push-ids are random: the gateway has it from us.
        Code::DUPLICATE_PUSH_ID => Class::Taken,
        Code::ADDRESS_ERROR | Code::ADDRESS_NOT_FOUND => Class::Address,
        other => match other.class() {
            CodeClass::Good => Class::Taken,
            CodeClass::Request => Class::Fault,
            // Nothing says that an unknown one will stay.
            CodeClass::Gateway | CodeClass::Service | CodeClass::Unknown => Class::Transient,
            CodeClass::Handset => Class::Handset,
        },
    }
}

fn of_status(status: u16) -> Class {
    match status {
        200..=299 => Class::Unreadable,
        408 | 425 | 429 | 500..=599 => Class::Transient,
        // Redirects are not followed: the configuration says where to post.
        _ => Class::Fault,
    }
}

/// How a push ended on one gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Taken over, under this push-id.
    Sent(String),
    /// No octet left: the gateway is down or its queue full.
    NotMade,
    /// No octet left: this node may not act for the handset now.
    GateClosed,
    /// The window stayed full until the deadline.
    Held,
    /// Refused for now; the gateway may have asked for a pause.
    Transient(Option<Duration>),
    /// Refused for good.
    Permanent,
    /// Configuration or bug: operators were alarmed.
    Fault,
    /// The handset refused.
    Handset,
    /// Octets left and no answer came.
    Unknown,
}

/// A gateway may ask for no longer pause than this.
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);

impl LinkVerdict for Verdict {
    const NOT_MADE: Self = Self::NotMade;

    fn wants_other_route(&self) -> bool {
        match self {
            Self::NotMade | Self::Transient(_) | Self::Fault => true,
            Self::Sent(_) | Self::GateClosed | Self::Held | Self::Permanent | Self::Handset | Self::Unknown => false,
        }
    }
}

impl Verdict {
    pub(super) fn of(class: Class, push_id: &str, retry_after: Option<Duration>) -> Self {
        match class {
            Class::Taken => Self::Sent(push_id.to_owned()),
            Class::Address => Self::Permanent,
            Class::Fault => Self::Fault,
            Class::Transient => Self::Transient(retry_after),
            Class::Handset => Self::Handset,
            Class::Unreadable => Self::Unknown,
        }
    }

    /// In the relay's words; `number` is the attempt, which sets the pause before the next.
    pub(super) fn outcome(self, destination: &str, number: u32) -> TellOutcome {
        let destination = destination.to_owned();
        match self {
            Self::Sent(push_id) => TellOutcome::Sent(Sent {
                destination,
                message_ids: vec![push_id],
            }),
            Self::NotMade | Self::GateClosed | Self::Held => TellOutcome::Unavailable { destination },
            Self::Transient(asked) => {
                let own = transient_pause(number);
                let pause = asked.map_or(own, |asked| asked.min(LONGEST_PAUSE).max(own));
                TellOutcome::Failed {
                    retry_after: Some(pause),
                }
            }
            Self::Fault | Self::Handset => TellOutcome::Failed { retry_after: None },
            Self::Permanent => TellOutcome::Refused,
            Self::Unknown => TellOutcome::Unknown,
        }
    }
}

/// 5 s, 30 s, then 2 min.
fn transient_pause(number: u32) -> Duration {
    Duration::from_secs(match number {
        0 | 1 => 5,
        2 => 30,
        _ => 120,
    })
}

#[cfg(test)]
mod tests {
    use mmsc_wire::pap::{BadMessage, Dialect, Outcome, PushResponse, encode};

    use super::*;

    fn answer(push_id: &str, code: Option<u16>) -> Vec<u8> {
        let result = code.map(|code| Outcome {
            code: Code(code),
            desc: None,
        });
        let response = PushResponse {
            push_id: push_id.into(),
            sender_name: None,
            reply_time: None,
            result,
        };
        let mut out = Vec::new();
        encode(&Message::PushResponse(response), Dialect::V1_0, &mut out).unwrap();
        out
    }

    #[test]
    fn every_class_of_codes() {
        for (code, expected) in [
            (1000, Class::Taken),
            (1001, Class::Taken),
            (2007, Class::Taken),
            (2002, Class::Address),
            (2003, Class::Address),
            (2000, Class::Fault),
            (2001, Class::Fault),
            (2005, Class::Fault),
            (3000, Class::Transient),
            (3007, Class::Transient),
            (4001, Class::Transient),
            (5028, Class::Handset),
            (9, Class::Transient),
        ] {
            // What the document says counts, whatever the status around it.
            for status in [200, 202, 400, 500] {
                assert_eq!(class("a", status, &answer("a", Some(code))), expected, "{code}");
            }
        }
    }

    #[test]
    fn answers_without_a_word_about_the_push() {
        let bad = Message::Bad(BadMessage {
            outcome: Outcome {
                code: Code::BAD_REQUEST,
                desc: None,
            },
        });
        let mut document = Vec::new();
        encode(&bad, Dialect::V2_0, &mut document).unwrap();
        assert_eq!(class("a", 202, &document), Class::Fault);
        assert_eq!(class("a", 202, &answer("b", Some(1001))), Class::Unreadable);
        assert_eq!(class("a", 202, &answer("a", None)), Class::Unreadable);
        for (status, expected) in [
            (200, Class::Unreadable),
            (202, Class::Unreadable),
            (301, Class::Fault),
            (401, Class::Fault),
            (404, Class::Fault),
            (429, Class::Transient),
            (500, Class::Transient),
            (503, Class::Transient),
        ] {
            assert_eq!(class("a", status, b"<html>"), expected, "{status}");
            assert_eq!(class("a", status, b""), expected, "{status}");
        }
    }

    #[test]
    fn a_gateway_may_ask_for_a_pause() {
        let pause = |asked, number| Verdict::Transient(asked).outcome("g", number);
        let failed = |seconds| TellOutcome::Failed {
            retry_after: Some(Duration::from_secs(seconds)),
        };
        assert_eq!(pause(None, 1), failed(5));
        assert_eq!(pause(Some(Duration::from_secs(90)), 2), failed(90));
        assert_eq!(pause(Some(Duration::from_secs(1)), 3), failed(120));
        assert_eq!(pause(Some(Duration::MAX), 1), failed(3600));
    }
}
