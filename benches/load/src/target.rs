//! The node under load: one that runs already, or one that is started here.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use mmsc_peers::node::{Metrics, NodeProcess, NodeSetup, Usage, scrape};
use mmsc_peers::smsc::{Push, Smsc, SmscSettings};
use mmsc_ports::Ports;
use tempfile::TempDir;
use tokio::sync::mpsc;

use crate::cli::Load;

/// Until a node started here has to be ready.
const READY: Duration = Duration::from_secs(60);
/// Until it has to be bound to the SMSC.
const BOUND: Duration = Duration::from_secs(30);
/// Until it has to be drained at the end.
const DRAINED: Duration = Duration::from_secs(60);

/// Family of the store's commits.
const COMMITS: &str = "mmsc_store_commits_total";

/// The node and the SMSC that it is bound to.
pub struct Target {
    /// MM1.
    pub mm1: String,
    ops: String,
    process: Option<NodeProcess>,
    setup: Option<NodeSetup>,
    pid: Option<u32>,
    smsc: Smsc,
    /// Removed with its content when the run is over.
    _temporary: Option<TempDir>,
}

/// How a node ends before it is started again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// SIGKILL.
    Killed,
    /// SIGTERM.
    Drained,
}

/// What the node had used at some moment.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reading {
    /// Processor time and memory, where its process is known.
    pub usage: Option<Usage>,
    /// Store commits, where its operators' port answers.
    pub commits: Option<f64>,
}

impl Target {
    /// Starts the SMSC, and the node where that is asked for; waits until it is bound. `more` are settings that the
    /// mode wants and that `--set` overrides.
    pub async fn prepare(
        ports: &Ports,
        load: &Load,
        more: &[(&str, &str)],
    ) -> anyhow::Result<(Self, mpsc::Receiver<Push>)> {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let address = if load.start { any } else { load.smsc };
        let settings = SmscSettings {
            queue: 10_000,
            ..SmscSettings::default()
        };
        let (smsc, pushes) = Smsc::start(ports, address, settings).await?;
        let target = match load.start {
            true => Self::start(ports, load, more, smsc).await?,
            false => Self {
                mm1: load.mm1.clone(),
                ops: load.ops.clone(),
                process: None,
                setup: None,
                pid: load.pid,
                smsc,
                _temporary: None,
            },
        };
        if !target.smsc.wait_bound(1, BOUND).await {
            anyhow::bail!(
                "the node did not bind to the SMSC at {} within {BOUND:?}",
                target.smsc.address()
            );
        }
        Ok((target, pushes))
    }

    async fn start(ports: &Ports, load: &Load, more: &[(&str, &str)], smsc: Smsc) -> anyhow::Result<Self> {
        let binary = match &load.mmsc {
            Some(path) => path.clone(),
            None => std::env::current_exe()?.with_file_name("mmsc"),
        };
        let (dir, temporary) = match &load.dir {
            Some(dir) => (dir.clone(), None),
            None => {
                let temporary = tempfile::Builder::new().prefix("mmsc-load-").tempdir()?;
                (temporary.path().to_owned(), Some(temporary))
            }
        };
        let mut setup = NodeSetup::new(binary, &dir, smsc.address()).with("smsc.main.window", 1000);
        setup = setup.with("smsc.main.rate", 1_000_000);
        for (key, value) in more {
            setup = setup.with(key, value);
        }
        setup.set.extend(load.set.iter().cloned());
        let process = setup.start(ports, READY).await?;
        Ok(Self {
            mm1: process.address("mm1")?.to_owned(),
            ops: process.address("ops")?.to_owned(),
            pid: Some(process.pid()),
            process: Some(process),
            setup: Some(setup),
            smsc,
            _temporary: temporary,
        })
    }

    /// Ends a node that was started here, as a crash does or by a drain, and starts it again on its store. Gives how long
    /// it took from the start of the process until it was ready.
    pub async fn restart(&mut self, ports: &Ports, how: Stop) -> anyhow::Result<Duration> {
        let (Some(process), Some(setup)) = (self.process.take(), &self.setup) else {
            anyhow::bail!("only a node that was started here is restarted");
        };
        match how {
            Stop::Killed => process.kill()?,
            Stop::Drained => {
                if !process.terminate(ports, DRAINED).await? {
                    anyhow::bail!("the node did not drain within {DRAINED:?}");
                }
            }
        }
        let began = ports.clock.monotonic();
        let process = setup.start(ports, READY).await?;
        let took = ports.clock.monotonic().saturating_sub(began);
        self.mm1 = process.address("mm1")?.to_owned();
        self.ops = process.address("ops")?.to_owned();
        self.pid = Some(process.pid());
        self.process = Some(process);
        Ok(took)
    }

    /// Where a node that was started here keeps its store.
    #[must_use]
    pub fn store(&self) -> Option<PathBuf> {
        self.setup.as_ref().map(|setup| setup.dir.join("store"))
    }

    /// What the node's operators' port says.
    pub async fn metrics(&self, ports: &Ports) -> anyhow::Result<Metrics> {
        Ok(scrape(ports, &self.ops).await?)
    }

    /// What the node has used so far.
    pub async fn reading(&self, ports: &Ports) -> Reading {
        Reading {
            usage: self.usage(),
            commits: scrape(ports, &self.ops)
                .await
                .ok()
                .and_then(|metrics: Metrics| metrics.sum(COMMITS)),
        }
    }

    /// Processor time and memory of the node now.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        self.pid.and_then(|pid| Usage::of(pid).ok())
    }

    /// Drains and ends a node that was started here; says so when it did not end by itself.
    pub async fn finish(self, ports: &Ports) -> anyhow::Result<()> {
        if let Some(process) = self.process {
            let drained = process.terminate(ports, DRAINED).await.context("stopping the node")?;
            if !drained {
                anyhow::bail!("the node did not drain within {DRAINED:?}, or ended with an error");
            }
        }
        Ok(())
    }
}
