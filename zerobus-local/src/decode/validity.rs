use arrow_array::builder::BooleanBufferBuilder;
use arrow_buffer::NullBuffer;

/// Which rows of a column have a value; bits are kept from the first that has none.
#[derive(Debug, Default)]
pub(super) struct Validity {
    len: usize,
    bits: Option<BooleanBufferBuilder>,
}

impl Validity {
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.len
    }

    #[inline]
    pub(super) fn append_non_null(&mut self) {
        self.len += 1;
        if let Some(bits) = &mut self.bits {
            bits.append(true);
        }
    }

    pub(super) fn append_n_non_nulls(&mut self, n: usize) {
        self.len += n;
        if let Some(bits) = &mut self.bits {
            bits.append_n(n, true);
        }
    }

    pub(super) fn append_n_nulls(&mut self, n: usize) {
        let bits = self.bits.get_or_insert_with(|| {
            let mut bits = BooleanBufferBuilder::new(self.len + n);
            bits.append_n(self.len, true);
            bits
        });
        bits.append_n(n, false);
        self.len += n;
    }

    pub(super) fn truncate(&mut self, len: usize) {
        if len < self.len {
            self.len = len;
            if let Some(bits) = &mut self.bits {
                bits.truncate(len);
            }
        }
    }

    pub(super) fn finish(self) -> Option<NullBuffer> {
        let mut bits = self.bits?;
        // A column that was cut back may have bits and no NULL.
        Some(NullBuffer::new(bits.finish())).filter(|nulls| nulls.null_count() > 0)
    }
}
