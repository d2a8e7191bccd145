use std::fs::File;
use std::path::Path;

use arrow_array::RecordBatch;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};

use crate::{DeltaLog, ReadError};

/// The rows of a table, batch by batch, ordered by commit version, file and row.
#[derive(Debug)]
pub struct Rows {
    files: std::vec::IntoIter<crate::DataFile>,
    current: Option<(std::path::PathBuf, ParquetRecordBatchReader)>,
}

/// Reads the table in this folder.
///
/// # Errors
/// [`ReadError`] when the log cannot be read.
pub fn rows(table: &Path) -> Result<Rows, ReadError> {
    Ok(Rows {
        files: DeltaLog::read(table)?.files.into_iter(),
        current: None,
    })
}

impl Iterator for Rows {
    type Item = Result<RecordBatch, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some((path, reader)) = &mut self.current {
                if let Some(batch) = reader.next() {
                    return Some(batch.map_err(|error| ReadError::new(path, error)));
                }
                self.current = None;
            }
            let path = self.files.next()?.path;
            match open(&path) {
                Ok(reader) => self.current = Some((path, reader)),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

fn open(path: &Path) -> Result<ParquetRecordBatchReader, ReadError> {
    let file = File::open(path).map_err(|error| ReadError::new(path, error))?;
    ParquetRecordBatchReaderBuilder::try_new(file)
        .and_then(|builder| builder.with_batch_size(8192).build())
        .map_err(|error| ReadError::new(path, error))
}
