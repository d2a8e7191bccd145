//! The one mapping from Delta types to proto2.
//!
//! [`TYPES`] pairs each Delta type with its proto type, the Rust types that carry it and what a value means;
//! [`map`] applies it to a table. Everything else in the toolkit (the `.proto` text, the descriptor, the derive, the
//! generators, the printed type table) goes through here.
//!
//! The pairs are those of the documentation page "Use Zerobus Ingest"; NOT NULL becomes `required`, ARRAY `repeated`,
//! MAP `map<>`, STRUCT a nested message. What proto2 cannot say, or the service does not take, is refused by column, all
//! refusals at once.

mod message;
mod names;
mod print;
mod refusal;
mod table;
#[cfg(test)]
mod tests;

pub use message::{Mapping, MappingOptions, map, message};
pub use print::type_table;
pub use refusal::{Refusal, RefusalReason, Refusals};
pub use table::{Carrier, TYPES, TypeRow, row, scalar};

/// The most columns a table may have (documentation page "Zerobus Ingest connector limitations").
pub const COLUMNS_MAX: usize = 2_000;

/// The most levels of messages that protobuf's compilers take, the outermost counted as one.
pub const MESSAGE_LEVELS_MAX: usize = 31;
