//! The rows of a table, for those who test with it.

mod cell;
mod error;
mod log;
mod preview;

use std::fs::File;
use std::path::Path;

use arrow_array::RecordBatch;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use serde_core::de::DeserializeOwned;
use serde_json::{Map, Value};
use zerobus_schema::TableSchema;

pub use error::RowsError;
pub(crate) use log::{DataFile, LiveFiles};
pub(crate) use preview::last_rows;

type Reader = ParquetRecordBatchReaderBuilder<File>;

/// All rows in the order of their commits, each as `R` reads it.
pub(crate) fn read<R: DeserializeOwned>(
    folder: &Path,
    schema: &TableSchema,
) -> Result<Vec<R>, RowsError> {
    let mut rows = Vec::new();
    let mut live = LiveFiles::default();
    live.follow(folder)?;
    for file in live.files() {
        for batch in batches(file, reader_of(file)?, 0)? {
            for row in 0..batch.num_rows() {
                let value = object(&batch, row, file, schema)?;
                let at = rows.len();
                rows.push(
                    serde_json::from_value(value)
                        .map_err(|error| RowsError::row(at, &error.to_string()))?,
                );
            }
        }
    }
    Ok(rows)
}

/// Without the writer's own Arrow schema, so that all writers' files have the same few types.
fn reader_of(file: &DataFile) -> Result<Reader, RowsError> {
    let open = File::open(&file.path).map_err(|error| RowsError::file(&file.path, &error))?;
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    ParquetRecordBatchReaderBuilder::try_new_with_options(open, options)
        .map_err(|error| RowsError::file(&file.path, &error))
}

/// The rows after the first `skipped`.
fn batches(file: &DataFile, reader: Reader, skipped: usize) -> Result<Vec<RecordBatch>, RowsError> {
    let unreadable = |error: &dyn std::fmt::Display| RowsError::file(&file.path, error);
    let reader = reader.with_offset(skipped).build();
    let batches: Result<Vec<_>, _> = reader.map_err(|error| unreadable(&error))?.collect();
    batches.map_err(|error| unreadable(&error))
}

fn object(
    batch: &RecordBatch,
    row: usize,
    file: &DataFile,
    schema: &TableSchema,
) -> Result<Value, RowsError> {
    let mut object = Map::new();
    for field in &schema.columns.fields {
        let value = match batch.column_by_name(&field.name) {
            Some(column) => cell::value(column, row, &field.data_type),
            // The values of partition columns are in the log alone.
            None => match file.partition_values.get(&field.name) {
                Some(text) => cell::partition_value(text, &field.data_type),
                None => Ok(Value::Null),
            },
        };
        let value = value.map_err(|problem| {
            RowsError::file(&file.path, &format!("column {}: {problem}", field.name))
        })?;
        object.insert(field.name.clone(), value);
    }
    Ok(Value::Object(object))
}
