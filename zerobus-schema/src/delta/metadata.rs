use serde_json::{Map, Value};

use crate::ddl;
use crate::schema::StructField;
use crate::types::DataType;

/// Where Spark keeps the length of a CHAR or VARCHAR, as the SQL type of the field.
const CHAR_VARCHAR: &str = "__CHAR_VARCHAR_TYPE_STRING";
/// Where Delta keeps collations, by path from the nearest field.
const COLLATIONS: &str = "__COLLATIONS";

/// Moves what the metadata says about strings into the field's type.
pub(super) fn take(field: &mut StructField) {
    if let Some(Value::String(sql)) = field.metadata.get(CHAR_VARCHAR)
        && let Ok(declared) = ddl::parse_type(sql)
    {
        take_lengths(&mut field.data_type, &declared);
        field.metadata.remove(CHAR_VARCHAR);
    }
    if let Some(Value::Object(_)) = field.metadata.get(COLLATIONS) {
        let collations = field.metadata.remove(COLLATIONS);
        for (at, collation) in collations.iter().filter_map(Value::as_object).flatten() {
            let at = at.strip_prefix(field.name.as_str());
            if let (Some(at), Some(collation)) = (at, collation.as_str()) {
                take_collation(&mut field.data_type, at, collation);
            }
        }
    }
}

/// The field's metadata, with what its type says about strings.
pub(super) fn with_strings(field: &StructField) -> Map<String, Value> {
    let mut metadata: Map<String, Value> = field.metadata.clone().into_iter().collect();
    if has_length(&field.data_type) {
        let sql = ddl::catalog_string(&field.data_type, true);
        metadata.insert(CHAR_VARCHAR.to_owned(), sql.into());
    }
    let mut collations = Map::new();
    write_collations(&field.data_type, &field.name, &mut collations);
    if !collations.is_empty() {
        metadata.insert(COLLATIONS.to_owned(), collations.into());
    }
    metadata
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

/// `at` is what follows the field's name in the path: nothing, or steps that begin with a dot.
fn take_collation(data_type: &mut DataType, at: &str, collation: &str) {
    let step = |name: &str| {
        let rest = at.strip_prefix('.')?.strip_prefix(name)?;
        (rest.is_empty() || rest.starts_with('.')).then_some(rest)
    };
    match data_type {
        DataType::Array(array) => {
            if let Some(rest) = step("element") {
                take_collation(&mut array.element, rest, collation);
            }
        }
        DataType::Map(map) => {
            if let Some(rest) = step("key") {
                take_collation(&mut map.key, rest, collation);
            } else if let Some(rest) = step("value") {
                take_collation(&mut map.value, rest, collation);
            }
        }
        DataType::String if at.is_empty() => {
            // Delta names provider and version too (`icu.de_DEU.75`); SQL names neither.
            let name = collation.split('.').nth(1).unwrap_or(collation);
            *data_type = ddl::collated(name);
        }
        _ => {}
    }
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
