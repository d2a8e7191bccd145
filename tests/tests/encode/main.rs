//! What the derive writes.

mod against_prost;
mod rust_types;
mod shapes;
mod values;
