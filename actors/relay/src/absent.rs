//! Who was not reached of late, so that a handset that shows itself on MM1 is told at once. A hint of this process:
//! after a restart, the schedule of each row does the same a little later.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use mmsc_domain::Address;

/// Subscribers remembered; beyond that the schedule must do.
const MAX_ABSENT: usize = 100_000;

/// The set.
#[derive(Default)]
pub struct Absent(Mutex<BTreeSet<Address>>);

impl Absent {
    /// Was not reached.
    pub fn note(&self, address: &Address) {
        let mut set = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if set.len() < MAX_ABSENT {
            set.insert(address.clone());
        }
    }

    /// Showed itself: true if it was absent before.
    pub fn seen(&self, address: &Address) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(address)
    }
}
