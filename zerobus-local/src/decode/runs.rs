use arrow_buffer::{Buffer, OffsetBuffer};

use super::fault::Fault;
use super::offsets::Offsets;

/// Byte strings one behind the other.
#[derive(Debug)]
pub(super) struct Runs {
    offsets: Offsets,
    bytes: Vec<u8>,
    /// How many of the strings are known to be UTF-8.
    checked: usize,
}

impl Runs {
    pub(super) fn new(capacity: usize, bytes: usize) -> Self {
        Self {
            offsets: Offsets::new(capacity),
            bytes: Vec::with_capacity(bytes),
            checked: 0,
        }
    }

    /// The bytes of all strings together.
    pub(super) fn bytes(&self) -> usize {
        self.bytes.len()
    }

    #[inline]
    pub(super) fn push(&mut self, value: &[u8]) -> Result<(), Fault> {
        self.bytes.extend_from_slice(value);
        self.offsets.push(self.bytes.len())
    }

    pub(super) fn push_empty(&mut self, rows: usize) {
        self.offsets.push_empty(rows);
    }

    pub(super) fn get(&self, at: usize) -> &[u8] {
        let bounds = self.offsets.start(at)..self.offsets.start(at + 1);
        self.bytes.get(bounds).unwrap_or_default()
    }

    /// Looks at all strings since the last time at once, which costs a fraction of looking at each.
    pub(super) fn check_utf8(&mut self) -> Result<(), Fault> {
        if self.checked == self.offsets.len() {
            return Ok(());
        }
        let start = self.offsets.start(self.checked);
        let text = str::from_utf8(self.bytes.get(start..).unwrap_or_default());
        let mut bounds = self.offsets.starts_from(self.checked);
        // Strings that are no UTF-8 may be when they stand side by side.
        let good = text.is_ok_and(|text| bounds.all(|bound| text.is_char_boundary(bound - start)));
        if !good {
            return Err(Fault::new("expected UTF-8 text, found other bytes"));
        }
        self.checked = self.offsets.len();
        Ok(())
    }

    pub(super) fn truncate(&mut self, rows: usize) {
        self.offsets.truncate(rows);
        self.bytes.truncate(self.offsets.end());
        self.checked = self.checked.min(rows);
    }

    pub(super) fn finish(self) -> (OffsetBuffer<i32>, Buffer) {
        (self.offsets.finish(), Buffer::from_vec(self.bytes))
    }
}
