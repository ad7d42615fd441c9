//! Reading, writing, limits, watching, the due layer.

use bytes::Bytes;
use mmsc_ports::UnixMillis;

use super::{UnderTest, begin, get, key_of, set, too_large, write};
use crate::key::KeyRange;
use crate::layers::due::{self, Due};
use crate::txn::{RangeOptions, Txn};

fn all() -> KeyRange {
    KeyRange::prefix(&key_of(""))
}

async fn names(txn: &Txn, options: RangeOptions) -> Vec<String> {
    let rows = txn.range(&all(), options).await.unwrap();
    rows.iter()
        .map(|(key, _)| String::from_utf8_lossy(key.get(3..).unwrap()).into_owned())
        .collect()
}

fn limited(limit: usize, reverse: bool) -> RangeOptions {
    RangeOptions {
        limit,
        reverse,
        snapshot: false,
    }
}

/// A transaction reads what it wrote, and nobody else does before the commit.
pub async fn own_writes_are_seen(engine: &UnderTest) {
    set(engine, &[("a", "1"), ("c", "3")]).await;
    let open = begin(engine).await;
    open.txn.set(key_of("b"), "2");
    open.txn.clear(key_of("c"));
    open.txn.set(key_of("a"), "one");
    open.txn.atomic_add(key_of("n"), 5);
    assert_eq!(open.txn.get(key_of("a")).await.unwrap().unwrap(), "one");
    assert_eq!(open.txn.get(key_of("b")).await.unwrap().unwrap(), "2");
    assert_eq!(open.txn.get(key_of("c")).await.unwrap(), None);
    assert_eq!(
        open.txn.get(key_of("n")).await.unwrap().unwrap().as_ref(),
        5i64.to_le_bytes()
    );
    assert_eq!(names(&open.txn, RangeOptions::default()).await, ["a", "b", "n"]);
    assert_eq!(get(engine, "b").await, None);
    assert_eq!(get(engine, "a").await.unwrap(), "1");
    open.commits().await;
    assert_eq!(get(engine, "a").await.unwrap(), "one");
    assert_eq!(get(engine, "c").await, None);
}

/// Order, reverse order and limit, over stored rows and own writes alike.
pub async fn ranges_are_read_in_both_directions(engine: &UnderTest) {
    set(engine, &[("a", ""), ("c", ""), ("e", "")]).await;
    let open = begin(engine).await;
    assert_eq!(names(&open.txn, limited(2, false)).await, ["a", "c"]);
    assert_eq!(names(&open.txn, limited(2, true)).await, ["e", "c"]);
    open.txn.set(key_of("b"), "");
    open.txn.clear(key_of("e"));
    open.txn.set(key_of("d"), "");
    assert_eq!(names(&open.txn, limited(9, false)).await, ["a", "b", "c", "d"]);
    assert_eq!(names(&open.txn, limited(2, true)).await, ["d", "c"]);
    assert_eq!(names(&open.txn, limited(0, false)).await, Vec::<String>::new());
    let inside = KeyRange::new(key_of("b"), key_of("d"));
    let rows = open.txn.range(&inside, RangeOptions::default()).await.unwrap();
    assert_eq!(rows.len(), 2, "the end is not included");
    let backwards = KeyRange::new(key_of("d"), key_of("b"));
    assert!(
        open.txn
            .range(&backwards, RangeOptions::default())
            .await
            .unwrap()
            .is_empty()
    );
}

/// A cleared range is empty at once, except for what is written after it.
pub async fn cleared_ranges_are_empty(engine: &UnderTest) {
    set(engine, &[("a", ""), ("b", ""), ("c", ""), ("d", "")]).await;
    let open = begin(engine).await;
    open.txn.set(key_of("bb"), "");
    open.txn.clear_range(KeyRange::new(key_of("b"), key_of("d")));
    open.txn.set(key_of("c"), "new");
    assert_eq!(names(&open.txn, RangeOptions::default()).await, ["a", "c", "d"]);
    assert_eq!(open.txn.get(key_of("bb")).await.unwrap(), None);
    open.commits().await;
    assert_eq!(
        names(&begin(engine).await.txn, RangeOptions::default()).await,
        ["a", "c", "d"]
    );
    assert_eq!(get(engine, "c").await.unwrap(), "new");
}

/// A transaction goes on reading the state that it began with.
pub async fn a_snapshot_does_not_move(engine: &UnderTest) {
    set(engine, &[("a", "1"), ("b", "1")]).await;
    let open = begin(engine).await;
    assert_eq!(open.txn.get(key_of("a")).await.unwrap().unwrap(), "1");
    set(engine, &[("a", "2"), ("b", "2"), ("c", "2")]).await;
    assert_eq!(open.txn.get_snapshot(key_of("b")).await.unwrap().unwrap(), "1");
    assert_eq!(names(&open.txn, RangeOptions::default()).await, ["a", "b"]);
}

/// What was not committed is nowhere.
pub async fn an_aborted_transaction_leaves_nothing(engine: &UnderTest) {
    let open = begin(engine).await;
    open.txn.set(key_of("a"), "1");
    drop(open);
    assert_eq!(get(engine, "a").await, None);
}

/// A transaction that begins after an acknowledgement sees it.
pub async fn a_commit_is_seen_by_the_next_transaction(engine: &UnderTest) {
    for round in 0..50u32 {
        write(engine, |txn| async move {
            txn.set(key_of("a"), round.to_be_bytes().to_vec())
        })
        .await;
        assert_eq!(get(engine, "a").await.unwrap().as_ref(), round.to_be_bytes());
    }
}

/// Later commits do not have lower versions, and a read-only one has that of what it read.
pub async fn versions_rise_with_commits(engine: &UnderTest) {
    let mut last = set(engine, &[("a", "")]).await;
    for _ in 0..20 {
        let next = set(engine, &[("a", "")]).await;
        assert!(next > last, "{next:?} after {last:?}");
        last = next;
    }
    let open = begin(engine).await;
    open.txn.get(key_of("a")).await.unwrap();
    assert!(open.commits().await >= last);
}

/// FoundationDB's limits on one key and one value.
pub async fn values_and_keys_have_limits(engine: &UnderTest) {
    let value = |len: usize| Bytes::from(vec![1; len]);
    let long_key = |len: usize| Bytes::from([&[0x70, 0, 0][..], &vec![b'k'; len - 3]].concat());
    write(engine, |txn| async move { txn.set(key_of("v"), value(100_000)) }).await;
    assert_eq!(get(engine, "v").await.unwrap().len(), 100_000);
    let open = begin(engine).await;
    open.txn.set(key_of("v"), value(100_001));
    too_large(open.commit().await);
    write(engine, |txn| async move { txn.set(long_key(9_900), "") }).await;
    let open = begin(engine).await;
    open.txn.set(long_key(10_001), "");
    too_large(open.commit().await);
    assert!(begin(engine).await.txn.get(long_key(10_001)).await.is_err());
}

/// FoundationDB's limit on one transaction.
pub async fn a_transaction_has_a_limit(engine: &UnderTest) {
    let fill = |rows: u32| {
        move |txn: Txn| async move {
            for row in 0..rows {
                txn.set(key_of(&format!("{row}")), vec![0; 90_000]);
            }
        }
    };
    write(engine, fill(15)).await;
    let open = begin(engine).await;
    fill(120)(open.txn.clone()).await;
    too_large(open.commit().await);
    assert_eq!(get(engine, "119").await, None);
}

/// A watch completes once the value is another.
pub async fn a_watch_fires_at_a_write(engine: &UnderTest) {
    set(engine, &[("a", "1"), ("b", "1")]).await;
    let one = Some(Bytes::from_static(b"1"));
    let mut watch = engine.watch(key_of("a"), one.clone());
    let gone = engine.watch(key_of("b"), one);
    let waits = std::future::poll_fn(|context| std::task::Poll::Ready(watch.as_mut().poll(context).is_pending())).await;
    assert!(waits, "nothing has changed yet");
    set(engine, &[("c", "1"), ("a", "1")]).await;
    set(engine, &[("a", "2")]).await;
    watch.await.unwrap();
    write(
        engine,
        |txn| async move { txn.clear_range(KeyRange::prefix(&key_of(""))) },
    )
    .await;
    gone.await.unwrap();
}

/// No change between the read and the watch is missed.
pub async fn a_watch_completes_at_once_when_the_value_differs(engine: &UnderTest) {
    set(engine, &[("a", "1")]).await;
    engine.watch(key_of("a"), None).await.unwrap();
    engine.watch(key_of("b"), Some("1".into())).await.unwrap();
}

/// The due layer: earliest first, up to now, within one shard, whatever the entities are called.
pub async fn due_entries_come_earliest_first(engine: &UnderTest) {
    let at = |millis: u64, entity: &'static str| Due::new(UnixMillis(millis), entity);
    let entries = [
        at(300, "a"),
        at(100, "b"),
        at(200, "a").with_item("x"),
        at(200, "a").with_item("y"),
    ];
    write(engine, |txn| async move {
        for entry in &entries {
            due::set(&txn, 7, entry);
        }
        due::set(&txn, 8, &at(1, "other shard"));
    })
    .await;
    let open = begin(engine).await;
    let head = due::head(&open.txn, 7, UnixMillis(299), 10).await.unwrap();
    let expected = [at(100, "b"), at(200, "a").with_item("x"), at(200, "a").with_item("y")];
    assert_eq!(head, expected);
    assert_eq!(due::head(&open.txn, 7, UnixMillis(300), 10).await.unwrap().len(), 4);
    assert_eq!(
        due::head(&open.txn, 7, UnixMillis(300), 1).await.unwrap(),
        [at(100, "b")]
    );
    assert_eq!(due::earliest(&open.txn, 7).await.unwrap(), Some(UnixMillis(100)));
    assert_eq!(due::earliest(&open.txn, 9).await.unwrap(), None);
    assert!(due::stands(&open.txn, 7, &at(100, "b")).await.unwrap());
    due::clear(&open.txn, 7, &at(100, "b"));
    assert!(!due::stands(&open.txn, 7, &at(100, "b")).await.unwrap());
    open.commits().await;
    assert_eq!(
        due::earliest(&begin(engine).await.txn, 7).await.unwrap(),
        Some(UnixMillis(200))
    );
}
