//! What the links to short-message centres measure.

use std::sync::Arc;

use mmsc_ports::metrics::{Counter, Family, Gauge, Histogram, Sample, Source};
use mmsc_relay::port::ReceiptState;

use super::replies::Class;

/// The measurements of one SMSC.
#[derive(Debug)]
pub struct LinkMetrics {
    /// 1 while bound.
    pub bound: Arc<Gauge>,
    /// Submits without response.
    pub window_used: Arc<Gauge>,
    /// Pushes in front of the window.
    pub queued: Arc<Gauge>,
    /// Submits per second allowed at the moment.
    pub rate: Arc<Gauge>,
    /// Pushes whose receipts are awaited or may come again.
    pub remembered: Arc<Gauge>,
    /// Responses by class, in the order of [`Class::ALL`].
    pub submits: [Arc<Counter>; Class::ALL.len()],
    /// Submits that were never answered.
    pub unanswered: Arc<Counter>,
    /// From submit to response.
    pub response_seconds: Arc<Histogram>,
    /// Times that the rate was halved.
    pub slowdowns: Arc<Counter>,
    /// Final receipts that the relay took, by [`ReceiptState`]: reached, not reached, never reachable.
    pub receipts: [Arc<Counter>; 3],
    /// Receipts that say that the push is still on its way.
    pub intermediate: Arc<Counter>,
    /// Receipts of an id that nobody remembers; they went by address.
    pub unmatched: Arc<Counter>,
    /// Receipts that came again or of a push that was given up; answered and dropped.
    pub dropped: Arc<Counter>,
    /// Pushes of which no receipt came in time.
    pub missing: Arc<Counter>,
    /// Receipts that the relay could not take, so that the SMSC was asked to repeat them.
    pub postponed: Arc<Counter>,
    /// Messages from handsets to our address.
    pub originated: Arc<Counter>,
    /// Connections attempted after the first.
    pub reconnects: Arc<Counter>,
    /// Binds that the SMSC refused.
    pub bind_refusals: Arc<Counter>,
    /// PDUs that could not be understood.
    pub protocol_errors: Arc<Counter>,
    /// Answers that only a person can mend: an alarm.
    pub faults: Arc<Counter>,
}

impl Default for LinkMetrics {
    fn default() -> Self {
        Self {
            bound: Arc::default(),
            window_used: Arc::default(),
            queued: Arc::default(),
            rate: Arc::default(),
            remembered: Arc::default(),
            submits: std::array::from_fn(|_| Arc::default()),
            unanswered: Arc::default(),
            response_seconds: Arc::default(),
            slowdowns: Arc::default(),
            receipts: std::array::from_fn(|_| Arc::default()),
            intermediate: Arc::default(),
            unmatched: Arc::default(),
            dropped: Arc::default(),
            missing: Arc::default(),
            postponed: Arc::default(),
            originated: Arc::default(),
            reconnects: Arc::default(),
            bind_refusals: Arc::default(),
            protocol_errors: Arc::default(),
            faults: Arc::default(),
        }
    }
}

impl LinkMetrics {
    /// One more response of `class`.
    pub(super) fn submitted(&self, class: Class) {
        if let Some(counter) = Class::ALL
            .iter()
            .position(|known| *known == class)
            .and_then(|index| self.submits.get(index))
        {
            counter.increment();
        }
    }

    /// One more receipt that the relay took.
    pub(super) fn receipt(&self, state: ReceiptState) {
        let [reached, not_reached, never] = &self.receipts;
        match state {
            ReceiptState::Reached => reached,
            ReceiptState::NotReached => not_reached,
            ReceiptState::NeverReachable => never,
        }
        .increment();
    }
}

/// One line of the catalogue: name, help, and where a link keeps it.
type Row = (&'static str, &'static str, fn(&LinkMetrics) -> Source);

const GAUGES: [Row; 5] = [
    (
        "mmsc_smpp_bound",
        "1 while the SMSC has accepted our bind, else 0.",
        |m| Source::Gauge(Arc::clone(&m.bound)),
    ),
    (
        "mmsc_smpp_window_used",
        "Submits that the SMSC has not answered yet.",
        |m| Source::Gauge(Arc::clone(&m.window_used)),
    ),
    (
        "mmsc_smpp_queue_length",
        "Pushes waiting in front of the window.",
        |m| Source::Gauge(Arc::clone(&m.queued)),
    ),
    (
        "mmsc_smpp_allowed_submits_per_second",
        "Rate that the contract and the SMSC's throttling allow now.",
        |m| Source::Gauge(Arc::clone(&m.rate)),
    ),
    (
        "mmsc_smpp_remembered_pushes",
        "Pushes whose receipts are awaited or may come again.",
        |m| Source::Gauge(Arc::clone(&m.remembered)),
    ),
];

const COUNTERS: [Row; 12] = [
    (
        "mmsc_smpp_unanswered_submits_total",
        "Submits whose answer never came; their pushes are sent again with the same ids.",
        |m| Source::Counter(Arc::clone(&m.unanswered)),
    ),
    (
        "mmsc_smpp_slowdowns_total",
        "Times that the rate was halved because the SMSC throttled or told that it is congested.",
        |m| Source::Counter(Arc::clone(&m.slowdowns)),
    ),
    (
        "mmsc_smpp_intermediate_receipts_total",
        "Receipts that say that a push is still on its way.",
        |m| Source::Counter(Arc::clone(&m.intermediate)),
    ),
    (
        "mmsc_smpp_unmatched_receipts_total",
        "Receipts whose message id is not remembered; they went to the subscriber by address.",
        |m| Source::Counter(Arc::clone(&m.unmatched)),
    ),
    (
        "mmsc_smpp_dropped_receipts_total",
        "Repeated receipts and receipts of pushes that were given up.",
        |m| Source::Counter(Arc::clone(&m.dropped)),
    ),
    (
        "mmsc_smpp_missing_receipts_total",
        "Pushes of which no receipt came within their validity and ten minutes; they count as not delivered.",
        |m| Source::Counter(Arc::clone(&m.missing)),
    ),
    (
        "mmsc_smpp_postponed_receipts_total",
        "Receipts that could not be stored, so that the SMSC was asked to repeat them.",
        |m| Source::Counter(Arc::clone(&m.postponed)),
    ),
    (
        "mmsc_smpp_originated_messages_total",
        "Short messages from handsets to our address; answered and dropped.",
        |m| Source::Counter(Arc::clone(&m.originated)),
    ),
    (
        "mmsc_smpp_reconnects_total",
        "Connections attempted after the first.",
        |m| Source::Counter(Arc::clone(&m.reconnects)),
    ),
    ("mmsc_smpp_bind_refusals_total", "Binds that the SMSC refused.", |m| {
        Source::Counter(Arc::clone(&m.bind_refusals))
    }),
    (
        "mmsc_smpp_protocol_errors_total",
        "PDUs from the SMSC that could not be understood.",
        |m| Source::Counter(Arc::clone(&m.protocol_errors)),
    ),
    (
        "mmsc_smpp_faults_total",
        "Refusals that only a person can mend: account, addresses, unsupported features. Each is an alarm.",
        |m| Source::Counter(Arc::clone(&m.faults)),
    ),
];

const SECONDS: Row = (
    "mmsc_smpp_response_seconds",
    "Time from a submit to the SMSC's response.",
    |m| Source::Histogram(Arc::clone(&m.response_seconds)),
);

/// The metrics of all links; label `smsc`, and `class` or `state` where one applies.
pub(super) fn families(links: &[(String, Arc<LinkMetrics>)]) -> Vec<Family> {
    let mut families: Vec<Family> = GAUGES
        .iter()
        .chain(COUNTERS.iter())
        .chain(std::iter::once(&SECONDS))
        .map(|(name, help, source)| {
            let series = links.iter().map(|(smsc, metrics)| (smsc.clone(), source(metrics)));
            Family::labelled(name, help, "smsc", series)
        })
        .collect();
    families.push(Family {
        name: "mmsc_smpp_submits_total",
        help: "Answered submits by what the SMSC's status means.",
        samples: by_label(links, "class", &Class::ALL.map(Class::label), |m| &m.submits),
    });
    families.push(Family {
        name: "mmsc_smpp_receipts_total",
        help: "Final receipts taken over, by what became of the push.",
        samples: by_label(links, "state", &["reached", "not_reached", "never_reachable"], |m| {
            &m.receipts
        }),
    });
    families
}

fn by_label(
    links: &[(String, Arc<LinkMetrics>)],
    label: &'static str,
    values: &[&'static str],
    counters: fn(&LinkMetrics) -> &[Arc<Counter>],
) -> Vec<Sample> {
    links
        .iter()
        .flat_map(|(smsc, metrics)| {
            values.iter().zip(counters(metrics)).map(|(value, counter)| Sample {
                labels: vec![("smsc", smsc.clone()), (label, (*value).to_owned())],
                source: Source::Counter(Arc::clone(counter)),
            })
        })
        .collect()
}
