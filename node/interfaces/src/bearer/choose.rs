//! Which kind of bearer carries a push: the closest range wins, and a preference decides the rest.

use std::sync::Arc;

use mmsc_ports::{BoxFuture, Ports};
use mmsc_relay::port::TellOutcome;

use super::pace::Pace;
use super::range::{Range, closest};
use super::{BearerEvents, ChooserMetrics, PACED, PaceConfig, Push, PushBearer, number};

/// A kind of bearer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Kind {
    /// Short-message centres.
    #[default]
    Smsc,
    /// Push proxy gateways.
    Ppg,
}

/// What bearers of one kind serve.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Routes {
    /// The ranges of those that have some, all together.
    pub ranges: Vec<Range>,
    /// At least one has none and serves any number.
    pub any: bool,
}

/// The rule.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Rules {
    /// Short-message centres.
    pub smsc: Routes,
    /// Push proxy gateways.
    pub ppg: Routes,
    /// Whose a number is that lies in no range, or equally closely in ranges of both.
    pub prefer: Kind,
}

impl Rules {
    /// Who carries a push to `number`.
    #[must_use]
    pub fn choose(&self, number: &str) -> Kind {
        let (smsc, ppg) = (closest(&self.smsc.ranges, number), closest(&self.ppg.ranges, number));
        match (smsc.cmp(&ppg), smsc.or(ppg)) {
            (std::cmp::Ordering::Greater, _) => Kind::Smsc,
            (std::cmp::Ordering::Less, _) => Kind::Ppg,
            (std::cmp::Ordering::Equal, Some(_)) => self.prefer,
            (std::cmp::Ordering::Equal, None) => match (self.smsc.any, self.ppg.any) {
                (true, false) => Kind::Smsc,
                (false, true) => Kind::Ppg,
                // Where nobody serves the number, the preferred kind says so.
                (true, true) | (false, false) => self.prefer,
            },
        }
    }
}

/// Gives each push to one kind of bearer, at a pace that a handset stands.
pub struct Chooser {
    smsc: Arc<dyn PushBearer>,
    ppg: Arc<dyn PushBearer>,
    rules: Rules,
    pace: Arc<Pace>,
    metrics: Arc<ChooserMetrics>,
}

impl Chooser {
    /// Over two bearers. `events` hears [`PACED`] when what was put back may be tried again.
    #[must_use]
    pub fn new(
        (smsc, ppg): (Arc<dyn PushBearer>, Arc<dyn PushBearer>),
        rules: Rules,
        pace: PaceConfig,
        events: Arc<dyn BearerEvents>,
        ports: &Ports,
    ) -> Self {
        let metrics = Arc::new(ChooserMetrics::default());
        Self {
            smsc,
            ppg,
            rules,
            pace: Arc::new(Pace::new(pace, events, Arc::clone(&metrics), ports)),
            metrics,
        }
    }

    /// What it measures.
    #[must_use]
    pub fn metrics(&self) -> Arc<ChooserMetrics> {
        Arc::clone(&self.metrics)
    }
}

impl PushBearer for Chooser {
    fn push(&self, push: Push) -> BoxFuture<'static, TellOutcome> {
        let Some(number) = number(&push.to).map(str::to_owned) else {
            return Box::pin(std::future::ready(TellOutcome::Refused));
        };
        let kind = self.rules.choose(&number);
        let bearer = match kind {
            Kind::Smsc => Arc::clone(&self.smsc),
            Kind::Ppg => Arc::clone(&self.ppg),
        };
        let (pace, metrics) = (Arc::clone(&self.pace), Arc::clone(&self.metrics));
        Box::pin(async move {
            let Some(_pass) = pace.admit(&number).await else {
                return TellOutcome::Unavailable {
                    destination: PACED.to_owned(),
                };
            };
            metrics.routed(kind);
            bearer.push(push).await
        })
    }
}

#[cfg(test)]
mod tests;
