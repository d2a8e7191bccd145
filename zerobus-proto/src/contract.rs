//! What both ends of the wire must agree on beside the messages.
//!
//! Sources, where a line names none: the Databricks documentation pages "Use Zerobus Ingest" and "Zerobus Ingest
//! connector limitations", and the README of the databricks/zerobus-sdk repository. What none of them establishes
//! is marked **assumption**.

use std::time::Duration;

/// Metadata key of the table a stream writes to: `catalog.schema.table`. Must agree with `create_stream.table_name`.
pub const TABLE_NAME_HEADER: &str = "x-databricks-zerobus-table-name";

/// Metadata key of the credentials: [`BEARER_PREFIX`] and the token.
pub const AUTHORIZATION_HEADER: &str = "authorization";

/// What stands before the token in [`AUTHORIZATION_HEADER`].
pub const BEARER_PREFIX: &str = "Bearer ";

/// HTTP/2 path of the call `EphemeralStream`, for those who call it with a codec of their own.
pub const EPHEMERAL_STREAM_PATH: &str = "/databricks.zerobus.Zerobus/EphemeralStream";

/// The path of the call that opens or resumes a persistent stream.
pub const PERSISTENT_STREAM_PATH: &str = "/databricks.zerobus.Zerobus/PersistentStream";

/// `offset_id` of the first ingest message on every new connection. Each further message, single or batch, takes
/// the next; a gap or a repeat is [`ErrorCode::OFFSET_NOT_SEQUENTIAL`](crate::ErrorCode::OFFSET_NOT_SEQUENTIAL).
pub const FIRST_OFFSET: i64 = 0;

/// Most raw record bytes in one ingest message, framing not counted: 10 MiB. The sum over a batch.
pub const MAX_RECORD_BYTES_PER_MESSAGE: usize = 10_485_760;

/// Where a sender should close a batch: [`MAX_RECORD_BYTES_PER_MESSAGE`] less 64 KiB for what surrounds the records.
/// The official SDK (3.0.0) refuses calls above it.
pub const BATCH_RECORD_BYTES: usize = 10_420_224;

/// The receive limit a server sets on its transport (tonic's own is 4 MiB), in bytes of the serialized request.
///
/// **Assumption**: the service's own figure is not published. Twice the record limit lets any batch of records of
/// two bytes and more through to the check that names [`MAX_RECORD_BYTES_PER_MESSAGE`], and still bounds what one
/// message can make a server allocate.
pub const SERVER_RECEIVE_LIMIT: usize = 2 * MAX_RECORD_BYTES_PER_MESSAGE;

/// The receive limit a client sets on its transport, in bytes. Responses hold an id, an offset or a duration.
pub const CLIENT_RECEIVE_LIMIT: usize = 64 * 1024;

/// Most columns of a table.
pub const MAX_COLUMNS: usize = 2_000;

/// Quota of one stream in records a second. Texts that say 15,000 are older.
pub const STREAM_RECORDS_PER_SECOND: u32 = 100_000;

/// Quota of one stream in bytes a second: 100 MB.
pub const STREAM_BYTES_PER_SECOND: u64 = 100_000_000;

/// How long the service keeps a stream, about. It announces the end with
/// [`CloseStreamSignal`](crate::CloseStreamSignal), or ends the stream with
/// [`ErrorCode::STREAM_LIFETIME_REACHED`](crate::ErrorCode::STREAM_LIFETIME_REACHED).
pub const STREAM_LIFETIME: Duration = Duration::from_secs(15 * 60);
