//! What the derive writes.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod against_prost;
mod allocation;
mod carriers;
mod flattened;
mod own;
mod rust_types;
mod shapes;
mod values;
