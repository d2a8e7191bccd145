use std::fs;
use std::path::Path;

use zerobus_schema::{Snapshot, TableSchema};

use super::error::SourceError;
use crate::snapshot_file::snapshot_files;

/// The snapshots in a folder, by file name; `None` where it has none, or is the folder of a Delta table.
pub(super) fn read_snapshots(folder: &Path) -> Result<Option<Vec<TableSchema>>, SourceError> {
    if folder.ends_with("_delta_log") || folder.join("_delta_log").is_dir() {
        return Ok(None);
    }
    let names = snapshot_files(folder)
        .map_err(|error| SourceError::io(&folder.display().to_string(), error))?;
    if names.is_empty() {
        return Ok(None);
    }
    let tables = names.iter().map(|name| {
        let file = folder.join(name);
        let origin = file.display().to_string();
        let text = fs::read_to_string(&file).map_err(|error| SourceError::io(&origin, error))?;
        match Snapshot::parse(&text) {
            Ok(snapshot) => Ok(snapshot.schema().clone()),
            Err(error) => Err(SourceError::new(&origin, error.to_string())),
        }
    });
    tables.collect::<Result<_, _>>().map(Some)
}
