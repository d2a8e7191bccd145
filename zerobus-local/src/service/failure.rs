//! Commits that did not happen, and what their streams are told.

use tonic::Code;
use zerobus_proto::SchemaCause;
use zerobus_schema::ColumnPath;

use crate::decode::Mismatch;
use crate::delta::{Change, DeltaError, Unfit};

/// A commit that did not happen.
#[derive(Debug)]
pub(super) struct WriteFailure {
    /// Tells clients whether trying again may help.
    pub(super) code: Code,
    pub(super) message: String,
    /// What the table was changed to that the stream's records do not fit, where that is the reason.
    pub(super) mismatches: Vec<Mismatch>,
}

impl WriteFailure {
    pub(super) fn new(code: Code, message: String) -> Self {
        Self {
            code,
            message,
            mismatches: Vec::new(),
        }
    }

    /// `is_there` says whether the table could be opened anew.
    pub(super) fn of(error: &DeltaError, is_there: bool) -> Self {
        Self::new(code_of(error, is_there), error.to_string())
    }

    /// Nobody knows how far streams have come.
    pub(super) fn unreadable() -> Self {
        let problem = "its log cannot be read since a commit failed, so nobody knows how far streams have come";
        Self::new(Code::Unavailable, problem.to_owned())
    }

    /// Something here panicked.
    pub(super) fn broke_off() -> Self {
        Self::new(
            Code::Internal,
            "the writer of the table broke off".to_owned(),
        )
    }

    /// Another writer has changed the columns while the stream was open.
    pub(super) fn altered(unfit: Vec<Unfit>) -> Self {
        let mismatches = unfit.into_iter().map(|unfit| {
            let (cause, problem) = match unfit.change {
                Change::Dropped => (
                    SchemaCause::FieldNotInTable,
                    "it was dropped from the table",
                ),
                Change::Retyped => (
                    SchemaCause::TypeIncompatible,
                    "its type was changed in the table",
                ),
                Change::Required => (
                    SchemaCause::MissingRequiredColumn,
                    "it became NOT NULL in the table",
                ),
            };
            let root = ColumnPath::default();
            Mismatch {
                cause,
                path: unfit.path.iter().fold(root, |path, name| path.child(name)),
                problem: format!("{problem} while the stream was open"),
            }
        });
        Self {
            code: Code::InvalidArgument,
            message: "its columns were changed".to_owned(),
            mismatches: mismatches.collect(),
        }
    }
}

/// Only what may pass has a code after which clients try again.
fn code_of(error: &DeltaError, is_there: bool) -> Code {
    match error {
        DeltaError::DiskFull { .. }
        | DeltaError::NotAllowed { .. }
        | DeltaError::Conflict { .. }
        | DeltaError::Io { .. } => Code::Unavailable,
        DeltaError::Gone { .. } if is_there => Code::Unavailable,
        DeltaError::Gone { .. } => Code::NotFound,
        DeltaError::SchemaChanged { .. } | DeltaError::Unsupported { .. } => {
            Code::FailedPrecondition
        }
        _ => Code::Internal,
    }
}
