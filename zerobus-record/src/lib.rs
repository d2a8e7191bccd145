//! What a Zerobus record is at run time.
//!
//! [`ZerobusRecord`] is the whole of what a stream asks of a record; `#[derive(ZerobusRecord)]` implements it for a
//! struct of yours and checks that struct, while it compiles, against the table's checked-in schema.

#[doc(hidden)]
pub mod __private;
mod column;
pub mod delta;
mod error;
mod foreign;
mod layout;
mod record;
mod report;
mod shape;
mod value;
mod wire;

pub use column::{ColumnInfo, ColumnSource};
pub use error::RecordError;
pub use record::ZerobusRecord;
pub use value::{
    ColumnValue, DateDays, Decimal, DecimalText, TimestampMicros, TimestampNtzMicros, VariantJson,
};
pub use zerobus_schema::{ColumnPath, Fingerprint};

#[cfg(feature = "derive")]
pub use zerobus_derive::ZerobusRecord;
