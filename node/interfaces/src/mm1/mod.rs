//! mm1/mod
