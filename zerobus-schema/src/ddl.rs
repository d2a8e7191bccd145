//! Spark's and Databricks' DDL: CREATE TABLE statements, column lists, type texts.

use crate::error::SchemaError;
use crate::schema::{StructType, TableSchema};
use crate::types::DataType;

/// Reads one `CREATE TABLE` statement.
///
/// # Errors
/// [`SchemaError`] with line and column.
pub fn parse_create_table(text: &str) -> Result<TableSchema, SchemaError> {
    parse_create_tables(text)?
        .pop()
        .ok_or_else(|| SchemaError::new("no CREATE TABLE"))
}

/// Reads any number of `CREATE TABLE` statements divided by semicolons.
///
/// # Errors
/// [`SchemaError`] with line and column.
pub fn parse_create_tables(text: &str) -> Result<Vec<TableSchema>, SchemaError> {
    Err(SchemaError::new(text))
}

/// Reads a bare column list, `a INT NOT NULL, b STRING COMMENT 'x'`.
///
/// # Errors
/// [`SchemaError`] with line and column.
pub fn parse_columns(text: &str) -> Result<StructType, SchemaError> {
    Err(SchemaError::new(text))
}

/// Reads one type, `ARRAY<STRUCT<a: INT>>`.
///
/// # Errors
/// [`SchemaError`] with line and column.
pub fn parse_type(text: &str) -> Result<DataType, SchemaError> {
    Err(SchemaError::new(text))
}

/// Writes the table as a CREATE TABLE statement with a final newline, one column a line.
#[must_use]
pub fn create_table(table: &TableSchema) -> String {
    format!("{table:?}")
}
