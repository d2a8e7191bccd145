//! The records of these tests: one text each.

use zerobus_client::{ColumnInfo, Fingerprint, RecordError, ZerobusRecord};

/// A record of one STRING column; the text `bad` cannot be encoded.
#[derive(Debug, Clone)]
pub(crate) struct Line<'a>(pub(crate) &'a str);

impl ZerobusRecord for Line<'_> {
    const TABLE: &'static str = "main.default.lines";
    const FINGERPRINT: Fingerprint = Fingerprint::from_bytes([7; 32]);
    const COLUMNS: &'static [ColumnInfo] = &[ColumnInfo::new("text", "STRING", false)];
    const DESCRIPTOR: &'static [u8] = b"\x0a\x05lines";

    fn encode(&self, out: &mut Vec<u8>) -> Result<(), RecordError> {
        out.extend_from_slice(b"text:");
        self.validate()?;
        out.extend_from_slice(self.0.as_bytes());
        Ok(())
    }

    fn validate(&self) -> Result<(), RecordError> {
        if self.0 == "bad" {
            return Err(RecordError::new("another text", "\"bad\"").in_column("text"));
        }
        Ok(())
    }
}

pub(crate) fn text_of(record: &[u8]) -> String {
    let text = record.strip_prefix(b"text:").expect("not a Line");
    String::from_utf8(text.to_vec()).unwrap()
}

pub(crate) fn texts_of<T: AsRef<[u8]>>(records: impl IntoIterator<Item = T>) -> Vec<String> {
    records
        .into_iter()
        .map(|record| text_of(record.as_ref()))
        .collect()
}

/// `from` to `to`, exclusive, as texts.
pub(crate) fn numbered(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|n| n.to_string()).collect()
}
