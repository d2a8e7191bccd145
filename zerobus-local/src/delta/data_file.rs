//! One Parquet file of rows.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{Schema, SchemaRef};
use delta_kernel::schema::StructType;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use serde_json::Value;
use uuid::Uuid;

use super::DeltaError;
use super::durable::{Durability, create_new};
use super::stats::Stats;

/// How the rows of one table become Parquet.
#[derive(Debug)]
pub(super) struct DataFileWriter {
    schema: SchemaRef,
    stats: Stats,
    durability: Durability,
}

/// A file that is on the disk and in no log entry yet.
#[derive(Debug)]
pub(super) struct DataFile {
    /// Its name in the table's folder.
    pub(super) name: String,
    pub(super) rows: u64,
    pub(super) bytes: u64,
    /// The log's `stats` of it.
    pub(super) stats: Value,
}

impl DataFileWriter {
    /// `columns` are those that are in the file: all but the partition columns.
    pub(super) fn new(
        columns: &StructType,
        schema: Schema,
        durability: Durability,
    ) -> Result<Self, DeltaError> {
        Ok(Self {
            stats: Stats::of(columns),
            schema: Arc::new(schema),
            durability,
        })
    }

    /// Writes a file into `folder`. When this fails, no file is left.
    pub(super) fn write(
        &self,
        folder: &Path,
        batches: &[RecordBatch],
    ) -> Result<DataFile, DeltaError> {
        let name = format!("part-00000-{}-c000.snappy.parquet", Uuid::new_v4());
        let path = folder.join(&name);
        let written = self.write_to(&path, batches);
        if written.is_err() {
            // Unreferenced and so harmless; on a full disk it would still be in the way.
            let _ = fs::remove_file(&path);
        }
        let (rows, bytes, stats) = written?;
        Ok(DataFile {
            name,
            rows,
            bytes,
            stats,
        })
    }

    fn write_to(
        &self,
        path: &Path,
        batches: &[RecordBatch],
    ) -> Result<(u64, u64, Value), DeltaError> {
        let failed = |error| parquet_error(path, error);
        let file = create_new(path)?;
        let mut writer = ArrowWriter::try_new_with_options(&file, self.schema.clone(), options())
            .map_err(failed)?;
        for batch in batches {
            writer.write(batch).map_err(failed)?;
        }
        let metadata = writer.finish().map_err(failed)?;
        let bytes = u64::try_from(writer.bytes_written()).unwrap_or(u64::MAX);
        self.durability.sync_file(&file, path)?;
        let rows = u64::try_from(metadata.file_metadata().num_rows()).unwrap_or_default();
        Ok((rows, bytes, self.stats.read(&metadata)))
    }
}

/// Snappy is what every reader has. No dictionary: a commit is small and its values mostly
/// differ, so that building one costs more time than it saves bytes. No page index: a file is
/// one or few pages a column.
fn options() -> ArrowWriterOptions {
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_dictionary_enabled(false)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_offset_index_disabled(true)
        .set_created_by(concat!("zerobus-local ", env!("CARGO_PKG_VERSION")).to_owned())
        .build();
    // The table's schema is in the log; Arrow's copy in every file would only be weight.
    ArrowWriterOptions::new()
        .with_properties(properties)
        .with_skip_arrow_metadata(true)
}

/// The system's refusals come wrapped in the Parquet crate's error.
pub(super) fn parquet_error(path: &Path, error: ParquetError) -> DeltaError {
    let error = match error {
        ParquetError::External(source) => match source.downcast::<std::io::Error>() {
            Ok(source) => return DeltaError::io(path, "write", *source),
            Err(source) => ParquetError::External(source),
        },
        other => other,
    };
    DeltaError::Corrupt {
        path: path.to_owned(),
        reason: error.to_string(),
    }
}
