//! Messages as a handset makes them: a SMIL presentation, a picture, a text. Reproducible by seed, and each different.
//!
//! A [`Template`] is made once; a submission copies it and varies the text, so that a load generator spends its time on
//! traffic, and its digest goes on from where the common octets end.

mod picture;

use std::time::Duration;

use bytes::Bytes;
use mmsc_wire::mms::{
    self, Body, Content, MediaType, Parameters, Part, PartHead, Pdu, SendReq, Sender, TimeValue, Version,
};
use sha2::{Digest as _, Sha256};

use crate::error::PeerError;
use crate::ledger::Digest;
use crate::msisdn::Msisdn;

/// MIBenum of UTF-8.
const UTF_8: u32 = 106;

const SMIL: &str = concat!(
    "<smil><head><layout><root-layout width=\"240\" height=\"320\"/>",
    "<region id=\"Image\" width=\"100%\" height=\"80%\" left=\"0%\" top=\"0%\" fit=\"meet\"/>",
    "<region id=\"Text\" width=\"100%\" height=\"20%\" left=\"0%\" top=\"80%\" fit=\"scroll\"/>",
    "</layout></head><body><par dur=\"5000ms\">",
    "<img src=\"picture.png\" region=\"Image\"/><text src=\"text.txt\" region=\"Text\"/>",
    "</par></body></smil>",
);

/// How large the messages of a run are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sizes {
    /// 2 KiB of parts each: what a large backlog is made of.
    Tiny,
    /// 30 KiB of parts each: the smallest content class with a picture.
    Small,
    /// 300 KiB of parts each.
    Large,
    /// Seven of ten 30 KiB, two 100 KiB, one 300 KiB.
    Mixed,
}

impl std::str::FromStr for Sizes {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "2k" => Ok(Self::Tiny),
            "30k" => Ok(Self::Small),
            "300k" => Ok(Self::Large),
            "mixed" => Ok(Self::Mixed),
            _ => Err(format!("no size {text:?}: 2k, 30k, 300k or mixed")),
        }
    }
}

/// The octets that many messages have in common.
pub struct Template {
    picture: Vec<u8>,
    /// The digest's state after the presentation and the picture.
    state: Sha256,
}

/// What varies from submission to submission.
#[derive(Clone, Debug)]
pub struct Order {
    /// The peer's number of the submission; its subject says it, so that a notification leads back to it.
    pub number: u64,
    /// To whom.
    pub to: Vec<Msisdn>,
    /// Ask for delivery reports.
    pub report: bool,
    /// X-Mms-Delivery-Time, from now.
    pub deliver_after: Option<Duration>,
    /// X-Mms-Expiry, from now.
    pub expiry: Duration,
}

impl Order {
    /// One recipient, a delivery report, an hour to live.
    #[must_use]
    pub fn to_one(number: u64, to: Msisdn) -> Self {
        Self {
            number,
            to: vec![to],
            report: true,
            deliver_after: None,
            expiry: Duration::from_secs(3600),
        }
    }
}

/// A PDU ready to be posted.
#[derive(Clone, Debug)]
pub struct Letter {
    /// `m-send-req`.
    pub pdu: Bytes,
    /// Digest of its parts.
    pub digest: Digest,
    /// X-Mms-Transaction-Id.
    pub transaction_id: String,
}

impl Template {
    /// A message of about `octets` octets of parts (at least a few kilobytes), with a picture that `seed` decides.
    #[must_use]
    pub fn new(seed: u64, octets: usize) -> Self {
        let rest = SMIL.len() + text_of(0, seed).len();
        let picture = picture::png(seed, octets.saturating_sub(rest));
        let mut state = Sha256::new();
        add(&mut state, SMIL.as_bytes());
        add(&mut state, &picture);
        Self { picture, state }
    }

    /// A submission of this message.
    pub fn letter(&self, seed: u64, order: &Order) -> Result<Letter, PeerError> {
        let text = text_of(order.number, seed);
        let mut state = self.state.clone();
        add(&mut state, text.as_bytes());
        let transaction_id = format!("T{seed:x}-{}", order.number);
        let parts = vec![
            part("application/smil", "smil", "pres.smil", None, SMIL.as_bytes()),
            part("image/png", "picture", "picture.png", None, &self.picture),
            part("text/plain", "text", "text.txt", Some(UTF_8), text.as_bytes()),
        ];
        let relative = |d: Duration| TimeValue::Relative(d.as_secs());
        let request = SendReq {
            transaction_id: transaction_id.as_str().into(),
            version: Version::V1_2,
            from: Sender::InsertAddress,
            to: order.to.iter().map(|to| to.plmn().into()).collect(),
            subject: Some(subject(order.number).into()),
            expiry: Some(relative(order.expiry)),
            delivery_time: order.deliver_after.map(relative),
            delivery_report: Some(order.report),
            content: Content::related("<smil>", parts),
            ..SendReq::default()
        };
        let mut pdu = Vec::new();
        mms::encode(&Pdu::SendReq(request), &mut pdu).map_err(|error| PeerError::Encode(error.to_string()))?;
        Ok(Letter {
            pdu: pdu.into(),
            digest: Digest(state.finalize().into()),
            transaction_id,
        })
    }
}

/// The messages of a run.
pub struct Mix {
    seed: u64,
    templates: Vec<Template>,
    /// For each of ten messages in turn, which template.
    turns: [usize; 10],
}

impl Mix {
    /// Messages of these sizes; the same seed gives the same octets.
    #[must_use]
    pub fn new(seed: u64, sizes: Sizes) -> Self {
        let (kilobytes, turns): (&[usize], _) = match sizes {
            Sizes::Tiny => (&[2], [0; 10]),
            Sizes::Small => (&[30], [0; 10]),
            Sizes::Large => (&[300], [0; 10]),
            Sizes::Mixed => (&[30, 100, 300], [0, 1, 0, 0, 2, 0, 0, 1, 0, 0]),
        };
        let template = |kb: &usize| Template::new(seed, kb * 1024);
        Self {
            seed,
            templates: kilobytes.iter().map(template).collect(),
            turns,
        }
    }

    /// The submission that `order` asks for.
    pub fn letter(&self, order: &Order) -> Result<Letter, PeerError> {
        let turn = usize::try_from(order.number % 10).unwrap_or_default();
        let template = self.turns.get(turn).and_then(|index| self.templates.get(*index));
        let template = template.ok_or_else(|| PeerError::Encode("a mix without templates".into()))?;
        template.letter(self.seed, order)
    }
}

const SUBJECT: &str = "Message ";

/// The subject that names a submission.
#[must_use]
pub fn subject(number: u64) -> String {
    format!("{SUBJECT}{number}")
}

/// The submission that a subject names.
#[must_use]
pub fn number_of_subject(subject: &str) -> Option<u64> {
    subject.strip_prefix(SUBJECT)?.parse().ok()
}

/// Digest of the parts of a received body, in their order.
#[must_use]
pub fn digest_of(content: &Content<'_>) -> Digest {
    let mut state = Sha256::new();
    match &content.body {
        Body::Multipart(parts) => parts.iter().for_each(|part| add(&mut state, part.data)),
        Body::Single(octets) => add(&mut state, octets),
    }
    Digest(state.finalize().into())
}

fn add(state: &mut Sha256, octets: &[u8]) {
    state.update((octets.len() as u64).to_be_bytes());
    state.update(octets);
}

/// The text of a message: of one length for all numbers, so that sizes do not wander.
fn text_of(number: u64, seed: u64) -> String {
    format!("Message {number:020} of the series {seed:016x}. Schöne Grüße!\n")
}

fn part<'a>(media: &'a str, id: &'a str, location: &'a str, charset: Option<u32>, data: &'a [u8]) -> Part<'a> {
    let parameters = Parameters {
        charset,
        name: Some(location.into()),
        ..Parameters::default()
    };
    let head = PartHead {
        media: MediaType {
            media: media.into(),
            parameters,
        },
        content_id: Some(format!("<{id}>").into()),
        content_location: Some(location.into()),
        ..PartHead::default()
    };
    Part { head, data }
}

#[cfg(test)]
mod tests;
