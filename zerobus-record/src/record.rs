use zerobus_schema::Fingerprint;

use crate::column::ColumnInfo;
use crate::error::RecordError;

/// A row of one table, as a protobuf message of the table's shape.
///
/// `#[derive(ZerobusRecord)]` implements it and checks the struct against the table's checked-in schema while it
/// compiles. What a stream needs of a record is this trait and nothing else.
pub trait ZerobusRecord {
    /// The table's name as the schema or the attribute gives it; a stream may be opened on another table of the
    /// same shape.
    const TABLE: &'static str;
    /// What the table asked of a record when this type was compiled.
    const FINGERPRINT: Fingerprint;
    /// The columns that the fingerprint stands for, nested ones too, parents before children, in table order.
    const COLUMNS: &'static [ColumnInfo];
    /// The message that [`encode`](Self::encode) writes: one serialized, self-contained
    /// `google.protobuf.DescriptorProto` with the columns this type sends.
    const DESCRIPTOR: &'static [u8];

    /// Appends the record's protobuf bytes, without a length before them.
    ///
    /// # Errors
    /// [`RecordError`] when a value does not fit its column. What lies beyond the old length of `out` is then
    /// unspecified: the caller truncates.
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), RecordError>;

    /// Checks what only a value can break: the length of a VARCHAR, the digits of a DECIMAL, the JSON of a VARIANT, a
    /// time that does not fit its unit. [`encode`](Self::encode) checks the same.
    ///
    /// # Errors
    /// [`RecordError`] for the first value that does not fit its column.
    fn validate(&self) -> Result<(), RecordError> {
        self.encode(&mut Vec::new())
    }
}

impl<R: ZerobusRecord + ?Sized> ZerobusRecord for &R {
    const TABLE: &'static str = R::TABLE;
    const FINGERPRINT: Fingerprint = R::FINGERPRINT;
    const COLUMNS: &'static [ColumnInfo] = R::COLUMNS;
    const DESCRIPTOR: &'static [u8] = R::DESCRIPTOR;

    #[inline]
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), RecordError> {
        (**self).encode(out)
    }

    fn validate(&self) -> Result<(), RecordError> {
        (**self).validate()
    }
}
