//! The schema JSON that Delta keeps in its log (`schemaString` of the `metaData` action) and that Spark writes:
//! `{"type":"struct","fields":[…]}` (Delta's PROTOCOL.md, "Schema Serialization Format"); and the log itself.
//!
//! Input is bounded in size (16 MiB), in depth (64 types within each other) and in the fields of one struct (20,000).

mod log;
mod metadata;
mod read;
pub(crate) mod value;
mod write;

use serde_json::Value;

use crate::error::SchemaError;
use crate::json;
use crate::path::ColumnPath;
use crate::schema::{StructField, StructType};
use crate::types::DataType;
use write::Strings;

pub use self::log::parse_log_actions;
pub(crate) use self::read::{first_repeated, known_primitive};
pub(crate) use self::write::field_to_json;

/// The deepest type that is read; protobuf's compilers stop at 31 messages.
pub(crate) const DEPTH_MAX: usize = 64;
/// The most fields of one struct that are read; a Zerobus table has at most 2,000 columns.
pub(crate) const FIELDS_MAX: usize = 20_000;

/// Reads a schema from its JSON text.
///
/// Besides what Spark writes, it takes what is found in the wild: missing `nullable`, `containsNull` and
/// `metadata` (true, true and empty), the kebab-case keys of Unity Catalog's Delta REST API, a primitive
/// wrapped as `{"type":"long"}`, a decimal as an object, upper case and SQL's names of the primitive types. A type
/// that is not known becomes [`DataType::Unsupported`], so that one column does not hide the others.
///
/// # Errors
/// [`SchemaError`] with the path of the column that could not be read, or that has the name of another.
pub fn parse_schema(text: &str) -> Result<StructType, SchemaError> {
    schema_from_json(&json::parse(text)?)
}

/// Reads a schema from JSON already parsed.
///
/// # Errors
/// [`SchemaError`] with the path of the column that could not be read, or that has the name of another.
pub fn schema_from_json(value: &Value) -> Result<StructType, SchemaError> {
    match read::data_type(&ColumnPath::default(), value, 0)? {
        DataType::Struct(fields) => Ok(fields),
        other => Err(SchemaError::new(format!(
            "expected a struct of columns, found {other}"
        ))),
    }
}

/// Reads one field, `{"name", "type", "nullable", "metadata"}`.
///
/// # Errors
/// [`SchemaError`] with the path of the column that could not be read.
pub fn field_from_json(value: &Value) -> Result<StructField, SchemaError> {
    read::field(&ColumnPath::default(), value, 0)
}

/// Reads one type: a name or an object with `type`.
///
/// # Errors
/// [`SchemaError`] with the path of the part that could not be read.
pub fn data_type_from_json(value: &Value) -> Result<DataType, SchemaError> {
    read::data_type(&ColumnPath::default(), value, 0)
}

/// Writes the schema as Delta has it in its log: CHAR, VARCHAR and collations in the metadata of the nearest field.
#[must_use]
pub fn schema_to_json(fields: &StructType) -> Value {
    write::structure(fields, Strings::InMetadata)
}

/// Writes the schema as Spark's parser has it: CHAR, VARCHAR and collations in the place of the type (`"char(4)"`,
/// `"string collate UTF8_LCASE"`), at every depth.
#[must_use]
pub fn schema_to_spark_json(fields: &StructType) -> Value {
    write::structure(fields, Strings::InPlace)
}
