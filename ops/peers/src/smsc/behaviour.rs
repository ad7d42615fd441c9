//! How the SMSC treats what is submitted to it: well, or as badly as real ones do.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use mmsc_wire::smpp::{MessageState, Status};

/// What becomes of one `submit_sm`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// Taken over and answered with a message id.
    Accept,
    /// Not taken: ESME_RTHROTTLED.
    Throttle,
    /// Not taken, with this status.
    Refuse(Status),
    /// Not taken, never answered.
    NoAnswer,
    /// Taken over, but the answer is never sent.
    LoseAnswer,
    /// Not taken; the connection is closed.
    Close,
    /// Taken over at once; answered after this.
    Delay(Duration),
}

/// Which behaviour applies to which `submit_sm`.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// For the next ones, whatever they are, in order.
    pub(super) next: VecDeque<Behaviour>,
    /// For destinations, by digits.
    pub(super) destinations: HashMap<String, Behaviour>,
    /// For all others; none means [`Behaviour::Accept`].
    pub(super) otherwise: Option<Behaviour>,
}

impl Plan {
    /// The behaviour towards a `submit_sm` to `destination`; a scripted one is used up.
    pub(super) fn choose(&mut self, destination: &str) -> Behaviour {
        self.next
            .pop_front()
            .or_else(|| self.destinations.get(destination).copied())
            .or(self.otherwise)
            .unwrap_or(Behaviour::Accept)
    }
}

/// Which receipts are sent for messages that asked for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipts {
    /// What they say; none sends no receipts.
    pub state: Option<MessageState>,
    /// When they are sent.
    pub timing: Timing,
    /// How they are written.
    pub form: Form,
    /// How often each is sent.
    pub copies: u8,
}

impl Receipts {
    /// One receipt "delivered" per message, after the response, in text and TLVs.
    #[must_use]
    pub fn delivered() -> Self {
        Self {
            state: Some(MessageState::Delivered),
            timing: Timing::AfterResponse,
            form: Form::Both,
            copies: 1,
        }
    }

    /// No receipts.
    #[must_use]
    pub fn none() -> Self {
        Self {
            state: None,
            ..Self::delivered()
        }
    }
}

/// When a receipt is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timing {
    /// Before the response to its `submit_sm`, as live SMSCs do now and then.
    BeforeResponse,
    /// Right after it.
    AfterResponse,
    /// So long after it.
    Later(Duration),
}

/// How a receipt is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Text in short_message only.
    Text,
    /// TLVs only, short_message empty.
    Tlvs,
    /// Text and TLVs.
    Both,
    /// Text only, with the id in decimal where the response had it in hexadecimal.
    DecimalId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripted_answers_come_first_and_are_used_up() {
        let mut plan = Plan::default();
        plan.next.push_back(Behaviour::Throttle);
        plan.destinations.insert("1555".into(), Behaviour::NoAnswer);
        plan.otherwise = Some(Behaviour::Close);
        assert_eq!(plan.choose("1555"), Behaviour::Throttle);
        assert_eq!(plan.choose("1555"), Behaviour::NoAnswer);
        assert_eq!(plan.choose("1556"), Behaviour::Close);
        assert_eq!(Plan::default().choose("1"), Behaviour::Accept);
    }
}
