//! Retrieval: reads of durable state, from whichever node the handset came to. Nothing changes by asking.

use mmsc_domain::command::{Gone, Retrieval};
use mmsc_domain::lifecycle::{CopyState, Final};
use mmsc_domain::record::{ChainEntry, CopyRecord, MmHead, MmProgress};
use mmsc_domain::{Address, CopyIndex, MmId, Token};
use mmsc_store::{RangeOptions, Txn};

use crate::api::{FetchAnswer, Trace};
use crate::context::{Context, Stop};
use crate::keys::{self, Target};
use crate::mm::change::initial_progress;
use crate::mmbox;
use crate::records::{decode, read};
use crate::terminals;

/// What a token stands for.
pub async fn resolve(txn: &Txn, token: Token) -> Result<Option<Target>, Stop> {
    let row = txn.get(keys::token(token)).await?;
    Ok(row.and_then(|row| keys::parse_token_value(&row)))
}

/// A copy with the envelope of its MM, and whether the content is still held; none if it is not there (any more).
pub async fn original(txn: &Txn, id: MmId, index: CopyIndex) -> Result<Option<(MmHead, CopyRecord, bool)>, Stop> {
    let Some(head) = read::<MmHead>(txn, keys::head(id)).await? else {
        return Ok(None);
    };
    let Some(copy) = read::<CopyRecord>(txn, keys::copy(id, index)).await? else {
        return Ok(None);
    };
    let progress = read::<MmProgress>(txn, keys::progress(id)).await?;
    let has_content = !progress.is_some_and(|progress| progress.content_released);
    Ok(Some((head, copy, has_content)))
}

/// What a handset gets for a token: the message, or what its owner has stored. An unidentified requester never gets
/// anything out of a network store.
pub async fn fetch(ctx: &Context, txn: &Txn, token: Token, requester: Option<&Address>) -> Result<FetchAnswer, Stop> {
    let answer = match resolve(txn, token).await? {
        Some(Target::Copy(id, index)) => fetch_copy(ctx, txn, token, (id, index), requester).await?,
        Some(Target::Entry(_)) | None => FetchAnswer::Gone(Gone::Unknown),
    };
    let (FetchAnswer::Gone(_), Some(owner)) = (&answer, requester) else {
        return Ok(answer);
    };
    // The address in a notification goes on standing for what was stored (digest 16).
    Ok(match mmbox::of_owner(ctx, txn, owner, token).await? {
        Ok(entry) => FetchAnswer::Stored(Box::new(entry)),
        Err(_) => answer,
    })
}

async fn fetch_copy(
    ctx: &Context,
    txn: &Txn,
    token: Token,
    (id, index): (MmId, CopyIndex),
    requester: Option<&Address>,
) -> Result<FetchAnswer, Stop> {
    let Some((head, copy, has_content)) = original(txn, id, index).await? else {
        return Ok(FetchAnswer::Gone(Gone::Unknown));
    };
    if copy.token != token || requester.is_some_and(|requester| *requester != copy.recipient.address) {
        return Ok(FetchAnswer::Gone(Gone::Unknown));
    }
    let repeated = match copy.state {
        CopyState::Screening | CopyState::Scheduled => return Ok(FetchAnswer::NotYet),
        CopyState::Telling | CopyState::Deferred | CopyState::Served | CopyState::Adapting => false,
        // A lost response is common: the same handset may fetch again until the content goes (MM1 digest 11.4).
        // And who passed a message on may still want to see it.
        CopyState::Final(Final::Retrieved | Final::Forwarded) => true,
        CopyState::Final(Final::Expired) => return Ok(FetchAnswer::Gone(Gone::Expired)),
        CopyState::Final(_) | CopyState::Forwarding => return Ok(FetchAnswer::Gone(Gone::Ended)),
    };
    if !repeated && ctx.now() >= head.expires_at {
        return Ok(FetchAnswer::Gone(Gone::Expired));
    }
    if repeated && !has_content {
        return Ok(FetchAnswer::Gone(Gone::Ended));
    }
    Ok(FetchAnswer::Content(Box::new(Retrieval {
        mms_version: terminals::mms_version(ctx, txn, &copy.recipient.address).await?,
        head,
        token,
        recipient: copy.recipient.address,
        repeated,
    })))
}

/// The copy of `recipient` among at most a page of an MM's copies from `from` on; else where the next page begins, if
/// there is one.
pub async fn copy_of(
    txn: &Txn,
    id: MmId,
    recipient: &Address,
    from: CopyIndex,
) -> Result<(Option<CopyIndex>, Option<CopyIndex>), Stop> {
    let options = RangeOptions {
        limit: COPY_PAGE,
        snapshot: true,
        ..RangeOptions::default()
    };
    let rows = txn.range(&keys::copies_from(id, from), options).await?;
    let full = rows.len() >= COPY_PAGE;
    let mut last = None;
    for (key, row) in rows {
        let copy: CopyRecord = decode(&row, key)?;
        if copy.recipient.address == *recipient {
            return Ok((Some(copy.index), None));
        }
        last = Some(copy.index);
    }
    let next = last.filter(|_| full).map(|last| CopyIndex(last.0.saturating_add(1)));
    Ok((None, next))
}

/// Copies that are looked through in one transaction.
const COPY_PAGE: usize = 500;

/// The store's name and the length of a retrieval's content; none if it is empty.
pub fn content_of(retrieval: &Retrieval) -> Option<(mmsc_store::ContentId, u64)> {
    let content = &retrieval.head.content;
    (content.len > 0).then_some((mmsc_store::ContentId(content.id), content.len))
}

/// Envelope, event chain and copies of an MM.
pub async fn trace(txn: &Txn, id: MmId) -> Result<Option<Trace>, Stop> {
    let Some(head) = read::<MmHead>(txn, keys::head(id)).await? else {
        return Ok(None);
    };
    let options = RangeOptions {
        limit: TRACE_ROWS,
        snapshot: true,
        ..RangeOptions::default()
    };
    let mut chain: Vec<ChainEntry> = Vec::new();
    for (key, row) in txn.range(&keys::chain_range(id), options).await? {
        chain.extend(decode::<Vec<ChainEntry>>(&row, key)?);
    }
    let mut copies = Vec::new();
    for (key, row) in txn.range(&keys::copies_from(id, CopyIndex(0)), options).await? {
        copies.push(decode(&row, key)?);
    }
    let progress = read(txn, keys::progress(id))
        .await?
        .unwrap_or_else(|| initial_progress(&head));
    Ok(Some(Trace {
        head,
        progress,
        chain,
        copies,
    }))
}

/// Rows of each kind that a trace shows.
const TRACE_ROWS: usize = 100;
