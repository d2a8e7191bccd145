//! What the page shows, as JSON: the state of the server, a table's schema with its mapping, a table's last rows.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::StatusCode;
use serde_json::{Value, json};
use zerobus_schema::mapping::{self, Mapping, MappingOptions};
use zerobus_schema::proto::{Field, FieldKind, MapValue, Message};
use zerobus_schema::{ColumnPath, DataType, StructType, TableName};

use super::answer::Answer;
use super::catalog::{Query, bad_request, no_table};
use super::codec::Call;
use super::live::LiveStream;
use super::reader::Encoding;
use super::table::{Table, Tables};
use crate::faults::{Fault, Faults};
use crate::rows::{self, RowsError};

/// Rows of one answer at most, and unless it is asked for others.
const ROWS_MAX: usize = 100;
const ROWS_DEFAULT: usize = 20;

/// Streams of one answer at most.
const STREAMS_MAX: usize = 1_000;

/// Everything that changes by itself: the tables' counts, the open streams, the faults.
pub(super) fn state(tables: &Tables, faults: &Faults, started: Instant) -> Answer {
    let tables_now = tables.list();
    let mut streams = Vec::new();
    let mut more_streams = 0_usize;
    let described: Vec<Value> = tables_now
        .iter()
        .map(|table| {
            let live = table.live.list();
            let oldest = live.iter().filter_map(|stream| stream.sink.state().waiting);
            let described = describe(table, oldest.max());
            for stream in live {
                if streams.len() < STREAMS_MAX {
                    streams.push(describe_stream(table, &stream));
                } else {
                    more_streams += 1;
                }
            }
            described
        })
        .collect();
    let mut state = faults.to_json();
    if let Some(state) = state.as_object_mut() {
        state.insert(
            "server".to_owned(),
            concat!("zerobus-local ", env!("CARGO_PKG_VERSION")).into(),
        );
        state.insert(
            "data".to_owned(),
            tables.data().display().to_string().into(),
        );
        state.insert(
            "uptime_seconds".to_owned(),
            started.elapsed().as_secs_f64().into(),
        );
        state.insert("tables".to_owned(), described.into());
        state.insert("streams".to_owned(), streams.into());
        state.insert("more_streams".to_owned(), more_streams.into());
        state.insert("fault_names".to_owned(), Fault::names_to_json());
    }
    Answer::ok(state)
}

fn describe(table: &Table, oldest: Option<Duration>) -> Value {
    let counts = table.metrics.counts();
    let files = table
        .files()
        .map(|files| (files.rows(), files.count(), files.bytes()));
    let (files, problem) = match files {
        Ok(files) => (Some(files), table.metrics.problem()),
        Err(problem) => (None, Some(problem.to_string())),
    };
    json!({
        "table": table.name.to_string(),
        "columns": table.columns().schema.columns.fields.len(),
        "version": counts.version,
        "rows": files.map(|(rows, _, _)| rows),
        "files": files.map(|(_, count, _)| count),
        "bytes": files.map(|(_, _, bytes)| bytes),
        "problem": problem,
        "streams": counts.streams_open,
        "streams_refused": counts.streams_refused,
        "messages": counts.received.messages,
        "records": counts.received.records,
        "record_bytes": counts.received.bytes,
        "rows_committed": counts.rows,
        "commits": counts.commits,
        "commit_failures": counts.commit_failures,
        "acks": counts.ack_waits,
        "ack_wait_seconds": counts.ack_wait.as_secs_f64(),
        "oldest_waiting_seconds": oldest.map(|waiting| waiting.as_secs_f64()),
    })
}

fn describe_stream(table: &Table, stream: &LiveStream) -> Value {
    let state = stream.sink.state();
    json!({
        "table": table.name.to_string(),
        "stream_id": stream.stream_id,
        "call": match stream.call {
            Call::Ephemeral => "ephemeral",
            Call::Persistent => "persistent",
        },
        "record_type": match stream.encoding {
            Encoding::Proto => "PROTO",
            Encoding::Json => "JSON",
        },
        "open_seconds": stream.opened.elapsed().as_secs_f64(),
        "messages": state.received.messages,
        "records": state.received.records,
        "record_bytes": state.received.bytes,
        "last_offset": state.last_offset,
        "durable_offset": state.durable,
        "waiting_seconds": state.waiting.map(|waiting| waiting.as_secs_f64()),
    })
}

/// `?name=catalog.schema.table`.
fn named(query: &Query, tables: &Tables) -> Result<Arc<Table>, Answer> {
    let name = TableName::parse(query.get("name").unwrap_or_default())
        .map_err(|problem| bad_request(&problem.to_string()))?;
    let table = tables.get(&name).ok_or_else(|| no_table(&name))?;
    table.refresh_blocking();
    Ok(table)
}

/// The last rows of a table as text, NULL where there is none: `?name=…&last=20`.
pub(super) fn last_rows(query: &Query, tables: &Tables) -> Result<Answer, Answer> {
    let table = named(query, tables)?;
    let most = match query.get("last") {
        None => ROWS_DEFAULT,
        Some(text) => text
            .parse()
            .ok()
            .filter(|last| *last <= ROWS_MAX)
            .ok_or_else(|| {
                bad_request(&format!(
                    "last: expected a number up to {ROWS_MAX}, found {text:?}"
                ))
            })?,
    };
    let unreadable = |problem: RowsError| {
        let problem = problem.to_string();
        Answer::error(
            StatusCode::INTERNAL_SERVER_ERROR,
            "INTERNAL_ERROR",
            &problem,
        )
    };
    // A file that holds no rows is none that could be looked at.
    let files = {
        let live = table.files().map_err(unreadable)?;
        let mut files: Vec<_> = live.files().rev().take(most).cloned().collect();
        files.reverse();
        files
    };
    let columns = table.columns();
    let rows = rows::last_rows(&files, most, &columns.schema).map_err(unreadable)?;
    let columns = columns.schema.columns.fields.iter();
    let columns: Vec<&str> = columns.map(|column| column.name.as_str()).collect();
    Ok(Answer::ok(json!({"columns": columns, "rows": rows})))
}

/// The columns with the fields that records have for them: `?name=…`.
pub(super) fn schema(query: &Query, tables: &Tables) -> Result<Answer, Answer> {
    let table = named(query, tables)?;
    let now = table.columns();
    let schema = &now.schema;
    let numbered = schema.clone().numbered();
    let mapping = mapping::map(schema, &MappingOptions::default());
    let mut columns = Vec::new();
    let root = ColumnPath::default();
    add_columns(
        &mut columns,
        &root,
        &numbered.columns,
        Some(&mapping.message),
        &mapping,
    );
    let whole = mapping
        .refused
        .iter()
        .filter(|refusal| refusal.path.parts().is_empty());
    Ok(Answer::ok(json!({
        "table": table.name.to_string(),
        "folder": table.folder.display().to_string(),
        "comment": schema.comment,
        "partition_columns": schema.partition_columns,
        "columns": columns,
        "refused": whole.map(ToString::to_string).collect::<Vec<_>>(),
        "proto": mapping.message.to_proto(),
    })))
}

/// Each with those within it.
fn add_columns(
    columns: &mut Vec<Value>,
    within: &ColumnPath,
    fields: &StructType,
    message: Option<&Message>,
    mapping: &Mapping,
) {
    for column in &fields.fields {
        let path = within.child(&column.name);
        let field = message.and_then(|message| message.field(&column.name));
        let row = mapping::row(&column.data_type);
        let rust = row.map(|row| row.rust.iter().map(|carrier| carrier.rust));
        columns.push(json!({
            "path": path.to_string(),
            "delta": short(&column.data_type),
            "nullable": column.nullable,
            "proto": field.map(declared),
            "rust": rust.map(Iterator::collect::<Vec<_>>),
            "note": field.and_then(|field| field.note.as_deref()),
            "comment": column.comment(),
            "reason": field.is_none().then(|| reason(&path, mapping)).flatten(),
        }));
        if let Some((within, fields)) = structs_in(&path, &column.data_type) {
            let nested = field.and_then(nested_name);
            let nested = nested.and_then(|name| message?.message(name));
            add_columns(columns, &within, fields, nested, mapping);
        }
    }
}

/// The field as a `.proto` file has it.
fn declared(field: &Field) -> String {
    let (name, number, label) = (&field.name, field.number, field.label.as_str());
    match &field.kind {
        FieldKind::Scalar(scalar) => format!("{label} {} {name} = {number}", scalar.as_str()),
        FieldKind::Message(message) => format!("{label} {message} {name} = {number}"),
        FieldKind::Map { key, value, .. } => {
            let value = match value {
                MapValue::Scalar(scalar) => scalar.as_str(),
                MapValue::Message(message) => message,
                _ => "?",
            };
            format!("map<{}, {value}> {name} = {number}", key.as_str())
        }
        _ => format!("{label} ? {name} = {number}"),
    }
}

fn nested_name(field: &Field) -> Option<&str> {
    match &field.kind {
        FieldKind::Message(name)
        | FieldKind::Map {
            value: MapValue::Message(name),
            ..
        } => Some(name),
        _ => None,
    }
}

/// The type with the fields of a STRUCT left to rows of their own.
fn short(data_type: &DataType) -> String {
    match data_type {
        DataType::Struct(_) => "STRUCT".to_owned(),
        DataType::Array(array) => format!("ARRAY<{}>", short(&array.element)),
        DataType::Map(map) => format!("MAP<{}, {}>", short(&map.key), short(&map.value)),
        other => other.to_string(),
    }
}

/// The fields of the STRUCT that a column holds, and where they lie.
fn structs_in<'a>(
    path: &ColumnPath,
    data_type: &'a DataType,
) -> Option<(ColumnPath, &'a StructType)> {
    match data_type {
        DataType::Struct(fields) => Some((path.clone(), fields)),
        DataType::Array(array) => structs_in(&path.child("element"), &array.element),
        DataType::Map(map) => structs_in(&path.child("value"), &map.value),
        _ => None,
    }
}

/// Why records have no field for a column: something is wrong with it, within it, or with what it lies in.
fn reason(path: &ColumnPath, mapping: &Mapping) -> Option<String> {
    let mut refusals = mapping.refused.iter().chain(&mapping.omitted);
    let refusal = refusals.find(|refusal| {
        let about = refusal.path.parts();
        !about.is_empty() && (about.starts_with(path.parts()) || path.parts().starts_with(about))
    })?;
    Some(refusal.to_string())
}
