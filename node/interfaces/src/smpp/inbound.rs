//! Receipts on their way from one bind to the relay: matched, told, and only then answered.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use mmsc_domain::Address;
use mmsc_ports::{BoxFuture, Clock};
use mmsc_relay::port::{Receipt, ReceiptState};
use mmsc_wire::smpp::{Body, Pdu, Status};

use super::correlation::{Match, PushId};
use super::memory::Around;
use crate::bearer::BearerEvents;

/// A receipt that may have overtaken its response is answered at the latest after this.
const HOLD: Duration = Duration::from_secs(1);
/// Receipts held or being told at a time; beyond it the SMSC is asked to slow down.
const LIMIT: usize = 1000;

/// A deliver_sm or data_sm that waits for its response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    sequence: u32,
    data_sm: bool,
}

impl Asked {
    pub(super) fn deliver_sm(sequence: u32) -> Self {
        Self {
            sequence,
            data_sm: false,
        }
    }

    pub(super) fn data_sm(sequence: u32) -> Self {
        Self {
            sequence,
            data_sm: true,
        }
    }

    pub(super) fn response(self, status: Status) -> Pdu {
        let body = match self.data_sm {
            true => Body::DataSmResp(None),
            false => Body::DeliverSmResp,
        };
        Pdu::response(self.sequence, status, body)
    }
}

/// A final receipt, translated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FinalReceipt {
    /// The id in its normal form; empty if the SMSC named none.
    pub(super) id: String,
    /// Whose push, as far as the receipt itself tells.
    pub(super) from: Option<Address>,
    pub(super) state: ReceiptState,
}

pub(super) struct Inbound {
    events: Arc<dyn BearerEvents>,
    clock: Arc<dyn Clock>,
    held: VecDeque<Held>,
    telling: FuturesUnordered<BoxFuture<'static, Told>>,
}

struct Held {
    receipt: FinalReceipt,
    asked: Asked,
    until: Duration,
    /// A segment that arrived: without the others it is no result.
    segment: bool,
}

/// The relay's word about a receipt.
pub(super) struct Told {
    /// The deliver_sm that is to be answered.
    pub(super) asked: Option<Asked>,
    /// The relay has it.
    pub(super) taken: bool,
    push: Option<PushId>,
    state: ReceiptState,
}

/// How a deliver_sm is to be answered now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// With status 0.
    Done,
    /// With RTHROTTLED: too many are being told already.
    Busy,
    /// Later.
    Later,
}

impl Inbound {
    pub(super) fn new(events: Arc<dyn BearerEvents>, clock: Arc<dyn Clock>) -> Self {
        Self {
            events,
            clock,
            held: VecDeque::new(),
            telling: FuturesUnordered::new(),
        }
    }

    /// A final receipt in a deliver_sm. `unanswered` says whether a submit to its number is outstanding, whose response
    /// may name this id yet, and whether that push has several segments.
    pub(super) fn receipt(
        &mut self,
        asked: Asked,
        receipt: FinalReceipt,
        unanswered: Option<bool>,
        around: &mut Around<'_>,
    ) -> Reply {
        if self.held.len() + self.telling.len() >= LIMIT {
            return Reply::Busy;
        }
        match around.memory.correlation.receipt(&receipt.id, receipt.state) {
            Match::Unknown => match unanswered {
                Some(segmented) if !receipt.id.is_empty() => {
                    around
                        .memory
                        .correlation
                        .keep_early(around.now, &receipt.id, receipt.state);
                    self.held.push_back(Held {
                        segment: segmented && receipt.state == ReceiptState::Reached,
                        until: around.now + HOLD,
                        receipt,
                        asked,
                    });
                    Reply::Later
                }
                Some(_) | None => self.by_address(Some(asked), receipt, around),
            },
            known => self.known(Some(asked), &receipt.id, known, around),
        }
    }

    /// A response named an id whose receipt was here before.
    pub(super) fn response(&mut self, id: &str, meaning: Match, around: &mut Around<'_>) -> Option<(Asked, Reply)> {
        let held = self.held.iter().position(|held| held.receipt.id == id);
        let asked = held.and_then(|at| self.held.remove(at)).map(|held| held.asked);
        let reply = self.known(asked, id, meaning, around);
        asked.map(|asked| (asked, reply))
    }

    fn known(&mut self, asked: Option<Asked>, id: &str, meaning: Match, around: &mut Around<'_>) -> Reply {
        match meaning {
            Match::Result(push, address, state) => {
                let receipt = around.receipt(address, id, state);
                self.tell(asked, receipt, Some(push), around);
                Reply::Later
            }
            Match::Partial => Reply::Done,
            Match::Repeated | Match::Abandoned | Match::Unknown => {
                around.metrics.dropped.increment();
                Reply::Done
            }
        }
    }

    /// Nobody remembers the id: the subscriber of the address does, or drops it.
    fn by_address(&mut self, asked: Option<Asked>, receipt: FinalReceipt, around: &mut Around<'_>) -> Reply {
        around.metrics.unmatched.increment();
        let Some(address) = receipt.from else {
            return Reply::Done;
        };
        let receipt = around.receipt(address, &receipt.id, receipt.state);
        self.tell(asked, receipt, None, around);
        Reply::Later
    }

    /// Receipts held long enough: told by address; a mere segment is answered and stays remembered.
    pub(super) fn release(&mut self, around: &mut Around<'_>) -> Vec<Asked> {
        let mut done = Vec::new();
        while self.held.front().is_some_and(|held| held.until <= around.now) {
            let Some(held) = self.held.pop_front() else { break };
            if held.segment || self.by_address(Some(held.asked), held.receipt, around) == Reply::Done {
                done.push(held.asked);
            }
        }
        done
    }

    /// When [`Inbound::release`] has something to do next.
    pub(super) fn next_release(&self) -> Option<Duration> {
        self.held.front().map(|held| held.until)
    }

    /// A push of which no receipt came in its time counts as not delivered.
    pub(super) fn missing(&mut self, address: Address, id: &str, around: &mut Around<'_>) {
        around.metrics.missing.increment();
        let receipt = around.receipt(address, id, ReceiptState::NotReached);
        self.tell(None, receipt, None, around);
    }

    /// No receipt waits for its answer.
    pub(super) fn is_idle(&self) -> bool {
        self.held.is_empty() && self.telling.is_empty()
    }

    /// Whether more receipts may be told on our own account.
    pub(super) fn has_room(&self) -> bool {
        self.telling.len() < LIMIT
    }

    fn tell(&mut self, asked: Option<Asked>, receipt: Receipt, push: Option<PushId>, around: &Around<'_>) {
        let state = receipt.state;
        let told = self.events.receipt(receipt);
        let limit = self.clock.sleep(around.config.timers.receipt);
        self.telling.push(Box::pin(async move {
            let taken = tokio::select! {
                biased;
                taken = told => taken,
                () = limit => false,
            };
            Told {
                asked,
                taken,
                push,
                state,
            }
        }));
    }

    /// The next word of the relay; pending forever while nothing is being told.
    pub(super) async fn next_told(&mut self) -> Told {
        match self.telling.next().await {
            Some(told) => told,
            None => std::future::pending().await,
        }
    }
}

impl Told {
    /// Notes it.
    pub(super) fn settle(&self, around: &mut Around<'_>) {
        if !self.taken {
            around.metrics.postponed.increment();
            return;
        }
        around.metrics.receipt(self.state);
        if let Some(push) = self.push {
            around.memory.correlation.told(around.now, push, self.state);
        }
    }
}

impl Around<'_> {
    fn receipt(&self, address: Address, id: &str, state: ReceiptState) -> Receipt {
        Receipt {
            address,
            destination: self.config.name.clone(),
            message_id: id.to_owned(),
            state,
        }
    }
}
