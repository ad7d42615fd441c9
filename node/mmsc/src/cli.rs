//! The command line.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::{config, decode, demo, node, run, store};

/// An MMS Relay/Server (3GPP TS 23.140).
#[derive(Debug, Parser)]
#[command(name = "mmsc", version, about, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a node.
    Run(run::RunArguments),
    /// Watch a message travel through a node, an SMSC and two handsets in this process.
    Demo(demo::DemoArguments),
    /// Look at a configuration.
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// Back up a store that no node runs on, or restore a backup.
    Store {
        #[command(subcommand)]
        command: store::StoreCommand,
    },
    /// Show an MMS PDU or a push as a readable tree.
    Decode(decode::DecodeArguments),
    /// Print a reference page.
    #[command(hide = true)]
    Docs {
        /// Which page.
        page: Page,
    },
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Report everything that is wrong with a configuration, at once. Exit 0: nothing is. Exit 1: something is.
    Check {
        /// The configuration.
        file: PathBuf,
        /// Overrides a key, as in `mmsc run`.
        #[arg(long = "set", value_name = "KEY=VALUE")]
        sets: Vec<String>,
    },
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Page {
    /// `ops/docs/configuration.md`.
    Configuration,
    /// `ops/docs/metrics.md`.
    Metrics,
}

/// Chooses the command and runs it.
#[must_use]
pub fn main() -> ExitCode {
    match Cli::try_parse() {
        Ok(cli) => dispatch(cli.command),
        Err(error) if error.use_stderr() => usage(&error),
        // Help or version was asked for.
        Err(text) => {
            let _printed = text.print();
            ExitCode::SUCCESS
        }
    }
}

fn dispatch(command: Command) -> ExitCode {
    match command {
        Command::Run(arguments) => run::run(&arguments),
        Command::Config {
            command: ConfigCommand::Check { file, sets },
        } => check(&file, &sets),
        Command::Store { command } => store::run(&command),
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Decode(arguments) => decode::run(&arguments),
        Command::Docs { page } => docs(page),
    }
}

fn docs(page: Page) -> ExitCode {
    let text = match page {
        Page::Configuration => config::reference::page(),
        Page::Metrics => match run::runtime(1) {
            Ok(runtime) => runtime.block_on(async { node::reference_page() }),
            Err(error) => {
                eprintln!("mmsc: {error}");
                return ExitCode::from(1);
            }
        },
    };
    print!("{text}");
    ExitCode::SUCCESS
}

fn check(file: &std::path::Path, sets: &[String]) -> ExitCode {
    match config::load(file, sets) {
        Ok(config) => {
            for name in &config.unserved {
                println!("{}: note: {name} is not served by this release", file.display());
            }
            println!("{}: ok", file.display());
            ExitCode::SUCCESS
        }
        Err(errors) => {
            eprintln!("{errors}");
            ExitCode::from(1)
        }
    }
}

/// Scripts rely on `decode` and `config check` ending with 0 or 1 whatever they are given; elsewhere a mistake on the
/// command line is 2, as usual.
fn usage(error: &clap::Error) -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some("decode") => decode::refuse("command line", 0, error.to_string().trim_end()),
        first => {
            eprint!("{error}");
            ExitCode::from(if first == Some("config") { 1 } else { 2 })
        }
    }
}
