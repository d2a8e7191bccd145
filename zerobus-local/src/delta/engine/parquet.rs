//! Checkpoints: the log's rows as one Parquet file.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use delta_kernel::schema::SchemaRef;
use delta_kernel::{
    EngineData, FileDataReadResultIterator, FileMeta, FileSize, KernelError, KernelResult,
    KernelResultIteratorStatic, ParquetFooter, ParquetHandler, PredicateRef,
};
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::arrow::{ArrowWriter, ProjectionMask};
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use url::Url;

use super::json::name_file;
use super::rows::Rows;
use super::storage::local_path;
use super::table;
use crate::delta::data_file::ROW_GROUP_BYTES;
use crate::delta::durable::{Durability, Existing};
use crate::delta::log::Log;
use crate::delta::{DeltaError, schema};

#[derive(Debug)]
pub(super) struct Parquet {
    pub(super) durability: Durability,
    /// What a checkpoint must belong to, where it is written while others may put a table in the place of its own.
    pub(super) log: Option<Arc<Log>>,
}

impl ParquetHandler for Parquet {
    /// The predicate is a hint and is not taken.
    fn read_parquet_files(
        &self,
        files: &[FileMeta],
        physical_schema: SchemaRef,
        _predicate: Option<PredicateRef>,
    ) -> KernelResult<FileDataReadResultIterator> {
        // Batch by batch: a checkpoint has an action for every file that the table ever had.
        let files = files.to_vec();
        let rows = files.into_iter().flat_map(move |file| {
            let (rows, failed) = match read(&file, &physical_schema) {
                Ok(rows) => (Some(rows), None),
                Err(error) => (None, Some(Err(error))),
            };
            rows.into_iter().flatten().chain(failed)
        });
        Ok(Box::new(rows.map(|rows| {
            rows.map(|rows| Box::new(rows) as Box<dyn EngineData>)
        })))
    }

    fn write_parquet_file(
        &self,
        location: Url,
        data: KernelResultIteratorStatic<Box<dyn EngineData>>,
    ) -> KernelResult<FileSize> {
        let path = local_path(&location)?;
        let failed = |error: ParquetError| corrupt(&path, &error);
        let mut batches = data.map(|rows| table::batch(Rows::of(&*rows?)?));
        let first = batches
            .next()
            .ok_or_else(|| KernelError::generic("a checkpoint without actions"))??;
        let mut writer = ArrowWriter::try_new_with_options(Vec::new(), first.schema(), options())
            .map_err(failed)?;
        writer.write(&first).map_err(failed)?;
        for batch in batches {
            writer.write(&batch?).map_err(failed)?;
            if writer.in_progress_size() > ROW_GROUP_BYTES {
                writer.flush().map_err(failed)?;
            }
        }
        let bytes = writer.into_inner().map_err(failed)?;
        let still_there = || self.log.as_ref().map_or(Ok(()), |log| log.check());
        self.durability
            .write(&path, &bytes, Existing::Replace, still_there)?;
        u64::try_from(bytes.len()).map_err(KernelError::generic_err)
    }

    fn read_parquet_footer(&self, file: &FileMeta) -> KernelResult<ParquetFooter> {
        let reader = open(&local_path(&file.location)?)?;
        Ok(ParquetFooter {
            schema: Arc::new(schema::delta_schema(reader.schema())?),
        })
    }
}

/// The rows of a checkpoint, in the columns that the kernel asks for.
fn read(
    file: &FileMeta,
    schema: &SchemaRef,
) -> KernelResult<impl Iterator<Item = KernelResult<Rows>> + Send + use<>> {
    let path = local_path(&file.location)?;
    let reader = open(&path)?;
    let roots = reader.parquet_schema().root_schema().get_fields();
    let wanted: Vec<_> = roots
        .iter()
        .enumerate()
        .filter(|(_, root)| schema.contains(root.name()))
        .map(|(index, _)| index)
        .collect();
    let mask = ProjectionMask::roots(reader.parquet_schema(), wanted);
    let reader = reader.with_projection(mask).build();
    let reader = reader.map_err(|error| corrupt(&path, &error))?;
    let (file, schema) = (file.clone(), schema.clone());
    Ok(reader.map(move |batch| {
        let mut rows = table::rows(&batch.map_err(|error| corrupt(&path, &error))?);
        name_file(&mut rows, &file, &schema);
        Ok(Rows::new(schema.clone(), rows))
    }))
}

fn options() -> ArrowWriterOptions {
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .build();
    ArrowWriterOptions::new()
        .with_properties(properties)
        .with_skip_arrow_metadata(true)
}

/// Without the writer's own Arrow schema, so that all writers' files have the same few types.
fn open(path: &Path) -> KernelResult<ParquetRecordBatchReaderBuilder<File>> {
    let file = File::open(path).map_err(|source| DeltaError::io(path, "open", source))?;
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    ParquetRecordBatchReaderBuilder::try_new_with_options(file, options)
        .map_err(|error| corrupt(path, &error))
}

fn corrupt(path: &Path, reason: &dyn std::fmt::Display) -> KernelError {
    KernelError::from(DeltaError::Corrupt {
        path: path.to_owned(),
        reason: reason.to_string(),
    })
}
