//! Limits that hold on every engine: FoundationDB's, so that nothing works on one engine and fails on the other.

use std::time::Duration;

pub use crate::key::MAX_KEY;

/// Longest value in octets.
pub const MAX_VALUE: usize = 100_000;
/// Most octets of keys, values and conflict ranges in one transaction, without content.
pub const MAX_TRANSACTION: usize = 10_000_000;
/// Longest holder in octets.
pub const MAX_HOLDER: usize = 64;
/// Longest life of a transaction.
pub const MAX_AGE: Duration = Duration::from_secs(5);
/// Largest single content in octets.
pub const MAX_CONTENT: usize = 16 * 1024 * 1024;
