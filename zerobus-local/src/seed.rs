//! Tables that are to be there when the server starts.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use zerobus_schema::{Snapshot, TableSchema, ddl};

use crate::error::{LocalError, TableError};
use crate::service::name_of;

/// Where they are described.
#[derive(Debug, Clone)]
pub(crate) enum Seed {
    /// CREATE TABLE statements.
    Sql(String),
    /// A file of them, a snapshot, or a folder of such files.
    Path(PathBuf),
}

/// A table, and the file it came from.
type Seeded = (Option<PathBuf>, TableSchema);

impl Seed {
    pub(crate) fn read(&self) -> Result<Vec<Seeded>, LocalError> {
        match self {
            Self::Sql(sql) => statements(None, sql),
            Self::Path(path) if path.is_dir() => {
                let mut tables = Vec::new();
                for file in files(path)? {
                    tables.extend(read_file(&file)?);
                }
                Ok(tables)
            }
            Self::Path(path) => read_file(path),
        }
    }
}

/// The table of a seed cannot be had.
pub(crate) fn refused(path: Option<PathBuf>, source: TableError) -> LocalError {
    let source = Box::new(source);
    LocalError::SeedTable { path, source }
}

/// In the order of their names, so that every start is the same.
fn files(folder: &Path) -> Result<Vec<PathBuf>, LocalError> {
    let unreadable = |source| LocalError::SeedFile {
        path: folder.to_owned(),
        source,
    };
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let is_seed =
            [Some("sql"), Some("json")].contains(&path.extension().and_then(OsStr::to_str));
        if is_seed && path.is_file() {
            files.push(path);
        }
    }
    files.sort_unstable();
    Ok(files)
}

fn read_file(path: &Path) -> Result<Vec<Seeded>, LocalError> {
    let text = fs::read_to_string(path).map_err(|source| LocalError::SeedFile {
        path: path.to_owned(),
        source,
    })?;
    if !text.trim_start().starts_with('{') {
        return statements(Some(path), &text);
    }
    let snapshot = Snapshot::parse(&text).map_err(|source| LocalError::SeedSnapshot {
        path: path.to_owned(),
        source: Box::new(source),
    })?;
    named(Some(path), vec![snapshot.schema().clone()])
}

fn statements(path: Option<&Path>, sql: &str) -> Result<Vec<Seeded>, LocalError> {
    let tables = ddl::parse_create_tables(sql).map_err(|source| LocalError::Seed {
        path: path.map(Path::to_owned),
        source,
    })?;
    named(path, tables)
}

fn named(path: Option<&Path>, tables: Vec<TableSchema>) -> Result<Vec<Seeded>, LocalError> {
    let path = path.map(Path::to_owned);
    for table in &tables {
        name_of(table).map_err(|error| refused(path.clone(), error))?;
    }
    Ok(tables
        .into_iter()
        .map(|table| (path.clone(), table))
        .collect())
}
