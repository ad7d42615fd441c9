//! What operators see of a node: metrics in Prometheus' text format, liveness and readiness with their reasons, and
//! the plain, read-only listener that serves both.
//!
//! Nothing here knows what an MM is. Crates declare [`mmsc_ports::metrics::Family`] values; the node passes them to
//! [`Exposition::new`], which checks every name against the [catalogue's rules](catalogue). What makes a node ready
//! is a list of [`Check`]s that the node implements.
#![forbid(unsafe_code)]

pub mod catalogue;
mod exposition;
pub mod health;
mod process;
pub mod reference;
mod server;

pub use exposition::{Exposition, ExpositionError};
pub use health::{Check, Condition, Health, Report};
pub use server::{OpsListener, OpsPages, ServeError};
