//! What a run prints: a table for people, JSON for scripts.

use std::path::Path;
use std::time::Duration;

use mmsc_peers::ledger::Verdict;
use mmsc_peers::node::Usage;
use serde::Serialize;

use crate::histogram::Percentiles;
use crate::machine::Machine;
use crate::reference::Around;
use crate::target::Reading;

/// Everything that a run found.
#[derive(Debug, Serialize)]
pub struct Report {
    /// `submit`, `cycle` or `overload`.
    pub mode: &'static str,
    /// `2k`, `30k`, `300k` or `mixed`.
    pub sizes: &'static str,
    /// Connections of the generator.
    pub connections: usize,
    /// Length of the measured part.
    pub seconds: f64,
    /// Messages of the measured part: accepted submits, or cycles.
    pub messages: u64,
    /// Messages per second.
    pub rate: f64,
    /// The reference append of the same run.
    pub reference: Around,
    /// Rate over the reference append's median; none without a reference.
    pub of_reference: Option<f64>,
    /// Latencies by step.
    pub latencies: Vec<Step>,
    /// The node, as far as it could be seen.
    pub node: Node,
    /// The part of all processors' time that the whole machine was busy.
    pub machine_busy: f64,
    /// Processor milliseconds of this generator per message.
    pub generator_ms_per_message: Option<f64>,
    /// Refusals and failures of the whole run.
    pub answers: Answers,
    /// Repeats of accepted submissions after the measurement; each must give the first Message-ID.
    pub rechecked: u64,
    /// The audit of the ledger.
    pub audit: Audit,
    /// Only of overload.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overload: Option<OverloadPart>,
}

/// Latencies of one step.
#[derive(Debug, Serialize)]
pub struct Step {
    /// Which.
    pub step: &'static str,
    /// How long.
    #[serde(flatten)]
    pub took: Percentiles,
}

/// What was seen of the node.
#[derive(Debug, Default, Serialize)]
pub struct Node {
    /// Processor milliseconds per message.
    pub cpu_ms_per_message: Option<f64>,
    /// Processors' worth of time that it used.
    pub cores: Option<f64>,
    /// Store commits per message.
    pub commits_per_message: Option<f64>,
    /// Resident memory at the end, in octets.
    pub resident_bytes: Option<u64>,
    /// Most resident memory, in octets.
    pub peak_resident_bytes: Option<u64>,
}

/// How submissions were answered over the whole run, warm-up included.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Answers {
    /// Begun.
    pub offered: u64,
    /// Accepted.
    pub accepted: u64,
    /// Refused in MMS words.
    pub refused: u64,
    /// Refused by HTTP 503 or 429.
    pub refused_http: u64,
    /// Not answered, or brokenly.
    pub failed: u64,
}

/// The verdict's figures by name.
#[derive(Debug, Serialize)]
#[allow(missing_docs, reason = "each is documented at Verdict")]
pub struct Audit {
    pub holds: bool,
    pub submitted: u64,
    pub accepted: u64,
    pub lost: u64,
    pub corrupted: u64,
    pub accepted_twice: u64,
    pub repeated_same_ids: u64,
    pub repeated_other_ids: u64,
    pub retrieved: u64,
    pub acknowledged: u64,
    pub reports: u64,
    pub repeated_reports: u64,
    pub finals: u64,
    pub strangers: u64,
}

/// What overload adds.
#[derive(Debug, Serialize)]
pub struct OverloadPart {
    /// Cycles per second of the closed loop before.
    pub capacity: f64,
    /// Submissions per second that were meant to be offered.
    pub wanted: f64,
    /// Submissions per second that were offered.
    pub offered: f64,
    /// Accepted per second while overloaded.
    pub accepted: f64,
    /// Cycles completed per second while overloaded.
    pub completed: f64,
    /// Accepted over capacity.
    pub goodput_accepted: f64,
    /// Completed over capacity.
    pub goodput_completed: f64,
    /// Resident memory before, in octets.
    pub resident_before_bytes: u64,
    /// Most resident memory sampled during the overload and the drain, in octets.
    pub resident_most_bytes: u64,
    /// Until every accepted message had ended, in seconds.
    pub drain_seconds: f64,
    /// Whether all had ended by then.
    pub all_final: bool,
}

impl From<Verdict> for Audit {
    fn from(verdict: Verdict) -> Self {
        Self {
            holds: verdict.holds(),
            submitted: verdict.submitted,
            accepted: verdict.accepted,
            lost: verdict.lost,
            corrupted: verdict.corrupted,
            accepted_twice: verdict.accepted_twice,
            repeated_same_ids: verdict.repeated_same_ids,
            repeated_other_ids: verdict.repeated_other_ids,
            retrieved: verdict.retrieved,
            acknowledged: verdict.acknowledged,
            reports: verdict.reports,
            repeated_reports: verdict.repeated_reports,
            finals: verdict.finals,
            strangers: verdict.strangers,
        }
    }
}

/// Readings at one end of the measured part.
#[derive(Clone, Copy, Debug, Default)]
pub struct Edge {
    /// Monotonic time.
    pub at: Duration,
    /// Messages so far.
    pub messages: u64,
    /// The node.
    pub node: Reading,
    /// This process.
    pub generator: Option<Usage>,
    /// The machine.
    pub machine: Machine,
}

/// The figures between two edges.
#[derive(Debug, Default)]
pub struct Between {
    /// Length.
    pub seconds: f64,
    /// Messages.
    pub messages: u64,
    /// The node.
    pub node: Node,
    /// The machine.
    pub machine_busy: f64,
    /// This process.
    pub generator_ms_per_message: Option<f64>,
}

impl Between {
    /// From one edge to the next.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "rates")]
    pub fn of(from: &Edge, to: &Edge) -> Self {
        let seconds = to.at.saturating_sub(from.at).as_secs_f64();
        let messages = to.messages.saturating_sub(from.messages);
        let processor = |from: Option<Usage>, to: Option<Usage>| {
            let used = to?.processor.saturating_sub(from?.processor);
            Some(used.as_secs_f64())
        };
        let per_message = |amount: f64| (messages > 0).then(|| amount / messages as f64);
        let used = processor(from.node.usage, to.node.usage);
        let commits = from.node.commits.zip(to.node.commits).map(|(from, to)| to - from);
        Self {
            seconds,
            messages,
            node: Node {
                cpu_ms_per_message: used.and_then(|used| per_message(used * 1000.0)),
                cores: used.map(|used| used / seconds),
                commits_per_message: commits.and_then(per_message),
                resident_bytes: to.node.usage.map(|usage| usage.resident_bytes),
                peak_resident_bytes: to.node.usage.map(|usage| usage.peak_resident_bytes),
            },
            machine_busy: to.machine.busy_since(from.machine),
            generator_ms_per_message: processor(from.generator, to.generator)
                .and_then(|used| per_message(used * 1000.0)),
        }
    }

    /// Messages per second.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "a rate")]
    pub fn rate(&self) -> f64 {
        if self.seconds > 0.0 {
            self.messages as f64 / self.seconds
        } else {
            0.0
        }
    }
}

impl Report {
    /// Prints the table; writes the JSON where asked for.
    pub fn publish(&self, json: Option<&Path>) -> anyhow::Result<()> {
        print!("{}", self.table());
        if let Some(path) = json {
            std::fs::write(path, serde_json::to_vec_pretty(self)?)?;
        }
        Ok(())
    }

    fn table(&self) -> String {
        let mut lines = vec![
            format!(
                "{} {}, {} connections, {:.1} s",
                self.mode, self.sizes, self.connections, self.seconds
            ),
            self.rate_line(),
            "  latency, ms         count       p50       p90       p99     p99.9       max".to_owned(),
        ];
        lines.extend(
            self.latencies
                .iter()
                .filter(|step| step.took.count > 0)
                .map(|Step { step, took: t }| {
                    let cells = [t.p50_ms, t.p90_ms, t.p99_ms, t.p999_ms, t.max_ms].map(|ms| format!("{ms:10.2}"));
                    format!("    {step:12} {:10}{}", t.count, cells.concat())
                }),
        );
        lines.push(self.node_line());
        let a = &self.answers;
        lines.push(format!(
            "  answers             {} accepted of {}, {} refused by m-send-conf, {} by HTTP 503, {} failed, {} repeated with the same answer",
            a.accepted, a.offered, a.refused, a.refused_http, a.failed, self.rechecked,
        ));
        let a = &self.audit;
        lines.push(format!(
            "  ledger              {}: {} lost, {} corrupted, {} accepted twice, {} repeated notifications with the same ids, {} with other ids; {} retrieved, {} reported, {} strangers",
            if a.holds { "holds" } else { "BROKEN" },
            a.lost, a.corrupted, a.accepted_twice, a.repeated_same_ids, a.repeated_other_ids, a.retrieved, a.reports, a.strangers,
        ));
        lines.extend(self.overload.as_ref().map(OverloadPart::line));
        lines.join("\n") + "\n"
    }

    fn rate_line(&self) -> String {
        let reference = match self.of_reference {
            Some(part) => format!(
                "{:.0} % of the reference append ({:.0}/s, median of {} runs before and after)",
                part * 100.0,
                self.reference.median(),
                self.reference.runs.len()
            ),
            None => "no reference append".to_owned(),
        };
        format!("  rate                {:.0}/s, {reference}", self.rate)
    }

    fn node_line(&self) -> String {
        let number = |value: Option<f64>, digits: usize| match value {
            Some(value) => format!("{value:.digits$}"),
            None => "?".to_owned(),
        };
        let megabytes = |octets: Option<u64>| octets.map_or("?".to_owned(), |octets| (octets >> 20).to_string());
        format!(
            "  node                {} ms CPU per message, {} cores, {} commits per message, {} MB resident ({} MB at most)\n  \
             machine             {:.0} % busy; generator {} ms CPU per message",
            number(self.node.cpu_ms_per_message, 3),
            number(self.node.cores, 2),
            number(self.node.commits_per_message, 2),
            megabytes(self.node.resident_bytes),
            megabytes(self.node.peak_resident_bytes),
            self.machine_busy * 100.0,
            number(self.generator_ms_per_message, 3),
        )
    }
}

impl OverloadPart {
    fn line(&self) -> String {
        format!(
            "  overload            capacity {:.0}/s, offered {:.0}/s of {:.0}/s wanted; accepted {:.0}/s ({:.0} % of capacity), \
             completed {:.0}/s ({:.0} %)\n  memory              {} MB before, {} MB at most\n  \
             drain               {:.1} s, {}",
            self.capacity,
            self.offered,
            self.wanted,
            self.accepted,
            self.goodput_accepted * 100.0,
            self.completed,
            self.goodput_completed * 100.0,
            self.resident_before_bytes >> 20,
            self.resident_most_bytes >> 20,
            self.drain_seconds,
            if self.all_final {
                "every accepted message reached an end"
            } else {
                "NOT every accepted message reached an end"
            },
        )
    }
}
