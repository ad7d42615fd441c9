//! MMBox: network stores of subscribers (MM1 digest 16).
//!
//! What is stored are *shared rows* (design §3.4): they are read and written inside the transaction that needs them,
//! serializability is their fence, and nothing caches them. So no actor stands behind a store. What a client asks of
//! its store is a transaction of its own (`commands`); what belongs to sending or to a copy is part of the transaction
//! that accepts the message or moves the copy (`store`). Two that store for one subscriber at the same time meet at the
//! row of its totals: one of them runs again, and the quota holds.
//!
//! An entry has a token of its own in the shard of its owner; its token row leads to it. The token of the entry that a
//! copy is stored as follows from the copy's token, so that a repeat finds it, and so does a client that goes on using
//! the address in its notification. Content is shared: an entry is one more holder of it.

mod commands;
mod rows;
mod store;
mod view;

pub use commands::{MmBoxAnswer, Viewed, ViewedEntry};
pub use rows::of_owner;
pub use store::{copy_ended, passed_on, store_for_recipient, store_sent};
