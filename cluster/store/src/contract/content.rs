//! Content and its holders.

use bytes::Bytes;

use super::{UnderTest, begin, too_large};
use crate::content::{ContentId, Holder, Staged};
use crate::error::StoreError;

const ALL: std::ops::Range<u64> = 0..u64::MAX;

fn holder(name: &'static str) -> Holder {
    Holder(Bytes::from_static(name.as_bytes()))
}

fn body() -> Bytes {
    (0..30_000u32).flat_map(u32::to_be_bytes).collect::<Vec<u8>>().into()
}

async fn stage(engine: &UnderTest) -> Staged {
    engine.stage(body()).await.unwrap()
}

async fn adopt(engine: &UnderTest, names: &[&'static str]) -> ContentId {
    let staged = stage(engine).await;
    let open = begin(engine).await;
    for name in names {
        open.txn.adopt(staged.clone(), holder(name));
    }
    open.commits().await;
    staged.id
}

async fn release(engine: &UnderTest, id: ContentId, name: &'static str) {
    let open = begin(engine).await;
    open.txn.release(id, holder(name)).await.unwrap();
    open.commits().await;
}

async fn is_gone(engine: &UnderTest, id: ContentId) {
    assert_eq!(engine.content(id, ALL).await, Err(StoreError::NoContent(id)));
}

/// It goes with its last holder, not before.
pub async fn content_lives_as_long_as_a_holder(engine: &UnderTest) {
    let id = adopt(engine, &["a"]).await;
    let open = begin(engine).await;
    open.txn.hold(id, holder("b")).await.unwrap();
    open.commits().await;
    release(engine, id, "nobody").await;
    release(engine, id, "a").await;
    assert_eq!(engine.content(id, ALL).await.unwrap(), body());
    release(engine, id, "b").await;
    is_gone(engine, id).await;
    release(engine, id, "b").await;
}

/// Parts, beyond the end too.
pub async fn content_is_read_in_parts(engine: &UnderTest) {
    let id = adopt(engine, &["a"]).await;
    let len = body().len() as u64;
    let expected = |range: std::ops::Range<usize>| body().slice(range);
    assert_eq!(engine.content(id, 0..10).await.unwrap(), expected(0..10));
    assert_eq!(
        engine.content(id, 65_530..65_550).await.unwrap(),
        expected(65_530..65_550)
    );
    assert_eq!(
        engine.content(id, len - 1..len + 5).await.unwrap(),
        expected(body().len() - 1..body().len())
    );
    assert!(engine.content(id, len..len + 1).await.unwrap().is_empty());
}

/// Staging alone makes nothing.
pub async fn content_that_nobody_adopted_does_not_exist(engine: &UnderTest) {
    let staged = stage(engine).await;
    assert_eq!((staged.len, staged.octets.len()), (120_000, 120_000));
    is_gone(engine, staged.id).await;
}

/// The same staged content in two transactions has two holders and stands once.
pub async fn content_adopted_twice_is_stored_once(engine: &UnderTest) {
    let staged = stage(engine).await;
    for name in ["a", "b"] {
        let open = begin(engine).await;
        open.txn.adopt(staged.clone(), holder(name));
        open.commits().await;
    }
    release(engine, staged.id, "a").await;
    assert_eq!(engine.content(staged.id, ALL).await.unwrap(), body());
    release(engine, staged.id, "b").await;
    is_gone(engine, staged.id).await;
}

/// A transaction that is not committed adopts nothing.
pub async fn an_aborted_adoption_leaves_nothing(engine: &UnderTest) {
    let staged = stage(engine).await;
    let open = begin(engine).await;
    open.txn.adopt(staged.clone(), holder("a"));
    drop(open);
    is_gone(engine, staged.id).await;
}

/// Whoever joins while the last one leaves: one of the two runs again.
pub async fn a_new_holder_conflicts_with_the_last_one_leaving(engine: &UnderTest) {
    let id = adopt(engine, &["a"]).await;
    let (joining, leaving) = (begin(engine).await, begin(engine).await);
    joining.txn.hold(id, holder("b")).await.unwrap();
    leaving.txn.release(id, holder("a")).await.unwrap();
    joining.commits().await;
    leaving.conflicts().await;
    assert_eq!(engine.content(id, ALL).await.unwrap(), body());

    let (joining, leaving) = (begin(engine).await, begin(engine).await);
    joining.txn.hold(id, holder("c")).await.unwrap();
    leaving.txn.release(id, holder("a")).await.unwrap();
    leaving.txn.release(id, holder("b")).await.unwrap();
    leaving.commits().await;
    joining.conflicts().await;
    is_gone(engine, id).await;
}

/// Two that each believe the other stays.
pub async fn two_last_holders_leaving_leave_nothing(engine: &UnderTest) {
    let id = adopt(engine, &["a", "b"]).await;
    let (first, second) = (begin(engine).await, begin(engine).await);
    first.txn.release(id, holder("a")).await.unwrap();
    second.txn.release(id, holder("b")).await.unwrap();
    first.commits().await;
    second.conflicts().await;
    release(engine, id, "b").await;
    is_gone(engine, id).await;
}

/// One cannot hold what is not there.
pub async fn holders_of_content_that_is_gone_are_refused(engine: &UnderTest) {
    let id = adopt(engine, &["a"]).await;
    release(engine, id, "a").await;
    let open = begin(engine).await;
    assert_eq!(open.txn.hold(id, holder("b")).await, Err(StoreError::NoContent(id)));
}

/// Holders are small.
pub async fn holders_have_a_limit(engine: &UnderTest) {
    let staged = stage(engine).await;
    let open = begin(engine).await;
    open.txn.adopt(staged, Holder(vec![0; 65].into()));
    too_large(open.commit().await);
}

/// No octets are content, too.
pub async fn empty_content_is_content(engine: &UnderTest) {
    let staged = engine.stage(Bytes::new()).await.unwrap();
    let open = begin(engine).await;
    open.txn.adopt(staged.clone(), holder("a"));
    open.commits().await;
    assert_eq!(engine.content(staged.id, ALL).await.unwrap(), Bytes::new());
    release(engine, staged.id, "a").await;
    is_gone(engine, staged.id).await;
}

/// In one transaction, whatever the order, the last word counts.
pub async fn adopting_and_releasing_in_one_transaction_leaves_nothing(engine: &UnderTest) {
    let staged = stage(engine).await;
    let open = begin(engine).await;
    open.txn.adopt(staged.clone(), holder("a"));
    open.txn.hold(staged.id, holder("b")).await.unwrap();
    open.txn.release(staged.id, holder("a")).await.unwrap();
    open.txn.release(staged.id, holder("b")).await.unwrap();
    assert!(open.txn.hold(staged.id, holder("c")).await.is_err());
    open.commits().await;
    is_gone(engine, staged.id).await;
}
