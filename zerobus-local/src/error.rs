use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use zerobus_schema::{NameError, SchemaError, SnapshotError, TableName};

use crate::delta::DeltaError;

/// Why the server could not start.
#[derive(Debug)]
#[non_exhaustive]
pub enum LocalError {
    /// The address cannot be listened on.
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The data folder cannot be made, read or written.
    DataFolder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The certificate authority of the data folder cannot be read, made or used.
    Tls {
        /// Its file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// Another server has the data folder.
    Locked {
        /// The folder.
        path: PathBuf,
    },
    /// The seed file cannot be read.
    SeedFile {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The seed is no sequence of CREATE TABLE statements.
    Seed {
        /// The file, where it came from one.
        path: Option<PathBuf>,
        /// What is wrong, with line and column.
        source: SchemaError,
    },
    /// The seed is no snapshot that can be read.
    SeedSnapshot {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: Box<SnapshotError>,
    },
    /// A table of a seed cannot be created.
    SeedTable {
        /// The file, where it came from one.
        path: Option<PathBuf>,
        /// Why.
        source: Box<TableError>,
    },
    /// A table of the data folder cannot be opened.
    Table(TableError),
}

impl fmt::Display for LocalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listen { address, source } => write!(
                f,
                "cannot listen on {address}: {source}; choose another port, or 0 for a free one"
            ),
            Self::DataFolder { path, source } => write!(
                f,
                "the data folder {} cannot be used: {source}; choose one that can be written",
                path.display()
            ),
            Self::Tls { path, problem } => write!(
                f,
                "no TLS with {}: {problem}; remove the file, and another one is made",
                path.display()
            ),
            Self::Locked { path } => write!(
                f,
                "the data folder {} is in use by another server; stop it or choose another folder",
                path.display()
            ),
            Self::SeedFile { path, source } => {
                write!(f, "the seed {} cannot be read: {source}", path.display())
            }
            Self::Seed { path, source } => {
                match path {
                    // `file:line:column: …`, as compilers write it.
                    Some(path) => write!(f, "{}:{source}", path.display())?,
                    None => write!(f, "seed: {source}")?,
                }
                match source.excerpt() {
                    Some(excerpt) => write!(f, "\n{excerpt}"),
                    None => Ok(()),
                }
            }
            Self::SeedSnapshot { path, source } => write!(f, "{}: {source}", path.display()),
            Self::SeedTable { path, source } => match path {
                Some(path) => write!(f, "{}: {source}", path.display()),
                None => write!(f, "seed: {source}"),
            },
            Self::Table(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for LocalError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Listen { source, .. }
            | Self::DataFolder { source, .. }
            | Self::SeedFile { source, .. } => Some(source),
            Self::Seed { source, .. } => Some(source),
            Self::SeedSnapshot { source, .. } => Some(&**source),
            Self::SeedTable { source, .. } => Some(&**source),
            Self::Table(error) => error.source(),
            Self::Locked { .. } | Self::Tls { .. } => None,
        }
    }
}

impl From<TableError> for LocalError {
    fn from(error: TableError) -> Self {
        Self::Table(error)
    }
}

/// Why a table cannot be opened or created.
#[derive(Debug)]
#[non_exhaustive]
pub enum TableError {
    /// The name does not have the three parts a table needs here.
    Name(NameError),
    /// There is no name at all.
    NoName,
    /// There is such a table.
    Exists {
        /// The table.
        table: TableName,
    },
    /// There is a table of this name with other columns.
    Different {
        /// The table.
        table: TableName,
        /// The first column that differs, as it is and as it was wanted.
        difference: String,
    },
    /// The table asks for something that this server does not do.
    Unsupported {
        /// The table.
        table: TableName,
        /// What, and what to do instead.
        reason: String,
    },
    /// A file or folder of the tables cannot be read.
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The table on the disk cannot be read or written.
    Storage {
        /// The table.
        table: TableName,
        /// What is wrong with it, and what to do.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl TableError {
    pub(crate) fn storage(table: &TableName, error: DeltaError) -> Self {
        match error {
            DeltaError::Unsupported { reason } => Self::Unsupported {
                table: table.clone(),
                reason,
            },
            error => Self::Storage {
                table: table.clone(),
                source: Box::new(error),
            },
        }
    }
}

impl fmt::Display for TableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(error) => error.fmt(f),
            Self::NoName => f.write_str("a table needs a name: catalog.schema.table"),
            Self::Exists { table } => write!(f, "table {table} exists already"),
            Self::Different { table, difference } => write!(
                f,
                "table {table} exists with other columns: {difference}; remove its folder or use another data folder"
            ),
            Self::Unsupported { table, reason } => write!(f, "table {table}: {reason}"),
            Self::Io { path, source } => {
                write!(f, "{} cannot be read: {source}", path.display())
            }
            Self::Storage { table, source } => write!(f, "table {table}: {source}"),
        }
    }
}

impl std::error::Error for TableError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Name(error) => Some(error),
            Self::Io { source, .. } => Some(source),
            Self::Storage { source, .. } => Some(&**source),
            _ => None,
        }
    }
}
