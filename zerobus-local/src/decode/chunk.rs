use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{ArrowError, SchemaRef};

use super::column::Columns;
use super::fault::Fault;
use super::partition::{self, PartitionColumn};
use super::plan::Plan;

/// The room that a stream keeps while it sends nothing is that of so many values at most.
const ROOM_CELLS_MAX: usize = 1 << 20;

/// Records of one stream on their way to one record batch.
#[derive(Debug)]
pub(crate) struct Chunk {
    columns: Columns,
    partition: Arc<[PartitionColumn]>,
    rows: usize,
}

impl Chunk {
    pub(crate) fn new(plan: &Plan) -> Self {
        Self {
            columns: Columns::new(Arc::clone(&plan.root), None),
            partition: Arc::clone(&plan.partition),
            rows: 0,
        }
    }

    /// Takes the records out; what stays is empty, with room for as many unless they are very many.
    pub(crate) fn take(&mut self) -> Self {
        let cells = self.rows.saturating_mul(self.columns.plan.cells);
        let like = (cells <= ROOM_CELLS_MAX).then_some(&self.columns);
        let next = Self {
            columns: Columns::new(Arc::clone(&self.columns.plan), like),
            partition: Arc::clone(&self.partition),
            rows: 0,
        };
        std::mem::replace(self, next)
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Adds records, all of them or none: when one is at fault, its place among them is told.
    pub(crate) fn push_all<R: Copy>(
        &mut self,
        records: impl Iterator<Item = R> + Clone,
        push: impl Fn(&mut Self, R) -> Result<(), Fault>,
    ) -> Result<(), (usize, Fault)> {
        let before = self.rows;
        for (at, record) in records.clone().enumerate() {
            if let Err(fault) = push(self, record) {
                self.truncate(before);
                return Err((at, fault));
            }
        }
        if let Err(fault) = self.columns.check_utf8() {
            // Which of them it was: once more, one by one.
            self.truncate(before);
            let mut at = 0;
            for (place, record) in records.enumerate() {
                at = place;
                if push(self, record).is_err() || self.columns.check_utf8().is_err() {
                    break;
                }
            }
            self.truncate(before);
            return Err((at, fault));
        }
        Ok(())
    }

    /// Adds one protobuf record; for [`push_all`](Self::push_all).
    #[inline]
    pub(crate) fn push_proto(&mut self, record: &[u8]) -> Result<(), Fault> {
        self.columns.read_message(self.rows, record)?;
        self.columns.check(self.rows)?;
        self.close_row()
    }

    /// Adds one JSON record; for [`push_all`](Self::push_all).
    pub(crate) fn push_json(&mut self, record: &str) -> Result<(), Fault> {
        self.columns.read_json(self.rows, record)?;
        self.close_row()
    }

    #[inline]
    fn close_row(&mut self) -> Result<(), Fault> {
        if !self.partition.is_empty() {
            partition::check(&self.columns, &self.partition, self.rows)?;
        }
        self.rows += 1;
        Ok(())
    }

    /// Forgets all records.
    pub(crate) fn clear(&mut self) {
        self.truncate(0);
    }

    pub(super) fn truncate(&mut self, rows: usize) {
        self.columns.truncate(rows);
        self.rows = rows;
    }

    /// The records as a batch of the table's schema.
    pub(crate) fn finish(self, schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
        let columns = self.columns.into_struct(self.rows, schema.fields(), None)?;
        RecordBatch::from(columns).with_schema(Arc::clone(schema))
    }
}
