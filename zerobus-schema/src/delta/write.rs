use serde_json::{Value, json};

use super::metadata;
use super::read::COORDINATES;
use crate::schema::{StructField, StructType};
use crate::types::DataType;

/// Where lengths and collations of strings stand.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Strings {
    /// In the metadata of the nearest field, as Delta has them.
    InMetadata,
    /// In the place of the type, as Spark's parser has them.
    InPlace,
}

pub(super) fn structure(fields: &StructType, strings: Strings) -> Value {
    let fields: Vec<Value> = fields
        .fields
        .iter()
        .map(|field| one_field(field, strings))
        .collect();
    json!({ "type": "struct", "fields": fields })
}

/// Writes one field as Delta has it.
pub(crate) fn field_to_json(field: &StructField) -> Value {
    one_field(field, Strings::InMetadata)
}

fn one_field(field: &StructField, strings: Strings) -> Value {
    let metadata = match strings {
        Strings::InMetadata => metadata::with_strings(field),
        Strings::InPlace => field.metadata.clone().into_iter().collect(),
    };
    json!({
        "name": field.name,
        "type": data_type(&field.data_type, strings),
        "nullable": field.nullable,
        "metadata": metadata,
    })
}

fn data_type(of: &DataType, strings: Strings) -> Value {
    match of {
        DataType::Boolean => "boolean".into(),
        DataType::Byte => "byte".into(),
        DataType::Short => "short".into(),
        DataType::Integer => "integer".into(),
        DataType::Long => "long".into(),
        DataType::Float => "float".into(),
        DataType::Double => "double".into(),
        DataType::Decimal(d) => format!("decimal({},{})", d.precision(), d.scale()).into(),
        DataType::Char(n) if strings == Strings::InPlace => format!("char({n})").into(),
        DataType::Varchar(n) if strings == Strings::InPlace => format!("varchar({n})").into(),
        DataType::CollatedString(collation) if strings == Strings::InPlace => {
            format!("string collate {collation}").into()
        }
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
        DataType::Struct(fields) => structure(fields, strings),
        DataType::Array(array) => json!({
            "type": "array",
            "elementType": data_type(&array.element, strings),
            "containsNull": array.contains_null,
        }),
        DataType::Map(map) => json!({
            "type": "map",
            "keyType": data_type(&map.key, strings),
            "valueType": data_type(&map.value, strings),
            "valueContainsNull": map.value_contains_null,
        }),
    }
}

/// The JSON name of a type that is known by its SQL text.
fn unsupported(text: &str) -> String {
    let (kind, parameters) = text.split_once('(').unwrap_or((text, ""));
    let kind = kind.to_ascii_lowercase();
    if kind != "geometry" && kind != "geography" {
        // The name of a collation has a case of its own.
        let (name, collation) = text.split_at(text.find(" COLLATE ").unwrap_or(text.len()));
        return name.to_lowercase() + &collation.replacen("COLLATE", "collate", 1);
    }
    let number = parameters.trim_end_matches(')');
    let known = COORDINATES.iter().find(|(known, _)| *known == number);
    let system = match (known, number.parse::<u32>()) {
        (Some((_, name)), _) => (*name).to_owned(),
        // Numbers of 16 bits are EPSG's.
        (None, Ok(number)) if number <= 0x7FFF => format!("EPSG:{number}"),
        (None, Ok(number)) => format!("ESRI:{number}"),
        (None, Err(_)) => return format!("{kind}({parameters}"),
    };
    match kind.as_str() {
        "geometry" => format!("{kind}({system})"),
        _ => format!("{kind}({system}, SPHERICAL)"),
    }
}
