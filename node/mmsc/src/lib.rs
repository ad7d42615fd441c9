//! The `mmsc` program as a library, so that tests can reach its parts; `main.rs` only chooses the command.
#![forbid(unsafe_code)]

pub mod cli;
pub mod config;
pub mod decode;
pub mod demo;
pub mod logs;
pub mod node;
pub mod run;
pub mod store;
