//! MM1: handsets (3GPP TS 23.140 annex B, OMA MMS encapsulation 1.0 to 1.3) over HTTP/1.1 and HTTP/2.
//!
//! | a client sends | it gets | file |
//! |---|---|---|
//! | POST m-send-req | m-send-conf, once the message is durable or refused | `submit.rs` |
//! | POST m-notifyresp-ind, m-acknowledge-ind | empty 200, once it is durable | `post.rs` |
//! | GET, HEAD of a token | m-retrieve-conf, part octets where they lie | `retrieve.rs` |
//! | POST m-forward-req | m-forward-conf, once the new message is durable or refused | `forward.rs` |
//! | POST m-delete-req | m-delete-conf with a status for each location | `recipient.rs` |
//! | POST m-read-rec-ind | empty 200, once the originator's report is durable or nobody wants it | `recipient.rs` |
//! | POST m-cancel-conf | empty 200, once it is durable | `post.rs` |
//! | POST m-mbox-store/view/upload/delete-req | their confirmation, once it is durable; with 0xE1 where MMBox is not offered | `mmbox.rs` |
//! | GET, HEAD of a stored message's token, by its owner | m-retrieve-conf with state and keywords | `retrieve.rs` |
//! | POST of what only a relay sends, or of a reserved type | m-send-conf with 0x88, or 400 without transaction id | `post.rs` |
//! | POST of another major version | m-send-conf with 0x88 in version 1.3 | `post.rs` |
//! | POST while there is no credit for it | 503 as soon as its head is there; its body is not read | `post.rs` |
//! | anything else | 400, 403, 405, 408, 413, 415, 503 | `replies.rs` |
//!
//! `identity.rs` says who a request is from; `translate.rs` turns wire into domain and back; `replies.rs` turns our
//! errors into MM1's words; `notify.rs` is the other direction, telling handsets by push.
//!
//! A request with an identity is also a sighting of that handset: the relay hears of it
//! ([`Commands::subscriber_seen`]), so that messages that wait for an absent handset are told, and from time to time of
//! what the handset says about itself ([`Commands::terminal_seen`]).

mod commands;
mod config;
mod forward;
mod handler;
mod identity;
mod mmbox;
mod notify;
mod post;
mod recipient;
pub mod replies;
mod respond;
mod retrieve;
mod seen;
mod submit;
mod terminal;
mod translate;

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use mmsc_domain::UnixMillis;
use mmsc_ports::{BoxFuture, Ports};
use mmsc_relay::Relay;

pub use commands::{Commands, ContentAway};
pub use config::{ForeignFrom, Mm1Config, Mm1Limits, NotifyConfig, Unidentified};
pub use identity::{BadIdentity, Identity, IdentityForm, IdentityHeader, IdentitySource};
pub use notify::{Mm1Notifier, PushForm, push_pdu};
pub use translate::{
    RetrieveError, StorePlace, Submission, SubmitError, retrieve_conf, retrieve_refused, retrieve_stored, submission,
};

use crate::ended::Ended;
use crate::http::{Server, ServerError};
use crate::metrics::Mm1Metrics;
use handler::Service;

/// Running MM1. Dropping it closes everything at once; [`Mm1::drain`] first finishes what runs. Its accepting task is
/// supervised and restarts alone; the whole is restarted by starting another one.
pub struct Mm1 {
    server: Server,
}

/// Why MM1 did not start; each is for the operator to mend.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The listener.
    #[error("mm1: {0}")]
    Server(#[from] ServerError),
    /// A configured identity header has a name that no header can have.
    #[error("mm1: `{0}` cannot be the name of a header")]
    IdentityHeader(String),
    /// The public URL cannot be put into a notification.
    #[error("mm1: public_url {0}")]
    PublicUrl(&'static str),
}

/// The longest Content-Location that every client handles (digest 21), less a slash and a token.
const MAX_PUBLIC_URL: usize = 100 - 23;

impl Mm1 {
    /// Listens, and answers handsets for `relay`.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn start(
        config: Mm1Config,
        relay: Relay,
        metrics: Arc<Mm1Metrics>,
        ports: &Ports,
    ) -> Result<Self, StartError> {
        Self::start_with(config, Arc::new(relay), metrics, ports).await
    }

    /// Listens, and answers handsets for whatever carries out `commands`.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn start_with(
        config: Mm1Config,
        commands: Arc<dyn Commands>,
        metrics: Arc<Mm1Metrics>,
        ports: &Ports,
    ) -> Result<Self, StartError> {
        check_public_url(&config.public_url)?;
        let server = config.server();
        let service = Service::new(config, commands, ports, metrics.clone()).map_err(StartError::IdentityHeader)?;
        let server = Server::start(server, Arc::new(service), metrics.http.clone(), ports).await?;
        Ok(Self { server })
    }

    /// Where it listens, with the real port.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Completes when MM1 no longer takes connections, although it was not drained: it has to be started anew.
    #[must_use]
    pub fn ended(&self) -> BoxFuture<'static, Ended> {
        self.server.ended()
    }

    /// Stops taking connections and requests, and finishes those that run, for at most `limit`. True if all were
    /// finished.
    pub async fn drain(self, limit: Duration) -> bool {
        self.server.drain(limit).await
    }
}

/// Content-Locations are printable ASCII without spaces, at most 100 octets long, and end in the token (digest 11.3).
///
/// # Errors
/// What is wrong with it, for the operator.
pub fn check_public_url(url: &str) -> Result<(), StartError> {
    if !(url.starts_with("http://") || url.starts_with("https://")) {
        return Err(StartError::PublicUrl("must begin with http:// or https://"));
    }
    if !url.bytes().all(|octet| octet.is_ascii_graphic()) || url.contains(['?', '#']) {
        return Err(StartError::PublicUrl(
            "must be printable ASCII without spaces, query and fragment",
        ));
    }
    if url.len() > MAX_PUBLIC_URL {
        return Err(StartError::PublicUrl("must have at most 77 characters"));
    }
    Ok(())
}

/// The node's time as the domain counts it: both in milliseconds since 1970.
fn domain_time(now: mmsc_ports::UnixMillis) -> UnixMillis {
    UnixMillis(now.0)
}
