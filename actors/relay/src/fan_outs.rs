//! How often which content was submitted to how many lately: in memory, for this node alone, and bounded.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use mmsc_domain::fan_out::{FanOut, FanOutAction, FanOutLimits, FanOutPolicy, Scope, Tally};
use mmsc_domain::record::Interface;
use mmsc_domain::{Address, UnixMillis};
use sha2::{Digest as _, Sha256};

use crate::context::Context;

/// Half of a SHA-256.
type Key = [u8; 16];

/// A submission as it is counted.
#[derive(Clone, Copy, Debug)]
pub struct Counted<'a> {
    pub sender: &'a Address,
    /// SHA-256 of its content, as staging computed it.
    pub sha256: &'a [u8; 32],
    pub content_len: u64,
    pub recipients: u64,
}

/// A threshold was passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passed {
    pub which: FanOut,
    /// For the first time in this window.
    pub is_news: bool,
}

/// The tallies of this node.
#[derive(Default)]
pub struct FanOuts(Mutex<Tables>);

#[derive(Default)]
struct Tables {
    senders: Table,
    everybody: Table,
}

impl FanOuts {
    /// Counts a submission; the thresholds that it passes, that of its sender first. Where those refuse it, it does not
    /// count.
    pub fn count(&self, policy: &FanOutPolicy, what: Counted<'_>, now: UnixMillis) -> Vec<Passed> {
        let (own, everybody) = keys(&what);
        let for_everybody = what.content_len >= policy.everybody_min_bytes;
        let scopes = [
            (Scope::Sender, own, policy.sender),
            (Scope::Everybody, everybody, policy.everybody),
        ];
        let mut tables = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut passed = Vec::new();
        let mut tallies = Vec::with_capacity(scopes.len());
        for (scope, key, limits) in scopes {
            let counts = scope == Scope::Sender || for_everybody;
            if !counts || limits == FanOutLimits::default() {
                continue;
            }
            let before = tables.of(scope).tally(&key, now).at(now, policy.window);
            let mut after = before.with(what.recipients);
            if let Some(which) = after.over(limits, scope) {
                let is_news = !after.is_told();
                after = after.told();
                passed.push(Passed { which, is_news });
            }
            tallies.push((scope, key, before, after));
        }
        let refused = !passed.is_empty() && policy.action == FanOutAction::Refuse;
        for (scope, key, before, after) in tallies {
            let kept = match (refused, after.is_told()) {
                (false, _) => after,
                (true, true) => before.told(),
                (true, false) => before,
            };
            tables.of(scope).keep(key, kept, policy.contents);
        }
        passed
    }
}

/// Counts a submission and tells the operator what it passes; whether it is refused for that. Only what handsets send
/// is counted: peers and service providers send to many by their trade.
pub fn refuses(ctx: &Context, interface: Interface, what: Counted<'_>) -> bool {
    let counted = match interface {
        Interface::Mm1 => what.content_len > 0,
        Interface::Mm3 | Interface::Mm4 | Interface::Mm7 => false,
    };
    let Some(policy) = ctx.policy.fan_out.as_ref().filter(|_| counted) else {
        return false;
    };
    let passed = ctx.fan_outs.count(policy, what, ctx.now());
    for Passed { which, is_news } in &passed {
        ctx.metrics.count_fan_out(*which);
        if *is_news {
            let content = what.sha256.iter().take(8).map(|octet| format!("{octet:02x}"));
            let (threshold, content) = (which.name(), content.collect::<String>());
            let (sender, octets) = (what.sender.masked(), what.content_len);
            tracing::warn!(threshold, content, octets, sender, "the same content goes to many");
        }
    }
    !passed.is_empty() && policy.action == FanOutAction::Refuse
}

/// What the content of one sender, and that content of anybody, is counted under.
fn keys(what: &Counted<'_>) -> (Key, Key) {
    let mut hash = Sha256::new();
    hash.update(what.sha256);
    hash.update(what.sender.to_string());
    let half = |octets: &[u8]| octets.first_chunk().copied().unwrap_or_default();
    (half(&hash.finalize()), half(what.sha256))
}

impl Tables {
    fn of(&mut self, scope: Scope) -> &mut Table {
        match scope {
            Scope::Sender => &mut self.senders,
            Scope::Everybody => &mut self.everybody,
        }
    }
}

/// Tallies, and in which order they were seen last.
#[derive(Default)]
struct Table {
    tallies: BTreeMap<Key, (Tally, u64)>,
    order: BTreeMap<u64, Key>,
    next: u64,
}

impl Table {
    fn tally(&self, key: &Key, now: UnixMillis) -> Tally {
        self.tallies
            .get(key)
            .map_or_else(|| Tally::new(now), |(tally, _)| *tally)
    }

    /// Keeps a tally as the one seen last; beyond `most` the one not seen for longest goes.
    fn keep(&mut self, key: Key, tally: Tally, most: usize) {
        let place = self.next;
        self.next += 1;
        if let Some((_, before)) = self.tallies.insert(key, (tally, place)) {
            self.order.remove(&before);
        }
        self.order.insert(place, key);
        if self.tallies.len() > most
            && let Some((_, oldest)) = self.order.pop_first()
        {
            self.tallies.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use FanOut::{EverybodyRecipients as All, SenderRecipients as Own};

    use super::*;

    fn policy() -> FanOutPolicy {
        let limits = |recipients| FanOutLimits {
            submissions: None,
            recipients: Some(recipients),
        };
        FanOutPolicy {
            sender: limits(3),
            everybody: limits(5),
            ..FanOutPolicy::default()
        }
    }

    fn sender(number: u64) -> Address {
        Address::Phone(format!("1555{number:07}"))
    }

    fn count(table: &FanOuts, policy: &FanOutPolicy, from: u64, content: u8, recipients: u64) -> Vec<(FanOut, bool)> {
        let what = Counted {
            sender: &sender(from),
            sha256: &[content; 32],
            content_len: 2000,
            recipients,
        };
        let passed = table.count(policy, what, UnixMillis(1000)).into_iter();
        passed.map(|it| (it.which, it.is_news)).collect()
    }

    #[test]
    fn one_sender_and_all_of_them_are_counted_apart_and_told_once() {
        let (table, policy) = (FanOuts::default(), policy());
        assert_eq!(count(&table, &policy, 1, 7, 3), []);
        assert_eq!(count(&table, &policy, 2, 8, 3), [], "another content");
        assert_eq!(count(&table, &policy, 2, 7, 1), []);
        assert_eq!(count(&table, &policy, 1, 7, 1), [(Own, true)]);
        assert_eq!(count(&table, &policy, 1, 7, 1), [(Own, false), (All, true)]);
        assert_eq!(count(&table, &policy, 3, 7, 1), [(All, false)]);
    }

    #[test]
    fn few_words_are_counted_for_their_sender_alone() {
        let (table, policy) = (FanOuts::default(), policy());
        let small = |from, recipients| {
            let what = Counted {
                sender: &sender(from),
                sha256: &[1; 32],
                content_len: 20,
                recipients,
            };
            let passed = table.count(&policy, what, UnixMillis(0)).into_iter();
            passed.map(|it| it.which).collect::<Vec<_>>()
        };
        assert!((1..20).all(|from| small(from, 3).is_empty()));
        assert_eq!(small(1, 1), [FanOut::SenderRecipients]);
    }

    #[test]
    fn what_is_refused_does_not_count_and_is_told_once() {
        let refuse = FanOutPolicy {
            action: FanOutAction::Refuse,
            ..policy()
        };
        let table = FanOuts::default();
        assert_eq!(count(&table, &refuse, 1, 7, 2), []);
        assert_eq!(count(&table, &refuse, 1, 7, 9), [(Own, true), (All, true)]);
        assert_eq!(count(&table, &refuse, 1, 7, 9), [(Own, false), (All, false)]);
        assert_eq!(count(&table, &refuse, 1, 7, 1), []);
        let late = Counted {
            sender: &sender(1),
            sha256: &[7; 32],
            content_len: 2000,
            recipients: 3,
        };
        let over = UnixMillis(1000).plus(Duration::from_secs(3600));
        assert_eq!(table.count(&refuse, late, over), []);
    }

    #[test]
    fn memory_is_bounded_and_what_comes_again_and_again_stays() {
        let policy = FanOutPolicy {
            contents: 10,
            everybody: FanOutLimits::default(),
            ..policy()
        };
        let table = FanOuts::default();
        let mut passed = Vec::new();
        for number in 0..200_u8 {
            count(&table, &policy, 1, number, 1);
            if number % 5 == 0 {
                passed.extend(count(&table, &policy, 2, 255, 1));
            }
        }
        assert_eq!(passed.len(), 37, "all but the first three");
        assert!(passed.first() == Some(&(FanOut::SenderRecipients, true)));
        let tables = table.0.lock().unwrap();
        assert_eq!((tables.senders.tallies.len(), tables.senders.order.len()), (10, 10));
        assert!(tables.everybody.tallies.is_empty());
    }
}
