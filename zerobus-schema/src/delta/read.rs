use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{DEPTH_MAX, FIELDS_MAX, metadata, value};
use crate::ddl;
use crate::error::SchemaError;
use crate::json;
use crate::path::ColumnPath;
use crate::schema::{StructField, StructType};
use crate::types::{ArrayType, DataType, DecimalType, MapType};

/// The coordinate systems that SQL knows by number, as Delta names them.
pub(super) const COORDINATES: [(&str, &str); 4] = [
    ("4326", "OGC:CRS84"),
    ("3857", "EPSG:3857"),
    ("0", "SRID:0"),
    ("ANY", "SRID:ANY"),
];

pub(super) fn field(
    parent: &ColumnPath,
    value: &Value,
    depth: usize,
) -> Result<StructField, SchemaError> {
    let object = value.as_object().ok_or_else(|| {
        SchemaError::new(format!(
            "expected a field object, found {}",
            json::kind(value)
        ))
        .in_column(parent)
    })?;
    let name = match object.get("name") {
        Some(Value::String(name)) if !name.is_empty() => name,
        Some(Value::String(_)) => {
            return Err(SchemaError::new("a field has an empty name").in_column(parent));
        }
        other => {
            let found = other.map_or("none", json::kind);
            return Err(SchemaError::new(format!(
                "expected a field with a string as `name`, found {found}"
            ))
            .in_column(parent));
        }
    };
    let path = parent.child(name);
    let data_type = object
        .get("type")
        .ok_or_else(|| SchemaError::new("the field has no `type`").in_column(&path))
        .and_then(|value| data_type(&path, value, depth + 1))?;
    let mut field = StructField::nullable(name, data_type);
    field.nullable = boolean(object, &["nullable"], &path)?;
    field.metadata = match object.get("metadata") {
        None | Some(Value::Null) => Default::default(),
        Some(Value::Object(entries)) => entries.clone().into_iter().collect(),
        Some(other) => {
            return Err(SchemaError::new(format!(
                "expected `metadata` to be an object, found {}",
                json::kind(other)
            ))
            .in_column(&path));
        }
    };
    metadata::take(&mut field);
    Ok(field)
}

pub(super) fn data_type(
    path: &ColumnPath,
    value: &Value,
    depth: usize,
) -> Result<DataType, SchemaError> {
    let error = |message: String| SchemaError::new(message).in_column(path);
    if depth > DEPTH_MAX {
        return Err(error(format!(
            "the type is nested deeper than {DEPTH_MAX} levels"
        )));
    }
    let object = match value {
        Value::String(name) => return Ok(primitive(name)),
        Value::Object(object) => object,
        other => {
            return Err(error(format!(
                "expected a type name or object, found {}",
                json::kind(other)
            )));
        }
    };
    let part = |keys: &[&str]| {
        keys.iter().find_map(|key| object.get(*key)).ok_or_else(|| {
            SchemaError::new(format!("the type has no `{}`", keys.first().unwrap_or(&"")))
                .in_column(path)
        })
    };
    let kind = match object.get("type") {
        Some(Value::String(kind)) => kind.as_str(),
        Some(Value::Object(_)) => return data_type(path, part(&["type"])?, depth + 1),
        _ => {
            return Err(error(
                "expected a type object with a string as `type`".to_owned(),
            ));
        }
    };
    match kind {
        "struct" => structure(path, part(&["fields"])?, depth).map(DataType::Struct),
        "array" => {
            let element = part(&["elementType", "element-type"])?;
            let element = data_type(&path.child("element"), element, depth + 1)?;
            let contains_null = boolean(object, &["containsNull", "contains-null"], path)?;
            Ok(DataType::Array(Box::new(ArrayType {
                element,
                contains_null,
            })))
        }
        "map" => {
            let key = part(&["keyType", "key-type"])?;
            let value = part(&["valueType", "value-type"])?;
            let nulls = &["valueContainsNull", "value-contains-null"];
            Ok(DataType::Map(Box::new(MapType {
                key: data_type(&path.child("key"), key, depth + 1)?,
                value: data_type(&path.child("value"), value, depth + 1)?,
                value_contains_null: boolean(object, nulls, path)?,
            })))
        }
        "decimal" if object.contains_key("precision") => decimal(path, object),
        name => Ok(primitive(name)),
    }
}

fn structure(path: &ColumnPath, fields: &Value, depth: usize) -> Result<StructType, SchemaError> {
    let fields = fields.as_array().ok_or_else(|| {
        SchemaError::new(format!(
            "expected `fields` to be an array, found {}",
            json::kind(fields)
        ))
        .in_column(path)
    })?;
    if fields.len() > FIELDS_MAX {
        return Err(SchemaError::new(format!(
            "{} fields; at most {FIELDS_MAX} are read",
            fields.len()
        ))
        .in_column(path));
    }
    let fields: Vec<StructField> = fields
        .iter()
        .map(|value| field(path, value, depth))
        .collect::<Result<_, _>>()?;
    match first_repeated(&fields) {
        Some(name) => Err(SchemaError::new(
            "the name is there twice; names must differ by more than case",
        )
        .in_column(&path.child(name))),
        None => Ok(StructType::new(fields)),
    }
}

/// The first field that has the name of one before it, as Delta compares names: regardless of case.
pub(crate) fn first_repeated(fields: &[StructField]) -> Option<&str> {
    let mut names = BTreeSet::new();
    fields
        .iter()
        .map(|field| field.name.as_str())
        .find(|name| !names.insert(name.to_lowercase()))
}

fn decimal(path: &ColumnPath, object: &Map<String, Value>) -> Result<DataType, SchemaError> {
    let error = |message: String| SchemaError::new(message).in_column(path);
    let number = |key| {
        let value = object.get(key).map_or(Some(0), Value::as_u64)?;
        u8::try_from(value).ok()
    };
    let (Some(precision), Some(scale)) = (number("precision"), number("scale")) else {
        return Err(error(
            "expected whole numbers as `precision` and `scale` of a decimal".to_owned(),
        ));
    };
    DecimalType::new(precision, scale)
        .map(DataType::Decimal)
        .ok_or_else(|| {
            error(format!(
                "DECIMAL({precision},{scale}) is not a type: the precision is 1 to 38, the scale at most the precision"
            ))
        })
}

/// A primitive type by name. What is not known stays known by its text: a new type in one column must not make
/// the rest of the table unreadable.
fn primitive(name: &str) -> DataType {
    known_primitive(name).unwrap_or_else(|| {
        let text = name.trim().chars().filter(|c| !c.is_control());
        DataType::Unsupported(text.take(200).flat_map(char::to_uppercase).collect())
    })
}

/// A type by the name it has in JSON, or by its SQL text.
pub(crate) fn known_primitive(name: &str) -> Option<DataType> {
    let lower = name.trim().to_ascii_lowercase();
    match lower.as_str() {
        "null" => Some(DataType::Void),
        "udt" | "object" => Some(DataType::Unsupported(lower.to_ascii_uppercase())),
        _ => ddl::parse_type(name).ok().or_else(|| spatial(&lower)),
    }
}

/// `geometry(OGC:CRS84)`, `geography(OGC:CRS84, SPHERICAL)` and both words alone, in lower case.
fn spatial(lower: &str) -> Option<DataType> {
    let (kind, rest) = ["geometry", "geography"]
        .iter()
        .find_map(|kind| Some((*kind, lower.strip_prefix(kind)?)))?;
    let inner = match rest.trim() {
        "" => "ogc:crs84",
        rest => rest.strip_prefix('(')?.strip_suffix(')')?,
    };
    let (system, algorithm) = inner.split_once(',').unwrap_or((inner, ""));
    let (system, algorithm) = (system.trim(), algorithm.trim());
    let number = COORDINATES
        .iter()
        .find(|(_, name)| name.eq_ignore_ascii_case(system))
        .map(|(number, _)| *number);
    // SQL has a number only for what is known, and no word for an algorithm.
    match number {
        Some(number) if matches!(algorithm, "" | "spherical") => Some(DataType::Unsupported(
            format!("{}({number})", kind.to_ascii_uppercase()),
        )),
        _ => None,
    }
}

fn boolean(
    object: &Map<String, Value>,
    keys: &[&str],
    path: &ColumnPath,
) -> Result<bool, SchemaError> {
    let found = keys.iter().find_map(|key| object.get(*key));
    value::flag(found).ok_or_else(|| {
        SchemaError::new(format!(
            "expected `{}` to be true or false, found {}",
            keys.first().unwrap_or(&""),
            found.map_or("none", json::kind)
        ))
        .in_column(path)
    })
}
