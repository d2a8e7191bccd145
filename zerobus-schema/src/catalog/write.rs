use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::ddl;
use crate::delta::field_to_json;
use crate::number::is_usable_field_number;
use crate::schema::{StructField, TableSchema};
use crate::types::DataType;

/// Writes the table as the catalog answers about it: a `TableInfo` with name, columns, comment and properties.
///
/// A column's `position` is its field number less one where every column has a number of its own, and otherwise its
/// place counted from 0. Numbers of nested fields have no place in the answer.
#[must_use]
pub fn table_to_json(table: &TableSchema) -> Value {
    let fields = &table.columns.fields;
    let numbers: BTreeSet<u32> = fields
        .iter()
        .filter_map(|field| {
            field
                .number
                .filter(|number| is_usable_field_number(*number))
        })
        .collect();
    let numbered = numbers.len() == fields.len();
    let columns: Vec<Value> = fields
        .iter()
        .enumerate()
        .map(|(place, field)| {
            let position = match field.number {
                Some(number) if numbered => json!(number.saturating_sub(1)),
                _ => json!(place),
            };
            let mut partitions = table.partition_columns.iter();
            let partition_index = partitions.position(|name| *name == field.name);
            column_to_json(field, &position, partition_index)
        })
        .collect();
    let mut info = Map::new();
    if let Some(name) = &table.table {
        let keys = ["name", "schema_name", "catalog_name"];
        for (key, part) in keys.iter().zip(name.parts().iter().rev()) {
            info.insert((*key).to_owned(), part.as_str().into());
        }
        info.insert("full_name".to_owned(), name.to_string().into());
    }
    info.insert("columns".to_owned(), columns.into());
    if let Some(comment) = &table.comment {
        info.insert("comment".to_owned(), comment.as_str().into());
    }
    info.insert("properties".to_owned(), json!(table.properties));
    Value::Object(info)
}

fn column_to_json(field: &StructField, position: &Value, partition_index: Option<usize>) -> Value {
    let (precision, scale) = match &field.data_type {
        DataType::Decimal(decimal) => (decimal.precision(), decimal.scale()),
        _ => (0, 0),
    };
    let mut column = json!({
        "name": field.name,
        "type_text": type_text(&field.data_type),
        "type_name": type_name(&field.data_type),
        "type_json": field_to_json(field).to_string(),
        "type_precision": precision,
        "type_scale": scale,
        "position": position,
        "nullable": field.nullable,
    });
    if let Some(column) = column.as_object_mut() {
        if let Some(comment) = field.comment() {
            column.insert("comment".to_owned(), comment.into());
        }
        if let Some(index) = partition_index {
            column.insert("partition_index".to_owned(), index.into());
        }
    }
    column
}

/// A Delta table knows CHAR and VARCHAR as strings whose length stands in the metadata.
fn type_text(data_type: &DataType) -> String {
    match data_type {
        DataType::Char(_) | DataType::Varchar(_) => "string".to_owned(),
        other => ddl::catalog_string(other, false),
    }
}

/// The catalog's own name of the type (`ColumnTypeName`).
fn type_name(data_type: &DataType) -> &str {
    match data_type {
        DataType::Boolean => "BOOLEAN",
        DataType::Byte => "BYTE",
        DataType::Short => "SHORT",
        DataType::Integer => "INT",
        DataType::Long => "LONG",
        DataType::Float => "FLOAT",
        DataType::Double => "DOUBLE",
        DataType::Decimal(_) => "DECIMAL",
        DataType::String
        | DataType::CollatedString(_)
        | DataType::Char(_)
        | DataType::Varchar(_) => "STRING",
        DataType::Binary => "BINARY",
        DataType::Date => "DATE",
        DataType::Timestamp => "TIMESTAMP",
        DataType::TimestampNtz => "TIMESTAMP_NTZ",
        DataType::Variant => "VARIANT",
        DataType::Array(_) => "ARRAY",
        DataType::Map(_) => "MAP",
        DataType::Struct(_) => "STRUCT",
        DataType::Void => "NULL",
        // INTERVAL, TIME, GEOMETRY and GEOGRAPHY go by their first word.
        DataType::Unsupported(text) => {
            let end = text.find(|c: char| !c.is_ascii_alphabetic());
            match text.get(..end.unwrap_or(text.len())) {
                Some("" | "UDT" | "OBJECT") | None => "USER_DEFINED_TYPE",
                Some(word) => word,
            }
        }
    }
}
