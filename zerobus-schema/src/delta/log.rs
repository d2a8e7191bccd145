use serde_json::{Map, Value};

use super::value;
use crate::error::{Location, SchemaError};
use crate::json;
use crate::name::TableRef;
use crate::schema::TableSchema;

/// Reads the schema that a commit of a Delta log gives its table: a file of `_delta_log`, one action a line, or
/// one `metaData` action, with its name around it or without.
///
/// Of several `metaData` actions the last one holds. The table's name is taken where the log has one and it is
/// a table name; most logs have none.
///
/// # Errors
/// [`SchemaError`] when there is no `metaData` action, which most commits after the first have not, or when its
/// schema cannot be read.
pub fn parse_log_actions(text: &str) -> Result<TableSchema, SchemaError> {
    let mut last = None;
    match json::parse(text) {
        Ok(Value::Object(mut action)) => {
            let of_commit = action.remove("metaData").filter(Value::is_object);
            last = of_commit.or_else(|| {
                let bare = action.contains_key("schemaString");
                bare.then_some(Value::Object(action))
            });
        }
        Ok(_) => {}
        Err(error) => {
            let mut lines = text.lines().enumerate().peekable();
            if lines.peek().is_none() {
                return Err(error);
            }
            for (number, line) in lines {
                // Files of a large commit are many and say nothing about the schema.
                if !line.contains("\"metaData\"") {
                    continue;
                }
                let action = json::parse(line).map_err(|error| in_line(number, &error))?;
                last = action.get("metaData").cloned().or(last);
            }
        }
    }
    match &last {
        Some(Value::Object(action)) => metadata(action),
        _ => Err(SchemaError::new(
            "expected a `metaData` action, found none; commit 0 of a log has one, and every commit that changed the schema",
        )),
    }
}

fn in_line(number: usize, error: &SchemaError) -> SchemaError {
    let line = u32::try_from(number).unwrap_or(u32::MAX).saturating_add(1);
    let column = error.location().map_or(1, |location| location.column);
    SchemaError::new(error.message()).at(Location { line, column })
}

fn metadata(action: &Map<String, Value>) -> Result<TableSchema, SchemaError> {
    let schema = value::text(action.get("schemaString"), "schemaString")?
        .ok_or_else(|| SchemaError::new("the metaData action has no `schemaString`"))?;
    let columns = super::parse_schema(schema).map_err(|error| {
        let of_text = SchemaError::new(format!("schemaString: {}", error.message()));
        match error.path() {
            Some(path) => of_text.in_column(path),
            None => of_text,
        }
    })?;
    let name = value::text(action.get("name"), "name")?.and_then(|name| TableRef::parse(name).ok());
    let mut table = TableSchema::new(name, columns);
    table.comment = value::text(action.get("description"), "description")?.map(str::to_owned);
    table.partition_columns = value::texts(action.get("partitionColumns"), "partitionColumns")?;
    table.properties = value::properties(action.get("configuration"), "configuration")?;
    table.id = value::text(action.get("id"), "id")?.map(str::to_owned);
    Ok(table)
}
