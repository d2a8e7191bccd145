//! The server in a process of its own, killed at any moment and out of room, and what its clients and its tables make
//! of it.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod caller;
mod chaos;
mod compaction;
mod disk;
mod early;
mod event;
mod expiry;
mod persistent;
mod process;
mod random;
mod refused;
mod restart;
mod source;
mod table;
mod torn;
