//! Where the demo plays: a directory, the SMSC, the node.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use mmsc_peers::Msisdn;
use mmsc_peers::message::{Letter, Order, Template};
use mmsc_peers::smsc::{Push, Smsc, SmscSettings};
use mmsc_ports::Ports;
use tokio::sync::mpsc;

use super::say::say;
use crate::config;
use crate::node::Node;

/// Sends the first message.
pub(super) const ALICE: u64 = 15_550_100_001;
/// Receives it.
pub(super) const BOB: u64 = 15_550_100_002;
/// Has no handset in the demo: whoever watches fetches for her.
const CAROL: u64 = 15_550_100_003;

/// About the size of a picture message of the smallest content class.
const MESSAGE_OCTETS: usize = 30 * 1024;
/// The node binds to the SMSC within this.
const BIND_LIMIT: Duration = Duration::from_secs(20);
const DRAIN_LIMIT: Duration = Duration::from_secs(10);

/// A directory; a temporary one goes when this is dropped.
pub(super) struct Place {
    path: PathBuf,
    temporary: bool,
}

impl Place {
    pub(super) fn open(wanted: Option<PathBuf>) -> Result<Self, String> {
        let temporary = wanted.is_none();
        let name = format!("mmsc-demo-{}", std::process::id());
        let path = wanted.unwrap_or_else(|| std::env::temp_dir().join(name));
        let made = if temporary {
            // Must be ours: a directory that somebody else put there is not used.
            std::fs::create_dir(&path)
        } else {
            std::fs::create_dir_all(&path)
        };
        made.map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Self { path, temporary })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.temporary {
            // Left behind, it is one directory among the temporary files.
            let _removed = std::fs::remove_dir_all(&self.path);
        }
    }
}

/// Everything that runs.
pub(super) struct Stage {
    pub(super) ports: Ports,
    pub(super) mm1: SocketAddr,
    ops: Option<SocketAddr>,
    directory: PathBuf,
    smsc: Smsc,
    node: Node,
    /// Makes messages of this run different from those of an earlier one in the same directory.
    seed: u64,
}

impl Stage {
    /// Starts SMSC and node and waits for the bind.
    pub(super) async fn set(place: &Place) -> Result<(Self, mpsc::Receiver<Push>), String> {
        let ports = Ports::real();
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let (smsc, pushes) = Smsc::start(&ports, any, SmscSettings::default())
            .await
            .map_err(|error| error.to_string())?;
        let file = place.path.join("demo.toml");
        std::fs::write(&file, configuration(&place.path, smsc.address()))
            .map_err(|error| format!("{}: {error}", file.display()))?;
        let config = config::load(&file, &[]).map_err(|errors| errors.to_string())?;
        let node = Node::start(&config, &ports).await.map_err(|error| error.to_string())?;
        let addresses = node.addresses();
        let mm1 = addresses.mm1.ok_or("MM1 does not listen")?;
        say(&format!("A node on an embedded store in {}", place.path.display()));
        say(&format!("     MM1 for handsets http://{mm1}/"));
        if let Some(ops) = addresses.ops {
            say(&format!("     operators         http://{ops}/metrics /livez /readyz"));
        }
        let stage = Self {
            seed: ports.clock.now().0,
            ports,
            mm1,
            ops: addresses.ops,
            directory: place.path.clone(),
            smsc,
            node,
        };
        match stage.smsc.wait_bound(1, BIND_LIMIT).await {
            true => {
                say(&format!(
                    "     SMPP bind to the built-in SMSC at {} is up\n",
                    stage.smsc.address()
                ));
                Ok((stage, pushes))
            }
            false => {
                stage.strike().await;
                Err(format!("the node did not bind to the SMSC within {BIND_LIMIT:?}"))
            }
        }
    }

    /// Drains the node and ends the SMSC.
    pub(super) async fn strike(self) {
        self.node.drain(DRAIN_LIMIT).await;
    }

    /// A message of this run.
    pub(super) fn letter(&self, order: &Result<Order, String>) -> Result<Letter, String> {
        let template = Template::new(self.seed, MESSAGE_OCTETS);
        let letter = template.letter(self.seed, order.as_ref().map_err(Clone::clone)?);
        letter.map_err(|error| error.to_string())
    }

    /// Writes PDUs that are ready to be posted.
    pub(super) fn write_samples(&self) -> Result<(), String> {
        for (index, to) in [(2, BOB), (3, CAROL)] {
            let letter = self.letter(&order(index, to))?;
            let file = self.sample(to);
            std::fs::write(&file, &letter.pdu).map_err(|error| format!("{}: {error}", file.display()))?;
        }
        Ok(())
    }

    fn sample(&self, to: u64) -> PathBuf {
        self.directory
            .join(if to == BOB { "to-bob.mms" } else { "to-carol.mms" })
    }

    /// What to try now: each line that begins with `curl` can be pasted.
    pub(super) fn print_hints(&self) {
        let mmsc = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("mmsc"));
        let mmsc = quoted(&mmsc);
        let post = |to: u64| {
            format!(
                "curl -s --data-binary @{} -H 'Content-Type: application/vnd.wap.mms-message' \
                 -H 'X-MSISDN: +{ALICE}' http://{}/ | {mmsc} decode --as mms",
                quoted(&self.sample(to)),
                self.mm1
            )
        };
        say("Everything stays up until Ctrl-C. In another terminal:");
        say(
            "\n# Alice writes to Bob again; his handset fetches by itself. Post it twice: one message, the same answer.",
        );
        say(&post(BOB));
        say("\n# To Carol, who has no handset here: her notification is shown above with the command that fetches it.");
        say(&post(CAROL));
        say("\n# What such a message looks like.");
        say(&format!("{mmsc} decode --as mms {}", quoted(&self.sample(BOB))));
        if let Some(ops) = self.ops {
            say("\n# What operators see.");
            say(&format!("curl -s http://{ops}/readyz"));
            say(&format!("curl -s http://{ops}/metrics | grep mmsc_relay_"));
        }
        say("");
    }
}

/// A subscriber's number.
pub(super) fn number(digits: u64) -> Result<Msisdn, String> {
    digits
        .to_string()
        .parse()
        .map_err(|error: mmsc_peers::PeerError| error.to_string())
}

/// A message to one recipient, with a delivery report.
pub(super) fn order(index: u64, to: u64) -> Result<Order, String> {
    Ok(Order::to_one(index, number(to)?))
}

/// A path for a shell.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    if text.chars().all(plain) {
        return text;
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// A demo needs little room, and takes any free ports.
fn configuration(directory: &Path, smsc: SocketAddr) -> String {
    let store = toml::Value::String(directory.join("store").display().to_string());
    format!(
        "# Written by `mmsc demo`.\n\
         [node]\nname = \"demo\"\ndomain = \"demo.invalid\"\n\n\
         [store]\npath = {store}\nsegment_size = \"16MiB\"\nreserve = \"64MiB\"\nspare_segments = 2\ncache = \"32MiB\"\n\n\
         [mm1]\nlisten = \"127.0.0.1:0\"\n\n\
         [ops]\nlisten = \"127.0.0.1:0\"\n\n\
         [smsc.main]\naddress = \"{smsc}\"\nsystem_id = \"mmsc\"\npassword = \"secret\"\nreconnect = \"100ms\"\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_configuration_is_one() {
        let text = configuration(Path::new("/tmp/a \"b\""), SocketAddr::from(([127, 0, 0, 1], 2775)));
        let config = config::parse(Path::new("demo.toml"), &text, &[]).unwrap();
        assert_eq!(config.store.path, Path::new("/tmp/a \"b\"/store"));
        assert_eq!(config.node.name, "demo");
    }

    #[test]
    fn paths_survive_a_shell() {
        assert_eq!(quoted(Path::new("/tmp/x-1.mms")), "/tmp/x-1.mms");
        assert_eq!(quoted(Path::new("/tmp/it's")), "'/tmp/it'\\''s'");
    }
}
