use std::fmt::Write as _;

use zerobus_schema::mapping::Mapping;
use zerobus_schema::proto::{Field, FieldKind, Message};
use zerobus_schema::{DataType, Fingerprint, StructType, TableSchema};

use super::{message_of, proto_type};

/// One table for reading.
pub(super) fn human(kind: &str, table: &TableSchema, mapping: &Mapping) -> String {
    let name = table
        .table
        .as_ref()
        .map_or_else(|| "(no table name)".to_owned(), ToString::to_string);
    let count = table.columns.fields.len();
    let plural = if count == 1 { "" } else { "s" };
    let mut out = format!("{} ({kind}, {count} column{plural})\n", clean(&name));
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
                Some(label) => format!("{label} {}", proto_type(field)),
                None => proto_type(field),
            },
        );
        rows.push([
            column.number.map_or_else(String::new, |n| n.to_string()),
            format!("{}{}", "  ".repeat(depth), clean(&column.name)),
            format!("{}{null}", clean(&short_type(&column.data_type))),
            proto,
        ]);
        if let Some(nested) = nested_struct(&column.data_type) {
            let name = field.and_then(message_of);
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
