//! One file with the rows of several.

use std::fmt;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::RecordBatch;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::errors::ParquetError;
use uuid::Uuid;

use super::DeltaError;
use super::data_file::{DataFile, DataFileWriter, parquet_error};
use super::durable::{Durability, temporary_name};
use super::fit::fit;
use super::partition::Place;
use crate::rows::DataFile as Source;

/// The rows that are in memory at once weigh about this much.
const BATCH_BYTES: i64 = 8 * 1024 * 1024;
const BATCH_ROWS: i64 = 8 * 1024;

/// Why one file was not made of several.
#[derive(Debug)]
pub(crate) enum RewriteError {
    /// One of them cannot be read, or does not fit the table.
    Source(DeltaError),
    /// It could not be written; they are as they were.
    Target(DeltaError),
}

impl fmt::Display for RewriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Source(error) | Self::Target(error)) = self;
        error.fmt(f)
    }
}

/// Makes one file of several, while appends go on.
#[derive(Debug)]
pub(crate) struct Rewriter {
    folder: PathBuf,
    durability: Durability,
    writer: Arc<DataFileWriter>,
    partition_columns: Vec<String>,
}

/// A file on the disk that holds what its sources hold, and is in no log entry yet.
#[derive(Debug)]
pub(crate) struct Rewritten {
    sources: Vec<Source>,
    file: DataFile,
}

impl Rewritten {
    pub(crate) fn sources(&self) -> &[Source] {
        &self.sources
    }

    pub(super) fn file(&self) -> &DataFile {
        &self.file
    }

    /// Nobody is to have it.
    pub(crate) fn discard(&self) {
        let _ = fs::remove_file(&self.file.place.path);
    }
}

impl Rewriter {
    pub(super) fn new(
        folder: &Path,
        durability: Durability,
        writer: &Arc<DataFileWriter>,
        partition_columns: Vec<String>,
    ) -> Self {
        Self {
            folder: folder.to_owned(),
            durability,
            writer: Arc::clone(writer),
            partition_columns,
        }
    }

    /// Writes the rows of `sources`, which are of one partition, into a file beside the first of them, in their order,
    /// and has it on the disk. Gives up when `is_over` says so. When it does not come to its end, no file is left.
    pub(crate) fn rewrite(
        &self,
        sources: Vec<Source>,
        is_over: &dyn Fn() -> bool,
    ) -> Result<Option<Rewritten>, RewriteError> {
        let Some(first) = sources.first() else {
            return Ok(None);
        };
        let name = format!("part-00000-{}-c000.snappy.parquet", Uuid::new_v4());
        let log_path = match first.log_path.rsplit_once('/') {
            Some((folder, _)) => format!("{folder}/{name}"),
            None => name.clone(),
        };
        let values = self.partition_columns.iter().map(|name| {
            let value = first.partition_values.get(name).cloned();
            (name.clone(), value.into())
        });
        let path = first.path.with_file_name(name);
        let place = Place {
            // Under a name that is cleared away if the process ends.
            path: temporary_name(&self.folder),
            log_path,
            partition_values: values.collect(),
        };
        // The error of a source says more than what the writer makes of it.
        let mut failed = None;
        let batches = sources.iter().flat_map(|source| Batches::of(source, self));
        let batches = batches.map_while(|batch| match batch {
            Ok(_) if is_over() => Some(Err(ParquetError::General(String::new()))),
            Ok(batch) => Some(Ok(batch)),
            Err(error) => {
                failed = Some(error);
                Some(Err(ParquetError::General(String::new())))
            }
        });
        let written = self.writer.write(place, batches);
        let mut file = match (written, failed) {
            (_, Some(error)) => return Err(RewriteError::Source(error)),
            (Err(_), None) if is_over() => return Ok(None),
            (written, None) => written.map_err(RewriteError::Target)?,
        };
        let named = fs::rename(&file.place.path, &path)
            .map_err(|source| DeltaError::io(&path, "create", source));
        if let Err(error) = named {
            let _ = fs::remove_file(&file.place.path);
            return Err(RewriteError::Target(error));
        }
        file.place.path = path;
        let rewritten = Rewritten { sources, file };
        let flushed = self
            .durability
            .flush(&self.folder, std::slice::from_ref(&rewritten.file));
        match flushed.and_then(|flush| flush.wait()) {
            Ok(()) => Ok(Some(rewritten)),
            Err(error) => {
                rewritten.discard();
                Err(RewriteError::Target(error))
            }
        }
    }

    /// The rows of a file, in the columns that the table has now.
    fn read(
        &self,
        source: &Source,
    ) -> Result<impl Iterator<Item = Result<RecordBatch, DeltaError>>, DeltaError> {
        let path = source.path.clone();
        let file = File::open(&path).map_err(|error| DeltaError::io(&path, "open", error))?;
        let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
        let reader = ParquetRecordBatchReaderBuilder::try_new_with_options(file, options)
            .map_err(|error| parquet_error(&path, error))?;
        let metadata = reader.metadata();
        let weight: i64 = metadata
            .row_groups()
            .iter()
            .map(|group| group.total_byte_size())
            .sum();
        let of_row = weight / metadata.file_metadata().num_rows().max(1);
        let rows = (BATCH_BYTES / of_row.max(1)).clamp(1, BATCH_ROWS);
        let reader = reader
            .with_batch_size(usize::try_from(rows).unwrap_or(1))
            .build()
            .map_err(|error| parquet_error(&path, error))?;
        let schema = Arc::clone(self.writer.schema());
        Ok(reader.map(move |batch| {
            let corrupt = |reason| DeltaError::Corrupt {
                path: path.clone(),
                reason,
            };
            let batch = batch.map_err(|error| corrupt(error.to_string()))?;
            fit(&batch, &schema).map_err(|unfit| {
                let columns: Vec<_> = unfit.iter().map(|unfit| unfit.path.join(".")).collect();
                corrupt(format!(
                    "columns {} do not fit the table",
                    columns.join(", ")
                ))
            })
        }))
    }
}

/// The rows of a file, or why there are none.
enum Batches<I> {
    Rows(I),
    Failed(Option<DeltaError>),
}

impl Batches<()> {
    fn of(
        source: &Source,
        rewriter: &Rewriter,
    ) -> Batches<impl Iterator<Item = Result<RecordBatch, DeltaError>>> {
        match rewriter.read(source) {
            Ok(rows) => Batches::Rows(rows),
            Err(error) => Batches::Failed(Some(error)),
        }
    }
}

impl<I: Iterator<Item = Result<RecordBatch, DeltaError>>> Iterator for Batches<I> {
    type Item = Result<RecordBatch, DeltaError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Rows(rows) => rows.next(),
            Self::Failed(error) => error.take().map(Err),
        }
    }
}
