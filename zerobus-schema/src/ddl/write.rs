use std::fmt::Write as _;

use crate::path::write_identifier;
use crate::schema::{StructField, StructType, TableSchema};
use crate::types::DataType;

/// Writes the table as a CREATE TABLE statement, one column a line, with a semicolon and a final newline.
///
/// What DDL has no words for is left out: field numbers, column-mapping ids, elements and map values that may
/// not be NULL. A table without a name is written as `IDENTIFIER(:table)`, a parameter that Databricks fills in.
#[must_use]
pub fn create_table(table: &TableSchema) -> String {
    let mut out = "CREATE TABLE ".to_owned();
    match &table.table {
        Some(name) => {
            for (i, part) in name.parts().iter().enumerate() {
                if i > 0 {
                    out.push('.');
                }
                // Before a parenthesis, the bare word is a function.
                if part.eq_ignore_ascii_case("identifier") {
                    let _ = write!(out, "`{part}`");
                } else {
                    let _ = write_identifier(&mut out, part);
                }
            }
        }
        None => out.push_str("IDENTIFIER(:table)"),
    }
    out.push_str(" (");
    for (i, column) in table.columns.fields.iter().enumerate() {
        out.push_str(if i == 0 { "\n  " } else { ",\n  " });
        write_column(&mut out, column);
    }
    out.push_str("\n)");
    if !table.partition_columns.is_empty() {
        out.push_str("\nPARTITIONED BY (");
        for (i, column) in table.partition_columns.iter().enumerate() {
            if i > 0 {
                out.push_str(", ");
            }
            let _ = write_identifier(&mut out, column);
        }
        out.push(')');
    }
    if let Some(comment) = &table.comment {
        out.push_str("\nCOMMENT ");
        write_string(&mut out, comment);
    }
    for (i, (key, value)) in table.properties.iter().enumerate() {
        out.push_str(if i == 0 {
            "\nTBLPROPERTIES (\n  "
        } else {
            ",\n  "
        });
        write_string(&mut out, key);
        out.push_str(" = ");
        write_string(&mut out, value);
    }
    if !table.properties.is_empty() {
        out.push_str("\n)");
    }
    out.push_str(";\n");
    out
}

fn write_column(out: &mut String, column: &StructField) {
    let _ = write_identifier(out, &column.name);
    out.push(' ');
    write_type(out, &column.data_type);
    write_not_null(out, column);
    let integer = |key: &str| column.metadata.get(key).and_then(serde_json::Value::as_i64);
    if let Some(expression) = column.generation_expression() {
        if super::is_closed_expression(expression) {
            let _ = write!(out, " GENERATED ALWAYS AS ({expression})");
        }
    } else if column.is_identity() {
        let explicit = column.metadata.get("delta.identity.allowExplicitInsert");
        let by_default = explicit.and_then(serde_json::Value::as_bool) == Some(true);
        let start = integer("delta.identity.start").unwrap_or(1);
        let step = integer("delta.identity.step").unwrap_or(1);
        let _ = write!(
            out,
            " GENERATED {} AS IDENTITY (START WITH {start} INCREMENT BY {step})",
            if by_default { "BY DEFAULT" } else { "ALWAYS" },
        );
    }
    let default = column.metadata.get("CURRENT_DEFAULT");
    if let Some(default) = default.and_then(serde_json::Value::as_str) {
        if super::is_whole_default(default) {
            let _ = write!(out, " DEFAULT {default}");
        } else if super::is_closed_expression(default) {
            let _ = write!(out, " DEFAULT ({default})");
        }
    }
    write_comment(out, column);
}

fn write_type(out: &mut String, data_type: &DataType) {
    match data_type {
        DataType::Array(array) => {
            out.push_str("ARRAY<");
            write_type(out, &array.element);
            out.push('>');
        }
        DataType::Map(map) => {
            out.push_str("MAP<");
            write_type(out, &map.key);
            out.push_str(", ");
            write_type(out, &map.value);
            out.push('>');
        }
        DataType::Struct(fields) => write_struct(out, fields),
        DataType::CollatedString(collation) => {
            out.push_str("STRING COLLATE ");
            let _ = write_identifier(out, collation);
        }
        // Its text may come from anywhere, so only what a type is made of goes through.
        DataType::Unsupported(text) => out.extend(
            text.chars()
                .filter(|c| c.is_ascii_alphanumeric() || " _(),:".contains(*c)),
        ),
        scalar => {
            let _ = write!(out, "{scalar}");
        }
    }
}

fn write_struct(out: &mut String, fields: &StructType) {
    out.push_str("STRUCT<");
    for (i, field) in fields.fields.iter().enumerate() {
        if i > 0 {
            out.push_str(", ");
        }
        let _ = write_identifier(out, &field.name);
        out.push_str(": ");
        write_type(out, &field.data_type);
        write_not_null(out, field);
        write_comment(out, field);
    }
    out.push('>');
}

fn write_not_null(out: &mut String, field: &StructField) {
    if !field.nullable {
        out.push_str(" NOT NULL");
    }
}

fn write_comment(out: &mut String, field: &StructField) {
    if let Some(comment) = field.comment() {
        out.push_str(" COMMENT ");
        write_string(out, comment);
    }
}

/// A string literal that every release of Spark reads alike: escapes with backslashes, no doubled quotes.
fn write_string(out: &mut String, text: &str) {
    out.push('\'');
    for c in text.chars() {
        match c {
            '\'' => out.push_str("\\'"),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() && u32::from(c) <= 0xffff => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('\'');
}

/// The type as Spark's `catalogString` has it, `struct<a:int,b:array<string>>`; Spark quotes no names in it, which makes
/// some of these texts impossible to read again.
pub(crate) fn catalog_string(data_type: &DataType, quoted: bool) -> String {
    let mut out = String::new();
    write_catalog_string(&mut out, data_type, quoted);
    out
}

fn write_catalog_string(out: &mut String, data_type: &DataType, quoted: bool) {
    match data_type {
        DataType::Array(array) => {
            out.push_str("array<");
            write_catalog_string(out, &array.element, quoted);
            out.push('>');
        }
        DataType::Map(map) => {
            out.push_str("map<");
            write_catalog_string(out, &map.key, quoted);
            out.push(',');
            write_catalog_string(out, &map.value, quoted);
            out.push('>');
        }
        DataType::Struct(fields) => {
            out.push_str("struct<");
            for (i, field) in fields.fields.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                if quoted {
                    let _ = write_identifier(out, &field.name);
                } else {
                    out.push_str(&field.name);
                }
                out.push(':');
                write_catalog_string(out, &field.data_type, quoted);
            }
            out.push('>');
        }
        DataType::CollatedString(collation) => {
            let _ = write!(out, "string collate {collation}");
        }
        scalar => out.push_str(&scalar.to_string().to_lowercase()),
    }
}
