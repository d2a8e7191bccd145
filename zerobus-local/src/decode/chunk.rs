use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{ArrowError, SchemaRef};

use super::column::Columns;
use super::fault::Fault;
use super::plan::Plan;

/// Records of one stream on their way to one record batch.
///
/// A record that is refused may leave parts of itself behind: the caller goes back to a row count it knows to be
/// good with [`truncate`](Self::truncate).
#[derive(Debug)]
pub(crate) struct Chunk {
    columns: Columns,
    rows: usize,
}

impl Chunk {
    /// An empty chunk with room for `capacity` records.
    pub(crate) fn new(plan: &Plan, capacity: usize) -> Self {
        Self {
            columns: Columns::new(Arc::clone(&plan.root), capacity),
            rows: 0,
        }
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Adds one protobuf record.
    #[inline]
    pub(crate) fn push_proto(&mut self, record: &[u8]) -> Result<(), Fault> {
        self.columns.read_message(self.rows, record)?;
        self.columns.check(self.rows)?;
        self.rows += 1;
        Ok(())
    }

    /// Adds one JSON record.
    pub(crate) fn push_json(&mut self, record: &str) -> Result<(), Fault> {
        self.columns.read_json(self.rows, record)?;
        self.rows += 1;
        Ok(())
    }

    /// Goes back to the first `rows` records.
    pub(crate) fn truncate(&mut self, rows: usize) {
        self.columns.truncate(rows);
        self.rows = rows;
    }

    /// The records as a batch of the table's schema.
    pub(crate) fn finish(self, schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
        let columns = self.columns.into_struct(self.rows, schema.fields(), None)?;
        RecordBatch::from(columns).with_schema(Arc::clone(schema))
    }
}
