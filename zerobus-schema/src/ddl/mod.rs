//! Spark's and Databricks' DDL: `CREATE TABLE` statements, column lists, type texts.
//!
//! The grammar is Spark's (`SqlBaseParser.g4`) with what Databricks adds to it, such as column masks and row filters.
//! A `DEFAULT COLLATION` becomes the property `collation`, and the columns stay as they are, as Spark's parser has it.
//! Names that differ only in case are refused, as Delta refuses them; so are empty names. Input is bounded in
//! size (16 MiB), in depth (64 types within each other) and in fields (200,000 of all tables of a text).
//!
//! ```
//! use zerobus_schema::ddl;
//!
//! let error = ddl::parse_create_table("CREATE TABLE main.default.t (\n  id BIGINT,\n  at DATETIME\n)");
//! assert_eq!(
//!     error.unwrap_err().to_string(),
//!     "3:6: expected a type, found `DATETIME`; write TIMESTAMP"
//! );
//! ```

mod clause;
mod collation;
mod column;
mod constraint;
mod cursor;
mod lexer;
mod statement;
mod types;
mod write;

use self::cursor::Cursor;
use crate::error::SchemaError;
use crate::schema::{StructType, TableSchema};
use crate::types::DataType;

pub(crate) use self::collation::collated;
pub(crate) use self::write::catalog_string;
pub use self::write::create_table;

/// Reads a text that holds one `CREATE TABLE` statement.
///
/// # Errors
/// [`SchemaError`] with line and column, also where the text holds no such statement or several.
pub fn parse_create_table(text: &str) -> Result<TableSchema, SchemaError> {
    let mut tables = parse_create_tables(text)?;
    match (tables.pop(), tables.len()) {
        (Some(table), 0) => Ok(table),
        (_, rest) => Err(SchemaError::new(format!(
            "expected one CREATE TABLE statement, found {}",
            rest + 1
        ))),
    }
}

/// Reads any number of `CREATE TABLE` statements divided by semicolons.
///
/// What says nothing about columns is passed over: `USE`, `SET`, `GRANT`, `DROP`, `COMMENT ON` and `CREATE`
/// of a schema or catalog. Any other statement is an error, because it may change what a table looks like (`ALTER TABLE`).
///
/// # Errors
/// [`SchemaError`] with line and column, also where the text holds no `CREATE TABLE` at all.
pub fn parse_create_tables(text: &str) -> Result<Vec<TableSchema>, SchemaError> {
    let mut cursor = Cursor::new(text)?;
    let mut tables = Vec::new();
    while !cursor.at_end() {
        if !cursor.eat_symbol(';')? {
            tables.extend(statement::statement(&mut cursor)?);
        }
    }
    if tables.is_empty() {
        return Err(cursor.expected("a CREATE TABLE statement"));
    }
    Ok(tables)
}

/// Reads a bare column list, `a INT NOT NULL, b STRING COMMENT 'x'`.
///
/// # Errors
/// [`SchemaError`] with line and column.
pub fn parse_columns(text: &str) -> Result<StructType, SchemaError> {
    let mut cursor = Cursor::new(text)?;
    let fields = types::column_list(&mut cursor)?;
    let clause = ["DEFAULT", "GENERATED", "MASK"]
        .iter()
        .any(|word| cursor.looking_at(&[word]));
    cursor.expect_end(if clause || constraint::stands_at(&cursor) {
        "`,` or the end of the column list (such a clause stands in a CREATE TABLE statement only: write \
         `CREATE TABLE name (…)` around the list)"
    } else {
        "`,` or the end of the column list"
    })?;
    Ok(fields)
}

/// Reads one type, `ARRAY<STRUCT<a: INT>>`.
///
/// INTERVAL, TIME, GEOMETRY, GEOGRAPHY and timestamps of nanoseconds become [`DataType::Unsupported`], with their
/// text in upper case and in one spelling.
///
/// # Errors
/// [`SchemaError`] with line and column.
pub fn parse_type(text: &str) -> Result<DataType, SchemaError> {
    let mut cursor = Cursor::new(text)?;
    let data_type = types::data_type(&mut cursor)?;
    cursor.expect_end("the end of the type")?;
    Ok(data_type)
}

/// Whether an expression opens and closes all its parentheses, quotes and comments, so that it can stand between
/// parentheses without saying anything outside of them.
fn is_closed_expression(text: &str) -> bool {
    let wrapped = format!("({text})");
    let Ok(mut cursor) = Cursor::new(&wrapped) else {
        return false;
    };
    cursor
        .parenthesised()
        .is_ok_and(|inner| !inner.trim().is_empty())
        && cursor.at_end()
}

/// Whether DEFAULT takes the whole text as its expression and nothing of it as a clause of its own.
fn is_whole_default(text: &str) -> bool {
    let Ok(mut cursor) = Cursor::new(text) else {
        return false;
    };
    column::expression(&mut cursor).is_ok_and(|expression| expression == text) && cursor.at_end()
}
