//! One subscriber: when and how its handset is told. `telling::step` of the domain decides about each row; the actor
//! keeps order and pace (one attempt at a time, oldest first), records before it attempts, and writes outcomes.
//!
//! `actor` is the mailbox, `held` the rows at work, `commit` the transaction, `load` the reads.

mod actor;
mod commit;
mod held;
mod load;

pub use actor::{NO_BEARER, SubscriberActor, SubscriberArguments, SubscriberMessage};
