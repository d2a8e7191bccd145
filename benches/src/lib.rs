//! What the benchmarks share.

#[cfg(feature = "sdk")]
pub mod dynamic;
pub mod machine;
pub mod rows;
pub mod spawn;
