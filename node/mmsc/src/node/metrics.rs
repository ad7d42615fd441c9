//! Everything that a node measures, put together for the exposition and for the reference page.

use std::sync::Arc;

use mmsc_interfaces::bearer::{BearerEvents, ChooserMetrics};
use mmsc_interfaces::metrics::Mm1Metrics;
use mmsc_interfaces::smpp::{Secret, Smpp, SmscConfig};
use mmsc_ports::metrics::{Family, Source};
use mmsc_ports::{BoxFuture, Clock, Ports};
use mmsc_relay::port::Receipt;
use mmsc_store::metrics::StoreMetrics;

use super::supervise::PartBoard;

/// Where the families come from.
#[derive(Clone)]
pub(super) struct Sources {
    pub(super) store: StoreMetrics,
    pub(super) relay: Arc<mmsc_relay::Metrics>,
    pub(super) mm1: Arc<Mm1Metrics>,
    pub(super) board: Arc<PartBoard>,
    pub(super) clock: Arc<dyn Clock>,
}

/// Parts that restart.
const PARTS: [&str; 4] = ["mm1", "smpp", "pap", "ops"];

impl Sources {
    /// All families, with those of the bearers as they are now.
    pub(super) fn families(&self, bearers: Vec<Family>) -> Vec<Family> {
        let mut families = self.own();
        families.extend(self.store.families());
        families.extend(self.relay.families());
        families.extend(self.mm1.families());
        families.extend(bearers);
        families
    }

    #[allow(clippy::cast_precision_loss, reason = "a clock's offset is approximate by nature")]
    fn own(&self) -> Vec<Family> {
        let (clock, board) = (Arc::clone(&self.clock), &self.board);
        let offset: mmsc_ports::metrics::Probe = Arc::new(move || clock.wall_offset_millis() as f64 / 1000.0);
        let started = self.clock.now().seconds() as f64;
        let restarts = PARTS.map(|name| (name.to_owned(), Source::Counter(board.restarts(name))));
        vec![
            Family::labelled(
                "mmsc_node_info",
                "Always 1; its label says which version runs.",
                "version",
                [(env!("CARGO_PKG_VERSION").to_owned(), Source::Probe(Arc::new(|| 1.0)))],
            ),
            Family::single(
                "mmsc_node_start_time_seconds",
                "When the node was started, in seconds since 1970.",
                Source::Probe(Arc::new(move || started)),
            ),
            Family::single(
                "mmsc_node_clock_offset_seconds",
                "The system's clock minus the node's own; past two seconds it was stepped, and only a restart follows.",
                Source::Probe(offset),
            ),
            Family::labelled(
                "mmsc_node_part_restarts_total",
                "Restarts of a part of the node that ended by itself.",
                "part",
                restarts,
            ),
        ]
    }
}

/// `ops/docs/metrics.md`. Needs a runtime.
#[must_use]
pub fn reference_page() -> String {
    let ports = Ports::real();
    let sources = Sources {
        store: StoreMetrics::default(),
        relay: Arc::default(),
        mm1: Arc::default(),
        board: Arc::default(),
        clock: Arc::clone(&ports.clock),
    };
    // A link that is started and dropped before its task ever runs: only its measurements are looked at.
    let smsc = SmscConfig::new("NAME", "127.0.0.1:1", "mmsc", Secret::new(""));
    let smpp = Smpp::start(vec![smsc], Arc::new(NoEvents), &ports);
    let mut bearers = ChooserMetrics::default().families();
    bearers.extend(smpp.families());
    bearers.extend(mmsc_interfaces::pap::reference_families("NAME"));
    mmsc_admin::reference::metrics_page(&sources.families(bearers))
}

struct NoEvents;

impl BearerEvents for NoEvents {
    fn receipt(&self, _receipt: Receipt) -> BoxFuture<'static, bool> {
        Box::pin(std::future::ready(false))
    }

    fn destination_up(&self, _destination: &str) {}
}
