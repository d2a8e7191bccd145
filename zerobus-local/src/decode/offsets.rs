use arrow_buffer::{OffsetBuffer, ScalarBuffer};

use super::fault::Fault;

pub(super) const TOO_MUCH: &str =
    "too many values for one column between two commits; send smaller batches";

/// Where each row's part of a column ends, and the next one's begins.
#[derive(Debug)]
pub(super) struct Offsets(Vec<i32>);

impl Offsets {
    pub(super) fn new(capacity: usize) -> Self {
        let mut offsets = Vec::with_capacity(capacity + 1);
        offsets.push(0);
        Self(offsets)
    }

    /// How many rows there are.
    pub(super) fn len(&self) -> usize {
        self.0.len() - 1
    }

    /// Where the row at this place begins.
    pub(super) fn start(&self, row: usize) -> usize {
        usize::try_from(self.0.get(row).copied().unwrap_or_default()).unwrap_or_default()
    }

    /// Where the last row ends.
    pub(super) fn end(&self) -> usize {
        usize::try_from(self.0.last().copied().unwrap_or_default()).unwrap_or_default()
    }

    /// Adds a row that ends there.
    #[inline]
    pub(super) fn push(&mut self, end: usize) -> Result<(), Fault> {
        self.0.push(offset(end)?);
        Ok(())
    }

    /// Adds rows that hold nothing.
    pub(super) fn push_empty(&mut self, rows: usize) {
        let last = self.0.last().copied().unwrap_or_default();
        self.0.resize(self.0.len() + rows, last);
    }

    /// Makes the last row end there.
    #[inline]
    pub(super) fn extend_to(&mut self, end: usize) -> Result<(), Fault> {
        let end = offset(end)?;
        if let Some(last) = self.0.last_mut() {
            *last = end;
        }
        Ok(())
    }

    pub(super) fn truncate(&mut self, rows: usize) {
        self.0.truncate(rows + 1);
    }

    /// From this row on, where rows begin and the last one ends.
    pub(super) fn starts_from(&self, row: usize) -> impl Iterator<Item = usize> + '_ {
        let offsets = self.0.get(row..).unwrap_or_default();
        offsets
            .iter()
            .map(|&offset| usize::try_from(offset).unwrap_or_default())
    }

    /// The same with every offset moved by `shift`, which must keep their order.
    pub(super) fn map(self, shift: impl Fn(usize) -> usize) -> Result<Self, Fault> {
        let moved = self.starts_from(0).map(|start| offset(shift(start)));
        Ok(Self(moved.collect::<Result<_, _>>()?))
    }

    pub(super) fn finish(self) -> OffsetBuffer<i32> {
        // They only ever grow here, which is what the conversion insists on.
        OffsetBuffer::new(ScalarBuffer::from(self.0))
    }
}

#[inline]
fn offset(end: usize) -> Result<i32, Fault> {
    i32::try_from(end).map_err(|_| Fault::new(TOO_MUCH))
}
