//! A sending handset that does not give up: it repeats a submission, octet for octet and with the same transaction id,
//! until it knows what became of it.

use std::time::Duration;

use mmsc_ports::Ports;

use crate::error::PeerError;
use crate::handset::{Client, SubmitReply, submit};
use crate::ledger::{Entry, Ledger, Outcome};
use crate::message::{Letter, Order};
use crate::msisdn::Msisdn;

/// How often a handset tries, and how long it waits in between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Persistence {
    /// Attempts at most.
    pub attempts: u32,
    /// Pause after an attempt that was refused for now, or not answered.
    pub pause: Duration,
}

impl Persistence {
    /// One attempt.
    pub const ONCE: Self = Self {
        attempts: 1,
        pause: Duration::ZERO,
    };
}

/// Submits `letter`, writing everything into the ledger. Ends with an acceptance, a permanent refusal, or the last
/// attempt's outcome. An error is the ledger's own.
pub async fn submit_until_answered(
    ports: &Ports,
    client: &mut Client,
    ledger: &Ledger,
    from: Msisdn,
    (order, letter): (&Order, &Letter),
    persistence: Persistence,
) -> Result<Outcome, PeerError> {
    let number = order.number;
    ledger.record(&Entry::Submitted {
        number,
        recipients: order.to.clone(),
        digest: letter.digest,
        report: order.report,
    })?;
    let mut attempt = 1;
    loop {
        let reply = submit(client, from, letter.pdu.clone()).await;
        let (outcome, again) = match &reply {
            Ok(reply) => (checked(reply, letter), reply.is_transient()),
            Err(_) => (Outcome::Unknown, true),
        };
        ledger.record(&Entry::Answered {
            number,
            outcome: outcome.clone(),
        })?;
        if !again || attempt >= persistence.attempts {
            return Ok(outcome);
        }
        attempt += 1;
        ports.clock.sleep(persistence.pause).await;
    }
}

/// An acceptance that names another transaction answers nothing that was asked.
fn checked(reply: &SubmitReply, letter: &Letter) -> Outcome {
    match reply {
        SubmitReply::Confirmed { transaction_id, .. } if *transaction_id != letter.transaction_id => Outcome::Unknown,
        SubmitReply::Confirmed { .. } | SubmitReply::Http { .. } => reply.outcome(),
    }
}
