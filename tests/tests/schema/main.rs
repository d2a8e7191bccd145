//! What `zerobus-schema` writes, against tools that share no code with it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod drift;
mod golden;
mod mapping;
mod positions;
mod protoc;
mod readme;
