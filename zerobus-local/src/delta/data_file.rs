//! One Parquet file of rows.

use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use delta_kernel::expressions::ColumnName;
use delta_kernel::schema::StructType;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::arrow::{ArrowSchemaConverter, ArrowWriter};
use parquet::basic::{Compression, Encoding, Type};
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::SchemaDescriptor;
use serde_json::Value;

use super::partition::Place;
use super::stats::Stats;
use super::{DeltaError, durable};

/// What a row group may take in memory before it goes to the disk.
pub(super) const ROW_GROUP_BYTES: usize = 32 * 1024 * 1024;

/// How the rows of one table become Parquet.
#[derive(Debug)]
pub(super) struct DataFileWriter {
    schema: SchemaRef,
    properties: WriterProperties,
    stats: Stats,
}

/// A file that is written, perhaps not yet on the disk, and in no log entry.
#[derive(Debug)]
pub(super) struct DataFile {
    pub(super) place: Place,
    pub(super) rows: u64,
    pub(super) bytes: u64,
    /// The log's `stats` of it.
    pub(super) stats: Value,
    /// To be flushed before the log may name it.
    pub(super) file: Arc<File>,
}

impl DataFileWriter {
    /// `schema` has the columns that are in a file, `columns` their types in Delta's words.
    /// `stats_columns` are those whose bounds the log is to hold.
    pub(super) fn new(
        columns: &StructType,
        schema: SchemaRef,
        stats_columns: &[ColumnName],
    ) -> Result<Self, DeltaError> {
        let parquet = ArrowSchemaConverter::new()
            .convert(&schema)
            .map_err(|error| DeltaError::Unsupported {
                reason: format!("the columns do not fit Parquet: {error}"),
            })?;
        Ok(Self {
            stats: Stats::of(columns, stats_columns),
            properties: properties(&parquet),
            schema,
        })
    }

    /// The columns of a file.
    pub(super) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Writes a file. When this fails, no file is left.
    pub(super) fn write(
        &self,
        place: Place,
        batches: impl IntoIterator<Item = Result<RecordBatch, ParquetError>>,
    ) -> Result<DataFile, DeltaError> {
        let file = durable::create_new(&place.path)?;
        match self.encode(&file, batches) {
            Ok((metadata, bytes)) => Ok(DataFile {
                place,
                rows: u64::try_from(metadata.file_metadata().num_rows()).unwrap_or_default(),
                bytes,
                stats: self.stats.read(&metadata),
                file: Arc::new(file),
            }),
            Err(error) => {
                // Unreferenced and so harmless; on a full disk it would still be in the way.
                let _ = fs::remove_file(&place.path);
                Err(parquet_error(&place.path, error))
            }
        }
    }

    fn encode(
        &self,
        file: &File,
        batches: impl IntoIterator<Item = Result<RecordBatch, ParquetError>>,
    ) -> Result<(ParquetMetaData, u64), ParquetError> {
        let options = ArrowWriterOptions::new()
            .with_properties(self.properties.clone())
            // The table's schema is in the log; Arrow's copy in every file would only be weight.
            .with_skip_arrow_metadata(true);
        let mut writer = ArrowWriter::try_new_with_options(file, self.schema.clone(), options)?;
        for batch in batches {
            writer.write(&batch?)?;
            if writer.in_progress_size() > ROW_GROUP_BYTES {
                writer.flush()?;
            }
        }
        let metadata = writer.finish()?;
        let bytes = u64::try_from(writer.bytes_written()).unwrap_or(u64::MAX);
        Ok((metadata, bytes))
    }
}

/// Snappy is what every reader has. No dictionary: a commit is small and its values mostly
/// differ, so that building one takes three times the time and saves nothing; the delta encodings
/// halve the file and take no time. No page index: a file is one or few pages a column.
fn properties(columns: &SchemaDescriptor) -> WriterProperties {
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_dictionary_enabled(false)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_offset_index_disabled(true)
        .set_created_by(concat!("zerobus-local ", env!("CARGO_PKG_VERSION")).to_owned());
    let properties = columns
        .columns()
        .iter()
        .fold(properties, |properties, column| {
            match column.physical_type() {
                Type::INT32 | Type::INT64 => properties
                    .set_column_encoding(column.path().clone(), Encoding::DELTA_BINARY_PACKED),
                Type::BYTE_ARRAY => properties
                    .set_column_encoding(column.path().clone(), Encoding::DELTA_LENGTH_BYTE_ARRAY),
                _ => properties,
            }
        });
    properties.build()
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
