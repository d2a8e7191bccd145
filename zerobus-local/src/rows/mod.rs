//! The rows of a table, for those who test with it.

mod cell;
mod error;
mod log;

use std::fs::File;
use std::path::Path;

use arrow_array::RecordBatch;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_core::de::DeserializeOwned;
use serde_json::{Map, Value};
use zerobus_schema::TableSchema;

pub use error::RowsError;
use log::DataFile;

/// All rows in the order of their commits, each as `R` reads it.
pub(crate) fn read<R: DeserializeOwned>(
    folder: &Path,
    schema: &TableSchema,
) -> Result<Vec<R>, RowsError> {
    let mut rows = Vec::new();
    for file in log::files(folder)? {
        for batch in batches(&file)? {
            for row in 0..batch.num_rows() {
                let value = object(&batch, row, &file, schema)?;
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

/// How many there are, by the statistics of the log.
pub(crate) fn count(folder: &Path) -> Result<u64, RowsError> {
    Ok(log::files(folder)?.iter().map(|file| file.rows).sum())
}

fn batches(file: &DataFile) -> Result<Vec<RecordBatch>, RowsError> {
    let unreadable = |error: &dyn std::fmt::Display| RowsError::file(&file.path, error);
    let open = File::open(&file.path).map_err(|error| unreadable(&error))?;
    let reader = ParquetRecordBatchReaderBuilder::try_new(open).and_then(|builder| builder.build());
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
