//! The disk as the store sees it (replaced by the store engineer).
/// Files of one directory.
pub trait Disk: Send + Sync + 'static {}
