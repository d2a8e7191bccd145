//! Log entries: one JSON object a line.

use std::fs;
use std::sync::{Mutex, PoisonError};

use delta_kernel::schema::{MetadataColumnSpec, SchemaRef};
use delta_kernel::{
    EngineData, FileDataReadResultIterator, FileMeta, FileSize, FilteredEngineData, JsonHandler,
    KernelError, KernelResult, KernelResultIterator, PredicateRef,
};
use serde_json::Value;
use url::Url;

use super::rows::Rows;
use super::storage::local_path;
use crate::delta::DeltaError;
use crate::delta::durable::{Durability, Existing, Flush};

#[derive(Debug)]
pub(super) struct Json {
    pub(super) durability: Durability,
    /// The data file that the next entry names.
    pub(super) flush: Mutex<Option<Flush>>,
}

impl JsonHandler for Json {
    fn parse_json(
        &self,
        _json_strings: Box<dyn EngineData>,
        _output_schema: SchemaRef,
    ) -> KernelResult<Box<dyn EngineData>> {
        Err(KernelError::unsupported("statistics are not parsed here"))
    }

    /// The predicate is a hint and is not taken: a log is read whole.
    fn read_json_files(
        &self,
        files: &[FileMeta],
        physical_schema: SchemaRef,
        _predicate: Option<PredicateRef>,
    ) -> KernelResult<FileDataReadResultIterator> {
        let files = files.to_vec();
        Ok(Box::new(files.into_iter().map(move |file| {
            read(&file, physical_schema.clone()).map(|rows| Box::new(rows) as Box<dyn EngineData>)
        })))
    }

    fn write_json_file(
        &self,
        path: &Url,
        data: KernelResultIterator<'_, FilteredEngineData>,
        overwrite: bool,
    ) -> KernelResult<FileSize> {
        let mut bytes = Vec::new();
        for batch in data {
            let batch = batch?;
            let selected = batch.selection_vector();
            for (row, value) in Rows::of(batch.data())?.values().iter().enumerate() {
                if selected.get(row).copied().unwrap_or(true) {
                    serde_json::to_writer(&mut bytes, value).map_err(KernelError::generic_err)?;
                    bytes.push(b'\n');
                }
            }
        }
        let existing = if overwrite {
            Existing::Replace
        } else {
            Existing::Keep
        };
        let flushed = || match self
            .flush
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
        {
            Some(flush) => flush.wait(),
            None => Ok(()),
        };
        self.durability
            .write(&local_path(path)?, &bytes, existing, flushed)?;
        u64::try_from(bytes.len()).map_err(KernelError::generic_err)
    }
}

fn read(file: &FileMeta, schema: SchemaRef) -> KernelResult<Rows> {
    let path = local_path(&file.location)?;
    let text = fs::read(&path).map_err(|source| DeltaError::io(&path, "read", source))?;
    let mut rows = serde_json::Deserializer::from_slice(&text)
        .into_iter::<Value>()
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| DeltaError::Corrupt {
            path,
            reason: error.to_string(),
        })?;
    name_file(&mut rows, file, &schema);
    Ok(Rows::new(schema, rows))
}

/// Fills the column in which the kernel asks for the name of the file that a row comes from.
pub(super) fn name_file(rows: &mut [Value], file: &FileMeta, schema: &SchemaRef) {
    let Some(column) = schema.metadata_column(&MetadataColumnSpec::FilePath) else {
        return;
    };
    for row in rows {
        if let Value::Object(row) = row {
            row.insert(column.name().clone(), file.location.as_str().into());
        }
    }
}
