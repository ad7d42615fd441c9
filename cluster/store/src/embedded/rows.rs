//! The store's own rows about content, which stand in a name space of their own beside the callers' rows.

use bytes::Bytes;

use super::change::Place;
use crate::content::{ContentId, Holder};

/// Which of the two name spaces a key belongs to: the rows of the callers, or the store's rows about content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Space {
    Rows,
    Content,
}

/// What follows the id in the key of a place row. A content's rows stand side by side: `id ‖ 00` is its place, and
/// `id ‖ 01 ‖ holder` its holders.
const PLACE_TAG: u8 = 0;
const HOLDER_TAG: u8 = 1;
/// Octets of a place row's key.
const PLACE_KEY: usize = 17;

pub(super) fn place_key(id: ContentId) -> Bytes {
    Bytes::from([&id.0[..], &[PLACE_TAG]].concat())
}

/// What all holder rows of a content begin with.
pub(super) fn holder_prefix(id: ContentId) -> Vec<u8> {
    [&id.0[..], &[HOLDER_TAG]].concat()
}

pub(super) fn holder_key(id: ContentId, holder: &Holder) -> Bytes {
    Bytes::from([&id.0[..], &[HOLDER_TAG], &holder.0].concat())
}

/// Whether a row about content says where it stands.
pub(super) fn is_place_key(key: &[u8]) -> bool {
    key.len() == PLACE_KEY
}

pub(super) fn place_value(place: &Place) -> Bytes {
    Bytes::copy_from_slice(&place.encode())
}
