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
use crate::delta::durable::{Durability, Existing};
use crate::delta::{DeltaError, schema};

#[derive(Debug)]
pub(super) struct Parquet {
    pub(super) durability: Durability,
}

impl ParquetHandler for Parquet {
    /// The predicate is a hint and is not taken.
    fn read_parquet_files(
        &self,
        files: &[FileMeta],
        physical_schema: SchemaRef,
        _predicate: Option<PredicateRef>,
    ) -> KernelResult<FileDataReadResultIterator> {
        let mut batches = Vec::new();
        for file in files {
            let path = local_path(&file.location)?;
            let corrupt = |error: &dyn std::fmt::Display| corrupt(&path, error);
            let reader = open(&path)?;
            let roots = reader.parquet_schema().root_schema().get_fields();
            let wanted: Vec<_> = roots
                .iter()
                .enumerate()
                .filter(|(_, root)| physical_schema.contains(root.name()))
                .map(|(index, _)| index)
                .collect();
            let mask = ProjectionMask::roots(reader.parquet_schema(), wanted);
            let reader = reader
                .with_projection(mask)
                .build()
                .map_err(|error| corrupt(&error))?;
            for batch in reader {
                let mut rows = table::rows(&batch.map_err(|error| corrupt(&error))?);
                name_file(&mut rows, file, &physical_schema);
                batches.push(Rows::new(physical_schema.clone(), rows));
            }
        }
        Ok(Box::new(
            batches
                .into_iter()
                .map(|rows| Ok(Box::new(rows) as Box<dyn EngineData>)),
        ))
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
        }
        let bytes = writer.into_inner().map_err(failed)?;
        self.durability
            .write(&path, &bytes, Existing::Replace, || Ok(()))?;
        u64::try_from(bytes.len()).map_err(KernelError::generic_err)
    }

    fn read_parquet_footer(&self, file: &FileMeta) -> KernelResult<ParquetFooter> {
        let reader = open(&local_path(&file.location)?)?;
        Ok(ParquetFooter {
            schema: Arc::new(schema::delta_schema(reader.schema())?),
        })
    }
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
