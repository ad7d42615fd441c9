//! A node without interfaces: the real store on a temporary directory, the real tree, a bearer that notes what it is
//! told, and a clock that tests can move.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    dead_code
)]

pub mod mmbox;

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use mmsc_domain::command::{DuplicateKey, Submit};
use mmsc_domain::inbox::{Sent, Telling};
use mmsc_domain::policy::ServicePolicy;
use mmsc_domain::record::{
    CarriedFields, Interface, MediaType, MessageClass, PartEntry, Priority, Recipient, RecipientKind,
};
use mmsc_domain::{Address, Token};
use mmsc_ports::{BoxFuture, Clock, Ports, RealClock, UnixMillis};
use mmsc_relay::port::{Bearer, TellAttempt, TellOutcome};
use mmsc_relay::{Relay, RelayConfig, SubmitAnswer};
use mmsc_ring::{Ring, RingConfig};
use mmsc_store::Store;

/// The real clock, moved by what a test says, and faster if it says so.
pub struct MovedClock {
    real: RealClock,
    start: UnixMillis,
    speed: u32,
    moved_millis: AtomicI64,
}

impl MovedClock {
    pub fn new(speed: u32) -> Arc<Self> {
        let real = RealClock::start();
        Arc::new(Self {
            start: real.now(),
            real,
            speed,
            moved_millis: AtomicI64::new(0),
        })
    }

    pub fn move_on(&self, by: Duration) {
        self.moved_millis
            .fetch_add(i64::try_from(by.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

impl Clock for MovedClock {
    fn now(&self) -> UnixMillis {
        let passed = self.real.now().0.saturating_sub(self.start.0) * u64::from(self.speed);
        UnixMillis((self.start.0 + passed).saturating_add_signed(self.moved_millis.load(Ordering::SeqCst)))
    }
    fn monotonic(&self) -> Duration {
        self.real.monotonic() * self.speed
    }
    fn sleep(&self, d: Duration) -> BoxFuture<'static, ()> {
        self.real.sleep(d / self.speed)
    }
    fn wall_offset_millis(&self) -> i64 {
        0
    }
}

/// How the bearer behaves.
#[derive(Clone, Debug)]
pub enum Behaviour {
    Accept,
    Hang,
    Refuse,
    Fail,
    Down,
    /// Fails after having waited for the test.
    SlowFail(Arc<tokio::sync::Notify>),
    /// Says "down" after having waited for the test.
    SlowDown(Arc<tokio::sync::Notify>),
}

/// Notes what it is told.
pub struct NotingBearer {
    pub told: Mutex<Vec<TellAttempt>>,
    pub behaviour: Mutex<Behaviour>,
    /// Called at each attempt.
    pub observer: Mutex<Option<Box<dyn Fn() + Send>>>,
    outstanding: Arc<AtomicI64>,
    most_outstanding: AtomicI64,
    counter: AtomicI64,
}

impl NotingBearer {
    pub fn new() -> Arc<Self> {
        let told = Mutex::new(Vec::new());
        Arc::new(Self {
            told,
            behaviour: Mutex::new(Behaviour::Accept),
            observer: Mutex::new(None),
            outstanding: Arc::default(),
            most_outstanding: AtomicI64::new(0),
            counter: AtomicI64::new(0),
        })
    }

    pub fn behave(&self, behaviour: Behaviour) {
        *self.behaviour.lock().unwrap() = behaviour;
    }

    /// The most attempts that were under way at once.
    pub fn most_outstanding(&self) -> i64 {
        self.most_outstanding.load(Ordering::SeqCst)
    }

    pub fn count(&self) -> usize {
        self.told.lock().unwrap().len()
    }

    pub fn notifications(&self) -> Vec<(Address, Token, u32)> {
        let told = self.told.lock().unwrap();
        told.iter()
            .filter_map(|attempt| match &attempt.telling {
                Telling::Notification(it) => Some((attempt.to.clone(), it.token, attempt.number)),
                Telling::DeliveryReport(_) | Telling::ReadReport(_) | Telling::Cancel(_) => None,
            })
            .collect()
    }

    pub fn reports(&self) -> Vec<mmsc_domain::inbox::DeliveryReport> {
        let told = self.told.lock().unwrap();
        told.iter()
            .filter_map(|attempt| match &attempt.telling {
                Telling::Notification(_) | Telling::ReadReport(_) | Telling::Cancel(_) => None,
                Telling::DeliveryReport(report) => Some(report.clone()),
            })
            .collect()
    }

    pub fn read_reports(&self) -> Vec<mmsc_domain::inbox::ReadReport> {
        let told = self.told.lock().unwrap();
        told.iter()
            .filter_map(|attempt| match &attempt.telling {
                Telling::Notification(_) | Telling::DeliveryReport(_) | Telling::Cancel(_) => None,
                Telling::ReadReport(report) => Some(report.clone()),
            })
            .collect()
    }
}

impl Bearer for NotingBearer {
    fn tell(&self, attempt: TellAttempt) -> BoxFuture<'static, TellOutcome> {
        let behaviour = self.behaviour.lock().unwrap().clone();
        let number = self.counter.fetch_add(1, Ordering::SeqCst);
        if let Some(observe) = self.observer.lock().unwrap().as_ref() {
            observe();
        }
        let outstanding = Arc::clone(&self.outstanding);
        let now = outstanding.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_outstanding.fetch_max(now, Ordering::SeqCst);
        let ended = Ended(outstanding);
        if !matches!(behaviour, Behaviour::Down | Behaviour::SlowDown(_)) {
            self.told.lock().unwrap().push(attempt);
        }
        Box::pin(async move {
            let _ended = ended;
            match behaviour {
                Behaviour::Accept => TellOutcome::Sent(Sent {
                    destination: "main".to_owned(),
                    message_ids: vec![format!("m{number}")],
                }),
                Behaviour::Hang => std::future::pending().await,
                Behaviour::Refuse => TellOutcome::Refused,
                Behaviour::Fail => TellOutcome::Failed { retry_after: None },
                Behaviour::SlowFail(said) => {
                    said.notified().await;
                    TellOutcome::Failed { retry_after: None }
                }
                Behaviour::SlowDown(said) => {
                    said.notified().await;
                    TellOutcome::Unavailable {
                        destination: "main".to_owned(),
                    }
                }
                Behaviour::Down => TellOutcome::Unavailable {
                    destination: "main".to_owned(),
                },
            }
        })
    }
}

/// An attempt is under way no more.
struct Ended(Arc<AtomicI64>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The value of a metric.
pub fn metric(metrics: &mmsc_relay::Metrics, name: &str) -> i64 {
    let families = metrics.families();
    let family = families
        .iter()
        .find(|family| family.name == name)
        .expect("no such metric");
    match &family.samples[0].source {
        mmsc_ports::metrics::Source::Counter(counter) => i64::try_from(counter.value()).unwrap(),
        mmsc_ports::metrics::Source::Gauge(gauge) => gauge.value(),
        _ => panic!("neither a count nor a gauge"),
    }
}

/// The value of a count with one label.
pub fn labelled(metrics: &mmsc_relay::Metrics, name: &str, value: &str) -> i64 {
    let families = metrics.families();
    let family = families.iter().find(|family| family.name == name);
    let mut samples = family.expect("no such metric").samples.iter();
    let sample = samples.find(|sample| sample.labels.iter().any(|(_, it)| it == value));
    match &sample.expect("no such label").source {
        mmsc_ports::metrics::Source::Counter(counter) => i64::try_from(counter.value()).unwrap(),
        _ => panic!("no count"),
    }
}

/// One process start.
pub struct Node {
    pub relay: Relay,
    pub bearer: Arc<NotingBearer>,
    pub clock: Arc<MovedClock>,
}

/// What outlives the process.
pub struct World {
    pub store: Store,
    pub clock: Arc<MovedClock>,
    pub ports: Ports,
    pub policy: ServicePolicy,
    pub max_live: usize,
    pub credits: usize,
    pub shards: u16,
    pub scan_period: Duration,
    pub screening: Arc<dyn mmsc_relay::port::Screening>,
    _directory: tempfile::TempDir,
}

impl World {
    pub fn new() -> Self {
        Self::at_speed(1)
    }

    /// Everything takes that much less time, on the node's clock as much as ever.
    pub fn at_speed(speed: u32) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let clock = MovedClock::new(speed);
        let ports = Ports {
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            ..Ports::real()
        };
        let options = mmsc_store::EmbeddedOptions {
            segment_bytes: 8 * 1024 * 1024,
            ..mmsc_store::EmbeddedOptions::new(directory.path())
        };
        let engine = mmsc_store::EmbeddedEngine::open(options, Arc::new(mmsc_ports::disk::RealDisk), &ports).unwrap();
        let mut policy = ServicePolicy::default();
        policy.telling.born_due = Duration::from_millis(150);
        policy.telling.lazy = Duration::from_millis(100);
        policy.max_recipients = 20_000;
        Self {
            store: Store::new(Arc::new(engine)),
            clock,
            ports,
            policy,
            max_live: 50_000,
            credits: 4096,
            shards: 16,
            scan_period: Duration::from_millis(20),
            screening: Arc::new(mmsc_relay::port::NoScreening),
            _directory: directory,
        }
    }

    /// Starts a node on the store. One that ran before is fenced by that: as if its process had died.
    pub async fn start(&self) -> Node {
        self.start_with(Behaviour::Accept).await
    }

    pub async fn start_with(&self, behaviour: Behaviour) -> Node {
        let config = RingConfig {
            shards: self.shards,
            ..RingConfig::default()
        };
        let ring = Ring::start(config, &self.store, &self.ports).await.unwrap();
        let config = RelayConfig {
            policy: self.policy.clone(),
            scan_period: self.scan_period,
            max_live: self.max_live,
            screening: Arc::clone(&self.screening),
            admission: mmsc_relay::AdmissionLimits {
                commands: self.credits,
                ..mmsc_relay::AdmissionLimits::default()
            },
        };
        let relay = Relay::start(config, self.store.clone(), ring, self.ports.clone())
            .await
            .unwrap();
        let bearer = NotingBearer::new();
        bearer.behave(behaviour);
        relay.set_bearer(Arc::clone(&bearer) as Arc<dyn Bearer>);
        Node {
            relay,
            bearer,
            clock: Arc::clone(&self.clock),
        }
    }
}

pub fn phone(number: u64) -> Address {
    Address::Phone(format!("1555{number:07}"))
}

pub fn to(address: Address) -> Recipient {
    Recipient {
        kind: RecipientKind::To,
        address,
    }
}

pub const CONTENT: &[u8] = b"hello, this is the content of a message";

pub fn submit_to(recipients: Vec<Recipient>, transaction: &str) -> Submit {
    let text = MediaType {
        essence: "text/plain".to_owned(),
        parameters: Vec::new(),
    };
    Submit {
        originator: phone(1),
        hide_originator: false,
        interface: Interface::Mm1,
        recipients,
        subject: Some("greetings".to_owned()),
        class: MessageClass::Personal,
        priority: Priority::Normal,
        expiry: None,
        delivery_time: None,
        delivery_report: true,
        read_report: false,
        date: None,
        mms_version: 0x92,
        media_type: MediaType {
            essence: "application/vnd.wap.multipart.mixed".to_owned(),
            parameters: Vec::new(),
        },
        parts: vec![PartEntry {
            media_type: text,
            content_id: None,
            content_location: None,
            headers: Vec::new(),
            offset: 0,
            len: CONTENT.len() as u64,
            installable: None,
        }],
        carried: CarriedFields::default(),
        duplicate: Some(DuplicateKey {
            interface: Interface::Mm1,
            scope: phone(1).to_string(),
            transaction_id: transaction.as_bytes().to_vec(),
        }),
        previously_sent: Vec::new(),
        charging: mmsc_domain::reply_charging::ReplyCharging::default(),
        store: None,
    }
}

pub fn content() -> Bytes {
    Bytes::from_static(CONTENT)
}

pub async fn accept(node: &Node, submit: Submit) -> mmsc_domain::MmId {
    match node.relay.submit(submit, content()).await {
        SubmitAnswer::Accepted(committed) => committed.into_value().id,
        other => panic!("not accepted: {other:?}"),
    }
}

/// Waits until `condition` holds; bounded.
pub async fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    for _ in 0..1500 {
        if condition() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("did not come: {what}");
}

/// Lets the node run for a while in which something must not happen.
pub async fn a_while() {
    tokio::time::sleep(Duration::from_millis(600)).await;
}
