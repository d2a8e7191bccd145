use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::ReadError;

/// The state of a table: what its log says when all of it is read.
#[derive(Debug)]
pub struct DeltaLog {
    /// The last version.
    pub version: u64,
    /// The schema, as the table's metadata holds it.
    pub schema: Value,
    /// The data files in force, in the order they were committed.
    pub files: Vec<DataFile>,
}

/// A data file in force.
#[derive(Debug)]
pub struct DataFile {
    /// Where it lies.
    pub path: PathBuf,
    /// The version that added it.
    pub version: u64,
    /// The number of rows that its statistics name.
    pub num_records: Option<u64>,
}

impl DeltaLog {
    /// Reads `_delta_log` below the table's folder.
    ///
    /// # Errors
    /// [`ReadError`] when there is no log, a version is missing, or an action cannot be read.
    pub fn read(table: &Path) -> Result<Self, ReadError> {
        let folder = table.join("_delta_log");
        let mut schema = None;
        let mut files: BTreeMap<String, DataFile> = BTreeMap::new();
        let mut versions = commits(&folder)?.into_iter();
        let mut last = None;
        for (expected, (version, path)) in (0..).zip(&mut versions) {
            if version != expected {
                return Err(ReadError::new(
                    &folder,
                    format!("version {expected} is missing"),
                ));
            }
            let text = fs::read_to_string(&path).map_err(|error| ReadError::new(&path, error))?;
            for line in text.lines() {
                let action: Value =
                    serde_json::from_str(line).map_err(|error| ReadError::new(&path, error))?;
                apply(&action, version, table, &mut schema, &mut files)
                    .map_err(|problem| ReadError::new(&path, problem))?;
            }
            last = Some(version);
        }
        let version = last.ok_or_else(|| ReadError::new(&folder, "there is no commit"))?;
        let schema = schema.ok_or_else(|| ReadError::new(&folder, "no commit has metadata"))?;
        let mut files: Vec<DataFile> = files.into_values().collect();
        files.sort_by(|a, b| (a.version, &a.path).cmp(&(b.version, &b.path)));
        Ok(Self {
            version,
            schema,
            files,
        })
    }

    /// The rows of all files, by their statistics; `None` when a file has none.
    #[must_use]
    pub fn num_records(&self) -> Option<u64> {
        self.files.iter().map(|file| file.num_records).sum()
    }
}

fn commits(folder: &Path) -> Result<Vec<(u64, PathBuf)>, ReadError> {
    let mut commits = Vec::new();
    for entry in fs::read_dir(folder).map_err(|error| ReadError::new(folder, error))? {
        let path = entry.map_err(|error| ReadError::new(folder, error))?.path();
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        if let Some(version) = name
            .strip_suffix(".json")
            .and_then(|stem| stem.parse().ok())
        {
            commits.push((version, path));
        }
    }
    commits.sort_unstable();
    Ok(commits)
}

fn apply(
    action: &Value,
    version: u64,
    table: &Path,
    schema: &mut Option<Value>,
    files: &mut BTreeMap<String, DataFile>,
) -> Result<(), String> {
    let path_of = |action: &Value| {
        action
            .get("path")
            .and_then(Value::as_str)
            .map(str::to_owned)
            .ok_or("an action has no path")
    };
    if let Some(metadata) = action.get("metaData") {
        let text = metadata
            .get("schemaString")
            .and_then(Value::as_str)
            .unwrap_or_default();
        *schema =
            Some(serde_json::from_str(text).map_err(|error| format!("schemaString: {error}"))?);
        if metadata
            .pointer("/configuration/delta.columnMapping.mode")
            .is_some_and(|mode| mode != "none")
        {
            return Err("the table maps its columns, which this reader does not know".to_owned());
        }
    }
    if let Some(add) = action.get("add") {
        if add
            .get("deletionVector")
            .is_some_and(|vector| !vector.is_null())
        {
            return Err("a file has a deletion vector, which this reader does not know".to_owned());
        }
        let path = path_of(add)?;
        let stats: Value = add
            .get("stats")
            .and_then(Value::as_str)
            .and_then(|stats| serde_json::from_str(stats).ok())
            .unwrap_or_default();
        let num_records = stats.get("numRecords").and_then(Value::as_u64);
        files.insert(
            path.clone(),
            DataFile {
                path: table.join(&path),
                version,
                num_records,
            },
        );
    }
    if let Some(remove) = action.get("remove") {
        files.remove(&path_of(remove)?);
    }
    Ok(())
}
