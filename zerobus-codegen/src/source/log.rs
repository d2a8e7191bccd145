use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use zerobus_schema::{TableSchema, delta};

use super::error::SourceError;

/// The longest line of a log that is read: the schema of a table stands on one.
const LINE_MAX: u64 = 16 * 1024 * 1024;

/// The `metaData` action that a JSON object holds or is; a version checksum (`.crc`) calls it `metadata`.
pub(super) fn metadata(object: &Map<String, Value>) -> Option<String> {
    let action = ["metaData", "metadata"]
        .iter()
        .find_map(|key| object.get(*key)?.as_object())
        .unwrap_or(object);
    let metadata = json!({ "metaData": action });
    action
        .contains_key("schemaString")
        .then(|| metadata.to_string())
}

/// Whether a text that is not JSON as a whole is JSON line by line, as a commit is.
pub(super) fn is_commit(text: &str) -> bool {
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let object = |line: &str| matches!(serde_json::from_str(line), Ok(Value::Object(_)));
    lines.next().is_some_and(object)
}

/// The table in this folder, by the newest metadata in its log.
///
/// Commits, version checksums and checkpoints are read; those in Parquet with the feature `checkpoint`.
pub(super) fn read_folder(folder: &Path) -> Result<TableSchema, SourceError> {
    let origin = folder.display().to_string();
    let log = if folder.ends_with("_delta_log") {
        folder.to_owned()
    } else {
        folder.join("_delta_log")
    };
    if !log.is_dir() {
        return Err(SourceError::new(
            &origin,
            "the folder has no _delta_log, so it is no Delta table; give such a folder, or a file",
        ));
    }
    let files = log_files(&log)?;
    if files.is_empty() {
        return Err(SourceError::new(
            &origin,
            "its _delta_log has no commit yet",
        ));
    }
    for (_, kind, file) in files.iter().rev() {
        let table = match kind {
            Kind::Parquet => read_parquet(file)?,
            _ => read_log_file(file)?,
        };
        if let Some(table) = table {
            return Ok(table);
        }
    }
    Err(SourceError::new(
        &origin,
        "no commit and no checkpoint of its _delta_log has the table's metadata; the log is not whole",
    ))
}

#[cfg(feature = "checkpoint")]
use super::checkpoint::read as read_parquet;

#[cfg(not(feature = "checkpoint"))]
fn read_parquet(path: &Path) -> Result<Option<TableSchema>, SourceError> {
    Err(SourceError::new(
        &path.display().to_string(),
        "the table's metadata stands in a Parquet checkpoint, which zerobus-codegen reads with its feature \
         `checkpoint`; turn it on, or make a snapshot with `zerobus pull`",
    ))
}

/// The files of a log; those of one version in the order in which they are cheaper to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// A checkpoint, or one of its parts.
    Parquet,
    /// A checkpoint of the newer kind.
    Json,
    /// A version checksum.
    Checksum,
    Commit,
}

/// The files of a log, oldest first.
fn log_files(log: &Path) -> Result<Vec<(u64, Kind, PathBuf)>, SourceError> {
    let io_error = |error| SourceError::io(&log.display().to_string(), error);
    let mut files = Vec::new();
    for entry in fs::read_dir(log).map_err(io_error)? {
        let path = entry.map_err(io_error)?.path();
        let Some((version, rest)) = path
            .file_name()
            .and_then(|name| name.to_str())
            .and_then(|name| name.split_once('.'))
        else {
            continue;
        };
        let kind = match rest {
            "json" => Kind::Commit,
            "crc" => Kind::Checksum,
            rest if !rest.starts_with("checkpoint.") => continue,
            rest if rest.ends_with(".json") => Kind::Json,
            rest if rest.ends_with(".parquet") => Kind::Parquet,
            _ => continue,
        };
        if let (20, Ok(version)) = (version.len(), version.parse()) {
            files.push((version, kind, path));
        }
    }
    files.sort();
    Ok(files)
}

fn read_log_file(path: &Path) -> Result<Option<TableSchema>, SourceError> {
    let origin = path.display().to_string();
    let file = File::open(path).map_err(|error| SourceError::io(&origin, error))?;
    let mut reader = BufReader::new(file);
    let mut table = None;
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = (&mut reader)
            .take(LINE_MAX)
            .read_until(b'\n', &mut line)
            .map_err(|error| SourceError::io(&origin, error))?;
        if read == 0 {
            return Ok(table);
        }
        if !may_be_metadata(&line) {
            continue;
        }
        // A torn last line is what a crash leaves; a reader of the log passes over it.
        let Ok(Value::Object(object)) = serde_json::from_slice(&line) else {
            continue;
        };
        if let Some(action) = metadata(&object) {
            let found = delta::parse_log_actions(&action)
                .map_err(|error| SourceError::schema(&origin, error))?;
            table = Some(found);
        }
    }
}

/// Keeps the many actions that only name files from being parsed.
fn may_be_metadata(line: &[u8]) -> bool {
    let key = b"schemaString";
    line.windows(key.len()).any(|window| window == key)
}
