//! What is to become an MM, on its way there; what is asked of it once, and what makes it the same as another.

use std::sync::OnceLock;

use mmsc_domain::command::{Forward, Submit};
use mmsc_domain::profile::SubscriberProfile;
use mmsc_domain::record::ContentRef;
use mmsc_domain::{Address, CopyIndex, MmId, UnixMillis};
use mmsc_store::Staged;
use sha2::{Digest as _, Sha256};

use crate::context::Context;
use crate::fan_outs::{self, Counted};

/// What is to become an MM.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "it travels in the box of its work")]
pub enum Incoming {
    /// A submission with its content; none if it is empty.
    Submit(Submit, Option<Staged>),
    /// A message of ours that is passed on.
    Forward(Forward),
}

impl Incoming {
    pub(super) fn originator(&self) -> &Address {
        match self {
            Self::Submit(submit, _) => &submit.originator,
            Self::Forward(forward) => &forward.forwarder,
        }
    }
}

/// A submission on its way to becoming an MM.
#[derive(Debug)]
pub struct AcceptWork {
    /// The command.
    pub incoming: Incoming,
    /// Its sender is not to pay for it.
    pub claims: Option<Claims>,
    /// Names it among repeats; none if the interface has no transaction ids.
    pub digest: Option<[u8; 32]>,
    /// Whether its sender may send so soon; asked once, however often the transaction runs.
    within_rate: OnceLock<bool>,
    /// Whether its content goes to too many; counted once, likewise.
    fanned_out: OnceLock<bool>,
}

impl AcceptWork {
    /// Nothing asked yet.
    pub fn new(incoming: Incoming, claims: Option<Claims>) -> Self {
        Self {
            claims,
            digest: digest(&incoming),
            incoming,
            within_rate: OnceLock::new(),
            fanned_out: OnceLock::new(),
        }
    }

    pub(super) fn is_within_rate(&self, ctx: &Context, sender: &SubscriberProfile, now: UnixMillis) -> bool {
        *self.within_rate.get_or_init(|| {
            ctx.policy
                .rate_of(sender)
                .is_none_or(|rate| ctx.rates.take(self.incoming.originator(), rate, now).is_ok())
        })
    }

    /// Counts what is about to be accepted; whether it is refused for going to too many.
    pub(super) fn is_fanned_out(
        &self,
        ctx: &Context,
        submit: &Submit,
        content: &ContentRef,
        recipients: usize,
    ) -> bool {
        *self.fanned_out.get_or_init(|| {
            let what = Counted {
                sender: &submit.originator,
                sha256: &content.sha256,
                content_len: content.len,
                recipients: u64::try_from(recipients).unwrap_or(u64::MAX),
            };
            fan_outs::refuses(ctx, submit.interface, what)
        })
    }
}

/// The copy whose recipient replies, and is not to pay for it; none where it is no recipient of that message at all.
#[derive(Clone, Copy, Debug)]
pub struct Claims {
    /// The original.
    pub original: MmId,
    /// The replier's copy.
    pub copy: Option<CopyIndex>,
}

/// What makes two submissions the same: transaction id, sorted recipients and body; dates are left out. What is passed
/// on has the token of its original in place of the body.
#[must_use]
pub fn digest(incoming: &Incoming) -> Option<[u8; 32]> {
    let (key, recipients) = match incoming {
        Incoming::Submit(submit, _) => (submit.duplicate.as_ref()?, &submit.recipients),
        Incoming::Forward(forward) => (forward.duplicate.as_ref()?, &forward.recipients),
    };
    let mut hash = Sha256::new();
    let mut part = |octets: &[u8]| {
        hash.update(u64::try_from(octets.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(octets);
    };
    part(&[key.interface as u8]);
    part(key.scope.as_bytes());
    part(&key.transaction_id);
    let mut recipients: Vec<String> = recipients.iter().map(|to| to.address.to_string()).collect();
    recipients.sort_unstable();
    for recipient in &recipients {
        part(recipient.as_bytes());
    }
    match incoming {
        Incoming::Submit(submit, content) => {
            part(submit.subject.as_deref().unwrap_or_default().as_bytes());
            part(submit.media_type.essence.as_bytes());
            if let Some(content) = content {
                part(&content.sha256);
            }
        }
        Incoming::Forward(forward) => part(&forward.token.0),
    }
    Some(hash.finalize().into())
}
