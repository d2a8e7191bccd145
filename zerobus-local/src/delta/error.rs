//! What can go wrong with a table on disk.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use delta_kernel::KernelError;

/// Why a table could not be created, opened or appended to.
///
/// After an error from [`append`](super::DeltaTable::append) the rows of that call are not
/// acknowledged: they may be sent again. What was committed before stays committed.
#[derive(Debug)]
#[non_exhaustive]
pub(crate) enum DeltaError {
    /// The folder refuses: permissions, or a read-only file system.
    NotAllowed {
        /// The file or folder that was refused.
        path: PathBuf,
        /// What was being done to it.
        action: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The disk, or the quota on it, is full, or files may not become as large.
    DiskFull {
        /// The file that did not fit.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A folder that the table had is no longer there.
    Gone {
        /// What was not found.
        path: PathBuf,
    },
    /// There is a table at this path already.
    AlreadyExists {
        /// The table's folder.
        path: PathBuf,
    },
    /// There is no table at this path, or none whose first log entry is whole.
    NotATable {
        /// The folder that was to be opened.
        path: PathBuf,
    },
    /// A log entry in the middle of the log, or a checkpoint, cannot be read.
    Corrupt {
        /// The file.
        path: PathBuf,
        /// Where in it, and what is wrong.
        reason: String,
    },
    /// The schema or the properties ask for something that this storage does not write.
    Unsupported {
        /// What was asked for, and what to do instead.
        reason: String,
    },
    /// The columns of a batch are not those of [`arrow_schema`](super::DeltaTable::arrow_schema).
    WrongBatch {
        /// The path of the column, or the table's folder when the columns differ in number.
        column: String,
        /// What the table has.
        expected: String,
        /// What the batch has.
        found: String,
    },
    /// Other writers won every attempt to commit.
    Conflict {
        /// The version that was tried last.
        version: u64,
    },
    /// Another writer changed the table's columns or settings. The table must be opened anew.
    SchemaChanged {
        /// The version that holds the new columns.
        version: u64,
    },
    /// Any other failure of the system.
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was being done to it.
        action: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The Delta kernel refused; its own words.
    Kernel(String),
}

impl DeltaError {
    /// Sorts a failure of the system by what its reader can do about it.
    pub(crate) fn io(path: &Path, action: &'static str, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                Self::NotAllowed {
                    path,
                    action,
                    source,
                }
            }
            io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::FileTooLarge => Self::DiskFull { path, source },
            io::ErrorKind::NotFound => Self::Gone { path },
            _ => Self::Io {
                path,
                action,
                source,
            },
        }
    }
}

impl fmt::Display for DeltaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAllowed {
                path,
                action,
                source,
            } => write!(
                f,
                "could not {action} {} ({source}); give the server's user access to the data \
                 folder or choose another one",
                path.display()
            ),
            Self::DiskFull { path, source } => {
                let remedy = match source.kind() {
                    io::ErrorKind::FileTooLarge => "raise the limit on the size of files",
                    _ => "free space on the disk",
                };
                write!(
                    f,
                    "the disk has no room for {} ({source}); {remedy} and send the records again",
                    path.display()
                )
            }
            Self::Gone { path } => write!(
                f,
                "{} is gone: the table's folder was moved or deleted while it was open; put it \
                 back or create the table again",
                path.display()
            ),
            Self::AlreadyExists { path } => {
                write!(f, "{} holds a Delta table already", path.display())
            }
            Self::NotATable { path } => write!(
                f,
                "{} holds no Delta table: `_delta_log` has no whole first entry",
                path.display()
            ),
            Self::Corrupt { path, reason } => write!(
                f,
                "{} cannot be read: {reason}; restore the file from a copy of the table",
                path.display()
            ),
            Self::Unsupported { reason } => f.write_str(reason),
            Self::WrongBatch {
                column,
                expected,
                found,
            } => write!(f, "column {column}: expected {expected}, found {found}"),
            Self::Conflict { version } => write!(
                f,
                "other writers took every version up to {version}; send the records again"
            ),
            Self::SchemaChanged { version } => write!(
                f,
                "version {version} of the table, written by another writer, has other columns or \
                 settings; open the table again"
            ),
            Self::Io {
                path,
                action,
                source,
            } => write!(f, "could not {action} {}: {source}", path.display()),
            Self::Kernel(message) => write!(f, "Delta: {message}"),
        }
    }
}

impl std::error::Error for DeltaError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::NotAllowed { source, .. }
            | Self::DiskFull { source, .. }
            | Self::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}

/// Back out of the kernel: our own errors pass through it boxed.
impl From<KernelError> for DeltaError {
    fn from(error: KernelError) -> Self {
        match error {
            KernelError::Backtraced { source, .. } => Self::from(*source),
            KernelError::GenericError { source } => match source.downcast::<Self>() {
                Ok(ours) => *ours,
                Err(other) => Self::Kernel(other.to_string()),
            },
            KernelError::FileNotFound(path) => Self::Gone { path: path.into() },
            KernelError::Unsupported(reason) => Self::Unsupported { reason },
            KernelError::TableAlreadyExistsAtPath(path) => {
                Self::AlreadyExists { path: path.into() }
            }
            other => Self::Kernel(other.to_string()),
        }
    }
}

/// Into the kernel, which knows two of these by name.
impl From<DeltaError> for KernelError {
    fn from(error: DeltaError) -> Self {
        match error {
            DeltaError::Gone { path } => Self::FileNotFound(path.display().to_string()),
            DeltaError::AlreadyExists { path } => {
                Self::FileAlreadyExists(path.display().to_string())
            }
            other => Self::GenericError {
                source: Box::new(other),
            },
        }
    }
}
