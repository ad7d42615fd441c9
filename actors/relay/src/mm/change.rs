//! One MM inside one transaction: records are read with conflict when they are needed, changed by steps, and written
//! once at the end.

use std::collections::BTreeMap;
use std::time::Duration;

use mmsc_domain::accept::notification;
use mmsc_domain::inbox::{
    AttemptState, DeliveryReport, DeliveryStatus, InboxItemId, InboxKind, InboxRow, ReadReport, ReadStatus, Telling,
};
use mmsc_domain::lifecycle::{
    CopyEvent, CopyState, Effect, Facts, Final, Illegal, Invariant, Leads, Step, broken_by_step, shows_hidden_sender,
    step,
};
use mmsc_domain::record::{ChainEntry, CopyRecord, Interface, MmHead, MmProgress};
use mmsc_domain::{Address, CopyIndex, MmId, UnixMillis, Why};
use mmsc_store::Txn;

use crate::context::{Context, Stop};
use crate::keys::{self, DueEntry, DueItem, Entity, ItemKey};
use crate::mmbox;
use crate::records::{decode, encode, read};
use crate::tree::Poke;

/// What a transaction wants done once it is committed.
#[derive(Debug, Default)]
pub struct After {
    /// Hints for other entities.
    pub pokes: Vec<Poke>,
    /// Copies that came to their end, for the metrics.
    pub finals: Vec<Final>,
    /// Events that made no sense.
    pub illegal: u64,
    /// Messages for which a network store had no room.
    pub not_stored: u64,
    /// Octets of entries written into recipients' network stores.
    pub stored_octets: usize,
}

/// The view.
pub struct Change<'t> {
    pub ctx: &'t Context,
    pub txn: &'t Txn,
    pub now: UnixMillis,
    pub head: MmHead,
    pub after: After,
    progress: Option<MmProgress>,
    progress_changed: bool,
    copies: BTreeMap<CopyIndex, (CopyRecord, bool)>,
    chain: Vec<ChainEntry>,
}

impl<'t> Change<'t> {
    /// Of an MM that is being made.
    pub fn of_new(ctx: &'t Context, txn: &'t Txn, now: UnixMillis, head: MmHead) -> Self {
        let progress = Some(initial_progress(&head));
        Self {
            ctx,
            txn,
            now,
            head,
            after: After::default(),
            progress,
            progress_changed: false,
            copies: BTreeMap::new(),
            chain: Vec::new(),
        }
    }

    /// Of an MM in the store; `None` if it is not there (any more).
    pub async fn load(ctx: &'t Context, txn: &'t Txn, now: UnixMillis, id: MmId) -> Result<Option<Self>, Stop> {
        let Some(head) = read::<MmHead>(txn, keys::head(id)).await? else {
            return Ok(None);
        };
        let mut change = Self::of_new(ctx, txn, now, head);
        change.progress = None;
        Ok(Some(change))
    }

    /// Its entity.
    pub fn entity(&self) -> Entity {
        Entity::Mm(self.head.id)
    }

    /// The state of the MM as a whole.
    pub async fn progress(&mut self) -> Result<&MmProgress, Stop> {
        self.load_progress().await?;
        Ok(self.progress.get_or_insert_with(|| initial_progress(&self.head)))
    }

    /// The same, to be changed.
    pub async fn progress_mut(&mut self) -> Result<&mut MmProgress, Stop> {
        self.load_progress().await?;
        self.progress_changed = true;
        Ok(self.progress.get_or_insert_with(|| initial_progress(&self.head)))
    }

    async fn load_progress(&mut self) -> Result<(), Stop> {
        if self.progress.is_none() {
            let row = read(self.txn, keys::progress(self.head.id)).await?;
            self.progress = Some(row.unwrap_or_else(|| initial_progress(&self.head)));
        }
        Ok(())
    }

    /// One copy.
    pub async fn copy(&mut self, index: CopyIndex) -> Result<Option<&CopyRecord>, Stop> {
        if !self.copies.contains_key(&index)
            && let Some(copy) = read(self.txn, keys::copy(self.head.id, index)).await?
        {
            self.copies.insert(index, (copy, false));
        }
        Ok(self.copies.get(&index).map(|(copy, _)| copy))
    }

    /// Takes in a copy that was read as part of a range, or a new one (`changed`: it must be written).
    pub fn insert(&mut self, copy: CopyRecord, changed: bool) {
        self.copies.insert(copy.index, (copy, changed));
    }

    /// Notes that the recipient forbade reports.
    pub fn refuse_reports(&mut self, index: CopyIndex) {
        if let Some((copy, changed)) = self.copies.get_mut(&index)
            && !copy.report_refused
        {
            copy.report_refused = true;
            *changed = true;
        }
    }

    /// Something happened to a copy: asks [`step`], and writes what it says. False if the event makes no sense.
    pub async fn event(&mut self, index: CopyIndex, event: CopyEvent, leads: Option<Leads>) -> Result<bool, Stop> {
        let Some(copy) = self.copy(index).await? else {
            return Ok(false);
        };
        let copy = copy.clone();
        let leads = leads.unwrap_or_else(|| self.ctx.policy.routing.route(&copy.recipient.address).leads());
        let facts = facts(&self.head, &copy, leads, self.ctx.policy.timers);
        match step(&copy.state, event, self.now, &facts) {
            Ok(step) => {
                let broken = broken_by_step(&copy.state, &facts, &step);
                broken
                    .iter()
                    .for_each(|invariant| self.ctx.metrics.count_violation(*invariant));
                if !broken.is_empty() {
                    return Ok(false);
                }
                self.apply(copy, step).await.map(|()| true)
            }
            Err(Illegal) => {
                self.after.illegal += 1;
                Ok(false)
            }
        }
    }

    async fn apply(&mut self, mut copy: CopyRecord, step: Step) -> Result<(), Stop> {
        let before = copy.state.clone();
        if step.next == before && step.effects.is_empty() {
            return Ok(());
        }
        copy.state = step.next;
        copy.why = step.why;
        copy.since = self.now;
        for effect in step.effects {
            self.effect(&mut copy, effect).await?;
        }
        self.note(Some(copy.index), step.why);
        if let CopyState::Final(how) = copy.state {
            self.after.finals.push(how);
            mmbox::copy_ended(self.ctx, self.txn, &copy, how).await?;
            let progress = self.progress_mut().await?;
            progress.open = progress.open.saturating_sub(1);
        }
        self.insert(copy, true);
        Ok(())
    }

    async fn effect(&mut self, copy: &mut CopyRecord, effect: Effect) -> Result<(), Stop> {
        match effect {
            Effect::Notify => {
                mmbox::store_for_recipient(self, copy).await?;
                self.notify(copy);
            }
            Effect::StopTelling => self.stop_telling(copy).await?,
            Effect::Report(status) => self.report(copy, status),
            Effect::SetDue(at) => {
                self.clear_copy_due(copy);
                copy.due_at = Some(at);
                self.set_due(&self.copy_due(copy.index, at));
            }
            Effect::ClearDue => self.clear_copy_due(copy),
            // Routing leads nowhere but to subscribers of ours in this release; the copy waits for its expiry.
            Effect::HandToPeer => {
                tracing::warn!(mm = %self.head.id, "a copy leads to a peer, and no peer interface is served")
            }
        }
        Ok(())
    }

    fn notify(&mut self, copy: &mut CopyRecord) {
        let mut notification = notification(&self.head, copy.token);
        notification.stored = copy.stored;
        if shows_hidden_sender(&self.head, &notification) {
            self.ctx.metrics.count_violation(Invariant::HiddenStaysHidden);
            notification.from = None;
        }
        let telling = Telling::Notification(notification);
        let row = InboxRow::born(telling, self.now, self.head.expires_at, &self.ctx.policy.telling);
        let id = InboxItemId {
            kind: InboxKind::Notification,
            mm: self.head.id,
            copy: copy.index,
        };
        copy.told_due_at = Some(row.next_at);
        self.put_into_inbox(copy.recipient.address.clone(), id, row);
    }

    fn report(&mut self, copy: &CopyRecord, status: DeliveryStatus) {
        if self.head.originator.interface != Interface::Mm1 {
            tracing::warn!(mm = %self.head.id, "a report is due over an interface that is not served");
            return;
        }
        let report = DeliveryReport {
            mm: self.head.id,
            recipient: copy.recipient.address.clone(),
            status,
            at: self.now,
        };
        self.tell_originator(copy.index, InboxKind::DeliveryReport, Telling::DeliveryReport(report));
    }

    /// The recipient of a copy read it, or deleted it unread. Told to the originator once, if it asked and the
    /// recipient had the message to read at all (MM1 digest 14.7: anything else is dropped).
    pub async fn read_report(
        &mut self,
        index: CopyIndex,
        recipient: &Address,
        status: ReadStatus,
        at: Option<UnixMillis>,
    ) -> Result<(), Stop> {
        if !self.head.read_report || self.head.originator.interface != Interface::Mm1 {
            return Ok(());
        }
        let Some(copy) = self.copy(index).await? else {
            return Ok(());
        };
        // Who passed a message on may fetch it all the same.
        let had = matches!(
            copy.state,
            CopyState::Served | CopyState::Final(Final::Retrieved | Final::Forwarded)
        );
        if !had || copy.read_reported || copy.recipient.address != *recipient {
            return Ok(());
        }
        let report = ReadReport {
            mm: self.head.id,
            recipient: recipient.clone(),
            status,
            // A handset's clock may be wrong by years; nothing is read before it was sent or after now.
            at: at.map_or(self.now, |at| at.clamp(self.head.accepted_at, self.now)),
        };
        if let Some((copy, changed)) = self.copies.get_mut(&index) {
            copy.read_reported = true;
            *changed = true;
        }
        let why = match status {
            ReadStatus::Read => Why::Read,
            ReadStatus::DeletedUnread => Why::DeletedUnread,
        };
        self.note(Some(index), why);
        self.tell_originator(index, InboxKind::ReadReport, Telling::ReadReport(report));
        Ok(())
    }

    fn tell_originator(&mut self, copy: CopyIndex, kind: InboxKind, telling: Telling) {
        // A report may be told as long as the tombstone stands.
        let until = self.head.expires_at.plus(self.ctx.policy.retention_record);
        let row = InboxRow::born(telling, self.now, until, &self.ctx.policy.telling);
        let id = InboxItemId {
            kind,
            mm: self.head.id,
            copy,
        };
        self.put_into_inbox(self.head.originator.address.clone(), id, row);
    }

    /// An inbox row is born: with attempt 1 recorded, its due entry, and a poke that alone may use that attempt.
    pub(super) fn put_into_inbox(&mut self, address: Address, id: InboxItemId, row: InboxRow) {
        let item = ItemKey {
            first_due: row.next_at,
            id,
        };
        let shard = self.ctx.shard_of(&address);
        let entity = Entity::Subscriber(address.clone());
        self.txn.set(keys::inbox(shard, &entity, &item), encode(&row));
        let due = DueEntry {
            at: row.next_at,
            entity,
            item: DueItem::Item(item),
        };
        self.txn.set(keys::due(shard, &due), bytes::Bytes::new());
        self.after.pokes.push(Poke::Told {
            address,
            item,
            row: Box::new(row),
        });
    }

    /// The recipient need not be told any more: the row goes, and its due entry wherever the subscriber moved it.
    async fn stop_telling(&mut self, copy: &mut CopyRecord) -> Result<(), Stop> {
        self.clear_told(copy, InboxKind::Notification).await
    }

    /// The same of what its handset is told of the copy.
    pub(super) async fn clear_told(&mut self, copy: &mut CopyRecord, kind: InboxKind) -> Result<(), Stop> {
        let Some(first_due) = copy.told_due_at.take() else {
            return Ok(());
        };
        let address = copy.recipient.address.clone();
        let id = InboxItemId {
            kind,
            mm: self.head.id,
            copy: copy.index,
        };
        let item = ItemKey { first_due, id };
        let shard = self.ctx.shard_of(&address);
        let entity = Entity::Subscriber(address.clone());
        clear_inbox_row(self.txn, shard, &entity, item).await?;
        self.after.pokes.push(Poke::Cleared { address, item });
        Ok(())
    }

    fn copy_due(&self, index: CopyIndex, at: UnixMillis) -> DueEntry {
        DueEntry {
            at,
            entity: self.entity(),
            item: DueItem::Copy(index),
        }
    }

    fn clear_copy_due(&self, copy: &mut CopyRecord) {
        if let Some(at) = copy.due_at.take() {
            self.clear_due(&self.copy_due(copy.index, at));
        }
    }

    /// Sets a due entry in the MM's own shard.
    pub fn set_due(&self, entry: &DueEntry) {
        self.txn
            .set(keys::due(self.head.id.shard().0, entry), bytes::Bytes::new());
    }

    /// Clears a due entry that this transaction knows of from a record that it read.
    pub fn clear_due(&self, entry: &DueEntry) {
        self.txn.clear(keys::due(self.head.id.shard().0, entry));
    }

    /// Moves the due entry of the MM as a whole.
    pub async fn move_whole_due(&mut self, at: UnixMillis) -> Result<(), Stop> {
        let entity = self.entity();
        let old = self.progress().await?.due_at;
        if old == at {
            return Ok(());
        }
        self.clear_due(&DueEntry {
            at: old,
            entity: entity.clone(),
            item: DueItem::Whole,
        });
        self.set_due(&DueEntry {
            at,
            entity,
            item: DueItem::Whole,
        });
        self.progress_mut().await?.due_at = at;
        Ok(())
    }

    /// Adds to the event chain something that concerns a copy, or the MM as a whole.
    pub fn note(&mut self, copy: Option<CopyIndex>, why: Why) {
        let at = self.now;
        self.chain.push(ChainEntry { at, copy, why });
    }

    /// Writes what changed. If the last copy just ended, retention begins.
    pub async fn finish(mut self) -> Result<After, Stop> {
        let count = self.head.recipient_count;
        let progress = self.progress().await?;
        if progress.open == 0 && progress.expanded >= count && progress.final_at.is_none() {
            let (now, keep) = (self.now, self.ctx.policy.retention_content);
            self.progress_mut().await?.final_at = Some(now);
            self.move_whole_due(now.plus(keep)).await?;
        }
        let id = self.head.id;
        if self.progress_changed
            && let Some(progress) = &self.progress
        {
            self.txn.set(keys::progress(id), encode(progress));
        }
        for (copy, changed) in self.copies.values() {
            if *changed {
                self.txn.set(keys::copy(id, copy.index), encode(copy));
            }
        }
        if !self.chain.is_empty() {
            self.txn.set(
                keys::chain(
                    id,
                    self.now,
                    self.ctx.chain_rows.fetch_add(1, std::sync::atomic::Ordering::Relaxed),
                ),
                encode(&self.chain),
            );
        }
        Ok(self.after)
    }
}

/// Where an MM stands that nothing has happened to yet; not written, so that accepting saves a row.
pub fn initial_progress(head: &MmHead) -> MmProgress {
    let first_due = head.deliver_at.map_or(head.expires_at, |at| at.min(head.expires_at));
    MmProgress {
        expanded: head.recipient_count,
        open: head.recipient_count,
        due_at: first_due,
        final_at: None,
        content_released: false,
        cancelled_at: None,
    }
}

fn facts(head: &MmHead, copy: &CopyRecord, leads: Leads, timers: mmsc_domain::lifecycle::Timers) -> Facts {
    Facts {
        leads,
        expires_at: head.expires_at,
        deliver_at: head.deliver_at,
        due_at: copy.due_at,
        report_wanted: head.delivery_report,
        report_refused: copy.report_refused,
        timers,
    }
}

/// Clears an inbox row with its due entry and, if it waits for a destination, its place in that queue.
pub async fn clear_inbox_row(txn: &Txn, shard: u16, entity: &Entity, item: ItemKey) -> Result<bool, Stop> {
    let key = keys::inbox(shard, entity, &item);
    let Some(octets) = txn.get(&key).await? else {
        return Ok(false);
    };
    let row: InboxRow = decode(&octets, key.clone())?;
    txn.clear(key);
    txn.clear(keys::due(
        shard,
        &DueEntry {
            at: row.next_at,
            entity: entity.clone(),
            item: DueItem::Item(item),
        },
    ));
    if let AttemptState::Waiting(destination) = &row.last {
        txn.clear(keys::waiting(shard, destination, entity, &item));
    }
    Ok(true)
}

/// Puts a row into the inbox of the MM that `id` names: what another entity has to tell it. `row` is the row about the
/// copy that the teller holds; only its due time counts.
pub fn tell_mm(ctx: &Context, txn: &Txn, id: InboxItemId, row: InboxRow) -> Poke {
    let first_due = ctx.now().plus(ctx.policy.telling.born_due);
    let item = ItemKey { first_due, id };
    let (shard, entity) = (id.mm.shard().0, Entity::Mm(id.mm));
    let row = InboxRow {
        next_at: first_due,
        last: AttemptState::Failed,
        ..row
    };
    txn.set(keys::inbox(shard, &entity, &item), encode(&row));
    let due = DueEntry {
        at: first_due,
        entity,
        item: DueItem::Item(item),
    };
    txn.set(keys::due(shard, &due), bytes::Bytes::new());
    Poke::MmInbox { item }
}

/// Duplicates are remembered this long (design §3).
pub const DUPLICATE_WINDOW: Duration = Duration::from_secs(24 * 3600);
