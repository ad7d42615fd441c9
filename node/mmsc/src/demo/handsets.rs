//! The demo handsets: what they do when a push reaches them, told step by step.

use std::time::Duration;

use mmsc_peers::Msisdn;
use mmsc_peers::handset::{self, Client, Fetched, Notification, SubmitReply, Told};
use mmsc_peers::ledger::Digest;
use mmsc_peers::smsc::Push;
use mmsc_wire::mms::Status;

use super::say::say;
use super::stage::{ALICE, BOB, Stage, number, order};

/// What came of a push.
pub(super) enum Seen {
    /// A message was fetched; the digest of its parts.
    Retrieved(Digest),
    /// A delivery report came.
    Reported {
        /// About which message.
        of: String,
        /// It says "retrieved".
        retrieved: bool,
    },
    /// Something else.
    Nothing,
}

/// The handsets and their way to MM1.
pub(super) struct Handsets {
    client: Client,
    address: String,
    letter: Result<mmsc_peers::message::Letter, String>,
}

/// For the answer to one request.
const DEADLINE: Duration = Duration::from_secs(20);

impl Handsets {
    pub(super) fn new(stage: &Stage) -> Self {
        Self {
            client: Client::new(stage.ports.clone(), stage.mm1.to_string(), DEADLINE),
            address: stage.mm1.to_string(),
            letter: stage.letter(&order(1, BOB)),
        }
    }

    /// Alice submits the first message; its Message-ID and the digest of its parts.
    pub(super) async fn send_first(&mut self) -> Result<(String, Digest), String> {
        let letter = self.letter.clone()?;
        let size = letter.pdu.len();
        say(&format!(
            "→ Alice (+{ALICE}) submits a picture to Bob (+{BOB}) on MM1: m-send-req, {size} octets"
        ));
        say(&format!("     SHA-256 of its parts {}", letter.digest));
        let reply = handset::submit(&mut self.client, number(ALICE)?, letter.pdu).await;
        match reply.map_err(|error| error.to_string())? {
            SubmitReply::Confirmed {
                message_id: Some(id), ..
            } => {
                say(&format!("← m-send-conf Ok, stored durably. Message-ID {id}"));
                Ok((id, letter.digest))
            }
            SubmitReply::Confirmed { status, text, .. } => Err(format!(
                "the submission was refused: 0x{status:02x} {}",
                text.unwrap_or_default()
            )),
            SubmitReply::Http { status, .. } => Err(format!("the submission was answered HTTP {status}")),
        }
    }

    /// A push reaches a handset.
    pub(super) async fn take(&mut self, push: &Push) -> Result<Seen, String> {
        let who: Msisdn = push.to.parse().map_err(|_| format!("a push to {}", push.to))?;
        let name = name_of(who);
        say(&format!(
            "← SMPP: WAP push to {name} in {} short message(s), {} octets",
            push.segments,
            push.wsp.len()
        ));
        match push.told.clone()? {
            Told::Notification(notification) => self.notified(who, &name, &notification).await,
            Told::DeliveryReport {
                message_id, to, status, ..
            } => {
                let status_name = status_name(status);
                say(&format!(
                    "     m-delivery-ind at {name}: {message_id} to {to}: {status_name}"
                ));
                Ok(Seen::Reported {
                    of: message_id,
                    retrieved: status == Status::Retrieved.octet(),
                })
            }
            other @ (Told::ReadReport { .. } | Told::Cancel { .. } | Told::Other(_)) => {
                say(&format!("     {other:?}"));
                Ok(Seen::Nothing)
            }
        }
    }

    async fn notified(&mut self, who: Msisdn, name: &str, about: &Notification) -> Result<Seen, String> {
        say(&format!(
            "     m-notification-ind: {} octets at {}",
            about.size, about.location
        ));
        if who.digits() != ALICE && who.digits() != BOB {
            say("     nobody is behind this number: fetch it yourself with");
            say(&format!(
                "curl -s -H 'X-MSISDN: {who}' {} -o fetched.mms",
                about.location
            ));
            return Ok(Seen::Nothing);
        }
        say(&format!(
            "→ {name} fetches it: GET {}",
            path(&about.location, &self.address)
        ));
        let fetched = handset::retrieve(&mut self.client, who, &about.location).await;
        let digest = match fetched.map_err(|error| error.to_string())? {
            Fetched::Message { digest, octets, .. } => {
                say(&format!("← m-retrieve-conf, {octets} octets"));
                say(&format!("     SHA-256 of its parts {digest}"));
                digest
            }
            Fetched::Refused(status) => return Err(format!("the retrieval was refused: 0x{status:02x}")),
            Fetched::Http(status) => return Err(format!("the retrieval was answered HTTP {status}")),
        };
        let told = handset::notify_response(&mut self.client, who, &about.transaction_id, Status::Retrieved).await;
        match told.map_err(|error| error.to_string())? {
            200 => say(&format!("→ {name} acknowledges: m-notifyresp-ind Retrieved")),
            status => return Err(format!("the acknowledgement was answered HTTP {status}")),
        }
        Ok(Seen::Retrieved(digest))
    }
}

fn name_of(who: Msisdn) -> String {
    match who.digits() {
        ALICE => "Alice".to_owned(),
        BOB => "Bob".to_owned(),
        _ => who.to_string(),
    }
}

fn path<'a>(location: &'a str, address: &str) -> &'a str {
    location.split_once(address).map_or(location, |(_, path)| path)
}

fn status_name(octet: u8) -> String {
    Status::from_octet(octet).map_or_else(|| format!("0x{octet:02x}"), |status| status.name().to_owned())
}
