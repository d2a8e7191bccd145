//! What the service says when it refuses or ends a stream.

use std::error::Error as _;
use std::fmt;

use zerobus_proto::{CAUSES_KEY, ERROR_DOMAIN, ErrorCode, SchemaCause};
use zerobus_schema::TableName;

use crate::error::Error;

/// A gRPC status code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[allow(missing_docs)] // the names are gRPC's and their meaning is its documentation's
pub enum GrpcCode {
    Ok,
    Cancelled,
    Unknown,
    InvalidArgument,
    DeadlineExceeded,
    NotFound,
    AlreadyExists,
    PermissionDenied,
    ResourceExhausted,
    FailedPrecondition,
    Aborted,
    OutOfRange,
    Unimplemented,
    Internal,
    Unavailable,
    DataLoss,
    Unauthenticated,
}

impl GrpcCode {
    /// The code's name as gRPC writes it: `INVALID_ARGUMENT`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Cancelled => "CANCELLED",
            Self::Unknown => "UNKNOWN",
            Self::InvalidArgument => "INVALID_ARGUMENT",
            Self::DeadlineExceeded => "DEADLINE_EXCEEDED",
            Self::NotFound => "NOT_FOUND",
            Self::AlreadyExists => "ALREADY_EXISTS",
            Self::PermissionDenied => "PERMISSION_DENIED",
            Self::ResourceExhausted => "RESOURCE_EXHAUSTED",
            Self::FailedPrecondition => "FAILED_PRECONDITION",
            Self::Aborted => "ABORTED",
            Self::OutOfRange => "OUT_OF_RANGE",
            Self::Unimplemented => "UNIMPLEMENTED",
            Self::Internal => "INTERNAL",
            Self::Unavailable => "UNAVAILABLE",
            Self::DataLoss => "DATA_LOSS",
            Self::Unauthenticated => "UNAUTHENTICATED",
        }
    }

    /// Whether a stream that ended with this code may be opened again as it was. OK is among them: a stream is for
    /// its owner to end, so a service that ends it does so for reasons of its own.
    #[must_use]
    pub const fn is_retryable(self) -> bool {
        matches!(
            self,
            Self::Ok
                | Self::Cancelled
                | Self::Unknown
                | Self::DeadlineExceeded
                | Self::ResourceExhausted
                | Self::Aborted
                | Self::Internal
                | Self::Unavailable
        )
    }

    pub(crate) const fn is_auth_rejection(self) -> bool {
        matches!(self, Self::Unauthenticated | Self::PermissionDenied)
    }

    fn from_tonic(code: tonic::Code) -> Self {
        match code {
            tonic::Code::Ok => Self::Ok,
            tonic::Code::Cancelled => Self::Cancelled,
            tonic::Code::Unknown => Self::Unknown,
            tonic::Code::InvalidArgument => Self::InvalidArgument,
            tonic::Code::DeadlineExceeded => Self::DeadlineExceeded,
            tonic::Code::NotFound => Self::NotFound,
            tonic::Code::AlreadyExists => Self::AlreadyExists,
            tonic::Code::PermissionDenied => Self::PermissionDenied,
            tonic::Code::ResourceExhausted => Self::ResourceExhausted,
            tonic::Code::FailedPrecondition => Self::FailedPrecondition,
            tonic::Code::Aborted => Self::Aborted,
            tonic::Code::OutOfRange => Self::OutOfRange,
            tonic::Code::Unimplemented => Self::Unimplemented,
            tonic::Code::Internal => Self::Internal,
            tonic::Code::Unavailable => Self::Unavailable,
            tonic::Code::DataLoss => Self::DataLoss,
            tonic::Code::Unauthenticated => Self::Unauthenticated,
        }
    }
}

impl fmt::Display for GrpcCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A status with which the service refused a stream or ended one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusError {
    table: TableName,
    code: GrpcCode,
    message: String,
    error_code: Option<ErrorCode>,
    causes: Vec<SchemaCause>,
}

/// More of a service's message is not kept.
const MESSAGE_MAX: usize = 4096;

impl StatusError {
    pub(crate) fn new(table: &TableName, code: GrpcCode, message: &str) -> Self {
        Self {
            table: table.clone(),
            code,
            error_code: ErrorCode::parse_from_message(message),
            message: message.chars().take(MESSAGE_MAX).collect(),
            causes: Vec::new(),
        }
    }

    /// The table of the stream.
    #[must_use]
    pub fn table(&self) -> &TableName {
        &self.table
    }

    /// The gRPC status.
    #[must_use]
    pub fn code(&self) -> GrpcCode {
        self.code
    }

    /// The service's text, cut at 4,096 characters.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The numeric code at the end of the text, where it has one.
    #[must_use]
    pub fn error_code(&self) -> Option<ErrorCode> {
        self.error_code
    }

    /// What does not fit between the record's schema and the table's, where the service says so.
    #[must_use]
    pub fn schema_causes(&self) -> &[SchemaCause] {
        &self.causes
    }

    /// Whether the stream may be opened again as it was.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.code.is_retryable()
    }

    fn next_step(&self) -> &'static str {
        match (self.error_code, self.code) {
            (Some(ErrorCode::DESCRIPTOR_NOT_SELF_CONTAINED | ErrorCode::SCHEMA_MISMATCH), _) => {
                "pull the table's schema again and build against it"
            }
            // What the service says of text where JSON has an integer.
            (Some(ErrorCode::RECORD_REFUSED), _)
                if self.message.contains("invalid digit found in string") =>
            {
                "in JSON a TIMESTAMP is an integer, microseconds since 1970-01-01, and a DATE one too, days since then"
            }
            (Some(ErrorCode::RECORD_REFUSED), _) => {
                "a record sent and not acked does not fit the table; compare the table's schema with the one the record was built against"
            }
            (Some(ErrorCode::UNSUPPORTED_TABLE), _) => {
                "use a managed Delta table, and grant SELECT and MODIFY directly on it"
            }
            (_, GrpcCode::NotFound) => {
                "check the three parts of the table's name and the workspace"
            }
            (_, GrpcCode::Unauthenticated) => {
                "check the client id and secret, and that they belong to the endpoint's workspace"
            }
            (_, GrpcCode::PermissionDenied) => {
                "grant USE CATALOG, USE SCHEMA, and SELECT and MODIFY directly on the table"
            }
            (_, GrpcCode::Unimplemented) => "check that the endpoint is a Zerobus endpoint",
            (_, GrpcCode::ResourceExhausted) => "send less per second, or use more streams",
            (_, code) if code.is_retryable() => "try again later",
            _ => "mend what the message names, and open a new stream",
        }
    }
}

impl fmt::Display for StatusError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "table {}: {}", self.table, self.code)?;
        if !self.message.is_empty() {
            write!(f, ": {}", self.message)?;
        }
        for (i, cause) in self.causes.iter().enumerate() {
            write!(f, "{}{cause}", if i == 0 { " (causes: " } else { ", " })?;
        }
        if !self.causes.is_empty() {
            f.write_str(")")?;
        }
        write!(f, "; {}", self.next_step())
    }
}

impl std::error::Error for StatusError {}

/// Turns what the transport reports into an error: the service's own words, or a connection that broke.
pub(crate) fn error_from_status(
    status: &tonic::Status,
    table: &TableName,
    endpoint: &str,
) -> Error {
    // Only a status made on this side has a source; the service's own comes out of headers or trailers.
    if let Some(source) = status.source() {
        return Error::Connection {
            endpoint: endpoint.to_owned(),
            message: with_sources(source),
        };
    }
    let mut error = StatusError::new(table, GrpcCode::from_tonic(status.code()), status.message());
    if let Some(info) = error_info(status.details()) {
        error.causes = info
            .metadata
            .iter()
            .filter(|entry| entry.key == CAUSES_KEY)
            .flat_map(|entry| SchemaCause::parse_list(&entry.value))
            .collect();
    }
    Error::Status {
        error: Box::new(error),
    }
}

/// The error and what lies behind it, on one line. A source that only repeats the text before it is passed over.
pub(crate) fn with_sources(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        let inner = source.to_string();
        if !text.contains(&inner) {
            text.push_str(": ");
            text.push_str(&inner);
        }
        next = source.source();
    }
    text
}

/// `google.rpc.Status`, as far as it matters here.
#[derive(Clone, PartialEq, prost::Message)]
struct RpcStatus {
    #[prost(message, repeated, tag = "3")]
    details: Vec<RpcAny>,
}

/// `google.protobuf.Any`.
#[derive(Clone, PartialEq, prost::Message)]
struct RpcAny {
    #[prost(string, tag = "1")]
    type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    value: Vec<u8>,
}

/// `google.rpc.ErrorInfo`.
#[derive(Clone, PartialEq, prost::Message)]
struct ErrorInfo {
    #[prost(string, tag = "2")]
    domain: String,
    #[prost(message, repeated, tag = "3")]
    metadata: Vec<MetadataEntry>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct MetadataEntry {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(string, tag = "2")]
    value: String,
}

fn error_info(details: &[u8]) -> Option<ErrorInfo> {
    let status = <RpcStatus as prost::Message>::decode(details).ok()?;
    status
        .details
        .iter()
        .filter(|any| any.type_url.ends_with("/google.rpc.ErrorInfo"))
        .filter_map(|any| <ErrorInfo as prost::Message>::decode(any.value.as_slice()).ok())
        .find(|info| info.domain == ERROR_DOMAIN)
}

#[cfg(test)]
mod tests {
    use prost::Message as _;

    use super::*;

    fn table() -> TableName {
        TableName::parse("main.default.t").unwrap()
    }

    #[test]
    fn code_causes_and_next_step_are_told() {
        let info = ErrorInfo {
            domain: ERROR_DOMAIN.to_owned(),
            metadata: vec![MetadataEntry {
                key: CAUSES_KEY.to_owned(),
                value: "FIELD_NOT_IN_TABLE,TYPE_INCOMPATIBLE".to_owned(),
            }],
        };
        let details = RpcStatus {
            details: vec![RpcAny {
                type_url: "type.googleapis.com/google.rpc.ErrorInfo".to_owned(),
                value: info.encode_to_vec(),
            }],
        };
        let status = tonic::Status::with_details(
            tonic::Code::InvalidArgument,
            "Schema mismatch. Error Code: 8001, Error State: 2.",
            details.encode_to_vec().into(),
        );
        let error = error_from_status(&status, &table(), "https://x");
        assert_eq!(error.error_code(), Some(ErrorCode::SCHEMA_MISMATCH));
        assert_eq!(
            error.schema_causes(),
            [SchemaCause::FieldNotInTable, SchemaCause::TypeIncompatible]
        );
        assert!(!error.is_retryable());
        assert_eq!(
            error.to_string(),
            "table main.default.t: INVALID_ARGUMENT: Schema mismatch. Error Code: 8001, Error State: 2. \
             (causes: FIELD_NOT_IN_TABLE, TYPE_INCOMPATIBLE); pull the table's schema again and build against it"
        );
    }

    #[test]
    fn a_time_that_came_as_text_is_recognized() {
        let status = tonic::Status::invalid_argument(
            "Record decoder/encoder error: invalid digit found in string at line 1 column 19. \
             Error Code: 4044, Error State: 3.",
        );
        let error = error_from_status(&status, &table(), "https://x").to_string();
        assert!(
            error.ends_with("a DATE one too, days since then"),
            "{error}"
        );
    }

    #[test]
    fn details_that_are_no_status_are_passed_over() {
        let status =
            tonic::Status::with_details(tonic::Code::Unavailable, "x", vec![0xff; 40].into());
        let error = error_from_status(&status, &table(), "https://x");
        assert!(error.is_retryable());
        assert!(error.schema_causes().is_empty());
    }
}
