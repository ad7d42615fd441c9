//! What adapters ask of a network store.

use super::entry::MmBoxState;
use super::flags::FlagChange;
use super::view::Filter;
use crate::address::Address;
use crate::command::Submit;
use crate::id::Token;

/// How a message is to stand in the store (X-Mms-MM-State, X-Mms-MM-Flags).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoreWish {
    /// Its state; none: the default, or unchanged.
    pub state: Option<MmBoxState>,
    /// What happens to its keywords.
    pub flags: Vec<FlagChange>,
}

/// m-mbox-upload-req. Part octets travel beside it, in the order of the message's parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    /// The authenticated owner.
    pub owner: Address,
    /// The client's transaction id: with owner and content it tells a repeat.
    pub transaction_id: Vec<u8>,
    /// State and keywords.
    pub wish: StoreWish,
    /// The message: its originator is what it says of itself, or the owner.
    pub message: Submit,
}

/// m-mbox-view-req.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// The authenticated owner.
    pub owner: Address,
    /// Messages by name, in place of the filter; none in the list: a name that is none of ours.
    pub named: Option<Vec<Option<Token>>>,
    /// Which to list.
    pub filter: Filter,
    /// Index of the first one on the page.
    pub start: u64,
    /// Most on the page.
    pub limit: Option<u64>,
    /// With their content.
    pub content: bool,
}
