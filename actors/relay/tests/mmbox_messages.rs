//! Messages and network stores: what is stored with sending, forwarding and telling, and content that stays for its
//! holders (history 10).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod common;

use std::time::Duration;

use common::mmbox::*;
use common::*;
use mmsc_domain::command::{Forward, Gone, TimeWish};
use mmsc_domain::inbox::Telling;
use mmsc_domain::lifecycle::{CopyState, Final};
use mmsc_domain::mmbox::{MmBoxPolicy, MmBoxState, NotStored, StoreWish, Stored};
use mmsc_domain::record::{Recipient, RecipientKind};
use mmsc_relay::{FetchAnswer, SubmitAnswer};
use mmsc_store::StoreError;

/// History 10: the content of a message stays for the entry and the forward, and goes with the last of them.
#[tokio::test(flavor = "multi_thread")]
async fn content_stays_for_the_entry_and_goes_with_it() {
    let world = world();
    let node = world.start().await;
    let id = accept(&node, submit_to(vec![to(phone(2))], "t1")).await;
    let copy = notified(&node, 1).await;
    let entry = store(&node, phone(2), copy, flag("keep")).await.unwrap();
    assert_ne!(entry, copy);
    assert_eq!(store(&node, phone(2), copy, flag("keep")).await, Ok(entry), "a repeat");
    assert_eq!(totals(&node, phone(2)).await, (1, LEN));
    assert_eq!(state(&node, phone(2)).await, MmBoxState::New);

    // The copy goes on as it was, and the entry follows its retrieval.
    assert!(matches!(
        node.relay.fetch(copy, Some(phone(2))).await,
        FetchAnswer::Content(_)
    ));
    node.relay.handset_answer(copy, Some(phone(2)), RETRIEVED).await;
    assert_eq!(state(&node, phone(2)).await, MmBoxState::Retrieved);

    // The message goes with its retention, later with its record; the entry keeps the content.
    node.clock.move_on(Duration::from_secs(3600));
    a_while().await;
    assert!(node.relay.trace(id).await.unwrap().unwrap().progress.content_released);
    assert_eq!(stored_content(&node, phone(2), entry).await, CONTENT);
    node.clock.move_on(Duration::from_secs(30 * 86_400));
    a_while().await;
    assert_eq!(node.relay.trace(id).await.unwrap(), None);
    assert_eq!(stored_content(&node, phone(2), entry).await, CONTENT);
    // The address in the notification still means it.
    assert_eq!(stored_content(&node, phone(2), copy).await, CONTENT);
    assert_eq!(store(&node, phone(2), copy, StoreWish::default()).await, Ok(entry));

    // A forward is one more holder.
    assert!(matches!(
        node.relay.forward(forward(entry, phone(2), "f1")).await,
        SubmitAnswer::Accepted(_)
    ));
    let forwarded = notified(&node, 2).await;
    let FetchAnswer::Stored(held) = node.relay.fetch(entry, Some(phone(2))).await else {
        panic!()
    };
    assert_eq!(delete(&node, phone(2), entry).await, Ok(()));
    assert_eq!(totals(&node, phone(2)).await, (0, 0));
    assert_eq!(gone(&node, Some(phone(2)), entry).await, Gone::Unknown);
    assert_eq!(node.relay.stored_content(&held).await.unwrap(), CONTENT);
    node.relay.handset_answer(forwarded, Some(phone(4)), RETRIEVED).await;
    node.clock.move_on(Duration::from_secs(3600));
    a_while().await;
    assert!(
        matches!(node.relay.stored_content(&held).await, Err(StoreError::NoContent(_))),
        "nobody holds it any more"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_ended_otherwise_is_not_stored() {
    let world = world();
    let node = world.start().await;
    let cancelled = accept(&node, submit_to(vec![to(phone(2))], "t1")).await;
    let copy = notified(&node, 1).await;
    node.relay.cancel(cancelled).await.unwrap();
    let not_found = Err(NotStored::NotFound);
    assert_eq!(store(&node, phone(2), copy, StoreWish::default()).await, not_found);
    accept(&node, submit_to(vec![to(phone(2))], "t2")).await;
    let copy = notified(&node, 2).await;
    node.relay.handset_answer(copy, Some(phone(2)), RETRIEVED).await;
    let entry = store(&node, phone(2), copy, StoreWish::default()).await;
    assert!(
        entry.is_ok(),
        "what was fetched may be stored as long as its content is kept"
    );
    assert_eq!(state(&node, phone(2)).await, MmBoxState::Retrieved);
    // Deleted, and its content let go: a repeat has nothing to store any more.
    assert_eq!(delete(&node, phone(2), entry.unwrap()).await, Ok(()));
    node.clock.move_on(Duration::from_secs(3600));
    a_while().await;
    assert_eq!(store(&node, phone(2), copy, StoreWish::default()).await, not_found);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_is_stored_in_the_transaction_that_accepts_it() {
    let world = world();
    let node = world.start().await;
    let blind = Recipient {
        kind: RecipientKind::Bcc,
        address: phone(3),
    };
    let submit = || {
        let mut submit = submit_to(vec![to(phone(2)), blind.clone()], "t1");
        submit.store = Some(flag("work"));
        submit
    };
    let first = sent(&node, submit()).await;
    let Some(Stored::At(entry)) = first.stored else {
        panic!("{first:?}")
    };
    assert_eq!(sent(&node, submit()).await, first, "a repeat gets the same address");
    let viewed = view(&node, everything(phone(1))).await;
    assert_eq!(viewed.totals.messages, 1);
    let kept = &viewed.entries[0].entry;
    assert_eq!(
        (kept.token, kept.state, kept.mm),
        (entry, MmBoxState::Sent, Some(first.id))
    );
    assert_eq!(kept.flags, ["work"]);
    assert_eq!(kept.recipients.len(), 2, "the sender sees its blind copies");
    // The recipients end, the content goes for the message, and stays for the entry.
    node.relay.cancel(first.id).await.unwrap();
    node.clock.move_on(Duration::from_secs(3600));
    a_while().await;
    assert_eq!(stored_content(&node, phone(1), entry).await, CONTENT);
    // A state that nothing sent can have: sent all the same, and not stored.
    let mut odd = submit_to(vec![to(phone(2))], "t2");
    odd.store = Some(wish(MmBoxState::New));
    assert_eq!(sent(&node, odd).await.stored, Some(Stored::Not(NotStored::BadState)));
    assert_eq!(totals(&node, phone(1)).await.0, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_passed_on_may_be_stored_too() {
    let world = world();
    let node = world.start().await;
    let entry = upload(&node, phone(1), "u1", CONTENT).await.unwrap();
    let wish = Forward {
        store: Some(StoreWish::default()),
        ..forward(entry, phone(1), "f1")
    };
    let SubmitAnswer::Accepted(accepted) = node.relay.forward(wish).await else {
        panic!()
    };
    let Some(Stored::At(new)) = accepted.value().stored else {
        panic!("{accepted:?}")
    };
    assert_ne!(new, entry);
    assert_eq!(totals(&node, phone(1)).await, (2, 2 * LEN));
    assert_eq!(delete(&node, phone(1), entry).await, Ok(()));
    assert_eq!(stored_content(&node, phone(1), new).await, CONTENT);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_store_refuses_no_message() {
    let mut world = world();
    world.policy.mmbox = Some(MmBoxPolicy {
        max_messages: 1,
        ..MmBoxPolicy::default()
    });
    provision(&world, &phone(2), automatic()).await;
    let node = world.start().await;
    let entry = upload(&node, phone(1), "u1", CONTENT).await.unwrap();
    upload(&node, phone(2), "u1", CONTENT).await.unwrap();
    assert_eq!(upload(&node, phone(1), "u2", CONTENT).await, Err(NotStored::Full));
    let submit = |transaction: &str| {
        let mut submit = submit_to(vec![to(phone(2))], transaction);
        submit.store = Some(StoreWish::default());
        submit
    };
    let full = Some(Stored::Not(NotStored::Full));
    assert_eq!(sent(&node, submit("t1")).await.stored, full);
    let copy = notified(&node, 1).await;
    assert_eq!(
        store(&node, phone(2), copy, StoreWish::default()).await,
        Err(NotStored::Full)
    );
    let told = node.bearer.told.lock().unwrap()[0].telling.clone();
    assert!(matches!(told, Telling::Notification(it) if !it.stored));
    assert_eq!(delete(&node, phone(1), entry).await, Ok(()));
    assert_eq!(
        sent(&node, submit("t1")).await.stored,
        full,
        "a repeat gets the first answer"
    );
    assert!(matches!(sent(&node, submit("t2")).await.stored, Some(Stored::At(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn copies_are_stored_for_those_who_want_it() {
    let world = world();
    provision(&world, &phone(2), automatic()).await;
    let node = world.start().await;
    accept(&node, submit_to(vec![to(phone(2)), to(phone(3))], "t1")).await;
    eventually("both notifications", || node.bearer.notifications().len() == 2).await;
    let told: Vec<_> = node
        .bearer
        .told
        .lock()
        .unwrap()
        .iter()
        .map(|it| (it.to.clone(), it.telling.clone()))
        .collect();
    for (address, telling) in &told {
        let Telling::Notification(notification) = telling else {
            panic!()
        };
        assert_eq!(notification.stored, *address == phone(2));
    }
    assert_eq!(totals(&node, phone(3)).await, (0, 0));
    assert_eq!(state(&node, phone(2)).await, MmBoxState::New);
    let (_, token, _) = node
        .bearer
        .notifications()
        .into_iter()
        .find(|it| it.0 == phone(2))
        .unwrap();
    node.relay.handset_answer(token, Some(phone(2)), RETRIEVED).await;
    assert_eq!(state(&node, phone(2)).await, MmBoxState::Retrieved);
    // The other copy expires, then the content of the message goes.
    for _ in 0..2 {
        node.clock.move_on(Duration::from_secs(8 * 86_400));
        a_while().await;
    }
    assert_eq!(
        stored_content(&node, phone(2), token).await,
        CONTENT,
        "by its first address"
    );
    assert_eq!(
        delete(&node, phone(2), token).await,
        Ok(()),
        "by its first address as well"
    );
    assert_eq!(totals(&node, phone(2)).await, (0, 0));
}

/// Nobody sees a message before its delivery time, not in the store either.
#[tokio::test(flavor = "multi_thread")]
async fn a_deferred_message_is_stored_when_it_is_told() {
    let world = world();
    provision(&world, &phone(2), automatic()).await;
    let node = world.start().await;
    let mut later = submit_to(vec![to(phone(2))], "t1");
    later.delivery_time = Some(TimeWish::After(Duration::from_secs(3600)));
    accept(&node, later).await;
    assert_eq!(totals(&node, phone(2)).await, (0, 0));
    node.clock.move_on(Duration::from_secs(3601));
    let copy = notified(&node, 1).await;
    assert_eq!(totals(&node, phone(2)).await, (1, LEN));
    // Passing it on without fetching it moves the copy, and the entry with it.
    let SubmitAnswer::Accepted(_) = node.relay.forward(forward(copy, phone(2), "f1")).await else {
        panic!()
    };
    comes_to(&node, phone(2), MmBoxState::Forwarded).await;
}

/// Entries are there after a restart, and a copy in another end changes nothing about them.
#[tokio::test(flavor = "multi_thread")]
async fn stores_outlive_the_process() {
    let world = world();
    let node = world.start().await;
    let id = accept(&node, submit_to(vec![to(phone(2))], "t1")).await;
    let copy = notified(&node, 1).await;
    let entry = store(&node, phone(2), copy, flag("a")).await.unwrap();
    let node = world.start().await;
    node.relay.cancel(id).await.unwrap();
    let trace = node.relay.trace(id).await.unwrap().unwrap();
    assert_eq!(trace.copies[0].state, CopyState::Final(Final::Cancelled));
    assert_eq!(store(&node, phone(2), copy, StoreWish::default()).await, Ok(entry));
    assert_eq!(state(&node, phone(2)).await, MmBoxState::New);
    assert_eq!(stored_content(&node, phone(2), entry).await, CONTENT);
}

/// All that reach one subscriber at once meet at the totals of its store: each is accepted, told and counted.
#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_for_one_who_stores_everything() {
    let world = world();
    provision(&world, &phone(2), automatic()).await;
    let node = world.start().await;
    let names: Vec<String> = (0..64).map(|n| format!("t{n}")).collect();
    let all = names.iter().map(|name| {
        let mut submit = submit_to(vec![to(phone(2))], name);
        submit.store = Some(StoreWish::default());
        sent(&node, submit)
    });
    let all = futures_util::future::join_all(all).await;
    assert!(all.iter().all(|one| matches!(one.stored, Some(Stored::At(_)))));
    assert_eq!(totals(&node, phone(1)).await, (64, 64 * LEN));
    assert_eq!(totals(&node, phone(2)).await, (64, 64 * LEN));
    eventually("every notification", || node.bearer.notifications().len() == 64).await;
}

/// A long list is expanded in bounded transactions; each of them stores for those who want it.
#[tokio::test(flavor = "multi_thread")]
async fn a_long_list_is_stored_too() {
    let world = world();
    provision(&world, &phone(205), automatic()).await;
    let node = world.start().await;
    let list = (100..320).map(|n| to(phone(n))).collect();
    accept(&node, submit_to(list, "t1")).await;
    eventually("every notification", || node.bearer.notifications().len() == 220).await;
    assert_eq!(totals(&node, phone(205)).await, (1, LEN));
    assert_eq!(totals(&node, phone(206)).await, (0, 0));
}
