//! MMBox: the network store of a subscriber (MM1 digest 16). Records, and what may be done with them.
//!
//! | question | function |
//! |---|---|
//! | is there room for one more | [`MmBoxTotals::with`] |
//! | which state may an entry have, and come to | [`MmBoxState::may_become`], [`state_of_sent`], [`state_of_received`] |
//! | which keywords does it have afterwards | [`change_flags`] |
//! | may a copy be stored | [`may_be_stored`] |
//! | what is listed, and on which page | [`Filter::matches`], [`Pager::place`] |

mod command;
mod entry;
mod flags;
mod rules;
mod view;

pub use command::{StoreWish, Upload, View};
pub use entry::{MmBoxEntry, MmBoxState, NewEntry};
pub use flags::{FlagChange, MAX_KEYWORD_CHARACTERS, MAX_KEYWORDS, change_flags};
pub use rules::{
    MmBoxPolicy, MmBoxTotals, NotStored, Stored, check_upload, may_be_stored, state_of_received, state_of_sent,
};
pub use view::{Filter, Pager, Place};
