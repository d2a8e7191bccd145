use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{DEPTH_MAX, FIELDS_MAX, metadata, value};
use crate::ddl;
use crate::error::SchemaError;
use crate::json;
use crate::path::ColumnPath;
use crate::schema::{StructField, StructType};
use crate::types::{ArrayType, DataType, MapType};

/// The coordinate systems that SQL knows by number, as Delta names them.
pub(super) const COORDINATES: [(&str, &str); 6] = [
    ("4326", "OGC:CRS84"),
    ("4267", "OGC:CRS27"),
    ("4269", "OGC:CRS83"),
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
        let found = json::kind(value);
        error(parent, format!("expected a field object, found {found}"))
    })?;
    let name = match object.get("name") {
        Some(Value::String(name)) if !name.is_empty() => name,
        Some(Value::String(_)) => {
            return Err(error(parent, "a field has an empty name"));
        }
        other => {
            let found = other.map_or("none", json::kind);
            let message = format!("expected a field with a string as `name`, found {found}");
            return Err(error(parent, message));
        }
    };
    let path = parent.child(name);
    let data_type = object
        .get("type")
        .ok_or_else(|| error(&path, "the field has no `type`"))
        .and_then(|value| data_type(&path, value, depth + 1))?;
    let mut field = StructField::nullable(name, data_type);
    field.nullable = boolean(object, &["nullable"], &path)?;
    field.metadata = match object.get("metadata") {
        None | Some(Value::Null) => Default::default(),
        Some(Value::Object(entries)) => entries.clone().into_iter().collect(),
        Some(other) => {
            let found = json::kind(other);
            let message = format!("expected `metadata` to be an object, found {found}");
            return Err(error(&path, message));
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
    if depth > DEPTH_MAX {
        let message = format!("the type is nested deeper than {DEPTH_MAX} levels");
        return Err(error(path, message));
    }
    let object = match value {
        Value::String(name) => return primitive(path, name),
        Value::Object(object) => object,
        other => {
            let found = json::kind(other);
            let message = format!("expected a type name or object, found {found}");
            return Err(error(path, message));
        }
    };
    let part = |keys: &[&str]| {
        keys.iter().find_map(|key| object.get(*key)).ok_or_else(|| {
            let key = keys.first().unwrap_or(&"");
            error(path, format!("the type has no `{key}`"))
        })
    };
    let kind = match object.get("type") {
        Some(Value::String(kind)) => kind.as_str(),
        Some(Value::Object(_)) => return data_type(path, part(&["type"])?, depth + 1),
        _ => {
            let message = "expected a type object with a string as `type`";
            return Err(error(path, message));
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
        name => primitive(path, name),
    }
}

fn structure(path: &ColumnPath, fields: &Value, depth: usize) -> Result<StructType, SchemaError> {
    let fields = fields.as_array().ok_or_else(|| {
        let found = json::kind(fields);
        error(
            path,
            format!("expected `fields` to be an array, found {found}"),
        )
    })?;
    if fields.len() > FIELDS_MAX {
        let message = format!("{} fields; at most {FIELDS_MAX} are read", fields.len());
        return Err(error(path, message));
    }
    let fields: Vec<StructField> = fields
        .iter()
        .map(|value| field(path, value, depth))
        .collect::<Result<_, _>>()?;
    match first_repeated(&fields) {
        Some(name) => Err(error(
            &path.child(name),
            "the name is there twice; names must differ by more than case",
        )),
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
    let number = |key| {
        let value = object.get(key).map_or(Some(0), Value::as_u64)?;
        u8::try_from(value).ok()
    };
    let (Some(precision), Some(scale)) = (number("precision"), number("scale")) else {
        let message = "expected whole numbers as `precision` and `scale` of a decimal";
        return Err(error(path, message));
    };
    primitive(path, &format!("DECIMAL({precision},{scale})"))
}

/// A primitive type by name. What is not known stays known by its text: a new type in one column must not make
/// the rest of the table unreadable. A decimal that cannot be is not new, it is wrong.
fn primitive(path: &ColumnPath, name: &str) -> Result<DataType, SchemaError> {
    if let Some(known) = known_primitive(name) {
        return Ok(known);
    }
    let text = name.trim().chars().filter(|c| !c.is_control()).take(200);
    let text: String = text.flat_map(char::to_uppercase).collect();
    if text.is_empty() {
        return Err(error(
            path,
            "expected the name of a type, found an empty one",
        ));
    }
    if text.starts_with("DECIMAL") {
        return Err(error(
            path,
            format!(
                "{text} is not a type: the precision is 1 to 38, the scale at most the precision"
            ),
        ));
    }
    Ok(DataType::Unsupported(text))
}

/// A type by the name it has in JSON, or by its SQL text.
pub(crate) fn known_primitive(name: &str) -> Option<DataType> {
    let lower = name.trim().to_ascii_lowercase();
    match lower.as_str() {
        "null" => Some(DataType::Void),
        "udt" | "object" => Some(DataType::Unsupported(lower.to_ascii_uppercase())),
        _ => ddl::parse_type(name)
            .ok()
            .or_else(|| spatial(&lower))
            .or_else(|| {
                // A collation of a later Spark.
                let collation = name.trim().get("string collate ".len()..)?;
                let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
                (lower.starts_with("string collate ") && collation.chars().all(plain))
                    .then(|| ddl::collated(collation))
            }),
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
        .map(|(number, _)| *number)
        .or_else(|| {
            let (_, number) = system.split_once(':')?;
            let known = ddl::parse_type(&format!("{kind}({number})")).is_ok();
            known.then_some(number)
        });
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
        let (key, found) = (
            keys.first().unwrap_or(&""),
            found.map_or("none", json::kind),
        );
        error(
            path,
            format!("expected `{key}` to be true or false, found {found}"),
        )
    })
}

fn error(path: &ColumnPath, message: impl Into<String>) -> SchemaError {
    let error = SchemaError::new(message);
    if path.parts().is_empty() {
        error
    } else {
        error.in_column(path)
    }
}
