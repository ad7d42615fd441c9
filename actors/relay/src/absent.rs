//! Who was not reached of late, so that a handset that shows itself on MM1 is told at once. A hint of this process:
//! after a restart, or once it is forgotten here, the schedule of each row does the same a little later.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use mmsc_domain::{Address, UnixMillis};

/// Subscribers remembered; beyond that those go who were not reached longest ago.
const MAX_ABSENT: usize = 100_000;

/// After this the schedule has tried again, and whoever was not reached then is noted anew.
const MAX_AGE: Duration = Duration::from_secs(24 * 3600);

/// The set.
#[derive(Default)]
pub struct Absent(Mutex<Noted>);

#[derive(Default)]
struct Noted {
    since: BTreeMap<Address, UnixMillis>,
    by_age: BTreeSet<(UnixMillis, Address)>,
}

impl Absent {
    /// Was not reached.
    pub fn note(&self, address: &Address, now: UnixMillis) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .note(address, now, MAX_ABSENT);
    }

    /// Showed itself: true if it was absent before.
    pub fn seen(&self, address: &Address, now: UnixMillis) -> bool {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        noted.forget_old(now);
        noted.remove(address)
    }
}

impl Noted {
    fn note(&mut self, address: &Address, now: UnixMillis, most: usize) {
        self.forget_old(now);
        self.remove(address);
        while self.since.len() >= most {
            let Some((_, longest)) = self.by_age.pop_first() else {
                break;
            };
            self.since.remove(&longest);
        }
        self.since.insert(address.clone(), now);
        self.by_age.insert((now, address.clone()));
    }

    fn remove(&mut self, address: &Address) -> bool {
        match self.since.remove(address) {
            Some(since) => self.by_age.remove(&(since, address.clone())),
            None => false,
        }
    }

    /// Each is forgotten once, so this costs nothing on the whole.
    fn forget_old(&mut self, now: UnixMillis) {
        while let Some((since, address)) = self.by_age.pop_first() {
            if now.since(since) < MAX_AGE {
                self.by_age.insert((since, address));
                break;
            }
            self.since.remove(&address);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_700_000_000_000);

    fn phone(number: u32) -> Address {
        Address::Phone(format!("1555{number:07}"))
    }

    #[test]
    fn who_shows_itself_is_absent_no_more() {
        let absent = Absent::default();
        absent.note(&phone(1), NOW);
        absent.note(&phone(1), NOW.plus(Duration::from_secs(1)));
        assert!(absent.seen(&phone(1), NOW.plus(Duration::from_secs(2))));
        assert!(!absent.seen(&phone(1), NOW.plus(Duration::from_secs(2))));
        assert!(!absent.seen(&phone(2), NOW));
    }

    #[test]
    fn who_is_silent_is_forgotten_after_a_day() {
        let absent = Absent::default();
        for day in 0..100u32 {
            let now = NOW.plus(MAX_AGE.saturating_mul(day));
            for number in 0..50 {
                absent.note(&phone(day * 50 + number), now);
            }
        }
        let noted = absent.0.lock().unwrap();
        assert_eq!(
            (noted.since.len(), noted.by_age.len()),
            (50, 50),
            "months leave no trace"
        );
        drop(noted);
        let last = NOW.plus(MAX_AGE.saturating_mul(99));
        assert!(!absent.seen(&phone(0), last));
        assert!(absent.seen(&phone(99 * 50), last));
        assert!(!absent.seen(&phone(99 * 50 + 1), last.plus(MAX_AGE)));
    }

    #[test]
    fn beyond_the_bound_the_oldest_go_and_the_newest_are_known() {
        let mut noted = Noted::default();
        for number in 0..1000 {
            // One that is noted again is among the newest again.
            noted.note(&phone(0), NOW.plus(Duration::from_millis(u64::from(number))), 10);
            noted.note(&phone(number), NOW.plus(Duration::from_millis(u64::from(number))), 10);
            assert!(noted.since.len() <= 10 && noted.by_age.len() == noted.since.len());
        }
        assert!(noted.remove(&phone(0)));
        assert!(noted.remove(&phone(999)));
        assert!(!noted.remove(&phone(500)));
    }
}
