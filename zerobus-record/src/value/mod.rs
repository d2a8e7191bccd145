//! Values and the columns they can be written to.

mod binary;
mod collection;
mod decimal;
mod ip;
mod json;
mod number;
mod stack;
mod text;
mod time;
mod unit;
mod wrapper;

pub use decimal::{Decimal, DecimalText};
pub use json::{Json, VariantJson, check_json};
pub use text::{TextValue, check_length, text_shape, write_text};
#[cfg(any(feature = "jiff", feature = "time"))]
pub(crate) use time::out_of_range;
pub use time::{DateDays, TimestampMicros, TimestampNtzMicros};
pub use unit::{Days, Micros, Millis, Nanos, Seconds, TimeUnit, Unit, UnitInteger};

use crate::error::RecordError;
use crate::layout::{ColumnType, Place, StructColumn};
use crate::shape::Shape;

/// A type whose values can be written to columns of the Delta type `D`.
///
/// A column that may be NULL is a [`Nullable<D>`](crate::delta::Nullable); a type that stands for `D` stands for it
/// too, and so does an `Option` of it. What stands for what is the type table of
/// [`zerobus_schema::mapping::TYPES`].
///
/// The bound is what a generic record asks of its parameter. There is nothing to implement by hand:
/// `#[derive(ZerobusRecord)]` on a struct, a newtype or an enum of unit variants does it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be written to a column of type `{D}`",
    note = "see the type table of zerobus-record"
)]
pub trait ColumnValue<D: ?Sized>: WriteValue {}

/// How a type writes itself into a field.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be written to any column",
    note = "derive `ZerobusRecord` for it, or see the type table of zerobus-record"
)]
pub trait WriteValue {
    /// What columns it can stand for.
    #[doc(hidden)]
    const SHAPE: Shape;

    /// What a slice of it can stand for: an ARRAY, and BINARY where it is bytes.
    #[doc(hidden)]
    const SLICE_SHAPE: Shape = Shape::Array(&Self::SHAPE);

    /// The type of its column where the struct is the schema.
    #[doc(hidden)]
    const COLUMN_TYPE: ColumnType = Self::SHAPE.column_type();

    /// The same for a slice of it.
    #[doc(hidden)]
    const SLICE_COLUMN_TYPE: ColumnType = ColumnType::Array(&Self::COLUMN_TYPE);

    /// Appends the field at `P`, tag and all; nothing where there is no value.
    #[doc(hidden)]
    fn write<P: Place>(&self, out: &mut Vec<u8>) -> Result<(), RecordError>;

    /// Appends the fields of a slice.
    #[doc(hidden)]
    #[inline]
    fn write_slice<P: Place>(slice: &[Self], out: &mut Vec<u8>) -> Result<(), RecordError>
    where
        Self: Sized,
    {
        collection::write_elements::<P, Self>(slice, out)
    }
}

/// A struct that is bound to no table: its fields are looked up by name in the STRUCT, or in the table, they go to.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no struct whose fields could be columns",
    label = "not a struct that derives `ZerobusRecord`",
    note = "derive `ZerobusRecord` for it, without `table`"
)]
pub trait StructValue: WriteValue {
    /// The names of the columns, in the order of the fields.
    #[doc(hidden)]
    const NAMES: &'static [&'static str];

    /// The name of the message where the struct is the schema.
    #[doc(hidden)]
    const MESSAGE: &'static str;

    /// The columns where the struct is the schema.
    #[doc(hidden)]
    const SCHEMA: &'static [StructColumn];

    /// Appends the fields, without anything around them; `P` is the STRUCT.
    #[doc(hidden)]
    fn write_fields<P: Place>(&self, out: &mut Vec<u8>) -> Result<(), RecordError>;
}

/// Writes one field of a record, so that an error names its column.
#[inline]
pub fn write_column<P: Place, T: WriteValue + ?Sized>(
    value: &T,
    name: &str,
    out: &mut Vec<u8>,
) -> Result<(), RecordError> {
    match value.write::<P>(out) {
        Ok(()) => Ok(()),
        Err(error) => Err(error.in_column(name)),
    }
}

/// Writes one column of a table, so that an error names both.
#[inline]
pub fn write_table_column<P: Place, T: WriteValue + ?Sized>(
    value: &T,
    table: &str,
    name: &str,
    out: &mut Vec<u8>,
) -> Result<(), RecordError> {
    match value.write::<P>(out) {
        Ok(()) => Ok(()),
        Err(error) => Err(error.in_column(name).in_table(table)),
    }
}

/// Writes the fields of a struct as columns of the table; `P` is the STRUCT of those that are left for it.
#[inline]
pub fn write_flattened<P: Place, T: StructValue + ?Sized>(
    value: &T,
    table: &str,
    out: &mut Vec<u8>,
) -> Result<(), RecordError> {
    match value.write_fields::<P>(out) {
        Ok(()) => Ok(()),
        Err(error) => Err(error.in_table(table)),
    }
}

/// A text as an error shows it: quoted, and cut where it is long.
#[cold]
#[must_use]
pub fn shown(text: &str) -> String {
    const SHOWN_MAX: usize = 60;
    match text.char_indices().nth(SHOWN_MAX) {
        Some((end, _)) => format!("{:?}…", text.get(..end).unwrap_or_default()),
        None => format!("{text:?}"),
    }
}

/// Says that a type stands for Delta types, nullable and not.
macro_rules! stands_for {
    ($rust:ty: $($({$($param:tt)*})? $delta:ty),* $(,)?) => {$(
        #[diagnostic::do_not_recommend]
        impl$(<$($param)*>)? $crate::value::ColumnValue<$delta> for $rust {}
        #[diagnostic::do_not_recommend]
        impl$(<$($param)*>)? $crate::value::ColumnValue<$crate::delta::Nullable<$delta>> for $rust {}
    )*};
}
pub(crate) use stands_for;

#[cfg(test)]
#[cfg(any(feature = "chrono", feature = "jiff", feature = "time"))]
pub(crate) mod testing {
    use super::WriteValue;
    use crate::delta::DeltaType;
    use crate::layout::At;

    /// The integer that a value is written as, in a column of type `D`.
    pub(crate) fn written<D: DeltaType>(value: &impl WriteValue) -> i64 {
        let mut out = Vec::new();
        value.write::<At<1, D>>(&mut out).unwrap();
        let (tag, varint) = out.split_first().unwrap();
        assert_eq!(*tag, 8);
        varint
            .iter()
            .rev()
            .fold(0_u64, |value, byte| value << 7 | u64::from(byte & 0x7f))
            .cast_signed()
    }
}
