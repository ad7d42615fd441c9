//! The command line.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::{config, decode};

/// An MMS Relay/Server (3GPP TS 23.140).
#[derive(Debug, Parser)]
#[command(name = "mmsc", version, about, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Look at a configuration.
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
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
}

/// Chooses the command and runs it.
#[must_use]
pub fn main() -> ExitCode {
    match Cli::try_parse() {
        Ok(cli) => run(cli.command),
        Err(error) if error.use_stderr() => usage(&error),
        // Help or version was asked for.
        Err(text) => {
            let _printed = text.print();
            ExitCode::SUCCESS
        }
    }
}

fn run(command: Command) -> ExitCode {
    match command {
        Command::Config {
            command: ConfigCommand::Check { file, sets },
        } => check(&file, &sets),
        Command::Decode(arguments) => decode::run(&arguments),
        Command::Docs { page } => {
            match page {
                Page::Configuration => print!("{}", config::reference::page()),
            }
            ExitCode::SUCCESS
        }
    }
}

fn check(file: &std::path::Path, sets: &[String]) -> ExitCode {
    match config::load(file, sets) {
        Ok(_) => {
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
