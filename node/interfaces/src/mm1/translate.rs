//! Wire ↔ domain, nothing else.
//!
//! | file | what |
//! |---|---|
//! | `submit.rs` | m-send-req → submission, part octets beside it |
//! | `forward.rs` | m-forward-req → forward |
//! | `retrieve.rs` | retrieval → m-retrieve-conf, its content where it lies |
//! | `mmbox.rs` | MMBox requests → commands; stored messages → m-mbox-descr, m-mbox-view-conf |
//! | `media.rs` | media types and part heads, both ways |

mod forward;
mod media;
mod mmbox;
mod retrieve;
mod submit;

#[cfg(test)]
mod tests;

pub use forward::forward;
pub(super) use mmbox::nothing_listed;
pub use mmbox::{StorePlace, UploadError, Uploading, ViewEcho, store_wish, upload, view, view_conf};
pub use retrieve::{RetrieveError, retrieve_conf, retrieve_refused, retrieve_stored};
pub(super) use retrieve::{class, priority, reply_charging};
pub use submit::{Submission, SubmitError, submission};
