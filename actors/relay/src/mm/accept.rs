//! Accepting: one transaction writes the whole MM, or finds that it was accepted before.

use std::sync::OnceLock;

use mmsc_domain::accept::{Admission, admit};
use mmsc_domain::command::{Accepted, Submit};
use mmsc_domain::freeze;
use mmsc_domain::lifecycle::{CopyEvent, CopyState, Leads};
use mmsc_domain::profile::SubscriberProfile;
use mmsc_domain::record::{ContentRef, CopyRecord, MmHead, Recipient};
use mmsc_domain::why::Refusal;
use mmsc_domain::{CopyIndex, MmId, Token, UnixMillis, Why};
use mmsc_ring::Fence;
use mmsc_store::{Holder, Staged, Txn};
use sha2::{Digest as _, Sha256};

use crate::context::{Context, Stop};
use crate::keys::{self, DueEntry, DueItem};
use crate::mm::change::{After, Change, DUPLICATE_WINDOW};
use crate::port::Screened;
use crate::records::{DuplicateRow, encode, read};

/// Recipients up to this many get their copies in the accepting transaction (design §3.6).
pub const INLINE_RECIPIENTS: usize = 100;

/// A submission on its way to becoming an MM.
#[derive(Debug)]
pub struct AcceptWork {
    /// The command.
    pub submit: Submit,
    /// Its content; none if it is empty.
    pub staged: Option<Staged>,
    /// Names it among repeats; none if the interface has no transaction ids.
    pub digest: Option<[u8; 32]>,
    /// Whether its sender may send so soon; asked once, however often the transaction runs.
    within_rate: OnceLock<bool>,
}

impl AcceptWork {
    /// Nothing asked yet.
    pub fn new(submit: Submit, staged: Option<Staged>, digest: Option<[u8; 32]>) -> Self {
        Self {
            submit,
            staged,
            digest,
            within_rate: OnceLock::new(),
        }
    }

    fn is_within_rate(&self, ctx: &Context, sender: &SubscriberProfile, now: UnixMillis) -> bool {
        *self.within_rate.get_or_init(|| {
            ctx.policy
                .rate_of(sender)
                .is_none_or(|rate| ctx.rates.take(&self.submit.originator, rate, now).is_ok())
        })
    }
}

/// What came of it.
#[derive(Debug)]
pub enum Verdict {
    /// A new MM.
    Accepted(Accepted),
    /// The first answer again.
    Duplicate(Accepted),
    /// No MM.
    Refused(Refusal),
}

/// What makes two submissions the same: transaction id, sorted recipients and body; dates are left out.
#[must_use]
pub fn digest(submit: &Submit, content: Option<&Staged>) -> Option<[u8; 32]> {
    let key = submit.duplicate.as_ref()?;
    let mut hash = Sha256::new();
    let mut part = |octets: &[u8]| {
        hash.update(u64::try_from(octets.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(octets);
    };
    part(&[key.interface as u8]);
    part(key.scope.as_bytes());
    part(&key.transaction_id);
    let mut recipients: Vec<String> = submit.recipients.iter().map(|to| to.address.to_string()).collect();
    recipients.sort_unstable();
    for recipient in &recipients {
        part(recipient.as_bytes());
    }
    part(submit.subject.as_deref().unwrap_or_default().as_bytes());
    part(submit.media_type.essence.as_bytes());
    if let Some(content) = content {
        part(&content.sha256);
    }
    Some(hash.finalize().into())
}

/// The accepting transaction.
pub async fn accept(
    ctx: &Context,
    txn: &Txn,
    fence: Fence,
    id: MmId,
    work: &AcceptWork,
) -> Result<(Verdict, After), Stop> {
    fence.check(txn).await?;
    let now = ctx.now();
    let sender_shard = ctx.shard_of(&work.submit.originator);
    if let Some(digest) = &work.digest
        && let Some(first) = first_answer(txn, sender_shard, digest, now).await?
    {
        return Ok((Verdict::Duplicate(first.answer()), After::default()));
    }
    let record = read::<SubscriberProfile>(txn, keys::subscriber(sender_shard, &work.submit.originator)).await?;
    let content_len = work.staged.as_ref().map_or(0, |staged| staged.len);
    let admitted = ctx.policy.sender(record).and_then(|profile| {
        let admission = admit(&work.submit, content_len, now, &ctx.policy, &profile)?;
        if work.is_within_rate(ctx, &profile, now) {
            Ok(admission)
        } else {
            Err(Refusal::RateExceeded)
        }
    });
    let admission = match admitted {
        Ok(admission) => admission,
        Err(refusal) => return Ok((Verdict::Refused(refusal), After::default())),
    };
    if let Screened::Denied(by) = ctx.screening.screen(&work.submit) {
        return Ok((Verdict::Refused(Refusal::Screened(by)), After::default()));
    }
    let content = content_ref(work);
    let head = admission.head(&work.submit, id, content, now);
    let accepted = Accepted {
        id,
        refused_recipients: admission.refused.clone(),
    };
    let after = write_new(ctx, txn, now, head, &admission).await?;
    if let Some(staged) = &work.staged {
        txn.adopt(staged.clone(), holder(id));
    }
    if let Some(digest) = &work.digest {
        let row = DuplicateRow {
            id,
            at: now,
            refused_recipients: accepted.refused_recipients.clone(),
        };
        txn.set(keys::duplicate(sender_shard, keys::day(now), digest), encode(&row));
    }
    Ok((Verdict::Accepted(accepted), after))
}

/// Who holds the content of an MM.
#[must_use]
pub fn holder(id: MmId) -> Holder {
    Holder(id.0.to_vec().into())
}

async fn first_answer(txn: &Txn, shard: u16, digest: &[u8; 32], now: UnixMillis) -> Result<Option<DuplicateRow>, Stop> {
    let today = keys::day(now);
    for day in [today, today.saturating_sub(1)] {
        let row = read::<DuplicateRow>(txn, keys::duplicate(shard, day, digest)).await?;
        if let Some(row) = row.filter(|row| now.since(row.at) < DUPLICATE_WINDOW) {
            return Ok(Some(row));
        }
    }
    Ok(None)
}

fn content_ref(work: &AcceptWork) -> ContentRef {
    let (id, len, sha256) = work
        .staged
        .as_ref()
        .map_or(([0; 16], 0, [0; 32]), |staged| (staged.id.0, staged.len, staged.sha256));
    ContentRef {
        id,
        len,
        sha256,
        media_type: work.submit.media_type.clone(),
        parts: work.submit.parts.clone(),
    }
}

async fn write_new(
    ctx: &Context,
    txn: &Txn,
    now: UnixMillis,
    head: MmHead,
    admission: &Admission,
) -> Result<After, Stop> {
    txn.set(keys::head(head.id), encode(&head));
    let mut change = Change::of_new(ctx, txn, now, head);
    let due_at = change.progress().await?.due_at;
    let entity = change.entity();
    change.set_due(&DueEntry {
        at: due_at,
        entity,
        item: DueItem::Whole,
    });
    if admission.recipients.len() <= INLINE_RECIPIENTS {
        for (index, routed) in (0u32..).zip(&admission.recipients) {
            new_copy(
                &mut change,
                CopyIndex(index),
                routed.recipient.clone(),
                routed.leads,
                CopyEvent::Granted,
            )
            .await?;
        }
    } else {
        freeze_list(&mut change, admission).await?;
    }
    change.finish().await
}

/// Writes one new copy with its token, and lets it take its first step: granted, or cancelled before its turn came.
pub async fn new_copy(
    change: &mut Change<'_>,
    index: CopyIndex,
    recipient: Recipient,
    routed: Leads,
    first: CopyEvent,
) -> Result<(), Stop> {
    let id = change.head.id;
    let record = recipient_record(change, &recipient, routed).await?;
    let leads = change.ctx.policy.recipient_leads(routed, record.as_ref());
    let token = Token::mint(id.shard(), change.ctx.random());
    change.txn.set(keys::token(token), keys::token_value(id, index));
    let copy = CopyRecord {
        index,
        recipient,
        token,
        state: CopyState::Screening,
        why: Why::Accepted,
        since: change.now,
        due_at: None,
        told_due_at: None,
        report_refused: record.is_some_and(|record| record.delivery_reports_refused),
    };
    change.insert(copy, true);
    change.event(index, first, Some(leads)).await?;
    Ok(())
}

/// What the recipient's own record says, where the copy leads to a subscriber of ours.
async fn recipient_record(
    change: &Change<'_>,
    recipient: &Recipient,
    routed: Leads,
) -> Result<Option<SubscriberProfile>, Stop> {
    if routed != Leads::Here {
        return Ok(None);
    }
    let key = keys::subscriber(change.ctx.shard_of(&recipient.address), &recipient.address);
    read::<SubscriberProfile>(change.txn, key).await
}

/// A long list is accepted whole: its pieces are written now, its copies later, in bounded transactions; the due
/// entry of the MM stands at once, so that a crash in between is made good by the scan.
async fn freeze_list(change: &mut Change<'_>, admission: &Admission) -> Result<(), Stop> {
    let recipients: Vec<Recipient> = admission
        .recipients
        .iter()
        .map(|routed| routed.recipient.clone())
        .collect();
    for (number, chunk) in (0u32..).zip(freeze::freeze(&recipients)) {
        change.txn.set(keys::frozen(change.head.id, number), chunk);
    }
    let progress = change.progress_mut().await?;
    progress.expanded = 0;
    progress.open = 0;
    let now = change.now;
    change.move_whole_due(now).await?;
    change.after.pokes.push(crate::tree::Poke::Mm { id: change.head.id });
    Ok(())
}
