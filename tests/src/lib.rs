//! Tests that span the crates, and what the tests of several crates share.

pub mod child;
