#![doc = include_str!("../README.md")]

mod ack;
mod batch;
mod client;
mod codec;
mod connection;
mod driver;
mod endpoint;
mod error;
mod headers;
mod isolation;
mod options;
mod queue;
mod recovery;
mod refused;
mod state;
mod status;
mod stream;
mod watch;

pub use client::{Client, ClientBuilder, StreamBuilder};
pub use error::Error;
pub use headers::{Headers, HeadersError, HeadersFuture, HeadersProvider};
pub use options::StreamOptions;
pub use refused::RefusedRecord;
pub use state::StreamState;
pub use status::{GrpcCode, StatusError};
pub use stream::Stream;
pub use watch::StreamWatch;
pub use zerobus_catalog::{CatalogError, Config, Secret, Workspace};
pub use zerobus_proto::{ErrorCode, SchemaCause};
pub use zerobus_record::*;
// The derive as imported from here names this crate in what it emits, so that nobody needs both.
#[doc(inline)]
pub use zerobus_record::__private::ZerobusRecordOfClient as ZerobusRecord;
pub use zerobus_schema::{NameError, TableName};
