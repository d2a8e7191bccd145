//! The schema JSON that Delta keeps in its log (`schemaString` of the `metaData` action) and that Spark writes:
//! `{"type":"struct","fields":[…]}` (Delta's PROTOCOL.md, "Schema Serialization Format").

use serde_json::{Map, Value, json};

use crate::ddl;
use crate::error::SchemaError;
use crate::json;
use crate::path::ColumnPath;
use crate::schema::{Metadata, StructField, StructType};
use crate::types::{ArrayType, DataType, DecimalType, MapType};

/// Where Spark keeps the length of a CHAR or VARCHAR, as the SQL type of the field.
const CHAR_VARCHAR: &str = "__CHAR_VARCHAR_TYPE_STRING";
/// Where Delta keeps collations, by path from the nearest field.
const COLLATIONS: &str = "__COLLATIONS";

/// The deepest type that is read; protobuf's compilers stop at 31 messages.
pub(crate) const DEPTH_MAX: usize = 64;
/// The most fields of one struct that are read; a Zerobus table has at most 2,000 columns.
pub(crate) const FIELDS_MAX: usize = 20_000;

/// Reads a schema from its JSON text.
///
/// Besides what Spark writes, it takes what is found in the wild: missing `nullable`, `containsNull` and
/// `metadata` (true, true and empty), the kebab-case keys of Unity Catalog's Delta REST API, a primitive
/// wrapped as `{"type":"long"}`, a decimal as an object, upper case and SQL's names of the primitive types.
///
/// # Errors
/// [`SchemaError`] with the path of the column that could not be read.
pub fn parse_schema(text: &str) -> Result<StructType, SchemaError> {
    schema_from_json(&json::parse(text)?)
}

/// Reads a schema from JSON already parsed.
///
/// # Errors
/// [`SchemaError`] with the path of the column that could not be read.
pub fn schema_from_json(value: &Value) -> Result<StructType, SchemaError> {
    match type_from_json(&ColumnPath::default(), value, 0)? {
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
    read_field(&ColumnPath::default(), value, 0)
}

/// Reads one type: a name or an object with `type`.
///
/// # Errors
/// [`SchemaError`] with the path of the part that could not be read.
pub fn data_type_from_json(value: &Value) -> Result<DataType, SchemaError> {
    type_from_json(&ColumnPath::default(), value, 0)
}

/// Writes the schema as Spark writes it, CHAR, VARCHAR and collations in the metadata.
#[must_use]
pub fn schema_to_json(fields: &StructType) -> Value {
    struct_to_json(fields)
}

fn read_field(
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
        .and_then(|value| type_from_json(&path, value, depth + 1))?;
    let mut metadata: Metadata = match object.get("metadata") {
        None | Some(Value::Null) => Metadata::new(),
        Some(Value::Object(entries)) => entries
            .iter()
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect(),
        Some(other) => {
            return Err(SchemaError::new(format!(
                "expected `metadata` to be an object, found {}",
                json::kind(other)
            ))
            .in_column(&path));
        }
    };
    let mut field = StructField::nullable(name, data_type);
    field.nullable = boolean(object, &["nullable"], &path)?;
    if let Some(Value::String(sql)) = metadata.get(CHAR_VARCHAR) {
        if let Ok(declared) = ddl::parse_type(sql) {
            take_lengths(&mut field.data_type, &declared);
            metadata.remove(CHAR_VARCHAR);
        }
    }
    if let Some(Value::Object(collations)) = metadata.get(COLLATIONS) {
        for (at, collation) in collations {
            if let (Some(at), Some(name)) = (at.strip_prefix(name.as_str()), collation.as_str()) {
                take_collation(&mut field.data_type, at.trim_start_matches('.'), name);
            }
        }
        metadata.remove(COLLATIONS);
    }
    field.metadata = metadata;
    Ok(field)
}

fn type_from_json(path: &ColumnPath, value: &Value, depth: usize) -> Result<DataType, SchemaError> {
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
        Some(Value::Object(_)) => return type_from_json(path, part(&["type"])?, depth + 1),
        _ => {
            return Err(error(
                "expected a type object with a string as `type`".to_owned(),
            ));
        }
    };
    match kind {
        "struct" => {
            let fields = part(&["fields"])?.as_array().ok_or_else(|| {
                SchemaError::new("expected `fields` to be an array").in_column(path)
            })?;
            if fields.len() > FIELDS_MAX {
                return Err(error(format!(
                    "{} fields; at most {FIELDS_MAX} are read",
                    fields.len()
                )));
            }
            let fields = fields
                .iter()
                .map(|field| read_field(path, field, depth))
                .collect::<Result<_, _>>()?;
            Ok(DataType::Struct(StructType::new(fields)))
        }
        "array" => {
            let element = part(&["elementType", "element-type"])?;
            let element = type_from_json(&path.child("element"), element, depth + 1)?;
            let contains_null = boolean(object, &["containsNull", "contains-null"], path)?;
            Ok(DataType::Array(Box::new(ArrayType {
                element,
                contains_null,
            })))
        }
        "map" => {
            let key = part(&["keyType", "key-type"])?;
            let value = part(&["valueType", "value-type"])?;
            Ok(DataType::Map(Box::new(MapType {
                key: type_from_json(&path.child("key"), key, depth + 1)?,
                value: type_from_json(&path.child("value"), value, depth + 1)?,
                value_contains_null: boolean(
                    object,
                    &["valueContainsNull", "value-contains-null"],
                    path,
                )?,
            })))
        }
        "decimal" if object.contains_key("precision") => {
            let number = |key| {
                object
                    .get(key)
                    .and_then(Value::as_u64)
                    .and_then(|n| u8::try_from(n).ok())
            };
            let scale = if object.contains_key("scale") {
                number("scale")
            } else {
                Some(0)
            };
            match (number("precision"), scale) {
                (Some(precision), Some(scale)) => DecimalType::new(precision, scale)
                    .map(DataType::Decimal)
                    .ok_or_else(|| error(format!("DECIMAL({precision},{scale}) is not a type: precision is 1 to 38, scale at most the precision"))),
                _ => Err(error("expected numbers as `precision` and `scale` of a decimal".to_owned())),
            }
        }
        "udt" => Ok(DataType::Unsupported("UDT".to_owned())),
        name => Ok(primitive(name)),
    }
}

/// A primitive type by name. What is not known stays known by its text: a new type in one column must not make the
/// rest of the table unreadable.
fn primitive(name: &str) -> DataType {
    let lower = name.trim().to_ascii_lowercase();
    match lower.as_str() {
        "string" => DataType::String,
        "long" => DataType::Long,
        "null" => DataType::Void,
        "udt" | "object" => DataType::Unsupported(lower.to_ascii_uppercase()),
        _ => ddl::parse_type(name).unwrap_or_else(|_| {
            DataType::Unsupported(
                name.trim()
                    .chars()
                    .filter(|c| !c.is_control())
                    .take(200)
                    .collect(),
            )
        }),
    }
}

fn boolean(
    object: &Map<String, Value>,
    keys: &[&str],
    path: &ColumnPath,
) -> Result<bool, SchemaError> {
    match keys.iter().find_map(|key| object.get(*key)) {
        None | Some(Value::Null) => Ok(true),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(Value::String(text)) if text.eq_ignore_ascii_case("true") => Ok(true),
        Some(Value::String(text)) if text.eq_ignore_ascii_case("false") => Ok(false),
        Some(other) => Err(SchemaError::new(format!(
            "expected `{}` to be true or false, found {}",
            keys.first().unwrap_or(&""),
            json::kind(other)
        ))
        .in_column(path)),
    }
}

/// Gives the strings of a type the lengths that its SQL declaration has.
fn take_lengths(data_type: &mut DataType, declared: &DataType) {
    match (data_type, declared) {
        (DataType::Array(array), DataType::Array(declared)) => {
            take_lengths(&mut array.element, &declared.element);
        }
        (DataType::Map(map), DataType::Map(declared)) => {
            take_lengths(&mut map.key, &declared.key);
            take_lengths(&mut map.value, &declared.value);
        }
        (DataType::Struct(fields), DataType::Struct(declared)) => {
            for (field, declared) in fields.fields.iter_mut().zip(&declared.fields) {
                take_lengths(&mut field.data_type, &declared.data_type);
            }
        }
        (string @ DataType::String, DataType::Char(_) | DataType::Varchar(_)) => {
            *string = declared.clone();
        }
        _ => {}
    }
}

fn take_collation(data_type: &mut DataType, at: &str, collation: &str) {
    let (step, rest) = at.split_once('.').unwrap_or((at, ""));
    match (data_type, step) {
        (DataType::Array(array), "element") => take_collation(&mut array.element, rest, collation),
        (DataType::Map(map), "key") => take_collation(&mut map.key, rest, collation),
        (DataType::Map(map), "value") => take_collation(&mut map.value, rest, collation),
        (string @ DataType::String, "") => {
            // Delta names the provider too (`spark.UTF8_LCASE`); SQL does not.
            let name = collation
                .split_once('.')
                .map_or(collation, |(_, name)| name);
            *string = DataType::CollatedString(name.to_owned());
        }
        _ => {}
    }
}

fn struct_to_json(fields: &StructType) -> Value {
    let fields: Vec<Value> = fields.fields.iter().map(field_to_json).collect();
    json!({ "type": "struct", "fields": fields })
}

fn field_to_json(field: &StructField) -> Value {
    let mut metadata: Map<String, Value> = field
        .metadata
        .iter()
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    if has_length(&field.data_type) {
        let sql = field.data_type.to_string().to_ascii_lowercase();
        metadata.insert(CHAR_VARCHAR.to_owned(), sql.into());
    }
    let mut collations = Map::new();
    write_collations(&field.data_type, &field.name, &mut collations);
    if !collations.is_empty() {
        metadata.insert(COLLATIONS.to_owned(), collations.into());
    }
    json!({
        "name": field.name,
        "type": type_to_json(&field.data_type),
        "nullable": field.nullable,
        "metadata": metadata,
    })
}

/// Whether a CHAR or VARCHAR lies in the type, structs aside: their fields have metadata of their own.
fn has_length(data_type: &DataType) -> bool {
    match data_type {
        DataType::Char(_) | DataType::Varchar(_) => true,
        DataType::Array(array) => has_length(&array.element),
        DataType::Map(map) => has_length(&map.key) || has_length(&map.value),
        _ => false,
    }
}

fn write_collations(data_type: &DataType, at: &str, out: &mut Map<String, Value>) {
    match data_type {
        DataType::CollatedString(name) => {
            let provider = if name.starts_with("UTF8_") {
                "spark"
            } else {
                "icu"
            };
            out.insert(at.to_owned(), format!("{provider}.{name}").into());
        }
        DataType::Array(array) => write_collations(&array.element, &format!("{at}.element"), out),
        DataType::Map(map) => {
            write_collations(&map.key, &format!("{at}.key"), out);
            write_collations(&map.value, &format!("{at}.value"), out);
        }
        _ => {}
    }
}

fn type_to_json(data_type: &DataType) -> Value {
    match data_type {
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
        DataType::Unsupported(text) => text.to_ascii_lowercase().into(),
        DataType::Struct(fields) => struct_to_json(fields),
        DataType::Array(array) => json!({
            "type": "array",
            "elementType": type_to_json(&array.element),
            "containsNull": array.contains_null,
        }),
        DataType::Map(map) => json!({
            "type": "map",
            "keyType": type_to_json(&map.key),
            "valueType": type_to_json(&map.value),
            "valueContainsNull": map.value_contains_null,
        }),
    }
}
