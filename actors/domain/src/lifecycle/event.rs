//! What goes into a decision about a copy, and what comes out of it.

use std::time::Duration;

use crate::inbox::DeliveryStatus;
use crate::lifecycle::state::CopyState;
use crate::time::UnixMillis;
use crate::why::Why;

/// What can happen to a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CopyEvent {
    /// Screening let the MM pass; where the copy goes is in [`Facts::leads`].
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

impl CopyEvent {
    /// All of them, in the order of the table.
    pub const ALL: [Self; 18] = [
        Self::Granted,
        Self::Denied,
        Self::Due,
        Self::ContentServed,
        Self::ContentBroken,
        Self::HandsetRetrieved,
        Self::HandsetDeferred,
        Self::HandsetRejected,
        Self::HandsetUnrecognised,
        Self::TellingFailed,
        Self::DeletedByRecipient,
        Self::ForwardedByRecipient,
        Self::CancelRequested,
        Self::PeerAccepted,
        Self::PeerRefused,
        Self::PeerUnknown,
        Self::Adapted,
        Self::NotAdapted,
    ];
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

/// What is to be done, as data. All of it is written in the transaction that writes the new state. Delivery time and
/// expiry are the same for all copies of an MM, so they are the MM's own due entry and need no effect here; a copy's
/// own due entry is for what comes earlier (grace after serving, retry to a peer).
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

/// The answer of [`step`](super::step).
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
