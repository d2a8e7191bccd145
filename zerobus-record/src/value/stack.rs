use std::fmt;

/// Room for a short text, so that formatting a value allocates nothing.
#[derive(Debug)]
pub(crate) struct StackText<const N: usize> {
    text: [u8; N],
    len: usize,
}

impl<const N: usize> StackText<N> {
    pub(crate) const fn new() -> Self {
        Self {
            text: [0; N],
            len: 0,
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        self.text
            .get(..self.len)
            .and_then(|text| std::str::from_utf8(text).ok())
            .unwrap_or_default()
    }
}

impl<const N: usize> fmt::Write for StackText<N> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.len + text.len();
        let place = self.text.get_mut(self.len..end).ok_or(fmt::Error)?;
        place.copy_from_slice(text.as_bytes());
        self.len = end;
        Ok(())
    }
}
