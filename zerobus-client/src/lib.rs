#![doc = include_str!("../README.md")]

mod ack;
mod acks;
mod batch;
pub mod blocking;
mod budget;
mod builder;
mod callback;
mod client;
mod codec;
mod connection;
mod descriptor;
mod driver;
mod dynamic;
mod endpoint;
mod error;
mod format;
mod hand;
mod headers;
mod insert;
mod intake;
mod isolation;
mod json;
mod lanes;
mod metrics;
mod opening;
mod options;
mod pace;
mod producer;
mod proto;
mod proxy;
mod queue;
mod record;
mod recovery;
mod refusal;
mod refused;
mod schema_check;
mod slot;
mod spool;
mod state;
mod status;
mod stream;
mod transcode;
mod watch;

pub use acks::AckFuture;
pub use builder::StreamBuilder;
pub use callback::AckCallback;
pub use client::{Client, ClientBuilder};
pub use descriptor::{DescriptorError, ProtoDescriptor};
pub use dynamic::{Dynamic, DynamicRecord, RecordSchema, Value};
pub use error::Error;
pub use headers::{Headers, HeadersError, HeadersFuture, HeadersProvider};
pub use insert::Insert;
pub use json::{Json, JsonString, JsonValue};
pub use lanes::{LaneOffset, Lanes, LanesBuilder, LanesProducer};
pub use metrics::{LatencyHistogram, StreamMetrics};
pub use options::StreamOptions;
pub use producer::Producer;
#[cfg(feature = "prost")]
pub use proto::ProtoMessage;
pub use proto::{Proto, ProtoBytes};
pub use record::Record;
#[doc(hidden)]
pub use record::SchemaId;
pub use refused::RefusedRecord;
pub use schema_check::SchemaDrift;
pub use spool::{Replay, Spool, SpoolContents, SpoolErrorKind, SpoolSync};
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
#[doc(no_inline)]
pub use zerobus_schema as schema;
pub use zerobus_schema::mapping::Refusals;
pub use zerobus_schema::{NameError, TableName, TableSchema};
