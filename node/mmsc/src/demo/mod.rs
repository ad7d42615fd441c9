//! `mmsc demo`: a whole node in one process with a built-in SMSC and demo handsets. A first message travels before
//! your eyes; then everything stays up to be tried with `curl`.

mod handsets;
mod say;
mod stage;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use mmsc_peers::ledger::Digest;
use mmsc_peers::smsc::Push;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use crate::config::LogSettings;
use crate::{logs, run};
use handsets::{Handsets, Seen};
use say::say;
use stage::{Place, Stage};

/// Where to play, and for how long.
#[derive(Debug, clap::Args)]
pub struct DemoArguments {
    /// Directory for the store, the configuration and sample messages; made as needed and kept. Without it a
    /// temporary one is used and removed at the end.
    #[arg(value_name = "DIR")]
    pub directory: Option<PathBuf>,
    /// End after the first message: exit 0 once its delivery report is back at the sender.
    #[arg(long)]
    pub once: bool,
}

/// The first message has to be through within this.
const LIMIT: Duration = Duration::from_secs(60);

/// Runs the command.
#[must_use]
pub fn run(arguments: &DemoArguments) -> ExitCode {
    logs::start(&LogSettings {
        json: false,
        level: "warn".to_owned(),
    });
    let played = run::runtime(0)
        .map_err(|error| format!("the runtime does not start: {error}"))
        .and_then(|runtime| runtime.block_on(play(arguments)));
    match played {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("mmsc demo: {reason}");
            ExitCode::from(1)
        }
    }
}

async fn play(arguments: &DemoArguments) -> Result<(), String> {
    let place = Place::open(arguments.directory.clone())?;
    let (stage, mut pushes) = Stage::set(&place).await?;
    let played = perform(&stage, &mut pushes, arguments.once).await;
    stage.strike().await;
    played
}

async fn perform(stage: &Stage, pushes: &mut mpsc::Receiver<Push>, once: bool) -> Result<(), String> {
    let mut handsets = Handsets::new(stage);
    let first = tokio::select! {
        first = first_message(&mut handsets, pushes) => first,
        () = stage.ports.clock.sleep(LIMIT) => Err(format!("the first message was not through within {LIMIT:?}")),
    };
    first?;
    if once {
        return Ok(());
    }
    stage.write_samples()?;
    stage.print_hints();
    let no_signals = |error: std::io::Error| format!("signals cannot be handled: {error}");
    let mut terminate = signal(SignalKind::terminate()).map_err(no_signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(no_signals)?;
    loop {
        tokio::select! {
            _ = terminate.recv() => return Ok(()),
            _ = interrupt.recv() => return Ok(()),
            push = pushes.recv() => match push {
                // What goes wrong with one message is told, and the demo goes on.
                Some(push) => if let Err(reason) = handsets.take(&push).await {
                    say(&format!("  !  {reason}"));
                },
                None => return Err("the SMSC is gone".to_owned()),
            },
        }
    }
}

/// Alice to Bob, until the report is back; every step is checked.
async fn first_message(handsets: &mut Handsets, pushes: &mut mpsc::Receiver<Push>) -> Result<(), String> {
    let (message_id, sent) = handsets.send_first().await?;
    let mut retrieved: Option<Digest> = None;
    let mut reported = false;
    // The handset may be told again, and reports may come first: a few more pushes than the two that are needed.
    for _ in 0..20 {
        let push = pushes.recv().await.ok_or("the SMSC is gone")?;
        match handsets.take(&push).await? {
            Seen::Retrieved(digest) => retrieved = Some(digest),
            Seen::Reported { of, retrieved: yes } => reported |= yes && of == message_id,
            Seen::Nothing => {}
        }
        match retrieved {
            Some(digest) if digest != sent => return Err(format!("Bob fetched {digest}, but Alice sent {sent}")),
            Some(_) if reported => {
                say("\nThe first message is through: submitted, notified, fetched byte-identical, reported.");
                return Ok(());
            }
            Some(_) | None => {}
        }
    }
    Err("too many pushes and still no delivery report".to_owned())
}
