//! The schema that a struct without a table is.

mod columns;
mod contract;
mod descriptor;
mod problem;

use std::marker::PhantomData;

use zerobus_schema::mapping::{self, MappingOptions};
use zerobus_schema::{
    DataType, DecimalType, NameError, Snapshot, StructField, StructType, TableRef, TableSchema, ddl,
};

pub use columns::{column_infos, count, paths, paths_len};
pub use contract::{contract, contract_len, fingerprint};
pub use descriptor::{descriptor, descriptor_len};
pub use problem::problem;

use crate::layout::{ColumnType, Place, StructColumn};
use crate::shape::Shape;
use crate::value::StructValue;

/// The schema of a struct that derives [`ZerobusRecord`](crate::ZerobusRecord) without a table: there the struct comes
/// first, and the table is made from it.
///
/// ```
/// use zerobus_record::{StructSchema, TimestampMicros, ZerobusRecord};
///
/// #[derive(ZerobusRecord)]
/// struct Reading {
///     device: String,
///     temp: Option<i32>,
///     at: TimestampMicros,
///     #[zerobus(type = "DECIMAL(10,2)", number = 9)]
///     price: String,
/// }
///
/// assert_eq!(
///     Reading::to_create_table("main.default.readings")?,
///     "CREATE TABLE main.default.readings (\n  \
///        device STRING NOT NULL,\n  temp INT,\n  at TIMESTAMP NOT NULL,\n  price DECIMAL(10,2) NOT NULL\n);\n",
/// );
/// assert!(Reading::to_proto().contains("required string price = 9;"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait StructSchema {
    /// The columns, without a table's name.
    fn table_schema() -> TableSchema;

    /// The message as a `.proto` file.
    fn to_proto() -> String;

    /// The `CREATE TABLE` statement of a table for such records.
    ///
    /// # Errors
    /// [`NameError`] when `table` is no table name.
    fn to_create_table(table: &str) -> Result<String, NameError> {
        let mut schema = Self::table_schema();
        schema.table = Some(TableRef::parse(table)?);
        Ok(ddl::create_table(&schema))
    }

    /// The text of the snapshot `schemas/<table>.json`, to check in.
    ///
    /// # Errors
    /// [`NameError`] when `table` is no table name.
    fn to_snapshot(table: &str) -> Result<String, NameError> {
        let mut schema = Self::table_schema();
        schema.table = Some(TableRef::parse(table)?);
        Ok(Snapshot::new(schema).to_json())
    }
}

impl<R: StructValue + crate::ZerobusRecord> StructSchema for R {
    fn table_schema() -> TableSchema {
        // The record's constants fail the build where a column's type is open.
        let _ = R::DESCRIPTOR;
        TableSchema::new(None, struct_type(R::SCHEMA))
    }

    fn to_proto() -> String {
        let mut options = MappingOptions::default();
        options.message_name = Some(R::MESSAGE.to_owned());
        mapping::map(&Self::table_schema(), &options)
            .message
            .to_proto()
    }
}

fn struct_type(columns: &[StructColumn]) -> StructType {
    let field = |column: &StructColumn| {
        let data_type = data_type(column.column_type);
        let mut field = if column.nullable {
            StructField::nullable(column.name, data_type)
        } else {
            StructField::not_null(column.name, data_type)
        };
        field.number = Some(column.number);
        field
    };
    StructType::new(columns.iter().map(field).collect())
}

fn data_type(column_type: ColumnType) -> DataType {
    match column_type {
        ColumnType::Boolean => DataType::Boolean,
        ColumnType::Byte => DataType::Byte,
        ColumnType::Short => DataType::Short,
        ColumnType::Integer => DataType::Integer,
        ColumnType::Long => DataType::Long,
        ColumnType::Float => DataType::Float,
        ColumnType::Double => DataType::Double,
        ColumnType::Decimal(precision, scale) => {
            DecimalType::new(precision, scale).map_or(DataType::Void, DataType::Decimal)
        }
        ColumnType::String => DataType::String,
        ColumnType::Char(n) => DataType::Char(n),
        ColumnType::Varchar(n) => DataType::Varchar(n),
        ColumnType::Binary => DataType::Binary,
        ColumnType::Date => DataType::Date,
        ColumnType::Timestamp => DataType::Timestamp,
        ColumnType::TimestampNtz => DataType::TimestampNtz,
        ColumnType::Variant => DataType::Variant,
        ColumnType::Array(element) => DataType::array(data_type(*element)),
        ColumnType::Map(key, value) => DataType::map(data_type(*key), data_type(*value)),
        ColumnType::Struct(columns) => DataType::Struct(struct_type(columns)),
        ColumnType::Undecided => DataType::Void,
    }
}

/// The STRUCT that a struct itself is.
#[derive(Debug)]
pub struct Own<S: ?Sized>(PhantomData<S>);

impl<S: StructValue + ?Sized> Place for Own<S> {
    const NUMBER: u32 = 0;
    const TYPE: ColumnType = ColumnType::Struct(S::SCHEMA);
}

/// A column of the struct's own schema. An ARRAY or MAP may be NULL in the table, because an empty one arrives as NULL.
#[must_use]
pub const fn column(
    name: &'static str,
    number: u32,
    column_type: ColumnType,
    shape: Shape,
) -> StructColumn {
    StructColumn {
        name,
        number,
        nullable: shape.is_option()
            || matches!(column_type, ColumnType::Array(_) | ColumnType::Map(..)),
        column_type,
    }
}
