//! A local stand-in for Databricks Zerobus Ingest.

mod builder;
mod decode;
mod delta;
mod error;
mod lock;
mod server;
mod service;

pub use builder::LocalZerobusBuilder;
pub use error::{LocalError, TableError};
pub use server::LocalZerobus;
