//! What the benchmarks share.

#[cfg(feature = "sdk")]
pub mod dynamic;
pub mod machine;
pub mod measure;
pub mod records;
pub mod rows;
pub mod samples;
pub mod spawn;
