//! WSP (WAP-230): value primitives, media types and multipart bodies, as far as MMS uses them.
//!
//! Any value, known or not, has an extent that its first octet decides ([`Value`]); so a decoder cuts the slice first
//! and interprets it afterwards, and a wrong value cannot shift what follows it.

pub mod charset;
pub mod codes;
mod decode;
mod encode;
mod error;
mod media;
pub mod multipart;
mod types;
mod words;

#[cfg(test)]
mod tests;

pub use decode::{Reader, Value};
pub use encode::{
    long_integer, put_encoded_string, put_integer, put_long_integer, put_quoted_string, put_text, put_uintvar,
    put_value_length,
};
pub use error::ValueError;
pub use media::{Media, MediaType, Parameter, ParameterName, ParameterValue, Parameters, RawMediaType};
pub use types::{EncodedString, Text};
