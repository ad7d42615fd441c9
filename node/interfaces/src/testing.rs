//! What the tests of this crate share: a network in memory, tokio's clock (which tests pause), a client that writes
//! octets as they are, and a proof of commitment from a real store.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use mmsc_ports::disk::RealDisk;
use mmsc_ports::net::{BoxStream, Listener};
use mmsc_ports::random::SeededRandom;
use mmsc_ports::{BoxFuture, Clock, Net, Ports, RealSpawn, UnixMillis};
use mmsc_relay::Committed;
use mmsc_store::{EmbeddedEngine, EmbeddedOptions, OperationId, Store, StoreError};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, DuplexStream};
use tokio::sync::{Mutex, mpsc};

/// 2024-01-01T00:00:00Z.
pub(crate) const EPOCH_SECONDS: u64 = 1_704_067_200;

/// Tokio's clock: stands still in a test that paused it, except when nothing else can run.
pub(crate) struct TokioClock(tokio::time::Instant);

impl TokioClock {
    #[allow(clippy::disallowed_methods, reason = "the clock of tests that pause tokio's time")]
    pub(crate) fn start() -> Self {
        Self(tokio::time::Instant::now())
    }
}

impl Clock for TokioClock {
    fn now(&self) -> UnixMillis {
        UnixMillis(EPOCH_SECONDS * 1000).plus(self.monotonic())
    }

    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }

    fn sleep(&self, d: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(d))
    }

    fn wall_offset_millis(&self) -> i64 {
        0
    }
}

/// A network in memory with one listener, and peers that can be connected to by name while they are switched on.
#[derive(Clone)]
pub(crate) struct MemoryNet {
    peers: Arc<std::sync::Mutex<BTreeMap<String, mpsc::Sender<BoxStream>>>>,
    to_listener: mpsc::Sender<(BoxStream, SocketAddr)>,
    listener: Arc<Mutex<mpsc::Receiver<(BoxStream, SocketAddr)>>>,
}

impl MemoryNet {
    pub(crate) fn new() -> Self {
        let (to_listener, listener) = mpsc::channel(64);
        Self {
            peers: Arc::default(),
            to_listener,
            listener: Arc::new(Mutex::new(listener)),
        }
    }

    /// Lets `target` be connected to; its ends of the connections.
    pub(crate) fn switch_on(&self, target: &str) -> mpsc::Receiver<BoxStream> {
        let (sender, receiver) = mpsc::channel(64);
        self.peers.lock().unwrap().insert(target.to_owned(), sender);
        receiver
    }

    /// `target` refuses from now on.
    pub(crate) fn switch_off(&self, target: &str) {
        self.peers.lock().unwrap().remove(target);
    }

    /// A client's end of a connection that holds `window` octets each way.
    pub(crate) async fn dial(&self, from: &str, window: usize) -> DuplexStream {
        let (near, far) = tokio::io::duplex(window);
        let from = SocketAddr::new(from.parse().unwrap(), 40_000);
        assert!(self.to_listener.send((Box::new(far), from)).await.is_ok());
        near
    }
}

struct MemoryListener {
    address: SocketAddr,
    incoming: Arc<Mutex<mpsc::Receiver<(BoxStream, SocketAddr)>>>,
}

impl Listener for MemoryListener {
    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        Ok(self.address)
    }

    fn accept(&self) -> BoxFuture<'_, std::io::Result<(BoxStream, SocketAddr)>> {
        Box::pin(async {
            let next = self.incoming.lock().await.recv().await;
            next.ok_or_else(|| std::io::ErrorKind::NotConnected.into())
        })
    }
}

impl Net for MemoryNet {
    fn connect(&self, target: &str) -> BoxFuture<'static, std::io::Result<BoxStream>> {
        let peer = self.peers.lock().unwrap().get(target).cloned();
        Box::pin(async move {
            let refused = std::io::ErrorKind::ConnectionRefused;
            let (near, far) = tokio::io::duplex(16 * 1024);
            peer.ok_or(refused)?.send(Box::new(far)).await.map_err(|_| refused)?;
            Ok(Box::new(near) as BoxStream)
        })
    }

    fn listen(&self, address: SocketAddr) -> BoxFuture<'static, std::io::Result<Box<dyn Listener>>> {
        let incoming = self.listener.clone();
        Box::pin(async move { Ok(Box::new(MemoryListener { address, incoming }) as Box<dyn Listener>) })
    }
}

/// Ports on tokio's clock and a network in memory.
pub(crate) fn memory_ports() -> (Ports, MemoryNet) {
    let net = MemoryNet::new();
    let ports = Ports {
        clock: Arc::new(TokioClock::start()),
        random: Arc::new(SeededRandom::new(1)),
        spawn: Arc::new(RealSpawn::current()),
        net: Arc::new(net.clone()),
    };
    (ports, net)
}

/// A store that commits for real, in a directory of its own.
pub(crate) struct Proof {
    store: Store,
    _directory: tempfile::TempDir,
}

impl Proof {
    pub(crate) fn open() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let options = EmbeddedOptions {
            segment_bytes: 1024 * 1024,
            reserve_bytes: 0,
            ..EmbeddedOptions::new(directory.path().join("store"))
        };
        let engine = EmbeddedEngine::open(options, Arc::new(RealDisk), &Ports::real()).unwrap();
        Self {
            store: Store::new(Arc::new(engine)),
            _directory: directory,
        }
    }

    /// `value`, once a row is durable.
    pub(crate) async fn committed<T: Clone + Send + Sync>(&self, value: T) -> Committed<T> {
        let commit = self.store.transact(OperationId([7; 16]), |txn| {
            let value = value.clone();
            async move {
                txn.set("row", "value");
                Ok::<_, StoreError>(value)
            }
        });
        commit.await.unwrap()
    }
}

/// An HTTP/1 response as it came.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    /// The value of a header, if it occurs once.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.head.lines().filter_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        });
        let first = found.next();
        assert!(found.next().is_none(), "{name} twice in {}", self.head);
        first
    }
}

/// How long a test waits for an answer that should come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(100);

/// Reads one response; none if the peer closes instead. `head_only` if the request was HEAD.
pub(crate) async fn read_reply<S>(stream: &mut S, head_only: bool) -> Option<Reply>
where
    S: AsyncRead + Unpin,
{
    let read = async {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            assert!(head.len() < 64 * 1024);
            head.push(stream.read_u8().await.ok()?);
        }
        let head = String::from_utf8(head).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let mut reply = Reply {
            status,
            head,
            body: Vec::new(),
        };
        let length: usize = reply.header("content-length").unwrap_or("0").parse().unwrap();
        if status != 100 && !head_only {
            reply.body = vec![0; length];
            stream.read_exact(&mut reply.body).await.ok()?;
        }
        Some(reply)
    };
    tokio::time::timeout(PATIENCE, read).await.unwrap()
}

/// Writes octets; a peer that has closed is no failure here.
pub(crate) async fn write<S>(stream: &mut S, octets: &[u8])
where
    S: AsyncWrite + Unpin,
{
    let _gone = tokio::time::timeout(PATIENCE, stream.write_all(octets)).await.unwrap();
}

/// Whether the peer closes (or resets) without another octet.
pub(crate) async fn closes<S>(stream: &mut S) -> bool
where
    S: AsyncRead + Unpin,
{
    let mut octets = [0; 64];
    let read = tokio::time::timeout(PATIENCE, stream.read(&mut octets)).await.unwrap();
    !matches!(read, Ok(1..))
}

/// A file of the shared vectors, by its path below `mm1`; none, with a line that says so, where they are absent.
pub(crate) fn vectors(folder: &str) -> Vec<(String, Vec<u8>)> {
    let root = match std::env::var_os("MMSC_VECTORS") {
        Some(root) => std::path::PathBuf::from(root),
        None => std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors"),
    };
    let directory = root.join("mm1").join(folder);
    let Ok(entries) = std::fs::read_dir(&directory) else {
        println!("skipped: no vectors in {}", directory.display());
        return Vec::new();
    };
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "mms"));
    files.sort();
    let name = |path: &std::path::Path| path.file_name().unwrap().to_string_lossy().into_owned();
    files
        .iter()
        .map(|path| (name(path), std::fs::read(path).unwrap()))
        .collect()
}

/// Compares with a golden file of `tests/golden`; `MMSC_BLESS=1` writes it.
pub(crate) fn golden(name: &str, found: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name);
    if std::env::var_os("MMSC_BLESS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, found).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap();
    assert!(expected == found, "{name} differs; MMSC_BLESS=1 rewrites it\n{found}");
}
