//! What every HTTP interface needs around hyper: a server with limits, drain and supervision, bodies with limits, and
//! hyper's runtime traits over [`mmsc_ports`].
//!
//! | file | what |
//! |---|---|
//! | `server.rs` | accepts connections, caps them, drains them, restarts itself |
//! | `connection.rs` | one connection: TLS, HTTP/1.1 or HTTP/2, idle limit |
//! | `guard.rs` | the octet stream under hyper: stalled peers, octet counts, "the last octet left" |
//! | `framing.rs` | refuses requests that two readers could frame differently |
//! | `body.rs` | request bodies with limits, response bodies without copies |
//! | `network.rs` | address ranges of trusted peers |
//! | `tls.rs` | certificate and key |
//! | `runtime.rs` | hyper's timer and executor |

mod body;
mod connection;
mod framing;
mod guard;
mod network;
mod runtime;
mod server;
mod tls;

#[cfg(test)]
mod tests;

pub use body::{BodyBudget, BodyError, BodyLimits, Chunk, Chunks, discard_body, read_body};
pub use guard::Departures;
pub use network::{Network, NetworkError};
pub use server::{Handler, Peer, Server, ServerConfig, ServerError};
pub use tls::{TlsError, TlsFiles};
