//! One subscriber: when and how its handset is told. `telling::step` of the domain decides about each row; the actor
//! keeps order and pace (one attempt at a time, oldest first), records before it attempts, and writes outcomes.
//!
//! `actor` is the mailbox, `held` the rows at work, `reads` and `load` what is read of the inbox, `attempt` an attempt and
//! what follows it, `commit` the transaction.

mod actor;
mod attempt;
mod commit;
mod held;
mod load;
mod reads;

pub use actor::{SubscriberActor, SubscriberArguments, SubscriberMessage};
pub use attempt::NO_BEARER;
