//! What the derive's code calls. Nothing here is for other use, and anything may change in any release.

pub use std::option::Option::{self, None, Some};
pub use std::primitive::{str, u8};
pub use std::result::Result::{self, Err, Ok};
pub use std::vec::Vec;

pub use crate::column::{ColumnInfo, ColumnSource};
pub use crate::delta::{self, DeltaType, Layout};
pub use crate::error::RecordError;
pub use crate::layout::{At, ColumnType, Member, Place, StructColumn, is_in_order, order};
pub use crate::record::ZerobusRecord;
pub use crate::shape::{
    FieldShape, Shape, check, check_flat, check_flat_all, needs_validation, written_by,
};
pub use crate::value::{
    ColumnValue, Days, Json, Micros, Millis, Nanos, Seconds, StructValue, TextValue, TimeUnit,
    Unit, UnitInteger, WriteValue, text_shape, write_column, write_flattened, write_table_column,
    write_text,
};
pub use crate::wire::{begin, end};
pub use zerobus_schema::Fingerprint;

#[cfg(feature = "derive")]
pub use zerobus_derive::ZerobusRecordOfClient;

/// The schema that a struct without a table is.
pub mod schema {
    pub use crate::schema::{
        Own, column, column_infos, contract, contract_len, count, descriptor, descriptor_len,
        fingerprint, paths, paths_len, problem,
    };
}
