//! A node of its own for a scenario: the real binary, an SMSC, handsets.

use std::net::SocketAddr;
use std::time::Duration;

use mmsc_peers::Msisdn;
use mmsc_peers::handset::{Client, Notification, SubmitReply, Told, submit};
use mmsc_peers::message::{Order, Template};
use mmsc_peers::node::{Metrics, NodeProcess, NodeSetup, scrape};
use mmsc_peers::ports::Ports;
use mmsc_peers::smsc::{Push, Receipts, Smsc, SmscSettings};
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio::time::timeout;

/// However slow the machine, nothing here takes longer.
pub const LIMIT: Duration = Duration::from_secs(60);

/// Sends; 15550100001.
pub const ALICE: &str = "+15550100001";
/// Receives.
pub const BOB: &str = "+15550100002";
/// Has nothing to do with any of it.
pub const CAROL: &str = "+15550100003";

/// Fields are dropped in this order: the node first, its directory last.
pub struct Rig {
    pub node: NodeProcess,
    pub smsc: Smsc,
    pub pushes: mpsc::Receiver<Push>,
    pub ports: Ports,
    _directory: TempDir,
}

impl Rig {
    /// A node with these keys set beside what every scenario has; bound to its SMSC.
    pub async fn start(sets: &[(&str, &str)]) -> Self {
        let ports = Ports::real();
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let settings = SmscSettings {
            receipts: Receipts::delivered(),
            ..SmscSettings::default()
        };
        let (smsc, pushes) = Smsc::start(&ports, any, settings).await.unwrap();
        let directory = tempfile::tempdir().unwrap();
        let mut setup = NodeSetup::new(env!("CARGO_BIN_EXE_mmsc"), directory.path(), smsc.address())
            .with("store.segment_size", "16MiB")
            .with("store.reserve", "64MiB");
        for (key, value) in sets {
            setup = setup.with(key, value);
        }
        let node = setup.start(&ports, LIMIT).await.unwrap();
        assert!(smsc.wait_bound(1, LIMIT).await, "no bind");
        Self {
            node,
            smsc,
            pushes,
            ports,
            _directory: directory,
        }
    }

    pub fn mm1(&self) -> String {
        self.node.address("mm1").unwrap().to_owned()
    }

    /// A handset's connection.
    pub fn client(&self) -> Client {
        Client::new(self.ports.clone(), self.mm1(), LIMIT)
    }

    pub async fn push(&mut self) -> Push {
        timeout(LIMIT, self.pushes.recv()).await.expect("a push").unwrap()
    }

    /// The next push, which has to be a notification.
    pub async fn notification(&mut self) -> (Push, Notification) {
        let push = self.push().await;
        match push.told.clone() {
            Ok(Told::Notification(notification)) => (push, notification),
            other => panic!("{other:?}"),
        }
    }

    /// A message of about `octets` octets from Alice to `to`; its Message-ID.
    pub async fn submitted(&self, number: u64, to: &str, octets: usize) -> String {
        let order = Order::to_one(number, to.parse().unwrap());
        let letter = Template::new(number, octets).letter(number, &order).unwrap();
        match submit(&mut self.client(), number_of(ALICE), letter.pdu).await.unwrap() {
            SubmitReply::Confirmed {
                message_id: Some(id), ..
            } => id,
            other => panic!("{other:?}"),
        }
    }

    pub async fn metrics(&self) -> Metrics {
        scrape(&self.ports, self.node.address("ops").unwrap()).await.unwrap()
    }

    /// Waits until a family's sum is as `wanted` says. Another process's state can only be polled for.
    pub async fn await_metric(&self, family: &str, wanted: impl Fn(f64) -> bool) -> f64 {
        let step = Duration::from_millis(50);
        let mut last = None;
        for _ in 0..LIMIT.as_millis() / step.as_millis() {
            last = self.metrics().await.sum(family);
            if let Some(value) = last.filter(|value| wanted(*value)) {
                return value;
            }
            tokio::time::sleep(step).await;
        }
        panic!("{family} stays at {last:?}");
    }

    /// Ends the node as an operator does; a node that survived a scenario also ends well.
    pub async fn stop(self) {
        let ended = self.node.terminate(&self.ports, LIMIT).await.unwrap();
        assert!(ended, "the node did not end by itself");
    }
}

pub fn number_of(text: &str) -> Msisdn {
    text.parse().unwrap()
}
