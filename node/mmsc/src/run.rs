//! `mmsc run`: one node until a signal ends it.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use mmsc_ports::Ports;
use tokio::signal::unix::{SignalKind, signal};

use crate::config::{self, Config};
use crate::logs;
use crate::node::{Node, NodeError};

/// What to run.
#[derive(Debug, clap::Args)]
pub struct RunArguments {
    /// The configuration (TOML); see ops/docs/configuration.md.
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// Overrides a key; repeatable, the last one wins.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub sets: Vec<String>,
}

/// Runs the command.
#[must_use]
pub fn run(arguments: &RunArguments) -> ExitCode {
    let config = match config::load(&arguments.config, &arguments.sets) {
        Ok(config) => config,
        Err(errors) => {
            eprintln!("{errors}");
            return ExitCode::from(1);
        }
    };
    logs::start(&config.log);
    let runtime = match runtime(config.node.threads) {
        Ok(runtime) => runtime,
        Err(error) => return failed(&format!("the runtime does not start: {error}")),
    };
    match runtime.block_on(serve(&config)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error.to_string()),
    }
}

fn failed(text: &str) -> ExitCode {
    eprintln!("mmsc: {text}");
    ExitCode::from(1)
}

/// A runtime with so many serving threads; 0: one for each core.
pub(crate) fn runtime(threads: usize) -> io::Result<tokio::runtime::Runtime> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.enable_all().thread_name("mmsc");
    if threads > 0 {
        builder.worker_threads(threads);
    }
    builder.build()
}

async fn serve(config: &Config) -> Result<(), NodeError> {
    let no_signals = |error: io::Error| NodeError::Part(format!("signals cannot be handled: {error}"));
    let mut terminate = signal(SignalKind::terminate()).map_err(no_signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(no_signals)?;
    // Also without store.backup_dir: by default this signal would end the process.
    let mut backup = signal(SignalKind::user_defined1()).map_err(no_signals)?;
    let ports = Ports::real();
    let mut node = tokio::select! {
        started = Node::start(config, &ports) => started?,
        // Recovery can take a while; whoever gives up on it need not wait for it.
        _ = terminate.recv() => return Ok(()),
        _ = interrupt.recv() => return Ok(()),
    };
    announce(&node.ready_line());
    let addresses = node.addresses();
    tracing::info!(node = config.node.name, mm1 = ?addresses.mm1, ops = ?addresses.ops, "ready");
    loop {
        tokio::select! {
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            _ = backup.recv() => node.ask_backup(),
            ended = node.ended() => return Err(ended.into()),
        }
    }
    drain(node, config.node.drain_limit, &mut terminate, &mut interrupt).await;
    Ok(())
}

/// Nobody may be reading: a node serves all the same.
fn announce(line: &str) {
    let mut out = io::stdout().lock();
    let _read = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// Drains; a second signal quits at once, which loses nothing that was accepted.
async fn drain(
    node: Node,
    limit: Duration,
    terminate: &mut tokio::signal::unix::Signal,
    interrupt: &mut tokio::signal::unix::Signal,
) {
    tokio::select! {
        _whole = node.drain(limit) => {}
        _ = terminate.recv() => quit(),
        _ = interrupt.recv() => quit(),
    }
}

fn quit() {
    tracing::warn!("a second signal: quitting at once");
    std::process::exit(1);
}
