use std::fmt;
use std::io;
use std::path::Path;

use crate::error::Error;

/// What is wrong with a spool, in [`Error::Spool`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SpoolErrorKind {
    /// Another stream has the folder, in this process or another.
    InUse,
    /// It holds records for another table.
    OtherTable,
    /// It holds records of another type: the descriptor is another, or one is JSON and the other is not.
    OtherRecords,
    /// It holds records of lanes that there are none of now, or of no lane.
    OtherLanes,
    /// There is nothing to replay.
    Empty,
    /// A file is not as it was written, and it is not what a crash leaves. Nothing was sent or thrown away.
    Damaged,
    /// The folder was deleted, moved or replaced while the stream had it.
    Gone,
    /// The system refused: no room, no right to write, no such disk.
    Io(io::ErrorKind),
}

impl fmt::Display for SpoolErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::InUse => "in use",
            Self::OtherTable => "for another table",
            Self::OtherRecords => "for another type of records",
            Self::OtherLanes => "for other lanes",
            Self::Empty => "empty",
            Self::Damaged => "damaged",
            Self::Gone => "gone",
            Self::Io(kind) => return write!(f, "{kind}"),
        };
        f.write_str(text)
    }
}

pub(super) fn spool_error(path: &Path, kind: SpoolErrorKind, problem: impl Into<String>) -> Error {
    Error::Spool {
        path: path.to_owned(),
        kind,
        problem: problem.into(),
    }
}

/// The system refused to do something with `path`.
pub(super) fn io_error(path: &Path, error: &io::Error) -> Error {
    let kind = SpoolErrorKind::Io(error.kind());
    spool_error(path, kind, format!("{error}; {}", remedy(error.kind())))
}

/// What helps against it.
fn remedy(kind: io::ErrorKind) -> &'static str {
    match kind {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "make room on the disk",
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "let this process write there, or name another folder"
        }
        _ => "look to the disk, or name another folder",
    }
}

/// A file is damaged at this byte.
pub(super) fn damaged(path: &Path, at: usize, problem: &str) -> Error {
    let problem = format!(
        "at byte {at}: {problem}; nothing was sent of it: restore the file, or move it elsewhere, with the older ones \
         if there are any"
    );
    spool_error(path, SpoolErrorKind::Damaged, problem)
}

/// Why something was not written down.
#[derive(Debug)]
pub(super) enum WriteError {
    /// What is at the folder's path is another one, or nothing.
    Gone,
    Io(io::Error),
}

impl WriteError {
    /// The error of a stream whose records this keeps from its spool in `folder`.
    pub(super) fn into_error(self, folder: &Path) -> Error {
        let (kind, next) = match &self {
            Self::Gone => (
                SpoolErrorKind::Gone,
                "call recreate, which writes all of them down anew".to_owned(),
            ),
            Self::Io(error) => (
                SpoolErrorKind::Io(error.kind()),
                format!("{}, then call recreate", remedy(error.kind())),
            ),
        };
        let problem =
            format!("records cannot be written down: {self}; they are still in memory: {next}");
        spool_error(folder, kind, problem)
    }
}

impl From<io::Error> for WriteError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gone => f.write_str(
                "the folder, or a file in it, was deleted, moved or replaced while the stream had it",
            ),
            Self::Io(error) => write!(f, "{error}"),
        }
    }
}
