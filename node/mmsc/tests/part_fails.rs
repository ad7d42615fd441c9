//! A part of a real node breaks, by a network that does what none should: it is started again alone, health says so
//! meanwhile, and the rest goes on.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod common;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use common::{LIMIT, get, post};
use mmsc::config;
use mmsc::node::Node;
use mmsc_peers::message::{Order, Template};
use mmsc_peers::smsc::{Push, Smsc, SmscSettings};
use mmsc_ports::net::{BoxStream, Listener, RealNet};
use mmsc_ports::{BoxFuture, Net, Ports};
use tokio::sync::{mpsc, watch};

/// MM1 listens here, nothing else does.
const MM1: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

/// The system's network, with a fuse in MM1's listener and one in outgoing connections: the SMSC's.
#[derive(Default)]
struct Fused {
    listener: Fuse,
    connection: Fuse,
    /// A listener in place of a blown one is had when the test lets it.
    held_back: watch::Sender<bool>,
}

/// Things are made with it one after another; those before `blown` panic.
#[derive(Default)]
struct Fuse {
    made: watch::Sender<usize>,
    blown: watch::Sender<usize>,
}

impl Fuse {
    /// The number of one more, from 0.
    fn make(&self) -> usize {
        let mut nth = 0;
        self.made.send_modify(|made| nth = std::mem::replace(made, *made + 1));
        nth
    }

    /// Everything that was made until now panics, and of what is made later the next `more`.
    fn blow(&self, more: usize) {
        self.blown.send_replace(*self.made.borrow() + more);
    }
}

impl Net for Fused {
    fn connect(&self, target: &str) -> BoxFuture<'static, std::io::Result<BoxStream>> {
        let blown = self.connection.make() < *self.connection.blown.borrow();
        let connected = RealNet.connect(target);
        Box::pin(async move {
            assert!(!blown, "connecting panics because its test says so");
            connected.await
        })
    }

    fn listen(&self, address: SocketAddr) -> BoxFuture<'static, std::io::Result<Box<dyn Listener>>> {
        if address.ip() != MM1 {
            return RealNet.listen(address);
        }
        let (nth, blown) = (self.listener.make(), self.listener.blown.subscribe());
        let mut held_back = self.held_back.subscribe();
        Box::pin(async move {
            held_back.wait_for(|held_back| !*held_back).await.unwrap();
            let inner = RealNet.listen(address).await?;
            Ok(Box::new(FusedListener { inner, nth, blown }) as Box<dyn Listener>)
        })
    }
}

struct FusedListener {
    inner: Box<dyn Listener>,
    nth: usize,
    blown: watch::Receiver<usize>,
}

impl Listener for FusedListener {
    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.inner.local_addr()
    }

    fn accept(&self) -> BoxFuture<'_, std::io::Result<(BoxStream, SocketAddr)>> {
        let mut blown = self.blown.clone();
        Box::pin(async move {
            tokio::select! {
                accepted = self.inner.accept() => accepted,
                _ = blown.wait_for(|blown| self.nth < *blown) => panic!("accepting panics because its test says so"),
            }
        })
    }
}

struct Bench {
    node: Node,
    net: Arc<Fused>,
    smsc: Smsc,
    pushes: mpsc::Receiver<Push>,
    mm1: String,
    ops: String,
}

impl Bench {
    /// A node that is bound to its SMSC and works.
    async fn start(directory: &Path) -> Self {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let (smsc, pushes) = Smsc::start(&Ports::real(), any, SmscSettings::default()).await.unwrap();
        let sets = [
            format!("store.path={}", directory.join("store").display()),
            format!("mm1.listen={MM1}:0"),
            "mm1.trusted_networks=127.0.0.0/8".to_owned(),
            "ops.listen=127.0.0.1:0".to_owned(),
            format!("smsc.main.address={}", smsc.address()),
            "smsc.main.reconnect=100ms".to_owned(),
        ];
        let config = config::load(&common::shipped_config(), &sets).unwrap();
        let net = Arc::new(Fused::default());
        let ports = Ports {
            net: net.clone(),
            ..Ports::real()
        };
        let node = Node::start(&config, &ports).await.unwrap();
        assert!(smsc.wait_bound(1, LIMIT).await);
        let text = |address: Option<SocketAddr>| address.unwrap().to_string();
        let (mm1, ops) = (text(node.addresses().mm1), text(node.addresses().ops));
        let mut bench = Self {
            node,
            net,
            smsc,
            pushes,
            mm1,
            ops,
        };
        bench.ready(|status, _| status == 200);
        bench.message(1).await;
        bench
    }

    /// Asks until health says it: each turn is one exchange with the node.
    fn ready(&self, says: impl Fn(u16, &str) -> bool) -> String {
        let mut last = String::new();
        for _ in 0..100_000 {
            let (status, report) = get(&self.ops, "/readyz");
            if says(status, &report) {
                return report;
            }
            last = report;
        }
        panic!("health never said it, but at last\n{last}");
    }

    fn metric(&self, name: &str) -> String {
        let (_, metrics) = get(&self.ops, "/metrics");
        let line = metrics.lines().find(|line| line.starts_with(name));
        line.unwrap_or_else(|| panic!("no {name} in {metrics}")).to_owned()
    }

    fn restarts(&self, part: &str) -> String {
        let line = self.metric(&format!("mmsc_node_part_restarts_total{{part=\"{part}\"}}"));
        line.rsplit(' ').next().unwrap().to_owned()
    }

    /// Submits a message on MM1 and sees the SMSC get the push for it.
    async fn message(&mut self, nth: u64) {
        let order = Order::to_one(nth, "+15550100002".parse().unwrap());
        let pdu = Template::new(1, 3_000).letter(nth, &order).unwrap().pdu;
        assert_eq!(post(&self.mm1, "+15550100001", &pdu).0, 200);
        let push = tokio::time::timeout(LIMIT, self.pushes.recv()).await.unwrap().unwrap();
        assert_eq!(push.to, "15550100002");
    }
}

/// The line of a check in a report.
fn says(report: &str, check: &str, text: &str) -> bool {
    let check = format!("\"check\":\"{check}\"");
    report.lines().any(|line| line.contains(&check) && line.contains(text))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mm1_that_can_no_longer_accept_is_started_again_alone() {
    let directory = tempfile::tempdir().unwrap();
    let mut bench = Bench::start(directory.path()).await;
    bench.net.held_back.send_replace(true);
    bench.net.listener.blow(0);

    let report = bench.ready(|_, report| says(report, "mm1", "restarting"));
    assert!(says(&report, "mm1", "accepting connections ended"), "{report}");
    assert!(says(&report, "mm1", "\"state\":\"failed\""), "{report}");
    for check in ["smpp", "smsc.main", "relay", "store"] {
        assert!(says(&report, check, "\"state\":\"ok\""), "{check} in {report}");
    }
    assert_eq!(get(&bench.ops, "/livez").0, 200, "the process need not be restarted");
    assert_eq!(get(&bench.ops, "/readyz").0, 503, "nobody should send handsets here");

    bench.net.held_back.send_replace(false);
    bench.ready(|status, _| status == 200);
    bench.message(2).await;
    assert_eq!(
        (bench.restarts("mm1"), bench.restarts("smpp")),
        ("1".to_owned(), "0".to_owned())
    );
    assert_eq!(bench.restarts("ops"), "0");
    assert_eq!(bench.smsc.counts().binds.load(Ordering::Relaxed), 1, "the bind stood");
    assert!(bench.node.drain(Duration::from_secs(20)).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn smpp_whose_link_panics_is_started_again_alone() {
    let directory = tempfile::tempdir().unwrap();
    let mut bench = Bench::start(directory.path()).await;
    bench.net.connection.blow(1);
    bench.smsc.close_sessions();

    let mut made = bench.net.connection.made.subscribe();
    let again = made.wait_for(|made| *made > 2);
    tokio::time::timeout(LIMIT, again).await.unwrap().unwrap();
    bench.ready(|_, report| says(report, "smsc.main", "\"state\":\"ok\"") && says(report, "smpp", "\"state\":\"ok\""));
    assert_eq!(bench.smsc.counts().binds.load(Ordering::Relaxed), 2);
    bench.message(2).await;
    assert_eq!(
        (bench.restarts("mm1"), bench.restarts("smpp")),
        ("0".to_owned(), "1".to_owned())
    );
    assert!(bench.node.drain(Duration::from_secs(20)).await);
}
