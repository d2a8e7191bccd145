use serde_json::{Map, Value};

use crate::ddl;
use crate::delta::value::{flag, text};
use crate::delta::{self, known_primitive};
use crate::error::SchemaError;
use crate::json;
use crate::path::ColumnPath;
use crate::schema::StructField;
use crate::types::{DataType, DecimalType};

/// A `ColumnInfo`.
pub(super) struct Column {
    pub(super) field: StructField,
    pub(super) position: Option<i64>,
    pub(super) partition_index: Option<i64>,
}

pub(super) fn column(value: &Value) -> Result<Column, SchemaError> {
    let info = value.as_object().ok_or_else(|| {
        SchemaError::new(format!("expected a column, found {}", json::kind(value)))
    })?;
    let name = match info.get("name") {
        Some(Value::String(name)) if !name.is_empty() => name,
        other => {
            return Err(SchemaError::new(format!(
                "expected a column with a string as `name`, found {}",
                other.map_or("none", |name| match name {
                    Value::String(_) => "an empty one",
                    other => json::kind(other),
                })
            )));
        }
    };
    // The name within `type_json` is a placeholder often enough; this one is the table's.
    let path = ColumnPath::column(name);
    let mut field = type_of(info, name, &path)?;
    if let nullable @ (Value::Bool(_) | Value::String(_)) =
        info.get("nullable").unwrap_or(&Value::Null)
    {
        field.nullable = flag(Some(nullable)).ok_or_else(|| {
            SchemaError::new("expected `nullable` to be true or false, found a string")
                .in_column(&path)
        })?;
    }
    let comment = text(info.get("comment"), "comment").map_err(|error| error.in_column(&path))?;
    if let Some(comment) = comment.filter(|comment| !comment.is_empty()) {
        field.metadata.insert("comment".to_owned(), comment.into());
    }
    let integer = |key: &str| info.get(key).and_then(Value::as_i64);
    Ok(Column {
        field,
        position: integer("position"),
        partition_index: integer("partition_index").filter(|index| *index >= 0),
    })
}

/// The field as far as the type's three spellings tell: `type_json`, then `type_text`, then `type_name`.
fn type_of(
    info: &Map<String, Value>,
    name: &str,
    path: &ColumnPath,
) -> Result<StructField, SchemaError> {
    let spelling = |key: &str| text(info.get(key), key).map_err(|error| error.in_column(path));
    let type_text = || -> Result<Option<DataType>, SchemaError> {
        Ok(spelling("type_text")?.and_then(|text| ddl::parse_type(text).ok()))
    };
    if let Some((mut field, known)) = from_json(info.get("type_json"), path)? {
        field.name = name.to_owned();
        if !known {
            let other = match type_text()? {
                Some(data_type) => Some(data_type),
                None => by_name(info, spelling("type_name")?),
            };
            field.data_type = other.unwrap_or(field.data_type);
        }
        return Ok(field);
    }
    let data_type = match type_text()? {
        Some(data_type) => data_type,
        None => by_name(info, spelling("type_name")?).ok_or_else(|| {
            let text = spelling("type_text").ok().flatten().unwrap_or("none");
            SchemaError::new(format!(
                "expected the column's type as `type_json`, found none, and `type_text` cannot be read instead: `{}`",
                text.chars().filter(|c| !c.is_control()).take(80).collect::<String>()
            ))
            .in_column(path)
        })?,
    };
    Ok(StructField::nullable(name, data_type))
}

/// What `type_json` says, and whether its type is known; `None` where it says nothing.
///
/// It is a whole field, or a type object, or the name of a type with quotes or without them.
fn from_json(
    type_json: Option<&Value>,
    path: &ColumnPath,
) -> Result<Option<(StructField, bool)>, SchemaError> {
    let parsed = match type_json {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) if text.len() > json::INPUT_MAX => return Ok(None),
        Some(Value::String(text)) => match json::parse(text) {
            Ok(value) => value,
            // Not JSON: the bare name of a type, or nothing that could be read.
            Err(_) => {
                let field = known_primitive(text).map(|known| StructField::nullable("", known));
                return Ok(field.map(|field| (field, true)));
            }
        },
        Some(value) => value.clone(),
    };
    let field = match &parsed {
        Value::Object(object) if object.is_empty() => return Ok(None),
        Value::Object(object) if object.contains_key("name") && object.contains_key("type") => {
            delta::field_from_json(&parsed)
        }
        Value::Object(_) => {
            delta::data_type_from_json(&parsed).map(|of| StructField::nullable("", of))
        }
        Value::String(name) if name.is_empty() => return Ok(None),
        Value::String(_) => {
            delta::data_type_from_json(&parsed).map(|of| StructField::nullable("", of))
        }
        _ => return Ok(None),
    };
    let field = field.map_err(|error| {
        let within = error.path().map(|path| format!(" ({path})"));
        let message = format!(
            "type_json{}: {}",
            within.unwrap_or_default(),
            error.message()
        );
        SchemaError::new(message).in_column(path)
    })?;
    let known = match &field.data_type {
        DataType::Unsupported(text) => known_primitive(text).is_some(),
        _ => true,
    };
    Ok(Some((field, known)))
}

/// A type by its name alone, which tells those that have no parameters. An unknown name is a type no stream carries.
fn by_name(info: &Map<String, Value>, type_name: Option<&str>) -> Option<DataType> {
    let upper = type_name?.trim().to_ascii_uppercase();
    let number = |key: &str| {
        let number = info.get(key).and_then(Value::as_u64);
        number.and_then(|number| u8::try_from(number).ok())
    };
    match upper.as_str() {
        "" | "ARRAY" | "MAP" | "STRUCT" => None,
        "DECIMAL" => {
            // Catalogs send 0 for what they did not fill in.
            let precision = number("type_precision").filter(|precision| *precision > 0)?;
            DecimalType::new(precision, number("type_scale")?).map(DataType::Decimal)
        }
        "BOOL" => Some(DataType::Boolean),
        "NULL" => Some(DataType::Void),
        // Without its length it is a text like any other.
        "CHAR" => Some(DataType::String),
        name => known_primitive(name).or_else(|| {
            let text = name.chars().filter(|c| !c.is_control()).take(200);
            Some(DataType::Unsupported(text.collect()))
        }),
    }
}
