#![doc = include_str!("../README.md")]

#[doc(hidden)]
pub mod __private;
#[doc(hidden)]
pub mod checks;
mod column;
pub mod delta;
mod error;
mod foreign;
mod layout;
mod record;
mod report;
mod schema;
mod shape;
mod text;
mod value;
mod wire;

pub use column::{ColumnInfo, ColumnSource};
pub use error::RecordError;
pub use record::ZerobusRecord;
pub use schema::StructSchema;
pub use value::{
    ColumnValue, DateDays, Decimal, DecimalText, TimestampMicros, TimestampNtzMicros, VariantJson,
};
pub use zerobus_schema::{ColumnPath, Fingerprint};

#[cfg(feature = "derive")]
#[doc(inline)]
pub use zerobus_derive::ZerobusRecord;

/// The examples of the derive, which lie beside it and need this crate.
#[cfg(doctest)]
#[doc = include_str!("../../zerobus-derive/derive.md")]
struct DeriveExamples;
