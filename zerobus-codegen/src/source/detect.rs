use serde_json::{Value, json};
use zerobus_schema::{
    DataType, Location, SchemaError, Snapshot, SnapshotError, TableSchema, catalog, ddl, delta,
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
            if log::is_commit(text) {
                return Ok((SourceKind::DeltaLog, vec![delta::parse_log_actions(text)?]));
            }
            let place = |n: usize| u32::try_from(n).unwrap_or(u32::MAX).max(1);
            let location = Location {
                line: place(error.line()),
                column: place(error.column()),
            };
            Err(SchemaError::new(format!("not JSON: {error}")).at_in(location, text))
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
        return delta_schema(value);
    }
    if let Some(action) = log::metadata(object) {
        let table = delta::parse_log_actions(&action)?;
        return Ok((SourceKind::DeltaLog, vec![table]));
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
    if has("name") && has("type") && !has("columns") {
        return read_columns(std::slice::from_ref(value));
    }
    let answer = ["columns", "table_type", "error_code", "error", "metadata"];
    if answer.iter().any(|key| has(key)) {
        return Ok((SourceKind::Catalog, vec![catalog::parse_table(text)?]));
    }
    if has("name") {
        return read_columns(std::slice::from_ref(value));
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
        return delta_schema(&json!({ "type": "struct", "fields": items }));
    }
    Err(unknown())
}

fn delta_schema(value: &Value) -> Result<Tables, SchemaError> {
    let table = TableSchema::new(None, delta::schema_from_json(value)?);
    Ok((SourceKind::DeltaSchema, vec![table]))
}

fn read_ddl(text: &str) -> Result<Tables, SchemaError> {
    let tables = ddl::parse_create_tables(text);
    if let Ok(tables) = tables {
        return Ok((SourceKind::CreateTable, tables));
    }
    let list = |columns| {
        (
            SourceKind::ColumnList,
            vec![TableSchema::new(None, columns)],
        )
    };
    // The type of a whole row, as `df.schema.simpleString()` has it.
    match ddl::parse_type(text) {
        Ok(DataType::Struct(columns)) => return Ok(list(columns)),
        Ok(other) => {
            return Err(SchemaError::new(format!(
                "{other} is a type alone; a table has columns, such as `name {other}`"
            )));
        }
        Err(_) => {}
    }
    let columns = ddl::parse_columns(text).map(list);
    match (tables, columns) {
        (_, Ok(columns)) => Ok(columns),
        // Neither will do; the error that got further into the text is about what the writer meant.
        (Err(_), Err(_)) if is_proto(text) => Err(SchemaError::new(
            "it is a .proto file, which is made from a schema and lacks what the table says; give the table, its DDL or \
             its Delta log",
        )),
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

fn is_proto(text: &str) -> bool {
    let mut lines = text.lines().map(str::trim_start);
    lines.any(|line| line.starts_with("syntax") && line.contains("proto"))
}

fn unknown() -> SchemaError {
    SchemaError::new(
        "JSON without a schema; expected a snapshot, a catalog answer with `columns`, a Delta schema \
         ({\"type\":\"struct\",…}) or a Delta log's `metaData`",
    )
}
