//! A node as a process: the real binary on free ports, with a store in a directory that outlives it.

mod metrics;
mod usage;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use mmsc_ports::Ports;
use rustix::process::{Pid, Signal, kill_process};
use tokio::sync::oneshot;

pub use metrics::{Metrics, scrape};
pub use usage::Usage;

use crate::error::PeerError;

/// How a node is started.
#[derive(Clone, Debug)]
pub struct NodeSetup {
    /// The `mmsc` binary.
    pub binary: PathBuf,
    /// Holds configuration, store and log. Restarting with the same directory finds the same store.
    pub dir: PathBuf,
    /// Further `--set key=value`.
    pub set: Vec<(String, String)>,
}

impl NodeSetup {
    /// The binary at `binary`, everything else in `dir`, notifications to the SMSC at `smsc`.
    #[must_use]
    pub fn new(binary: impl Into<PathBuf>, dir: impl Into<PathBuf>, smsc: std::net::SocketAddr) -> Self {
        Self {
            binary: binary.into(),
            dir: dir.into(),
            set: vec![("smsc.main.address".into(), smsc.to_string())],
        }
    }

    /// Adds a `--set`.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl ToString) -> Self {
        self.set.push((key.to_owned(), value.to_string()));
        self
    }

    /// Starts the node and waits until it prints that it is ready.
    pub async fn start(&self, ports: &Ports, within: Duration) -> Result<NodeProcess, PeerError> {
        std::fs::create_dir_all(&self.dir).map_err(|error| PeerError::io(self.dir.display().to_string(), error))?;
        let mut child = self.spawn()?;
        let (send, ready) = oneshot::channel();
        if let Some(stdout) = child.stdout.take() {
            let read = move || read_stdout(stdout, send);
            ports.spawn.worker("node-stdout", Box::new(read));
        }
        let mut node = NodeProcess {
            child,
            addresses: BTreeMap::new(),
        };
        let line = tokio::select! {
            line = ready => line.map_err(|_| self.failed("it ended before it was ready")),
            () = ports.clock.sleep(within) => Err(self.failed(&format!("not ready within {within:?}"))),
        };
        node.addresses = parse_ready(&line?).ok_or_else(|| self.failed("its ready line is no JSON object"))?;
        Ok(node)
    }

    fn spawn(&self) -> Result<Child, PeerError> {
        let config = self.dir.join("node.toml");
        std::fs::write(&config, CONFIG).map_err(|error| PeerError::io(config.display().to_string(), error))?;
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.log())
            .map_err(|error| PeerError::io(self.log().display().to_string(), error))?;
        let mut command = Command::new(&self.binary);
        command.arg("run").arg("--config").arg(&config);
        let store = self.dir.join("store").display().to_string();
        let free = [
            ("store.path", store.as_str()),
            ("mm1.listen", "127.0.0.1:0"),
            ("ops.listen", "127.0.0.1:0"),
        ];
        let own = self.set.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        for (key, value) in free.into_iter().chain(own) {
            command.arg("--set").arg(format!("{key}={value}"));
        }
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .map_err(|error| PeerError::io(self.binary.display().to_string(), error))
    }

    /// Where the node's log goes.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.dir.join("node.log")
    }

    fn failed(&self, what: &str) -> PeerError {
        PeerError::Process(format!(
            "{what}; the end of {}: {}",
            self.log().display(),
            tail(&self.log())
        ))
    }
}

/// What stands in the configuration file; all that a run decides comes as `--set`.
const CONFIG: &str = "\
# A node under test: every other key stands at its default.
[smsc.main]
address = \"127.0.0.1:2775\"
system_id = \"mmsc\"
password = \"secret\"
reconnect = \"100ms\"
reconnect_limit = \"1s\"
";

/// The last lines of a log.
fn tail(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let lines: Vec<&str> = text.lines().rev().take(12).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join("\n")
}

/// Gives the first line away and reads on, so that the node never waits for a full pipe.
fn read_stdout(stdout: ChildStdout, first: oneshot::Sender<String>) {
    let mut lines = BufReader::new(stdout).lines().map_while(Result::ok);
    if let Some(line) = lines.by_ref().find(|line| line.starts_with('{')) {
        // Nobody may be waiting any more.
        let _gone = first.send(line);
    }
    lines.for_each(drop);
}

/// The addresses of the ready line: every member that is a socket address, at any depth, by its dotted name.
fn parse_ready(line: &str) -> Option<BTreeMap<String, String>> {
    let serde_json::Value::Object(members) = serde_json::from_str(line).ok()? else {
        return None;
    };
    let mut found = BTreeMap::new();
    // Two levels are all that there are; a deeper one is not looked at.
    for (name, value) in &members {
        match value {
            serde_json::Value::String(text) => {
                found.insert(name.clone(), text.clone());
            }
            serde_json::Value::Object(inner) => {
                let texts = inner.iter().filter_map(|(key, value)| Some((key, value.as_str()?)));
                found.extend(texts.map(|(key, text)| (format!("{name}.{key}"), text.to_owned())));
            }
            _ => {}
        }
    }
    Some(found)
}

/// A running node. Dropping it kills it: a failed test leaves no process behind.
pub struct NodeProcess {
    child: Child,
    addresses: BTreeMap<String, String>,
}

impl NodeProcess {
    /// Process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The bound address of a listener (`mm1`, `ops`, …).
    pub fn address(&self, listener: &str) -> Result<&str, PeerError> {
        let listen = format!("{listener}.listen");
        let under = format!("listen.{listener}");
        self.addresses
            .iter()
            .find(|(name, _)| *name == listener || **name == listen || **name == under)
            .map(|(_, address)| address.as_str())
            .ok_or_else(|| PeerError::Process(format!("no {listener} in the ready line: {:?}", self.addresses)))
    }

    /// Processor time and memory so far.
    pub fn usage(&self) -> Result<Usage, PeerError> {
        Usage::of(self.pid())
    }

    /// Kills it as a crash does (SIGKILL) and waits for its end.
    pub fn kill(mut self) -> Result<(), PeerError> {
        self.end()
    }

    /// Asks it to drain (SIGTERM) and waits; kills it when `within` has passed. Gives whether it ended by itself.
    pub async fn terminate(mut self, ports: &Ports, within: Duration) -> Result<bool, PeerError> {
        let pid = i32::try_from(self.pid()).ok().and_then(Pid::from_raw);
        let pid = pid.ok_or_else(|| PeerError::Process("no process id".into()))?;
        kill_process(pid, Signal::TERM).map_err(|error| PeerError::Process(error.to_string()))?;
        let step = Duration::from_millis(20);
        let started = ports.clock.monotonic();
        while ports.clock.monotonic().saturating_sub(started) < within {
            let ended = self
                .child
                .try_wait()
                .map_err(|error| PeerError::io("waiting for the node", error))?;
            if let Some(status) = ended {
                return Ok(status.success());
            }
            ports.clock.sleep(step).await;
        }
        self.end()?;
        Ok(false)
    }

    /// Whether it is still there.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    fn end(&mut self) -> Result<(), PeerError> {
        // It may have ended already; then the wait says so.
        let _gone = self.child.kill();
        self.child
            .wait()
            .map_err(|error| PeerError::io("waiting for the node", error))?;
        Ok(())
    }
}

impl Drop for NodeProcess {
    fn drop(&mut self) {
        let _ended = self.end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ready_line_gives_addresses_by_name() {
        let flat = parse_ready(r#"{"ready":true,"mm1":"127.0.0.1:81","ops":"127.0.0.1:82"}"#).unwrap();
        assert_eq!(flat.get("mm1").map(String::as_str), Some("127.0.0.1:81"));
        let nested = parse_ready(r#"{"listen":{"mm1":"127.0.0.1:81"}}"#).unwrap();
        assert_eq!(nested.get("listen.mm1").map(String::as_str), Some("127.0.0.1:81"));
        assert!(parse_ready("[]").is_none());
    }
}
