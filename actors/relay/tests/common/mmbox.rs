//! A node with network stores, and the commands that its tests give.

use std::time::Duration;

use bytes::Bytes;
use mmsc_domain::command::{Accepted, DuplicateKey, Forward, Gone, HandsetAnswer, Submit};
use mmsc_domain::mmbox::{
    Filter, FlagChange, MmBoxPolicy, MmBoxState, MmBoxTotals, NotStored, StoreWish, Upload, View,
};
use mmsc_domain::profile::SubscriberProfile;
use mmsc_domain::record::Interface;
use mmsc_domain::{Address, Token};
use mmsc_relay::{FetchAnswer, MmBoxAnswer, SubmitAnswer, Viewed};
use mmsc_store::{Key, OperationId, StoreError};

use super::*;

pub const RETRIEVED: HandsetAnswer = HandsetAnswer::Retrieved { report_allowed: true };
pub const LEN: u64 = CONTENT.len() as u64;

pub fn world() -> World {
    let mut world = World::new();
    world.policy.mmbox = Some(MmBoxPolicy::default());
    world
}

pub fn wish(state: MmBoxState) -> StoreWish {
    StoreWish {
        state: Some(state),
        flags: Vec::new(),
    }
}

pub fn flag(add: &str) -> StoreWish {
    StoreWish {
        state: None,
        flags: vec![FlagChange::Add(add.to_owned())],
    }
}

pub fn everything(owner: Address) -> View {
    View {
        owner,
        named: None,
        filter: Filter::default(),
        start: 0,
        limit: None,
        content: false,
    }
}

pub async fn view(node: &Node, view: View) -> Viewed {
    match node.relay.mmbox_view(view).await {
        MmBoxAnswer::Done(viewed) => viewed,
        other => panic!("not listed: {other:?}"),
    }
}

pub async fn totals(node: &Node, owner: Address) -> (u64, u64) {
    let MmBoxTotals { messages, octets } = view(node, everything(owner)).await.totals;
    (messages, octets)
}

pub async fn state(node: &Node, owner: Address) -> MmBoxState {
    let viewed = view(node, everything(owner)).await;
    assert_eq!(viewed.entries.len(), 1);
    viewed.entries[0].entry.state
}

/// Waits until the only entry of `owner` stands so; bounded.
pub async fn comes_to(node: &Node, owner: Address, expected: MmBoxState) {
    for _ in 0..1500 {
        if state(node, owner.clone()).await == expected {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the entry does not come to {expected:?}");
}

pub async fn store(node: &Node, owner: Address, token: Token, wish: StoreWish) -> Result<Token, NotStored> {
    match node.relay.mmbox_store(owner, token, wish).await {
        MmBoxAnswer::Done(token) => Ok(token.into_value()),
        MmBoxAnswer::Not(not) => Err(not),
        MmBoxAnswer::Busy(busy) => panic!("{busy:?}"),
    }
}

pub async fn delete(node: &Node, owner: Address, token: Token) -> Result<(), NotStored> {
    match node.relay.mmbox_delete(owner, token).await {
        MmBoxAnswer::Done(()) => Ok(()),
        MmBoxAnswer::Not(not) => Err(not),
        MmBoxAnswer::Busy(busy) => panic!("{busy:?}"),
    }
}

pub async fn upload(node: &Node, owner: Address, transaction: &str, octets: &[u8]) -> Result<Token, NotStored> {
    let mut message = submit_to(vec![to(phone(3))], transaction);
    message.originator = owner.clone();
    message.parts[0].len = octets.len() as u64;
    let upload = Upload {
        owner,
        transaction_id: transaction.as_bytes().to_vec(),
        wish: StoreWish::default(),
        message,
    };
    match node.relay.mmbox_upload(upload, Bytes::copy_from_slice(octets)).await {
        MmBoxAnswer::Done(token) => Ok(token.into_value()),
        MmBoxAnswer::Not(not) => Err(not),
        MmBoxAnswer::Busy(busy) => panic!("{busy:?}"),
    }
}

pub async fn sent(node: &Node, submit: Submit) -> Accepted {
    match node.relay.submit(submit, content()).await {
        SubmitAnswer::Accepted(committed) => committed.into_value(),
        other => panic!("not accepted: {other:?}"),
    }
}

pub async fn notified(node: &Node, count: usize) -> Token {
    eventually("the notification", || node.bearer.notifications().len() >= count).await;
    node.bearer.notifications()[count - 1].1
}

pub async fn stored_content(node: &Node, owner: Address, token: Token) -> Bytes {
    let FetchAnswer::Stored(entry) = node.relay.fetch(token, Some(owner)).await else {
        panic!("not out of the store")
    };
    node.relay.stored_content(&entry).await.unwrap()
}

pub async fn gone(node: &Node, owner: Option<Address>, token: Token) -> Gone {
    match node.relay.fetch(token, owner).await {
        FetchAnswer::Gone(gone) => gone,
        other => panic!("there: {other:?}"),
    }
}

pub fn forward(token: Token, forwarder: Address, transaction: &str) -> Forward {
    Forward {
        token,
        interface: Interface::Mm1,
        recipients: vec![to(phone(4))],
        expiry: None,
        delivery_time: None,
        delivery_report: false,
        read_report: false,
        report_allowed: true,
        date: None,
        mms_version: 0x92,
        duplicate: Some(DuplicateKey {
            interface: Interface::Mm1,
            scope: forwarder.to_string(),
            transaction_id: transaction.as_bytes().to_vec(),
        }),
        forwarder,
        store: None,
    }
}

/// Writes the profile of a subscriber as provisioning would.
pub async fn provision(world: &World, address: &Address, profile: SubscriberProfile) {
    let key = Key::new(0x27, address.shard(world.shards).0).text(&minicbor::to_vec(address).unwrap());
    let key: Bytes = key.into();
    let row: Bytes = minicbor::to_vec(&profile).unwrap().into();
    // An operation of its own for each address: a repeated one counts as done.
    let mut operation = [9; 16];
    let name = minicbor::to_vec(address).unwrap();
    operation
        .iter_mut()
        .zip(name.iter().rev())
        .for_each(|(to, from)| *to = *from);
    let commit = world.store.transact(OperationId(operation), |txn| {
        txn.set(key.clone(), row.clone());
        async { Ok::<_, StoreError>(()) }
    });
    let _committed = commit.await.unwrap();
}

pub fn automatic() -> SubscriberProfile {
    SubscriberProfile {
        mmbox_auto_store: true,
        ..SubscriberProfile::default()
    }
}
