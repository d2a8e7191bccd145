//! Refusals in the service's own form: status, text, numeric code, details.

use bytes::Bytes;
use prost::Message as _;
use tonic::{Code, Status};
use zerobus_proto::{CAUSES_KEY, ERROR_CODE_KEY, ERROR_DOMAIN, ErrorCode, SCHEMA_ERROR_REASON};
use zerobus_schema::TableName;

use super::failure::WriteFailure;
use crate::decode::{Fault, Mismatch};

/// The most mismatches that one text lists.
const LISTED_MAX: usize = 20;

/// So long a text takes no more of them, in bytes: clients take 8 KiB of trailers, and it is in the details once more.
const TEXT_MAX: usize = 1_500;

/// The state of a record that is refused, wherever one was reported. What states mean is not published, and no other is
/// known.
const REFUSED_STATE: u32 = 3;

/// A status with a numeric code at the end of its text.
pub(super) fn coded(code: ErrorCode, text: &str) -> Status {
    let grpc = code.grpc_code().unwrap_or(Code::InvalidArgument);
    let state = match code {
        ErrorCode::RECORD_REFUSED => REFUSED_STATE,
        _ => 0,
    };
    Status::new(grpc, code.message(text, state))
}

/// The status of a record that does not fit its table; `which` says where it came from. It begins with the words that
/// users of the service report.
pub(super) fn unfit(fault: &Fault, which: &str) -> Status {
    let text = format!("Record decoder/encoder error: {fault}, in {which}.");
    coded(ErrorCode::RECORD_REFUSED, &text)
}

/// The status of records that their table's writer could not write; `lost` says which.
pub(super) fn write_failed(table: &TableName, failure: &WriteFailure, lost: &str) -> Status {
    if !failure.mismatches.is_empty() {
        return schema_mismatch(table, &failure.mismatches);
    }
    let text = format!(
        "Table {table} could not be written: {}. Nothing {lost} was kept.",
        failure.message
    );
    Status::new(failure.code, text)
}

/// What there is to say when the server stops.
pub(super) fn stopping() -> Status {
    Status::unavailable("The server is shutting down; reconnect.")
}

/// What a stream is told whose token expires.
pub(super) fn expired() -> Status {
    Status::unauthenticated(
        "Token expired while the stream was open: ask /oidc/v1/token for a new one, reconnect, and send again what was \
         not acked.",
    )
}

/// The status of a schema that does not fit its table, with the causes in a `google.rpc.ErrorInfo`.
pub(super) fn schema_mismatch(table: &TableName, mismatches: &[Mismatch]) -> Status {
    let mut text = format!("The record's schema does not fit table {table}: ");
    for (i, mismatch) in mismatches.iter().enumerate() {
        if i > 0 {
            text.push_str("; ");
        }
        if i == LISTED_MAX || text.len() > TEXT_MAX {
            text.push_str(&format!("and {} more", mismatches.len() - i));
            break;
        }
        text.push_str(&mismatch.to_string());
    }
    text.push('.');
    let mut causes: Vec<&str> = Vec::new();
    for mismatch in mismatches {
        if !causes.contains(&mismatch.cause.as_str()) {
            causes.push(mismatch.cause.as_str());
        }
    }
    let code = ErrorCode::SCHEMA_MISMATCH;
    let message = code.message(&text, 0);
    let info = ErrorInfo {
        reason: SCHEMA_ERROR_REASON.to_owned(),
        domain: ERROR_DOMAIN.to_owned(),
        metadata: [
            (ERROR_CODE_KEY.to_owned(), code.to_string()),
            (CAUSES_KEY.to_owned(), causes.join(",")),
        ]
        .into(),
    };
    let details = RpcStatus {
        code: i32::from(Code::InvalidArgument),
        message: message.clone(),
        details: vec![prost_types::Any {
            type_url: "type.googleapis.com/google.rpc.ErrorInfo".to_owned(),
            value: info.encode_to_vec(),
        }],
    };
    Status::with_details(
        Code::InvalidArgument,
        message,
        Bytes::from(details.encode_to_vec()),
    )
}

/// `google.rpc.Status`, which travels beside a gRPC status.
#[derive(Clone, PartialEq, prost::Message)]
struct RpcStatus {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
    #[prost(message, repeated, tag = "3")]
    details: Vec<prost_types::Any>,
}

/// `google.rpc.ErrorInfo`.
#[derive(Clone, PartialEq, prost::Message)]
struct ErrorInfo {
    #[prost(string, tag = "1")]
    reason: String,
    #[prost(string, tag = "2")]
    domain: String,
    #[prost(btree_map = "string, string", tag = "3")]
    metadata: std::collections::BTreeMap<String, String>,
}
