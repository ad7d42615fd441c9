//! UAProf: what a handset can take, as the RDF/XML document says that its requests point to (OMA UAProf 2.0, component
//! MmsCharacteristics). Only read; names count without their prefix, which vendors misspell and schemas change.

mod decode;
mod error;
mod types;

#[cfg(test)]
mod tests;

pub use decode::{Limits, decode};
pub use error::{DecodeError, Fault};
pub use types::{Field, Profile, Resolution};
