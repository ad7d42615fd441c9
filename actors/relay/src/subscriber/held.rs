//! The rows that a subscriber is at work on. A row is here only while something about it is outstanding.

use std::collections::{BTreeMap, BTreeSet};

use mmsc_domain::UnixMillis;
use mmsc_domain::inbox::{AttemptState, InboxRow};
use mmsc_domain::telling::{Fate, TellEvent, TellStep, TellingPolicy, Urgency, step};

use crate::keys::ItemKey;

/// Rows at work at once, a page of the inbox (consistency rule 3); more wait in the store. One transaction writes them
/// all.
pub const MAX_HELD: usize = 100;

/// Where the work on a row stands.
// At most a hundred are held, and nearly all of them pass through the large variant.
#[allow(clippy::large_enum_variant)]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Phase {
    /// Its attempt is recorded and waits for its turn.
    Ready,
    /// Its attempt is being made.
    InFlight,
    /// This is to be written.
    Dirty {
        /// What becomes of the row.
        fate: Fate,
        /// When it has to be committed.
        urgency: Urgency,
        /// An attempt follows the commit.
        attempt: bool,
    },
    /// It is being written.
    Committing {
        /// An attempt follows the commit.
        attempt: bool,
    },
}

/// A row at work.
#[derive(Debug, Clone)]
pub struct Held {
    /// The row as the store has it.
    pub row: InboxRow,
    /// While a commit is under way: what it makes of the row; none inside: it goes.
    pub writing: Option<Option<InboxRow>>,
    /// Where the work stands.
    pub phase: Phase,
    /// Its MM took it out of the inbox meanwhile.
    pub cleared: bool,
}

/// What is to become of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Which.
    pub item: ItemKey,
    /// The row that was decided about. Should the store have another by now, the decision is void.
    pub about: InboxRow,
    /// What.
    pub fate: Fate,
}

/// The rows at work.
#[derive(Debug, Default)]
pub struct Rows {
    held: BTreeMap<ItemKey, Held>,
    ready: BTreeSet<ItemKey>,
    in_flight: Option<ItemKey>,
}

impl Rows {
    /// How many.
    pub fn len(&self) -> usize {
        self.held.len()
    }

    /// Whether nothing is outstanding.
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// Whether this row is at work.
    pub fn contains(&self, item: &ItemKey) -> bool {
        self.held.contains_key(item)
    }

    /// The row as it will be once what is known is written.
    pub fn newest(&self, item: &ItemKey) -> Option<&InboxRow> {
        let held = self.held.get(item)?;
        match &held.phase {
            Phase::Dirty {
                fate: Fate::Keep(row), ..
            } => Some(row),
            Phase::Dirty { .. } | Phase::Committing { .. } | Phase::Ready | Phase::InFlight => {
                held.writing.as_ref().and_then(Option::as_ref).or(Some(&held.row))
            }
        }
    }

    /// The row whose recorded outcome names this push of the bearer.
    pub fn sent_as(&self, destination: &str, message_id: &str) -> Option<ItemKey> {
        self.held
            .keys()
            .find(|item| {
                self.newest(item).is_some_and(|row| match &row.last {
                    AttemptState::Sent(sent) => is_push(sent, destination, message_id),
                    AttemptState::Made
                    | AttemptState::Failed
                    | AttemptState::Waiting(_)
                    | AttemptState::Reached
                    | AttemptState::Shelved => false,
                })
            })
            .copied()
    }

    /// Something happened to a row that is not at work (as the store has it).
    pub fn take_in(
        &mut self,
        item: ItemKey,
        row: InboxRow,
        event: TellEvent,
        now: UnixMillis,
        random: u32,
        policy: &TellingPolicy,
    ) {
        let step = step(&row, event, now, random, policy);
        let unchanged = step.fate == Fate::Keep(row.clone());
        if unchanged && !step.attempt {
            return;
        }
        let phase = if unchanged { Phase::Ready } else { dirty(step) };
        if phase == Phase::Ready {
            self.ready.insert(item);
        }
        self.held.insert(
            item,
            Held {
                row,
                writing: None,
                phase,
                cleared: false,
            },
        );
    }

    /// Something happened to a row at work.
    pub fn event(&mut self, item: &ItemKey, event: TellEvent, now: UnixMillis, random: u32, policy: &TellingPolicy) {
        let Some(newest) = self.newest(item).cloned() else {
            return;
        };
        let step = step(&newest, event, now, random, policy);
        let Some(held) = self.held.get_mut(item) else { return };
        if step.fate == Fate::Keep(newest) && !step.attempt {
            // Nothing new: a row whose attempt just ended is done with, one that waits for its commit or turn goes on.
            if held.phase == Phase::InFlight {
                self.drop_row(item);
            }
            return;
        }
        self.ready.remove(item);
        held.phase = dirty(step);
    }

    /// Whether an attempt could be made now.
    pub fn can_start(&self) -> bool {
        self.in_flight.is_none() && !self.ready.is_empty()
    }

    /// The next recorded attempt, oldest row first, if none is being made.
    pub fn start_next(&mut self) -> Option<(ItemKey, InboxRow)> {
        if self.in_flight.is_some() {
            return None;
        }
        let item = self.ready.pop_first()?;
        let held = self.held.get_mut(&item)?;
        held.phase = Phase::InFlight;
        self.in_flight = Some(item);
        Some((item, held.row.clone()))
    }

    /// Whether an attempt is being made.
    pub fn is_attempting(&self) -> bool {
        self.in_flight.is_some()
    }

    /// The attempt in flight ended. False if its row is of no interest any more.
    pub fn attempt_ended(&mut self, item: &ItemKey) -> bool {
        if self.in_flight == Some(*item) {
            self.in_flight = None;
        }
        match self.held.get(item) {
            Some(held) if held.cleared => {
                self.drop_row(item);
                false
            }
            Some(_) => true,
            None => false,
        }
    }

    /// The MM took the row out of the inbox: nothing is written about it any more.
    pub fn clear(&mut self, item: &ItemKey) {
        let Some(held) = self.held.get_mut(item) else { return };
        match held.phase {
            Phase::InFlight | Phase::Committing { .. } => held.cleared = true,
            Phase::Ready | Phase::Dirty { .. } => self.drop_row(item),
        }
    }

    /// Whether something has to be written now.
    pub fn is_urgent(&self) -> bool {
        self.held.values().any(|held| {
            matches!(
                held.phase,
                Phase::Dirty {
                    urgency: Urgency::Now,
                    ..
                }
            )
        })
    }

    /// Whether something is to be written at all.
    pub fn is_dirty(&self) -> bool {
        self.held.values().any(|held| matches!(held.phase, Phase::Dirty { .. }))
    }

    /// Takes what is to be written, at most `limit` rows, urgent and lazy alike.
    pub fn start_commit(&mut self, limit: usize) -> Vec<Decision> {
        let mut batch = Vec::new();
        for (item, held) in &mut self.held {
            if batch.len() >= limit {
                break;
            }
            let Phase::Dirty { fate, attempt, .. } = &held.phase else {
                continue;
            };
            held.writing = Some(match fate {
                Fate::Keep(row) => Some(row.clone()),
                Fate::Remove | Fate::GiveUp(_) => None,
            });
            batch.push(Decision {
                item: *item,
                about: held.row.clone(),
                fate: fate.clone(),
            });
            held.phase = Phase::Committing { attempt: *attempt };
        }
        batch
    }

    /// The commit went through; `void` are the rows that were not there any more, or not as they were known.
    pub fn committed(&mut self, batch: &[ItemKey], void: &BTreeSet<ItemKey>) {
        for item in batch {
            let Some(held) = self.held.get_mut(item) else { continue };
            match held.writing.take().flatten() {
                Some(row) if !void.contains(item) => held.row = row,
                Some(_) | None => {
                    self.drop_row(item);
                    continue;
                }
            }
            match held.phase {
                Phase::Committing { attempt: true } if !held.cleared => {
                    held.phase = Phase::Ready;
                    self.ready.insert(*item);
                }
                Phase::Committing { .. } => self.drop_row(item),
                // An event that came during the commit is to be written now.
                Phase::Dirty { .. } | Phase::Ready | Phase::InFlight => {}
            }
        }
    }

    /// The commit failed: what was decided is forgotten; due work finds the rows.
    pub fn forget(&mut self, batch: &[ItemKey]) {
        for item in batch {
            self.drop_row(item);
        }
    }

    fn drop_row(&mut self, item: &ItemKey) {
        self.ready.remove(item);
        self.held.remove(item);
    }
}

fn dirty(step: TellStep) -> Phase {
    Phase::Dirty {
        fate: step.fate,
        urgency: step.urgency,
        attempt: step.attempt,
    }
}

/// Whether a receipt that names `message_id` is about this push.
pub fn is_push(sent: &mmsc_domain::inbox::Sent, destination: &str, message_id: &str) -> bool {
    sent.destination == destination && sent.message_ids.iter().any(|known| known == message_id)
}
