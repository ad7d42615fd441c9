//! Binary multipart bodies (WAP-230 8.5; digest section 9): a count, then entries of two lengths, a media type,
//! headers and data. Part data is never copied.

mod decode;
mod encode;
mod error;
mod types;

#[cfg(test)]
mod tests;

pub use decode::{Entries, Entry, HeaderName, PartField, PartFields, decode, leaves};
pub use encode::{encode, encode_part_header, entry_len_hint, put_count};
pub use error::MultipartError;
pub use types::{Disposition, DispositionKind, Part, PartHead};
