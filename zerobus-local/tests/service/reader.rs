//! A reader of Delta tables by hand: the Parquet files that the log adds and does not remove.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::Value;
use url::Url;

/// A data file in force.
pub(crate) struct DataFile {
    pub(crate) path: PathBuf,
    pub(crate) partition_values: Value,
}

/// The data files, in the order in which they were committed.
pub(crate) fn files(table: &Path) -> Vec<DataFile> {
    let mut log = BTreeMap::new();
    for entry in fs::read_dir(table.join("_delta_log")).unwrap() {
        let path = entry.unwrap().path();
        if path
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            log.insert(
                path.file_name().unwrap().to_owned(),
                fs::read_to_string(&path).unwrap(),
            );
        }
    }
    // A path is that of a URL, relative to the table's.
    let table = Url::from_directory_path(table).unwrap();
    let local = |path: &str| table.join(path).unwrap().to_file_path().unwrap();
    let mut files = Vec::new();
    for line in log.values().flat_map(|text| text.lines()) {
        let action: Value = serde_json::from_str(line).unwrap();
        if let Some(path) = action["add"]["path"].as_str() {
            files.push(DataFile {
                path: local(path),
                partition_values: action["add"]["partitionValues"].clone(),
            });
        }
        if let Some(path) = action["remove"]["path"].as_str() {
            files.retain(|file| file.path != local(path));
        }
    }
    files
}

/// The rows of one data file.
pub(crate) fn rows_of(file: &Path) -> Vec<RecordBatch> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(file).unwrap()).unwrap();
    reader.build().unwrap().map(Result::unwrap).collect()
}

/// The rows, in the order in which they were committed.
pub(crate) fn rows(table: &Path) -> Vec<RecordBatch> {
    let files = files(table).into_iter();
    files.flat_map(|file| rows_of(&file.path)).collect()
}

/// The values of column `temp`, by which the tests tell records apart.
pub(crate) fn temps(table: &Path) -> Vec<i32> {
    temps_of(&rows(table))
}

pub(crate) fn temps_of(batches: &[RecordBatch]) -> Vec<i32> {
    let mut temps = Vec::new();
    for batch in batches {
        let column = batch
            .column_by_name("temp")
            .unwrap()
            .as_primitive::<Int32Type>();
        temps.extend(column.iter().map(|temp| temp.unwrap()));
    }
    temps
}
