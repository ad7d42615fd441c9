//! Stub peers of an MMS Relay/Server — handsets, an SMSC, a push proxy gateway, the process of a node — and the ledger that holds what they
//! saw against what the node promised. Shared by the demo, the drills, the load generator and the tests.
#![forbid(unsafe_code)]

pub mod crowd;
pub mod error;
pub mod handset;
pub mod ledger;
pub mod message;
pub mod msisdn;
pub mod node;
pub mod ppg;
pub mod sender;
pub mod smsc;

pub use error::PeerError;
pub use msisdn::Msisdn;

/// Clock, sockets, tasks and randomness, for who drives the peers.
pub use mmsc_ports as ports;
