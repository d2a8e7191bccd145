//! The columns of ARRAY and MAP: rows of elements, which are columns themselves.

use std::sync::Arc;

use arrow_array::{Array as _, ArrayRef, BooleanArray, ListArray, MapArray, StructArray};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::{ArrowError, DataType, FieldRef};

use super::column::{Column, Columns};
use super::fault::Fault;
use super::offsets::{Offsets, TOO_MUCH};
use super::plan::{FieldPlan, MessagePlan};

/// The most values of one collection column, present or not, between two commits.
const CELLS_MAX: usize = 1 << 28;

/// Up to this many keys are compared each with each.
const FEW_ENTRIES: usize = 8;

#[derive(Debug)]
pub(super) struct ArrayColumn {
    offsets: Offsets,
    pub(super) element: Column,
    pub(super) element_wire_type: u32,
    element_cells: usize,
}

#[derive(Debug)]
pub(super) struct MapColumn {
    offsets: Offsets,
    pub(super) entries: Columns,
    /// How many entries there are, those of `dropped` too.
    count: usize,
    /// Entries whose key came again later in the same map, ascending.
    dropped: Vec<usize>,
}

impl ArrayColumn {
    pub(super) fn new(
        element: &FieldPlan,
        element_cells: usize,
        rows: usize,
        like: Option<&Self>,
    ) -> Self {
        Self {
            offsets: Offsets::new(rows),
            element: Column::new(element, like.map(|like| &like.element)),
            element_wire_type: element.kind.wire_type(),
            element_cells,
        }
    }

    pub(super) fn push_empty(&mut self, rows: usize) {
        self.offsets.push_empty(rows);
    }

    /// Where the next element goes.
    #[inline]
    pub(super) fn next(&self) -> usize {
        self.offsets.end()
    }

    /// Counts the elements just read in to the last row.
    #[inline]
    pub(super) fn close(&mut self) -> Result<(), Fault> {
        check_cells(self.element.len(), self.element_cells)?;
        self.offsets.extend_to(self.element.len())
    }

    pub(super) fn truncate(&mut self, rows: usize) {
        self.offsets.truncate(rows);
        self.element.truncate(self.offsets.end());
    }

    pub(super) fn finish(
        self,
        field: &FieldRef,
        nulls: Option<NullBuffer>,
    ) -> Result<ListArray, ArrowError> {
        let elements = self.offsets.end();
        let element = self.element.finish(elements, field.data_type())?;
        ListArray::try_new(Arc::clone(field), self.offsets.finish(), element, nulls)
    }
}

impl MapColumn {
    pub(super) fn new(plan: &Arc<MessagePlan>, rows: usize, like: Option<&Self>) -> Self {
        Self {
            offsets: Offsets::new(rows),
            entries: Columns::new(Arc::clone(plan), like.map(|like| &like.entries)),
            count: 0,
            dropped: Vec::new(),
        }
    }

    pub(super) fn push_empty(&mut self, rows: usize) {
        self.offsets.push_empty(rows);
    }

    /// Where the next entry goes.
    #[inline]
    pub(super) fn next(&self) -> usize {
        self.count
    }

    /// Counts the entry just read in to the last row.
    #[inline]
    pub(super) fn close(&mut self) -> Result<(), Fault> {
        check_cells(self.count + 1, self.entries.plan.cells)?;
        self.offsets.extend_to(self.count + 1)?;
        self.count += 1;
        Ok(())
    }

    /// Of entries with one key the last counts, as everywhere in protobuf.
    pub(super) fn drop_repeated_keys(&mut self, row: usize) {
        let start = self.offsets.start(row);
        let Some(keys) = self.entries.columns.first() else {
            return;
        };
        if self.count - start < 2 {
            return;
        }
        if self.count - start <= FEW_ENTRIES {
            let repeated = (start..self.count)
                .any(|a| (a + 1..self.count).any(|b| keys.values.compare(a, b).is_eq()));
            if !repeated {
                return;
            }
        }
        let mut entries: Vec<usize> = (start..self.count).collect();
        // Stable, so that the last of equal keys stays the last.
        entries.sort_by(|&a, &b| keys.values.compare(a, b));
        let pairs = entries.iter().zip(entries.iter().skip(1));
        let repeated = pairs.filter(|&(&a, &b)| keys.values.compare(a, b).is_eq());
        let mut repeated: Vec<usize> = repeated.map(|(&earlier, _)| earlier).collect();
        repeated.sort_unstable();
        self.dropped.extend(repeated);
    }

    pub(super) fn truncate(&mut self, rows: usize) {
        self.offsets.truncate(rows);
        self.count = self.offsets.end();
        self.entries.truncate(self.count);
        while self
            .dropped
            .last()
            .is_some_and(|&entry| entry >= self.count)
        {
            self.dropped.pop();
        }
    }

    pub(super) fn finish(
        self,
        field: &FieldRef,
        sorted: bool,
        nulls: Option<NullBuffer>,
    ) -> Result<MapArray, ArrowError> {
        let (offsets, entries) = self.finish_entries(field.data_type())?;
        MapArray::try_new(Arc::clone(field), offsets, entries, nulls, sorted)
    }

    fn finish_entries(
        self,
        entries: &DataType,
    ) -> Result<(OffsetBuffer<i32>, StructArray), ArrowError> {
        let DataType::Struct(fields) = entries else {
            let problem = "the entries of a map are a struct".to_owned();
            return Err(ArrowError::SchemaError(problem));
        };
        let array = self.entries.into_struct(self.count, fields, None)?;
        if self.dropped.is_empty() {
            return Ok((self.offsets.finish(), array));
        }
        let mut keep = vec![true; self.count];
        for &entry in &self.dropped {
            if let Some(keep) = keep.get_mut(entry) {
                *keep = false;
            }
        }
        let dropped_before = |end| self.dropped.partition_point(|&entry| entry < end);
        let offsets = self
            .offsets
            .map(|end| end - dropped_before(end))
            .map_err(|fault| ArrowError::InvalidArgumentError(fault.to_string()))?;
        let kept: ArrayRef = arrow_select::filter::filter(&array, &BooleanArray::from(keep))?;
        let (fields, arrays, _) = StructArray::from(kept.to_data()).into_parts();
        let kept = StructArray::try_new(fields, arrays, None)?;
        Ok((offsets.finish(), kept))
    }
}

/// Elements that hold nothing take two bytes on the wire and, in a wide struct, thousands in memory.
#[inline]
fn check_cells(elements: usize, cells: usize) -> Result<(), Fault> {
    if elements.saturating_mul(cells) > CELLS_MAX {
        return Err(Fault::new(TOO_MUCH));
    }
    Ok(())
}
