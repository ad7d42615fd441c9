//! Wire ↔ domain, nothing else.
//!
//! | file | what |
//! |---|---|
//! | `submit.rs` | m-send-req → submission, part octets beside it |
//! | `forward.rs` | m-forward-req → forward |
//! | `retrieve.rs` | retrieval → m-retrieve-conf, its content where it lies |
//! | `media.rs` | media types and part heads, both ways |

mod forward;
mod media;
mod retrieve;
mod submit;

#[cfg(test)]
mod tests;

pub use forward::forward;
pub use retrieve::{RetrieveError, retrieve_conf, retrieve_refused};
pub(super) use retrieve::{class, priority, reply_charging};
pub use submit::{Submission, SubmitError, submission};
