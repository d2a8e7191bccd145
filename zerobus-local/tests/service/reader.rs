//! A reader of Delta tables by hand: the Parquet files that the log adds and does not remove.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::Path;

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::Value;

/// The rows, in the order in which they were committed.
pub(crate) fn rows(table: &Path) -> Vec<RecordBatch> {
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
    let mut files = Vec::new();
    for line in log.values().flat_map(|text| text.lines()) {
        let action: Value = serde_json::from_str(line).unwrap();
        if let Some(path) = action["add"]["path"].as_str() {
            files.push(path.to_owned());
        }
        if let Some(path) = action["remove"]["path"].as_str() {
            files.retain(|file| file != path);
        }
    }
    let mut batches = Vec::new();
    for file in files {
        let file = File::open(table.join(file)).unwrap();
        let reader = ParquetRecordBatchReaderBuilder::try_new(file)
            .unwrap()
            .build()
            .unwrap();
        batches.extend(reader.map(Result::unwrap));
    }
    batches
}

/// The values of column `temp`, by which the tests tell records apart.
pub(crate) fn temps(table: &Path) -> Vec<i32> {
    let mut temps = Vec::new();
    for batch in rows(table) {
        let column = batch
            .column_by_name("temp")
            .unwrap()
            .as_primitive::<Int32Type>();
        temps.extend(column.iter().map(|temp| temp.unwrap()));
    }
    temps
}
