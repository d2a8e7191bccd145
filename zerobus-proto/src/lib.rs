#![doc = include_str!("../README.md")]

pub mod contract;
mod error_code;
mod schema_cause;

pub use databricks::zerobus::*;
pub use error_code::{ErrorCode, ErrorTail};
pub use schema_cause::{
    CAUSES_KEY, ERROR_CODE_KEY, ERROR_DOMAIN, SCHEMA_ERROR_REASON, SchemaCause,
};

/// Proto packages as modules.
pub mod databricks {
    /// Package `databricks.zerobus`, as generated.
    // `include!` and not a module file: rustfmt and the generator disagree on layout.
    #[allow(
        clippy::all,
        missing_docs,
        unreachable_pub,
        missing_debug_implementations
    )]
    pub mod zerobus {
        include!("generated/databricks.zerobus.rs");
    }
}
