use serde_json::{Value, json};

use super::metadata;
use super::read::COORDINATES;
use crate::schema::{StructField, StructType};
use crate::types::DataType;

pub(super) fn structure(fields: &StructType) -> Value {
    let fields: Vec<Value> = fields.fields.iter().map(field_to_json).collect();
    json!({ "type": "struct", "fields": fields })
}

/// Writes one field as Spark writes it.
pub(crate) fn field_to_json(field: &StructField) -> Value {
    json!({
        "name": field.name,
        "type": data_type(&field.data_type),
        "nullable": field.nullable,
        "metadata": metadata::with_strings(field),
    })
}

fn data_type(of: &DataType) -> Value {
    match of {
        DataType::Boolean => "boolean".into(),
        DataType::Byte => "byte".into(),
        DataType::Short => "short".into(),
        DataType::Integer => "integer".into(),
        DataType::Long => "long".into(),
        DataType::Float => "float".into(),
        DataType::Double => "double".into(),
        DataType::Decimal(d) => format!("decimal({},{})", d.precision(), d.scale()).into(),
        DataType::String
        | DataType::CollatedString(_)
        | DataType::Char(_)
        | DataType::Varchar(_) => "string".into(),
        DataType::Binary => "binary".into(),
        DataType::Date => "date".into(),
        DataType::Timestamp => "timestamp".into(),
        DataType::TimestampNtz => "timestamp_ntz".into(),
        DataType::Variant => "variant".into(),
        DataType::Void => "void".into(),
        DataType::Unsupported(text) => unsupported(text).into(),
        DataType::Struct(fields) => structure(fields),
        DataType::Array(array) => json!({
            "type": "array",
            "elementType": data_type(&array.element),
            "containsNull": array.contains_null,
        }),
        DataType::Map(map) => json!({
            "type": "map",
            "keyType": data_type(&map.key),
            "valueType": data_type(&map.value),
            "valueContainsNull": map.value_contains_null,
        }),
    }
}

/// The JSON name of a type that is known by its SQL text.
fn unsupported(text: &str) -> String {
    let (kind, parameters) = text.split_once('(').unwrap_or((text, ""));
    let kind = kind.to_ascii_lowercase();
    if kind != "geometry" && kind != "geography" {
        return text.to_lowercase();
    }
    let number = parameters.trim_end_matches(')');
    let system = COORDINATES.iter().find(|(known, _)| *known == number);
    match system {
        Some((_, name)) if kind == "geometry" => format!("{kind}({name})"),
        Some((_, name)) => format!("{kind}({name}, SPHERICAL)"),
        None => format!("{kind}({parameters}"),
    }
}
