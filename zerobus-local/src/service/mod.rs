//! What is served on each address: gRPC streams, the catalog, the token endpoint, health.

mod access;
mod answer;
mod budget;
mod catalog;
mod codec;
mod compaction;
mod counted;
mod cut;
mod grpc;
mod insert;
mod listen;
mod live;
mod metrics;
mod namespace;
mod oauth;
mod origin;
mod page;
mod persistent;
mod reader;
mod routes;
mod sight;
mod sink;
mod status;
mod stop;
mod stream;
mod table;
mod tls;
mod token;
mod writer;

pub(crate) use budget::Budget;
pub(crate) use compaction::Compact;
pub(crate) use listen::{Listener, Service};
pub(crate) use stop::Stop;
pub(crate) use table::{Table, Tables, Writing, name_of};
pub(crate) use tls::Tls;
pub(crate) use token::Credentials;
