//! What concerns an MM as a whole: expiry and delivery time of all copies, expansion of long lists, retention. Work
//! on many copies goes in bounded transactions; the due entry stands until the last of them, so that a crash in
//! between is made good.

use mmsc_domain::freeze;
use mmsc_domain::lifecycle::CopyEvent;
use mmsc_domain::record::{CopyRecord, Recipient};
use mmsc_domain::{CopyIndex, UnixMillis, Why};
use mmsc_store::{ContentId, RangeOptions};

use crate::context::Stop;
use crate::keys::{self, DueEntry};
use crate::mm::accept::{holder, new_copy};
use crate::mm::change::Change;
use crate::records::decode;

/// Copies per transaction.
const COPIES: usize = 100;

/// Work on all copies, from one on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// The long list is not expanded to its end.
    Expand,
    /// The event goes to each copy that is not final.
    Copies {
        /// What happens to each.
        event: CopyEvent,
        /// From here on.
        from: CopyIndex,
    },
    /// The record is being removed.
    Purge,
}

impl Scope {
    fn cancel() -> Self {
        Self::Copies {
            event: CopyEvent::CancelRequested,
            from: CopyIndex(0),
        }
    }

    fn due() -> Self {
        Self::Copies {
            event: CopyEvent::Due,
            from: CopyIndex(0),
        }
    }
}

/// The due entry of the MM as a whole fired: whatever is due is done.
pub async fn due(change: &mut Change<'_>, entry: &DueEntry) -> Result<Option<Scope>, Stop> {
    let progress = change.progress().await?.clone();
    if progress.due_at != entry.at {
        // Moved on; this one is a leftover.
        change.clear_due(entry);
    }
    if progress.due_at > change.now {
        return Ok(None);
    }
    if progress.expanded < change.head.recipient_count {
        return go_on(change, Scope::Expand).await;
    }
    if progress.cancelled_at.is_some() && progress.open > 0 {
        return go_on(change, Scope::cancel()).await;
    }
    if let Some(final_at) = progress.final_at {
        return retention(change, final_at, progress.content_released).await;
    }
    go_on(change, Scope::due()).await
}

/// The next bounded piece of work.
pub async fn go_on(change: &mut Change<'_>, scope: Scope) -> Result<Option<Scope>, Stop> {
    match scope {
        Scope::Expand => expand(change).await,
        Scope::Copies { .. } => all_copies(change, scope).await,
        Scope::Purge => purge(change).await,
    }
}

/// Cancels the MM as a whole. The wish is a record of its own and the due entry stands at once, so that a crash before
/// the last copy was asked, or before a long list was expanded, is made good. Where every copy has ended before, there
/// are only handsets to be asked to remove theirs: a crash among more than a hundred of them leaves out the rest, until
/// it is cancelled again.
pub async fn cancel(change: &mut Change<'_>) -> Result<Option<Scope>, Stop> {
    let progress = change.progress().await?.clone();
    if progress.cancelled_at.is_none() {
        let now = change.now;
        change.progress_mut().await?.cancelled_at = Some(now);
    }
    let more = all_copies(change, Scope::cancel()).await?;
    if progress.final_at.is_some() {
        return Ok(more);
    }
    let unfinished = more.is_some() || progress.expanded < change.head.recipient_count;
    if unfinished {
        let now = change.now;
        change.move_whole_due(now).await?;
    }
    let expanding = progress.expanded < change.head.recipient_count;
    Ok(more.or(expanding.then_some(Scope::Expand)))
}

/// The event goes to the next copies that are not final. What is left is returned.
pub async fn all_copies(change: &mut Change<'_>, scope: Scope) -> Result<Option<Scope>, Stop> {
    let Scope::Copies { event, from } = scope else {
        return Ok(None);
    };
    let range = keys::copies_from(change.head.id, from);
    let rows = change
        .txn
        .range(
            &range,
            RangeOptions {
                limit: COPIES,
                ..RangeOptions::default()
            },
        )
        .await?;
    let full = rows.len() == COPIES;
    let mut last = from;
    for (key, row) in rows {
        let copy: CopyRecord = decode(&row, key)?;
        let index = copy.index;
        last = index;
        // What this transaction has made of it goes before what was read.
        let state = match change.copy(index).await? {
            Some(known) => known.state.clone(),
            None => {
                let state = copy.state.clone();
                change.insert(copy, false);
                state
            }
        };
        let (open, with_handset) = (!state.is_final(), state.is_with_handset());
        if open {
            change.event(index, event, None).await?;
        }
        if with_handset && event == CopyEvent::CancelRequested {
            change.take_back(index).await?;
        }
    }
    if full {
        return Ok(Some(Scope::Copies {
            event,
            from: CopyIndex(last.0.saturating_add(1)),
        }));
    }
    settle_due(change).await?;
    Ok(None)
}

/// After all copies were asked: the next thing that concerns the MM as a whole is its expiry (or, once the last copy
/// ended, retention, which `finish` sets).
async fn settle_due(change: &mut Change<'_>) -> Result<(), Stop> {
    let progress = change.progress().await?;
    let (due_at, open) = (progress.due_at, progress.open);
    // While a long list is expanded, the due entry stands for that.
    let expanding = progress.expanded < change.head.recipient_count;
    if open > 0 && due_at <= change.now && !expanding {
        // A copy that is due and stays (an adapting one) is asked again a little later.
        let again = UnixMillis(change.now.0.saturating_add(1000));
        let at = change.head.expires_at.max(again);
        change.move_whole_due(at).await?;
    }
    Ok(())
}

async fn expand(change: &mut Change<'_>) -> Result<Option<Scope>, Stop> {
    let done = change.progress().await?.expanded;
    let next = frozen_from(change, CopyIndex(done)).await?;
    if next.is_empty() && done < change.head.recipient_count {
        // The list is shorter than its head says: nothing can be made of the rest.
        return Err(Stop::Unreadable(keys::frozen(change.head.id, 0)));
    }
    let cancelled = change.progress().await?.cancelled_at.is_some();
    let first = if cancelled {
        CopyEvent::CancelRequested
    } else {
        CopyEvent::Granted
    };
    for (index, recipient) in next {
        let progress = change.progress_mut().await?;
        progress.expanded = progress.expanded.saturating_add(1);
        progress.open = progress.open.saturating_add(1);
        let leads = change.ctx.policy.routing.route(&recipient.address).leads();
        new_copy(change, index, recipient, leads, first).await?;
    }
    if change.progress().await?.expanded < change.head.recipient_count {
        return Ok(Some(Scope::Expand));
    }
    if cancelled && change.progress().await?.open > 0 {
        // Copies from before the cancellation; the due entry goes on standing for them.
        return Ok(Some(Scope::cancel()));
    }
    let due = crate::mm::change::initial_progress(&change.head).due_at;
    change.move_whole_due(due).await?;
    Ok(None)
}

/// The next recipients of a frozen list.
async fn frozen_from(change: &Change<'_>, cursor: CopyIndex) -> Result<Vec<(CopyIndex, Recipient)>, Stop> {
    for number in 0.. {
        let key = keys::frozen(change.head.id, number);
        let Some(chunk) = change.txn.get_snapshot(&key).await? else {
            break;
        };
        let found = freeze::thaw_from(&chunk, cursor, COPIES).map_err(|_unreadable| Stop::Unreadable(key))?;
        if !found.is_empty() {
            return Ok(found);
        }
    }
    Ok(Vec::new())
}

/// After the last copy ended: first the content goes, then, once late answers and reports can no longer come, the
/// record itself.
async fn retention(change: &mut Change<'_>, final_at: UnixMillis, released: bool) -> Result<Option<Scope>, Stop> {
    let content_until = final_at.plus(change.ctx.policy.retention_content);
    let record_until = change
        .head
        .expires_at
        .plus(change.ctx.policy.retention_record)
        .max(content_until);
    if !released && content_until <= change.now {
        if change.head.content.len > 0 {
            let id = ContentId(change.head.content.id);
            change.txn.release(id, holder(change.head.id)).await?;
        }
        change.progress_mut().await?.content_released = true;
        change.note(None, Why::ContentReleased);
        change.move_whole_due(record_until).await?;
        return Ok(None);
    }
    if record_until <= change.now {
        return purge(change).await;
    }
    change
        .move_whole_due(if released { record_until } else { content_until })
        .await?;
    Ok(None)
}

/// Removes the record: tokens and copies in bounded steps, the rest with the last.
async fn purge(change: &mut Change<'_>) -> Result<Option<Scope>, Stop> {
    let id = change.head.id;
    let range = keys::copies_from(id, CopyIndex(0));
    let rows = change
        .txn
        .range(
            &range,
            RangeOptions {
                limit: COPIES,
                ..RangeOptions::default()
            },
        )
        .await?;
    let full = rows.len() == COPIES;
    for (key, row) in rows {
        let copy: CopyRecord = decode(&row, key.clone())?;
        change.txn.clear(keys::token(copy.token));
        change.txn.clear(key);
    }
    if full {
        return Ok(Some(Scope::Purge));
    }
    let due_at = change.progress().await?.due_at;
    let entity = change.entity();
    change.clear_due(&DueEntry {
        at: due_at,
        entity,
        item: keys::DueItem::Whole,
    });
    change.txn.clear_range(keys::mm_range(id));
    Ok(None)
}
