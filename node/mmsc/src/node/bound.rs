//! A socket that was bound ahead of the part that listens on it.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use mmsc_ports::net::{BoxStream, Listener};
use mmsc_ports::{BoxFuture, Net};

/// Hands a listener that is bound already to the first who listens on its address. So the address is known before
/// the adapter starts, which needs it for the retrieval addresses that it gives out.
pub(super) struct BoundAhead {
    net: Arc<dyn Net>,
    listener: Mutex<Option<Box<dyn Listener>>>,
}

impl BoundAhead {
    pub(super) fn new(net: Arc<dyn Net>, listener: Box<dyn Listener>) -> Self {
        Self {
            net,
            listener: Mutex::new(Some(listener)),
        }
    }
}

impl Net for BoundAhead {
    fn connect(&self, target: &str) -> BoxFuture<'static, io::Result<BoxStream>> {
        self.net.connect(target)
    }

    fn listen(&self, address: SocketAddr) -> BoxFuture<'static, io::Result<Box<dyn Listener>>> {
        let ahead = self.listener.lock().unwrap_or_else(PoisonError::into_inner).take();
        match ahead {
            Some(listener) => Box::pin(std::future::ready(Ok(listener))),
            None => self.net.listen(address),
        }
    }
}

#[cfg(test)]
mod tests {
    use mmsc_ports::Ports;

    use super::*;

    #[tokio::test]
    async fn the_socket_bound_ahead_is_handed_over_once() {
        let ports = Ports::real();
        let listener = ports.net.listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let address = listener.local_addr().unwrap();
        let net = BoundAhead::new(ports.net, listener);
        let first = net.listen(address).await.unwrap();
        assert_eq!(first.local_addr().unwrap(), address);
        assert!(net.listen(address).await.is_err(), "the second one binds anew");
        drop(first);
        assert_eq!(net.listen(address).await.unwrap().local_addr().unwrap(), address);
    }
}
