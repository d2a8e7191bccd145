#[cfg(feature = "checkpoint")]
mod checkpoint;
mod detect;
mod error;
mod folder;
mod log;

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use zerobus_schema::TableSchema;

pub use error::SourceError;

/// The most bytes of a text that are read. A commit of a Delta log is the longest of all kinds.
const TEXT_MAX: u64 = 64 * 1024 * 1024;

/// A schema as somebody has written it down, read.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Source {
    /// What kind of text it was.
    pub kind: SourceKind,
    /// The tables, in the text's order; at least one.
    pub tables: Vec<TableSchema>,
    /// Where it came from, for messages.
    pub origin: String,
    /// The file's name without its extension: what the message is named after when the table has no name.
    pub stem: Option<String>,
}

/// The kinds of text that hold a schema, told apart by their content alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SourceKind {
    /// A snapshot of this toolkit.
    Snapshot,
    /// What Unity Catalog answers about a table, a list of tables, or columns.
    Catalog,
    /// Delta's schema JSON.
    DeltaSchema,
    /// A commit, or the whole log, of a Delta table.
    DeltaLog,
    /// `CREATE TABLE` statements.
    CreateTable,
    /// A bare column list, `a INT, b STRING`.
    ColumnList,
}

impl SourceKind {
    /// The kind in words.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Snapshot => "snapshot",
            Self::Catalog => "catalog answer",
            Self::DeltaSchema => "Delta schema",
            Self::DeltaLog => "Delta log",
            Self::CreateTable => "CREATE TABLE",
            Self::ColumnList => "column list",
        }
    }
}

impl Source {
    /// Reads a text, telling its kind from its content. `origin` is where it came from, such as a file's path: errors
    /// begin with it, and its stem is kept.
    ///
    /// # Errors
    /// [`SourceError`] with origin, line and column, or the column's path.
    pub fn read(text: &str, origin: &str) -> Result<Self, SourceError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let (kind, tables) =
            detect::read(text).map_err(|error| SourceError::schema(origin, error))?;
        Ok(Self {
            kind,
            tables,
            origin: origin.to_owned(),
            stem: Path::new(origin)
                .file_stem()
                .and_then(|stem| stem.to_str())
                .map(str::to_owned),
        })
    }

    /// Reads a file, the folder of a Delta table, a folder of snapshots, or, for `-`, the standard input.
    ///
    /// # Errors
    /// [`SourceError`] when it cannot be read, or holds no schema.
    pub fn open(path: &Path) -> Result<Self, SourceError> {
        if path == Path::new("-") {
            let text = read_text(io::stdin().lock(), "<stdin>")?;
            let source = Self::read(&text, "<stdin>")?;
            return Ok(Self {
                stem: None,
                ..source
            });
        }
        let origin = path.display().to_string();
        let io_error = |error| SourceError::io(&origin, error);
        if path.is_dir() {
            if let Some(tables) = folder::read_snapshots(path)? {
                return Ok(Self {
                    kind: SourceKind::Snapshot,
                    tables,
                    stem: None,
                    origin,
                });
            }
            let tables = vec![log::read_folder(path)?];
            return Ok(Self {
                kind: SourceKind::DeltaLog,
                tables,
                stem: path
                    .file_name()
                    .and_then(|name| name.to_str())
                    .map(str::to_owned),
                origin,
            });
        }
        let file = File::open(path).map_err(io_error)?;
        Self::read(&read_text(file, &origin)?, &origin)
    }

    /// The table, where there is exactly one.
    ///
    /// # Errors
    /// [`SourceError`] naming the tables, where there are several.
    pub fn table(&self) -> Result<&TableSchema, SourceError> {
        match self.tables.as_slice() {
            [table] => Ok(table),
            tables => {
                let names: Vec<String> = tables
                    .iter()
                    .map(|table| match &table.table {
                        Some(name) => name.to_string(),
                        None => "(no name)".to_owned(),
                    })
                    .collect();
                Err(SourceError::new(
                    &self.origin,
                    format!(
                        "expected one table, found {}: {}; give one of them alone",
                        tables.len(),
                        names.join(", ")
                    ),
                ))
            }
        }
    }
}

fn read_text(reader: impl Read, origin: &str) -> Result<String, SourceError> {
    let mut text = String::new();
    reader
        .take(TEXT_MAX + 1)
        .read_to_string(&mut text)
        .map_err(|error| match error.kind() {
            io::ErrorKind::InvalidData => SourceError::new(
                origin,
                "it is not UTF-8 text; give JSON or DDL, or the folder of a Delta table",
            ),
            _ => SourceError::io(origin, error),
        })?;
    if u64::try_from(text.len()).is_ok_and(|length| length > TEXT_MAX) {
        return Err(SourceError::new(
            origin,
            format!("it is longer than {TEXT_MAX} bytes"),
        ));
    }
    Ok(text)
}
