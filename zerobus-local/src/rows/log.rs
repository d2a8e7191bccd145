//! The data files in force, from the log's entries.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use url::Url;

use super::RowsError;

/// A data file in force.
#[derive(Debug)]
pub(super) struct DataFile {
    pub(super) path: PathBuf,
    /// Those that are not NULL.
    pub(super) partition_values: BTreeMap<String, String>,
    pub(super) rows: u64,
}

/// In the order of their commits. The server keeps all entries of its logs.
pub(super) fn files(table: &Path) -> Result<Vec<DataFile>, RowsError> {
    let log = table.join("_delta_log");
    let mut entries = Vec::new();
    for entry in fs::read_dir(&log).map_err(|error| RowsError::file(&log, &error))? {
        let path = entry.map_err(|error| RowsError::file(&log, &error))?.path();
        let stem = path
            .file_stem()
            .and_then(|stem| stem.to_str())
            .unwrap_or_default();
        let is_json = path
            .extension()
            .is_some_and(|extension| extension == "json");
        if let Some(version) = stem.parse::<u64>().ok().filter(|_| is_json) {
            entries.push((version, path));
        }
    }
    entries.sort_unstable();
    if entries.first().is_some_and(|(version, _)| *version > 0) {
        return Err(RowsError::file(
            &log,
            &"another writer has removed its first entries",
        ));
    }
    let mut files = Vec::new();
    for (_, path) in &entries {
        let text = fs::read_to_string(path).map_err(|error| RowsError::file(path, &error))?;
        for line in text.lines() {
            let action =
                serde_json::from_str(line).map_err(|error| RowsError::file(path, &error))?;
            apply(table, &action, &mut files).map_err(|problem| RowsError::file(path, &problem))?;
        }
    }
    Ok(files)
}

fn apply(table: &Path, action: &Value, files: &mut Vec<DataFile>) -> Result<(), &'static str> {
    if let Some(removed) = action.get("remove") {
        let path = path_of(table, removed)?;
        files.retain(|file| file.path != path);
    }
    let Some(added) = action.get("add") else {
        return Ok(());
    };
    if added
        .get("deletionVector")
        .is_some_and(|vector| !vector.is_null())
    {
        return Err("another writer has deleted rows by deletion vectors, which are not read here");
    }
    let values = added.get("partitionValues").and_then(Value::as_object);
    let values = values.into_iter().flatten();
    let stats = added
        .get("stats")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let stats: Value = serde_json::from_str(stats).unwrap_or_default();
    files.push(DataFile {
        path: path_of(table, added)?,
        partition_values: values
            .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
            .collect(),
        rows: stats
            .get("numRecords")
            .and_then(Value::as_u64)
            .unwrap_or_default(),
    });
    Ok(())
}

/// A path is that of a URL, relative to the table's.
fn path_of(table: &Path, action: &Value) -> Result<PathBuf, &'static str> {
    let path = action.get("path").and_then(Value::as_str);
    let table = Url::from_directory_path(table).ok();
    let joined = table
        .zip(path)
        .and_then(|(table, path)| table.join(path).ok());
    let local = joined.and_then(|url| url.to_file_path().ok());
    local.ok_or("the path of a file cannot be read")
}
