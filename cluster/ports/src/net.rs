//! Sockets: streams, listeners and connecting, so that a simulated network can stand in.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncRead, AsyncWrite};

use crate::spawn::BoxFuture;

/// A byte stream in both directions.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A stream of whichever network is in use.
pub type BoxStream = Box<dyn Stream>;

/// Accepts streams.
pub trait Listener: Send + Sync {
    /// The address it is bound to (with the real port where 0 was asked for).
    fn local_addr(&self) -> io::Result<SocketAddr>;
    /// The next stream and who opened it.
    fn accept(&self) -> BoxFuture<'_, io::Result<(BoxStream, SocketAddr)>>;
}

/// The network of a node.
pub trait Net: Send + Sync + 'static {
    /// Opens a stream to `host:port`, trying every address that the name resolves to.
    fn connect(&self, target: &str) -> BoxFuture<'static, io::Result<BoxStream>>;
    /// Listens on `address`.
    fn listen(&self, address: SocketAddr) -> BoxFuture<'static, io::Result<Box<dyn Listener>>>;
}

/// The operating system's network.
pub struct RealNet;

impl Net for RealNet {
    fn connect(&self, target: &str) -> BoxFuture<'static, io::Result<BoxStream>> {
        let target = target.to_owned();
        Box::pin(async move {
            let stream = tokio::net::TcpStream::connect(target).await?;
            stream.set_nodelay(true)?;
            Ok(Box::new(stream) as BoxStream)
        })
    }

    fn listen(&self, address: SocketAddr) -> BoxFuture<'static, io::Result<Box<dyn Listener>>> {
        Box::pin(async move {
            let listener = tokio::net::TcpListener::bind(address).await?;
            Ok(Box::new(RealListener(listener)) as Box<dyn Listener>)
        })
    }
}

struct RealListener(tokio::net::TcpListener);

impl Listener for RealListener {
    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }

    fn accept(&self) -> BoxFuture<'_, io::Result<(BoxStream, SocketAddr)>> {
        Box::pin(async move {
            let (stream, peer) = self.0.accept().await?;
            stream.set_nodelay(true)?;
            Ok((Box::new(stream) as BoxStream, peer))
        })
    }
}
