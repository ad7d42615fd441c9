//! The one place that decides what happens to a copy.

use super::event::{CopyEvent, Effect, Facts, Illegal, Leads, Step};
use super::state::{CopyState, Final, Undeliverable};
use crate::time::UnixMillis;
use crate::why::Why;

/// What happens to a copy in `state` when `event` comes at `now`. Numbers such as 14.5 name clauses of the MM1 digest
/// (the rows there follow TS 23.140 clauses 7.1 and 8.1).
///
/// An event that comes too late for a final copy changes nothing and says so ([`Why::TooLate`]); one that makes no
/// sense in its state is [`Illegal`].
///
/// # Errors
/// [`Illegal`]: the caller or a peer got something wrong; it is counted and nothing changes.
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

/// One final report per recipient (MM1 digest 14.5).
fn may_report(how: Final, facts: &Facts) -> bool {
    match how {
        Final::Retrieved | Final::Rejected | Final::Forwarded | Final::Deleted => !facts.report_refused,
        // A copy that a peer delivers is reported on by that peer, and a cancelled one was taken back by the one
        // who would be told.
        Final::Cancelled => false,
        Final::Expired | Final::Undeliverable(_) | Final::Converted => true,
    }
}

/// Accepting: the copy is told now, told later, handed to a peer, or is undeliverable from the start. Until then the
/// submitter has no answer, so it is told in the answer and never by a report (consistency rule 13).
fn screening(event: CopyEvent, now: UnixMillis, facts: &Facts) -> Result<Step, Illegal> {
    use CopyEvent as E;
    match event {
        E::Granted => Ok(granted(now, facts)),
        E::Denied => Ok(not_accepted(Final::Rejected, Why::ScreeningRefused, facts)),
        E::Due if now >= facts.expires_at => Ok(not_accepted(Final::Expired, Why::ExpiryReached, facts)),
        E::Due => Ok(stay(&CopyState::Screening, Why::NotDue)),
        E::CancelRequested => Ok(not_accepted(Final::Cancelled, Why::Cancelled, facts)),
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

fn not_accepted(how: Final, why: Why, facts: &Facts) -> Step {
    let effects = facts.due_at.map(|_| Effect::ClearDue).into_iter().collect();
    moved(CopyState::Final(how), effects, why)
}

fn granted(now: UnixMillis, facts: &Facts) -> Step {
    // Whoever was asked took longer than the message lives.
    if now >= facts.expires_at {
        return end(Final::Expired, Why::ExpiryReached, facts);
    }
    match facts.leads {
        Leads::Nowhere(why) => end(undelivered(why), why, facts),
        // X-Mms-Delivery-Time: earliest delivery (MM1 digest 5, 14.5).
        Leads::Here | Leads::Peer if facts.deliver_at.is_some_and(|at| at > now) => {
            moved(CopyState::Scheduled, Vec::new(), Why::AcceptedForLater)
        }
        Leads::Here => moved(CopyState::Telling, vec![Effect::Notify], Why::Accepted),
        Leads::Peer => hand_to_peer(now, facts, Why::AcceptedForPeer),
    }
}

/// What a copy that leads nowhere ends as: refused on the recipient's behalf, or out of reach (MM1 digest 14.5:
/// unknown subscriber, Unreachable).
fn undelivered(why: Why) -> Final {
    if why == Why::RecipientPolicy {
        Final::Rejected
    } else {
        Final::Undeliverable(Undeliverable::Unreachable)
    }
}

/// An attempt towards a peer. Its due entry is written before it is made: were the node to die in between, the copy
/// would otherwise wait for its expiry.
fn hand_to_peer(now: UnixMillis, facts: &Facts, why: Why) -> Step {
    moved(
        CopyState::Forwarding,
        vec![Effect::HandToPeer, Effect::SetDue(peer_due(now, facts))],
        why,
    )
}

fn peer_due(now: UnixMillis, facts: &Facts) -> UnixMillis {
    now.plus(facts.timers.peer_retry).min(facts.expires_at)
}

/// Waiting for X-Mms-Delivery-Time (MM1 digest 14.5, "Accepted").
fn scheduled(event: CopyEvent, now: UnixMillis, facts: &Facts) -> Result<Step, Illegal> {
    use CopyEvent as E;
    match event {
        E::Due if now >= facts.expires_at => Ok(end(Final::Expired, Why::ExpiryReached, facts)),
        E::Due if facts.deliver_at.is_none_or(|at| at <= now) => Ok(match facts.leads {
            Leads::Here => moved(CopyState::Telling, vec![Effect::Notify], Why::DeliveryTimeReached),
            Leads::Peer => hand_to_peer(now, facts, Why::DeliveryTimeReached),
            // The route went away meanwhile.
            Leads::Nowhere(why) => end(undelivered(why), why, facts),
        }),
        E::Due => Ok(stay(&CopyState::Scheduled, Why::NotDue)),
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

/// Telling, Deferred and, for what a handset says meanwhile, Adapting: the handset knows of the message or is about to.
/// When it is told again is not decided here but by [`crate::telling::step`].
fn waiting_for_handset(state: &CopyState, event: CopyEvent, now: UnixMillis, facts: &Facts) -> Result<Step, Illegal> {
    use CopyEvent as E;
    match event {
        // 14.5: any not final | Expiry | Expired.
        E::Due if now >= facts.expires_at => Ok(end(Final::Expired, Why::ExpiryReached, facts)),
        E::Due => Ok(stay(state, Why::NotDue)),
        // 14.4: the complete 200 response starts the grace, nothing less. A handset that has the content is not told
        // of it again, whether or not it ever answers.
        E::ContentServed => {
            let due = now.plus(facts.timers.served_grace).min(facts.expires_at);
            Ok(moved(
                CopyState::Served,
                vec![Effect::StopTelling, Effect::SetDue(due)],
                Why::ContentServed,
            ))
        }
        E::ContentBroken => Ok(stay(state, Why::ServingBroken)),
        // 14.3: either answer counts in either flow.
        E::HandsetRetrieved => Ok(end(Final::Retrieved, Why::HandsetRetrieved, facts)),
        E::HandsetDeferred if *state == CopyState::Deferred => Ok(stay(state, Why::HandsetDeferred)),
        // 14.5: Notified | notifyresp Deferred | Deferred. It stops re-notification, is no delivery, and nobody is
        // reported to.
        E::HandsetDeferred => Ok(moved(
            CopyState::Deferred,
            vec![Effect::StopTelling],
            Why::HandsetDeferred,
        )),
        // 14.5: Notified, Deferred | notifyresp Rejected | Rejected (final). **What happens when a handset rejects a
        // notification**: telling stops, the originator who asked gets a report "Rejected" unless the handset forbade
        // reports, and the content goes when the last copy of the MM is final.
        E::HandsetRejected => Ok(end(Final::Rejected, Why::HandsetRejected, facts)),
        // 14.5: Notified | notifyresp Unrecognised | final. (Telling again in a lower version is not done.)
        E::HandsetUnrecognised => Ok(end(
            Final::Undeliverable(Undeliverable::Unrecognised),
            Why::HandsetUnrecognised,
            facts,
        )),
        // 14.5: Notify | permanent bearer failure | failed (final), Unreachable.
        E::TellingFailed if *state == CopyState::Telling => Ok(end(
            Final::Undeliverable(Undeliverable::Unreachable),
            Why::BearerRefused,
            facts,
        )),
        // A handset that deferred or is fetching was reached: an old failure of the bearer no longer counts.
        E::TellingFailed => Ok(stay(state, Why::TooLate)),
        // 14.5: Notified, Deferred | m-delete-req, m-forward-req.
        E::DeletedByRecipient => Ok(end(Final::Deleted, Why::DeletedByRecipient, facts)),
        E::ForwardedByRecipient => Ok(end(Final::Forwarded, Why::ForwardedByRecipient, facts)),
        // 14.5: any not final | cancel by the originator's application | Cancelled.
        E::CancelRequested => Ok(end(Final::Cancelled, Why::Cancelled, facts)),
        E::Granted | E::Denied | E::PeerAccepted | E::PeerRefused | E::PeerUnknown | E::Adapted | E::NotAdapted => {
            Err(Illegal)
        }
    }
}

/// The handset has the content; its word is awaited for a grace time.
fn served(event: CopyEvent, now: UnixMillis, facts: &Facts) -> Result<Step, Illegal> {
    use CopyEvent as E;
    let state = CopyState::Served;
    match event {
        // 14.4: popular handsets never answer; the complete response itself was the delivery.
        E::Due if facts.due_at.is_none_or(|at| at <= now) || now >= facts.expires_at => {
            Ok(end(Final::Retrieved, Why::GraceOver, facts))
        }
        E::Due => Ok(stay(&state, Why::NotDue)),
        // 14.5: Served | ack, notifyresp Retrieved | Retrieved (final).
        E::HandsetRetrieved => Ok(end(Final::Retrieved, Why::HandsetRetrieved, facts)),
        // Served again (a lost response): the first serving's grace goes on.
        E::ContentServed => Ok(stay(&state, Why::ContentServed)),
        E::ContentBroken => Ok(stay(&state, Why::ServingBroken)),
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
        // The handset fetches again and gets the variant, or the original; it need not be told.
        E::Adapted => Ok(moved(CopyState::Deferred, vec![Effect::StopTelling], Why::Adapted)),
        E::NotAdapted => Ok(moved(CopyState::Deferred, vec![Effect::StopTelling], Why::NotAdapted)),
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

/// A peer is to take the copy over. "Unknown" is an outcome of its own: the same ids are sent again.
fn forwarding(event: CopyEvent, now: UnixMillis, facts: &Facts) -> Result<Step, Illegal> {
    use CopyEvent as E;
    let state = CopyState::Forwarding;
    match event {
        E::Due if now >= facts.expires_at => Ok(end(Final::Expired, Why::ExpiryReached, facts)),
        E::Due if facts.due_at.is_some_and(|at| at > now) => Ok(stay(&state, Why::NotDue)),
        E::Due => Ok(hand_to_peer(now, facts, Why::PeerRetry)),
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
        E::PeerUnknown => Ok(moved(state, vec![Effect::SetDue(peer_due(now, facts))], Why::PeerRetry)),
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

/// Final is final: whatever a handset, a peer or a screening party still says is answered and changes nothing.
/// (14.5: final | any late notifyresp, ack, GET | unchanged. An answer of screening may cross a cancellation.)
fn ended(state: &CopyState, event: CopyEvent) -> Result<Step, Illegal> {
    match event {
        CopyEvent::Granted
        | CopyEvent::Denied
        | CopyEvent::Due
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
