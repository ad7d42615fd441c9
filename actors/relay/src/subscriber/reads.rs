//! What a subscriber reads of its rows, and what it makes of it: due entries, walks through the inbox, receipts.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use mmsc_domain::inbox::InboxRow;
use mmsc_domain::telling::TellEvent;
use mmsc_domain::{Address, UnixMillis};
use mmsc_store::TransactError;
use ractor::ActorRef;
use tokio::sync::oneshot;

use crate::completion::Completion;
use crate::context::{Context, Stop};
use crate::keys::{DueEntry, DueItem, Entity, ItemKey};
use crate::port::{Receipt, ReceiptState};
use crate::subscriber::actor::{SubscriberMessage, SubscriberState};
use crate::subscriber::held::MAX_HELD;
use crate::subscriber::load;
use crate::tree::{self, may_be_repeated_at_once};

/// Rows that one page of a walk may take in; the other half is for rows that are born meanwhile.
const WALK_ROWS: usize = MAX_HELD / 2;

/// Before a released row is looked at again that found no room.
const RELEASE_AGAIN: Duration = Duration::from_secs(1);

/// What a read brought.
#[derive(Default)]
pub struct Loaded {
    pub(super) rows: Vec<(ItemKey, InboxRow, TellEvent)>,
    leftovers: Vec<DueEntry>,
    swept: bool,
    sweep: Option<Sweep>,
    receipt: Option<oneshot::Sender<bool>>,
}

/// A walk through the inbox in the order of birth: whatever is due is done, and what is not due meets `event`.
#[derive(Clone)]
pub struct Sweep {
    after: Option<ItemKey>,
    event: Option<TellEvent>,
}

impl SubscriberState {
    /// Due entries: whatever is due is done, oldest first; entries that stand for nothing any more are found out.
    pub(super) fn due(&mut self, me: &ActorRef<SubscriberMessage>, entries: Vec<DueEntry>) {
        self.want(None);
        self.load(me, |ctx, shard, address| async move {
            let items: Vec<ItemKey> = entries.iter().filter_map(item_of).collect();
            let found: BTreeMap<_, _> = load::named(&ctx, shard, &address, &items).await?.into_iter().collect();
            let stands = |entry: &DueEntry| {
                let row = item_of(entry).and_then(|item| found.get(&item)?.as_ref());
                row.is_some_and(|row| row.next_at == entry.at)
            };
            Ok(Loaded {
                leftovers: entries.into_iter().filter(|entry| !stands(entry)).collect(),
                ..Loaded::default()
            })
        });
    }

    pub(super) fn load_released(&mut self, me: &ActorRef<SubscriberMessage>, item: ItemKey) {
        self.load(me, move |ctx, shard, address| async move {
            let found = load::named(&ctx, shard, &address, &[item]).await?;
            let rows = found
                .into_iter()
                .filter_map(|(item, row)| row.map(|row| (item, row, TellEvent::Released)));
            Ok(Loaded {
                rows: rows.collect(),
                ..Loaded::default()
            })
        });
    }

    /// There was no room for a row that an operator released.
    fn release_later(&self, item: ItemKey) {
        let (ctx, shard, address) = (Arc::clone(&self.ctx), self.fence.shard, self.address.clone());
        let task = async move {
            ctx.ports.clock.sleep(RELEASE_AGAIN).await;
            let _unserved = ctx.router.subscriber(shard, address, SubscriberMessage::Release(item));
        };
        self.ctx.ports.spawn.task("subscriber-release", Box::pin(task));
    }

    pub(super) fn load_page(&mut self, me: &ActorRef<SubscriberMessage>, sweep: Sweep) {
        self.sweeping = true;
        self.reserved = WALK_ROWS;
        let found_before = self.found_before;
        self.load_with(me, true, move |ctx, shard, address| async move {
            let page = load::page(&ctx, shard, &address, sweep.after).await?;
            let (mut more, mut after) = (page.len() == load::PAGE, None);
            let (now, mut rows) = (ctx.now(), Vec::new());
            for (item, row) in page {
                if rows.len() >= WALK_ROWS {
                    more = true;
                    break;
                }
                after = Some(item);
                if let Some(event) = walk_event(&row, now, &sweep.event, found_before) {
                    rows.push((item, row, event));
                }
            }
            Ok(Loaded {
                rows,
                swept: true,
                sweep: more.then_some(Sweep {
                    after,
                    event: sweep.event,
                }),
                ..Loaded::default()
            })
        });
    }

    pub(super) fn receipt(&mut self, me: &ActorRef<SubscriberMessage>, receipt: Receipt, reply: oneshot::Sender<bool>) {
        let (event, saves_work_only) = match receipt.state {
            ReceiptState::Reached => (TellEvent::ReceiptReached, true),
            ReceiptState::NotReached => (TellEvent::ReceiptNotReached, false),
            ReceiptState::NeverReachable => (TellEvent::ReceiptNever, false),
        };
        if let Some(item) = self.rows.sent_as(&receipt.destination, &receipt.message_id) {
            self.event(&item, event);
            self.answer_receipt(reply, saves_work_only);
        } else if saves_work_only {
            let _bearer_gone = reply.send(true);
        } else {
            self.load(me, move |ctx, shard, address| async move {
                let found = load::pushed_as(&ctx, shard, &address, &receipt.destination, &receipt.message_id).await?;
                let rows = found
                    .into_iter()
                    .map(|(item, row)| (item, row, event.clone()))
                    .collect();
                Ok(Loaded {
                    rows,
                    receipt: Some(reply),
                    ..Loaded::default()
                })
            });
        }
    }

    /// What has to be written is answered after its commit (rule 11).
    fn answer_receipt(&mut self, reply: oneshot::Sender<bool>, saves_work_only: bool) {
        if saves_work_only || !self.rows.is_urgent() {
            let _bearer_gone = reply.send(true);
        } else {
            self.receipts.push(reply);
        }
    }

    fn load<F, Fut>(&mut self, me: &ActorRef<SubscriberMessage>, read: F)
    where
        F: FnOnce(Arc<Context>, u16, Address) -> Fut + Send + 'static,
        Fut: Future<Output = Result<Loaded, TransactError<Stop>>> + Send + 'static,
    {
        self.load_with(me, false, read);
    }

    fn load_with<F, Fut>(&mut self, me: &ActorRef<SubscriberMessage>, walk: bool, read: F)
    where
        F: FnOnce(Arc<Context>, u16, Address) -> Fut + Send + 'static,
        Fut: Future<Output = Result<Loaded, TransactError<Stop>>> + Send + 'static,
    {
        self.loading += 1;
        let (ctx, shard, address) = (Arc::clone(&self.ctx), self.fence.shard, self.address.clone());
        // A walk whose page cannot be read ends; the rows' due entries stay.
        let failed = Loaded {
            swept: walk,
            ..Loaded::default()
        };
        let completion = Completion::new(me.clone(), SubscriberMessage::Loaded(failed));
        let task = async move {
            match read(Arc::clone(&ctx), shard, address.clone()).await {
                Ok(loaded) => completion.finish(SubscriberMessage::Loaded(loaded)),
                Err(TransactError::Aborted(Stop::Unreadable(key))) => {
                    tree::set_aside(&ctx, Entity::Subscriber(address), key).await;
                }
                Err(error) => tracing::warn!(%error, "a subscriber's rows could not be read"),
            }
        };
        self.ctx.ports.spawn.task("subscriber-load", Box::pin(task));
    }

    pub(super) fn loaded(&mut self, loaded: Loaded) {
        self.loading = self.loading.saturating_sub(1);
        self.leftovers.extend(loaded.leftovers);
        if loaded.swept {
            self.sweeping = false;
            self.reserved = 0;
            self.sweep = loaded.sweep;
        }
        let mut full = false;
        for (item, row, event) in loaded.rows {
            if self.rows.contains(&item) {
                continue;
            }
            if self.room() > 0 {
                self.take_in(item, row, event);
            } else if event == TellEvent::Released {
                self.release_later(item);
            } else {
                full = true;
            }
        }
        match loaded.receipt {
            // The bearer says it again.
            Some(reply) if full => {
                let _bearer_gone = reply.send(false);
            }
            Some(reply) => self.answer_receipt(reply, false),
            None => {}
        }
    }

    /// The next page of a walk, once there is room for its rows.
    pub(super) fn walk(&mut self, me: &ActorRef<SubscriberMessage>) {
        if self.sweeping || self.room() < WALK_ROWS {
            return;
        }
        let begin = |event| Sweep { after: None, event };
        if let Some(sweep) = self.sweep.take().or_else(|| self.wanted.pop_front().map(begin)) {
            self.load_page(me, sweep);
        }
    }
}

/// What a row meets on a walk.
fn walk_event(
    row: &InboxRow,
    now: UnixMillis,
    wanted: &Option<TellEvent>,
    found_before: UnixMillis,
) -> Option<TellEvent> {
    if row.next_at <= now {
        return Some(TellEvent::Due);
    }
    let waits = *wanted == Some(TellEvent::FoundWithoutOutcome) && !may_be_repeated_at_once(row, found_before);
    wanted.clone().filter(|_| !waits)
}

fn item_of(entry: &DueEntry) -> Option<ItemKey> {
    match entry.item {
        DueItem::Item(item) => Some(item),
        DueItem::Whole | DueItem::Copy(_) => None,
    }
}
