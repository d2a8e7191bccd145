//! The server as its clients see it: raw gRPC and HTTP from outside, rows read back by a reader of its own.

mod air_quality;
mod client;
mod http;
mod reader;
mod stream;
