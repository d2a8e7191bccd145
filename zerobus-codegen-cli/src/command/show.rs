use std::fmt::Write as _;

use serde_json::{Value, json};
use zerobus_schema::mapping::{self, Mapping, MappingOptions, Refusal};
use zerobus_schema::proto::{Field, FieldKind, MapValue, Message};
use zerobus_schema::{DataType, Fingerprint, StructType, TableSchema};

use crate::args::{Format, Show};
use crate::exit::{Exit, Failure};
use crate::input::{Input, Reader};
use crate::json::{FORMAT_VERSION, pretty};
use crate::output;

/// Shows each table of a source. That columns are refused is part of the answer, not a failure.
pub(crate) fn show(args: &Show) -> Result<Exit, Failure> {
    let input = Reader::new(&args.connection).read(&args.source)?;
    let text = match args.format {
        Format::Human => input
            .tables
            .iter()
            .map(|table| human(&input, table))
            .collect::<Vec<_>>()
            .join("\n"),
        Format::Json => pretty(&machine(&input)),
    };
    output::data(text.as_bytes())?;
    Ok(Exit::Fine)
}

fn map(input: &Input, table: &TableSchema) -> Mapping {
    let mut options = MappingOptions::default();
    if table.table.is_none() {
        options.message_name = input.stem.clone();
    }
    mapping::map(table, &options)
}

/// One table, as `{"version", "kind", "table", "columns", …}`; several, as `{"version", "kind", "tables"}`.
fn machine(input: &Input) -> Value {
    let mut tables: Vec<Value> = input
        .tables
        .iter()
        .map(|table| describe(&map(input, table), table))
        .collect();
    let mut answer = match tables.as_mut_slice() {
        [table] => table.take(),
        _ => json!({ "tables": tables }),
    };
    if let Some(answer) = answer.as_object_mut() {
        answer.insert("version".to_owned(), json!(FORMAT_VERSION));
        answer.insert("kind".to_owned(), json!(input.kind));
    }
    answer
}

fn describe(mapping: &Mapping, table: &TableSchema) -> Value {
    let numbered = table.clone().numbered();
    json!({
        "table": table.table.as_ref().map(ToString::to_string),
        "comment": table.comment,
        "partition_columns": table.partition_columns,
        "fingerprint": Fingerprint::of(table).to_string(),
        "message": mapping.message.name,
        "columns": columns(&numbered.columns, Some(&mapping.message)),
        "refused": refusals(&mapping.refused),
        "omitted": refusals(&mapping.omitted),
    })
}

fn columns(fields: &StructType, message: Option<&Message>) -> Vec<Value> {
    fields
        .fields
        .iter()
        .map(|column| {
            let field = message.and_then(|message| message.field(&column.name));
            let nested_message = field.and_then(|field| match &field.kind {
                FieldKind::Message(name)
                | FieldKind::Map {
                    value: MapValue::Message(name),
                    ..
                } => message?.message(name),
                _ => None,
            });
            let nested =
                nested_struct(&column.data_type).map(|fields| columns(fields, nested_message));
            json!({
                "name": column.name,
                "number": column.number,
                "type": column.data_type.to_string(),
                "nullable": column.nullable,
                "generated": column.is_generated(),
                "comment": column.comment(),
                // Null: the column is refused or left out.
                "proto": field.map(|field| json!({
                    "label": label(field),
                    "type": proto_type(&field.kind),
                    "note": field.note,
                })),
                "fields": nested,
            })
        })
        .collect()
}

fn refusals(refusals: &[Refusal]) -> Vec<Value> {
    refusals
        .iter()
        .map(|refusal| {
            let whole_table = refusal.path.parts().is_empty();
            json!({
                "column": (!whole_table).then(|| refusal.path.to_string()),
                "found": refusal.found,
                "reason": refusal.reason.id(),
                "explanation": refusal.reason.explanation(),
            })
        })
        .collect()
}

fn human(input: &Input, table: &TableSchema) -> String {
    let mapping = map(input, table);
    let name = table
        .table
        .as_ref()
        .map_or_else(|| "(no table name)".to_owned(), ToString::to_string);
    let count = table.columns.fields.len();
    let plural = if count == 1 { "" } else { "s" };
    let mut out = format!(
        "{} ({}, {count} column{plural})\n",
        clean(&name),
        input.kind
    );
    if let Some(comment) = &table.comment {
        let _ = writeln!(out, "{}", clean(comment));
    }
    if !table.partition_columns.is_empty() {
        let _ = writeln!(
            out,
            "partitioned by {}",
            clean(&table.partition_columns.join(", "))
        );
    }
    let _ = writeln!(out, "fingerprint {}\n", Fingerprint::of(table));
    let numbered = table.clone().numbered();
    let mut rows = vec![["", "column", "Delta", "proto2"].map(str::to_owned)];
    add_rows(&mut rows, &numbered.columns, Some(&mapping.message), 0);
    write_rows(&mut out, &rows);
    for (title, refusals) in [
        ("cannot be sent", &mapping.refused),
        ("left out of every record", &mapping.omitted),
    ] {
        if !refusals.is_empty() {
            let _ = writeln!(out, "\n{title}:");
            for refusal in refusals {
                let _ = writeln!(out, "  {}", clean(&refusal.to_string()));
            }
        }
    }
    out
}

fn add_rows(
    rows: &mut Vec<[String; 4]>,
    fields: &StructType,
    message: Option<&Message>,
    depth: usize,
) {
    for column in &fields.fields {
        let field = message.and_then(|message| message.field(&column.name));
        let null = if column.nullable { "" } else { " NOT NULL" };
        let proto = field.map_or_else(
            || "-".to_owned(),
            |field| match label(field) {
                Some(label) => format!("{label} {}", proto_type(&field.kind)),
                None => proto_type(&field.kind),
            },
        );
        rows.push([
            column.number.map_or_else(String::new, |n| n.to_string()),
            format!("{}{}", "  ".repeat(depth), clean(&column.name)),
            format!("{}{null}", clean(&short_type(&column.data_type))),
            proto,
        ]);
        if let Some(nested) = nested_struct(&column.data_type) {
            let name = field.and_then(|field| match &field.kind {
                FieldKind::Message(name)
                | FieldKind::Map {
                    value: MapValue::Message(name),
                    ..
                } => Some(name),
                _ => None,
            });
            let message = name.and_then(|name| message?.message(name));
            add_rows(rows, nested, message, depth + 1);
        }
    }
}

fn write_rows(out: &mut String, rows: &[[String; 4]]) {
    let mut widths = [0; 4];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    for row in rows {
        let mut line = String::new();
        for (i, (cell, width)) in row.iter().zip(widths).enumerate() {
            // Numbers stand to the right.
            let padding = " ".repeat(width - cell.chars().count());
            let (before, after) = if i == 0 {
                (padding.as_str(), "")
            } else {
                ("", padding.as_str())
            };
            let _ = write!(line, "{before}{cell}{after}  ");
        }
        let _ = writeln!(out, "{}", line.trim_end());
    }
}

/// The type with the fields of a STRUCT left to rows of their own.
fn short_type(data_type: &DataType) -> String {
    match data_type {
        DataType::Struct(_) => "STRUCT".to_owned(),
        DataType::Array(array) => format!("ARRAY<{}>", short_type(&array.element)),
        DataType::Map(map) => format!("MAP<{}, {}>", short_type(&map.key), short_type(&map.value)),
        other => other.to_string(),
    }
}

/// The word before the type; a map has none.
fn label(field: &Field) -> Option<&'static str> {
    let is_map = matches!(field.kind, FieldKind::Map { .. });
    (!is_map).then(|| field.label.as_str())
}

fn proto_type(kind: &FieldKind) -> String {
    match kind {
        FieldKind::Scalar(scalar) => scalar.as_str().to_owned(),
        FieldKind::Message(name) => name.clone(),
        FieldKind::Map { key, value, .. } => {
            let value = match value {
                MapValue::Scalar(scalar) => scalar.as_str(),
                MapValue::Message(name) => name,
                _ => "?",
            };
            format!("map<{}, {value}>", key.as_str())
        }
        _ => "?".to_owned(),
    }
}

fn nested_struct(data_type: &DataType) -> Option<&StructType> {
    match data_type {
        DataType::Struct(fields) => Some(fields),
        DataType::Array(array) => nested_struct(&array.element),
        DataType::Map(map) => nested_struct(&map.value),
        _ => None,
    }
}

/// Names and comments come from elsewhere: nothing in them may steer a terminal.
fn clean(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}
