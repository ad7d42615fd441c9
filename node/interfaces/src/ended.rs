//! How an adapter tells whoever supervises it that it no longer does its work.

use std::fmt;
use std::future::Future;

use mmsc_ports::BoxFuture;
use tokio::sync::watch;

/// What of an adapter ended although it was meant to run for as long as the adapter does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// What it was, for the operator.
    pub what: String,
    /// How it ended.
    pub how: HowEnded,
}

/// How something ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HowEnded {
    /// It gave up, or was cancelled.
    Returned,
    /// It met a bug.
    Panicked,
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let how = match self.how {
            HowEnded::Returned => "ended",
            HowEnded::Panicked => "panicked",
        };
        write!(f, "{} {how}", self.what)
    }
}

/// Knows when one of the futures that are tied to it ends, in whatever way.
#[derive(Debug, Default)]
pub(crate) struct Lifelines(watch::Sender<Option<Ended>>);

/// Breaks when it is dropped, which a future cannot keep from happening to what it owns.
struct Lifeline {
    what: String,
    first: watch::Sender<Option<Ended>>,
}

impl Lifelines {
    /// The same future, which is called `what`, tied.
    pub(crate) fn tie(
        &self,
        what: impl Into<String>,
        future: impl Future<Output = ()> + Send + 'static,
    ) -> BoxFuture<'static, ()> {
        let lifeline = Lifeline {
            what: what.into(),
            first: self.0.clone(),
        };
        Box::pin(async move {
            future.await;
            drop(lifeline);
        })
    }

    /// Completes with the first end; never if nothing is tied.
    pub(crate) fn ended(&self) -> BoxFuture<'static, Ended> {
        let mut first = self.0.subscribe();
        Box::pin(async move {
            let told = first.wait_for(Option::is_some).await.map(|ended| ended.clone());
            match told {
                Ok(Some(ended)) => ended,
                Ok(None) | Err(_) => std::future::pending().await,
            }
        })
    }
}

impl Drop for Lifeline {
    fn drop(&mut self) {
        let how = if std::thread::panicking() {
            HowEnded::Panicked
        } else {
            HowEnded::Returned
        };
        let what = std::mem::take(&mut self.what);
        self.first.send_if_modified(|first| {
            let is_first = first.is_none();
            if is_first {
                *first = Some(Ended { what, how });
            }
            is_first
        });
    }
}

#[cfg(test)]
mod tests {
    use mmsc_ports::Ports;

    use super::*;
    use crate::testing::PATIENCE;

    async fn ended(lifelines: &Lifelines) -> Ended {
        tokio::time::timeout(PATIENCE, lifelines.ended()).await.unwrap()
    }

    #[tokio::test]
    async fn every_way_to_end_is_noticed() {
        let spawn = Ports::real().spawn;
        for (future, how) in [
            (
                Box::pin(std::future::ready(())) as BoxFuture<'static, ()>,
                HowEnded::Returned,
            ),
            (Box::pin(async { panic!("on purpose") }), HowEnded::Panicked),
        ] {
            let lifelines = Lifelines::default();
            spawn.task("test", lifelines.tie("the link", future)).join().await;
            let what = "the link".to_owned();
            assert_eq!(ended(&lifelines).await, Ended { what, how });
        }
        // Cancelled, also before it began.
        let lifelines = Lifelines::default();
        let task = spawn.task("test", lifelines.tie("it", std::future::pending()));
        task.abort();
        assert_eq!(ended(&lifelines).await.to_string(), "it ended");
    }

    #[tokio::test]
    async fn the_first_end_counts() {
        let lifelines = Lifelines::default();
        let second = lifelines.tie("second", std::future::pending());
        drop(lifelines.tie("first", std::future::pending()));
        drop(second);
        assert_eq!(ended(&lifelines).await.what, "first");
    }
}
