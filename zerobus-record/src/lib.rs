//! What a Zerobus record is at run time.
//!
//! [`ZerobusRecord`] is the whole of what a stream asks of a record; `#[derive(ZerobusRecord)]` implements it for a
//! struct of yours and checks that struct, while it compiles, against the table's checked-in schema.

mod column;
mod error;
mod record;

pub use column::{ColumnInfo, ColumnSource};
pub use error::RecordError;
pub use record::ZerobusRecord;
pub use zerobus_schema::{ColumnPath, Fingerprint};
