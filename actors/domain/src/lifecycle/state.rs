//! Where a copy can stand.

use minicbor::{Decode, Encode};

use crate::inbox::DeliveryStatus;

/// The state of a copy, named for what it waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Encode, Decode)]
pub enum CopyState {
    /// For the answers of outside parties; the submitter has no answer yet.
    #[n(0)]
    Screening,
    /// For its delivery time.
    #[n(1)]
    Scheduled,
    /// For the handset: its notification is on the way or was told.
    #[n(2)]
    Telling,
    /// For the handset, which said that it will fetch later.
    #[n(3)]
    Deferred,
    /// For the handset's word about the content that it was served.
    #[n(4)]
    Served,
    /// For the transcoder.
    #[n(5)]
    Adapting,
    /// For a peer to take it over.
    #[n(6)]
    Forwarding,
    /// For nothing.
    #[n(7)]
    Final(#[n(0)] Final),
}

/// How a copy ended. Final is final.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub enum Final {
    /// The recipient has it.
    #[n(0)]
    Retrieved,
    /// The recipient did not want it.
    #[n(1)]
    Rejected,
    /// A peer took it over, or the recipient had it forwarded.
    #[n(2)]
    Forwarded,
    /// Its time ran out.
    #[n(3)]
    Expired,
    /// The recipient had it deleted unretrieved.
    #[n(4)]
    Deleted,
    /// Its originator or an operator took it back.
    #[n(5)]
    Cancelled,
    /// It cannot be delivered.
    #[n(6)]
    Undeliverable(#[n(0)] Undeliverable),
    /// Sent to a legacy handset by other means.
    #[n(7)]
    Converted,
}

/// Why a copy cannot be delivered; MM1 and MM4 have a status for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum Undeliverable {
    /// The recipient cannot be reached (Unreachable).
    #[n(0)]
    Unreachable,
    /// The handset does not understand notifications (Unrecognised).
    #[n(1)]
    Unrecognised,
    /// Nothing more is known (Indeterminate).
    #[n(2)]
    Indeterminate,
}

impl CopyState {
    /// Nothing can change any more.
    #[must_use]
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Final(_))
    }
}

impl CopyState {
    /// Whether the content left whole for the recipient's handset, so that a cancellation has to be told to it. (One
    /// that was only notified finds nothing any more, and does not know the Message-ID that would be named to it.)
    #[must_use]
    pub fn is_with_handset(&self) -> bool {
        match self {
            Self::Served | Self::Final(Final::Retrieved) => true,
            Self::Screening
            | Self::Scheduled
            | Self::Telling
            | Self::Deferred
            | Self::Adapting
            | Self::Forwarding
            | Self::Final(
                Final::Rejected
                | Final::Forwarded
                | Final::Expired
                | Final::Deleted
                | Final::Cancelled
                | Final::Undeliverable(_)
                | Final::Converted,
            ) => false,
        }
    }
}

impl Final {
    /// What a delivery report says of it (MM1 digest 6.4, 14.5).
    #[must_use]
    pub fn delivery_status(self) -> DeliveryStatus {
        match self {
            Self::Retrieved | Self::Converted => DeliveryStatus::Retrieved,
            Self::Rejected | Self::Deleted => DeliveryStatus::Rejected,
            Self::Forwarded => DeliveryStatus::Forwarded,
            Self::Expired => DeliveryStatus::Expired,
            Self::Cancelled => DeliveryStatus::Indeterminate,
            Self::Undeliverable(Undeliverable::Unreachable) => DeliveryStatus::Unreachable,
            Self::Undeliverable(Undeliverable::Unrecognised) => DeliveryStatus::Unrecognised,
            Self::Undeliverable(Undeliverable::Indeterminate) => DeliveryStatus::Indeterminate,
        }
    }
}
