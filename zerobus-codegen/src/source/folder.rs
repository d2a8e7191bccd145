use std::fs;
use std::path::Path;

use zerobus_schema::{Snapshot, TableSchema};

use super::error::SourceError;

/// The snapshots in a folder, by file name; `None` where it has none, or is the folder of a Delta table.
pub(super) fn read_snapshots(folder: &Path) -> Result<Option<Vec<TableSchema>>, SourceError> {
    if folder.ends_with("_delta_log") || folder.join("_delta_log").is_dir() {
        return Ok(None);
    }
    let io_error = |error| SourceError::io(&folder.display().to_string(), error);
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(io_error)? {
        let path = entry.map_err(io_error)?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        if name.is_some_and(|name| name.ends_with(".json") && !name.starts_with('.')) {
            files.push(path);
        }
    }
    if files.is_empty() {
        return Ok(None);
    }
    // What a folder's listing gives has no order.
    files.sort_unstable();
    let tables = files.iter().map(|file| {
        let origin = file.display().to_string();
        let text = fs::read_to_string(file).map_err(|error| SourceError::io(&origin, error))?;
        match Snapshot::parse(&text) {
            Ok(snapshot) => Ok(snapshot.schema().clone()),
            Err(error) => Err(SourceError::new(&origin, error.to_string())),
        }
    });
    tables.collect::<Result<_, _>>().map(Some)
}
