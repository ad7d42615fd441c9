//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use mmsc_peers::message::Sizes;

/// Puts load on an MMS Relay/Server and says what came of it.
#[derive(Debug, Parser)]
#[command(name = "mmsc-load", version)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub mode: Mode,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Mode {
    /// Closed loop of submissions whose delivery is deferred, so that nothing but durable submits is measured
    Submit(Load),
    /// Closed loop of whole cycles: submit, notification, retrieval, notification answer, delivery report
    Cycle(Load),
    /// Open loop at a multiple of the measured capacity: goodput, refusals, memory, and that all accepted end well. A
    /// node started here gets relay.credits=128, so that the 512 connections can ask for more than there is
    Overload(Overload),
    /// A backlog: many messages that wait, entered through MM1; then restarts, memory, whole cycles beside them, and many
    /// that expire at one moment. Starts a node of its own
    Backlog(Backlog),
    /// The store alone: durable commits of 30 KiB of content and eight rows on the embedded engine
    Store(StoreLoad),
    /// The reference append: what the disk gives to 64 appenders of 30 KiB with one fdatasync for each group
    Reference(Reference),
    /// Audits the ledger file of an earlier run
    Audit {
        /// The file
        ledger: PathBuf,
    },
}

/// The node under load, and the load.
#[derive(Clone, Debug, Args)]
pub struct Load {
    /// Start a node of its own on an empty store (with --mmsc, --dir, --set) and stop it afterwards
    #[arg(long)]
    pub start: bool,
    /// The binary for --start [default: `mmsc` beside this program]
    #[arg(long)]
    pub mmsc: Option<PathBuf>,
    /// Directory for --start: store and log stay there [default: a temporary one]
    #[arg(long)]
    pub dir: Option<PathBuf>,
    /// Further configuration for --start, `key=value`; repeatable
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = key_value)]
    pub set: Vec<(String, String)>,
    /// MM1 of a running node
    #[arg(long, default_value = "127.0.0.1:8081", conflicts_with = "start")]
    pub mm1: String,
    /// Operators' port of a running node, for its commits
    #[arg(long, default_value = "127.0.0.1:9464", conflicts_with = "start")]
    pub ops: String,
    /// Process id of a running node, for its processor time and memory
    #[arg(long, conflicts_with = "start")]
    pub pid: Option<u32>,
    /// Where the built-in SMSC listens for a running node
    #[arg(long, default_value = "127.0.0.1:2775", conflicts_with = "start")]
    pub smsc: SocketAddr,
    /// Connections, each with one request at a time
    #[arg(long, default_value_t = 64)]
    pub connections: usize,
    /// Message sizes: 2k, 30k, 300k or mixed
    #[arg(long, default_value = "30k")]
    pub sizes: Sizes,
    /// How long to measure, in seconds
    #[arg(long, default_value = "10", value_parser = seconds)]
    pub seconds: Duration,
    /// End after so many messages instead
    #[arg(long)]
    pub count: Option<u64>,
    /// Load before the measurement, in seconds
    #[arg(long, default_value = "2", value_parser = seconds)]
    pub warm_up: Duration,
    /// How many different recipients and senders there are
    #[arg(long, default_value_t = 100_000)]
    pub pool: u64,
    /// Decides the content
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Threads of the generator
    #[arg(long, default_value_t = 2)]
    pub threads: usize,
    /// How long each reference append before and after runs, in seconds; 0 leaves them out
    #[arg(long, default_value = "3", value_parser = seconds)]
    pub reference: Duration,
    /// Write every step into this file as well
    #[arg(long)]
    pub ledger: Option<PathBuf>,
    /// Write the result into this file as JSON
    #[arg(long)]
    pub json: Option<PathBuf>,
}

/// Open loop.
#[derive(Debug, Args)]
pub struct Overload {
    /// The rest
    #[command(flatten)]
    pub load: Load,
    /// How many times the capacity is offered
    #[arg(long, default_value_t = 3.0)]
    pub factor: f64,
    /// How long the accepted messages may take to end afterwards, in seconds
    #[arg(long, default_value = "120", value_parser = seconds)]
    pub drain: Duration,
}

/// The backlog.
#[derive(Debug, Args)]
pub struct Backlog {
    /// The rest; --seconds is for the cycles beside the backlog
    #[command(flatten)]
    pub load: Load,
    /// Messages that wait
    #[arg(long, default_value_t = 1_000_000)]
    pub waiting: u64,
    /// Messages that expire at one moment
    #[arg(long, default_value_t = 100_000)]
    pub expiring: u64,
    /// How long the node is left alone before its memory is read, in seconds
    #[arg(long, default_value = "15", value_parser = seconds)]
    pub idle: Duration,
}

/// The store alone.
#[derive(Debug, Args)]
pub struct StoreLoad {
    /// Directory for the store, which stays there [default: a temporary one]
    #[arg(long)]
    pub dir: Option<PathBuf>,
    /// Committers in closed loops
    #[arg(long, default_value_t = 64)]
    pub committers: usize,
    /// How long to measure, in seconds
    #[arg(long, default_value = "10", value_parser = seconds)]
    pub seconds: Duration,
    /// Load before the measurement, in seconds
    #[arg(long, default_value = "2", value_parser = seconds)]
    pub warm_up: Duration,
    /// Threads that the committers run on
    #[arg(long, default_value_t = 2)]
    pub threads: usize,
    /// How long each reference append before and after runs, in seconds; 0 leaves them out
    #[arg(long, default_value = "3", value_parser = seconds)]
    pub reference: Duration,
    /// Write the result into this file as JSON
    #[arg(long)]
    pub json: Option<PathBuf>,
}

/// The reference append.
#[derive(Debug, Args)]
pub struct Reference {
    /// Directory for the file; it is removed afterwards
    #[arg(long, default_value = ".")]
    pub dir: PathBuf,
    /// How long it runs
    #[arg(long, default_value = "5", value_parser = seconds)]
    pub seconds: Duration,
    /// Print nothing but JSON
    #[arg(long)]
    pub json_only: bool,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| format!("{text:?} is no number of seconds"))?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

fn key_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text
        .split_once('=')
        .ok_or_else(|| format!("{text:?} is not key=value"))?;
    Ok((key.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
        let cli =
            Cli::try_parse_from(["mmsc-load", "cycle", "--start", "--set", "a.b=c=d", "--seconds", "0.5"]).unwrap();
        let Mode::Cycle(load) = cli.mode else { panic!() };
        assert_eq!(load.set, [("a.b".to_owned(), "c=d".to_owned())]);
        assert_eq!(load.seconds, Duration::from_millis(500));
        assert!(Cli::try_parse_from(["mmsc-load", "submit", "--start", "--pid", "1"]).is_err());
    }
}
