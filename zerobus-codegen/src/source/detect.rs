use serde_json::{Map, Value, json};
use zerobus_schema::{
    Location, SchemaError, Snapshot, SnapshotError, StructType, TableSchema, catalog, ddl, delta,
};

use super::SourceKind;
use super::log;

/// How often JSON may stand as a string within JSON.
const QUOTED_MAX: u32 = 3;

type Tables = (SourceKind, Vec<TableSchema>);

/// Reads a text of any kind.
pub(super) fn read(text: &str) -> Result<Tables, SchemaError> {
    let start = text.trim_start();
    if start.is_empty() {
        return Err(SchemaError::new(
            "it is empty; expected JSON or DDL with a schema",
        ));
    }
    if start.starts_with(['{', '[', '"']) {
        read_json(text)
    } else {
        read_ddl(text)
    }
}

fn read_json(text: &str) -> Result<Tables, SchemaError> {
    match serde_json::from_str::<Value>(text) {
        Ok(value) => read_value(&value, text, 0),
        Err(error) => {
            // The commits of a log hold one JSON object a line.
            if let Some(table) = log::read_commit_text(text)? {
                return Ok((SourceKind::DeltaLog, vec![table]));
            }
            let place = |n: usize| u32::try_from(n).unwrap_or(u32::MAX).max(1);
            let location = Location {
                line: place(error.line()),
                column: place(error.column()),
            };
            Err(SchemaError::new(format!("not JSON: {error}")).at(location))
        }
    }
}

fn read_value(value: &Value, text: &str, quoted: u32) -> Result<Tables, SchemaError> {
    let object = match value {
        Value::Object(object) => object,
        Value::Array(items) => return read_columns(items),
        // A `schemaString` as it stands in a log.
        Value::String(inner) if quoted < QUOTED_MAX => {
            let value = serde_json::from_str(inner)
                .map_err(|error| SchemaError::new(format!("a string, but not of JSON: {error}")))?;
            return read_value(&value, inner, quoted + 1);
        }
        _ => return Err(unknown()),
    };
    let has = |key: &str| object.contains_key(key);
    let is_struct = |value: Option<&Value>| {
        value
            .and_then(|value| value.get("type"))
            .is_some_and(|kind| kind == "struct")
    };
    if has("zerobus_snapshot") {
        let snapshot = Snapshot::parse(text).map_err(|error| match error {
            SnapshotError::Schema(error) => error,
            other => SchemaError::new(other.to_string()),
        })?;
        return Ok((SourceKind::Snapshot, vec![snapshot.schema().clone()]));
    }
    if is_struct(Some(value)) {
        return delta_schema(value, None);
    }
    if is_struct(object.get("schema")) {
        return delta_schema(value, Some("schema"));
    }
    if let Some(table) = log::table_of_actions(object)? {
        return Ok((SourceKind::DeltaLog, vec![table]));
    }
    // The catalog's Delta REST API, as an answer and as a request.
    if is_struct(object.get("columns")) {
        return delta_schema(value, Some("columns"));
    }
    if let Some(metadata) = object.get("metadata")
        && is_struct(metadata.get("columns"))
    {
        return delta_schema(metadata, Some("columns"));
    }
    if let Some(Value::Array(tables)) = object.get("tables") {
        if tables.is_empty() {
            return Err(SchemaError::new("the list of tables is empty"));
        }
        let tables = tables
            .iter()
            .map(|table| catalog::parse_table(&table.to_string()))
            .collect::<Result<_, _>>()?;
        return Ok((SourceKind::Catalog, tables));
    }
    if has("columns") || has("table_type") || has("data_source_format") {
        return Ok((SourceKind::Catalog, vec![catalog::parse_table(text)?]));
    }
    if has("name") {
        return read_columns(std::slice::from_ref(value));
    }
    if let Some(message) = object.get("message").and_then(Value::as_str)
        && has("error_code")
    {
        return Err(SchemaError::new(format!(
            "it is a refusal of the catalog, not a schema: {}",
            message.chars().take(200).collect::<String>()
        )));
    }
    Err(unknown())
}

/// Columns or fields without the table around them.
fn read_columns(items: &[Value]) -> Result<Tables, SchemaError> {
    let first = items.first().ok_or_else(unknown)?;
    if ["type_json", "type_text", "type_name"]
        .iter()
        .any(|key| first.get(key).is_some())
    {
        let table = catalog::parse_table(&json!({ "columns": items }).to_string())?;
        return Ok((SourceKind::Catalog, vec![table]));
    }
    if first.get("name").is_some() && first.get("type").is_some() {
        return delta_schema(&json!({ "type": "struct", "fields": items }), None);
    }
    Err(unknown())
}

/// A Delta schema: `value` itself, or what lies under `key` with the table's name and partitioning beside it.
fn delta_schema(value: &Value, key: Option<&str>) -> Result<Tables, SchemaError> {
    let schema = key.and_then(|key| value.get(key)).unwrap_or(value);
    let columns: StructType = delta::schema_from_json(schema)?;
    let mut table = TableSchema::new(None, columns);
    if key.is_some() {
        table.table = log::table_name(value.get("name").or_else(|| value.get("table")));
        table.partition_columns = log::strings(value.get("partition-columns"));
        if let Some(Value::Object(properties)) = value.get("properties") {
            table.properties = log::properties(properties);
        }
    }
    Ok((SourceKind::DeltaSchema, vec![table]))
}

fn read_ddl(text: &str) -> Result<Tables, SchemaError> {
    let tables = ddl::parse_create_tables(text);
    if let Ok(tables) = tables {
        return Ok((SourceKind::CreateTable, tables));
    }
    let columns = ddl::parse_columns(text).map(|columns| {
        (
            SourceKind::ColumnList,
            vec![TableSchema::new(None, columns)],
        )
    });
    match (tables, columns) {
        (_, Ok(columns)) => Ok(columns),
        // Neither will do; the error that got further into the text is about what the writer meant.
        (Err(tables), Err(columns)) => {
            let place = |error: &SchemaError| error.location().map(|at| (at.line, at.column));
            Err(if place(&columns) > place(&tables) {
                columns
            } else {
                tables
            })
        }
        (Ok(tables), Err(_)) => Ok((SourceKind::CreateTable, tables)),
    }
}

fn unknown() -> SchemaError {
    SchemaError::new(
        "JSON without a schema; expected a snapshot, a catalog answer with `columns`, a Delta schema \
         ({\"type\":\"struct\",…}) or a Delta log's `metaData`",
    )
}

/// The entries of an object that are strings, as Delta's properties are.
pub(super) fn string_entries(
    object: &Map<String, Value>,
) -> impl Iterator<Item = (String, String)> {
    object.iter().filter_map(|(key, value)| {
        let value = match value {
            Value::String(text) => text.clone(),
            Value::Null => return None,
            other => other.to_string(),
        };
        Some((key.clone(), value))
    })
}
