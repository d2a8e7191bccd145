use std::fmt;
use std::path::{Path, PathBuf};

use zerobus_schema::{NameError, TableName};

/// Why the rows of a table could not be had.
#[derive(Debug)]
#[non_exhaustive]
pub enum RowsError {
    /// The name does not have three parts.
    Name(NameError),
    /// There is no such table.
    Unknown {
        /// The table.
        table: TableName,
    },
    /// A file of the table cannot be read.
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A row is no value of the type that was asked for.
    Row {
        /// Its place among the rows, from 0.
        row: usize,
        /// What does not fit.
        problem: String,
    },
    /// They did not come in time.
    TimedOut {
        /// The table.
        table: TableName,
        /// How many were waited for.
        expected: u64,
        /// How many there are.
        found: u64,
    },
}

impl RowsError {
    pub(super) fn file(path: &Path, problem: &dyn fmt::Display) -> Self {
        Self::File {
            path: path.to_owned(),
            problem: problem.to_string(),
        }
    }

    pub(super) fn row(row: usize, problem: &str) -> Self {
        Self::Row {
            row,
            problem: problem.to_owned(),
        }
    }
}

impl fmt::Display for RowsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(error) => error.fmt(f),
            Self::Unknown { table } => write!(f, "table {table} does not exist"),
            Self::File { path, problem } => write!(f, "{}: {problem}", path.display()),
            Self::Row { row, problem } => write!(
                f,
                "row {row} is none of the type that was asked for: {problem}"
            ),
            Self::TimedOut {
                table,
                expected,
                found,
            } => write!(
                f,
                "table {table} has {found} rows, {expected} were waited for"
            ),
        }
    }
}

impl std::error::Error for RowsError {}
