//! Who conflicts with whom: FoundationDB's rules.

use std::sync::Arc;

use bytes::Bytes;

use super::{UnderTest, begin, get, key_of, operation, set, write};
use crate::engine::Store;
use crate::error::StoreError;
use crate::key::KeyRange;
use crate::txn::RangeOptions;

fn between(start: &str, end: &str) -> KeyRange {
    KeyRange::new(key_of(start), key_of(end))
}

/// A key that was read and written by somebody else meanwhile.
pub async fn a_read_conflicts_with_a_newer_write(engine: &UnderTest) {
    set(engine, &[("a", "1")]).await;
    let open = begin(engine).await;
    open.txn.get(key_of("a")).await.unwrap();
    open.txn.set(key_of("b"), "mine");
    set(engine, &[("a", "2")]).await;
    open.conflicts().await;
    assert_eq!(get(engine, "b").await, None);
    let again = begin(engine).await;
    again.txn.get(key_of("a")).await.unwrap();
    again.txn.set(key_of("b"), "mine");
    set(engine, &[("c", "elsewhere")]).await;
    again.commits().await;
}

/// A phantom: a row that appears in a range that was read.
pub async fn a_range_read_conflicts_with_a_newer_row_in_it(engine: &UnderTest) {
    set(engine, &[("a", ""), ("z", "")]).await;
    for (written, conflicts) in [("m", true), ("b", true), ("n", false)] {
        let open = begin(engine).await;
        open.txn
            .range(&between("b", "n"), RangeOptions::default())
            .await
            .unwrap();
        open.txn.set(key_of("mine"), "");
        set(engine, &[(written, "")]).await;
        if conflicts {
            open.conflicts().await;
        } else {
            open.commits().await;
        }
    }
}

/// Rows beyond the last one that a limit let through were not read.
pub async fn a_limited_range_read_conflicts_only_as_far_as_it_went(engine: &UnderTest) {
    set(engine, &[("b", ""), ("d", ""), ("f", "")]).await;
    for (reverse, written, conflicts) in [
        (false, "c", true),
        (false, "e", false),
        (true, "e", true),
        (true, "c", false),
        (false, "d", true),
    ] {
        let open = begin(engine).await;
        let options = RangeOptions {
            limit: 2,
            reverse,
            snapshot: false,
        };
        open.txn.range(&between("a", "z"), options).await.unwrap();
        open.txn.set(key_of("zz"), "");
        set(engine, &[(written, "new")]).await;
        if conflicts {
            open.conflicts().await;
        } else {
            open.commits().await;
        }
        write(engine, |txn| async move {
            for extra in ["c", "e"] {
                txn.clear(key_of(extra));
            }
        })
        .await;
    }
}

/// That a key is absent is something read, too.
pub async fn a_read_of_nothing_conflicts_with_an_insert(engine: &UnderTest) {
    let open = begin(engine).await;
    assert_eq!(open.txn.get(key_of("a")).await.unwrap(), None);
    open.txn.set(key_of("a"), "mine");
    set(engine, &[("a", "theirs")]).await;
    open.conflicts().await;
    assert_eq!(get(engine, "a").await.unwrap(), "theirs");
}

/// Two writers of one key that did not read it: the later one wins.
pub async fn blind_writes_do_not_conflict(engine: &UnderTest) {
    let (first, second) = (begin(engine).await, begin(engine).await);
    first.txn.set(key_of("a"), "first");
    second.txn.set(key_of("a"), "second");
    first.commits().await;
    second.commits().await;
    assert_eq!(get(engine, "a").await.unwrap(), "second");
}

/// A transaction without writes is served at the state it read.
pub async fn read_only_transactions_do_not_conflict(engine: &UnderTest) {
    set(engine, &[("a", "1")]).await;
    let open = begin(engine).await;
    open.txn.get(key_of("a")).await.unwrap();
    set(engine, &[("a", "2")]).await;
    open.commits().await;
}

/// Snapshot reads, of keys and ranges.
pub async fn snapshot_reads_do_not_conflict(engine: &UnderTest) {
    set(engine, &[("a", "1")]).await;
    let open = begin(engine).await;
    open.txn.get_snapshot(key_of("a")).await.unwrap();
    let options = RangeOptions {
        snapshot: true,
        ..RangeOptions::default()
    };
    open.txn.range(&between("a", "c"), options).await.unwrap();
    open.txn.set(key_of("mine"), "");
    set(engine, &[("a", "2"), ("b", "2")]).await;
    open.commits().await;
}

/// Conflicts without a read, and without a write.
pub async fn conflicts_can_be_added(engine: &UnderTest) {
    let open = begin(engine).await;
    open.txn.add_read_conflict(KeyRange::single(&key_of("a")));
    open.txn.set(key_of("mine"), "");
    set(engine, &[("a", "2")]).await;
    open.conflicts().await;

    let reader = begin(engine).await;
    reader.txn.get(key_of("a")).await.unwrap();
    reader.txn.set(key_of("mine"), "");
    write(engine, |txn| async move { txn.add_write_conflict(between("a", "b")) }).await;
    reader.conflicts().await;
}

/// A range that is cleared is written, all of it.
pub async fn clearing_a_range_conflicts_with_readers_inside(engine: &UnderTest) {
    set(engine, &[("b", "")]).await;
    for (read, conflicts) in [("b", true), ("c", true), ("d", false)] {
        let open = begin(engine).await;
        open.txn.get(key_of(read)).await.unwrap();
        open.txn.set(key_of("mine"), "");
        write(engine, |txn| async move { txn.clear_range(between("b", "d")) }).await;
        if conflicts {
            open.conflicts().await;
        } else {
            open.commits().await;
        }
    }
}

/// Two adders of one counter.
pub async fn atomic_adds_do_not_conflict(engine: &UnderTest) {
    let (first, second) = (begin(engine).await, begin(engine).await);
    first.txn.atomic_add(key_of("n"), 3);
    second.txn.atomic_add(key_of("n"), -1);
    first.commits().await;
    second.commits().await;
    assert_eq!(get(engine, "n").await.unwrap().as_ref(), 2i64.to_le_bytes());
}

/// Adding is blind, reading what was added to is not.
pub async fn an_added_counter_is_read_with_conflict(engine: &UnderTest) {
    let open = begin(engine).await;
    open.txn.atomic_add(key_of("n"), 1);
    assert_eq!(
        open.txn.get(key_of("n")).await.unwrap().unwrap().as_ref(),
        1i64.to_le_bytes()
    );
    write(engine, |txn| async move { txn.atomic_add(key_of("n"), 1) }).await;
    open.conflicts().await;
}

/// Stamped keys: in the order of the commits, none twice, without conflict.
pub async fn stamped_keys_stand_in_commit_order(engine: &UnderTest) {
    let opened = [begin(engine).await, begin(engine).await, begin(engine).await];
    for (n, open) in opened.into_iter().enumerate() {
        open.txn.set_stamped(key_of("log"), "!", format!("{n}"));
        open.commits().await;
    }
    let open = begin(engine).await;
    let rows = open
        .txn
        .range(&KeyRange::prefix(&key_of("log")), RangeOptions::default())
        .await
        .unwrap();
    let values: Vec<Bytes> = rows.iter().map(|(_, value)| value.clone()).collect();
    assert_eq!(values, ["0", "1", "2"]);
    for (key, _) in &rows {
        assert_eq!(key.len(), key_of("log").len() + 10 + 1);
        assert!(key.ends_with(b"!"));
    }
    open.txn.set(key_of("mine"), "");
    write(engine, |txn| async move { txn.set_stamped(key_of("log"), "", "3") }).await;
    open.conflicts().await;
}

/// Two transactions that each read what the other writes.
pub async fn no_write_skew(engine: &UnderTest) {
    set(engine, &[("a", "1"), ("b", "1")]).await;
    let (first, second) = (begin(engine).await, begin(engine).await);
    first.txn.get(key_of("a")).await.unwrap();
    first.txn.set(key_of("b"), "0");
    second.txn.get(key_of("b")).await.unwrap();
    second.txn.set(key_of("a"), "0");
    first.commits().await;
    second.conflicts().await;
}

/// Read, add one, write: by many at once, through the retry loop.
pub async fn concurrent_increments_lose_nothing(engine: &UnderTest) {
    let store = Store::new(Arc::clone(engine));
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..6 {
        let store = store.clone();
        tasks.spawn(async move {
            for _ in 0..15 {
                let increment = store.transact(operation(), |txn| async move {
                    let value = txn.get(key_of("n")).await?.map_or(0, |value| value.len());
                    txn.set(key_of("n"), vec![b'+'; value + 1]);
                    Ok::<_, StoreError>(())
                });
                let _committed = increment.await.unwrap();
            }
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap();
    }
    assert_eq!(get(engine, "n").await.unwrap().len(), 90);
}

/// Money moved between accounts while others add it all up.
pub async fn transfers_keep_the_sum(engine: &UnderTest) {
    const ACCOUNTS: u64 = 10;
    let account = |n: u64| key_of(&format!("account {n}"));
    write(engine, |txn| async move {
        for n in 0..ACCOUNTS {
            txn.set(account(n), vec![100]);
        }
    })
    .await;
    let store = Store::new(Arc::clone(engine));
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..4u64 {
        let store = store.clone();
        tasks.spawn(async move {
            for round in 0..15u64 {
                let (from, to) = ((task + round) % ACCOUNTS, (task * 3 + round * 7) % ACCOUNTS);
                let transfer = store.transact(operation(), |txn| async move {
                    let mut balances = [0u8; 2];
                    for (balance, n) in balances.iter_mut().zip([from, to]) {
                        *balance = *txn.get(account(n)).await?.unwrap().first().unwrap();
                    }
                    if from != to && balances[0] > 0 && balances[1] < 255 {
                        txn.set(account(from), vec![balances[0] - 1]);
                        txn.set(account(to), vec![balances[1] + 1]);
                    }
                    Ok::<_, StoreError>(())
                });
                let _committed = transfer.await.unwrap();
                let open = begin(&store.engine()).await;
                let range = KeyRange::prefix(&key_of("account"));
                let rows = open.txn.range(&range, RangeOptions::default()).await.unwrap();
                let sum: u64 = rows.iter().map(|(_, value)| u64::from(*value.first().unwrap())).sum();
                assert_eq!(sum, 100 * ACCOUNTS);
            }
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap();
    }
}
