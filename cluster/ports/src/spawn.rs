//! Tasks on the runtime and workers on threads of their own.

use std::future::Future;
use std::pin::Pin;

/// A boxed future that may move between threads.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Starts tasks and workers.
pub trait Spawn: Send + Sync + 'static {
    /// Runs `future` beside the caller. Dropping the [`Task`] leaves it running.
    fn task(&self, name: &'static str, future: BoxFuture<'static, ()>) -> Task;
    /// Runs blocking `work` on a thread of its own (a task in the simulator).
    fn worker(&self, name: &'static str, work: Box<dyn FnOnce() + Send + 'static>) -> Worker;
}

/// A running task.
pub struct Task(Option<tokio::task::JoinHandle<()>>);

impl Task {
    /// Wraps a tokio task.
    #[must_use]
    pub fn new(handle: tokio::task::JoinHandle<()>) -> Self {
        Self(Some(handle))
    }

    /// Ends the task at its next await.
    pub fn abort(&self) {
        if let Some(handle) = &self.0 {
            handle.abort();
        }
    }

    /// Waits for its end; a panic inside counts as ended.
    pub async fn join(mut self) {
        if let Some(handle) = self.0.take() {
            let _ended = handle.await;
        }
    }
}

/// A running worker thread.
pub struct Worker(Option<std::thread::JoinHandle<()>>);

impl Worker {
    /// Wraps a thread.
    #[must_use]
    pub fn new(handle: std::thread::JoinHandle<()>) -> Self {
        Self(Some(handle))
    }

    /// A worker that the simulator runs as a task: nothing to wait for.
    #[must_use]
    pub fn detached() -> Self {
        Self(None)
    }

    /// Waits for its end.
    pub fn join(mut self) {
        if let Some(handle) = self.0.take() {
            let _ended = handle.join();
        }
    }
}

/// Tokio tasks and operating-system threads.
pub struct RealSpawn(tokio::runtime::Handle);

impl RealSpawn {
    /// On the runtime that the caller runs in.
    #[must_use]
    pub fn current() -> Self {
        Self(tokio::runtime::Handle::current())
    }
}

impl Spawn for RealSpawn {
    fn task(&self, _name: &'static str, future: BoxFuture<'static, ()>) -> Task {
        Task::new(self.0.spawn(future))
    }

    fn worker(&self, name: &'static str, work: Box<dyn FnOnce() + Send + 'static>) -> Worker {
        match std::thread::Builder::new().name(name.to_owned()).spawn(work) {
            Ok(handle) => Worker::new(handle),
            Err(error) => {
                tracing::error!(%error, name, "no thread could be started; stopping");
                std::process::abort();
            }
        }
    }
}
