//! Which push a receipt is about. Segments of one push have an id each and give one result; receipts may come twice,
//! never, or before the response that tells their id. Bounded in number and time; pure: time is an argument.

use std::collections::BTreeMap;
use std::time::Duration;

use mmsc_domain::Address;
use mmsc_relay::port::ReceiptState;

use crate::bounded::Bounded;

/// Names a push in this table.
pub(super) type PushId = u64;

/// A told push is remembered this long for repeated receipts.
const REPEATS: Duration = Duration::from_secs(600);

/// Pushes that were taken over, and receipts that came too early.
pub(super) struct Correlation {
    ids: Bounded<String, (PushId, usize)>,
    pushes: Bounded<PushId, Taken>,
    by_expiry: BTreeMap<(Duration, PushId), ()>,
    early: Bounded<String, Early>,
    early_for: Duration,
    next: PushId,
}

struct Taken {
    push: PushId,
    address: Address,
    ids: Vec<Option<String>>,
    states: Vec<Option<ReceiptState>>,
    told: Option<ReceiptState>,
    /// The push as a whole failed: what its segments report is of no interest.
    abandoned: bool,
    expires_at: Duration,
}

struct Early {
    state: ReceiptState,
    until: Duration,
}

/// What a receipt means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Match {
    /// The result of a push; [`Correlation::told`] is due once the relay has it.
    Result(PushId, Address, ReceiptState),
    /// One segment of several; the result is still open.
    Partial,
    /// The relay knows it.
    Repeated,
    /// Of a push that was given up or refused as a whole.
    Abandoned,
    /// No such id (any more, or yet).
    Unknown,
}

impl Correlation {
    pub(super) fn new(capacity: usize, early_for: Duration) -> Self {
        Self {
            ids: Bounded::new(capacity),
            pushes: Bounded::new(capacity),
            by_expiry: BTreeMap::new(),
            early: Bounded::new(capacity.min(10_000)),
            early_for,
            next: 0,
        }
    }

    /// A push of `segments` begins to be sent; its receipts are awaited until `expires_at`.
    pub(super) fn begin(&mut self, address: Address, segments: usize, expires_at: Duration) -> PushId {
        let id = self.next;
        self.next += 1;
        let taken = Taken {
            push: id,
            address,
            ids: vec![None; segments],
            states: vec![None; segments],
            told: None,
            abandoned: false,
            expires_at,
        };
        let evicted = self.pushes.insert(id, taken);
        self.by_expiry.insert((expires_at, id), ());
        if let Some(evicted) = evicted {
            self.forget(&evicted);
        }
        id
    }

    /// The SMSC named a segment. If its receipt came before, what that means.
    pub(super) fn answered(&mut self, now: Duration, push: PushId, segment: usize, id: &str) -> Option<Match> {
        if let Some(slot) = self.pushes.get_mut(&push).and_then(|taken| taken.ids.get_mut(segment)) {
            *slot = Some(id.to_owned());
            // A reused id names the younger push.
            self.ids.insert(id.to_owned(), (push, segment));
        }
        match self.early.remove(&id.to_owned()) {
            Some(early) if early.until > now => Some(self.receipt(id, early.state)),
            Some(_) | None => None,
        }
    }

    /// Keeps a receipt whose id may still be on its way to us.
    pub(super) fn keep_early(&mut self, now: Duration, id: &str, state: ReceiptState) {
        let until = now + self.early_for;
        self.early.insert(id.to_owned(), Early { state, until });
    }

    /// The push failed as a whole: its segments' receipts are answered and dropped.
    pub(super) fn abandon(&mut self, push: PushId) {
        let Some(taken) = self.pushes.get_mut(&push) else {
            return;
        };
        taken.abandoned = true;
        if taken.ids.iter().all(Option::is_none)
            && let Some(unnamed) = self.pushes.remove(&push)
        {
            self.forget(&unnamed);
        }
    }

    /// A receipt arrived.
    pub(super) fn receipt(&mut self, id: &str, state: ReceiptState) -> Match {
        let Some((push, segment)) = self.ids.get(&id.to_owned()).copied() else {
            return Match::Unknown;
        };
        let Some(taken) = self.pushes.get_mut(&push) else {
            return Match::Unknown;
        };
        if taken.abandoned {
            return Match::Abandoned;
        }
        if let Some(slot) = taken.states.get_mut(segment) {
            *slot = Some(state);
        }
        match (taken.result(), taken.told) {
            (None, _) => Match::Partial,
            (Some(result), Some(told)) if result == told => Match::Repeated,
            (Some(result), _) => Match::Result(push, taken.address.clone(), result),
        }
    }

    /// The relay has the result.
    pub(super) fn told(&mut self, now: Duration, push: PushId, state: ReceiptState) {
        if let Some(taken) = self.pushes.get_mut(&push) {
            taken.told = Some(state);
            let sooner = taken.expires_at.min(now + REPEATS);
            self.by_expiry.remove(&(taken.expires_at, push));
            taken.expires_at = sooner;
            self.by_expiry.insert((sooner, push), ());
        }
    }

    /// One push whose time is over and that nobody reported about, with an id of it; told and abandoned ones go
    /// silently. Call until `None`.
    pub(super) fn expired(&mut self, now: Duration) -> Option<(Address, String)> {
        while let Some((&(at, push), ())) = self.by_expiry.first_key_value() {
            if at > now {
                return None;
            }
            self.by_expiry.pop_first();
            let Some(taken) = self.pushes.remove(&push) else {
                continue;
            };
            self.forget(&taken);
            let id = taken.ids.into_iter().flatten().next();
            if let (None, false, Some(id)) = (taken.told, taken.abandoned, id) {
                return Some((taken.address, id));
            }
        }
        None
    }

    /// Pushes remembered.
    pub(super) fn len(&self) -> usize {
        self.pushes.len()
    }

    fn forget(&mut self, taken: &Taken) {
        self.by_expiry.remove(&(taken.expires_at, taken.push));
        for id in taken.ids.iter().flatten() {
            if self.ids.get(id).is_some_and(|(push, _)| *push == taken.push) {
                self.ids.remove(id);
            }
        }
    }
}

impl Taken {
    /// Failed as soon as one segment failed, reached when all are.
    fn result(&self) -> Option<ReceiptState> {
        let failed = [ReceiptState::NeverReachable, ReceiptState::NotReached]
            .into_iter()
            .find(|state| self.states.contains(&Some(*state)));
        let all = self.states.iter().all(|state| *state == Some(ReceiptState::Reached));
        failed.or(all.then_some(ReceiptState::Reached))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn table() -> Correlation {
        Correlation::new(100, MINUTE)
    }

    fn handset() -> Address {
        Address::Phone("491701234567".into())
    }

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn three_segments_give_one_result() {
        let mut table = table();
        let push = table.begin(handset(), 3, at(600));
        for (segment, id) in ["a", "b", "c"].iter().enumerate() {
            assert_eq!(table.answered(at(0), push, segment, id), None);
        }
        assert_eq!(table.receipt("c", ReceiptState::Reached), Match::Partial);
        assert_eq!(table.receipt("a", ReceiptState::Reached), Match::Partial);
        let result = table.receipt("b", ReceiptState::Reached);
        assert_eq!(result, Match::Result(push, handset(), ReceiptState::Reached));
        assert_eq!(table.receipt("b", ReceiptState::Reached), result, "untold, so again");
        table.told(at(1), push, ReceiptState::Reached);
        assert_eq!(table.receipt("b", ReceiptState::Reached), Match::Repeated);
    }

    #[test]
    fn one_failed_segment_fails_the_push_at_once() {
        let mut table = table();
        let push = table.begin(handset(), 2, at(600));
        table.answered(at(0), push, 0, "a");
        table.answered(at(0), push, 1, "b");
        let failed = ReceiptState::NotReached;
        assert_eq!(table.receipt("b", failed), Match::Result(push, handset(), failed));
        table.told(at(1), push, failed);
        assert_eq!(table.receipt("a", ReceiptState::Reached), Match::Repeated);
    }

    #[test]
    fn an_early_receipt_is_found_within_its_minute() {
        let mut table = table();
        assert_eq!(table.receipt("a", ReceiptState::Reached), Match::Unknown);
        table.keep_early(at(0), "a", ReceiptState::Reached);
        let push = table.begin(handset(), 1, at(600));
        let result = Match::Result(push, handset(), ReceiptState::Reached);
        assert_eq!(table.answered(at(59), push, 0, "a"), Some(result));
        table.keep_early(at(0), "b", ReceiptState::Reached);
        let push = table.begin(handset(), 1, at(600));
        assert_eq!(table.answered(at(60), push, 0, "b"), None);
    }

    #[test]
    fn only_unreported_pushes_expire_aloud() {
        let mut table = table();
        let silent = table.begin(handset(), 1, at(100));
        table.answered(at(0), silent, 0, "silent");
        let told = table.begin(handset(), 1, at(100));
        table.answered(at(0), told, 0, "told");
        table.told(at(1), told, ReceiptState::Reached);
        let given_up = table.begin(handset(), 1, at(100));
        table.answered(at(0), given_up, 0, "given-up");
        table.abandon(given_up);
        assert_eq!(table.receipt("given-up", ReceiptState::Reached), Match::Abandoned);
        assert_eq!(table.expired(at(99)), None);
        assert_eq!(table.expired(at(100)), Some((handset(), "silent".into())));
        assert_eq!(table.expired(at(100)), None);
        assert_eq!(table.len(), 0);
        assert_eq!(table.receipt("told", ReceiptState::Reached), Match::Unknown);
    }

    #[test]
    fn memory_is_bounded() {
        let mut table = table();
        for n in 0..10_000 {
            let push = table.begin(handset(), 2, at(600));
            table.answered(at(0), push, 0, &format!("{n}/0"));
            table.answered(at(0), push, 1, &format!("{n}/1"));
            table.keep_early(at(0), &format!("early {n}"), ReceiptState::Reached);
            if n % 3 == 0 {
                table.told(at(0), push, ReceiptState::Reached);
            }
        }
        assert!(table.len() <= 100 && table.ids.len() <= 100 && table.early.len() <= 100);
        assert!(table.by_expiry.len() <= 100);
    }
}
