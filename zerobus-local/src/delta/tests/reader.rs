//! A reader of Delta tables by hand.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::Value;
use url::Url;

/// The actions of every log entry, by version.
pub(super) fn log(table: &Path) -> BTreeMap<u64, Vec<Value>> {
    let mut entries = BTreeMap::new();
    for entry in fs::read_dir(table.join("_delta_log")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let Some(version) = name.strip_suffix(".json") else {
            continue;
        };
        let Ok(version) = version.parse() else {
            continue;
        };
        let text = fs::read_to_string(&path).unwrap();
        let actions = text.lines().map(|line| serde_json::from_str(line).unwrap());
        entries.insert(version, actions.collect());
    }
    entries
}

/// All actions of one kind, in order of version.
pub(super) fn actions(table: &Path, kind: &str) -> Vec<Value> {
    log(table)
        .into_values()
        .flatten()
        .filter_map(|action| action.get(kind).cloned())
        .collect()
}

/// Where the file of an action lies: its path is that of a URL, relative to the table's.
pub(super) fn path(table: &Path, action: &Value) -> PathBuf {
    let table = Url::from_directory_path(table).unwrap();
    let path = action["path"].as_str().unwrap();
    table.join(path).unwrap().to_file_path().unwrap()
}

/// The live data files, in order of version.
pub(super) fn files(table: &Path) -> Vec<PathBuf> {
    let path = |action| path(table, &action);
    let removed: Vec<_> = actions(table, "remove").into_iter().map(path).collect();
    let mut files: Vec<_> = actions(table, "add").into_iter().map(path).collect();
    files.retain(|file| !removed.contains(file));
    files
}

/// The rows of the live data files.
pub(super) fn batches(table: &Path) -> Vec<RecordBatch> {
    let files = files(table).into_iter();
    files.flat_map(|file| rows_of(&file)).collect()
}

/// The rows of one data file.
pub(super) fn rows_of(file: &Path) -> Vec<RecordBatch> {
    let file = File::open(file).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    reader.build().unwrap().map(Result::unwrap).collect()
}

/// How many rows the table has.
pub(super) fn count(table: &Path) -> usize {
    batches(table).iter().map(RecordBatch::num_rows).sum()
}
