//! The one place that decides what happens to a copy.

use std::time::Duration;

use crate::inbox::DeliveryStatus;
use crate::lifecycle::state::{CopyState, Final, Undeliverable};
use crate::time::UnixMillis;
use crate::why::Why;

/// What can happen to a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CopyEvent {
    /// Screening let the MM pass; where the copy goes is in [`Facts::route`].
    Granted,
    /// Screening refused the MM.
    Denied,
    /// A due entry fired: whatever is due is done.
    Due,
    /// The whole content left for the handset.
    ContentServed,
    /// The content left only in part, or the connection broke.
    ContentBroken,
    /// m-notifyresp-ind Retrieved, or m-acknowledge-ind.
    HandsetRetrieved,
    /// m-notifyresp-ind Deferred.
    HandsetDeferred,
    /// m-notifyresp-ind Rejected.
    HandsetRejected,
    /// m-notifyresp-ind Unrecognised.
    HandsetUnrecognised,
    /// The subscriber gave up telling: the bearer says never.
    TellingFailed,
    /// The recipient had the message deleted unretrieved (m-delete-req).
    DeletedByRecipient,
    /// The recipient had it forwarded unretrieved (m-forward-req).
    ForwardedByRecipient,
    /// The originator or an operator cancels.
    CancelRequested,
    /// The peer took it over.
    PeerAccepted,
    /// The peer refused it for good.
    PeerRefused,
    /// The peer refused it for now, or its answer was lost.
    PeerUnknown,
    /// The transcoder made a variant.
    Adapted,
    /// The transcoder cannot make one; the original is served.
    NotAdapted,
}

/// Where a copy leads, decided by routing before the copy is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Leads {
    /// To a subscriber of ours.
    Here,
    /// To a peer.
    Peer,
    /// Nowhere.
    Nowhere(Why),
}

/// What `step` may look at beside the state: facts of the MM and its policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Where the copy leads.
    pub leads: Leads,
    /// When the copy expires.
    pub expires_at: UnixMillis,
    /// Not to be told before this.
    pub deliver_at: Option<UnixMillis>,
    /// A due entry of the copy alone, if it has one.
    pub due_at: Option<UnixMillis>,
    /// The originator wants a report.
    pub report_wanted: bool,
    /// The recipient forbade reports about retrieval.
    pub report_refused: bool,
    /// Waiting times.
    pub timers: Timers,
}

/// Waiting times of a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timers {
    /// After content was served whole, how long the handset's word is awaited before the copy counts as retrieved.
    pub served_grace: Duration,
    /// Between attempts towards a peer.
    pub peer_retry: Duration,
}

impl Default for Timers {
    fn default() -> Self {
        Self {
            served_grace: Duration::from_secs(300),
            peer_retry: Duration::from_secs(60),
        }
    }
}

/// What is to be done, as data. All of it is written in the transaction that writes the new state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Put a notification into the recipient's inbox.
    Notify,
    /// Take the notification out of the recipient's inbox.
    StopTelling,
    /// Hand the copy to its peer.
    HandToPeer,
    /// Tell the originator.
    Report(DeliveryStatus),
    /// Set the copy's own due entry.
    SetDue(UnixMillis),
    /// Clear the copy's own due entry.
    ClearDue,
}

/// The answer of [`step`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Where the copy stands now.
    pub next: CopyState,
    /// What is to be done.
    pub effects: Vec<Effect>,
    /// Why.
    pub why: Why,
}

/// An event that cannot happen in that state. Counted and refused; nothing changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("no such event in this state")]
pub struct Illegal;

/// What happens to a copy in `state` when `event` comes at `now`.
///
/// An event that comes too late for a final copy changes nothing and says so ([`Why::TooLate`]); one that makes no
/// sense in its state is [`Illegal`].
pub fn step(state: &CopyState, event: CopyEvent, now: UnixMillis, facts: &Facts) -> Result<Step, Illegal> {
    match state {
        CopyState::Screening => screening(event, now, facts),
        CopyState::Scheduled => scheduled(event, now, facts),
        CopyState::Telling => waiting_for_handset(state, event, now, facts),
        CopyState::Deferred => waiting_for_handset(state, event, now, facts),
        CopyState::Served => served(event, now, facts),
        CopyState::Adapting => adapting(event, now, facts),
        CopyState::Forwarding => forwarding(event, now, facts),
        CopyState::Final(_) => ended(state, event),
    }
}

fn stay(state: &CopyState, why: Why) -> Step {
    Step {
        next: state.clone(),
        effects: Vec::new(),
        why,
    }
}

fn moved(next: CopyState, effects: Vec<Effect>, why: Why) -> Step {
    Step { next, effects, why }
}

/// The end of a copy: telling stops, its due entry goes, the originator learns of it if it asked.
/// A recipient's refusal of reports covers what the recipient did, not expiry or failure (MM1 digest 14.5).
fn end(how: Final, why: Why, facts: &Facts) -> Step {
    let mut effects = Vec::with_capacity(3);
    if facts.leads == Leads::Here {
        effects.push(Effect::StopTelling);
    }
    if facts.due_at.is_some() {
        effects.push(Effect::ClearDue);
    }
    if facts.report_wanted && may_report(how, facts) {
        effects.push(Effect::Report(how.delivery_status()));
    }
    moved(CopyState::Final(how), effects, why)
}

fn may_report(how: Final, facts: &Facts) -> bool {
    match how {
        Final::Retrieved | Final::Rejected | Final::Forwarded | Final::Deleted => !facts.report_refused,
        // A copy that a peer delivers is reported on by that peer, and a cancelled one was taken back by the one
        // who would be told.
        Final::Cancelled => false,
        Final::Expired | Final::Undeliverable(_) | Final::Converted => true,
    }
}

/// Accepting: the copy is told now, told later, handed to a peer, or is undeliverable from the start.
fn screening(event: CopyEvent, now: UnixMillis, facts: &Facts) -> Result<Step, Illegal> {
    use CopyEvent as E;
    match event {
        E::Granted => Ok(granted(now, facts)),
        E::Denied => Ok(moved(
            CopyState::Final(Final::Rejected),
            Vec::new(),
            Why::ScreeningRefused,
        )),
        E::Due if now >= facts.expires_at => {
            Ok(moved(CopyState::Final(Final::Expired), Vec::new(), Why::ExpiryReached))
        }
        E::Due => Ok(stay(&CopyState::Screening, Why::Accepted)),
        E::CancelRequested => Ok(moved(CopyState::Final(Final::Cancelled), Vec::new(), Why::Cancelled)),
        E::ContentServed
        | E::ContentBroken
        | E::HandsetRetrieved
        | E::HandsetDeferred
        | E::HandsetRejected
        | E::HandsetUnrecognised
        | E::TellingFailed
        | E::DeletedByRecipient
        | E::ForwardedByRecipient
        | E::PeerAccepted
        | E::PeerRefused
        | E::PeerUnknown
        | E::Adapted
        | E::NotAdapted => Err(Illegal),
    }
}

fn granted(now: UnixMillis, facts: &Facts) -> Step {
    match facts.leads {
        Leads::Nowhere(why) => end(Final::Undeliverable(Undeliverable::Unreachable), why, facts),
        // X-Mms-Delivery-Time: earliest delivery (MM1 digest 5, 14.5).
        Leads::Here | Leads::Peer if facts.deliver_at.is_some_and(|at| at > now) => {
            moved(CopyState::Scheduled, Vec::new(), Why::AcceptedForLater)
        }
        Leads::Here => moved(CopyState::Telling, vec![Effect::Notify], Why::Accepted),
        Leads::Peer => moved(CopyState::Forwarding, vec![Effect::HandToPeer], Why::AcceptedForPeer),
    }
}

fn scheduled(event: CopyEvent, now: UnixMillis, facts: &Facts) -> Result<Step, Illegal> {
    use CopyEvent as E;
    match event {
        E::Due if now >= facts.expires_at => Ok(end(Final::Expired, Why::ExpiryReached, facts)),
        E::Due if facts.deliver_at.is_none_or(|at| at <= now) => Ok(match facts.leads {
            Leads::Here => moved(CopyState::Telling, vec![Effect::Notify], Why::DeliveryTimeReached),
            Leads::Peer => moved(
                CopyState::Forwarding,
                vec![Effect::HandToPeer],
                Why::DeliveryTimeReached,
            ),
            Leads::Nowhere(why) => end(Final::Undeliverable(Undeliverable::Unreachable), why, facts),
        }),
        E::Due => Ok(stay(&CopyState::Scheduled, Why::AcceptedForLater)),
        E::CancelRequested => Ok(end(Final::Cancelled, Why::Cancelled, facts)),
        // Nobody knows the token yet.
        E::Granted
        | E::Denied
        | E::ContentServed
        | E::ContentBroken
        | E::HandsetRetrieved
        | E::HandsetDeferred
        | E::HandsetRejected
        | E::HandsetUnrecognised
        | E::TellingFailed
        | E::DeletedByRecipient
        | E::ForwardedByRecipient
        | E::PeerAccepted
        | E::PeerRefused
        | E::PeerUnknown
        | E::Adapted
        | E::NotAdapted => Err(Illegal),
    }
}

/// Telling and Deferred: the handset knows of the message or is about to. A grace from an earlier, complete
/// serving may still run.
fn waiting_for_handset(state: &CopyState, event: CopyEvent, now: UnixMillis, facts: &Facts) -> Result<Step, Illegal> {
    use CopyEvent as E;
    match event {
        E::Due if now >= facts.expires_at => Ok(end(Final::Expired, Why::ExpiryReached, facts)),
        E::Due => Ok(stay(state, Why::Accepted)),
        // MM1 digest 14.4: the complete 200 response starts the grace, nothing less.
        E::ContentServed => {
            let due = now.plus(facts.timers.served_grace).min(facts.expires_at);
            Ok(moved(CopyState::Served, vec![Effect::SetDue(due)], Why::ContentServed))
        }
        E::ContentBroken => Ok(stay(state, Why::Accepted)),
        // Either answer counts in either flow (MM1 digest 14.3).
        E::HandsetRetrieved => Ok(end(Final::Retrieved, Why::HandsetRetrieved, facts)),
        E::HandsetDeferred if *state == CopyState::Deferred => Ok(stay(state, Why::HandsetDeferred)),
        // Deferred stops re-notification; the copy waits until expiry and is reported on by nobody.
        E::HandsetDeferred => Ok(moved(
            CopyState::Deferred,
            vec![Effect::StopTelling],
            Why::HandsetDeferred,
        )),
        E::HandsetRejected => Ok(end(Final::Rejected, Why::HandsetRejected, facts)),
        E::HandsetUnrecognised => Ok(end(
            Final::Undeliverable(Undeliverable::Unrecognised),
            Why::HandsetUnrecognised,
            facts,
        )),
        // A handset that deferred was reached: an old failure of the bearer no longer counts.
        E::TellingFailed if *state == CopyState::Deferred => Ok(stay(state, Why::TooLate)),
        E::TellingFailed => Ok(end(
            Final::Undeliverable(Undeliverable::Unreachable),
            Why::BearerRefused,
            facts,
        )),
        E::DeletedByRecipient => Ok(end(Final::Deleted, Why::DeletedByRecipient, facts)),
        E::ForwardedByRecipient => Ok(end(Final::Forwarded, Why::ForwardedByRecipient, facts)),
        E::CancelRequested => Ok(end(Final::Cancelled, Why::Cancelled, facts)),
        E::Granted | E::Denied | E::PeerAccepted | E::PeerRefused | E::PeerUnknown | E::Adapted | E::NotAdapted => {
            Err(Illegal)
        }
    }
}

fn served(event: CopyEvent, now: UnixMillis, facts: &Facts) -> Result<Step, Illegal> {
    use CopyEvent as E;
    let state = CopyState::Served;
    match event {
        // MM1 digest 14.4: popular handsets never answer; the complete response itself was the delivery.
        E::Due if facts.due_at.is_none_or(|at| at <= now) || now >= facts.expires_at => {
            Ok(end(Final::Retrieved, Why::GraceOver, facts))
        }
        E::Due => Ok(stay(&state, Why::ContentServed)),
        E::HandsetRetrieved => Ok(end(Final::Retrieved, Why::HandsetRetrieved, facts)),
        // Served again (a lost response): the first serving's grace goes on.
        E::ContentServed | E::ContentBroken => Ok(stay(&state, Why::ContentServed)),
        // Said before the fetch and overtaken by it.
        E::HandsetDeferred => Ok(stay(&state, Why::TooLate)),
        E::HandsetRejected => Ok(end(Final::Rejected, Why::HandsetRejected, facts)),
        E::HandsetUnrecognised | E::TellingFailed => Ok(stay(&state, Why::TooLate)),
        E::DeletedByRecipient => Ok(end(Final::Deleted, Why::DeletedByRecipient, facts)),
        E::ForwardedByRecipient => Ok(end(Final::Forwarded, Why::ForwardedByRecipient, facts)),
        E::CancelRequested => Ok(end(Final::Cancelled, Why::Cancelled, facts)),
        E::Granted | E::Denied | E::PeerAccepted | E::PeerRefused | E::PeerUnknown | E::Adapted | E::NotAdapted => {
            Err(Illegal)
        }
    }
}

/// A variant is being made for a handset that is fetching; what the handset says meanwhile counts as ever.
fn adapting(event: CopyEvent, now: UnixMillis, facts: &Facts) -> Result<Step, Illegal> {
    use CopyEvent as E;
    match event {
        E::Adapted => Ok(moved(CopyState::Deferred, Vec::new(), Why::Adapted)),
        E::NotAdapted => Ok(moved(CopyState::Deferred, Vec::new(), Why::ContentServed)),
        E::Due
        | E::ContentServed
        | E::ContentBroken
        | E::HandsetRetrieved
        | E::HandsetDeferred
        | E::HandsetRejected
        | E::HandsetUnrecognised
        | E::TellingFailed
        | E::DeletedByRecipient
        | E::ForwardedByRecipient
        | E::CancelRequested
        | E::Granted
        | E::Denied
        | E::PeerAccepted
        | E::PeerRefused
        | E::PeerUnknown => waiting_for_handset(&CopyState::Adapting, event, now, facts),
    }
}

fn forwarding(event: CopyEvent, now: UnixMillis, facts: &Facts) -> Result<Step, Illegal> {
    use CopyEvent as E;
    let state = CopyState::Forwarding;
    match event {
        E::Due if now >= facts.expires_at => Ok(end(Final::Expired, Why::ExpiryReached, facts)),
        E::Due => Ok(moved(state, vec![Effect::HandToPeer], Why::PeerRetry)),
        // The peer reports on delivery from here on; nothing is reported for the hand-over itself.
        E::PeerAccepted => {
            let quiet = Facts {
                report_wanted: false,
                ..*facts
            };
            Ok(end(Final::Forwarded, Why::PeerAccepted, &quiet))
        }
        E::PeerRefused => Ok(end(
            Final::Undeliverable(Undeliverable::Indeterminate),
            Why::PeerRefused,
            facts,
        )),
        E::PeerUnknown => {
            let due = now.plus(facts.timers.peer_retry).min(facts.expires_at);
            Ok(moved(state, vec![Effect::SetDue(due)], Why::PeerRetry))
        }
        E::CancelRequested => Ok(end(Final::Cancelled, Why::Cancelled, facts)),
        E::Granted
        | E::Denied
        | E::ContentServed
        | E::ContentBroken
        | E::HandsetRetrieved
        | E::HandsetDeferred
        | E::HandsetRejected
        | E::HandsetUnrecognised
        | E::TellingFailed
        | E::DeletedByRecipient
        | E::ForwardedByRecipient
        | E::Adapted
        | E::NotAdapted => Err(Illegal),
    }
}

/// Final is final: whatever a handset or peer still says is answered and changes nothing.
fn ended(state: &CopyState, event: CopyEvent) -> Result<Step, Illegal> {
    match event {
        CopyEvent::Granted | CopyEvent::Denied => Err(Illegal),
        CopyEvent::Due
        | CopyEvent::ContentServed
        | CopyEvent::ContentBroken
        | CopyEvent::HandsetRetrieved
        | CopyEvent::HandsetDeferred
        | CopyEvent::HandsetRejected
        | CopyEvent::HandsetUnrecognised
        | CopyEvent::TellingFailed
        | CopyEvent::DeletedByRecipient
        | CopyEvent::ForwardedByRecipient
        | CopyEvent::CancelRequested
        | CopyEvent::PeerAccepted
        | CopyEvent::PeerRefused
        | CopyEvent::PeerUnknown
        | CopyEvent::Adapted
        | CopyEvent::NotAdapted => Ok(stay(state, Why::TooLate)),
    }
}
