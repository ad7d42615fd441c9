//! Hyper's timer and executor over the ports, so that a simulated clock drives its time limits, too.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use hyper::rt::{Executor, Sleep, Timer};
use hyper_util::rt::TokioTimer;
use mmsc_ports::{BoxFuture, Clock, Spawn};

/// A timer that asks the node's clock. Hyper counts in `Instant`s: any fixed one serves as the origin.
#[derive(Clone)]
pub(super) struct PortTimer {
    clock: Arc<dyn Clock>,
    origin: Instant,
    started: Duration,
}

impl PortTimer {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        let started = clock.monotonic();
        Self {
            clock,
            origin: TokioTimer::new().now(),
            started,
        }
    }
}

impl Timer for PortTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        Box::pin(PortSleep(Mutex::new(self.clock.sleep(duration))))
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        self.sleep(deadline.saturating_duration_since(self.now()))
    }

    fn now(&self) -> Instant {
        self.origin + self.clock.monotonic().saturating_sub(self.started)
    }
}

/// Hyper wants its sleeps `Sync`; polling goes through `&mut`, so the lock is never waited for.
struct PortSleep(Mutex<BoxFuture<'static, ()>>);

impl Future for PortSleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let sleep = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        sleep.as_mut().poll(cx)
    }
}

impl Sleep for PortSleep {}

/// Runs hyper's own tasks (HTTP/2 streams).
#[derive(Clone)]
pub(super) struct PortExecutor(pub(super) Arc<dyn Spawn>);

impl<F> Executor<F> for PortExecutor
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, future: F) {
        let _runs_on = self.0.task("http2-stream", Box::pin(future));
    }
}
