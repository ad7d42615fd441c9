//! What the choice of a bearer measures.

use std::sync::Arc;

use mmsc_ports::metrics::{Counter, Family, Gauge, Source};

use super::choose::Kind;

/// The measurements of a [`super::Chooser`].
#[derive(Debug, Default)]
pub struct ChooserMetrics {
    /// Pushes given to short-message centres.
    pub smsc: Arc<Counter>,
    /// Pushes given to push proxy gateways.
    pub ppg: Arc<Counter>,
    /// Pushes held for a moment because their number had its share.
    pub held: Arc<Counter>,
    /// Pushes put back for that reason.
    pub put_back: Arc<Counter>,
    /// Numbers whose pace is remembered.
    pub numbers: Arc<Gauge>,
}

impl ChooserMetrics {
    pub(super) fn routed(&self, kind: Kind) {
        match kind {
            Kind::Smsc => &self.smsc,
            Kind::Ppg => &self.ppg,
        }
        .increment();
    }

    /// The families.
    #[must_use]
    pub fn families(&self) -> Vec<Family> {
        let counter = |counter: &Arc<Counter>| Source::Counter(Arc::clone(counter));
        vec![
            Family::labelled(
                "mmsc_push_routed_total",
                "Pushes by the kind of bearer that was chosen for their number.",
                "bearer",
                [
                    ("smsc".to_owned(), counter(&self.smsc)),
                    ("ppg".to_owned(), counter(&self.ppg)),
                ],
            ),
            Family::single(
                "mmsc_push_held_total",
                "Pushes held for some seconds because their number had its share of pushes.",
                counter(&self.held),
            ),
            Family::single(
                "mmsc_push_put_back_total",
                "Pushes put back without an attempt because their number had its share for longer than that.",
                counter(&self.put_back),
            ),
            Family::single(
                "mmsc_push_paced_numbers",
                "Numbers that were pushed to of late, whose pace is remembered.",
                Source::Gauge(Arc::clone(&self.numbers)),
            ),
        ]
    }
}
