//! Layers over a transaction, the same on every engine. Nothing here knows what an MM is.
//!
//! The first octet of a key is its space: `00`–`0F` belong to the store, `10`–`1F` to the ring, `20` to the due index,
//! `21`–`7F` to the relay.

pub mod due;
