//! What happens to an MM after it was accepted: events of one batch, folded into one transaction.

use mmsc_domain::command::HandsetAnswer;
use mmsc_domain::inbox::{InboxKind, ReadStatus};
use mmsc_domain::lifecycle::{CopyEvent, CopyState, Final, Undeliverable};
use mmsc_domain::{Address, CopyIndex, MmId, UnixMillis};
use mmsc_ring::Fence;
use mmsc_store::Txn;

use crate::context::{Context, Stop};
use crate::keys::{DueEntry, DueItem, Entity, ItemKey};
use crate::mm::change::{After, Change, clear_inbox_row};
use crate::mm::whole::{self, Scope};

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Work {
    /// A handset said something about a copy.
    Handset {
        /// Which copy.
        copy: CopyIndex,
        /// Who says so, if the network vouches for somebody.
        requester: Option<Address>,
        /// What.
        answer: HandsetAnswer,
    },
    /// The whole content left for the handset. Only saves work, so it may wait for the next commit.
    Served {
        /// Which copy.
        copy: CopyIndex,
    },
    /// A row in the MM's inbox: its recipient cannot be told, or forwarded it.
    Inbox {
        /// The row.
        item: ItemKey,
    },
    /// What a recipient did with the message that it has.
    ReadReport {
        /// Which copy.
        copy: CopyIndex,
        /// Whose it must be.
        recipient: Address,
        /// What.
        status: ReadStatus,
        /// When, by its own word.
        at: Option<UnixMillis>,
    },
    /// Every copy that is not final is to be cancelled, and handsets that have theirs are asked to remove it.
    Cancel,
    /// Due entries fired.
    Due(Vec<DueEntry>),
    /// Bounded work goes on: a long list is expanded, or many copies step.
    Continue(Scope),
}

impl Work {
    /// May wait for the next commit of the entity.
    pub fn is_lazy(&self) -> bool {
        matches!(self, Self::Served { .. })
    }
}

/// What one piece of work came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Done, or without effect.
    Done,
    /// There is no such copy (any more).
    NotThere,
    /// The copy is somebody else's.
    NotYours,
    /// The copy has come to another end before.
    TooLate,
    /// So many copies were cancelled so far; none if there is no such MM.
    Cancelled(Option<u32>),
}

/// What a batch came to.
#[derive(Debug, Default)]
pub struct Batch {
    /// One for each piece of work.
    pub outcomes: Vec<Outcome>,
    /// To be done once it is committed.
    pub after: After,
    /// Work that goes on in a further transaction.
    pub again: Vec<Scope>,
}

/// The transaction for a batch.
pub async fn run(ctx: &Context, txn: &Txn, fence: Fence, id: MmId, batch: &[Work]) -> Result<Batch, Stop> {
    fence.check(txn).await?;
    let Some(mut change) = Change::load(ctx, txn, ctx.now(), id).await? else {
        clear_leftovers(txn, id, batch).await?;
        let outcomes = batch.iter().map(nothing_there).collect();
        return Ok(Batch {
            outcomes,
            ..Batch::default()
        });
    };
    let mut outcomes = Vec::with_capacity(batch.len());
    let mut again = Vec::new();
    for work in batch {
        let (outcome, more) = one(&mut change, work).await?;
        outcomes.push(outcome);
        again.extend(more.filter(|scope| !again.contains(scope)));
    }
    Ok(Batch {
        outcomes,
        after: change.finish().await?,
        again,
    })
}

fn nothing_there(work: &Work) -> Outcome {
    match work {
        Work::Cancel => Outcome::Cancelled(None),
        Work::Handset { .. } => Outcome::NotThere,
        Work::Served { .. } | Work::Inbox { .. } | Work::ReadReport { .. } | Work::Due(_) | Work::Continue(_) => {
            Outcome::Done
        }
    }
}

async fn one(change: &mut Change<'_>, work: &Work) -> Result<(Outcome, Option<Scope>), Stop> {
    match work {
        Work::Handset {
            copy,
            requester,
            answer,
        } => {
            let outcome = handset(change, *copy, requester.as_ref(), *answer).await?;
            Ok((outcome, None))
        }
        Work::Served { copy } => {
            change.event(*copy, CopyEvent::ContentServed, None).await?;
            Ok((Outcome::Done, None))
        }
        Work::Inbox { item } => {
            inbox(change, *item).await?;
            Ok((Outcome::Done, None))
        }
        Work::ReadReport {
            copy,
            recipient,
            status,
            at,
        } => {
            change.read_report(*copy, recipient, *status, *at).await?;
            Ok((Outcome::Done, None))
        }
        Work::Cancel => {
            let before = change.after.finals.len();
            let more = whole::cancel(change).await?;
            let cancelled = u32::try_from(change.after.finals.len() - before).unwrap_or(u32::MAX);
            Ok((Outcome::Cancelled(Some(cancelled)), more))
        }
        Work::Due(entries) => Ok((Outcome::Done, due(change, entries).await?)),
        Work::Continue(scope) => Ok((Outcome::Done, whole::go_on(change, scope.clone()).await?)),
    }
}

/// A copy belongs to its recipient: what anybody else says about it changes nothing (MM1 digest 12, rule 6).
async fn handset(
    change: &mut Change<'_>,
    index: CopyIndex,
    requester: Option<&Address>,
    answer: HandsetAnswer,
) -> Result<Outcome, Stop> {
    let Some(copy) = change.copy(index).await? else {
        return Ok(Outcome::NotThere);
    };
    if requester.is_some_and(|requester| *requester != copy.recipient.address) {
        return Ok(Outcome::NotYours);
    }
    let too_late = ended_otherwise(&copy.state, answer);
    let (event, report_allowed) = match answer {
        HandsetAnswer::Retrieved { report_allowed } => (CopyEvent::HandsetRetrieved, report_allowed),
        HandsetAnswer::Deferred { report_allowed } => (CopyEvent::HandsetDeferred, report_allowed),
        HandsetAnswer::Rejected { report_allowed } => (CopyEvent::HandsetRejected, report_allowed),
        HandsetAnswer::Unrecognised => (CopyEvent::HandsetUnrecognised, true),
        HandsetAnswer::Deleted => (CopyEvent::DeletedByRecipient, true),
        HandsetAnswer::CancelAnswered => return change.take_back_answered(index).await,
    };
    if !report_allowed && !copy.state.is_final() {
        change.refuse_reports(index);
    }
    change.event(index, event, None).await?;
    Ok(if too_late { Outcome::TooLate } else { Outcome::Done })
}

/// Whether a copy has come to another end than a handset's word would bring it to.
fn ended_otherwise(state: &CopyState, answer: HandsetAnswer) -> bool {
    let CopyState::Final(how) = state else {
        return false;
    };
    match answer {
        HandsetAnswer::Retrieved { .. } => *how != Final::Retrieved,
        HandsetAnswer::Rejected { .. } => *how != Final::Rejected,
        HandsetAnswer::Deleted => *how != Final::Deleted,
        HandsetAnswer::Unrecognised => *how != Final::Undeliverable(Undeliverable::Unrecognised),
        HandsetAnswer::Deferred { .. } => true,
        HandsetAnswer::CancelAnswered => false,
    }
}

async fn inbox(change: &mut Change<'_>, item: ItemKey) -> Result<(), Stop> {
    let entity = change.entity();
    let shard = change.head.id.shard().0;
    // Gone stays gone: the row is the message, a poke only points to it.
    if !clear_inbox_row(change.txn, shard, &entity, item).await? {
        return Ok(());
    }
    let index = item.id.copy;
    let event = match item.id.kind {
        InboxKind::TellingFailed => CopyEvent::TellingFailed,
        InboxKind::Forwarded => CopyEvent::ForwardedByRecipient,
        InboxKind::ForwardedInSilence => {
            if change.copy(index).await?.is_some_and(|copy| !copy.state.is_final()) {
                change.refuse_reports(index);
            }
            CopyEvent::ForwardedByRecipient
        }
        // No message is told these.
        InboxKind::Notification | InboxKind::DeliveryReport | InboxKind::ReadReport | InboxKind::Cancel => {
            return Ok(());
        }
    };
    change.event(index, event, None).await?;
    Ok(())
}

async fn due(change: &mut Change<'_>, entries: &[DueEntry]) -> Result<Option<Scope>, Stop> {
    let mut again = None;
    for entry in entries {
        match entry.item {
            DueItem::Whole => again = again.or(whole::due(change, entry).await?),
            DueItem::Copy(index) => copy_due(change, index, entry).await?,
            DueItem::Item(item) => inbox(change, item).await?,
        }
    }
    Ok(again)
}

async fn copy_due(change: &mut Change<'_>, index: CopyIndex, entry: &DueEntry) -> Result<(), Stop> {
    let current = change.copy(index).await?.and_then(|copy| copy.due_at);
    if current == Some(entry.at) {
        change.event(index, CopyEvent::Due, None).await?;
    } else {
        // The copy has moved on; the entry is a leftover.
        change.clear_due(entry);
    }
    Ok(())
}

/// Due entries and inbox rows of an MM that is gone.
async fn clear_leftovers(txn: &Txn, id: MmId, batch: &[Work]) -> Result<(), Stop> {
    let (shard, entity) = (id.shard().0, Entity::Mm(id));
    for work in batch {
        match work {
            Work::Due(entries) => {
                for entry in entries {
                    txn.clear(crate::keys::due(shard, entry));
                    if let DueItem::Item(item) = entry.item {
                        clear_inbox_row(txn, shard, &entity, item).await?;
                    }
                }
            }
            Work::Inbox { item } => {
                clear_inbox_row(txn, shard, &entity, *item).await?;
            }
            Work::Handset { .. } | Work::Served { .. } | Work::ReadReport { .. } | Work::Cancel | Work::Continue(_) => {
            }
        }
    }
    Ok(())
}
