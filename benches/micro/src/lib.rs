//! Criterion benches of single pieces: `cargo bench -p mmsc-micro`. Codec, lifecycle step, store commit.
#![forbid(unsafe_code)]
