use std::fs;
use std::path::{Path, PathBuf};

use zerobus_schema::{Snapshot, TableSchema};

use crate::source::SourceError;

/// What became of a snapshot file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SnapshotChange {
    /// There was none.
    Created,
    /// The table has changed since.
    Updated,
    /// The file holds the table as it is, and was not touched.
    Unchanged,
}

/// A snapshot file that is up to date.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SavedSnapshot {
    /// The file.
    pub path: PathBuf,
    /// The snapshot it holds.
    pub snapshot: Snapshot,
    /// What was done to it.
    pub change: SnapshotChange,
}

/// Writes the snapshot of a table into `folder`, or updates the one that is there: field numbers once given are kept.
///
/// # Errors
/// [`SourceError`] when the table has no full name, the present file is no snapshot, or writing fails; the present file is
/// then as it was.
pub fn save_snapshot(folder: &Path, table: TableSchema) -> Result<SavedSnapshot, SourceError> {
    let Some(name) = table.table.as_ref().and_then(|name| name.to_full().ok()) else {
        return Err(SourceError::new(
            &folder.display().to_string(),
            "a snapshot is named after its table, and the source gives no full name, catalog.schema.table",
        ));
    };
    let path = folder.join(format!("{name}.json"));
    let origin = path.display().to_string();
    let present = match fs::read_to_string(&path) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(SourceError::io(&origin, error)),
    };
    let snapshot = match &present {
        None => Snapshot::new(table),
        Some(text) => Snapshot::parse(text)
            .map_err(|error| SourceError::new(&origin, error.to_string()))?
            .update(table),
    };
    let text = snapshot.to_json();
    let change = match present {
        Some(present) if present == text => SnapshotChange::Unchanged,
        Some(_) => SnapshotChange::Updated,
        None => SnapshotChange::Created,
    };
    if change != SnapshotChange::Unchanged {
        write_file(&path, text.as_bytes()).map_err(|error| SourceError::io(&origin, error))?;
    }
    Ok(SavedSnapshot {
        path,
        snapshot,
        change,
    })
}

/// The names of the snapshot files in a folder, sorted; none where there is no such folder.
///
/// # Errors
/// What the file system says.
pub fn snapshot_files(folder: &Path) -> std::io::Result<Vec<String>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut names = Vec::new();
    for entry in entries {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.ends_with(".json") && !name.starts_with('.') {
            names.push(name);
        }
    }
    // What a folder's listing gives has no order.
    names.sort_unstable();
    Ok(names)
}

/// Writes a file whole or not at all, with the folders it lies in: another process sees what was there before, or all
/// of the new. A file that is a link to another one stays that.
///
/// # Errors
/// What the file system says; the file is then as it was.
pub fn write_file(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let path = &fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut temporary = path.as_os_str().to_owned();
    // Two processes that write one file do not write into each other.
    temporary.push(format!(".{}.tmp", std::process::id()));
    let written = fs::write(&temporary, bytes).and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written
}
