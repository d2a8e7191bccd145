//! The client against a server that the test scripts, over real connections.

// The lints' own exception reaches test functions, not what they call.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod record;
mod server;

mod batches;
mod blocking;
mod callbacks;
mod chaos;
mod delivery;
mod dynamic;
mod dynamic_bytes;
mod gateway;
mod isolation;
mod kinds;
mod lanes;
mod memory;
mod odd;
mod pressure;
mod producers;
mod proxy;
mod recovery;
mod refusal;
mod sight;
mod spool;
mod spool_faults;
mod tls;
