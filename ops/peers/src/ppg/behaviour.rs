//! How the gateway treats pushes.

use std::collections::{HashMap, VecDeque};

use mmsc_wire::pap::Code;

/// What becomes of one push.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Treatment {
    /// Taken over, answered 1001.
    Accept,
    /// Not taken, with this code.
    Refuse(Code),
    /// Not taken, with this HTTP status and no document.
    Status(u16),
    /// Not taken, never answered; the connection stays.
    Stall,
    /// Not taken; the connection is closed.
    Close,
    /// Taken over; the connection is closed instead of an answer.
    LoseAnswer,
}

/// Which treatment applies to which push.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// For the next ones, whatever they are, in order.
    pub(super) next: VecDeque<Treatment>,
    /// For numbers.
    pub(super) numbers: HashMap<String, Treatment>,
}

impl Plan {
    /// The treatment of a push to `number`; a scripted one is used up.
    pub(super) fn choose(&mut self, number: &str) -> Treatment {
        self.next
            .pop_front()
            .or_else(|| self.numbers.get(number).copied())
            .unwrap_or(Treatment::Accept)
    }
}
