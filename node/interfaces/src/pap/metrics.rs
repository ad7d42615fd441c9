//! What push proxy gateways and the listener for their reports measure.

use std::sync::Arc;

use mmsc_ports::metrics::{Counter, Family, Gauge, Histogram, Sample, Source};
use mmsc_relay::port::ReceiptState;

use super::replies::Class;
use crate::metrics::HttpMetrics;

/// A gauge that counts what is held.
#[derive(Debug, Default)]
pub struct Held(Arc<Gauge>);

/// One that is held.
pub(super) struct Holding(Arc<Gauge>);

impl Held {
    pub(super) fn hold(&self) -> Holding {
        self.0.add(1);
        Holding(Arc::clone(&self.0))
    }

    /// How many are held.
    #[must_use]
    pub fn value(&self) -> i64 {
        self.0.value()
    }
}

impl Drop for Holding {
    fn drop(&mut self) {
        self.0.add(-1);
    }
}

/// The measurements of one gateway.
#[derive(Debug, Default)]
pub struct PpgMetrics {
    /// 1 while it can be reached.
    pub up: Arc<Gauge>,
    /// Requests without answer.
    pub in_flight: Held,
    /// Pushes in front of the window.
    pub queued: Held,
    /// Answers by class, in the order of [`Class::ALL`].
    pub answers: [Arc<Counter>; Class::ALL.len()],
    /// Requests that were never answered.
    pub unanswered: Arc<Counter>,
    /// From request to answer.
    pub response_seconds: Arc<Histogram>,
    /// Tries to reach it after it was down.
    pub probes: Arc<Counter>,
    /// Answers that only a person can mend: an alarm.
    pub faults: Arc<Counter>,
    /// Result notifications that the relay took: reached, not reached, never reachable.
    pub results: [Arc<Counter>; 3],
    /// Result notifications that say that the push is still on its way.
    pub pending: Arc<Counter>,
    /// Result notifications that the relay could not take, so that the gateway was asked to repeat them.
    pub postponed: Arc<Counter>,
}

impl PpgMetrics {
    pub(super) fn answered(&self, class: Class) {
        let index = Class::ALL.iter().position(|known| *known == class);
        if let Some(counter) = index.and_then(|index| self.answers.get(index)) {
            counter.increment();
        }
    }

    pub(super) fn result(&self, state: ReceiptState) {
        let [reached, not_reached, never] = &self.results;
        match state {
            ReceiptState::Reached => reached,
            ReceiptState::NotReached => not_reached,
            ReceiptState::NeverReachable => never,
        }
        .increment();
    }
}

/// The measurements of the listener.
#[derive(Debug, Default)]
pub struct ListenerMetrics {
    /// Its HTTP server.
    pub http: Arc<HttpMetrics>,
    /// Requests from addresses of no gateway.
    pub strangers: Arc<Counter>,
    /// Result notifications about no push of ours, or of another gateway's.
    pub foreign: Arc<Counter>,
    /// Requests that could not be read.
    pub malformed: Arc<Counter>,
}

/// One line of the catalogue: name, help, and where a gateway keeps it.
type Row = (&'static str, &'static str, fn(&PpgMetrics) -> Source);

const ROWS: [Row; 9] = [
    (
        "mmsc_pap_up",
        "1 while the push proxy gateway can be reached, else 0.",
        |m| Source::Gauge(Arc::clone(&m.up)),
    ),
    (
        "mmsc_pap_requests_in_flight",
        "Pushes that the gateway has not answered yet.",
        |m| Source::Gauge(Arc::clone(&m.in_flight.0)),
    ),
    (
        "mmsc_pap_queue_length",
        "Pushes waiting in front of the gateway's window.",
        |m| Source::Gauge(Arc::clone(&m.queued.0)),
    ),
    (
        "mmsc_pap_unanswered_pushes_total",
        "Pushes whose answer never came; they are sent again under another push-id.",
        |m| Source::Counter(Arc::clone(&m.unanswered)),
    ),
    (
        "mmsc_pap_probes_total",
        "Tries to reach a gateway that was down.",
        |m| Source::Counter(Arc::clone(&m.probes)),
    ),
    (
        "mmsc_pap_faults_total",
        "Refusals that only a person can mend: account, address form, URL. Each is an alarm.",
        |m| Source::Counter(Arc::clone(&m.faults)),
    ),
    (
        "mmsc_pap_pending_results_total",
        "Result notifications that say that a push is still on its way.",
        |m| Source::Counter(Arc::clone(&m.pending)),
    ),
    (
        "mmsc_pap_postponed_results_total",
        "Result notifications that could not be stored, so that the gateway was asked to repeat them.",
        |m| Source::Counter(Arc::clone(&m.postponed)),
    ),
    (
        "mmsc_pap_response_seconds",
        "Time from a push to the gateway's answer.",
        |m| Source::Histogram(Arc::clone(&m.response_seconds)),
    ),
];

/// The metrics of all gateways and of the listener.
pub(super) fn families(links: &[(String, Arc<PpgMetrics>)], listener: &ListenerMetrics) -> Vec<Family> {
    let mut families: Vec<Family> = ROWS
        .iter()
        .map(|(name, help, source)| {
            let series = links.iter().map(|(ppg, metrics)| (ppg.clone(), source(metrics)));
            Family::labelled(name, help, "ppg", series)
        })
        .collect();
    families.push(Family {
        name: "mmsc_pap_answers_total",
        help: "Answered pushes by what the gateway's answer means.",
        samples: by_label(links, "class", &Class::ALL.map(Class::label), |m| &m.answers),
    });
    families.push(Family {
        name: "mmsc_pap_results_total",
        help: "Final result notifications taken over, by what became of the push.",
        samples: by_label(links, "state", &["reached", "not_reached", "never_reachable"], |m| {
            &m.results
        }),
    });
    families.extend(listener.families());
    families
}

impl ListenerMetrics {
    fn families(&self) -> Vec<Family> {
        let counter =
            |name, help, counter: &Arc<Counter>| Family::single(name, help, Source::Counter(Arc::clone(counter)));
        vec![
            counter(
                "mmsc_pap_strangers_total",
                "Requests to the listener for result notifications from addresses of no gateway.",
                &self.strangers,
            ),
            counter(
                "mmsc_pap_foreign_results_total",
                "Result notifications about no push of this relay, or about a push of another gateway; dropped.",
                &self.foreign,
            ),
            counter(
                "mmsc_pap_malformed_results_total",
                "Result notifications that could not be read.",
                &self.malformed,
            ),
            Family::single(
                "mmsc_pap_open_connections",
                "Connections of gateways that are open now.",
                Source::Gauge(Arc::clone(&self.http.open_connections)),
            ),
            counter(
                "mmsc_pap_connections_refused_total",
                "Connections to the listener for result notifications that were turned away because there were too many.",
                &self.http.connections_refused,
            ),
        ]
    }
}

fn by_label(
    links: &[(String, Arc<PpgMetrics>)],
    label: &'static str,
    values: &[&'static str],
    counters: fn(&PpgMetrics) -> &[Arc<Counter>],
) -> Vec<Sample> {
    links
        .iter()
        .flat_map(|(ppg, metrics)| {
            values.iter().zip(counters(metrics)).map(|(value, counter)| Sample {
                labels: vec![("ppg", ppg.clone()), (label, (*value).to_owned())],
                source: Source::Counter(Arc::clone(counter)),
            })
        })
        .collect()
}
