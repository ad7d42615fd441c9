//! What every engine has to do, as tests over any [`Engine`](crate::Engine). An engine runs them with
//! [`contract_tests!`](crate::contract_tests), naming a function that gives a fresh, empty store.
//!
//! A test panics where the contract is broken.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests, for use by several crates' tests"
)]

mod conflicts;
mod content;
mod reads;

use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;

use crate::engine::{Attempt, CommitFailure, CommitVersion, Engine, OperationId};
use crate::error::StoreError;
use crate::txn::Txn;

pub use conflicts::*;
pub use content::*;
pub use reads::*;

/// An engine under test.
pub type UnderTest = Arc<dyn Engine>;

/// A transaction that the test drives by hand.
pub(crate) struct Open {
    attempt: Box<dyn Attempt>,
    pub(crate) txn: Txn,
}

pub(crate) async fn begin(engine: &UnderTest) -> Open {
    let attempt = engine.begin(operation(), 0).await.unwrap();
    let txn = Txn(attempt.backend());
    Open { attempt, txn }
}

impl Open {
    pub(crate) async fn commit(self) -> Result<CommitVersion, CommitFailure> {
        self.attempt.commit().await
    }

    pub(crate) async fn commits(self) -> CommitVersion {
        self.commit().await.unwrap()
    }

    pub(crate) async fn conflicts(self) {
        assert_eq!(self.commit().await, Err(CommitFailure::Conflict));
    }
}

/// A new id for each call.
pub(crate) fn operation() -> OperationId {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let mut id = [0; 16];
    let n = NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes();
    id.iter_mut().zip(n).for_each(|(to, from)| *to = from);
    OperationId(id)
}

/// Commits `body` in a transaction of its own.
pub(crate) async fn write<F, Fut>(engine: &UnderTest, body: F) -> CommitVersion
where
    F: FnOnce(Txn) -> Fut,
    Fut: Future<Output = ()>,
{
    let open = begin(engine).await;
    body(open.txn.clone()).await;
    open.commits().await
}

/// Sets each key to its value in one transaction.
pub(crate) async fn set(engine: &UnderTest, rows: &[(&'static str, &'static str)]) -> CommitVersion {
    let open = begin(engine).await;
    for (key, value) in rows {
        open.txn.set(key_of(key), *value);
    }
    open.commits().await
}

/// Keys of the suite stand in a space of the callers.
pub(crate) fn key_of(name: &str) -> Bytes {
    Bytes::from([&[0x70, 0, 0], name.as_bytes()].concat())
}

pub(crate) async fn get(engine: &UnderTest, name: &str) -> Option<Bytes> {
    begin(engine).await.txn.get(key_of(name)).await.unwrap()
}

pub(crate) fn too_large(result: Result<CommitVersion, CommitFailure>) {
    assert!(
        matches!(result, Err(CommitFailure::Store(StoreError::TooLarge { .. }))),
        "{result:?}"
    );
}

/// Makes one `#[tokio::test]` of each test of the suite. `$fresh` is a path to an `async fn() -> T` where `T` has a field
/// `engine: Arc<dyn Engine>` and may keep whatever the engine needs alive.
#[macro_export]
macro_rules! contract_tests {
    ($fresh:path) => {
        $crate::contract_tests!($fresh;
            own_writes_are_seen, ranges_are_read_in_both_directions, cleared_ranges_are_empty,
            a_snapshot_does_not_move, an_aborted_transaction_leaves_nothing, a_commit_is_seen_by_the_next_transaction,
            values_and_keys_have_limits, a_transaction_has_a_limit, a_watch_fires_at_a_write,
            a_watch_completes_at_once_when_the_value_differs, due_entries_come_earliest_first,
            versions_rise_with_commits,
            a_read_conflicts_with_a_newer_write, a_range_read_conflicts_with_a_newer_row_in_it,
            a_limited_range_read_conflicts_only_as_far_as_it_went, a_read_of_nothing_conflicts_with_an_insert,
            blind_writes_do_not_conflict, read_only_transactions_do_not_conflict, snapshot_reads_do_not_conflict,
            conflicts_can_be_added, clearing_a_range_conflicts_with_readers_inside, atomic_adds_do_not_conflict,
            an_added_counter_is_read_with_conflict, stamped_keys_stand_in_commit_order, no_write_skew,
            concurrent_increments_lose_nothing, transfers_keep_the_sum,
            content_lives_as_long_as_a_holder, content_is_read_in_parts, content_that_nobody_adopted_does_not_exist,
            content_adopted_twice_is_stored_once, an_aborted_adoption_leaves_nothing,
            a_new_holder_conflicts_with_the_last_one_leaving, two_last_holders_leaving_leave_nothing,
            holders_of_content_that_is_gone_are_refused, holders_have_a_limit, empty_content_is_content,
            adopting_and_releasing_in_one_transaction_leaves_nothing,
        );
    };
    ($fresh:path; $($test:ident),* $(,)?) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                let fresh = $fresh().await;
                $crate::contract::$test(&fresh.engine).await;
                fresh.engine.close().await;
            }
        )*
    };
}
