use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use zerobus_catalog::CatalogError;
use zerobus_proto::{ErrorCode, SchemaCause};
use zerobus_record::{ColumnPath, RecordError};
use zerobus_schema::NameError;
use zerobus_schema::mapping::Refusals;

use crate::descriptor::DescriptorError;
use crate::headers::HeadersError;
use crate::schema_check::SchemaDrift;
use crate::spool::SpoolErrorKind;
use crate::status::{GrpcCode, StatusError};

/// Why a client could not be built, a stream not be opened, or a record not be taken or delivered.
///
/// Every message says what to do next; none holds a token or a record's values. An error that ends a stream is
/// given to every later call on it; what was not acked by then can be had with
/// [`Stream::get_unacked_records`](crate::Stream::get_unacked_records).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Error {
    /// Something is missing in the configuration, or cannot stand as it is.
    Configuration {
        /// What is wrong and how to mend it.
        problem: String,
    },
    /// The table's name is not `catalog.schema.table`.
    TableName {
        /// What is wrong with it.
        error: NameError,
    },
    /// The descriptor given cannot be used.
    Descriptor {
        /// Why.
        error: DescriptorError,
    },
    /// A table has columns that no stream can carry.
    Columns {
        /// Which, why, and what to do about each.
        error: Refusals,
    },
    /// The live table does not take the records that the stream is to be opened for.
    Drift {
        /// What has changed, column by column.
        error: Box<SchemaDrift>,
    },
    /// The spool cannot be used.
    Spool {
        /// The folder, or the file in it.
        path: PathBuf,
        /// What it is about.
        kind: SpoolErrorKind,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// A token, or a table's schema, could not be had from the workspace.
    Catalog {
        /// Why.
        error: CatalogError,
    },
    /// A custom headers provider failed, or left out a header that the service needs.
    Headers {
        /// Why.
        error: HeadersError,
    },
    /// A value does not fit its column. The record was not taken; the stream goes on.
    Record {
        /// Which column, what it takes, what it was given.
        error: RecordError,
    },
    /// One record is larger than a message may be. The record was not taken; the stream goes on.
    RecordTooLarge {
        /// Its encoded bytes.
        bytes: usize,
        /// The most one record may have.
        limit: usize,
    },
    /// Records that are to be stored whole or not at all do not fit one message. None was taken; the stream goes on.
    BatchTooLarge {
        /// How many records were encoded when it was too much.
        records: i64,
        /// The most bytes that one message takes, framed.
        limit: usize,
    },
    /// As much as allowed is on its way unacked; only [`Stream::try_ingest`](crate::Stream::try_ingest) says so, the
    /// others wait. The record was not taken.
    Full {
        /// Records taken and not acked.
        records: i64,
        /// Their framed bytes.
        bytes: u64,
    },
    /// The service refused a stream, or ended one.
    Status {
        /// What it said.
        error: Box<StatusError>,
    },
    /// The service takes every record before this one, and not this one.
    RecordRefused {
        /// Its offset.
        offset: i64,
        /// The column that the service's text is about, where it says so; see
        /// [`RefusedRecord::column`](crate::RefusedRecord::column).
        column: Option<ColumnPath>,
        /// What the service said.
        error: Box<StatusError>,
    },
    /// No connection, or a broken one.
    Connection {
        /// The address.
        endpoint: String,
        /// What went wrong.
        message: String,
    },
    /// The server's certificate is not trusted, is for another name, or the server does not speak TLS and HTTP/2.
    Untrusted {
        /// The address.
        endpoint: String,
        /// What went wrong.
        message: String,
    },
    /// One failure followed another until `recovery_retries` were used up.
    RetriesExhausted {
        /// The address.
        endpoint: String,
        /// How many failures there were in a row.
        failures: u32,
        /// What each of them was, the last one last; of very many only the latest.
        causes: Vec<Self>,
    },
    /// The service broke the protocol; nothing it acks can be relied on from there.
    Protocol {
        /// What was expected and what was found.
        problem: String,
    },
    /// The oldest message was not acked in time, whatever else arrived.
    LackOfAck {
        /// The time allowed.
        after: Duration,
        /// Records that wait for their ack.
        unacked: i64,
    },
    /// `flush`, `close` or `wait_for_offset` took too long. The stream goes on, and the call can be made again.
    FlushTimeout {
        /// The time allowed.
        after: Duration,
        /// Records that wait for their ack.
        unacked: i64,
    },
    /// An offset that this stream has not given out.
    UnknownOffset {
        /// The offset asked for.
        offset: i64,
        /// The offset that the next record gets.
        next: i64,
    },
    /// The stream was closed by its owner.
    Closed,
}

impl Error {
    /// Whether the same call, or a new stream, may succeed later without anything being changed.
    ///
    /// By the time a stream has failed it has used up its own retries.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Catalog { error } => error.is_retryable(),
            Self::Headers { error } => error.is_retryable(),
            Self::Status { error } => error.is_retryable(),
            Self::Spool { kind, .. } => *kind == SpoolErrorKind::InUse,
            Self::Full { .. }
            | Self::Connection { .. }
            | Self::RetriesExhausted { .. }
            | Self::LackOfAck { .. }
            | Self::FlushTimeout { .. } => true,
            Self::Configuration { .. }
            | Self::TableName { .. }
            | Self::Descriptor { .. }
            | Self::Columns { .. }
            | Self::Drift { .. }
            | Self::Record { .. }
            | Self::RecordTooLarge { .. }
            | Self::BatchTooLarge { .. }
            | Self::RecordRefused { .. }
            | Self::Untrusted { .. }
            | Self::Protocol { .. }
            | Self::UnknownOffset { .. }
            | Self::Closed => false,
        }
    }

    /// The numeric code at the end of the service's message, where it has one.
    #[must_use]
    pub fn error_code(&self) -> Option<ErrorCode> {
        match self {
            Self::Status { error } | Self::RecordRefused { error, .. } => error.error_code(),
            Self::RetriesExhausted { causes, .. } => causes.last()?.error_code(),
            _ => None,
        }
    }

    /// What does not fit between the record's schema and the table's, where the service says so, or the live schema does
    /// ([`Error::Drift`]).
    #[must_use]
    pub fn schema_causes(&self) -> &[SchemaCause] {
        match self {
            Self::Drift { error } => error.causes(),
            Self::Status { error } | Self::RecordRefused { error, .. } => error.schema_causes(),
            Self::RetriesExhausted { causes, .. } => causes.last().map_or(&[], Self::schema_causes),
            _ => &[],
        }
    }

    /// Whether new credentials may help.
    pub(crate) fn is_auth_rejection(&self) -> bool {
        matches!(self, Self::Status { error } if error.code().is_auth_rejection())
    }

    /// The service has more to do than it can, or than a quota allows.
    pub(crate) fn is_throttled(&self) -> bool {
        matches!(self, Self::Status { error } if error.code() == GrpcCode::ResourceExhausted)
    }

    pub(crate) fn is_unauthenticated(&self) -> bool {
        matches!(self, Self::Status { error } if error.code() == GrpcCode::Unauthenticated)
    }

    pub(crate) fn configuration(problem: impl Into<String>) -> Self {
        Self::Configuration {
            problem: problem.into(),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Configuration { problem } => f.write_str(problem),
            Self::TableName { error } => write!(f, "{error}"),
            Self::Descriptor { error } => write!(f, "{error}"),
            Self::Spool { path, problem, .. } => {
                write!(f, "the spool {}: {problem}", path.display())
            }
            Self::Columns { error } => write!(f, "{error}"),
            Self::Drift { error } => write!(f, "{error}"),
            Self::Catalog { error } => write!(f, "{error}"),
            Self::Headers { error } => write!(f, "{error}"),
            Self::Record { error } => write!(f, "{error}; mend the value or leave the record out"),
            Self::RecordTooLarge { bytes, limit } => write!(
                f,
                "the record has {bytes} bytes, one message takes at most {limit}; split it or leave it out"
            ),
            Self::BatchTooLarge { records, limit } => write!(
                f,
                "{records} records of the batch are more than the {limit} bytes that one message takes; send it in \
                 parts, or with ingest_records"
            ),
            Self::Full { records, bytes } => write!(
                f,
                "{records} records ({bytes} bytes) are on their way unacked; wait for an ack, or raise \
                 max_inflight_records or max_inflight_bytes"
            ),
            Self::Status { error } => write!(f, "{error}"),
            Self::RecordRefused {
                offset,
                column: Some(column),
                error,
            } => write!(
                f,
                "the record with offset {offset} was refused for column {column}: {error}"
            ),
            Self::RecordRefused {
                offset,
                column: None,
                error,
            } => write!(f, "the record with offset {offset} was refused: {error}"),
            Self::Connection { endpoint, message } => write!(
                f,
                "no connection to {endpoint}: {message}; check the address and the network, or try again later"
            ),
            Self::Untrusted { endpoint, message } => write!(
                f,
                "no secure connection to {endpoint}: {message}; check the address, and trust a private CA with \
                 ca_certificate or SSL_CERT_FILE"
            ),
            Self::RetriesExhausted {
                endpoint,
                failures,
                causes,
            } => {
                write!(
                    f,
                    "gave up on {endpoint} after {failures} failures in a row: "
                )?;
                write_causes(f, *failures, causes)?;
                f.write_str(
                    "; check the address, the network and the service, or raise recovery_retries",
                )
            }
            Self::Protocol { problem } => write!(
                f,
                "the service broke the protocol: {problem}; take the unacked records and open a new stream"
            ),
            Self::LackOfAck { after, unacked } => write!(
                f,
                "{unacked} records wait and the oldest was not acked within {after:?} \
                 (server_lack_of_ack_timeout); open a new stream and send them again"
            ),
            Self::FlushTimeout { after, unacked } => write!(
                f,
                "{unacked} records are not acked after {after:?} (flush_timeout); call again to wait longer"
            ),
            Self::UnknownOffset { offset, next } => write!(
                f,
                "offset {offset} is not one of this stream, whose next record is {next}; pass what an ingest call returned"
            ),
            Self::Closed => f.write_str("the stream is closed; open a new one"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::TableName { error } => Some(error),
            Self::Descriptor { error } => Some(error),
            Self::Columns { error } => Some(error),
            Self::Drift { error } => Some(error),
            Self::Catalog { error } => Some(error),
            Self::Headers { error } => Some(error),
            Self::Record { error } => Some(error),
            Self::Status { error } | Self::RecordRefused { error, .. } => Some(error),
            Self::RetriesExhausted { causes, .. } => causes
                .last()
                .map(|last| last as &(dyn std::error::Error + 'static)),
            _ => None,
        }
    }
}

/// Each cause with its number, and the same one after another only once.
fn write_causes(f: &mut fmt::Formatter<'_>, failures: u32, causes: &[Error]) -> fmt::Result {
    let texts: Vec<String> = causes
        .iter()
        .map(|cause| match cause {
            Error::Connection { message, .. } => message.clone(),
            other => other.to_string(),
        })
        .collect();
    let mut number = usize::try_from(failures)
        .unwrap_or(usize::MAX)
        .saturating_sub(causes.len());
    for same in texts.chunk_by(PartialEq::eq) {
        if number + texts.len() > usize::try_from(failures).unwrap_or(usize::MAX) {
            f.write_str(", ")?;
        }
        let Some(text) = same.first() else { continue };
        match same.len() {
            1 => write!(f, "{} ({text})", number + 1)?,
            many => write!(f, "{} to {} ({text})", number + 1, number + many)?,
        }
        number += same.len();
    }
    Ok(())
}

impl From<NameError> for Error {
    fn from(error: NameError) -> Self {
        Self::TableName { error }
    }
}

impl From<DescriptorError> for Error {
    fn from(error: DescriptorError) -> Self {
        Self::Descriptor { error }
    }
}

impl From<Refusals> for Error {
    fn from(error: Refusals) -> Self {
        Self::Columns { error }
    }
}

impl From<RecordError> for Error {
    fn from(error: RecordError) -> Self {
        Self::Record { error }
    }
}

impl From<CatalogError> for Error {
    fn from(error: CatalogError) -> Self {
        Self::Catalog { error }
    }
}

impl From<HeadersError> for Error {
    fn from(error: HeadersError) -> Self {
        Self::Headers { error }
    }
}
