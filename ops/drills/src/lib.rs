//! Failover drills: programs that hurt a real node on purpose while real traffic runs, and give a verdict.
#![forbid(unsafe_code)]

pub mod kill;
pub mod overload;
mod rig;

use mmsc_peers::PeerError;
use thiserror::Error;

/// Why a drill came to no verdict. A broken promise is a verdict, not an error.
#[derive(Debug, Error)]
pub enum DrillError {
    /// A stub peer, or the process of the node, failed.
    #[error(transparent)]
    Peer(#[from] PeerError),
    /// Something did not happen in time.
    #[error("{what} within {seconds} s; the node's log is {log}")]
    Late {
        /// What.
        what: String,
        /// The limit.
        seconds: u64,
        /// Where to look.
        log: String,
    },
}
