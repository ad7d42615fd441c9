//! Accepting: one transaction writes the whole MM, or finds that it was accepted before.

use std::borrow::Cow;

use bytes::Bytes;
use mmsc_domain::accept::{Admission, admit, notification};
use mmsc_domain::command::{Accepted, Forward, Submit};
use mmsc_domain::forward::{Original, forward, forward_stored};
use mmsc_domain::freeze;
use mmsc_domain::inbox::{InboxItemId, InboxKind, InboxRow, Telling};
use mmsc_domain::lifecycle::{CopyEvent, CopyState, Leads};
use mmsc_domain::mmbox::{MmBoxEntry, NotStored, Stored};
use mmsc_domain::profile::SubscriberProfile;
use mmsc_domain::record::{ContentRef, CopyRecord, MmHead, Recipient};
use mmsc_domain::reply_charging::{Claim, claim};
use mmsc_domain::why::Refusal;
use mmsc_domain::{CopyIndex, MmId, Token, UnixMillis, Why};
use mmsc_ring::Fence;
use mmsc_store::{ContentId, Holder, Staged, Txn};

use crate::context::{Context, Stop};
use crate::keys::{self, DueEntry, DueItem, Target};
use crate::mm::change::{After, Change, DUPLICATE_WINDOW, tell_mm};
use crate::mm::fetch::{original, resolve};
use crate::mm::incoming::{AcceptWork, Claims, Incoming};
use crate::mmbox;
use crate::port::Screened;
use crate::records::{DuplicateRow, encode, read};

/// Recipients up to this many get their copies in the accepting transaction (design §3.6).
pub const INLINE_RECIPIENTS: usize = 100;

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
    let originator = work.incoming.originator();
    let sender_shard = ctx.shard_of(originator);
    if let Some(digest) = &work.digest
        && let Some(first) = first_answer(txn, sender_shard, digest, now).await?
    {
        return Ok((Verdict::Duplicate(first.answer()), After::default()));
    }
    let refused = |refusal| Ok((Verdict::Refused(refusal), After::default()));
    let taken = match taken(ctx, txn, &work.incoming, now).await? {
        Ok(taken) => taken,
        Err(refusal) => return refused(refusal),
    };
    let submit: &Submit = &taken.submit;
    let admission = match admitted(ctx, txn, work, &taken, now).await? {
        Ok(admission) => admission,
        Err(refusal) => return refused(refusal),
    };
    let claimed = match &work.claims {
        Some(claims) => match claimed(txn, id, claims, submit, taken.content.len, now).await? {
            Ok(claim) => Some(claim),
            Err(refusal) => return refused(refusal),
        },
        None => None,
    };
    let mut head = admission.head(submit, id, taken.content, now);
    head.reply_claim = claimed;
    // First, so that whoever stores the message finds its content held.
    taken.octets.held_by(txn, id).await?;
    let stored = match &submit.store {
        Some(wish) => Some(mmbox::store_sent(ctx, txn, &head, &admission, wish).await?),
        None => None,
    };
    let accepted = Accepted {
        id,
        refused_recipients: admission.refused.clone(),
        stored,
    };
    let mut after = write_new(ctx, txn, now, head, &admission).await?;
    if stored == Some(Stored::Not(NotStored::Full)) {
        after.not_stored += 1;
    }
    match taken.original {
        FromWhere::New | FromWhere::Ended => {}
        FromWhere::Copy(item, row) => after.pokes.push(tell_mm(ctx, txn, item, *row)),
        FromWhere::Entry(entry) => mmbox::passed_on(ctx, txn, originator, *entry),
    }
    if let Some(digest) = &work.digest {
        let row = DuplicateRow {
            id,
            at: now,
            refused_recipients: accepted.refused_recipients.clone(),
            stored,
        };
        txn.set(keys::duplicate(sender_shard, keys::day(now), digest), encode(&row));
    }
    Ok((Verdict::Accepted(accepted), after))
}

/// By the rules of the service and of its sender, then by its rate, by whoever screens, and by how many got the same.
async fn admitted(
    ctx: &Context,
    txn: &Txn,
    work: &AcceptWork,
    taken: &Taken<'_>,
    now: UnixMillis,
) -> Result<Result<Admission, Refusal>, Stop> {
    let (submit, content, originator) = (&*taken.submit, &taken.content, work.incoming.originator());
    let key = keys::subscriber(ctx.shard_of(originator), originator);
    let record = read::<SubscriberProfile>(txn, key).await?;
    let by_rules = ctx.policy.sender(record).and_then(|profile| {
        let admission = admit(submit, content.len, now, &ctx.policy, &profile)?;
        if work.is_within_rate(ctx, &profile, now) {
            Ok(admission)
        } else {
            Err(Refusal::RateExceeded)
        }
    });
    let admission = match by_rules {
        Ok(admission) => admission,
        Err(refusal) => return Ok(Err(refusal)),
    };
    if let Screened::Denied(by) = ctx.screening.screen(submit) {
        return Ok(Err(Refusal::Screened(by)));
    }
    if work.is_fanned_out(ctx, submit, content, admission.recipients.len()) {
        return Ok(Err(Refusal::FannedOut));
    }
    Ok(Ok(admission))
}

/// A row under the original counts the claim: of two replies at once one commits first, and the other finds it.
async fn claimed(
    txn: &Txn,
    id: MmId,
    claims: &Claims,
    submit: &Submit,
    content_len: u64,
    now: UnixMillis,
) -> Result<Result<Claim, Refusal>, Stop> {
    let not_met = Ok(Err(Refusal::ReplyLimitsNotMet));
    let Some(copy) = claims.copy else { return not_met };
    let Some(original) = read::<MmHead>(txn, keys::head(claims.original)).await? else {
        return not_met;
    };
    let key = keys::reply_claim(claims.original, copy);
    if txn.get(&key).await?.is_some() {
        return not_met;
    }
    Ok(claim(&original, submit, content_len, now).inspect(|_| txn.set(key, Bytes::copy_from_slice(&id.0))))
}

/// Where the octets of a new MM come from.
enum Octets<'w> {
    None,
    Staged(&'w Staged),
    /// They are held by what is passed on.
    Shared(ContentId),
}

impl Octets<'_> {
    async fn held_by(&self, txn: &Txn, id: MmId) -> Result<(), Stop> {
        match self {
            Self::None => {}
            Self::Staged(staged) => txn.adopt((*staged).clone(), holder(id)),
            Self::Shared(content) => txn.hold(*content, holder(id)).await?,
        }
        Ok(())
    }
}

/// What a new MM is made of, and has to learn of it.
enum FromWhere {
    /// It is new.
    New,
    /// A copy that learns of it by this row.
    Copy(InboxItemId, Box<InboxRow>),
    /// A copy that has come to its end: nothing changes for it.
    Ended,
    /// A message in the network store of the originator.
    Entry(Box<MmBoxEntry>),
}

/// What is to be written, if it is admitted.
struct Taken<'w> {
    submit: Cow<'w, Submit>,
    content: ContentRef,
    octets: Octets<'w>,
    original: FromWhere,
}

async fn taken<'w>(
    ctx: &Context,
    txn: &Txn,
    incoming: &'w Incoming,
    now: UnixMillis,
) -> Result<Result<Taken<'w>, Refusal>, Stop> {
    match incoming {
        Incoming::Submit(submit, staged) => Ok(Ok(Taken {
            submit: Cow::Borrowed(submit),
            content: content_ref(submit, staged.as_ref()),
            octets: staged.as_ref().map_or(Octets::None, Octets::Staged),
            original: FromWhere::New,
        })),
        Incoming::Forward(wish) => passed_on(ctx, txn, wish, now).await,
    }
}

/// The original is read with conflict: its content cannot go, nor its copy end otherwise, while this commits.
async fn passed_on<'w>(
    ctx: &Context,
    txn: &Txn,
    wish: &Forward,
    now: UnixMillis,
) -> Result<Result<Taken<'w>, Refusal>, Stop> {
    let copy = match resolve(txn, wish.token).await? {
        Some(Target::Copy(id, index)) => copy_passed_on(ctx, txn, wish, now, (id, index)).await?,
        Some(Target::Entry(_)) | None => Err(Refusal::UnknownMessage),
    };
    match copy {
        Err(Refusal::UnknownMessage) => stored_passed_on(ctx, txn, wish).await,
        copy => Ok(copy),
    }
}

async fn copy_passed_on<'w>(
    ctx: &Context,
    txn: &Txn,
    wish: &Forward,
    now: UnixMillis,
    (id, index): (MmId, CopyIndex),
) -> Result<Result<Taken<'w>, Refusal>, Stop> {
    let Some((head, copy, has_content)) = original(txn, id, index).await? else {
        return Ok(Err(Refusal::UnknownMessage));
    };
    let from = Original {
        head: &head,
        copy: &copy,
        has_content,
    };
    let submit = match forward(wish, from, now, &ctx.policy) {
        Ok(submit) => submit,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let original = if copy.state.is_final() {
        FromWhere::Ended
    } else {
        let kind = if wish.report_allowed {
            InboxKind::Forwarded
        } else {
            InboxKind::ForwardedInSilence
        };
        let telling = Telling::Notification(notification(&head, copy.token));
        let row = InboxRow::born(telling, now, head.expires_at, &ctx.policy.telling);
        let item = InboxItemId {
            kind,
            mm: id,
            copy: index,
        };
        FromWhere::Copy(item, Box::new(row))
    };
    Ok(Ok(shared(submit, head.content, original)))
}

/// What its owner has stored, be it named by its own token or by that of the copy that it came from.
async fn stored_passed_on<'w>(ctx: &Context, txn: &Txn, wish: &Forward) -> Result<Result<Taken<'w>, Refusal>, Stop> {
    let Ok(entry) = mmbox::of_owner(ctx, txn, &wish.forwarder, wish.token).await? else {
        return Ok(Err(Refusal::UnknownMessage));
    };
    let submit = forward_stored(wish, &wish.forwarder, &entry, &ctx.policy);
    let content = entry.content.clone();
    Ok(submit.map(|submit| shared(submit, content, FromWhere::Entry(Box::new(entry)))))
}

fn shared<'w>(submit: Submit, content: ContentRef, original: FromWhere) -> Taken<'w> {
    Taken {
        submit: Cow::Owned(submit),
        octets: if content.len == 0 {
            Octets::None
        } else {
            Octets::Shared(ContentId(content.id))
        },
        content,
        original,
    }
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

fn content_ref(submit: &Submit, staged: Option<&Staged>) -> ContentRef {
    let (id, len, sha256) = staged.map_or(([0; 16], 0, [0; 32]), |staged| (staged.id.0, staged.len, staged.sha256));
    ContentRef {
        id,
        len,
        sha256,
        media_type: submit.media_type.clone(),
        parts: submit.parts.clone(),
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
        read_reported: false,
        taken_back: false,
        stored: false,
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
