//! Unity Catalog's answer to `GET /api/2.1/unity-catalog/tables/{name}`, of Databricks and of the open-source server,
//! and to the Delta REST API's `GET …/delta/v1/catalogs/{c}/schemas/{s}/tables/{t}`.
//!
//! A column's type is taken from `type_json`, in all the forms that catalogs have written over the years, because
//! `type_text` quotes no names and drops nullability; only where `type_json` says nothing do `type_text` and
//! `type_name` count. Whatever else the answer holds is ignored.

mod column;
mod write;

use serde_json::{Map, Value};

use crate::delta::value::{properties, text, texts};
use crate::delta::{self, FIELDS_MAX, first_repeated};
use crate::error::SchemaError;
use crate::json;
use crate::name::TableRef;
use crate::number::is_usable_field_number;
use crate::path::ColumnPath;
use crate::schema::{StructField, StructType, TableSchema};

pub use self::write::table_to_json;

/// Reads a table from the JSON text of the catalog's answer.
///
/// The columns keep the order they are listed in. Each gets its `position` plus one as field number, as the official
/// SDK numbers them, where every column has a position of its own; otherwise none has a number.
///
/// # Errors
/// [`SchemaError`] with the path of the column that could not be read; with the catalog's own words when the answer
/// is an error; and when the answer lists no columns, which says that the catalog does not know them.
pub fn parse_table(text: &str) -> Result<TableSchema, SchemaError> {
    match json::parse(text)? {
        Value::Object(answer) => table(&answer),
        other => Err(SchemaError::new(format!(
            "expected the catalog's answer about a table, found {}",
            json::kind(&other)
        ))),
    }
}

/// Reads one column, a `ColumnInfo`, from its JSON text.
///
/// # Errors
/// [`SchemaError`] when it has no name or its type cannot be read.
pub fn parse_column(text: &str) -> Result<StructField, SchemaError> {
    column::column(&json::parse(text)?).map(|column| column.field)
}

fn table(answer: &Map<String, Value>) -> Result<TableSchema, SchemaError> {
    if let Some(error) = refusal(answer) {
        return Err(error);
    }
    if let Some(Value::Array(tables)) = answer.get("tables") {
        return Err(SchemaError::new(format!(
            "expected one table, found a list of {}; give one of them",
            tables.len()
        )));
    }
    let delta_rest = answer.get("metadata").and_then(Value::as_object);
    let info = delta_rest.unwrap_or(answer);
    let mut table = match info.get("columns") {
        Some(Value::Array(columns)) => from_columns(columns)?,
        Some(schema @ Value::Object(_)) => {
            let columns = delta::schema_from_json(schema)?;
            let mut table = TableSchema::new(None, columns);
            table.partition_columns = texts(info.get("partition-columns"), "partition-columns")?;
            table
        }
        None | Some(Value::Null) => TableSchema::new(None, StructType::default()),
        Some(other) => {
            return Err(SchemaError::new(format!(
                "expected `columns` to be a list of columns, found {}",
                json::kind(other)
            )));
        }
    };
    if table.columns.fields.is_empty() {
        return Err(SchemaError::new(
            "the catalog lists no columns, which means that it does not know them (as for an external Delta table \
             that Spark created); read the schema from the table's `_delta_log`",
        ));
    }
    table.table = name(answer)?;
    table.comment = text(info.get("comment"), "comment")?
        .filter(|comment| !comment.is_empty())
        .map(str::to_owned);
    table.properties = properties(info.get("properties"), "properties")?;
    let id = info.get("table_id").or_else(|| info.get("table-uuid"));
    table.id = text(id, "table_id")?.map(str::to_owned);
    Ok(table)
}

fn from_columns(columns: &[Value]) -> Result<TableSchema, SchemaError> {
    if columns.len() > FIELDS_MAX {
        return Err(SchemaError::new(format!(
            "the table has {} columns; at most {FIELDS_MAX} are read",
            columns.len()
        )));
    }
    let mut fields = Vec::with_capacity(columns.len());
    let mut positions = Vec::with_capacity(columns.len());
    let mut partitions = Vec::new();
    for value in columns {
        let column = column::column(value)?;
        if let Some(index) = column.partition_index {
            partitions.push((index, column.field.name.clone()));
        }
        positions.push(column.position);
        fields.push(column.field);
    }
    if let Some(name) = first_repeated(&fields) {
        return Err(SchemaError::new(
            "the name is there twice; names must differ by more than case",
        )
        .in_column(&ColumnPath::column(name)));
    }
    for (field, number) in fields.iter_mut().zip(numbers(&positions)) {
        field.number = Some(number);
    }
    partitions.sort_by_key(|(index, _)| *index);
    let mut table = TableSchema::new(None, StructType::new(fields));
    table.partition_columns = partitions.into_iter().map(|(_, name)| name).collect();
    Ok(table)
}

/// The field numbers that positions stand for; none unless every column has one of its own.
fn numbers(positions: &[Option<i64>]) -> Vec<u32> {
    let number = |position: &Option<i64>| {
        let number = u32::try_from(position.as_ref()?.checked_add(1)?).ok()?;
        is_usable_field_number(number).then_some(number)
    };
    let numbers: Option<Vec<u32>> = positions.iter().map(number).collect();
    let numbers = numbers.unwrap_or_default();
    let distinct: std::collections::BTreeSet<_> = numbers.iter().collect();
    if distinct.len() == numbers.len() {
        numbers
    } else {
        Vec::new()
    }
}

/// The table's name: its three parts, where the answer has them, else its full name, else what there is.
fn name(answer: &Map<String, Value>) -> Result<Option<TableRef>, SchemaError> {
    let part = |key: &str| text(answer.get(key), key);
    let (catalog, schema, table) = (part("catalog_name")?, part("schema_name")?, part("name")?);
    let parsed = match (catalog, schema, table, part("full_name")?) {
        (Some(catalog), Some(schema), Some(table), _) => {
            TableRef::from_parts([catalog, schema, table].map(str::to_owned).into())
        }
        (_, _, _, Some(full)) => TableRef::parse(full),
        (_, Some(schema), Some(table), _) => {
            TableRef::from_parts([schema, table].map(str::to_owned).into())
        }
        (_, _, Some(table), _) => TableRef::from_parts(vec![table.to_owned()]),
        _ => return Ok(None),
    };
    parsed
        .map(Some)
        .map_err(|error| SchemaError::new(error.to_string()))
}

/// The error that the answer is, if it is one: `{"error_code", "message"}`, or `{"error": {"type", "message"}}` of the
/// Delta REST API.
fn refusal(answer: &Map<String, Value>) -> Option<SchemaError> {
    let (code, message) = match answer.get("error") {
        Some(Value::Object(error)) => (error.get("type"), error.get("message")),
        _ => (Some(answer.get("error_code")?), answer.get("message")),
    };
    let shown = |value: Option<&Value>| {
        let text = value.and_then(Value::as_str).unwrap_or("no reason given");
        let clean = text.chars().filter(|c| !c.is_control());
        clean.take(500).collect::<String>()
    };
    Some(SchemaError::new(format!(
        "the catalog answered with an error, {}: {}",
        shown(code),
        shown(message)
    )))
}
